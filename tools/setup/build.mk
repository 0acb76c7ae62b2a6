# SPDX-License-Identifier: MIT
# What comes from Debian: host packages, kernel, QEMU's source; and QEMU itself.

SETUP := tools/setup

##@ Parts
.PHONY: setup
setup: $(B)/.host-run $(B)/kernel/.ready $(B)/qemu/.source ## install host packages, fetch and unpack kernel and QEMU source

# The stamps hang on what names the packages, and on whether they are still installed is for apt.
$(B)/.host-run $(B)/.host-test $(B)/.host-check $(B)/.host-bench $(B)/.host-debug: $(B)/.host-%: $(SETUP)/packages
	$(Q)mkdir -p $(@D)
	$(Q)$(SETUP)/host-packages $*
	$(Q)touch $@

$(B)/kernel/.ready: $(SETUP)/series | $(B)/.host-run
	$(Q)$(SETUP)/kernel

$(B)/kernel/selftests/.ready: $(SETUP)/series | $(B)/.host-run $(B)/kernel/.ready
	$(Q)$(SETUP)/kernel-source

# Files of those that others name as prerequisites.
$(B)/kernel/vmlinuz $(B)/kernel/kdir $(B)/kernel/release: $(B)/kernel/.ready ;
$(B)/kernel/selftests/kselftest.h $(B)/kernel/selftests/kselftest_harness.h: $(B)/kernel/selftests/.ready ;

$(B)/qemu/.source: $(SETUP)/series | $(B)/.host-run
	$(Q)$(SETUP)/qemu-source

$(B)/qemu-user/.ready: $(SETUP)/series | $(B)/.host-run
	$(Q)$(SETUP)/qemu-user

QEMU_SOURCES := $(wildcard $(addprefix qemu-device/,hw-dsa/* core/*.[ch] core/*/*) include/hw/* include/uapi/*.h)

$(B)/qemu/qemu-system-x86_64: $(B)/qemu/.source $(SETUP)/qemu-build $(QEMU_SOURCES)
	$(Q)$(SETUP)/qemu-build

.PHONY: qemu
qemu: $(B)/qemu/qemu-system-x86_64 ## QEMU with the device

ALL += $(if $(call ours,$(QEMU)),$(B)/qemu/qemu-system-x86_64) $(if $(call ours,$(KERNEL)),$(B)/kernel/.ready)
