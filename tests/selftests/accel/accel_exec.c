// SPDX-License-Identifier: MIT
/* Jobs that work: copies, fills, timestamps, semaphores, launches; all results are checked. */
#include "accel_fixture.h"

ACCEL_FIXTURE(exec)

#define HBM_VA  0x40000000ull
#define SYS_VA  0x80000000ull
#define HBM2_VA 0xc0000000ull
#define SYS2_VA 0x200000000ull
#define AREA    (2 * MIB)

/* Two buffers of each kind. */
struct area {
	struct rig rig;
	uint32_t copy_queue;
	struct buf buf[4];
};

static const uint64_t area_va[4] = { HBM_VA, SYS_VA, HBM2_VA, SYS2_VA };

static int area_create(struct area *a, int fd)
{
	int ret = rig_create(&a->rig, fd);

	for (unsigned int i = 0; !ret && i < 4; i++)
		ret = rig_buf(&a->rig, &a->buf[i], AREA, i % 2 ? DRM_DSA_BO_SYSTEM : 0, area_va[i]);
	return ret ?: queue_create(fd, a->rig.vm, DRM_DSA_QUEUE_COPY, &a->copy_queue);
}

TEST_F(exec, copies_of_all_kinds_and_sizes)
{
	const uint64_t sizes[] = {
		1, 2, 3, 7, 8, 9, 63, 64, 65, 511, 4095, 4096, 4097, 65535, 65536, 65537, MIB + 3,
	};
	const uint64_t offsets[][2] = { { 0, 0 }, { 1, 0 }, { 0, 3 }, { 4093, 4095 }, { 7, 13 } };
	struct area a;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (unsigned int pair = 0; pair < 4; pair++) {
		/* HBM to HBM, system to system, HBM to system, system to HBM. */
		static const unsigned int from[] = { 0, 1, 0, 1 }, to[] = { 2, 3, 3, 2 };
		struct buf *src = &a.buf[from[pair]], *dst = &a.buf[to[pair]];

		buf_pattern(src->ptr, src->size, pair);
		for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
			for (unsigned int o = 0; o < ARRAY_LEN(offsets); o++) {
				uint64_t so = offsets[o][0], to_ = offsets[o][1] + 64, n = sizes[i];
				struct cmds c = rig_cmds(&a.rig, 0);
				uint32_t queue = i % 2 ? a.copy_queue : a.rig.queue;

				memset(dst->ptr, 0x5a, n + 8192);
				cmd_copy(&c, dst->va + to_, src->va + so, n);
				ASSERT_EQ(0, rig_run_on(&a.rig, queue, &c));
				ASSERT_EQ(0, memcmp(dst->ptr + to_, src->ptr + so, n))
				TH_LOG("pair %u size %llu", pair, (unsigned long long)n);
				ASSERT_EQ(-1, buf_differs(dst->ptr, to_, 0x5a));
				ASSERT_EQ(-1, buf_differs(dst->ptr + to_ + n, 64, 0x5a));
			}
		}
	}
}

TEST_F(exec, empty_copies_touch_nothing)
{
	struct area a;
	struct cmds c;

	ASSERT_EQ(0, area_create(&a, self->fd));
	c = rig_cmds(&a.rig, 0);
	cmd_copy(&c, RIG_UNMAPPED_VA, RIG_UNMAPPED_VA, 0);
	cmd_copy_2d(&c, RIG_UNMAPPED_VA, 16, RIG_UNMAPPED_VA, 16, 0, 4);
	cmd_copy_2d(&c, RIG_UNMAPPED_VA, 16, RIG_UNMAPPED_VA, 16, 4, 0);
	cmd_fill(&c, RIG_UNMAPPED_VA, 0, 0, 8);
	cmd_nop(&c);
	cmd_fence(&c);
	EXPECT_EQ(0, rig_run(&a.rig, &c));
}

