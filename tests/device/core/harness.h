/* SPDX-License-Identifier: MIT */
/*
 * A fake host for the device core: system memory as an array, interrupts as
 * counters, executor threads or none, and what a small driver needs: page
 * tables, rings, command buffers, kernels put together by hand.
 */
#ifndef TESTS_CORE_HARNESS_H
#define TESTS_CORE_HARNESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "dsa_core.h"
#include "hw/dsa_mmu.h"
#include "hw/dsa_regs.h"
#include "hw/dsa_ring.h"
#include "uapi/dsa_cmd.h"

#define RAM_BASE    0x100000000ull /* bus address of the array */
#define RAM_SIZE    (32u << 20)
#define HBM_SIZE    (64u << 20)
#define MAX_THREADS 8

/* Where things are, by convention; the rest is free for the test. */
#define RAM_RINGS  RAM_BASE              /* 64 KiB each; queues 0..7 and 32..39, modulo 8 */
#define RAM_FENCES (RAM_BASE + 0x100000) /* 8 bytes a queue */
#define RAM_TABLES (RAM_BASE + 0x200000) /* 1 MiB */
#define RAM_DATA   (RAM_BASE + 0x400000)
#define HBM_TABLES 0x0 /* 1 MiB */
#define HBM_DATA   0x200000
/* Mapped 1:1 for all of HBM by dev_new(), ASID 1, RWX, 2 MiB pages. */
#define VA_HBM 0x40000000ull
/* All of RAM, ASID 1, RW, 4 KiB pages. */
#define VA_RAM 0x80000000ull

struct dev {
	struct dsa_core *core;
	struct dsa_host_ops ops;
	struct dsa_core_config cfg;
	uint8_t *ram, *hbm;
	pthread_mutex_t bus;
	bool bus_held;                        /* under bus */
	unsigned int raised[DSA_NUM_VECTORS]; /* atomic */
	unsigned int dma_reads, dma_writes;   /* under bus */
	size_t dma_max;
	uint64_t fail_start, fail_end; /* DMA there fails */
	uint64_t fail_after;           /* DMA fails after so many, 0: never */
	void (*on_read)(struct dev *d, uint64_t addr, size_t len); /* after it */
	void (*on_write)(struct dev *d, uint64_t addr, size_t len);
	void *hook_arg;
	unsigned int log_lines; /* atomic */
	char last_log[256];
	uint64_t hbm_dirtied; /* atomic, bytes */
	uint64_t now;         /* atomic: what the core takes for host time; 0: the host's */

	pthread_mutex_t wake_lock;
	pthread_cond_t wake_cond;
	uint64_t wakes;
	bool quit;
	unsigned int threads;
	pthread_t thread[MAX_THREADS];

	uint64_t hbm_tables, ram_tables; /* bump allocators */
	uint32_t tail[DSA_NUM_QUEUES];
	uint64_t fence[DSA_NUM_QUEUES];
	uint64_t job;
};

extern const char *test_name;
extern bool test_failed;

