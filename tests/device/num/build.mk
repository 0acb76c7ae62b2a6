# SPDX-License-Identifier: MIT
# Tests of the number formats on the host: plain, and with ASan and UBSan.
ifndef NUM_TEST_SRCS

NUM_TEST_TAP := tests/device/num/tap.c
NUM_TEST_SRCS := $(addprefix tests/device/num/,main.c blocks.c) $(NUM_TEST_TAP)

num_objs = $(patsubst %.c,$(B)/$(1)/%.c.o,$(2))
NUM_TEST_OBJS := $(foreach o,obj obj-asan,$(call num_objs,$(o),$(NUM_TEST_SRCS)))
$(NUM_TEST_OBJS): CFLAGS += $(NUM_CFLAGS)
$(NUM_TEST_OBJS): CPPFLAGS += -I$(TOP)/qemu-device/core

# $(call num_link,FLAGS)
define num_link
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(1) -o $@ $^ -lm -ldl
endef

$(B)/tests/device/num: $(call num_objs,obj,$(NUM_TEST_SRCS) $(NUM_SRCS))
	$(call num_link)

$(B)/tests/device/num-asan: $(call num_objs,obj-asan,$(NUM_TEST_SRCS) $(NUM_SRCS))
	$(call num_link,$(SANITIZE_FLAGS))

HOST_TESTS += $(B)/tests/device/num $(B)/tests/device/num-asan

endif
