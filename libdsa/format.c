/* SPDX-License-Identifier: MIT */
/*
 * Records of kernels' printf to text. A record may hold anything: a kernel
 * that runs wild can write there. Nothing is read beyond its bytes.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any conversion but a string makes: DSA_PRINT_FIELD, 309 digits before the point. */
#define FIELD_MAX (DSA_PRINT_FIELD + 512)

bool text_add(struct text *t, const char *from, size_t bytes)
{
	size_t size = t->size ? t->size : 1024;
	char *grown;

	while (size < t->length + bytes + 1)
		size *= 2;
	if (size != t->size) {
		grown = realloc(t->bytes, size);
		if (!grown)
			return false;
		t->bytes = grown;
		t->size = size;
	}
	memcpy(t->bytes + t->length, from, bytes);
	t->length += bytes;
	t->bytes[t->length] = '\0';
	return true;
}

/* The arguments that are left of a record. */
struct reader {
	const uint8_t *at;
	uint64_t left;
};

static bool take(struct reader *r, void *to, uint64_t bytes)
{
	if (bytes > r->left)
		return false;
	memcpy(to, r->at, bytes);
	r->at += bytes;
	r->left -= bytes;
	return true;
}

/* The string at the reader, not terminated, or NULL. */
static const char *take_string(struct reader *r, uint64_t *length)
{
	const char *s;
	uint64_t padded;

	if (!take(r, length, sizeof(*length)) || *length > r->left)
		return NULL;
	s = (const char *)r->at;
	padded = DSA_PRINT_ROUND(*length) > r->left ? r->left : DSA_PRINT_ROUND(*length);
	r->at += padded;
	r->left -= padded;
	return s;
}

/* A conversion with its numbers at hand. */
struct field {
	char spec[16]; /* "%<flags>*.*<length><conversion>" */
	int width, precision;
};

static bool take_star(struct reader *r, int *value)
{
	int64_t word;

	if (!take(r, &word, sizeof(word)))
		return false;
	*value = (int)word;
	return true;
}

static int clamp(int value, int least)
{
	return value < least ? least : value > DSA_PRINT_FIELD ? DSA_PRINT_FIELD : value;
}

/* @length: printf's, for the value as this file passes it. */
static bool make_field(struct field *f, const struct dsa_print_spec *s, const char *length,
		       struct reader *r)
{
	size_t n = 0;

	f->width = s->width_from == DSA_PRINT_GIVEN ? s->width : 0;
	f->precision = s->precision_from == DSA_PRINT_GIVEN ? s->precision : -1;
	if (s->width_from == DSA_PRINT_STAR && !take_star(r, &f->width))
		return false;
	if (s->precision_from == DSA_PRINT_STAR && !take_star(r, &f->precision))
		return false;
	f->width = clamp(f->width, -DSA_PRINT_FIELD);
	f->precision = clamp(f->precision, -1);
	f->spec[n++] = '%';
	/* A flag given twice says no more than once. */
	for (const char *c = "-+ #0"; *c; c++)
		if (memchr(s->flags, *c, (size_t)s->flag_count))
			f->spec[n++] = *c;
	snprintf(f->spec + n, sizeof(f->spec) - n, "*.*%s%c", length, s->conversion);
	return true;
}

static uint64_t narrow_unsigned(uint64_t v, char length)
{
	switch (length) {
	case 'H':
		return (uint8_t)v;
	case 'h':
		return (uint16_t)v;
	case 0:
		return (uint32_t)v;
	default:
		return v;
	}
}

static int64_t narrow_signed(uint64_t v, char length)
{
	switch (length) {
	case 'H':
		return (int8_t)v;
	case 'h':
		return (int16_t)v;
	case 0:
		return (int32_t)v;
	default:
		return (int64_t)v;
	}
}

static bool take_float(struct reader *r, char length, double *value)
{
	_Float128 wide;

	if (length != 'L')
		return take(r, value, sizeof(*value));
	if (!take(r, &wide, sizeof(wide)))
		return false;
	*value = (double)wide;
	return true;
}

/* snprintf() of a field and a value. */
#define FIELD(text, f, value) \
	snprintf(text, FIELD_MAX, (f)->spec, (f)->width, (f)->precision, value)