TEST_F(exec, overlapping_copy_down)
{
	struct area a;
	uint8_t *want;

	ASSERT_EQ(0, area_create(&a, self->fd));
	want = malloc(AREA);
	ASSERT_NE(NULL, want);
	for (unsigned int kind = 0; kind < 2; kind++) {
		struct buf *b = &a.buf[kind];

		for (uint64_t shift = 1; shift < 100000; shift = shift * 7 + 1) {
			struct cmds c = rig_cmds(&a.rig, 0);

			buf_pattern(b->ptr, AREA, 4);
			memcpy(want, b->ptr, AREA);
			memmove(want + 10, want + 10 + shift, 300001);
			cmd_copy(&c, b->va + 10, b->va + 10 + shift, 300001);
			ASSERT_EQ(0, rig_run(&a.rig, &c));
			ASSERT_EQ(0, memcmp(want, b->ptr, AREA))
			TH_LOG("shift %llu", (unsigned long long)shift);
		}
	}
}

TEST_F(exec, fills_of_all_patterns)
{
	const uint64_t pattern = 0x8877665544332211;
	const uint64_t lengths[] = { 8, 16, 24, 4096, 4104, 65536, MIB + 8 };
	struct area a;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (unsigned int kind = 0; kind < 2; kind++) {
		struct buf *b = &a.buf[kind];

		for (uint32_t size = 1; size <= 8; size *= 2) {
			for (unsigned int i = 0; i < ARRAY_LEN(lengths); i++) {
				/* As odd a place and a length as the pattern allows. */
				uint64_t at = 4096 - 3 * size, n = lengths[i] + size;
				struct cmds c = rig_cmds(&a.rig, 0);

				memset(b->ptr, 0x5a, at + n + 64);
				cmd_fill(&c, b->va + at, n, pattern, size);
				ASSERT_EQ(0, rig_run(&a.rig, &c));
				for (uint64_t k = 0; k < n; k++)
					if (b->ptr[at + k] != (uint8_t)(pattern >> 8 * (k % size)))
						ASSERT_EQ(0, k + 1) TH_LOG("size %u", size);
				ASSERT_EQ(-1, buf_differs(b->ptr, at, 0x5a));
				ASSERT_EQ(-1, buf_differs(b->ptr + at + n, 64, 0x5a));
			}
		}
	}
}

TEST_F(exec, copies_2d)
{
	const struct {
		uint64_t width, height, src_pitch, dst_pitch;
	} cases[] = {
		{ 1, 1, 0, 0 },
		{ 100, 1, 0, 7 },
		{ 1, 1000, 1, 1 },
		{ 1, 1000, 3, 17 },
		{ 64, 64, 64, 64 },
		{ 63, 65, 100, 64 },
		{ 4096, 100, 8192, 4096 },
		{ 4097, 50, 4099, 9001 },
		{ 3, 4000, 500, 11 },
	};
	struct area a;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (unsigned int kind = 0; kind < 4; kind++) {
		struct buf *src = &a.buf[kind % 2], *dst = &a.buf[2 + kind / 2];

		buf_pattern(src->ptr, AREA, 6);
		for (unsigned int i = 0; i < ARRAY_LEN(cases); i++) {
			uint64_t sp = cases[i].src_pitch, dp = cases[i].dst_pitch,
				 w = cases[i].width;
			struct cmds c = rig_cmds(&a.rig, 0);

			memset(dst->ptr, 0x5a, AREA);
			cmd_copy_2d(&c, dst->va + 5, dp, src->va + 3, sp, w, cases[i].height);
			ASSERT_EQ(0, rig_run(&a.rig, &c));
			for (uint64_t r = 0; r < cases[i].height; r++) {
				ASSERT_EQ(0,
					  memcmp(dst->ptr + 5 + r * dp, src->ptr + 3 + r * sp, w))
				TH_LOG("case %u row %llu", i, (unsigned long long)r);
				if (dp > w)
					ASSERT_EQ(-1, buf_differs(dst->ptr + 5 + r * dp + w, dp - w,
								  0x5a));
			}
			ASSERT_EQ(-1, buf_differs(dst->ptr, 5, 0x5a));
		}
	}
}

TEST_F(exec, timestamps_advance)
{
	volatile uint64_t *t;
	struct area a;
	struct cmds c;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (unsigned int kind = 0; kind < 2; kind++) {
		t = (volatile uint64_t *)a.buf[kind].ptr;
		c = rig_cmds(&a.rig, 0);
		cmd_timestamp(&c, area_va[kind] + 8);
		cmd_fill(&c, HBM2_VA, AREA, 0, 8);
		cmd_timestamp(&c, area_va[kind] + 24);
		ASSERT_EQ(0, rig_run(&a.rig, &c));
		EXPECT_EQ(0, t[0]);
		EXPECT_LT(t[1], t[3]);
		EXPECT_LE(t[2], t[4]);
		EXPECT_EQ(0, t[5]);
	}
}

