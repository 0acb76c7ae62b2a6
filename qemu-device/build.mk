# SPDX-License-Identifier: MIT
# The device core as a library. QEMU's own build compiles the same sources.

include qemu-device/core/rv/flags.mk qemu-device/core/num/num.mk qemu-device/core/mat/mat.mk

CORE_SRCS := $(addprefix qemu-device/core/,atomic.c cluster.c convert.c copy.c core.c cost.c counters.c deadlock.c debug.c \
	elem.c engine.c fault.c frontend.c irq.c launch.c log.c matrix.c mbarrier.c mmu.c pace.c queue.c regs.c reset.c save.c sched.c \
	telemetry.c tensor.c tensor_box.c tensor_check.c tensor_copy.c tensor_im2col.c tensor_rows.c unit.c xdsa.c)

DSACORE_SRCS := $(CORE_SRCS) $(RV_SRCS) $(NUM_SRCS) $(MAT_SRCS)
DSACORE_OBJS := $(patsubst %.c,$(B)/obj/%.c.o,$(DSACORE_SRCS))
DSACORE_ASAN_OBJS := $(patsubst %.c,$(B)/obj-asan/%.c.o,$(DSACORE_SRCS))
DSACORE_TSAN_OBJS := $(patsubst %.c,$(B)/obj-tsan/%.c.o,$(DSACORE_SRCS))
RV_OBJS := $(foreach o,obj obj-asan obj-tsan,$(patsubst %.c,$(B)/$(o)/%.c.o,$(RV_SRCS)))

NUM_OBJS := $(foreach o,obj obj-asan obj-tsan,$(patsubst %.c,$(B)/$(o)/%.c.o,$(NUM_SRCS) $(MAT_SRCS)))

$(RV_OBJS): CFLAGS += $(RV_CFLAGS)
$(NUM_OBJS): CFLAGS += $(NUM_CFLAGS)
$(DSACORE_OBJS) $(DSACORE_ASAN_OBJS) $(DSACORE_TSAN_OBJS): CPPFLAGS += -I$(TOP)/qemu-device/core

TSAN_FLAGS := -fsanitize=thread -fno-omit-frame-pointer

$(B)/obj-tsan/%.c.o: %.c | $(HOST_READY)
	$(call say,CC-TSAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(TSAN_FLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B)/obj-tsan -name '*.d' 2>/dev/null)

define dsacore_archive
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
endef

$(B)/lib/libdsacore.a: $(DSACORE_OBJS)
	$(dsacore_archive)

$(B)/lib/libdsacore-asan.a: $(DSACORE_ASAN_OBJS)
	$(dsacore_archive)

$(B)/lib/libdsacore-tsan.a: $(DSACORE_TSAN_OBJS)
	$(dsacore_archive)

.PHONY: core
core: $(B)/lib/libdsacore.a ## the device core alone

ALL += $(B)/lib/libdsacore.a
CLEAN += $(B)/obj-asan $(B)/obj-pic $(B)/obj-tsan

include tests/device/core/build.mk
