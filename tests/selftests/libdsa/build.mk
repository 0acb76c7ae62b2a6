# SPDX-License-Identifier: MIT
# Tests of libdsa. Those of the API run in the VM, those of its inside and its ABI on the host.

LIBDSA_TEST_DIR := tests/selftests/libdsa
LIBDSA_TESTS := device memory module stream fault stress print kernels counters cluster
LIBDSA_TEST_BINS := $(LIBDSA_TESTS:%=$(B)/$(LIBDSA_TEST_DIR)/libdsa_%)
LIBDSA_TEST_OBJS := $(LIBDSA_TESTS:%=$(B)/obj/$(LIBDSA_TEST_DIR)/libdsa_%.c.o)
LIBDSA_TEST_KERNELS := $(B)/obj/$(LIBDSA_TEST_DIR)/kernels.o
LIBDSA_PRINT_KERNELS := $(B)/obj/$(LIBDSA_TEST_DIR)/print_kernels.o

GUEST_TESTS += $(LIBDSA_TEST_BINS)

$(LIBDSA_TEST_OBJS): CPPFLAGS += -D_GNU_SOURCE -isystem $(B)/kernel/selftests
$(LIBDSA_TEST_OBJS): CFLAGS += -pthread
$(LIBDSA_TEST_OBJS): | $(B)/kernel/selftests/kselftest_harness.h

$(LIBDSA_TEST_KERNELS): $(LIBDSA_TEST_DIR)/kernels.c $(DSACC_DEPS) | $(HOST_READY)
	$(call say,DSACC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)tools/dsacc -c --name test -Wextra -Werror -o $@ $<

$(LIBDSA_PRINT_KERNELS): $(LIBDSA_TEST_DIR)/print_kernels.c $(LIBDSA_TEST_DIR)/print_cases.h $(DSACC_DEPS) | $(HOST_READY)
	$(call say,DSACC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)tools/dsacc -c --name print -Wextra -Werror -o $@ $<

$(B)/$(LIBDSA_TEST_DIR)/libdsa_print: $(LIBDSA_PRINT_KERNELS)
$(B)/$(LIBDSA_TEST_DIR)/libdsa_kernels: LDLIBS += -lm
$(B)/$(LIBDSA_TEST_DIR)/libdsa_kernels: | $(KERNEL_ELFS)
$(LIBDSA_TEST_BINS): $(B)/$(LIBDSA_TEST_DIR)/%: $(B)/obj/$(LIBDSA_TEST_DIR)/%.c.o $(LIBDSA_TEST_KERNELS) | $(B)/lib/libdsa.so
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -pthread -o $@ $^ -L$(B)/lib -ldsa -Wl,-rpath,'$$ORIGIN/../../../lib' $(LDLIBS)

# On the host, with ASan and UBSan: the inside that needs no device.
HOST_TESTS += $(addprefix $(B)/$(LIBDSA_TEST_DIR)/,host_inside host_print) $(TOP)/$(LIBDSA_TEST_DIR)/host_abi

LIBDSA_INSIDE_OBJS := $(patsubst %,$(B)/obj-asan/%.o,$(LIBDSA_TEST_DIR)/host_inside.c libdsa/va.c \
	libdsa/buddy.c libdsa/elf.c)

LIBDSA_HOST_PRINT_OBJS := $(patsubst %,$(B)/obj-asan/%.o,$(LIBDSA_TEST_DIR)/host_print.c libdsa/format.c \
	libdsa/reader.c)

$(LIBDSA_INSIDE_OBJS) $(LIBDSA_HOST_PRINT_OBJS): CPPFLAGS += $(LIBDSA_CPPFLAGS)
$(B)/$(LIBDSA_TEST_DIR)/host_inside: $(LIBDSA_INSIDE_OBJS) $(LIBDSA_TEST_KERNELS)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE_FLAGS) -o $@ $^

$(B)/$(LIBDSA_TEST_DIR)/host_print: $(LIBDSA_HOST_PRINT_OBJS)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE_FLAGS) -o $@ $^
