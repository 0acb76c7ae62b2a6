# SPDX-License-Identifier: MIT
# Fuzz targets: the device's C with Clang's coverage, ASan and UBSan, driven by libFuzzer.
ifndef FUZZ

FUZZ := tests/device/fuzz
FUZZ_OUT := $(B)/tests/fuzz
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# What is written for GCC (intrinsics, loops for its vectoriser) is as in the other tests with ASan: no coverage, the same checks.
FUZZ_GCC_SRCS := $(filter %avx2.c %avx512.c %vec_loops_base.c,$(NUM_SRCS) $(MAT_SRCS) $(RV_SRCS))
fuzz_objs = $(patsubst %.c,$(B)/obj-fuzz/%.c.o,$(filter-out $(FUZZ_GCC_SRCS),$(1))) \
	$(patsubst %.c,$(B)/obj-asan/%.c.o,$(filter $(FUZZ_GCC_SRCS),$(1)))

FUZZ_EXEC_SRCS := $(FUZZ)/exec.c tests/device/isa/machine.c $(RV_SRCS)
FUZZ_DEVICE_SRCS := $(FUZZ)/device.c $(CORE_TEST_HARNESS) $(DSACORE_SRCS)

$(B)/obj-fuzz/%.c.o: %.c | $(B)/.host-test
	$(call say,CC-FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) -I$(TOP)/qemu-device/core -I$(TOP)/qemu-device/core/rv -I$(TOP)/tests/device/core \
		-I$(TOP)/tests/device/isa $(CFLAGS) $(RV_CFLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B)/obj-fuzz -name '*.d' 2>/dev/null)

define fuzz_link
	$(call say,LD-FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -fsanitize=fuzzer,address,undefined -o $@ $^ -lm -lpthread
endef

$(FUZZ_OUT)/exec: $(call fuzz_objs,$(FUZZ_EXEC_SRCS))
	$(fuzz_link)

$(FUZZ_OUT)/device: $(call fuzz_objs,$(FUZZ_DEVICE_SRCS))
	$(fuzz_link)

$(TOP)/$(FUZZ)/fuzz: | $(FUZZ_OUT)/exec $(FUZZ_OUT)/device
HOST_TESTS += $(TOP)/$(FUZZ)/fuzz

TIME ?= 60
.PHONY: fuzz
fuzz: $(FUZZ_OUT)/exec $(FUZZ_OUT)/device ## look for faults with the fuzz targets (TIME=seconds each, ONLY=exec or device)
	$(Q)$(FUZZ)/fuzz --time $(TIME) $(if $(ONLY),--only $(ONLY))

CLEAN += $(B)/obj-fuzz

endif
