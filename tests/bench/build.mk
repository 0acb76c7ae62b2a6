# SPDX-License-Identifier: MIT
# Benchmarks; `make bench` runs tests/bench/run.
BENCHES += $(B)/.host-bench $(addprefix $(B)/tests/bench/,bench_host bench_blas bench_vector bench_guest bench_driver bench_kernels.elf)

$(B)/tests/bench/bench_host: $(B)/obj/tests/bench/bench_host.c.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^

# References: another's matrix product, and the kernel library's plain C compiled for this very machine.
$(B)/obj/tests/bench/bench_blas.c.o: | $(B)/.host-bench
$(B)/tests/bench/bench_blas: $(B)/obj/tests/bench/bench_blas.c.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ -lopenblas

$(B)/tests/bench/bench_vector: tests/bench/bench_vector.c tests/bench/native/dsa/kernel.h $(wildcard libdsa/kernels/*.c) | $(B)/.host-bench
	$(call say,CLANG,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(CFLAGS) -O3 -march=native -fno-math-errno -I. -Itests/bench/native -o $@ $< -lpthread

$(B)/obj/tests/bench/bench_guest.c.o: CPPFLAGS += -Iinclude
$(B)/tests/bench/bench_guest: $(B)/obj/tests/bench/bench_guest.c.o $(B)/lib/libdsa.so
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $< -L$(B)/lib -ldsa -Wl,-rpath,'$$ORIGIN/../../lib'

# The driver's own interface, without libdsa: what the tests of it use.
$(B)/obj/tests/bench/bench_driver.c.o: CPPFLAGS += -I$(TOP)/include/uapi -isystem /usr/include/libdrm -Itests/selftests/accel
$(B)/tests/bench/bench_driver: $(B)/obj/tests/bench/bench_driver.c.o $(B)/obj/tests/selftests/accel/accel_util.c.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^

$(B)/tests/bench/bench_kernels.elf: tests/bench/bench_kernels.c $(DSACC_DEPS) | $(HOST_READY)
	$(call say,DSACC,$@)
	$(Q)mkdir -p $(@D) && tools/dsacc -o $@ $<

BENCHES += $(B)/tests/bench/bench_recover
$(B)/obj/tests/bench/bench_recover.c.o: CPPFLAGS += -I$(TOP)/include/uapi -isystem /usr/include/libdrm
$(B)/tests/bench/bench_recover: $(B)/obj/tests/bench/bench_recover.c.o $(B)/obj/tests/selftests/accel/accel_util.c.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -pthread -o $@ $^
