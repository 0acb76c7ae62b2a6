// SPDX-License-Identifier: MIT
/* The parts of libdsa that need no device: allocators and the ELF reader. */
#include "../../../libdsa/internal.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char dsa_kernels_test[];
extern const uint64_t dsa_kernels_test_size;

static int failures, number;

#define CHECK(condition)                                                         \
	do {                                                                     \
		if (!(condition)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			failures++;                                              \
		}                                                                \
	} while (0)

static uint64_t rng(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void va_basics(void)
{
	struct va_space s;
	uint64_t a, b, c;

	CHECK(va_init(&s, 0x10000, 0x100000) == 0);
	a = va_alloc(&s, 0x1000, 0x1000);
	b = va_alloc(&s, 0x1000, 0x10000);
	c = va_alloc(&s, 0x3000, 0x1000);
	CHECK(a == 0x10000 && b == 0x20000 && c == 0x11000);
	CHECK(va_alloc(&s, 0x100000, 1) == 0);
	CHECK(va_alloc(&s, UINT64_MAX, 1) == 0);
	CHECK(va_alloc(&s, 1, 1ull << 63) == 0);
	va_free(&s, b, 0x1000);
	va_free(&s, a, 0x1000);
	va_free(&s, c, 0x3000);
	CHECK(s.holes && !s.holes->next && s.holes->start == 0x10000 && s.holes->size == 0x100000);
	CHECK(va_alloc(&s, 0x100000, 0x10000) == 0x10000);
	CHECK(!s.holes);
	va_fini(&s);
}

/* Against a byte map: nothing is given twice, everything comes back. */
static void va_random(void)
{
	enum { PAGES = 4096, LIVE = 128 };
	static uint8_t used[PAGES];
	struct {
		uint64_t at, size;
	} live[LIVE] = { 0 };
	struct va_space s;
	uint64_t state = 1;

	CHECK(va_init(&s, PAGE, PAGES * PAGE) == 0);
	for (int i = 0; i < 20000; i++) {
		unsigned int k = rng(&state) % LIVE;
		uint64_t align = PAGE << rng(&state) % 5, first;

		if (live[k].size) {
			memset(used + live[k].at / PAGE - 1, 0, live[k].size / PAGE);
			va_free(&s, live[k].at, live[k].size);
			live[k].size = 0;
			continue;
		}
		live[k].size = (1 + rng(&state) % 60) * PAGE;
		live[k].at = va_alloc(&s, live[k].size, align);
		if (!live[k].at) {
			live[k].size = 0;
			continue;
		}
		CHECK(live[k].at % align == 0);
		first = live[k].at / PAGE - 1;
		CHECK(first + live[k].size / PAGE <= PAGES);
		for (uint64_t p = 0; p < live[k].size / PAGE; p++) {
			CHECK(!used[first + p]);
			used[first + p] = 1;
		}
	}
	for (int k = 0; k < LIVE; k++)
		if (live[k].size)
			va_free(&s, live[k].at, live[k].size);
	CHECK(s.holes && !s.holes->next && s.holes->size == PAGES * PAGE);
	va_fini(&s);
}

static void buddy_basics(void)
{
	struct buddy b;
	int64_t first;

	buddy_init(&b);
	CHECK(buddy_empty(&b));
	CHECK(buddy_alloc(&b, HUGE_PAGE + 1) == -1);
	first = buddy_alloc(&b, HUGE_PAGE);
	CHECK(first == 0 && !buddy_empty(&b));
	CHECK(buddy_alloc(&b, 1) == -1);
	buddy_free(&b, 0, HUGE_PAGE);
	CHECK(buddy_empty(&b));
	for (int i = 0; i < 8192; i++)
		CHECK(buddy_alloc(&b, 256) >= 0);
	CHECK(buddy_alloc(&b, 1) == -1);
	for (int i = 0; i < 8192; i++)
		buddy_free(&b, (uint64_t)i * 256, 1);
	CHECK(buddy_empty(&b));
}

static void buddy_random(void)
{
	enum { CELLS = 8192, LIVE = 300 };
	static uint8_t used[CELLS];
	struct {
		int64_t at;
		uint64_t size;
	} live[LIVE] = { 0 };
	uint64_t state = 5;
	struct buddy b;

	buddy_init(&b);
	for (int i = 0; i < 50000; i++) {
		unsigned int k = rng(&state) % LIVE;
		uint64_t cells;

		if (live[k].size) {
			cells = (live[k].size + 255) / 256;
			memset(used + live[k].at / 256, 0, cells);
			buddy_free(&b, (uint64_t)live[k].at, live[k].size);
			live[k].size = 0;
			continue;
		}
		live[k].size = 1 + rng(&state) % (1ull << rng(&state) % 19);
		live[k].at = buddy_alloc(&b, live[k].size);
		if (live[k].at < 0) {
			live[k].size = 0;
			continue;
		}
		cells = (live[k].size + 255) / 256;
		CHECK(live[k].at % 256 == 0 && (uint64_t)live[k].at / 256 + cells <= CELLS);
		for (uint64_t c = 0; c < cells; c++) {
			CHECK(!used[(uint64_t)live[k].at / 256 + c]);
			used[(uint64_t)live[k].at / 256 + c] = 1;
		}
	}
	for (int k = 0; k < LIVE; k++)
		if (live[k].size)
			buddy_free(&b, (uint64_t)live[k].at, live[k].size);
	CHECK(buddy_empty(&b));
}

static void elf_good(void)
{
	struct elf_module m;
	bool found = false;

	CHECK(elf_length(dsa_kernels_test) == dsa_kernels_test_size);
	CHECK(elf_parse(dsa_kernels_test, dsa_kernels_test_size, &m));
	CHECK(m.kernel_count > 15 && m.segment_count >= 3 && m.span % PAGE == 0);
	for (unsigned int i = 0; i < m.kernel_count; i++) {
		if (strcmp(m.kernels[i].name, "echo_args"))
			continue;
		found = true;
		CHECK(m.kernels[i].meta.arg_count == 7 && m.kernels[i].meta.kernarg_bytes == 48);
		CHECK(m.kernels[i].entry && m.kernels[i].entry < m.span);
	}
	CHECK(found);
	elf_free(&m);
}

/* Every length but the whole: refused or harmless, never read beyond (ASan watches). */
static void elf_truncated(void)
{
	struct elf_module m;

	for (uint64_t n = 0; n < dsa_kernels_test_size; n += n < 2048 ? 1 : 97) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, dsa_kernels_test, n);
		if (elf_parse(copy, n, &m))
			elf_free(&m);
		else
			CHECK(m.error[0]);
		free(copy);
	}
}

