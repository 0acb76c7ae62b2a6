# SPDX-License-Identifier: MIT
# Tests of the driver's UAPI, run in the VM. The harness is the kernel's own, of the set-up.
ACCEL_DIR := tests/selftests/accel
ACCEL_TESTS := $(patsubst $(ACCEL_DIR)/%.c,%,$(filter-out %_util.c,$(wildcard $(ACCEL_DIR)/accel_*.c)))
ACCEL_BIN := $(ACCEL_TESTS:%=$(B)/tests/selftests/accel/%)
ACCEL_OBJ := $(ACCEL_TESTS:%=$(B)/obj/$(ACCEL_DIR)/%.c.o)
ACCEL_UTIL := $(addprefix $(B)/obj/$(ACCEL_DIR)/,accel_util.c.o accel_inject_util.c.o)

GUEST_TESTS += $(ACCEL_BIN)

$(ACCEL_OBJ) $(ACCEL_UTIL): CPPFLAGS += -I$(TOP)/include/uapi -isystem $(B)/kernel/selftests \
	-isystem /usr/include/libdrm
# The harness keeps a variable across longjmp() that is not volatile: an optimised test whose
# assertion fails would run the parent's teardown in the child.
$(ACCEL_OBJ): CFLAGS += -O0
$(ACCEL_OBJ): | $(B)/kernel/selftests/kselftest_harness.h

$(ACCEL_BIN): $(B)/tests/selftests/accel/%: $(B)/obj/$(ACCEL_DIR)/%.c.o $(ACCEL_UTIL)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -pthread -o $@ $^
