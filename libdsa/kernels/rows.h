/* SPDX-License-Identifier: MIT */
/* Boxes of packed rows as the tensor engine moves them: as bytes, whatever they mean. */
#ifndef DSA_KERNELS_ROWS_H
#define DSA_KERNELS_ROWS_H

#include <dsa/kernel.h>

/* Of @rows rows, @bytes long, @pitch apart; boxes of @box_rows x @box_bytes. */
static inline struct dsa_tensor_map rows_map(const void *base, uint64_t pitch, uint32_t rows,
					     uint64_t bytes, uint32_t box_rows, uint32_t box_bytes)
{
	return (struct dsa_tensor_map){
		.base = (uint64_t)base,
		.strides = { pitch },
		.dims = { (uint32_t)bytes, rows },
		.box = { (uint16_t)box_bytes, (uint16_t)box_rows },
		.steps = { 1, 1 },
		.rank = 2,
		.type = DSA_TYPE_U8,
	};
}

#endif /* DSA_KERNELS_ROWS_H */