TEST_F(exec, packets_see_their_predecessors)
{
	struct area a;
	struct cmds c;

	ASSERT_EQ(0, area_create(&a, self->fd));
	c = rig_cmds(&a.rig, 0);
	cmd_fill(&c, HBM_VA, 1, 1, 1);
	for (unsigned int i = 0; i < 16; i++)
		cmd_copy(&c, HBM_VA + (1ull << i), HBM_VA, 1ull << i);
	cmd_copy(&c, SYS_VA, HBM_VA, 1 << 16);
	cmd_copy(&c, HBM2_VA, SYS_VA, 1 << 16);
	cmd_copy(&c, SYS2_VA, HBM2_VA, 1 << 16);
	ASSERT_EQ(0, rig_run(&a.rig, &c));
	EXPECT_EQ(-1, buf_differs(a.buf[3].ptr, 1 << 16, 1));
}

TEST_F(exec, semaphores_between_queues)
{
	struct area a;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (unsigned int kind = 0; kind < 2; kind++) {
		uint64_t sem = area_va[kind], data = area_va[2 + kind];
		volatile uint64_t *word = (volatile uint64_t *)a.buf[kind].ptr;
		struct cmds c = rig_cmds(&a.rig, 0);
		struct drm_dsa_sync out;
		uint32_t handle;

		/* Ping: this queue first waits for the other. Pong: the other goes ahead. */
		for (unsigned int i = 1; i <= 20; i++) {
			cmd_wait(&c, sem, 2 * i - 1);
			cmd_copy(&c, data + 8 * i, data + 8 * (i - 1), 8);
			cmd_add(&c, data + 8 * i, 1);
			cmd_signal(&c, sem, 2 * i);
		}
		ASSERT_EQ(0, syncobj_create(self->fd, &handle));
		out = sync_out(handle, 0);
		ASSERT_EQ(0, submit(self->fd, a.rig.queue, c.va, c.len, &out, 1, NULL));
		c = rig_cmds(&a.rig, 1);
		for (unsigned int i = 0; i < 20; i++) {
			cmd_wait(&c, sem, 2 * i);
			cmd_add(&c, sem, 1);
		}
		ASSERT_EQ(0, rig_run_on(&a.rig, a.copy_queue, &c));
		ASSERT_EQ(0, syncobj_wait(self->fd, handle, 0));
		EXPECT_EQ(40, *word);
		EXPECT_EQ(20, *(volatile uint64_t *)(a.buf[2 + kind].ptr + 160));
	}
}

/* (int64_t)(word - value) >= 0: the comparison is one of distances. */
TEST_F(exec, semaphore_wait_compares_distances)
{
	struct area a;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (unsigned int kind = 0; kind < 2; kind++) {
		volatile uint64_t *word = (volatile uint64_t *)a.buf[kind].ptr;
		struct cmds c = rig_cmds(&a.rig, 0);

		word[0] = 5;
		word[1] = 2;
		word[2] = 0;
		cmd_wait(&c, area_va[kind], 5);
		cmd_wait(&c, area_va[kind], 0);
		cmd_wait(&c, area_va[kind] + 8, UINT64_MAX - 3);
		cmd_wait(&c, area_va[kind] + 16, 0);
		cmd_add(&c, area_va[kind] + 16, UINT64_MAX);
		cmd_wait(&c, area_va[kind] + 16, UINT64_MAX);
		cmd_signal(&c, area_va[kind] + 16, 77);
		EXPECT_EQ(0, rig_run(&a.rig, &c));
		EXPECT_EQ(77, word[2]);
	}
}

