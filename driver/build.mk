# SPDX-License-Identifier: MIT
# The kernel module, built in $(B)/kbuild from links to the sources: several kernels and checkouts do
# not disturb each other, and the source tree stays clean.

DRIVER_SRC := $(wildcard driver/*.c driver/*.h driver/Kbuild driver/tests/*.c)
DRIVER_DEPS := $(DRIVER_SRC) $(wildcard include/hw/*.h include/uapi/drm/*.h)
DRIVER_KBUILD := $(BABS)/kbuild
DRIVER_MAKE = $(MAKE) -C $(KDIR) M=$(DRIVER_KBUILD)/driver $(if $(filter 0,$(V)),-s) modules

ALL += $(B)/driver/dsa_accel.ko

# Which kernel it was built for last; another one starts from an empty folder.
DRIVER_WAS := $(strip $(file <$(B)/kbuild/.kdir))
DRIVER_FOR := $(strip $(realpath $(KDIR)) $(file <$(KDIR)/include/config/kernel.release))
$(B)/kbuild/.kdir: $(if $(subst x$(DRIVER_WAS),,x$(DRIVER_FOR)),FORCE) $(if $(filter $(BABS)/kernel/kdir,$(KDIR)),$(B)/kernel/.ready)
	$(Q)[ -e $(KDIR)/Makefile ] || { \
		echo 'driver: $(KDIR) has no Makefile: give the folder of a built kernel or its headers as KDIR' >&2; exit 1; }
	$(Q)now="$$(readlink -f $(KDIR)) $$(cat $(KDIR)/include/config/kernel.release 2>/dev/null)"; \
	[ "$$now" = "$$(cat $@ 2>/dev/null)" ] || rm -rf $(DRIVER_KBUILD); \
	mkdir -p $(DRIVER_KBUILD) && echo "$$now" >$@

.PHONY: FORCE
FORCE:

# Links, and the sources as of now: a file that is gone must not stay.
$(B)/kbuild/.links: $(DRIVER_SRC) $(B)/kbuild/.kdir
	$(Q)mkdir -p $(DRIVER_KBUILD)/driver/tests
	$(Q)find $(DRIVER_KBUILD)/driver -type l -delete
	$(Q)ln -sfn $(TOP)/include $(DRIVER_KBUILD)/include
	$(Q)for file in $(DRIVER_SRC); do ln -sf $(TOP)/$$file $(DRIVER_KBUILD)/$$file; done
	$(Q)touch $@

$(B)/driver/dsa_accel.ko: $(B)/kbuild/.links $(DRIVER_DEPS) | $(HOST_READY)
	$(call say,KBUILD,$@)
	$(Q)+$(DRIVER_MAKE) W=1
	$(Q)mkdir -p $(@D)
	$(Q)cp $(DRIVER_KBUILD)/driver/*.ko $(@D)/

.PHONY: driver
driver: $(B)/driver/dsa_accel.ko ## build the kernel module
