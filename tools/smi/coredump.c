/* SPDX-License-Identifier: MIT */
/*
 * dsa-smi coredump: what the driver left in devcoredump, for people or as JSON.
 * The file may be anything: all of it is checked before any of it is printed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uapi/drm/dsa_coredump.h>
#include <uapi/dsa_cmd.h>

#include "smi.h"

/* Far beyond what the driver writes. */
#define MAX_BYTES    (64u << 20)
#define SECTIONS_MAX 64

struct dump {
	const char *path;
	uint8_t *data;
	size_t size;
	const struct dsa_dump_section *section[SECTIONS_MAX];
	unsigned int count;
};

static bool refuse(const struct dump *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(const struct dump *d, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "dsa-smi: %s: ", d->path);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return false;
}

/* ---- reading ---- */

static bool read_all(struct dump *d, FILE *in)
{
	size_t room = 0, n;

	do {
		if (d->size == room) {
			uint8_t *more;

			room = room ? 2 * room : 1u << 16;
			more = room <= MAX_BYTES ? realloc(d->data, room) : NULL;
			if (!more)
				return refuse(d, "larger than any dump");
			d->data = more;
		}
		n = fread(d->data + d->size, 1, room - d->size, in);
		d->size += n;
	} while (n);
	return ferror(in) ? refuse(d, "%s", strerror(errno)) : true;
}

static bool read_file(struct dump *d)
{
	FILE *in = fopen(d->path, "rb");
	bool ok;

	if (!in)
		return refuse(d, "%s", strerror(errno));
	ok = read_all(d, in);
	fclose(in);
	return ok;
}

static uint32_t crc32_of(const uint8_t *p, size_t bytes)
{
	uint32_t crc = ~0u;

	while (bytes--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* What an element has at least, 0 for sections that this program does not know. */
static size_t element_bytes(uint32_t type)
{
	static const size_t bytes[] = {
		[DSA_DUMP_INFO] = sizeof(struct dsa_dump_info),
		[DSA_DUMP_REGISTERS] = sizeof(struct dsa_dump_register),
		[DSA_DUMP_QUEUES] = sizeof(struct dsa_dump_queue),
		[DSA_DUMP_ENGINES] = sizeof(struct dsa_dump_engine),
		[DSA_DUMP_RING] = sizeof(struct dsa_dump_packet),
		[DSA_DUMP_COMMANDS] = sizeof(struct dsa_dump_bytes),
		[DSA_DUMP_PAGES] = sizeof(struct dsa_dump_page),
	};

	return type < sizeof(bytes) / sizeof(bytes[0]) ? bytes[type] : 0;
}

static bool check_header(const struct dump *d, const struct dsa_dump_header *h)
{
	uint32_t crc;

	if (d->size < sizeof(*h))
		return refuse(d, "cut off: %zu bytes are no dump", d->size);
	if (h->magic != DSA_DUMP_MAGIC)
		return refuse(d, "not a dump of a DSA: it begins with 0x%" PRIx64 ", not 0x%llx",
			      (uint64_t)h->magic, DSA_DUMP_MAGIC);
	if (h->version != DSA_DUMP_VERSION)
		return refuse(d, "version %u; this program reads version %u", h->version,
			      DSA_DUMP_VERSION);
	if (h->total_bytes != d->size)
		return refuse(d, "%s: %zu bytes, of %" PRIu64,
			      d->size < h->total_bytes ? "cut off" : "more than a dump", d->size,
			      (uint64_t)h->total_bytes);
	if (h->header_bytes < sizeof(*h) || h->header_bytes > d->size || h->header_bytes % 8)
		return refuse(d, "corrupt: a header of %u bytes", h->header_bytes);
	crc = crc32_of(d->data + h->header_bytes, d->size - h->header_bytes);
	if (crc != h->crc)
		return refuse(d, "corrupt: checksum 0x%08x, not 0x%08x", crc, h->crc);
	return true;
}

/* The section at @at; moves behind it. */
static bool check_section(struct dump *d, size_t *at)
{
	const struct dsa_dump_section *s = (const void *)(d->data + *at);
	size_t left = d->size - *at;

	if (left < sizeof(*s))
		return refuse(d, "corrupt: section %u begins at the end", d->count);
	left -= sizeof(*s);
	if (!s->stride || s->stride % 8 || s->stride < element_bytes(s->type))
		return refuse(d, "corrupt: section %u (type %u) has elements of %u bytes", d->count,
			      s->type, s->stride);
	if ((uint64_t)s->count * s->stride > left)
		return refuse(d, "corrupt: section %u (type %u) reaches past the end", d->count,
			      s->type);
	if (d->count == SECTIONS_MAX)
		return refuse(d, "corrupt: more than %d sections", SECTIONS_MAX);
	d->section[d->count++] = s;
	*at += sizeof(*s) + (size_t)s->count * s->stride;
	return true;
}

static bool check(struct dump *d)
{
	const struct dsa_dump_header *h = (const void *)d->data;
	size_t at;

	if (!check_header(d, h))
		return false;
	at = h->header_bytes;
	while (at < d->size)
		if (!check_section(d, &at))
			return false;
	if (d->count != h->section_count)
		return refuse(d, "corrupt: %u sections, of %u", d->count, h->section_count);
	return true;
}

static const void *element(const struct dsa_dump_section *s, uint32_t i)
{
	return (const uint8_t *)(s + 1) + (size_t)i * s->stride;
}

/* ---- words ---- */

static const char *name_of(const char *const *names, size_t count, uint32_t value)
{
	return value < count && names[value] ? names[value] : "unknown";
}

#define NAME_OF(names, value) name_of(names, sizeof(names) / sizeof(names[0]), value)

static const char *const levels[] = { "queue", "engine", "device" };
static const char *const queue_states[] = { "disabled", "active", "stopping", "error" };
static const char *const engine_kinds[] = { "front end", "copy engine", "core" };
static const char *const engine_states[] = { "idle", "busy", "waiting", "stuck" };
static const char *const waits[] = { "nothing", "an mbarrier", "its cluster", "a semaphore" };
static const char *const opcodes[] = {
	[DSA_CMD_NOP] = "NOP",           [DSA_CMD_COPY] = "COPY",
	[DSA_CMD_COPY_2D] = "COPY_2D",   [DSA_CMD_FILL] = "FILL",
	[DSA_CMD_LAUNCH] = "LAUNCH",     [DSA_CMD_SEM_SIGNAL] = "SEM_SIGNAL",
	[DSA_CMD_SEM_WAIT] = "SEM_WAIT", [DSA_CMD_TIMESTAMP] = "TIMESTAMP",
	[DSA_CMD_FENCE] = "FENCE",
};

static const char *flag_words(uint32_t flags)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s%s%s%s%s", flags & 1 ? "dead" : "alive",
		 flags & 2 ? ", timed out" : "", flags & 4 ? ", fault" : "",
		 flags & 8 ? ", lost to a reset" : "",
		 flags & 16 ? ", waited for a failed job" : "");
	return text;
}

