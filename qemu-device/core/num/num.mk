# SPDX-License-Identifier: MIT
# Number formats: sources and flags. Nothing may be fused that the source does not fuse.
NUM_CFLAGS := -frounding-math -ffp-contract=off -fno-math-errno
NUM_SRCS := $(addprefix qemu-device/core/num/,blockfmt.c format.c isa.c plain.c row.c scalar.c vec_avx2.c \
	vec_avx512.c)