static bool add_integer(struct text *t, const struct dsa_print_spec *s, struct reader *r)
{
	char text[FIELD_MAX];
	struct field f;
	uint64_t v;
	int n;

	if (!make_field(&f, s, "j", r) || !take(r, &v, sizeof(v)))
		return false;
	if (s->kind == DSA_PRINT_SIGNED)
		n = FIELD(text, &f, (intmax_t)narrow_signed(v, s->length));
	else
		n = FIELD(text, &f, (uintmax_t)narrow_unsigned(v, s->length));
	return n >= 0 && text_add(t, text, (size_t)n);
}

/* "%c" and "%p": a precision means nothing to them. */
static bool add_plain(struct text *t, const struct dsa_print_spec *s, struct reader *r)
{
	char text[FIELD_MAX];
	struct field f;
	uint64_t v;
	int n;

	if (!make_field(&f, s, "", r) || !take(r, &v, sizeof(v)))
		return false;
	f.precision = -1;
	if (s->kind == DSA_PRINT_CHAR)
		n = FIELD(text, &f, (int)v);
	else
		n = FIELD(text, &f, (void *)(uintptr_t)v);
	return n >= 0 && text_add(t, text, (size_t)n);
}

static bool add_float(struct text *t, const struct dsa_print_spec *s, struct reader *r)
{
	char text[FIELD_MAX];
	struct field f;
	double v;
	int n;

	if (!make_field(&f, s, "", r) || !take_float(r, s->length, &v))
		return false;
	n = FIELD(text, &f, v);
	return n >= 0 && text_add(t, text, (size_t)n);
}

static bool add_spaces(struct text *t, int count)
{
	char spaces[DSA_PRINT_FIELD];

	if (count <= 0)
		return true;
	memset(spaces, ' ', (size_t)count);
	return text_add(t, spaces, (size_t)count);
}

/* The device has applied the precision. */
static bool add_string(struct text *t, const struct dsa_print_spec *s, struct reader *r)
{
	struct field f;
	const char *string;
	uint64_t length;
	bool left;
	int pad;

	if (!make_field(&f, s, "", r))
		return false;
	string = take_string(r, &length);
	if (!string)
		return false;
	left = f.width < 0 || memchr(s->flags, '-', (size_t)s->flag_count);
	pad = abs(f.width) - (length > DSA_PRINT_FIELD ? DSA_PRINT_FIELD : (int)length);
	return add_spaces(t, left ? 0 : pad) && text_add(t, string, length) &&
	       add_spaces(t, left ? pad : 0);
}

static bool add_conversion(struct text *t, const struct dsa_print_spec *s, struct reader *r)
{
	struct field f;

	switch (s->kind) {
	case DSA_PRINT_SIGNED:
	case DSA_PRINT_UNSIGNED:
		return add_integer(t, s, r);
	case DSA_PRINT_CHAR:
	case DSA_PRINT_POINTER:
		return add_plain(t, s, r);
	case DSA_PRINT_STRING:
		return add_string(t, s, r);
	case DSA_PRINT_DOUBLE:
		return add_float(t, s, r);
	default:
		/* Its stars were taken, whatever they are for. */
		return make_field(&f, s, "", r) && text_add(t, "%", 1);
	}
}

static bool add_all(struct text *t, const char *format, struct reader *r)
{
	struct dsa_print_spec s;
	const char *percent;

	for (; (percent = strchr(format, '%')); format = s.end) {
		if (!text_add(t, format, (size_t)(percent - format)))
			return false;
		s = dsa_print_parse(percent);
		if (s.kind == DSA_PRINT_BAD)
			return text_add(t, percent, strlen(percent));
		if (!add_conversion(t, &s, r))
			return false;
	}
	return text_add(t, format, strlen(format));
}

bool format_record(struct text *t, const void *record, uint64_t bytes)
{
	struct dsa_print_record h;
	struct reader r = { record, bytes };
	const char *format;

	if (!take(&r, &h, sizeof(h)) || h.format_bytes >= r.left)
		return false;
	format = (const char *)r.at;
	if (memchr(format, '\0', r.left) != format + h.format_bytes)
		return false;
	if (DSA_PRINT_ROUND(h.format_bytes + 1ull) > r.left)
		return false;
	r.at += DSA_PRINT_ROUND(h.format_bytes + 1ull);
	r.left -= DSA_PRINT_ROUND(h.format_bytes + 1ull);
	return add_all(t, format, &r);
}