/* ---- for people ---- */

static void show_info(const void *p)
{
	const struct dsa_dump_info *i = p;
	time_t seconds = (time_t)(i->realtime_ns / 1000000000);
	char when[32] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	printf("  %s, device time %llu ns, hardware %u.%u, serial 0x%llx\n", when,
	       i->device_time_ns, i->hw_version >> 16, i->hw_version & 0xffff, i->serial);
	printf("  reset: %s\n", NAME_OF(levels, i->level));
	if (i->queue == DSA_DUMP_NO_QUEUE) {
		printf("  no queue is to blame\n");
		return;
	}
	printf("  queue %u of client %llu (%s), address space %u, limit %u ms\n", i->queue,
	       i->client_id, flag_words(i->queue_flags), i->asid, i->timeout_ms);
	if (i->job_id)
		printf("  job %llu: %llu bytes of commands at 0x%llx\n", i->job_id, i->cmd_size,
		       i->cmd_va);
}

static void show_register(const void *p)
{
	const struct dsa_dump_register *r = p;

	printf("  %05x %-*.*s 0x%0*llx\n", r->offset, (int)sizeof(r->name), (int)sizeof(r->name),
	       r->name, r->bits == 64 ? 16 : 8, r->value);
}

static void show_queue(const void *p)
{
	const struct dsa_dump_queue *q = p;

	printf("  queue %u of client %llu: %s, priority %u, address space %u, %s%s, head %u, tail %u, "
	       "%llu of %llu jobs, %s\n",
	       q->index, q->client_id, q->queue_class ? "copy" : "compute", q->priority, q->asid,
	       NAME_OF(queue_states, q->state), q->busy ? ", busy" : "", q->head, q->tail,
	       q->completed, q->submitted, flag_words(q->flags));
}

static void show_engine(const void *p)
{
	const struct dsa_dump_engine *e = p;

	printf("  %s %u: %s", NAME_OF(engine_kinds, e->kind), e->index,
	       NAME_OF(engine_states, e->state));
	if (e->queue != ~0u)
		printf(", for queue %u", e->queue);
	if (e->kind == DSA_ENGINE_CORE)
		printf(", program (%u, %u, %u) of launch %llu, pc 0x%llx", e->program[0],
		       e->program[1], e->program[2], e->launch_id, e->pc);
	if (e->wait)
		printf(", waits for %s at 0x%llx", NAME_OF(waits, e->wait), e->wait_addr);
	putchar('\n');
}

