# SPDX-License-Identifier: MIT
# Tests of the device core on the host: plain, with ASan and UBSan, with TSan.
ifndef CORE_TEST_SRCS

CORE_TEST_HARNESS := tests/device/core/harness.c
CORE_TEST_SRCS := $(addprefix tests/device/core/,main.c regs.c queue.c queue_user.c mmu.c copy.c launch.c stress.c \
	save.c fuzz.c rig.c tensor.c tensor_model.c tensor_pages.c tensor_im2col.c \
	tensor_gather.c atomics.c mbarrier.c matrix.c vector.c wild.c convert.c convert_ref.c cluster.c cluster_transfer.c budget.c cluster_run.c counters.c pace.c parallel.c engine.c fault.c) $(CORE_TEST_HARNESS)
CORE_BENCH_SRCS := tests/device/core/bench.c $(CORE_TEST_HARNESS)

core_test_objs = $(patsubst %.c,$(B)/$(1)/%.c.o,$(2))
CORE_TEST_ALL_OBJS := $(foreach o,obj obj-asan obj-tsan,$(call \
	core_test_objs,$(o),$(sort $(CORE_TEST_SRCS) $(CORE_BENCH_SRCS))))
$(CORE_TEST_ALL_OBJS): CPPFLAGS += -I$(TOP)/qemu-device/core
# Each rounding is where the source says.
$(foreach o,obj obj-asan obj-tsan,$(call core_test_objs,$(o),tests/device/core/convert_ref.c)): CFLAGS += -ffp-contract=off

define core_test_link
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(1) -o $@ $^ -lm -lpthread
endef

$(B)/tests/device/core: $(call core_test_objs,obj,$(CORE_TEST_SRCS)) $(B)/lib/libdsacore.a
	$(call core_test_link,)

$(B)/tests/device/core-asan: $(call core_test_objs,obj-asan,$(CORE_TEST_SRCS)) $(B)/lib/libdsacore-asan.a
	$(call core_test_link,$(SANITIZE_FLAGS))

$(B)/tests/device/core-tsan: $(call core_test_objs,obj-tsan,$(CORE_TEST_SRCS)) $(B)/lib/libdsacore-tsan.a
	$(call core_test_link,$(TSAN_FLAGS))

$(B)/tests/device/core-bench: $(call core_test_objs,obj,$(CORE_BENCH_SRCS)) $(B)/lib/libdsacore.a
	$(call core_test_link,)

HOST_TESTS += $(B)/tests/device/core $(B)/tests/device/core-asan $(B)/tests/device/core-tsan

endif
