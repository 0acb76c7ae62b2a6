/* SPDX-License-Identifier: MIT */
/*
 * dsa_printf() and dsa_assert(): a record in the launch's print buffer, which
 * the host makes text of.
 *
 * dsacc links this into modules that use it.
 */
#include <dsa/kernel.h>
#include <stdarg.h>

#include "print.h"

/* For the host library; exported, so that stripping leaves it. */
extern const uint32_t __dsa_print;
__attribute__((used, visibility("default"))) const uint32_t __dsa_print = DSA_PRINT_VERSION;

/* A record being measured (@to is NULL), or written. */
struct writer {
	uint8_t *to;
	uint64_t at, bytes;
};

static void put(struct writer *w, const void *from, uint64_t bytes)
{
	/* A string that grew since it was measured ends where there is room. */
	if (w->to && w->at + bytes <= w->bytes)
		__builtin_memcpy(w->to + w->at, from, bytes);
	w->at += DSA_PRINT_ROUND(bytes);
}

static void put_word(struct writer *w, uint64_t value)
{
	put(w, &value, sizeof(value));
}

static uint64_t length_of(const char *s, uint64_t most)
{
	uint64_t n = 0;

	while (n < most && s[n])
		n++;
	return n;
}

static void put_string(struct writer *w, const char *s, uint64_t most)
{
	uint64_t n, room = w->bytes > w->at + 8 ? w->bytes - w->at - 8 : 0;

	if (!s)
		s = most < 6 ? "" : "(null)";
	n = length_of(s, most < room ? most : room);
	put_word(w, n);
	put(w, s, n);
}

static uint64_t get_integer(va_list *args, char length)
{
	if (length && length != 'h' && length != 'H')
		return va_arg(*args, uint64_t);
	return (uint64_t)(int64_t)va_arg(*args, int);
}

/* A double; a long double's bits are the host's to convert: its value and more. */
static void put_float(struct writer *w, va_list *args, char length)
{
	double value;
	long double wide;

	if (length == 'L') {
		wide = va_arg(*args, long double);
		put(w, &wide, sizeof(wide));
	} else {
		value = va_arg(*args, double);
		put(w, &value, sizeof(value));
	}
}

static int put_star(struct writer *w, va_list *args)
{
	int value = va_arg(*args, int);

	put_word(w, (uint64_t)(int64_t)value);
	return value;
}

static void put_argument(struct writer *w, const struct dsa_print_spec *s, va_list *args)
{
	int precision = s->precision_from == DSA_PRINT_GIVEN ? s->precision : -1;

	if (s->width_from == DSA_PRINT_STAR)
		put_star(w, args);
	if (s->precision_from == DSA_PRINT_STAR)
		precision = put_star(w, args);
	switch (s->kind) {
	case DSA_PRINT_SIGNED:
	case DSA_PRINT_UNSIGNED:
	case DSA_PRINT_CHAR:
		put_word(w, get_integer(args, s->length));
		break;
	case DSA_PRINT_POINTER:
		put_word(w, (uint64_t)va_arg(*args, void *));
		break;
	case DSA_PRINT_DOUBLE:
		put_float(w, args, s->length);
		break;
	case DSA_PRINT_STRING:
		put_string(w, va_arg(*args, const char *),
			   precision < 0 ? UINT64_MAX : (uint64_t)precision);
		break;
	default:
		break;
	}
}

static void put_arguments(struct writer *w, const char *format, va_list *args)
{
	struct dsa_print_spec s;

	while (*format) {
		if (*format != '%') {
			format++;
			continue;
		}
		s = dsa_print_parse(format);
		if (s.kind == DSA_PRINT_BAD)
			return; /* what the rest would take is anybody's guess */
		put_argument(w, &s, args);
		format = s.end;
	}
}

static void put_word_at(uint8_t *at, uint64_t word)
{
	__atomic_store_n((uint64_t *)at, word, __ATOMIC_RELEASE);
}

/* Room for a record of @bytes; NULL: there is none, which is counted. */
static uint8_t *reserve(struct dsa_print_buffer *b, uint64_t bytes, int flags)
{
	uint64_t size = b->bytes, spare = flags & DSA_PRINT_ASSERT ? 0 : DSA_PRINT_SPARE;
	uint64_t head = __atomic_load_n(&b->head, __ATOMIC_RELAXED), place, pad;

	do {
		place = head % size;
		pad = place + bytes > size ? size - place : 0;
		if (head + pad + bytes + spare - __atomic_load_n(&b->tail, __ATOMIC_ACQUIRE) >
		    size) {
			__atomic_fetch_add(&b->lost, 1, __ATOMIC_RELAXED);
			return NULL;
		}
	} while (!__atomic_compare_exchange_n(&b->head, &head, head + pad + bytes, true,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	if (!pad)
		return b->data + place;
	put_word_at(b->data + place, DSA_PRINT_WORD(pad, DSA_PRINT_PAD, 0));
	return b->data;
}

static void write_record(uint8_t *at, uint64_t bytes, int flags, const char *format, va_list *args)
{
	struct dsa_print_record *r = (struct dsa_print_record *)at;
	struct writer w = { .to = at, .at = sizeof(*r), .bytes = bytes };

	put_word_at(at, DSA_PRINT_WORD(bytes, DSA_PRINT_BEGUN, flags));
	for (int i = 0; i < 3; i++)
		r->program[i] = (uint32_t)dsa_program_id(i);
	r->format_bytes = (uint32_t)length_of(format, UINT32_MAX);
	put(&w, format, r->format_bytes + 1);
	put_arguments(&w, format, args);
	put_word_at(at, DSA_PRINT_WORD(bytes, DSA_PRINT_DONE, flags));
}

static int print(int flags, const char *format, va_list args)
{
	struct dsa_print_buffer *b = (struct dsa_print_buffer *)dsa_user();
	struct writer measure = { .at = sizeof(struct dsa_print_record), .bytes = UINT64_MAX };
	va_list again;
	uint8_t *at;

	if (!b || !format)
		return -1;
	va_copy(again, args);
	measure.at += DSA_PRINT_ROUND(length_of(format, UINT32_MAX) + 1);
	put_arguments(&measure, format, &again);
	va_end(again);
	/* Up to half the buffer: so that a place is found wherever the head is. */
	at = reserve(b, measure.at > b->bytes / 2 ? UINT64_MAX / 4 : measure.at, flags);
	if (!at)
		return -1;
	va_copy(again, args);
	write_record(at, measure.at, flags, format, &again);
	va_end(again);
	return 0;
}

int dsa_printf(const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = print(0, format, args);
	va_end(args);
	return ret;
}

static void print_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void print_failure(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(DSA_PRINT_ASSERT, format, args);
	va_end(args);
}

/* A kernel's body is in a function of a longer name. */
static const char *plain_name(const char *function)
{
	static const char prefix[] = "dsa_body_";

	for (unsigned int i = 0; i < sizeof(prefix) - 1; i++)
		if (function[i] != prefix[i])
			return function;
	return function + sizeof(prefix) - 1;
}

void dsa__assert_failed(const char *condition, const char *file, int line, const char *function)
{
	print_failure("%s:%d: %s: program (%u,%u,%u): assertion `%s' failed\n", file, line,
		      plain_name(function), (unsigned int)dsa_program_id(0),
		      (unsigned int)dsa_program_id(1), (unsigned int)dsa_program_id(2), condition);
	dsa_trap();
}