/* A word that the processor writes is noticed too, and one of another address space. */
TEST_F(exec, semaphores_from_outside)
{
	volatile uint64_t *word;
	struct drm_dsa_sync out;
	struct rig other;
	uint32_t handle;
	struct area a;
	struct cmds c;

	ASSERT_EQ(0, area_create(&a, self->fd));
	ASSERT_EQ(0, rig_create(&other, self->fd));
	ASSERT_EQ(0, syncobj_create(self->fd, &handle));
	for (unsigned int kind = 0; kind < 2; kind++) {
		word = (volatile uint64_t *)a.buf[kind].ptr;
		c = rig_cmds(&a.rig, 0);
		cmd_wait(&c, area_va[kind], 1);
		cmd_wait(&c, area_va[kind], 2);
		out = sync_out(handle, 0);
		ASSERT_EQ(0, submit(self->fd, a.rig.queue, c.va, c.len, &out, 1, NULL));
		*word = 1;
		EXPECT_FALSE(syncobj_is_signalled(self->fd, handle, 0));
		ASSERT_EQ(0, vm_map(self->fd, other.vm, a.buf[kind].handle, 0, 0x12340000, PAGE,
				    BIND_RW));
		c = rig_cmds(&other, 0);
		cmd_add(&c, 0x12340000, 1);
		ASSERT_EQ(0, rig_run(&other, &c));
		EXPECT_EQ(0, syncobj_wait(self->fd, handle, 0));
		EXPECT_EQ(2, *word);
	}
}

TEST_F(exec, largest_command_buffer)
{
	const uint64_t va = 0x300000000, flag = 8;
	struct drm_dsa_device_info info;
	struct cmds c;
	struct rig rig;
	struct buf b;

	ASSERT_EQ(0, accel_info(self->fd, &info));
	ASSERT_EQ(0, rig_create(&rig, self->fd));
	ASSERT_EQ(0, rig_buf(&rig, &b, info.max_cmd_bytes, DRM_DSA_BO_SYSTEM, va));
	c = (struct cmds){ .ptr = b.ptr, .va = va, .room = info.max_cmd_bytes };
	/* Zeroes are not packets; large copies of nothing are quick to write. */
	while (c.room - c.len > sizeof(struct dsa_cmd_copy_2d) + sizeof(struct dsa_cmd_fill))
		cmd_copy_2d(&c, 0, 0, 0, 0, 0, 0);
	while (c.room - c.len > sizeof(struct dsa_cmd_fill))
		cmd_nop(&c);
	cmd_fill(&c, RIG_CMD_VA + flag, 8, 99, 8);
	ASSERT_EQ(info.max_cmd_bytes, c.len);
	EXPECT_EQ(0, rig_run(&rig, &c));
	EXPECT_EQ(99, *(volatile uint64_t *)(rig.cmd.ptr + flag));
}

/* Packets of every size across the border of two pages that are far apart. */
TEST_F(exec, packets_across_pages)
{
	struct area a;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (unsigned int kind = 0; kind < 2; kind++) {
		const uint64_t va = 0x300000000;
		struct buf *b = &a.buf[kind];

		/* The two pages are swapped. */
		ASSERT_EQ(0, vm_map(self->fd, a.rig.vm, b->handle, PAGE, va, PAGE, BIND_RWX));
		ASSERT_EQ(0, vm_map(self->fd, a.rig.vm, b->handle, 0, va + PAGE, PAGE, BIND_RWX));
		for (uint64_t before = 8; before < 72; before += 8) {
			uint8_t text[256];
			struct cmds c = { .ptr = text,
					  .va = va + PAGE - before,
					  .room = sizeof(text) };
			volatile uint64_t *word = (volatile uint64_t *)a.buf[2].ptr;

			*word = 0;
			cmd_copy_2d(&c, HBM2_VA + 64, 8, HBM2_VA + 128, 8, 8, 1);
			cmd_fill(&c, HBM2_VA, 8, before, 8);
			memcpy(b->ptr + 2 * PAGE - before, text, before < c.len ? before : c.len);
			if (c.len > before)
				memcpy(b->ptr, text + before, c.len - before);
			EXPECT_EQ(0, rig_run(&a.rig, &c));
			EXPECT_EQ(before, *word);
		}
		ASSERT_EQ(0, vm_unmap(self->fd, a.rig.vm, va, 2 * PAGE));
	}
}

/* ---- launches ---- */

/* Code, arguments and result in one buffer of each kind. */
#define CODE   0x0
#define ARGS   0x1000
#define COUNTS 0x1800
#define RESULT 0x2000

