/* SPDX-License-Identifier: MIT */
/*
 * Buddy allocator of one 2 MiB chunk, 256 bytes and up.
 *
 * A complete binary tree in an array (node n has children 2n and 2n + 1, the
 * root is 1). Each node holds 1 + the order of the largest free block below
 * it, 0 when there is none. An allocated block is a node with 0 whose
 * subtree is left as it was; it is marked free again by its size.
 */
#include "internal.h"

#include <string.h>

#define TOP (BUDDY_ORDERS - 1)

static unsigned int order_of(uint64_t bytes)
{
	unsigned int order = 0;

	while ((1ull << (order + BUDDY_MIN_SHIFT)) < bytes)
		order++;
	return order;
}

void buddy_init(struct buddy *buddy)
{
	unsigned int node = 1;

	memset(buddy, 0, sizeof(*buddy));
	for (int order = TOP; order >= 0; order--)
		for (unsigned int i = 0; i < 1u << (TOP - order); i++)
			buddy->largest[node++] = (uint8_t)(order + 1);
}

/* Recomputes the ancestors of @node, which is of order @order. */
static void update_up(struct buddy *buddy, unsigned int node, unsigned int order)
{
	while (node > 1) {
		uint8_t a, b;

		node /= 2;
		order++;
		a = buddy->largest[2 * node];
		b = buddy->largest[2 * node + 1];
		if (a == order && b == order)
			buddy->largest[node] = (uint8_t)(order + 1); /* two free halves */
		else
			buddy->largest[node] = a > b ? a : b;
	}
}

int64_t buddy_alloc(struct buddy *buddy, uint64_t bytes)
{
	unsigned int want = order_of(bytes), node = 1, order = TOP;

	if (want > TOP || buddy->largest[1] < want + 1)
		return -1;
	while (order > want) {
		unsigned int left = 2 * node, right = left + 1;
		uint8_t a = buddy->largest[left], b = buddy->largest[right];

		/* The tighter fit of the two keeps big blocks whole. */
		if (a < want + 1 || (b >= want + 1 && b < a))
			node = right;
		else
			node = left;
		order--;
	}
	buddy->largest[node] = 0;
	update_up(buddy, node, order);
	return (int64_t)((uint64_t)(node - (1u << (TOP - order))) << (order + BUDDY_MIN_SHIFT));
}

void buddy_free(struct buddy *buddy, uint64_t offset, uint64_t bytes)
{
	unsigned int order = order_of(bytes);
	unsigned int node = (1u << (TOP - order)) +
			    (unsigned int)(offset >> (order + BUDDY_MIN_SHIFT));

	buddy->largest[node] = (uint8_t)(order + 1);
	update_up(buddy, node, order);
}

bool buddy_empty(const struct buddy *buddy)
{
	return buddy->largest[1] == TOP + 1;
}