static void elf_damaged(void)
{
	uint64_t size = dsa_kernels_test_size, state = 77;
	uint8_t *copy = malloc(size);
	struct elf_module m;
	int good = 0;

	for (int i = 0; i < 6000; i++) {
		uint64_t reach = i % 3 ? size : i % 2 ? 64 : 1024;

		memcpy(copy, dsa_kernels_test, size);
		/* Single bits, whole bytes, and extreme numbers where headers are. */
		for (uint64_t k = rng(&state) % 3 + 1; k; k--) {
			uint64_t at = rng(&state) % reach;

			if (i % 5 == 0 && at + 8 <= size)
				memset(copy + at, rng(&state) % 2 ? 0xff : 0x7f, 8);
			else if (i % 2)
				copy[at] ^= (uint8_t)(1u << rng(&state) % 8);
			else
				copy[at] = (uint8_t)rng(&state);
		}
		if (elf_parse(copy, size, &m)) {
			good++;
			for (unsigned int k = 0; k < m.kernel_count; k++)
				CHECK(m.kernels[k].entry < m.span && m.kernels[k].name[0]);
			elf_free(&m);
		} else {
			CHECK(m.error[0]);
		}
	}
	CHECK(good > 0 && good < 6000);
	free(copy);
}

/* Flaws made by hand, each refused for its own reason. */
static void elf_refused(const char *why, size_t at, uint64_t value, size_t width)
{
	uint8_t *copy = malloc(dsa_kernels_test_size);
	struct elf_module m;

	memcpy(copy, dsa_kernels_test, dsa_kernels_test_size);
	memcpy(copy + at, &value, width);
	if (elf_parse(copy, dsa_kernels_test_size, &m)) {
		printf("# accepted, though it should say: %s\n", why);
		failures++;
		elf_free(&m);
	} else if (!strstr(m.error, why)) {
		printf("# should say: %s\n# says: %s\n", why, m.error);
		failures++;
	}
	free(copy);
}

