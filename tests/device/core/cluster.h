/* SPDX-License-Identifier: MIT */
/* Programs of clusters, put together by hand. */
#ifndef TESTS_CORE_CLUSTER_H
#define TESTS_CORE_CLUSTER_H

#include "harness.h"

#define CODE 0x300000
#define CMDS 0x310000
#define ARGS 0x320000 /* counters; operations from 0x100 on */
#define OUT  0x400000

#define SPAD  DSA_SCRATCHPAD_BASE
#define RANK0 DSA_CLUSTER_BASE
#define RANK2 (DSA_CLUSTER_BASE + 2 * DSA_CLUSTER_STRIDE)

enum { A6 = 16, A7, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, T3, T4, T5, T6 };

#define X_MBAR(f7, rd, rs1, rs2) r_type(0x2b, DSA_X_MBAR, f7, rd, rs1, rs2)
#define X_START(rs1)             r_type(0x2b, DSA_X_TENSOR, DSA_X_TENSOR_START, X0, rs1, X0)
#define X_DRAIN                  r_type(0x2b, DSA_X_TENSOR, DSA_X_TENSOR_DRAIN, X0, X0, X0)
#define X_ARRIVE                 r_type(0x2b, DSA_X_CLUSTER, DSA_X_CLUSTER_ARRIVE, X0, X0, X0)
#define X_WAIT                   r_type(0x2b, DSA_X_CLUSTER, DSA_X_CLUSTER_WAIT, X0, X0, X0)
#define BEQ(a, b, off)           b_type(0, a, b, off)
#define MUL(rd, a, b)            r_type(0x33, 0, 1, rd, a, b)
#define ANDI(rd, rs, imm)        i_type(0x13, 7, rd, rs, imm)

/* rd = v */
static inline void li(struct code *k, uint32_t rd, uint32_t v)
{
	if (v + 0x800 < 0x1000) {
		emit(k, ADDI(rd, X0, (int32_t)v));
		return;
	}
	emit(k, 0x37 | rd << 7 | ((v + 0x800) & 0xfffff000)); /* lui */
	emit(k, ADDI(rd, rd, (int32_t)(v << 20) >> 20));
}

/* Offset of a branch back to @label, which is a count of instructions. */
static inline int32_t back(const struct code *k, uint32_t label)
{
	return 4 * ((int32_t)label - (int32_t)k->count);
}

/* A branch forward; land() says where to. */
enum branch { IF_EQ, IF_NE };

static inline uint32_t skip(struct code *k, enum branch f3, uint32_t a, uint32_t b)
{
	emit(k, b_type(f3, a, b, 0));
	return k->count - 1;
}

static inline void land(struct code *k, uint32_t from)
{
	uint32_t insn;

	memcpy(&insn, k->d->hbm + k->offset + 4 * from, 4);
	insn |= b_type(0, 0, 0, 4 * (int32_t)(k->count - from)) & ~0x7fu;
	memcpy(k->d->hbm + k->offset + 4 * from, &insn, 4);
}

/* s0 = scratchpad, s1 = cluster's scratchpads, s2 = rank, s3 = size, s4 = program id (x), s5 = s0's window. */
static inline struct code begin(struct dev *d, uint64_t at)
{
	struct code k = code_at(d, at);

	li(&k, S0, 1);
	emit(&k, SLLI(S0, S0, 48));
	li(&k, S1, 0x101);
	emit(&k, SLLI(S1, S1, 40));
	emit(&k, SYSRD(S2, DSA_SYS_CLUSTER_RANK));
	emit(&k, SYSRD(S3, DSA_SYS_CLUSTER_SIZE));
	emit(&k, SYSRD(S4, DSA_SYS_PID_X));
	emit(&k, SLLI(S5, S2, 32));
	emit(&k, ADD(S5, S5, S1));
	return k;
}

/* rd = scratchpad of the rank in @rank */
static inline void peer(struct code *k, uint32_t rd, uint32_t rank)
{
	emit(k, SLLI(rd, rank, 32));
	emit(k, ADD(rd, rd, S1));
}

static inline void sync_all(struct code *k)
{
	emit(k, X_ARRIVE);
	emit(k, X_WAIT);
}

/* rd = (rank + n) mod size; size is a power of two */
static inline void neighbour(struct code *k, uint32_t rd, int32_t n)
{
	emit(k, ADDI(rd, S2, n));
	emit(k, ADDI(T6, S3, -1));
	emit(k, r_type(0x33, 7, 0, rd, rd, T6));
}

/* About @reg * 2 instructions; @reg becomes 0. */
static inline void spin(struct code *k, uint32_t reg)
{
	uint32_t out = skip(k, IF_EQ, reg, X0);

	emit(k, ADDI(reg, reg, -1));
	emit(k, BNE(reg, X0, -4));
	land(k, out);
}

/* out[program][word] = reg; 16 words a program */
static inline void put_out(struct code *k, uint32_t reg, unsigned int word)
{
	emit(k, SLLI(T6, S4, 7));
	emit(k, ADD(T6, T6, A0));
	emit(k, SD(reg, T6, (int32_t)word * 8));
}

static inline uint64_t *out_of(struct dev *d, unsigned int program)
{
	return (uint64_t *)(d->hbm + OUT) + program * 16ull;
}

/* All in dimension x. */
static inline struct dsa_cmd_launch *cluster_launch(struct cmds *c, uint64_t code, uint32_t grid,
						    uint32_t cluster)
{
	struct dsa_cmd_launch *l = cmd_launch(c, VA_HBM + code, VA_HBM + OUT, grid, 1, 1);

	l->cluster[0] = cluster;
	l->counters = VA_HBM + ARGS;
	return l;
}

static inline struct dev *cluster_dev(unsigned int threads)
{
	struct dev *d = dev_new(threads);

	queue_setup(d, 0, 1);
	return d;
}

/* Runs it on queue 0; true: it ended well. */
static inline bool run_cluster(struct dev *d, uint32_t grid, uint32_t cluster)
{
	struct cmds c = cmds_at(d, CMDS);

	cluster_launch(&c, CODE, grid, cluster);
	wr32(d, DSA_QREG(0, DSA_Q_COMMAND), DSA_QCMD_DISABLE);
	wait_state(d, 0, DSA_QSTATE_DISABLED);
	queue_setup(d, 0, 1);
	return run_cmds(&c, 0);
}

static inline const struct dsa_launch_counters *counters_of(struct dev *d)
{
	return (const struct dsa_launch_counters *)(d->hbm + ARGS);
}

#endif