static void show_packet(const void *p)
{
	const struct dsa_dump_packet *r = p;

	printf("  packet %u: %s, %llu bytes at 0x%llx, fence %llu to 0x%llx, job %llu\n", r->number,
	       (uint32_t)r->words[0] ? "EXEC" : "NOP", r->words[2], r->words[1], r->words[4],
	       r->words[3], r->words[5]);
}

static void show_bytes(const void *p)
{
	const struct dsa_dump_bytes *b = p;
	uint32_t bytes = b->bytes < sizeof(b->data) ? b->bytes : sizeof(b->data);

	if (!bytes)
		printf("  %012llx not mapped\n", b->va);
	for (uint32_t i = 0; i < bytes; i += 16) {
		printf("  %012llx", b->va + i);
		for (uint32_t k = i; k < i + 16 && k < bytes; k++)
			printf("%s%02x", k % 8 ? " " : "  ", b->data[k]);
		putchar('\n');
	}
}

static void show_page(const void *p)
{
	static const char *const sizes[] = { "4 KiB", "2 MiB", "1 GiB" };
	const struct dsa_dump_page *m = p;

	printf("  %012llx %llu x %s, %s 0x%llx, %c%c%c\n", m->va, m->count,
	       NAME_OF(sizes, m->level), m->entry & 16 ? "system" : "HBM",
	       m->entry & 0x000ffffffffff000ull, m->entry & 2 ? 'r' : '-', m->entry & 4 ? 'w' : '-',
	       m->entry & 8 ? 'x' : '-');
}

/* ---- as JSON ---- */

static void json_info(const void *p)
{
	const struct dsa_dump_info *i = p;

	printf("{\"realtime_ns\": %llu, \"device_time_ns\": %llu, \"serial\": %llu, "
	       "\"hw_version\": \"%u.%u\", \"level\": \"%s\", \"queue\": %d, \"client\": %llu, "
	       "\"flags\": %u, \"asid\": %u, \"timeout_ms\": %u, \"job\": %llu, \"cmd_va\": %llu, "
	       "\"cmd_size\": %llu}",
	       i->realtime_ns, i->device_time_ns, i->serial, i->hw_version >> 16,
	       i->hw_version & 0xffff, NAME_OF(levels, i->level), (int)i->queue, i->client_id,
	       i->queue_flags, i->asid, i->timeout_ms, i->job_id, i->cmd_va, i->cmd_size);
}

static void json_register(const void *p)
{
	const struct dsa_dump_register *r = p;
	char name[sizeof(r->name) + 1] = "";

	memcpy(name, r->name, sizeof(r->name));
	printf("{\"name\": ");
	json_string(name);
	printf(", \"offset\": %u, \"bits\": %u, \"value\": %llu}", r->offset, r->bits, r->value);
}

static void json_queue(const void *p)
{
	const struct dsa_dump_queue *q = p;

	printf("{\"queue\": %u, \"client\": %llu, \"class\": \"%s\", \"priority\": %u, \"asid\": %u, "
	       "\"state\": \"%s\", \"busy\": %u, \"head\": %u, \"tail\": %u, \"submitted\": %llu, "
	       "\"completed\": %llu, \"time_ns\": %llu, \"flags\": %u}",
	       q->index, q->client_id, q->queue_class ? "copy" : "compute", q->priority, q->asid,
	       NAME_OF(queue_states, q->state), q->busy, q->head, q->tail, q->submitted,
	       q->completed, q->time_ns, q->flags);
}

static void json_engine(const void *p)
{
	const struct dsa_dump_engine *e = p;

	printf("{\"kind\": \"%s\", \"index\": %u, \"state\": \"%s\", \"queue\": %d, "
	       "\"program\": [%u, %u, %u], \"launch\": %llu, \"pc\": %llu, \"wait\": %u, "
	       "\"wait_addr\": %llu, \"busy_ns\": %llu}",
	       NAME_OF(engine_kinds, e->kind), e->index, NAME_OF(engine_states, e->state),
	       (int)e->queue, e->program[0], e->program[1], e->program[2], e->launch_id, e->pc,
	       e->wait, e->wait_addr, e->busy_ns);
}

static void json_packet(const void *p)
{
	const struct dsa_dump_packet *r = p;

	printf("{\"number\": %u, \"op\": %u, \"flags\": %u, \"cmd_va\": %llu, \"cmd_size\": %llu, "
	       "\"fence_addr\": %llu, \"fence_value\": %llu, \"job\": %llu}",
	       r->number, (uint32_t)r->words[0], (uint32_t)(r->words[0] >> 32), r->words[1],
	       r->words[2], r->words[3], r->words[4], r->words[5]);
}