static size_t load_segment(unsigned int nth)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;

	memcpy(&h, dsa_kernels_test, sizeof(h));
	for (unsigned int i = 0; i < h.e_phnum; i++) {
		memcpy(&p, dsa_kernels_test + h.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_LOAD && nth-- == 0)
			return h.e_phoff + i * sizeof(p);
	}
	return 0;
}

static void elf_reasons(void)
{
	size_t first = load_segment(0), second = load_segment(1);

	elf_refused("no ELF", 1, 'X', 1);
	elf_refused("64-bit", EI_CLASS, ELFCLASS32, 1);
	elf_refused("RISC-V", offsetof(Elf64_Ehdr, e_machine), EM_X86_64, 2);
	elf_refused("not linked", offsetof(Elf64_Ehdr, e_type), ET_REL, 2);
	elf_refused("program headers", offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX - 8, 8);
	elf_refused("program headers", offsetof(Elf64_Ehdr, e_phnum), 0, 2);
	elf_refused("section headers", offsetof(Elf64_Ehdr, e_shoff), UINT64_MAX - 8, 8);
	elf_refused("no symbol table", offsetof(Elf64_Ehdr, e_shnum), 0, 2);
	elf_refused("beyond the file", first + offsetof(Elf64_Phdr, p_offset), UINT64_MAX - 4, 8);
	elf_refused("more bytes in the file", first + offsetof(Elf64_Phdr, p_memsz), 1, 8);
	elf_refused("MiB", first + offsetof(Elf64_Phdr, p_memsz), UINT64_MAX, 8);
	elf_refused("MiB", first + offsetof(Elf64_Phdr, p_vaddr), UINT64_MAX - 8, 8);
	elf_refused("both writable and executable", second + offsetof(Elf64_Phdr, p_flags), 7, 4);
	elf_refused("shares a page", second + offsetof(Elf64_Phdr, p_vaddr), 0, 8);
	elf_refused("interpreter", first + offsetof(Elf64_Phdr, p_type), PT_INTERP, 4);
	elf_refused("thread-local", first + offsetof(Elf64_Phdr, p_type), PT_TLS, 4);
}

static void run(void (*test)(void), const char *name)
{
	failures = 0;
	test();
	printf("%sok %d %s\n", failures ? "not " : "", ++number, name);
}

int main(void)
{
	static const struct {
		void (*test)(void);
		const char *name;
	} tests[] = {
		{ va_basics, "va_basics" },       { va_random, "va_random" },
		{ buddy_basics, "buddy_basics" }, { buddy_random, "buddy_random" },
		{ elf_good, "elf_good" },         { elf_truncated, "elf_truncated" },
		{ elf_damaged, "elf_damaged" },   { elf_reasons, "elf_reasons" },
	};
	size_t count = sizeof(tests) / sizeof(tests[0]);
	int bad = 0;

	printf("TAP version 13\n1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		run(tests[i].test, tests[i].name);
		bad |= failures;
	}
	return bad != 0;
}
