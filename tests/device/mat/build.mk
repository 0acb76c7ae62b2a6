# SPDX-License-Identifier: MIT
# Tests of the matrix unit on the host: plain, and with ASan and UBSan; and its figures.
ifndef MAT_TEST_SRCS

include tests/device/num/build.mk

MAT_TEST_SRCS := tests/device/mat/main.c $(NUM_TEST_TAP)
MAT_TEST_OBJS := $(foreach o,obj obj-asan,$(call num_objs,$(o),tests/device/mat/main.c \
	tests/device/mat/bench.c))
$(MAT_TEST_OBJS): CFLAGS += $(NUM_CFLAGS)
$(MAT_TEST_OBJS): CPPFLAGS += -I$(TOP)/qemu-device/core

$(B)/tests/device/mat: $(call num_objs,obj,$(MAT_TEST_SRCS) $(MAT_SRCS) $(NUM_SRCS))
	$(call num_link)

$(B)/tests/device/mat-asan: $(call num_objs,obj-asan,$(MAT_TEST_SRCS) $(MAT_SRCS) $(NUM_SRCS))
	$(call num_link,$(SANITIZE_FLAGS))

$(B)/tests/device/mat-bench: $(call num_objs,obj,tests/device/mat/bench.c $(MAT_SRCS) $(NUM_SRCS))
	$(call num_link)

HOST_TESTS += $(B)/tests/device/mat $(B)/tests/device/mat-asan

endif
