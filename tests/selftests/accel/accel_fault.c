// SPDX-License-Identifier: MIT
/*
 * Jobs that the device refuses or faults on: the queue is stopped and says
 * exactly why, what was behind the job fails with it, and nobody else notices.
 */
#include "accel_fixture.h"

#include <pthread.h>

ACCEL_FIXTURE(fault)

#define DATA_VA   0x40000000ull /* readable and writable, followed by nothing */
#define RO_VA     0x50000000ull /* readable only */
#define WO_VA     0x60000000ull /* writable only */
#define CODE_VA   0x70000000ull /* executable, too */
#define DATA_SIZE (2 * PAGE)

#define ANY      0xfffffffeu
#define ANY_ADDR UINT64_MAX

struct scene {
	struct rig rig;
	uint32_t innocent, innocent_copy;
	struct buf data, ro, wo, code;
	volatile uint64_t *gate, *late;
	uint64_t gate_va, late_va;
	uint32_t resets;
};

/* What the record must say. */
struct want {
	uint32_t code, access, engine, opcode;
	uint64_t addr;
};

static int resets(int fd, uint32_t *count)
{
	struct drm_dsa_telemetry t;
	uint32_t size = sizeof(t);
	int ret = accel_query(fd, DRM_DSA_QUERY_TELEMETRY, &t, &size);

	*count = t.resets;
	return ret;
}

static int bound(struct scene *s, struct buf *b, uint64_t va, uint32_t rights)
{
	b->va = va;
	return buf_create(s->rig.fd, b, DATA_SIZE, 0) ?:
		       vm_map(s->rig.fd, s->rig.vm, b->handle, 0, va, DATA_SIZE, rights);
}

static int scene_create(struct scene *s, int fd)
{
	int ret = rig_create(&s->rig, fd);

	s->innocent = s->rig.queue;
	s->gate_va = RIG_CMD_VA + 8 * RIG_SLOT;
	s->late_va = s->gate_va + 8;
	s->gate = (volatile uint64_t *)(s->rig.cmd.ptr + 8 * RIG_SLOT);
	s->late = s->gate + 1;
	ret = ret ?: bound(s, &s->data, DATA_VA, BIND_RW);
	ret = ret ?: bound(s, &s->ro, RO_VA, DRM_DSA_BIND_READ);
	ret = ret ?: bound(s, &s->wo, WO_VA, DRM_DSA_BIND_WRITE);
	ret = ret ?: bound(s, &s->code, CODE_VA, BIND_RWX);
	ret = ret ?: queue_create(fd, s->rig.vm, DRM_DSA_QUEUE_COPY, &s->innocent_copy);
	return ret ?: resets(fd, &s->resets);
}

/* The same fields that a healthy record would have: all that follows is compared with them. */
#define CHECK_RECORD(state, want)                                                   \
	do {                                                                        \
		EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_FAULT, (state).flags); \
		EXPECT_EQ((want).code, (state).error_code);                         \
		if ((want).access != ANY)                                           \
			EXPECT_EQ((want).access, (state).access);                   \
		if ((want).engine != ANY)                                           \
			EXPECT_EQ((want).engine, (state).engine >> 16);             \
		if ((want).opcode != ANY)                                           \
			EXPECT_EQ((want).opcode, (state).opcode);                   \
		if ((want).addr != ANY_ADDR)                                        \
			EXPECT_EQ((want).addr, (state).addr);                       \
	} while (0)

/*
 * Job 1 works, job 2 has a packet that works, then the bad one; job 3 must not
 * run. They are all submitted before job 2 is let go.
 */
static void run_scene(struct __test_metadata *_metadata, struct scene *s, uint32_t queue_class,
		      const void *packet, uint32_t size, struct want want,
		      struct drm_dsa_queue_state *state)
{
	uint32_t queue, handle[3];
	struct drm_dsa_sync out[3];
	int fd = s->rig.fd;
	uint64_t bad_va;
	struct cmds c;

	*s->gate = 0;
	*s->late = 0;
	for (unsigned int i = 0; i < 3; i++) {
		ASSERT_EQ(0, syncobj_create(fd, &handle[i]));
		out[i] = sync_out(handle[i], 0);
	}
	ASSERT_EQ(0, queue_create(fd, s->rig.vm, queue_class, &queue));

	c = rig_cmds(&s->rig, 0);
	cmd_nop(&c);
	ASSERT_EQ(0, submit(fd, queue, c.va, c.len, &out[0], 1, NULL));
	c = rig_cmds(&s->rig, 1);
	cmd_wait(&c, s->gate_va, 1);
	bad_va = c.va + c.len;
	cmd_put(&c, packet, size);
	ASSERT_EQ(0, submit(fd, queue, c.va, c.len, &out[1], 1, NULL));
	c = rig_cmds(&s->rig, 2);
	cmd_signal(&c, s->late_va, 1);
	ASSERT_EQ(0, submit(fd, queue, c.va, c.len, &out[2], 1, NULL));
	*s->gate = 1;

