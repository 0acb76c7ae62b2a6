/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hart of a compute core: RV64GCV, user level, no traps (docs/isa.md). An
 * exception ends the program with a precise fault record.
 *
 * One thread at a time owns a hart and may call anything here; the only call
 * allowed from other threads is rv_stop(). The embedding code provides
 * translations (fill), accesses to memory that has no host pointer (read,
 * write, amo) and the modelled clock (sys_read). These callbacks run on the
 * owner's thread inside rv_run(), with the host's own floating point
 * environment.
 */
#ifndef DSA_CORE_RV_H
#define DSA_CORE_RV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RV_PAGE_SHIFT  12
#define RV_PAGE_SIZE   (1u << RV_PAGE_SHIFT)
#define RV_TLB_BITS    9
#define RV_TLB_SIZE    (1u << RV_TLB_BITS)
#define RV_RANGES      16
#define RV_JCACHE_BITS 10
#define RV_JCACHE_SIZE (1u << RV_JCACHE_BITS)
#define RV_SYS_COUNT   32
#define RV_VLEN_MIN    128
#define RV_VLEN_MAX    65536

/* Access rights and kinds. */
enum rv_access {
	RV_READ = 1,
	RV_WRITE = 2,
	RV_EXEC = 4,
};

/* Numbers of the privileged specification (mcause). */
enum rv_cause {
	RV_CAUSE_FETCH_MISALIGNED = 0,
	RV_CAUSE_FETCH_ACCESS = 1,
	RV_CAUSE_ILLEGAL = 2,
	RV_CAUSE_EBREAK = 3,
	RV_CAUSE_LOAD_MISALIGNED = 4, /* LR */
	RV_CAUSE_LOAD_ACCESS = 5,
	RV_CAUSE_STORE_MISALIGNED = 6, /* SC and AMO */
	RV_CAUSE_STORE_ACCESS = 7,
	RV_CAUSE_ECALL = 8,
	RV_CAUSE_FETCH_PAGE = 12,
	RV_CAUSE_LOAD_PAGE = 13,
	RV_CAUSE_STORE_PAGE = 15,
	RV_CAUSE_EXT = 24, /* an extension's: custom use */
};

enum rv_exit {
	RV_EXIT_BUDGET, /* budget used up; run again to go on */
	RV_EXIT_DONE,   /* the program jumped to the exit address */
	RV_EXIT_FAULT,  /* see hart->fault; pc is at the faulting instruction */
	RV_EXIT_STOP,   /* rv_stop(); run again (after rv_clear_stop()) to go on */
	RV_EXIT_YIELD,  /* an extension instruction waits; run again to retry it */
};

struct rv_fault {
	enum rv_cause cause;
	enum rv_access access; /* of memory faults; else 0 */
	uint32_t code;         /* as given by fill, read or write; else 0 */
	uint32_t insn;         /* 16 bits when compressed; 0 when it could not be read */
	uint64_t pc;
	uint64_t addr; /* first byte that could not be accessed; else 0 */
};

/*
 * All architectural state but the vector registers (hart->v); may be copied
 * out and in between two rv_run(). x[32] absorbs writes to x0 and means nothing.
 */
struct rv_arch {
	uint64_t x[33];
	uint64_t pc;
	uint64_t f[32];
	uint32_t fcsr;
	uint32_t res_size; /* LR/SC reservation: 0 = none, else 4 or 8 */
	uint64_t res_addr;
	uint64_t res_value;
	uint64_t instret;
	/* Vector CSRs; the registers are hart->v, 32 of vlenb bytes. */
	uint64_t vl;
	uint64_t vtype;
	uint64_t vstart;
	uint32_t vxrm;
	uint32_t vxsat;
};

enum rv_fill_result {
	RV_FILL_OK,
	RV_FILL_PAGE_FAULT,   /* translation missing or lacks the right */
	RV_FILL_ACCESS_FAULT, /* translation leads nowhere */
};

struct rv_tlb_fill {
	uint64_t va;   /* of the range: page aligned, holds the address asked for */
	uint64_t size; /* multiple of RV_PAGE_SIZE; large leaves may say so */
	void *host;    /* of byte @va; NULL: every access by read()/write() */
	uint32_t perm; /* RV_READ | ... that need no further fill() */
	uint32_t code; /* when it failed: repeated in the fault record */
};

