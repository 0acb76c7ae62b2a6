/* SPDX-License-Identifier: MIT */
/*
 * Reads print buffers. Kernels share their address space with the buffer, so
 * that a stray pointer can leave anything in it, at any time: each value is
 * read once, then checked, and records are read from a copy.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More records than this are not lost in any buffer's life. */
#define LOST_MAX (1ull << 40)

static void say(struct print_reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void say(struct print_reader *r, const char *format, ...)
{
	char line[256];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	text_add(&r->text, line, (size_t)n);
}

bool reader_attach(struct print_reader *r, void *buffer, uint64_t bytes)
{
	uint8_t *copy = malloc(bytes);

	if (!copy)
		return false;
	r->copy = copy;
	r->buffer = buffer;
	r->bytes = bytes - sizeof(*r->buffer);
	r->tail = 0;
	r->lost = 0;
	r->damaged = false;
	memset(buffer, 0, bytes);
	r->buffer->bytes = r->bytes;
	return true;
}

void *reader_detach(struct print_reader *r)
{
	void *buffer = r->buffer;

	free(r->copy);
	r->copy = NULL;
	r->buffer = NULL;
	return buffer;
}

static uint64_t load(const void *from)
{
	return __atomic_load_n((const uint64_t *)from, __ATOMIC_ACQUIRE);
}

static void damaged(struct print_reader *r, const char *what)
{
	r->damaged = true;
	say(r,
	    "libdsa: a kernel wrote into the print buffer (%s): text is lost until the stream is idle\n",
	    what);
}

/* Clears what was read and gives it to the device. */
static void release(struct print_reader *r, uint64_t bytes)
{
	memset(r->buffer->data + r->tail % r->bytes, 0, bytes);
	r->tail += bytes;
	__atomic_store_n(&r->buffer->tail, r->tail, __ATOMIC_RELEASE);
}

/* A failed assertion's text, without the end of its line. */
static void keep_assertion(struct print_reader *r, const char *text)
{
	const struct dsa_print_record *h = (const struct dsa_print_record *)r->copy;

	snprintf(r->assertion, sizeof(r->assertion), "%.*s", (int)strcspn(text, "\n"), text);
	memcpy(r->assertion_program, h->program, sizeof(h->program));
}

static bool read_record(struct print_reader *r, uint64_t word, uint64_t bytes)
{
	size_t before = r->text.length;

	if (bytes < sizeof(struct dsa_print_record))
		return false;
	memcpy(r->copy, r->buffer->data + r->tail % r->bytes, bytes);
	if (!format_record(&r->text, r->copy, bytes))
		return false;
	if (word >> 56 & DSA_PRINT_ASSERT)
		keep_assertion(r, r->text.bytes ? r->text.bytes + before : "");
	return true;
}

/* Its first word is sound: all of the record lies before @head and the ring's end. */
static bool fits(const struct print_reader *r, uint64_t word, uint64_t head)
{
	uint64_t bytes = (uint32_t)word, to_end = r->bytes - r->tail % r->bytes;

	return (word >> 32 & 0xffff) == DSA_PRINT_MAGIC && bytes && bytes % 8 == 0 &&
	       bytes <= to_end && bytes <= head - r->tail;
}

/* Skips what was reserved, but not begun: zero, of unknown length. */
static void skip_hole(struct print_reader *r, uint64_t head)
{
	while (r->tail != head && !load(r->buffer->data + r->tail % r->bytes))
		release(r, 8);
}

/* The record at the tail; false: it is not for now. Counts those that are @bad. */
static bool read_next(struct print_reader *r, uint64_t head, bool final, uint64_t *bad)
{
	uint64_t word = load(r->buffer->data + r->tail % r->bytes);
	uint64_t bytes = (uint32_t)word;

	if (!final && (!word || (word >> 48 & 0xff) == DSA_PRINT_BEGUN))
		return false;
	if (!word) {
		skip_hole(r, head);
		(*bad)++;
		return true;
	}
	if (!fits(r, word, head)) {
		damaged(r, "a record's start is not one");
		return false;
	}
	switch (word >> 48 & 0xff) {
	case DSA_PRINT_BEGUN:
		(*bad)++;
		break;
	case DSA_PRINT_DONE:
		*bad += !read_record(r, word, bytes);
		break;
	case DSA_PRINT_PAD:
		break;
	default:
		damaged(r, "a record's state is none");
		return false;
	}
	release(r, bytes);
	return true;
}

static void report(struct print_reader *r, uint64_t bad)
{
	uint64_t lost = load(&r->buffer->lost), n = lost - r->lost;

	if (bad)
		say(r,
		    "libdsa: %llu records of dsa_printf() are bad: their program was stopped, or a kernel wrote there\n",
		    (unsigned long long)bad);
	if (n > LOST_MAX) {
		damaged(r, "the count of lost records went mad");
		return;
	}
	r->lost = lost;
	if (n)
		say(r, "libdsa: %llu records of dsa_printf() lost: raise dsaLimitPrintfFifoSize\n",
		    (unsigned long long)n);
}

void reader_read(struct print_reader *r, bool final)
{
	uint64_t head, bad = 0;

	if (!r->buffer || r->damaged)
		return;
	head = load(&r->buffer->head);
	if (load(&r->buffer->tail) != r->tail || load(&r->buffer->bytes) != r->bytes ||
	    head - r->tail > r->bytes || head % 8) {
		damaged(r, "its head");
		return;
	}
	while (r->tail != head && read_next(r, head, final, &bad))
		;
	if (!r->damaged)
		report(r, bad);
}