static int launch_store(struct area *a, unsigned int kind, uint32_t programs, uint64_t value)
{
	struct rv_store_args args = { .dst = area_va[kind] + RESULT, .value = value };
	struct cmds c = rig_cmds(&a->rig, 0);

	rv_program_store(a->buf[kind].ptr + CODE);
	memcpy(a->buf[kind].ptr + ARGS, &args, sizeof(args));
	cmd_launch(&c, area_va[kind] + CODE, area_va[kind] + ARGS, programs, area_va[kind] + COUNTS,
		   1);
	return rig_run(&a->rig, &c);
}

TEST_F(exec, launch_stores_values)
{
	const uint32_t programs[] = { 1, 2, 16, 17, 1000, 10000 };
	struct area a;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (unsigned int kind = 0; kind < 2; kind++) {
		struct dsa_launch_counters *counts = (void *)(a.buf[kind].ptr + COUNTS);
		uint64_t *result = (uint64_t *)(a.buf[kind].ptr + RESULT);

		for (unsigned int i = 0; i < ARRAY_LEN(programs); i++) {
			uint32_t n = programs[i];

			memset(result, 0, (n + 1) * 8);
			memset(counts, 0, sizeof(*counts));
			ASSERT_EQ(0, launch_store(&a, kind, n, 1000 * i));
			for (uint32_t p = 0; p < n; p++)
				ASSERT_EQ(1000 * i + p, result[p]);
			EXPECT_EQ(0, result[n]);
			EXPECT_EQ(n, counts->programs);
			EXPECT_EQ(8ull * n, counts->instructions);
			EXPECT_LT(counts->start_ns, counts->end_ns);
		}
	}
}

/* The same address, other code: instruction caches are coherent at the start of a launch. */
TEST_F(exec, launch_sees_new_code)
{
	struct area a;
	uint64_t *result;
	uint32_t *code;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (unsigned int kind = 0; kind < 2; kind++) {
		code = (uint32_t *)(a.buf[kind].ptr + CODE);
		result = (uint64_t *)(a.buf[kind].ptr + RESULT);
		for (int i = 0; i < 10; i++) {
			struct rv_store_args args = { .dst = area_va[kind] + RESULT };
			struct cmds c = rig_cmds(&a.rig, 0);

			memcpy(a.buf[kind].ptr + ARGS, &args, sizeof(args));
			code[0] = rv_ld(RV_A1, RV_A0, 0);
			code[1] = rv_addi(RV_A2, RV_ZERO, 100 + i);
			code[2] = rv_sd(RV_A2, RV_A1, 0);
			code[3] = RV_RET;
			cmd_launch(&c, area_va[kind] + CODE, area_va[kind] + ARGS, 20, 0, 0);
			ASSERT_EQ(0, rig_run(&a.rig, &c));
			EXPECT_EQ(100 + i, *result);
		}
	}
}

/* Code that another mapping replaced is not what runs. */
TEST_F(exec, launch_sees_new_mapping)
{
	const uint64_t code_va = 0x300000000;
	struct area a;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (int i = 0; i < 8; i++) {
		struct buf *b = &a.buf[i % 2];
		uint32_t *code = (uint32_t *)(b->ptr + 0x10000);
		struct rv_store_args args = { .dst = HBM2_VA };
		struct cmds c = rig_cmds(&a.rig, 0);

		code[0] = rv_ld(RV_A1, RV_A0, 0);
		code[1] = rv_addi(RV_A2, RV_ZERO, 7 + i);
		code[2] = rv_sd(RV_A2, RV_A1, 0);
		code[3] = RV_RET;
		memcpy(a.rig.cmd.ptr + 4 * RIG_SLOT, &args, sizeof(args));
		ASSERT_EQ(0, vm_map(self->fd, a.rig.vm, b->handle, 0x10000, code_va, PAGE,
				    DRM_DSA_BIND_EXEC));
		cmd_launch(&c, code_va, RIG_CMD_VA + 4 * RIG_SLOT, 1, 0, 0);
		ASSERT_EQ(0, rig_run(&a.rig, &c))
		{
			struct drm_dsa_queue_state st;

			queue_state(self->fd, a.rig.queue, &st);
			TH_LOG("round %d: error %u access %u address 0x%llx pc 0x%llx instruction 0x%x",
			       i, st.error_code, st.access, (unsigned long long)st.addr,
			       (unsigned long long)st.pc, st.insn);
		}
		EXPECT_EQ(7 + i, *(volatile uint64_t *)a.buf[2].ptr);
	}
}