	for (unsigned int i = 0; i < 3; i++) {
		EXPECT_EQ(0, syncobj_wait(fd, handle[i], 0));
		EXPECT_EQ(i ? -ECANCELED : 0, syncobj_status(fd, handle[i]));
		syncobj_destroy(fd, handle[i]);
	}
	ASSERT_EQ(0, queue_state(fd, queue, state));
	CHECK_RECORD(*state, want);
	EXPECT_EQ(bad_va, state->cmd_va);
	EXPECT_EQ(2, state->job_id);
	EXPECT_EQ(3, state->jobs_submitted);
	EXPECT_EQ(1, state->jobs_completed);
	EXPECT_EQ(0, *s->late);
	EXPECT_EQ(-ECANCELED, submit(fd, queue, c.va, c.len, NULL, 0, NULL));
	EXPECT_EQ(-ECANCELED, submit(fd, queue, 0, 0, NULL, 0, NULL));
	EXPECT_EQ(0, rig_proof(&s->rig, s->innocent));
	EXPECT_EQ(0, rig_proof(&s->rig, s->innocent_copy));
	EXPECT_EQ(0, queue_destroy(fd, queue));
}

/* Builds one packet with a function of the helper. */
#define PACKET(call)                                                           \
	({                                                                     \
		static uint8_t packet_[DSA_CMD_MAX_SIZE];                      \
		struct cmds one = { .ptr = packet_, .room = sizeof(packet_) }; \
		call;                                                          \
		(struct cmds) one;                                             \
	})

