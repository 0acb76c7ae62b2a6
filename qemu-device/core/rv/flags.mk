# SPDX-License-Identifier: MIT
# Flags for qemu-device/core/rv/*.c. The code is correct without them on
# GCC (floating point goes through memory between handlers); they only state
# the assumption and let sqrt and fma become single instructions.
RV_CFLAGS := -frounding-math -ffp-contract=off -fno-math-errno
# Link with -lm (fma, sqrt on hosts without the instructions).
RV_SRCS := qemu-device/core/rv/rv.c qemu-device/core/rv/block.c \
	qemu-device/core/rv/decode.c qemu-device/core/rv/dest.c qemu-device/core/rv/disasm.c \
	qemu-device/core/rv/exec_fma.c qemu-device/core/rv/exec_base.c \
	qemu-device/core/rv/mem.c qemu-device/core/rv/ops.c \
	qemu-device/core/rv/softfp.c qemu-device/core/rv/half.c qemu-device/core/rv/zfa.c $(addprefix qemu-device/core/rv/vec_,cfg.c int.c mem.c fp.c \
	red.c mask.c perm.c loops_base.c loops_avx2.c loops_avx512.c)
