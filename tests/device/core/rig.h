/* SPDX-License-Identifier: MIT */
/*
 * One program, put together by hand, on one core: what the tests of Xdsa's
 * units share. S0 = scratchpad, A0 = operations, T0, T1, T2, A1 scratch; the
 * mbarrier is at the scratchpad's start.
 */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include "harness.h"

#define CODE 0x300000
#define CMDS 0x310000
#define OPS  0x320000
#define MAPS 0x330000
#define DATA 0x400000 /* 1 MiB: tensors */
#define OUT  0x600000 /* what a program leaves in its scratchpad */

#define SPAD     DSA_SCRATCHPAD_BASE
#define SPAD_BOX 0x1000 /* offset of boxes */

#define X_START(rs1)             r_type(0x2b, DSA_X_TENSOR, DSA_X_TENSOR_START, X0, rs1, X0)
#define X_DRAIN                  r_type(0x2b, DSA_X_TENSOR, DSA_X_TENSOR_DRAIN, X0, X0, X0)
#define X_MBAR(f7, rd, rs1, rs2) r_type(0x2b, DSA_X_MBAR, f7, rd, rs1, rs2)
#define X_MATRIX(f7, rs1)        r_type(0x2b, DSA_X_MATRIX, f7, X0, rs1, X0)

struct rig {
	struct dev *d;
	struct code k;
	uint64_t ops; /* HBM offset of the next operation */
};

struct rig rig_new(void);
/* An empty program. */
void rig_restart(struct rig *r);
/* Appends the start of an operation to the program. */
void rig_op(struct rig *r, const struct dsa_tensor_op *op);
void rig_bulk(struct rig *r, unsigned int op, uint64_t global, uint64_t spad, uint64_t bytes);
void rig_matrix(struct rig *r, const struct dsa_matrix_op *op);
void rig_mbar_init(struct rig *r);
void rig_mbar_expect(struct rig *r, uint32_t bytes);
void rig_arrive_and_wait(struct rig *r, unsigned int parity);
/* True: it ended well. */
bool rig_run(struct rig *r);
/* Modelled time of the last run. */
uint64_t rig_ns(struct rig *r);

/* BF16, sums in F32, tiles dense at these offsets of the scratchpad. */
#define TILE_A 0x10000
#define TILE_B 0x20000
#define TILE_D 0x30000
struct dsa_matrix_op bf16_op(unsigned int m, unsigned int n, unsigned int k);
/* Loads A and B from DATA, multiplies, stores D to OUT. */
bool run_matrix(struct rig *r, const struct dsa_matrix_op *op, bool wait);

void random_bytes(uint8_t *p, size_t n, uint64_t *seed);

#endif
