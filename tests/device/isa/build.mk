# SPDX-License-Identifier: MIT
# Tests of the cores' instruction executor, on the host; all exist again with ASan and UBSan. isa (ref_test.c)
# compares with the qemu-riscv64 that set-up fetched.
ifndef ISA

ISA := tests/device/isa
ISA_OUT := $(B)/tests/device/isa
ISA_COMMON := $(ISA)/machine.c
ISA_REF_SRCS := $(addprefix $(ISA)/,ref_test.c gen.c guest.c) $(ISA_COMMON)
ISA_UNIT_SRCS := $(ISA)/unit_test.c $(ISA_COMMON)
ISA_VEC_SRCS := $(ISA)/vec_test.c $(ISA_COMMON)
ISA_FP_SRCS := $(ISA)/softfp_test.c $(ISA_COMMON)
ISA_ZFA_SRCS := $(ISA)/zfa_test.c $(ISA_COMMON)
ISA_BENCH_SRCS := $(addprefix $(ISA)/,rv_bench.c guest.c) $(ISA_COMMON)
$(B)/obj/$(ISA)/rv_bench.c.o: CFLAGS += -O3 -march=native

isa_objs = $(patsubst %.c,$(B)/$(1)/%.c.o,$(2))

ISA_ALL_SRCS := $(sort $(ISA_REF_SRCS) $(ISA_UNIT_SRCS) $(ISA_VEC_SRCS) $(ISA_FP_SRCS) $(ISA_ZFA_SRCS) $(ISA_BENCH_SRCS))
$(call isa_objs,obj,$(ISA_ALL_SRCS)) $(call isa_objs,obj-asan,$(ISA_ALL_SRCS)): \
	CPPFLAGS += -I$(TOP)/qemu-device/core/rv
$(call isa_objs,obj,$(ISA)/guest.c) $(call isa_objs,obj-asan,$(ISA)/guest.c): \
	CPPFLAGS += -DQEMU_RISCV64='"$(BABS)/qemu-user/qemu-riscv64"'
$(call isa_objs,obj,$(ISA)/softfp_test.c) $(call isa_objs,obj-asan,$(ISA)/softfp_test.c): \
	CFLAGS += $(RV_CFLAGS)

# $(call isa_program,NAME,SOURCES)
define isa_program
$(ISA_OUT)/$(1): $(call isa_objs,obj,$(2) $(RV_SRCS))
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) -o $$@ $$^ -lm -lpthread

$(ISA_OUT)/$(1)-asan: $(call isa_objs,obj-asan,$(2) $(RV_SRCS))
	$$(call say,LD-ASAN,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) $$(SANITIZE_FLAGS) -o $$@ $$^ -lm -lpthread
endef

$(eval $(call isa_program,isa,$(ISA_REF_SRCS)))
$(eval $(call isa_program,unit_test,$(ISA_UNIT_SRCS)))
$(eval $(call isa_program,vec_test,$(ISA_VEC_SRCS)))
$(eval $(call isa_program,softfp_test,$(ISA_FP_SRCS)))
$(eval $(call isa_program,zfa_test,$(ISA_ZFA_SRCS)))
$(eval $(call isa_program,rv_bench,$(ISA_BENCH_SRCS)))

# Programs for the cores: the one that also runs under qemu-riscv64, and the benchmark's.
ISA_CLANG := $(CLANG) --target=riscv64-linux-gnu -march=rv64imafdc -mabi=lp64d -mcmodel=medany -O2 \
	-Wall -Wextra -Werror -ffreestanding -fno-math-errno -fno-pic -static -nostdlib \
	-fuse-ld=lld-19

$(ISA_OUT)/isa_guest.elf: $(addprefix $(ISA)/guest/,enter.S runner.c programs.c proto.h) | $(HOST_READY)
	$(call say,CLANG,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(ISA_CLANG) -Wl,--image-base=0x7f0000 -Wl,--section-start=.progs=0x800000 \
		-Wl,--section-start=.names=0x801000 -o $@ $(filter %.S %.c,$^)

# The same with C that is vectorised.
$(ISA_OUT)/isa_vguest.elf: $(addprefix $(ISA)/guest/,enter.S runner.c vprograms.c proto.h) | $(HOST_READY)
	$(call say,CLANG,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(ISA_CLANG) -march=rv64gcv -O3 -Wno-unused-command-line-argument -c -o $@.vprograms.o $(ISA)/guest/vprograms.c
	$(Q)$(ISA_CLANG) -Wl,--image-base=0x7f0000 -Wl,--section-start=.progs=0x800000 \
		-Wl,--section-start=.names=0x801000 -o $@ $(filter %.S %runner.c,$^) $@.vprograms.o

$(ISA_OUT)/bench_guest.elf: $(addprefix $(ISA)/guest/,bench.c bench_v.c) | $(HOST_READY)
	$(call say,CLANG,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(ISA_CLANG) -march=rv64gcv -O3 -Wno-unused-command-line-argument -c -o $@.bench_v.o $(ISA)/guest/bench_v.c
	$(Q)$(ISA_CLANG) -Wl,--image-base=0x7f0000 -Wl,--section-start=.progs=0x800000 \
		-Wl,--section-start=.names=0x801000 -Wl,-e,0 -o $@ $< $@.bench_v.o

$(ISA_OUT)/isa $(ISA_OUT)/isa-asan: | $(ISA_OUT)/isa_guest.elf $(ISA_OUT)/isa_vguest.elf $(B)/qemu-user/.ready
$(ISA_OUT)/rv_bench: | $(ISA_OUT)/bench_guest.elf

HOST_TESTS += $(addprefix $(ISA_OUT)/,isa unit_test vec_test softfp_test zfa_test isa-asan unit_test-asan \
	vec_test-asan softfp_test-asan zfa_test-asan)

endif
