/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copying rows of boxes, as they are or swizzled. */
#include "tensor.h"

/* With a length that the compiler knows this is a few moves a row. */
static inline __attribute__((always_inline)) void rows_of(struct copy_side to,
							  struct copy_side from, size_t len,
							  uint64_t count)
{
	for (; count; count--, to.p += to.pitch, from.p += from.pitch)
		memcpy(to.p, from.p, len);
}

void copy_rows(struct copy_side to, struct copy_side from, uint64_t len, uint64_t count)
{
	if (len == to.pitch && len == from.pitch) {
		memcpy(to.p, from.p, len * count);
		return;
	}
	switch (len) {
	case 16:
		rows_of(to, from, 16, count);
		break;
	case 32:
		rows_of(to, from, 32, count);
		break;
	case 64:
		rows_of(to, from, 64, count);
		break;
	case 128:
		rows_of(to, from, 128, count);
		break;
	case 256:
		rows_of(to, from, 256, count);
		break;
	default:
		rows_of(to, from, len, count);
	}
}

uint64_t swizzled(unsigned int swizzle, uint64_t off)
{
	uint64_t mask = (1u << swizzle) - 1;

	return off ^ (off >> 7 & mask) << 4;
}

/* The part of @len bytes at @off that is in one piece. */
static uint64_t piece(uint64_t off, uint64_t len)
{
	uint64_t room = SWIZZLE_CHUNK - off % SWIZZLE_CHUNK;

	return len > room ? room : len;
}

/* Eight chunks, each at its number exclusive-or @flip in the other line. */
static inline void flip_line(uint8_t *to, const uint8_t *from, unsigned int flip)
{
	for (unsigned int i = 0; i < SWIZZLE_LINE; i += SWIZZLE_CHUNK)
		memcpy(to + (i ^ flip), from + i, SWIZZLE_CHUNK);
}

static bool whole_line(uint64_t off, uint64_t len)
{
	return off % SWIZZLE_LINE == 0 && len >= SWIZZLE_LINE;
}

static unsigned int flip_of(unsigned int swizzle, uint64_t off)
{
	return swizzled(swizzle, off) % SWIZZLE_LINE;
}

void copy_swizzle(uint8_t *box, uint64_t off, const uint8_t *flat, uint64_t len,
		  unsigned int swizzle)
{
	for (uint64_t n; len; off += n, flat += n, len -= n) {
		if (whole_line(off, len)) {
			n = SWIZZLE_LINE;
			flip_line(box + off, flat, flip_of(swizzle, off));
			continue;
		}
		n = piece(off, len);
		memcpy(box + swizzled(swizzle, off), flat, n);
	}
}

void copy_unswizzle(uint8_t *flat, const uint8_t *box, uint64_t off, uint64_t len,
		    unsigned int swizzle)
{
	for (uint64_t n; len; off += n, flat += n, len -= n) {
		if (whole_line(off, len)) {
			n = SWIZZLE_LINE;
			flip_line(flat, box + off, flip_of(swizzle, off));
			continue;
		}
		n = piece(off, len);
		memcpy(flat, box + swizzled(swizzle, off), n);
	}
}
