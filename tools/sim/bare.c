/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bare programs: ELF files with a symbol tohost, as RISC-V's own test suites
 * are. The page of tohost is in system memory, so the board sees each write.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"

#define HTIF_WRITE 64
#define HTIF_EXIT  93
/* Commands in tohost: device in the upper byte, then the command. */
#define HTIF_COMMAND(word) ((word) >> 48)
#define HTIF_PUTCHAR       0x101

/* Programs have their stacks and heaps behind their last segment. */
#define BARE_ROOM (1u << 20)

bool bare_is(const struct elf *elf)
{
	return elf_symbol(elf, "tohost") && !elf_kernel_count(elf);
}

void bare_prepare(struct sim *s, struct launch *l)
{
	uint64_t rights = DSA_PTE_R | DSA_PTE_W | DSA_PTE_X, left, bus, end = 0;
	const struct elf_symbol *tohost = elf_symbol(&s->elf, "tohost");
	const struct elf_symbol *fromhost = elf_symbol(&s->elf, "fromhost");
	uint64_t page = tohost->value & ~(uint64_t)(DSA_PAGE_SIZE - 1);

	if (tohost->value % 8 || tohost->value >= VA_SYSTEM / 2)
		input_error("%s: tohost at 0x%llx is not aligned to 8 bytes, or out of range",
			    s->elf.path, (unsigned long long)tohost->value);
	memory_system_page(s, page, rights, &bus);
	for (unsigned int i = 0; i < s->elf.segment_count; i++) {
		const struct elf_segment *seg = &s->elf.segments[i];
		uint64_t va = seg->va & ~(uint64_t)(DSA_PAGE_SIZE - 1);

		for (; va < seg->va + seg->bytes; va += DSA_PAGE_SIZE)
			if (!memory_at(s, va, &left))
				memory_new(s, va, DSA_PAGE_SIZE, rights, s->elf.path);
		memory_write(s, seg->va, seg->data, seg->file_bytes);
		end = seg->va + seg->bytes > end ? seg->va + seg->bytes : end;
	}
	end = ALIGN_UP(end, DSA_PAGE_SIZE);
	for (uint64_t va = end; va < end + BARE_ROOM; va += DSA_PAGE_SIZE)
		if (!memory_at(s, va, &left))
			memory_new(s, va, DSA_PAGE_SIZE, rights, s->elf.path);
	s->bare = must(calloc(1, sizeof(*s->bare)));
	s->bare->tohost = bus - BUS_BASE + tohost->value % DSA_PAGE_SIZE;
	s->bare->fromhost_va = fromhost ? fromhost->value : 0;
	machine_init(&s->bare->machine);
	l->entry = s->elf.entry;
}

void bare_free(struct sim *s)
{
	free(s->bare);
	s->bare = NULL;
}

int bare_status(const struct sim *s)
{
	return s->bare->done ? s->bare->status : -1;
}

static void finish(struct bare *b, uint64_t code)
{
	/* A status that does not fit is a failure all the same. */
	b->status = code > 255 ? 255 : (int)code;
	b->done = true;
}

static uint64_t print(struct sim *s, const struct dsa_debug *at, FILE *to, uint64_t va,
		      uint64_t bytes)
{
	char chunk[4096];
	uint64_t done = 0;

	while (done < bytes) {
		size_t n = bytes - done < sizeof(chunk) ? bytes - done : sizeof(chunk);

		if (dsa_core_debug_read(s->core, at, va + done, chunk, n))
			break;
		fwrite(chunk, 1, n, to);
		done += n;
	}
	return done;
}

/* Number, then arguments, in memory; the result goes to the first word. */
static void request(struct sim *s, const struct dsa_debug *at, uint64_t va)
{
	struct bare *b = s->bare;
	uint64_t r[8], one = 1;

	if (dsa_core_debug_read(s->core, at, va, r, sizeof(r))) {
		say("tohost: no request at 0x%llx", (unsigned long long)va);
		finish(b, 255);
		return;
	}
	if (r[0] == HTIF_EXIT) {
		finish(b, r[1]);
		return;
	}
	if (r[0] == HTIF_WRITE && (r[1] == 1 || r[1] == 2))
		r[0] = print(s, at, r[1] == 1 && !s->o->json ? stdout : stderr, r[2], r[3]);
	else
		r[0] = (uint64_t)-ENOSYS;
	dsa_core_debug_write(s->core, at, va, r, sizeof(r[0]));
	pthread_mutex_lock(&s->bus);
	memset(s->ram + b->tohost, 0, 8);
	pthread_mutex_unlock(&s->bus);
	if (b->fromhost_va)
		dsa_core_debug_write(s->core, at, b->fromhost_va, &one, sizeof(one));
}

/* On the hart's own thread, which is in the middle of its store. */
void bare_bus_write(struct sim *s, uint64_t offset, size_t len)
{
	struct bare *b = s->bare;
	uint64_t word;

	if (offset >= b->tohost + 8 || offset + len <= b->tohost || b->done)
		return;
	memcpy(&word, s->ram + b->tohost, sizeof(word));
	if (HTIF_COMMAND(word) == HTIF_PUTCHAR) {
		fputc((int)(word & 0xff), s->o->json ? stderr : stdout);
		memset(s->ram + b->tohost, 0, sizeof(word));
	} else if (word & 1) {
		finish(b, word >> 1);
	} else {
		b->request = word;
	}
}

bool bare_run(struct sim *s, struct dsa_debug *at)
{
	uint64_t va = s->bare->request;

	s->bare->request = 0;
	if (va && !s->bare->done)
		request(s, at, va);
	if (s->bare->done)
		at->hart->arch.pc = DSA_CORE_EXIT_ADDR;
	return s->bare->done;
}

/* ---- signature ---- */

/* As test frameworks compare it: a line for each 32-bit word. */
static bool put_signature(struct sim *s, FILE *file, uint64_t from, uint64_t to)
{
	uint32_t word;

	for (; from < to; from += sizeof(word)) {
		if (!memory_read(s, from, &word, sizeof(word)))
			return false;
		fprintf(file, "%08x\n", word);
	}
	return true;
}

void bare_signature(struct sim *s)
{
	const struct elf_symbol *from = elf_symbol(&s->elf, "begin_signature");
	const struct elf_symbol *to = elf_symbol(&s->elf, "end_signature");
	const char *path = s->o->signature;
	FILE *file = fopen(path, "w");
	bool memory;

	if (!file)
		run_error("--signature %s: cannot write it: %s", path, strerror(errno));
	memory = put_signature(s, file, from->value, to->value);
	if (fflush(file) || ferror(file) || fclose(file))
		run_error("--signature %s: %s", path, strerror(errno));
	if (!memory)
		run_error("--signature %s: 0x%llx .. 0x%llx is not all memory", path,
			  (unsigned long long)from->value, (unsigned long long)to->value);
}

void bare_check_signature(const struct sim *s)
{
	const struct elf_symbol *from = elf_symbol(&s->elf, "begin_signature");
	const struct elf_symbol *to = elf_symbol(&s->elf, "end_signature");

	if (!from || !to)
		input_error("--signature: %s has no symbols begin_signature and end_signature",
			    s->elf.path);
	if (from->value % 4 || to->value % 4 || to->value < from->value)
		input_error("--signature: begin_signature 0x%llx, end_signature 0x%llx: not words "
			    "in this order",
			    (unsigned long long)from->value, (unsigned long long)to->value);
}
