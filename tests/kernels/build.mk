# SPDX-License-Identifier: MIT
# Tests of the kernel library in dsa-sim, against references compiled for the host.

HOST_TESTS += $(addprefix $(TOP)/tests/kernels/,kernels packed units tensors)

$(addprefix $(TOP)/tests/kernels/,kernels packed units tensors): | $(B)/bin/dsa-sim $(KERNEL_ELFS) $(B)/tests/kernels/ref.so \
	$(B)/tests/kernels/roofline.elf

# -ffp-contract=off: each rounding is where the source says.
$(B)/tests/kernels/ref.so: tests/kernels/ref.c tests/kernels/ref_packed.c tests/device/core/convert_ref.c \
		$(wildcard libdsa/kernels/*.h) include/uapi/dsa_cmd.h | $(HOST_READY)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -I$(TOP)/include/uapi $(CFLAGS) -O3 -ffp-contract=off -shared -fPIC -o $@ $(filter %.c,$^) -lm

$(B)/tests/kernels/roofline.elf: tests/kernels/roofline.c $(DSACC_DEPS) | $(HOST_READY)
	$(call say,DSACC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)tools/dsacc -march=rv64gcv_zba_zbb_zbs -Wextra -Werror -o $@ $<
