# SPDX-License-Identifier: MIT
# The guest's tests on kernels that check themselves: tools/setup/debug-kernel builds them, one of each KIND.

DEBUG_KINDS := kasan kcsan
DEBUG_READY := $(DEBUG_KINDS:%=$(B)/debug/%/.ready)
DEBUG_DRIVERS := $(DEBUG_KINDS:%=$(B)/debug/%/driver/dsa_accel.ko)

# A build of minutes, which may share the jobs of this make.
$(DEBUG_READY): $(B)/debug/%/.ready: $(SETUP)/series $(SETUP)/debug-kernel $(wildcard $(SETUP)/debug/*) \
		| $(B)/.host-run $(B)/.host-debug
	+$(Q)$(SETUP)/debug-kernel $*

# A folder of its own, for it is another kernel.
$(DEBUG_DRIVERS): $(B)/debug/%/driver/dsa_accel.ko: $(B)/debug/%/.ready $(DRIVER_DEPS)
	+$(Q)$(MAKE) --no-print-directory B=$(B)/debug/$* KDIR=$(BABS)/debug/$*/kernel driver

.PHONY: debug-kernel
debug-kernel: $(B)/debug/kasan/driver/dsa_accel.ko ## a kernel with KASAN, lockdep, kmemleak, ..., and the driver for it

.PHONY: test-debug test-kcsan
test-debug: $(B)/.host-test $(ALL) $(GUEST_TESTS) $(B)/debug/kasan/driver/dsa_accel.ko ## the guest's tests, KUnit, failing allocations, on the debug kernel
	$(Q)tests/run --debug kasan --guest '$(GUEST_TESTS) $(TOP)/tests/debug/kunit'

test-kcsan: $(B)/.host-test $(ALL) $(GUEST_TESTS) $(B)/debug/kcsan/driver/dsa_accel.ko ## the guest's tests with KCSAN: data races
	$(Q)tests/run --debug kcsan --guest '$(GUEST_TESTS)'

CLEAN += $(DEBUG_KINDS:%=$(B)/debug/%/driver) $(DEBUG_KINDS:%=$(B)/debug/%/kbuild)