#define EXPECT_FAULT_ON(class, call, ...)                                                     \
	do {                                                                                  \
		struct cmds p_ = PACKET(call);                                                \
		struct drm_dsa_queue_state st_;                                               \
		int before_ = _metadata->exit_code;                                           \
                                                                                              \
		run_scene(_metadata, &s, class, p_.ptr, p_.len, (struct want){ __VA_ARGS__ }, \
			  &st_);                                                              \
		if (_metadata->exit_code != before_)                                          \
			TH_LOG("for " #call);                                                 \
	} while (0)

#define EXPECT_FAULT(call, ...) EXPECT_FAULT_ON(DRM_DSA_QUEUE_COMPUTE, call, __VA_ARGS__)

#define CHECK_NO_RESET                                   \
	do {                                             \
		uint32_t count_;                         \
                                                         \
		EXPECT_EQ(0, resets(self->fd, &count_)); \
		EXPECT_EQ(s.resets, count_);             \
	} while (0)

TEST_F(fault, copies_of_what_is_not_mapped)
{
	const uint32_t r = DSA_ACCESS_READ, w = DSA_ACCESS_WRITE, e = DSA_ENGINE_COPY;
	const uint32_t unmapped = DSA_ERR_MMU_UNMAPPED;
	const uint64_t un = RIG_UNMAPPED_VA, end = DATA_VA + DATA_SIZE;
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	for (uint32_t class = DRM_DSA_QUEUE_COMPUTE; class <= DRM_DSA_QUEUE_COPY; class ++) {
		EXPECT_FAULT_ON(class, cmd_copy(&one, DATA_VA, un, 8), unmapped, r, e, DSA_CMD_COPY,
				un);
		EXPECT_FAULT_ON(class, cmd_copy(&one, un, DATA_VA, 8), unmapped, w, e, DSA_CMD_COPY,
				un);
		EXPECT_FAULT_ON(class, cmd_fill(&one, un, 8, 1, 8), unmapped, w, e, DSA_CMD_FILL,
				un);
	}
	EXPECT_FAULT(cmd_copy(&one, DATA_VA, un + 1234, 1), unmapped, r, e, DSA_CMD_COPY,
		     un + 1234);
	EXPECT_FAULT(cmd_copy_2d(&one, DATA_VA, 8, un, 8, 8, 2), unmapped, r, e, DSA_CMD_COPY_2D,
		     un);
	EXPECT_FAULT(cmd_copy_2d(&one, un, 8, DATA_VA, 8, 8, 2), unmapped, w, e, DSA_CMD_COPY_2D,
		     un);
	/* They begin where something is, and end where nothing is. */
	EXPECT_FAULT(cmd_fill(&one, DATA_VA, DATA_SIZE + 1, 0, 1), unmapped, w, e, DSA_CMD_FILL,
		     end);
	EXPECT_FAULT(cmd_copy(&one, RIG_CMD_VA + 12 * RIG_SLOT, DATA_VA + 1, DATA_SIZE), unmapped,
		     r, e, DSA_CMD_COPY, end);
	EXPECT_FAULT(cmd_copy_2d(&one, DATA_VA, PAGE, RIG_CMD_VA, 8, 8, 3), unmapped, w, e,
		     DSA_CMD_COPY_2D, end);
	CHECK_NO_RESET;
}

TEST_F(fault, rights)
{
	const uint32_t perm = DSA_ERR_MMU_PERMISSION, r = DSA_ACCESS_READ, w = DSA_ACCESS_WRITE;
	const uint32_t e = DSA_ENGINE_COPY, f = DSA_ENGINE_FRONTEND;
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	memset(s.ro.ptr, 0x77, DATA_SIZE);
	EXPECT_FAULT(cmd_fill(&one, RO_VA + 8, 8, 0, 8), perm, w, e, DSA_CMD_FILL, RO_VA + 8);
	EXPECT_FAULT(cmd_copy(&one, RO_VA, DATA_VA, 1), perm, w, e, DSA_CMD_COPY, RO_VA);
	EXPECT_FAULT(cmd_copy(&one, DATA_VA, WO_VA, 1), perm, r, e, DSA_CMD_COPY, WO_VA);
	EXPECT_FAULT(cmd_signal(&one, RO_VA, 0), perm, w, f, DSA_CMD_SEM_SIGNAL, RO_VA);
	EXPECT_FAULT(cmd_add(&one, RO_VA, 1), perm, w, f, DSA_CMD_SEM_SIGNAL, RO_VA);
	EXPECT_FAULT(cmd_wait(&one, WO_VA, 0), perm, r, f, DSA_CMD_SEM_WAIT, WO_VA);
	EXPECT_FAULT(cmd_timestamp(&one, RO_VA), perm, w, f, DSA_CMD_TIMESTAMP, RO_VA);
	EXPECT_EQ(-1, buf_differs(s.ro.ptr, DATA_SIZE, 0x77));
	CHECK_NO_RESET;
}

TEST_F(fault, addresses_beyond_48_bits)
{
	const uint64_t far[] = {
		VA_LIMIT,           VA_LIMIT + 4096,     1ull << 63,   UINT64_MAX - 7,
		0xffff800000000000, DSA_SCRATCHPAD_BASE, VA_LIMIT - 4,
	};
	const uint32_t range = DSA_ERR_MMU_RANGE;
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	for (unsigned int i = 0; i < ARRAY_LEN(far); i++) {
		uint64_t va = far[i];

		EXPECT_FAULT(cmd_copy(&one, DATA_VA, va, 8), range, ANY, ANY, DSA_CMD_COPY,
			     ANY_ADDR);
		EXPECT_FAULT(cmd_copy(&one, va, DATA_VA, 8), range, ANY, ANY, DSA_CMD_COPY,
			     ANY_ADDR);
		if (va % 8 == 0) {
			EXPECT_FAULT(cmd_signal(&one, va, 0), range, ANY, DSA_ENGINE_FRONTEND,
				     DSA_CMD_SEM_SIGNAL, va);
			EXPECT_FAULT(cmd_timestamp(&one, va), range, ANY, DSA_ENGINE_FRONTEND,
				     DSA_CMD_TIMESTAMP, ANY_ADDR);
		}
	}
	EXPECT_FAULT(cmd_copy(&one, DATA_VA, RO_VA, UINT64_MAX), range, ANY, ANY, DSA_CMD_COPY,
		     ANY_ADDR);
	EXPECT_FAULT(cmd_copy(&one, DATA_VA, RO_VA, 0 - RO_VA), range, ANY, ANY, DSA_CMD_COPY,
		     ANY_ADDR);
	EXPECT_FAULT(cmd_fill(&one, DATA_VA, UINT64_MAX, 0, 1), range, ANY, ANY, DSA_CMD_FILL,
		     ANY_ADDR);
	CHECK_NO_RESET;
}

TEST_F(fault, bad_packets)
{
	static const uint16_t sizes[] = {
		[DSA_CMD_NOP] = 8,       [DSA_CMD_COPY] = 32,      [DSA_CMD_COPY_2D] = 56,
		[DSA_CMD_FILL] = 40,     [DSA_CMD_LAUNCH] = 72,    [DSA_CMD_SEM_SIGNAL] = 24,
		[DSA_CMD_SEM_WAIT] = 24, [DSA_CMD_TIMESTAMP] = 16, [DSA_CMD_FENCE] = 8,
	};
	const uint16_t unknown[] = { 9, 10, 0x7f, 0x100, 0x8000, 0xffff };
	uint8_t packet[DSA_CMD_MAX_SIZE] = { 0 };
	struct dsa_cmd_header *hdr = (struct dsa_cmd_header *)packet;
	struct want want = { DSA_ERR_BAD_PACKET, ANY, DSA_ENGINE_FRONTEND, ANY, ANY_ADDR };
	struct drm_dsa_queue_state state;
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	for (unsigned int i = 0; i < ARRAY_LEN(unknown); i++) {
		*hdr = (struct dsa_cmd_header){ .opcode = unknown[i], .size = 8 };
		want.opcode = unknown[i];
		run_scene(_metadata, &s, DRM_DSA_QUEUE_COMPUTE, packet, 8, want, &state);
	}
	for (uint16_t op = 0; op < ARRAY_LEN(sizes); op++) {
		const uint16_t bad[] = { 0,     1, 4, sizes[op] - 8, sizes[op] + 8, sizes[op] + 1,
					 0xffff };

		want.opcode = op;
		for (unsigned int i = 0; i < ARRAY_LEN(bad); i++) {
			*hdr = (struct dsa_cmd_header){ .opcode = op, .size = bad[i] };
			run_scene(_metadata, &s, DRM_DSA_QUEUE_COMPUTE, packet, sizeof(packet),
				  want, &state);
		}
		/* One flag is known, of one packet. */
		for (unsigned int bit = op == DSA_CMD_SEM_SIGNAL; bit < 32; bit += 5) {
			*hdr = (struct dsa_cmd_header){ op, sizes[op], 1u << bit };
			run_scene(_metadata, &s, DRM_DSA_QUEUE_COMPUTE, packet, sizes[op], want,
				  &state);
		}
		/* It would reach past the end. */
		if (sizes[op] > 8) {
			*hdr = (struct dsa_cmd_header){ op, sizes[op], 0 };
			run_scene(_metadata, &s, DRM_DSA_QUEUE_COMPUTE, packet, sizes[op] - 8, want,
				  &state);
		}
	}
	CHECK_NO_RESET;
}

TEST_F(fault, bad_arguments)
{
	const uint32_t bad = DSA_ERR_BAD_ARGUMENT, f = DSA_ENGINE_FRONTEND, none = DSA_ACCESS_NONE;
	const uint32_t fill = DSA_CMD_FILL, c2d = DSA_CMD_COPY_2D;
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	EXPECT_FAULT(cmd_fill(&one, DATA_VA, 8, 0, 0), bad, none, f, fill, ANY_ADDR);
	EXPECT_FAULT(cmd_fill(&one, DATA_VA, 9, 0, 3), bad, none, f, fill, ANY_ADDR);
	EXPECT_FAULT(cmd_fill(&one, DATA_VA, 16, 0, 16), bad, none, f, fill, ANY_ADDR);
	EXPECT_FAULT(cmd_fill(&one, DATA_VA, 8, 0, 0xffffffff), bad, none, f, fill, ANY_ADDR);
	EXPECT_FAULT(cmd_fill(&one, DATA_VA + 4, 8, 0, 8), bad, none, f, fill, ANY_ADDR);
	EXPECT_FAULT(cmd_fill(&one, DATA_VA, 12, 0, 8), bad, none, f, fill, ANY_ADDR);
	EXPECT_FAULT(cmd_copy_2d(&one, DATA_VA, 7, RO_VA, 8, 8, 2), bad, none, f, c2d, ANY_ADDR);
	EXPECT_FAULT(cmd_copy_2d(&one, DATA_VA, 8, RO_VA, 7, 8, 2), bad, none, f, c2d, ANY_ADDR);
	EXPECT_FAULT(cmd_copy_2d(&one, DATA_VA, 1ull << 63, RO_VA, 8, 8, 2), bad, none, f, c2d,
		     ANY_ADDR);
	EXPECT_FAULT(cmd_signal(&one, DATA_VA + 4, 0), bad, ANY, f, DSA_CMD_SEM_SIGNAL, ANY_ADDR);
	EXPECT_FAULT(cmd_wait(&one, DATA_VA + 1, 0), bad, ANY, f, DSA_CMD_SEM_WAIT, ANY_ADDR);
	EXPECT_FAULT(cmd_timestamp(&one, DATA_VA + 4), bad, ANY, f, DSA_CMD_TIMESTAMP, ANY_ADDR);
	CHECK_NO_RESET;
}

TEST_F(fault, reserved_fields)
{
	struct dsa_cmd_fill fill = {
		.hdr = { DSA_CMD_FILL, sizeof(fill), 0 },
		.dst = DATA_VA,
		.bytes = 8,
		.pattern_size = 8,
		.reserved = 1,
	};
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	EXPECT_FAULT(cmd_put(&one, &fill, sizeof(fill)), DSA_ERR_BAD_PACKET, DSA_ACCESS_NONE,
		     DSA_ENGINE_FRONTEND, DSA_CMD_FILL, ANY_ADDR);
}

/* ---- launches ---- */

static struct dsa_cmd_launch good_launch(void)
{
	return (struct dsa_cmd_launch){
		.hdr = { DSA_CMD_LAUNCH, sizeof(struct dsa_cmd_launch), 0 },
		.entry = CODE_VA,
		.kernarg = DATA_VA,
		.grid = { 1, 1, 1 },
		.id = 0x1234567890,
	};
}

TEST_F(fault, launch_on_a_copy_queue)
{
	struct dsa_cmd_launch l = good_launch();
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	*(uint32_t *)s.code.ptr = RV_RET;
	EXPECT_FAULT_ON(DRM_DSA_QUEUE_COPY, cmd_put(&one, &l, sizeof(l)), DSA_ERR_NOT_ALLOWED,
			DSA_ACCESS_NONE, DSA_ENGINE_FRONTEND, DSA_CMD_LAUNCH, ANY_ADDR);
	CHECK_NO_RESET;
}

TEST_F(fault, launch_arguments)
{
	struct drm_dsa_device_info info;
	struct scene s;

#define EXPECT_LAUNCH(error, change)                                                          \
	do {                                                                                  \
		struct dsa_cmd_launch l = good_launch();                                      \
                                                                                              \
		change;                                                                       \
		EXPECT_FAULT((cmd_put(&one, &l, sizeof(l))), error, ANY, ANY, DSA_CMD_LAUNCH, \
			     ANY_ADDR);                                                       \
	} while (0)

	ASSERT_EQ(0, accel_info(self->fd, &info));
	ASSERT_EQ(0, scene_create(&s, self->fd));
	*(uint32_t *)s.code.ptr = RV_RET;
	for (unsigned int i = 0; i < 3; i++) {
		EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT, l.grid[i] = 0);
		EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT, l.grid[i] = 0x80000000);
		EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT, l.grid[i] = 0xffffffff);
	}
	EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT,
		      (l.grid[0] = 1 << 20, l.grid[1] = 1 << 20, l.grid[2] = 2));
	EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT,
		      (l.grid[0] = 0x7fffffff, l.grid[1] = 0x7fffffff, l.grid[2] = 0x7fffffff));
	EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT, l.scratch_bytes = info.scratch_bytes + 1);
	EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT, l.scratch_bytes = info.scratch_bytes);
	EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT, l.stack_bytes = info.scratch_bytes + 16);
	EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT, (l.scratch_bytes = 0xffffffff, l.stack_bytes = 16));
	EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT, (l.scratch_bytes = 16, l.stack_bytes = 0xfffffff0));
	EXPECT_LAUNCH(DSA_ERR_BAD_ARGUMENT, l.counters = DATA_VA + 4);
	EXPECT_LAUNCH(DSA_ERR_MMU_UNMAPPED, l.counters = RIG_UNMAPPED_VA);
	EXPECT_LAUNCH(DSA_ERR_MMU_PERMISSION, l.counters = RO_VA);
	CHECK_NO_RESET;
}

