# SPDX-License-Identifier: MIT
# The kernel library: a module for each source, loaded by programs from lib/dsa/kernels.

KERNELS := axpy convert gemm gemm_block reduce softmax transpose
KERNEL_ELFS := $(KERNELS:%=$(B)/kernels/%.elf)

ALL += $(KERNEL_ELFS)
CLEAN += $(B)/kernels

$(B)/kernels/%.elf: libdsa/kernels/%.c $(wildcard libdsa/kernels/*.h) $(DSACC_DEPS) | $(HOST_READY)
	$(call say,DSACC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)tools/dsacc -march=rv64gcv_zba_zbb_zbs -Wextra -Werror -o $@ $<

.PHONY: kernels
kernels: $(KERNEL_ELFS) ## build the kernel library
