# SPDX-License-Identifier: MIT
# The matrix unit: sources; flags as for num. Link with -lm (fma).
MAT_SRCS := $(addprefix qemu-device/core/mat/,check.c kern_avx2.c kern_avx512.c kern_plain.c pack.c ref.c run.c tile.c)
