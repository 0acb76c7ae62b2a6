/* SPDX-License-Identifier: MIT */
/* What a conversion computes, straight from docs/numerics.md; shares nothing with the device. */
#ifndef CONVERT_REF_H
#define CONVERT_REF_H

#include <stdint.h>

#include "uapi/dsa_cmd.h"

/* Carries out @op on what stands for the scratchpad. */
void convert_ref(uint8_t *spad, const struct dsa_convert_op *op);

#endif
