# SPDX-License-Identifier: MIT
# dsa-sim: the device core as a command; the same again with ASan and UBSan for its test.

SIM_SRCS := $(addprefix tools/sim/,bare.c buffer.c counters.c device.c elf.c error.c gdb.c gdb_break.c gdb_packet.c gdb_regs.c hook.c machine.c main.c memory.c \
	options.c report.c run.c trace.c waits.c)
SIM_OBJS := $(SIM_SRCS:%.c=$(B)/obj/%.c.o)
SIM_ASAN_OBJS := $(SIM_SRCS:%.c=$(B)/obj-asan/%.c.o)

ALL += $(B)/bin/dsa-sim

$(SIM_OBJS) $(SIM_ASAN_OBJS): CPPFLAGS += -I$(TOP)/qemu-device/core

$(B)/bin/dsa-sim: $(SIM_OBJS) $(B)/lib/libdsacore.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lm -lpthread

$(B)/tests/tools/dsa-sim-asan: $(SIM_ASAN_OBJS) $(B)/lib/libdsacore-asan.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE_FLAGS) -o $@ $^ -lm -lpthread

.PHONY: dsa-sim
dsa-sim: $(B)/bin/dsa-sim
