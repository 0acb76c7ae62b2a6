/* SPDX-License-Identifier: MIT */
/* Address ranges: first fit over a sorted list of holes. */
#include "internal.h"

#include <stdlib.h>

static struct va_hole *hole_new(uint64_t start, uint64_t size, struct va_hole *next)
{
	struct va_hole *hole = malloc(sizeof(*hole));

	if (hole)
		*hole = (struct va_hole){ .next = next, .start = start, .size = size };
	return hole;
}

int va_init(struct va_space *space, uint64_t start, uint64_t size)
{
	space->holes = hole_new(start, size, NULL);
	return space->holes ? 0 : -1;
}

void va_fini(struct va_space *space)
{
	struct va_hole *hole;

	while ((hole = space->holes)) {
		space->holes = hole->next;
		free(hole);
	}
}

/* Takes [@at, @at + @size) out of the hole at *@link. */
static bool carve(struct va_hole **link, uint64_t at, uint64_t size)
{
	struct va_hole *hole = *link, *rest;
	uint64_t before = at - hole->start, after = hole->size - before - size;

	if (before && after) {
		rest = hole_new(at + size, after, hole->next);
		if (!rest)
			return false;
		hole->next = rest;
		hole->size = before;
	} else if (before) {
		hole->size = before;
	} else if (after) {
		hole->start = at + size;
		hole->size = after;
	} else {
		*link = hole->next;
		free(hole);
	}
	return true;
}

uint64_t va_alloc(struct va_space *space, uint64_t size, uint64_t align)
{
	for (struct va_hole **link = &space->holes; *link; link = &(*link)->next) {
		struct va_hole *hole = *link;
		uint64_t at = ALIGN_UP(hole->start, align), skip = at - hole->start;

		if (at < hole->start || skip > hole->size || hole->size - skip < size)
			continue;
		return carve(link, at, size) ? at : 0;
	}
	return 0;
}

void va_free(struct va_space *space, uint64_t start, uint64_t size)
{
	struct va_hole **link = &space->holes, *before = NULL, *after, *hole;

	for (; *link && (*link)->start < start; link = &(*link)->next)
		before = *link;
	after = *link;
	if (before && before->start + before->size == start) {
		before->size += size;
		if (after && start + size == after->start) {
			before->size += after->size;
			before->next = after->next;
			free(after);
		}
	} else if (after && start + size == after->start) {
		after->start = start;
		after->size += size;
	} else {
		hole = hole_new(start, size, after);
		if (hole)
			*link = hole;
	}
}