/* Runs a program on one core and compares the record. */
static void run_program(struct __test_metadata *_metadata, struct scene *s, const uint32_t *code,
			uint32_t count, uint64_t entry, uint64_t kernarg, struct want want,
			uint64_t pc)
{
	struct dsa_cmd_launch l = good_launch();
	struct drm_dsa_queue_state state;

	memcpy(s->code.ptr, code, count * sizeof(*code));
	l.entry = entry;
	l.kernarg = kernarg;
	run_scene(_metadata, s, DRM_DSA_QUEUE_COMPUTE, &l, sizeof(l), want, &state);
	EXPECT_EQ(l.id, state.launch_id);
	EXPECT_EQ(pc, state.pc);
	for (unsigned int i = 0; i < 3; i++)
		EXPECT_EQ(0, state.program[i]);
	if (want.code == DSA_ERR_ILLEGAL_INSN)
		EXPECT_EQ(code[(pc - CODE_VA) / 4], state.insn);
}

TEST_F(fault, programs)
{
	const uint32_t r = DSA_ACCESS_READ, w = DSA_ACCESS_WRITE, x = DSA_ACCESS_FETCH;
	const uint32_t core = DSA_ENGINE_CORE, op = DSA_CMD_LAUNCH;
	const uint32_t nop = rv_addi(0, 0, 0);
	const uint32_t load[] = { nop, rv_ld(RV_A1, RV_A0, 16), RV_RET };
	const uint32_t store[] = { nop, nop, rv_sd(RV_A0, RV_A0, 8), RV_RET };
	const uint32_t jump[] = { rv_i(0x67, 0, 0, RV_A0, 0) };
	const uint32_t amo[] = { nop, 0x0005362f }; /* amoadd.d a2, zero, (a0) */
	const uint32_t illegal[] = { nop, 0xffffffff };
	const uint32_t zero[] = { nop, 0 };
	const uint32_t bad_sel[] = { nop, rv_dsa_rd(RV_A1, 999) };
	const uint32_t ecall[] = { nop, RV_ECALL };
	const uint32_t ebreak[] = { nop, nop, RV_EBREAK };
	const uint64_t un = RIG_UNMAPPED_VA;
	struct scene s;

#define PROGRAM(code, entry, arg, pc, ...)                                    \
	do {                                                                  \
		int before_ = _metadata->exit_code;                           \
                                                                              \
		run_program(_metadata, &s, code, ARRAY_LEN(code), entry, arg, \
			    (struct want){ __VA_ARGS__ }, pc);                \
		if (_metadata->exit_code != before_)                          \
			TH_LOG("for " #code " with " #arg);                   \
	} while (0)

	ASSERT_EQ(0, scene_create(&s, self->fd));
	PROGRAM(load, CODE_VA, un, CODE_VA + 4, DSA_ERR_MMU_UNMAPPED, r, core, op, un + 16);
	PROGRAM(load, CODE_VA, WO_VA, CODE_VA + 4, DSA_ERR_MMU_PERMISSION, r, core, op, WO_VA + 16);
	PROGRAM(load, CODE_VA, 1ull << 60, CODE_VA + 4, DSA_ERR_MMU_RANGE, r, core, op,
		(1ull << 60) + 16);
	PROGRAM(store, CODE_VA, un, CODE_VA + 8, DSA_ERR_MMU_UNMAPPED, w, core, op, un + 8);
	PROGRAM(store, CODE_VA, RO_VA, CODE_VA + 8, DSA_ERR_MMU_PERMISSION, w, core, op, RO_VA + 8);
	PROGRAM(jump, CODE_VA, un, un, DSA_ERR_MMU_UNMAPPED, x, core, op, un);
	PROGRAM(jump, CODE_VA, DATA_VA, DATA_VA, DSA_ERR_MMU_PERMISSION, x, core, op, DATA_VA);
	PROGRAM(load, un, 0, un, DSA_ERR_MMU_UNMAPPED, x, core, op, un);
	PROGRAM(load, RO_VA, 0, RO_VA, DSA_ERR_MMU_PERMISSION, x, core, op, RO_VA);
	PROGRAM(amo, CODE_VA, DATA_VA + 4, CODE_VA + 4, DSA_ERR_MISALIGNED, ANY, core, op,
		DATA_VA + 4);
	PROGRAM(illegal, CODE_VA, 0, CODE_VA + 4, DSA_ERR_ILLEGAL_INSN, ANY, core, op, ANY_ADDR);
	PROGRAM(bad_sel, CODE_VA, 0, CODE_VA + 4, DSA_ERR_ILLEGAL_INSN, ANY, core, op, ANY_ADDR);
	PROGRAM(ecall, CODE_VA, 0, CODE_VA + 4, DSA_ERR_ECALL, ANY, core, op, ANY_ADDR);
	PROGRAM(ebreak, CODE_VA, 0, CODE_VA + 8, DSA_ERR_BREAKPOINT, ANY, core, op, ANY_ADDR);
	PROGRAM(zero, CODE_VA, 0, CODE_VA + 4, DSA_ERR_ILLEGAL_INSN, ANY, core, op, ANY_ADDR);
	CHECK_NO_RESET;
}

/* One program of many fails: the record says which. */
TEST_F(fault, the_program_is_named)
{
	/* The one whose number is in the arguments runs into an ebreak. */
	const uint32_t code[] = {
		rv_ld(RV_A1, RV_A0, 0),
		rv_dsa_rd(RV_A2, DSA_SYS_PID_Y),
		0x00c59463, /* bne a1, a2, .+8 */
		RV_EBREAK,
		RV_RET,
	};
	struct drm_dsa_queue_state state;
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	memcpy(s.code.ptr, code, sizeof(code));
	for (uint64_t guilty = 0; guilty < 100; guilty += 33) {
		struct want want = {
			DSA_ERR_BREAKPOINT, ANY, DSA_ENGINE_CORE, DSA_CMD_LAUNCH, ANY_ADDR,
		};
		struct dsa_cmd_launch l = good_launch();

		memcpy(s.data.ptr, &guilty, sizeof(guilty));
		l.grid[1] = 100;
		run_scene(_metadata, &s, DRM_DSA_QUEUE_COMPUTE, &l, sizeof(l), want, &state);
		EXPECT_EQ(0, state.program[0]);
		EXPECT_EQ(guilty, state.program[1]);
		EXPECT_EQ(0, state.program[2]);
		EXPECT_EQ(CODE_VA + 12, state.pc);
	}
}

/* ---- the command buffer itself ---- */

static void run_buffer(struct __test_metadata *_metadata, struct scene *s, uint64_t va,
		       uint64_t size, struct want want, uint64_t cmd_va)
{
	struct cmds c = { .va = va, .len = (uint32_t)size };
	struct drm_dsa_queue_state state;
	uint32_t queue;

	ASSERT_EQ(0, queue_create(s->rig.fd, s->rig.vm, DRM_DSA_QUEUE_COPY, &queue));
	EXPECT_EQ(-ECANCELED, rig_run_on(&s->rig, queue, &c));
	ASSERT_EQ(0, queue_state(s->rig.fd, queue, &state));
	CHECK_RECORD(state, want);
	EXPECT_EQ(cmd_va, state.cmd_va);
	EXPECT_EQ(1, state.job_id);
	EXPECT_EQ(0, state.jobs_completed);
	EXPECT_EQ(0, queue_destroy(s->rig.fd, queue));
	EXPECT_EQ(0, rig_proof(&s->rig, s->innocent));
}

TEST_F(fault, command_buffers)
{
	struct want want = {
		DSA_ERR_MMU_UNMAPPED, DSA_ACCESS_READ, DSA_ENGINE_FRONTEND,
		UINT32_MAX,           RIG_UNMAPPED_VA,
	};
	const uint64_t end = DATA_VA + DATA_SIZE;
	struct scene s;
	struct cmds c;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	run_buffer(_metadata, &s, RIG_UNMAPPED_VA, 64, want, RIG_UNMAPPED_VA);
	/* NOPs up to the end of the mapping, and the buffer goes on. */
	c = (struct cmds){ .ptr = s.data.ptr, .va = DATA_VA, .room = DATA_SIZE };
	while (c.len < DATA_SIZE)
		cmd_nop(&c);
	want.addr = end;
	run_buffer(_metadata, &s, DATA_VA, DATA_SIZE + 8, want, end);
	run_buffer(_metadata, &s, end - 8, 1 << 20, want, end);
	/* A packet whose second half is not there. */
	c = (struct cmds){ .ptr = s.data.ptr + DATA_SIZE - 16, .va = end - 16, .room = 16 };
	cmd_put(&c, &(struct dsa_cmd_header){ DSA_CMD_COPY, sizeof(struct dsa_cmd_copy), 0 }, 8);
	want.opcode = ANY;
	run_buffer(_metadata, &s, end - 16, 64, want, end - 16);
	/* May be written but not read. */
	want = (struct want){ DSA_ERR_MMU_PERMISSION, DSA_ACCESS_READ, DSA_ENGINE_FRONTEND,
			      UINT32_MAX, WO_VA };
	run_buffer(_metadata, &s, WO_VA, 64, want, WO_VA);
	/* Every word there is, as a header. */
	memset(s.data.ptr, 0xff, DATA_SIZE);
	want = (struct want){ DSA_ERR_BAD_PACKET, ANY, DSA_ENGINE_FRONTEND, 0xffff, ANY_ADDR };
	run_buffer(_metadata, &s, DATA_VA, DATA_SIZE, want, DATA_VA);
	CHECK_NO_RESET;
}

/* Commands that overwrite the commands behind them: what comes of it is theirs alone. */
TEST_F(fault, self_modifying_commands)
{
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	for (unsigned int round = 0; round < 64; round++) {
		struct cmds c = rig_cmds(&s.rig, 3);
		uint32_t queue;
		int ret;

		ASSERT_EQ(0, queue_create(self->fd, s.rig.vm, DRM_DSA_QUEUE_COPY, &queue));
		cmd_fill(&c, c.va + 40 + 8 * (round % 16), 8 * (1 + round / 8),
			 round % 3 ? 0x9e3779b97f4a7c15ull * round : 0x00080000, 8);
		for (unsigned int i = 0; i < 8; i++)
			cmd_copy(&c, DATA_VA, DATA_VA + 64, 8);
		for (unsigned int i = 0; i < 8; i++)
			cmd_nop(&c);
		ret = rig_run_on(&s.rig, queue, &c);
		EXPECT_TRUE(ret == 0 || ret == -ECANCELED);
		EXPECT_EQ(0, queue_destroy(self->fd, queue));
		EXPECT_EQ(0, rig_proof(&s.rig, s.innocent));
	}
	CHECK_NO_RESET;
}

/* Rewritten by the processor while it runs. */
TEST_F(fault, commands_rewritten_in_flight)
{
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	for (unsigned int round = 0; round < 10; round++) {
		struct cmds c = rig_cmds(&s.rig, 3);
		struct drm_dsa_sync out;
		uint32_t queue, handle;
		uint64_t x = round + 1;

		ASSERT_EQ(0, queue_create(self->fd, s.rig.vm, DRM_DSA_QUEUE_COPY, &queue));
		ASSERT_EQ(0, syncobj_create(self->fd, &handle));
		out = sync_out(handle, 0);
		for (unsigned int i = 0; i < 100; i++)
			cmd_copy(&c, DATA_VA, DATA_VA + 64, 64);
		for (unsigned int i = 0; i < 40; i++)
			ASSERT_LE(-ECANCELED,
				  submit(self->fd, queue, c.va, c.len, &out, i == 0, NULL));
		for (unsigned int i = 0; i < 20000; i++) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			((volatile uint64_t *)c.ptr)[(x >> 33) % (c.len / 8)] = x;
		}
		EXPECT_EQ(0, syncobj_wait(self->fd, handle, 0));
		EXPECT_EQ(0, queue_destroy(self->fd, queue));
		EXPECT_EQ(0, rig_proof(&s.rig, s.innocent));
	}
	CHECK_NO_RESET;
}

