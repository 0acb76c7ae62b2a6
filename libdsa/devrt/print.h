/* SPDX-License-Identifier: MIT */
/*
 * What device and host agree on about kernels' printf: the buffer, its
 * records, and how a format string is taken apart.
 *
 * The buffer is a ring in pinned host memory. Positions count bytes for ever;
 * a position's place is its remainder by the size. The device alone writes
 * @head and @lost, the host alone the rest: its atomics are none to the other.
 *
 * A record is reserved by moving @head, begun by writing its first word, and
 * done when that word says so. What is not in use is zero: the host clears a
 * record before it moves @tail past it. A record never goes round the ring's
 * end: one of state DSA_PRINT_PAD fills what is left there.
 *
 * After the record's header come the format with its NUL, padded to 8 bytes,
 * then the arguments in the format's order, 8 bytes each; a string is its
 * length and its bytes, padded to 8.
 */
#ifndef DSA_DEVRT_PRINT_H
#define DSA_DEVRT_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The module's symbol of this name says that it prints, in which version of this layout. */
#define DSA_PRINT_SYMBOL  "__dsa_print"
#define DSA_PRINT_VERSION 1

struct dsa_print_buffer {
	uint64_t head; /* device: position of the next record */
	uint64_t lost; /* device: records that found no room */
	uint64_t pad0[6];
	uint64_t tail;  /* host: position that it has read up to */
	uint64_t bytes; /* host: of @data, a multiple of 8 */
	uint64_t pad1[6];
	uint8_t data[];
};

struct dsa_print_record {
	uint64_t word; /* DSA_PRINT_WORD() */
	uint32_t program[3];
	uint32_t format_bytes; /* without NUL and padding */
};

#define DSA_PRINT_MAGIC 0xd5a1ull
/* First word: bytes of the record (a multiple of 8), magic, state, flags. */
#define DSA_PRINT_WORD(bytes, state, flags)                                              \
	((uint64_t)(uint32_t)(bytes) | DSA_PRINT_MAGIC << 32 | (uint64_t)(state) << 48 | \
	 (uint64_t)(flags) << 56)

enum dsa_print_state {
	DSA_PRINT_BEGUN = 1,
	DSA_PRINT_DONE = 2,
	DSA_PRINT_PAD = 3,
};

#define DSA_PRINT_ASSERT 1 /* flag: the program traps after this record */

/* Room that only a failed assertion may use. */
#define DSA_PRINT_SPARE    1024
#define DSA_PRINT_ROUND(n) (((uint64_t)(n) + 7) & ~7ull)

/* What a conversion takes from the arguments. */
enum dsa_print_kind {
	DSA_PRINT_NONE, /* "%%" */
	DSA_PRINT_SIGNED,
	DSA_PRINT_UNSIGNED,
	DSA_PRINT_CHAR,
	DSA_PRINT_STRING,
	DSA_PRINT_POINTER,
	DSA_PRINT_DOUBLE,
	DSA_PRINT_BAD, /* not supported: from here on the format is printed as it stands */
};

/* Where the number of a width or precision comes from. */
enum dsa_print_number {
	DSA_PRINT_ABSENT,
	DSA_PRINT_GIVEN,
	DSA_PRINT_STAR, /* an int argument */
};

struct dsa_print_spec {
	const char *start, *end; /* from '%' on */
	enum dsa_print_kind kind;
	enum dsa_print_number width_from, precision_from;
	int width, precision; /* when given; at most DSA_PRINT_FIELD */
	const char *flags;    /* in the format */
	int flag_count;
	char length; /* 'H' hh, 'h', 0 int, 'l', 'j', 'z', 't', 'L' long double */
	char conversion;
};

/* Wider fields and more digits than this are cut down to it. */
#define DSA_PRINT_FIELD 4096

static inline const char *dsa_print_digits(const char *p, int *value)
{
	for (*value = 0; *p >= '0' && *p <= '9'; p++)
		if (*value < DSA_PRINT_FIELD)
			*value = *value * 10 + (*p - '0');
	if (*value > DSA_PRINT_FIELD)
		*value = DSA_PRINT_FIELD;
	return p;
}

static inline const char *dsa_print_number(const char *p, enum dsa_print_number *from, int *value)
{
	if (*p == '*') {
		*from = DSA_PRINT_STAR;
		return p + 1;
	}
	if (*p >= '0' && *p <= '9')
		*from = DSA_PRINT_GIVEN;
	return dsa_print_digits(p, value);
}

static inline bool dsa_print_is_flag(char c)
{
	return c == '-' || c == '+' || c == ' ' || c == '#' || c == '0';
}

static inline const char *dsa_print_length(const char *p, char *length)
{
	if (p[0] == 'h' && p[1] == 'h') {
		*length = 'H';
		return p + 2;
	}
	if (p[0] == 'l' && p[1] == 'l') {
		*length = 'l'; /* long is as long */
		return p + 2;
	}
	if (*p == 'h' || *p == 'l' || *p == 'j' || *p == 'z' || *p == 't' || *p == 'L')
		*length = *p++;
	return p;
}

static inline enum dsa_print_kind dsa_print_kind_of(char conversion, char length)
{
	switch (conversion) {
	case 'd':
	case 'i':
		return length == 'L' ? DSA_PRINT_BAD : DSA_PRINT_SIGNED;
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		return length == 'L' ? DSA_PRINT_BAD : DSA_PRINT_UNSIGNED;
	case 'f':
	case 'F':
	case 'e':
	case 'E':
	case 'g':
	case 'G':
	case 'a':
	case 'A':
		return length && length != 'l' && length != 'L' ? DSA_PRINT_BAD : DSA_PRINT_DOUBLE;
	case 'c':
		return length ? DSA_PRINT_BAD : DSA_PRINT_CHAR;
	case 's':
		return length ? DSA_PRINT_BAD : DSA_PRINT_STRING;
	case 'p':
		return length ? DSA_PRINT_BAD : DSA_PRINT_POINTER;
	case '%':
		return DSA_PRINT_NONE;
	default:
		return DSA_PRINT_BAD;
	}
}

/* Takes apart the conversion at @p, which points to a '%' of a string that ends. */
static inline struct dsa_print_spec dsa_print_parse(const char *p)
{
	struct dsa_print_spec s = { .start = p, .flags = p + 1 };

	for (p++; dsa_print_is_flag(*p); p++)
		s.flag_count++;
	p = dsa_print_number(p, &s.width_from, &s.width);
	if (*p == '.') {
		s.precision_from = DSA_PRINT_GIVEN;
		p = dsa_print_number(p + 1, &s.precision_from, &s.precision);
	}
	p = dsa_print_length(p, &s.length);
	s.conversion = *p;
	s.kind = dsa_print_kind_of(*p, s.length);
	s.end = *p ? p + 1 : p;
	return s;
}

#endif /* DSA_DEVRT_PRINT_H */