TEST_F(exec, launch_over_three_dimensions)
{
	struct dsa_cmd_launch launch = {
		.hdr = { .opcode = DSA_CMD_LAUNCH, .size = sizeof(launch) },
		.entry = HBM_VA + CODE,
		.kernarg = HBM_VA + ARGS,
		.grid = { 3, 5, 7 },
		.counters = HBM_VA + COUNTS,
	};
	struct rv_store_args args = { .dst = HBM_VA + RESULT };
	/* result[x + 8 * (y + 8 * z)] = 1 + x; other words stay. */
	const uint32_t code[] = {
		rv_ld(RV_A1, RV_A0, 0),
		rv_dsa_rd(RV_A2, DSA_SYS_PID_Z),
		rv_slli(RV_A2, RV_A2, 3),
		rv_dsa_rd(RV_A3, DSA_SYS_PID_Y),
		rv_add(RV_A2, RV_A2, RV_A3),
		rv_slli(RV_A2, RV_A2, 3),
		rv_dsa_rd(RV_A3, DSA_SYS_PID_X),
		rv_add(RV_A2, RV_A2, RV_A3),
		rv_slli(RV_A2, RV_A2, 3),
		rv_add(RV_A1, RV_A1, RV_A2),
		rv_addi(RV_A3, RV_A3, 1),
		rv_sd(RV_A3, RV_A1, 0),
		RV_RET,
	};
	struct dsa_launch_counters *counts;
	struct area a;
	struct cmds c;
	uint64_t *r;

	ASSERT_EQ(0, area_create(&a, self->fd));
	counts = (void *)(a.buf[0].ptr + COUNTS);
	r = (uint64_t *)(a.buf[0].ptr + RESULT);
	memcpy(a.buf[0].ptr + CODE, code, sizeof(code));
	memcpy(a.buf[0].ptr + ARGS, &args, sizeof(args));
	c = rig_cmds(&a.rig, 0);
	cmd_put(&c, &launch, sizeof(launch));
	ASSERT_EQ(0, rig_run(&a.rig, &c));
	EXPECT_EQ(3 * 5 * 7, counts->programs);
	for (unsigned int i = 0; i < 512; i++) {
		unsigned int x = i % 8, y = i / 8 % 8, z = i / 64;

		EXPECT_EQ(x < 3 && y < 5 && z < 7 ? x + 1 : 0, r[i]);
	}
}

/* Every queue there is copies at the same time; each result is right. */
TEST_F(exec, all_queues_at_once)
{
	enum { MAX = 64, BYTES = 30000 };
	uint32_t queue[MAX], handle[MAX], n = 0;
	struct area a;

	ASSERT_EQ(0, area_create(&a, self->fd));
	for (uint32_t class = DRM_DSA_QUEUE_COMPUTE; class <= DRM_DSA_QUEUE_COPY; class ++)
		while (n < MAX && !queue_create(self->fd, a.rig.vm, class, &queue[n]))
			n++;
	EXPECT_LE(32, n);
	buf_pattern(a.buf[0].ptr, AREA, 90);
	for (unsigned int i = 0; i < n; i++) {
		struct drm_dsa_sync out;
		struct cmds c = rig_cmds(&a.rig, i % 15);
		uint64_t at = (uint64_t)i * BYTES;

		/* The commands of four queues share a slot. */
		c.ptr += i / 15 * 256;
		c.va += i / 15 * 256;
		cmd_copy(&c, SYS_VA + at, HBM_VA + at, BYTES);
		cmd_copy(&c, HBM2_VA + at, SYS_VA + at, BYTES);
		cmd_copy(&c, SYS2_VA + at, HBM2_VA + at, BYTES);
		ASSERT_EQ(0, syncobj_create(self->fd, &handle[i]));
		out = sync_out(handle[i], 0);
		ASSERT_EQ(0, submit(self->fd, queue[i], c.va, c.len, &out, 1, NULL));
	}
	for (unsigned int i = 0; i < n; i++) {
		ASSERT_EQ(0, syncobj_wait(self->fd, handle[i], 0));
		ASSERT_EQ(0, syncobj_status(self->fd, handle[i]));
	}
	EXPECT_EQ(-1, buf_pattern_differs(a.buf[3].ptr, (uint64_t)n * BYTES, 90));
}

TEST_HARNESS_MAIN