/* ---- the state ---- */

struct watch {
	int fd, ret;
	uint32_t queue;
	struct drm_dsa_queue_state state;
};

static void *watch_for_death(void *arg)
{
	struct watch *w = arg;

	do {
		w->ret = queue_state(w->fd, w->queue, &w->state);
	} while (!w->ret && !(w->state.flags & DRM_DSA_QUEUE_DEAD));
	return NULL;
}

/* Whoever sees that it is dead sees why. */
TEST_F(fault, the_reason_comes_with_the_death)
{
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	for (unsigned int round = 0; round < 50; round++) {
		struct cmds c = rig_cmds(&s.rig, 1);
		struct watch w = { .fd = self->fd };
		pthread_t thread;

		ASSERT_EQ(0, queue_create(self->fd, s.rig.vm, DRM_DSA_QUEUE_COPY, &w.queue));
		ASSERT_EQ(0, pthread_create(&thread, NULL, watch_for_death, &w));
		cmd_fill(&c, RIG_UNMAPPED_VA, 8, 0, 8);
		EXPECT_EQ(0, submit(self->fd, w.queue, c.va, c.len, NULL, 0, NULL));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, w.ret);
		EXPECT_EQ(DRM_DSA_QUEUE_DEAD | DRM_DSA_QUEUE_FAULT, w.state.flags);
		EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, w.state.error_code);
		EXPECT_EQ(RIG_UNMAPPED_VA, w.state.addr);
		EXPECT_EQ(1, w.state.job_id);
		EXPECT_EQ(0, queue_destroy(self->fd, w.queue));
	}
}

