# SPDX-License-Identifier: MIT
# Benchmarks; `make bench` runs tests/bench/run.
BENCHES += $(B)/tests/bench/bench_host $(B)/tests/bench/bench_guest $(B)/tests/bench/bench_kernels.elf

$(B)/tests/bench/bench_host: $(B)/obj/tests/bench/bench_host.c.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^

$(B)/obj/tests/bench/bench_guest.c.o: CPPFLAGS += -Iinclude
$(B)/tests/bench/bench_guest: $(B)/obj/tests/bench/bench_guest.c.o $(B)/lib/libdsa.so
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $< -L$(B)/lib -ldsa -Wl,-rpath,'$$ORIGIN/../../lib'

$(B)/tests/bench/bench_kernels.elf: tests/bench/bench_kernels.c $(DSACC_DEPS) | $(HOST_READY)
	$(call say,DSACC,$@)
	$(Q)mkdir -p $(@D) && tools/dsacc -o $@ $<