enum rv_amo_op {
	RV_AMO_SWAP,
	RV_AMO_ADD,
	RV_AMO_XOR,
	RV_AMO_AND,
	RV_AMO_OR,
	RV_AMO_MIN,
	RV_AMO_MAX,
	RV_AMO_MINU,
	RV_AMO_MAXU,
	RV_AMO_CAS, /* SC: store @val if memory holds *@old */
};

/* An extension instruction at hand; see rv_config.ext. */
struct rv_ext {
	uint32_t insn;
	uint64_t rs1, rs2; /* values */
	uint64_t instret;  /* instructions before it */
	uint64_t rd;       /* result, zero at first */
	bool wait;         /* result: nothing was done, rv_run() yields and retries it later */
	uint32_t code;     /* of a fault, with access and addr */
	enum rv_access access;
	uint64_t addr;
};

struct rv_config {
	void *opaque;
	enum rv_fill_result (*fill)(void *opaque, uint64_t va, enum rv_access access,
				    struct rv_tlb_fill *out);
	/*
	 * Ranges without host pointer. 1 to 8 bytes, any alignment, never
	 * across a page. @access is RV_READ, or RV_EXEC for instructions.
	 * Return 0 or a code for the fault record.
	 */
	uint32_t (*read)(void *opaque, uint64_t va, enum rv_access access, void *buf,
			 unsigned int size);
	uint32_t (*write)(void *opaque, uint64_t va, const void *buf, unsigned int size);
	/*
	 * Atomic there, size 4 or 8, naturally aligned, values zero-extended;
	 * *old is the value found. NULL: such accesses are access faults with
	 * code amo_code.
	 */
	uint32_t (*amo)(void *opaque, uint64_t va, unsigned int size, enum rv_amo_op op,
			uint64_t val, uint64_t *old);
	uint32_t amo_code;
	/*
	 * Value of selector @sel (clock or cycles, include/uapi/dsa_cmd.h)
	 * after @instret instructions. NULL: @instret.
	 */
	uint64_t (*sys_read)(void *opaque, unsigned int sel, uint64_t instret);

	/*
	 * Executes an extension instruction (custom-1). False: it faults, with
	 * code, access and addr filled in. NULL: they are illegal.
	 */
	bool (*ext)(void *opaque, struct rv_ext *x);

	uint64_t exit_addr;  /* DSA_CORE_EXIT_ADDR */
	uint64_t spad_va;    /* page aligned */
	uint64_t spad_size;  /* bytes, multiple of 16 */
	void *spad;          /* host pointer; not owned; R, W, not X */
	uint64_t memory_end; /* what vector instructions move below it is counted */
	uint32_t vlen;       /* bits of a vector register; power of two, RV_VLEN_MIN .. _MAX */
	uint32_t
		lane_bits; /* that the modelled vector unit works on at once; power of two, 64 and up */
};

/* Where a vector load or store goes: where there is a host pointer, or elsewhere. */
enum rv_vec_memory {
	RV_VEC_HOST_READ,
	RV_VEC_HOST_WRITTEN,
	RV_VEC_OTHER_READ,
	RV_VEC_OTHER_WRITTEN,
	RV_VEC_MEMORIES
};

struct rv_op;
struct rv_block;
struct rv_vloops;

struct rv_tlb_entry {
	uint64_t rtag; /* page address, or 1: none */
	uint64_t wtag;
	uint64_t addend; /* host pointer = va + addend */
	uint64_t pad;
};

struct rv_range {
	uint64_t va;
	uint64_t size; /* 0: unused */
	uint8_t *host;
	uint32_t perm;
};

struct rv_jcache {
	uint64_t pc; /* 1: none */
	struct rv_block *block;
};

struct rv_hart {
	struct rv_arch arch;
	/*
	 * Vector registers, allocated by rv_hart_init(). Whoever writes to them
	 * sets v_used: only then does rv_reset() clear them.
	 */
	uint8_t *v;
	uint32_t vlenb;
	uint32_t lane_shift; /* log2 of lane_bits */
	bool v_used;
	/* Of vector instructions since rv_reset(); vset{i}vl{i} are none. */
	uint64_t vec_insns;
	uint64_t vec_elements; /* processed */
	uint64_t vec_beats;    /* cycles beyond their first, lane_bits of elements each */
	uint64_t vec_bytes;    /* loaded and stored below cfg.memory_end */
	uint64_t vec_moved[RV_VEC_MEMORIES]; /* the same by enum rv_vec_memory */
	/* Set by any thread, read by the owner; relaxed atomics. */
	uint32_t stop;