/* ---- many ---- */

/* Every queue but two faults at the same moment. */
TEST_F(fault, storm)
{
	enum { MAX = 64, ROUNDS = 5 };
	struct scene s;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint32_t queue[MAX], handle[MAX], n = 0;
		struct drm_dsa_queue_state state;
		struct cmds c = rig_cmds(&s.rig, 1);

		for (uint32_t class = DRM_DSA_QUEUE_COMPUTE; class <= DRM_DSA_QUEUE_COPY; class ++)
			while (n < MAX && !queue_create(self->fd, s.rig.vm, class, &queue[n]))
				n++;
		*s.gate = 0;
		cmd_wait(&c, s.gate_va, 1);
		cmd_copy(&c, DATA_VA, RIG_UNMAPPED_VA + PAGE, 8);
		for (unsigned int i = 0; i < n; i++) {
			struct drm_dsa_sync out;

			ASSERT_EQ(0, syncobj_create(self->fd, &handle[i]));
			out = sync_out(handle[i], 0);
			ASSERT_EQ(0, submit(self->fd, queue[i], c.va, c.len, &out, 1, NULL));
		}
		*s.gate = 1;
		EXPECT_EQ(0, rig_proof(&s.rig, s.innocent));
		for (unsigned int i = 0; i < n; i++) {
			EXPECT_EQ(0, syncobj_wait(self->fd, handle[i], 0));
			EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, handle[i]));
			ASSERT_EQ(0, queue_state(self->fd, queue[i], &state));
			EXPECT_EQ(DSA_ERR_MMU_UNMAPPED, state.error_code);
			EXPECT_EQ(RIG_UNMAPPED_VA + PAGE, state.addr);
			EXPECT_EQ(1, state.job_id);
			syncobj_destroy(self->fd, handle[i]);
			EXPECT_EQ(0, queue_destroy(self->fd, queue[i]));
		}
		EXPECT_EQ(0, rig_proof(&s.rig, s.innocent_copy));
	}
	CHECK_NO_RESET;
}