void check_failed(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define CHECK(cond)                                                    \
	do {                                                           \
		if (!(cond))                                           \
			check_failed(__FILE__, __LINE__, "%s", #cond); \
	} while (0)

#define CHECK_EQ(a, b)                                                                        \
	do {                                                                                  \
		uint64_t a_ = (uint64_t)(a), b_ = (uint64_t)(b);                              \
		if (a_ != b_)                                                                 \
			check_failed(__FILE__, __LINE__, "%s is 0x%llx, not %s (0x%llx)", #a, \
				     (unsigned long long)a_, #b, (unsigned long long)b_);     \
	} while (0)

struct test {
	const char *name;
	void (*run)(void);
};
#define TEST(f)   { #f, f }
#define TESTS_END { NULL, NULL }

extern const struct test regs_tests[], queue_tests[], mmu_tests[], copy_tests[], launch_tests[],
	stress_tests[], save_tests[], fuzz_tests[], tensor_tests[], mbarrier_tests[],
	matrix_tests[], vector_tests[], wild_tests[], parallel_tests[], pace_tests[],
	counters_tests[], cluster_run_tests[], budget_tests[], cluster_tests[],
	cluster_transfer_tests[], convert_tests[], tensor_pages_tests[], tensor_im2col_tests[],
	tensor_gather_tests[], atomics_tests[], engine_tests[], queue_user_tests[], fault_tests[];

uint64_t clock_ns(void);
uint64_t rnd(uint64_t *state);

/* ---- device ---- */
void dev_config(struct dsa_core_config *cfg);
struct dev *dev_new(unsigned int threads);
/* Without threads; @debug is the core's ops->debug. */
struct dev *dev_new_debug(uint64_t (*debug)(void *host, struct dsa_debug *at));
struct dev *dev_new_with(const struct dsa_core_config *cfg, unsigned int threads);
void dev_free(struct dev *d);
void dev_start(struct dev *d, unsigned int threads);
void dev_stop(struct dev *d); /* joins the executor threads */
/* Until there is nothing to do (no threads), or idle (threads). */
void dev_run(struct dev *d);
void dev_map_default(struct dev *d, uint32_t asid);

uint32_t rd32(struct dev *d, uint64_t reg);
uint64_t rd64(struct dev *d, uint64_t reg);
void wr32(struct dev *d, uint64_t reg, uint32_t v);
void wr64(struct dev *d, uint64_t reg, uint64_t v);
void doorbell(struct dev *d, unsigned int q, uint32_t tail);
void bus_lock(struct dev *d);
void bus_unlock(struct dev *d);

/* ---- memory ---- */
void *ram_at(struct dev *d, uint64_t bus);
uint64_t table_new(struct dev *d, bool sys); /* as a table pointer */
void root_set(struct dev *d, uint32_t asid, uint64_t table);
/* Address of the entry for @va at @level; makes the tables above it. */
uint64_t *pte_at(struct dev *d, uint32_t asid, uint64_t va, unsigned int level, bool sys_tables);
void pte_set(uint64_t *pte, uint64_t value);
void map(struct dev *d, uint32_t asid, uint64_t va, uint64_t target, uint64_t flags,
	 unsigned int level);
void invalidate(struct dev *d, uint32_t asid, uint64_t va, uint64_t size);

/* ---- queues ---- */
void queue_config(struct dev *d, unsigned int q, uint32_t asid);
void queue_enable(struct dev *d, unsigned int q);
void queue_setup(struct dev *d, unsigned int q, uint32_t asid);
struct dsa_ring_packet *ring_slot(struct dev *d, unsigned int q, uint32_t i);
/* One EXEC with fence and interrupt; rung. Returns the fence value. */
uint64_t submit(struct dev *d, unsigned int q, uint64_t cmd_va, uint64_t size);
uint64_t fence_now(struct dev *d, unsigned int q);
bool wait_fence(struct dev *d, unsigned int q, uint64_t value);
bool wait_state(struct dev *d, unsigned int q, uint32_t state);

/* ---- command buffers: in HBM, VA_HBM + offset ---- */
struct cmds {
	struct dev *d;
	uint64_t offset, size;
};
struct cmds cmds_at(struct dev *d, uint64_t hbm_offset);
void cmd_copy(struct cmds *c, uint64_t dst, uint64_t src, uint64_t bytes);
void cmd_copy_2d(struct cmds *c, uint64_t dst, uint64_t src, uint64_t dp, uint64_t sp, uint64_t w,
		 uint64_t h);
void cmd_fill(struct cmds *c, uint64_t dst, uint64_t bytes, uint64_t pattern, uint32_t size);
void cmd_sem(struct cmds *c, uint16_t op, uint64_t va, uint64_t value, uint32_t flags);
void cmd_timestamp(struct cmds *c, uint64_t va);
void cmd_simple(struct cmds *c, uint16_t op);
struct dsa_cmd_launch *cmd_launch(struct cmds *c, uint64_t entry, uint64_t kernarg, uint32_t x,
				  uint32_t y, uint32_t z);
void cmd_raw(struct cmds *c, const void *p, size_t size);
uint64_t submit_cmds(struct cmds *c, unsigned int q);
/* Submits, runs to completion; true when the fence came. */
bool run_cmds(struct cmds *c, unsigned int q);
uint32_t err_code(struct dev *d, unsigned int q);

/* ---- kernels ---- */
struct code {
	struct dev *d;
	uint64_t offset; /* HBM */
	uint32_t count;
};
enum { X0, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5 };
struct code code_at(struct dev *d, uint64_t hbm_offset);
void emit(struct code *c, uint32_t insn);
uint32_t i_type(uint32_t op, uint32_t f3, uint32_t rd, uint32_t rs1, int32_t imm);
uint32_t s_type(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t imm);
uint32_t b_type(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t imm);
uint32_t r_type(uint32_t op, uint32_t f3, uint32_t f7, uint32_t rd, uint32_t rs1, uint32_t rs2);
#define ADDI(rd, rs, imm)      i_type(0x13, 0, rd, rs, imm)
#define SLLI(rd, rs, n)        i_type(0x13, 1, rd, rs, n)
#define LD(rd, rs, imm)        i_type(0x03, 3, rd, rs, imm)
#define SD(rs2, rs1, imm)      s_type(3, rs1, rs2, imm)
#define ADD(rd, a, b)          r_type(0x33, 0, 0, rd, a, b)
#define BNE(a, b, off)         b_type(1, a, b, off)
#define SYSRD(rd, sel)         i_type(0x0b, 0, rd, 0, sel)
#define RET                    i_type(0x67, 0, 0, RA, 0)
#define ECALL                  0x00000073u
#define EBREAK                 0x00100073u
#define LOOP_FOREVER           0x0000006fu
#define AMOADD_D(rd, rs2, rs1) r_type(0x2f, 3, 0, rd, rs1, rs2)

#endif