static void json_bytes(const void *p)
{
	const struct dsa_dump_bytes *b = p;
	uint32_t bytes = b->bytes < sizeof(b->data) ? b->bytes : sizeof(b->data);

	printf("{\"va\": %llu, \"data\": \"", b->va);
	for (uint32_t i = 0; i < bytes; i++)
		printf("%02x", b->data[i]);
	printf("\"}");
}

static void json_page(const void *p)
{
	const struct dsa_dump_page *m = p;

	printf("{\"va\": %llu, \"entry\": %llu, \"count\": %llu, \"level\": %u}", m->va, m->entry,
	       m->count, m->level);
}

/* ---- the whole ---- */

static const struct {
	const char *title, *key;
	void (*show)(const void *element);
	void (*json)(const void *element);
} kinds[] = {
	[DSA_DUMP_INFO] = { "What happened", "info", show_info, json_info },
	[DSA_DUMP_REGISTERS] = { "Registers", "registers", show_register, json_register },
	[DSA_DUMP_QUEUES] = { "Queues in use", "queues", show_queue, json_queue },
	[DSA_DUMP_ENGINES] = { "Engines at work", "engines", show_engine, json_engine },
	[DSA_DUMP_RING] = { "Ring", "ring", show_packet, json_packet },
	[DSA_DUMP_COMMANDS] = { "Commands", "commands", show_bytes, json_bytes },
	[DSA_DUMP_PAGES] = { "Pages", "pages", show_page, json_page },
};

/* The first of a type: the driver writes one of each. */
static const struct dsa_dump_section *find(const struct dump *d, uint32_t type)
{
	for (unsigned int i = 0; i < d->count; i++)
		if (d->section[i]->type == type)
			return d->section[i];
	return NULL;
}

/* The commands of the job by name, as far as they are there from its first on. */
static void show_commands(const struct dsa_dump_section *s, const struct dsa_dump_info *info)
{
	uint64_t at = info->cmd_va;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct dsa_dump_bytes *b = element(s, i);
		uint32_t bytes = b->bytes < sizeof(b->data) ? b->bytes : sizeof(b->data);

		while (at >= b->va && at - b->va + sizeof(struct dsa_cmd_header) <= bytes) {
			struct dsa_cmd_header h;

			memcpy(&h, b->data + (at - b->va), sizeof(h));
			if (h.size < sizeof(h) || h.size % 8)
				return;
			printf("  %012" PRIx64 " %s, %u bytes\n", at, NAME_OF(opcodes, h.opcode),
			       h.size);
			at += h.size;
		}
	}
}

static void show(const struct dump *d)
{
	const struct dsa_dump_section *info = find(d, DSA_DUMP_INFO);

	for (uint32_t type = 1; type < sizeof(kinds) / sizeof(kinds[0]); type++) {
		const struct dsa_dump_section *s = find(d, type);

		if (!s)
			continue;
		printf("%s%s\n", kinds[type].title,
		       s->flags & DSA_DUMP_BUSY ? ": the address space was being changed" : "");
		for (uint32_t i = 0; i < s->count; i++)
			kinds[type].show(element(s, i));
		if (type == DSA_DUMP_COMMANDS && info && info->count)
			show_commands(s, element(info, 0));
		if (s->flags & DSA_DUMP_CUT)
			printf("  ... and more\n");
	}
}

static void show_json(const struct dump *d)
{
	const char *comma = "";

	putchar('{');
	for (uint32_t type = 1; type < sizeof(kinds) / sizeof(kinds[0]); type++) {
		const struct dsa_dump_section *s = find(d, type);

		if (!s)
			continue;
		printf("%s\n\"%s\": {\"cut\": %s, \"list\": [", comma, kinds[type].key,
		       s->flags & DSA_DUMP_CUT ? "true" : "false");
		for (uint32_t i = 0; i < s->count; i++) {
			printf("%s\n  ", i ? "," : "");
			kinds[type].json(element(s, i));
		}
		printf("]}");
		comma = ",";
	}
	printf("\n}\n");
}

int coredump_run(const char *path, bool json)
{
	struct dump d = { .path = path };
	int status = 1;

	if (read_file(&d) && check(&d)) {
		if (json)
			show_json(&d);
		else
			show(&d);
		status = fflush(stdout) || ferror(stdout);
		if (status)
			fprintf(stderr, "dsa-smi: writing the output: %s\n", strerror(errno));
	}
	free(d.data);
	return status;
}
