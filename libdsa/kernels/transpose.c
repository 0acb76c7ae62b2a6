/* SPDX-License-Identifier: MIT */
/*
 * out = transposed in: in has rows x cols elements of 1, 2, 4 or 8 bytes, out
 * cols x rows. The tensor engine moves boxes, so memory is only ever read and
 * written in long rows; the elements change places in the scratchpad.
 *
 * Two boxes are under way: while one is turned, the next comes in and the one
 * before goes out.
 */
#include <dsa/kernel.h>
#include <riscv_vector.h>

#define EDGE      64 /* of a box, elements */
#define BOX_BYTES (EDGE * EDGE * 8)

struct scratch {
	struct dsa_mbarrier full[2];
	_Alignas(16) uint8_t in[2][BOX_BYTES];
	_Alignas(16) uint8_t out[2][BOX_BYTES];
};

static struct dsa_tensor_map map_of(const void *base, uint64_t pitch, uint32_t rows, uint32_t cols,
				    uint32_t size)
{
	return (struct dsa_tensor_map){
		.base = (uint64_t)base,
		.strides = { pitch * size },
		.dims = { cols, rows },
		.box = { EDGE, EDGE },
		.steps = { 1, 1 },
		.rank = 2,
		.type = size == 1 ? DSA_TYPE_U8 :
			size == 2 ? DSA_TYPE_U16 :
			size == 4 ? DSA_TYPE_U32 :
				    DSA_TYPE_U64,
	};
}

/*
 * Rows of out are columns of in: loads with a stride, as many elements at once
 * as a group of eight vector registers holds. (Of the plain loop the compiler
 * makes one for at least a whole register, more than the box has.)
 */
#define TURN(bits, out, in)                                                                    \
	do {                                                                                   \
		uint##bits##_t *o_ = (uint##bits##_t *)(out);                                  \
		const uint##bits##_t *i_ = (const uint##bits##_t *)(in);                       \
		for (size_t r_ = 0; r_ < EDGE; r_++)                                           \
			for (size_t c_ = 0, vl_; c_ < EDGE; c_ += vl_) {                       \
				vl_ = __riscv_vsetvl_e##bits##m8(EDGE - c_);                   \
				__riscv_vse##bits##_v_u##bits##m8(                             \
					o_ + r_ * EDGE + c_,                                   \
					__riscv_vlse##bits##_v_u##bits##m8(                    \
						i_ + c_ * EDGE + r_, EDGE * sizeof(*i_), vl_), \
					vl_);                                                  \
			}                                                                      \
	} while (0)

static void turn(void *out, const void *in, uint32_t size)
{
	switch (size) {
	case 1:
		TURN(8, out, in);
		break;
	case 2:
		TURN(16, out, in);
		break;
	case 4:
		TURN(32, out, in);
		break;
	default:
		TURN(64, out, in);
	}
}

static void load(struct scratch *s, unsigned int stage, const struct dsa_tensor_map *map,
		 int32_t row, int32_t col, uint32_t size)
{
	dsa_mbarrier_expect(&s->full[stage], EDGE * EDGE * size);
	dsa_tensor_load(s->in[stage], map, &s->full[stage], col, row);
	dsa_mbarrier_arrive(&s->full[stage]);
}

/* Pitches are in elements. A program takes every dsa_grid_size(0)-th box. */
DSA_KERNEL_SIZED(transpose, sizeof(struct scratch), 0, (void *, out), (const void *, in),
		 (uint32_t, rows), (uint32_t, cols), (uint64_t, out_pitch), (uint64_t, in_pitch),
		 (uint32_t, size))
{
	struct scratch *s = dsa_scratchpad();
	uint64_t across = (cols + EDGE - 1) / EDGE;
	uint64_t boxes = across * ((rows + EDGE - 1) / EDGE), step = dsa_grid_size(0), turn_no = 0;
	uint64_t box = dsa_program_id(0);

	if (size != 1 && size != 2 && size != 4 && size != 8)
		dsa_trap();
	if (box >= boxes)
		return;

	struct dsa_tensor_map from = map_of(in, in_pitch, rows, cols, size);
	struct dsa_tensor_map to = map_of(out, out_pitch, cols, rows, size);

	dsa_mbarrier_init(&s->full[0], 1);
	dsa_mbarrier_init(&s->full[1], 1);
	load(s, 0, &from, (int32_t)(box / across * EDGE), (int32_t)(box % across * EDGE), size);
	for (; box < boxes; box += step, turn_no++) {
		unsigned int stage = turn_no & 1;
		uint64_t next = box + step;

		if (next < boxes)
			load(s, !stage, &from, (int32_t)(next / across * EDGE),
			     (int32_t)(next % across * EDGE), size);
		dsa_mbarrier_wait(&s->full[stage], turn_no >> 1 & 1);
		/* Every other turn is enough: out[stage] was last stored from two turns ago. */
		if (stage == 0)
			dsa_stores_wait();
		turn(s->out[stage], s->in[stage], size);
		dsa_tensor_store(&to, s->out[stage], (int32_t)(box / across * EDGE),
				 (int32_t)(box % across * EDGE));
	}
}