/* What it was to use is not there. */
TEST_F(fault, job_that_waits_for_a_failed_one_fails_with_it)
{
	struct drm_dsa_sync sync[2];
	uint32_t queue, handle[2];
	struct scene s;
	struct cmds c;

	ASSERT_EQ(0, scene_create(&s, self->fd));
	for (unsigned int i = 0; i < 2; i++)
		ASSERT_EQ(0, syncobj_create(self->fd, &handle[i]));
	ASSERT_EQ(0, queue_create(self->fd, s.rig.vm, DRM_DSA_QUEUE_COPY, &queue));
	c = rig_cmds(&s.rig, 0);
	cmd_wait(&c, s.gate_va, 1);
	cmd_fill(&c, RIG_UNMAPPED_VA, 8, 0, 8);
	sync[0] = sync_out(handle[0], 0);
	ASSERT_EQ(0, submit(self->fd, queue, c.va, c.len, sync, 1, NULL));
	c = rig_cmds(&s.rig, 1);
	cmd_signal(&c, s.late_va, 3);
	sync[0] = sync_in(handle[0], 0);
	sync[1] = sync_out(handle[1], 0);
	ASSERT_EQ(0, submit(self->fd, s.innocent, c.va, c.len, sync, 2, NULL));
	*s.gate = 1;
	EXPECT_EQ(0, syncobj_wait(self->fd, handle[1], 0));
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, handle[1]));
	EXPECT_EQ(0, *s.late);
	EXPECT_EQ(-ECANCELED, syncobj_status(self->fd, handle[0]));
}

TEST_HARNESS_MAIN