	/* Private to the executor from here on, but for fault and sys. */
	uint8_t *spad;
	uint64_t spad_va;
	uint64_t spad_lim;      /* offsets below allow 8 bytes */
	int64_t left;           /* of the present slice, at entry and exit of exec */
	int64_t spare;          /* of the budget, beyond the slice */
	uint64_t instret_final; /* instret when the budget is used up */
	uint64_t instret_end;   /* instret when the slice is used up */
	uint64_t now;           /* instret, valid while an extension handler runs */
	uint32_t flush_count;
	uint32_t code_frm; /* blocks were decoded for this frm */
	uint32_t host_env; /* host's floating point control while in rv_run() */
	bool fp_code;      /* code was decoded that may use the host's floating point */
	const void *const *labels;
	enum rv_exit (*exec)(struct rv_hart *h);
	struct rv_fault fault;
	uint64_t sys[RV_SYS_COUNT]; /* values of the program's selectors */
	struct rv_config cfg;
	uint64_t code_lo, code_hi; /* VA range that blocks were decoded from */
	uint8_t *arena;
	size_t arena_used;
	struct rv_block *step; /* for the last, partial block of a budget */
	uint32_t range_next;
	uint8_t range_last;     /* index of the latest one found */
	uint8_t range_hint[32]; /* and of that where a vector register was loaded or stored */
	bool tlb_used;
	/* From arch.vtype: logarithms of the element's bytes and of the group size. */
	bool vill;
	int8_t vsew, vlmul;
	uint64_t vlmax;
	const struct rv_vloops *vloops;
	uint8_t *vscratch;
	struct rv_range ranges[RV_RANGES];
	struct rv_tlb_entry tlb[RV_TLB_SIZE];
	struct rv_jcache jcache[RV_JCACHE_SIZE];
	struct rv_block *hash[RV_JCACHE_SIZE];
};

/* Host memory is allocated here and nowhere later. False: out of memory. */
bool rv_hart_init(struct rv_hart *h, const struct rv_config *cfg);
void rv_hart_fini(struct rv_hart *h);

/* All registers zero; pc and the rest of a program's start are the caller's. */
void rv_reset(struct rv_hart *h);

/*
 * Runs exactly @budget instructions unless something ends the run earlier.
 * budget 1 is a single step.
 */
enum rv_exit rv_run(struct rv_hart *h, uint64_t budget);

/*
 * From any thread: rv_run() returns RV_EXIT_STOP within microseconds (a few
 * ten thousand instructions, or the callback that is under way).
 */
static inline void rv_stop(struct rv_hart *h)
{
	__atomic_store_n(&h->stop, 1, __ATOMIC_RELEASE);
}

static inline void rv_clear_stop(struct rv_hart *h)
{
	__atomic_store_n(&h->stop, 0, __ATOMIC_RELAXED);
}

/* Forget translations, and all code decoded through them. */
void rv_flush_tlb(struct rv_hart *h);
void rv_flush_tlb_range(struct rv_hart *h, uint64_t va, uint64_t size);
/* Forget decoded code: at launch start, when code may have been rewritten. */
void rv_flush_code(struct rv_hart *h);

/* Could vl, vtype, vstart, vxrm and vxsat be this hart's? Else rv_run() makes them so. */
bool rv_vector_state_ok(const struct rv_hart *h);

const char *rv_cause_name(enum rv_cause cause);

/*
 * Text of the instruction whose first bytes are @insn, for traces. Returns
 * its length in bytes; unknown encodings print as .insn data.
 */
unsigned int rv_disasm(uint32_t insn, uint64_t pc, char *buf, size_t size);
/* The register that it writes: 0 to 31 integer, 32 to 63 floating point; -1: none, or unknown. */
int rv_dest(uint32_t insn);
/* Is it one of the vector unit's? */
bool rv_is_vector(uint32_t insn);
/*
 * The vector registers that it writes under the hart's present vtype and vl:
 * @fields groups, @step registers apart from register @reg on, of @count
 * elements each. False: none.
 */
struct rv_vdest {
	unsigned int reg, fields, step;
	int size; /* log2 of an element's bytes; -1: mask bits */
	uint64_t count;
};
bool rv_vector_dest(const struct rv_hart *h, uint32_t insn, struct rv_vdest *d);
/* "e32,m2,ta,ma", or "vill". */
void rv_vtype_text(uint64_t vtype, char *buf, size_t size);
/* ABI name of an integer or floating point register. */
const char *rv_reg_name(int reg);

#endif /* DSA_CORE_RV_H */
