# SPDX-License-Identifier: MIT
# The guest's tests on the newest kernel of the next Debian release's users: series kernel-next.

NEXT := $(B)/next
NEXT_DRIVER := $(NEXT)/driver/dsa_accel.ko

$(B)/kernel-next/.ready: $(SETUP)/series $(SETUP)/kernel | $(B)/.host-run
	$(Q)$(SETUP)/kernel kernel-next

# A folder of its own, for it is another kernel.
$(NEXT_DRIVER): $(B)/kernel-next/.ready $(DRIVER_DEPS)
	$(Q)mkdir -p $(NEXT) && touch $(NEXT)/.host-run
	+$(Q)$(MAKE) --no-print-directory B=$(NEXT) KDIR=$(BABS)/kernel-next/kdir driver

.PHONY: kernel-next
kernel-next: $(NEXT_DRIVER) ## the newest kernel of the next Debian's backports, and the driver for it

.PHONY: test-next
test-next: $(ALL) $(GUEST_TESTS) $(NEXT_DRIVER) ## the guest's tests on that kernel (ONLY=word: those with it in their path)
	$(Q)DSA_MODULE=$(abspath $(NEXT_DRIVER)) tests/run --guest '$(GUEST_TESTS)' $(if $(ONLY),--only '$(ONLY)') \
		--vm-option=--kernel=$(B)/kernel-next/vmlinuz --vm-option=--driver=$(NEXT_DRIVER) \
		--vm-option=--modules=$(B)/kernel-next/modules/lib/modules/$$(cat $(B)/kernel-next/release)

CLEAN += $(NEXT)
