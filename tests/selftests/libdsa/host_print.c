// SPDX-License-Identifier: MIT
/*
 * The host's side of dsa_printf(), on the host: records and buffers in every
 * state that kernels can leave them in. ASan watches the bounds: records and
 * buffers lie in memory of just their size.
 */
#include "../../../libdsa/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- building records ---- */

struct record {
	union {
		uint8_t bytes[8192];
		uint64_t words[1024];
		struct dsa_print_record head;
	};
	size_t length;
};

static void add(struct record *r, const void *from, size_t bytes)
{
	memcpy(r->bytes + r->length, from, bytes);
	r->length += DSA_PRINT_ROUND(bytes);
}

static void begin(struct record *r, const char *format)
{
	memset(r, 0, sizeof(*r));
	r->length = sizeof(r->head);
	r->head.program[0] = 7;
	r->head.format_bytes = (uint32_t)strlen(format);
	add(r, format, strlen(format) + 1);
}

static void add_word(struct record *r, uint64_t word)
{
	add(r, &word, 8);
}

static void add_double(struct record *r, double value)
{
	add(r, &value, 8);
}

static void add_string(struct record *r, const char *s)
{
	add_word(r, strlen(s));
	add(r, s, strlen(s));
}

static void end(struct record *r, int state, int flags)
{
	r->head.word = DSA_PRINT_WORD(r->length, state, flags);
}

/* Formats from memory of just @length bytes; @want NULL: anything. */
static bool format_exactly(const void *bytes, size_t length, const char *want)
{
	uint8_t *copy = malloc(length ? length : 1);
	struct text t = { 0 };
	bool good;

	memcpy(copy, bytes, length);
	good = format_record(&t, copy, length);
	if (want && (!good || !t.bytes || strcmp(t.bytes, want)))
		printf("# wanted \"%s\", got \"%s\"\n", want, t.bytes ? t.bytes : "(nothing)");
	if (want)
		CHECK(good && t.bytes && !strcmp(t.bytes, want));
	free(t.bytes);
	free(copy);
	return good;
}

static void sample(struct record *r)
{
	begin(r, "%d|%5s|%-*.*f|%hhx|%c%%|%p|%s\n");
	add_word(r, (uint64_t)-5);
	add_string(r, "abc");
	add_word(r, 8);
	add_word(r, 2);
	add_double(r, 2.5);
	add_word(r, 0x1ff);
	add_word(r, 'z');
	add_word(r, 0x10);
	add_string(r, "the end of it");
	end(r, DSA_PRINT_DONE, 0);
}

/* ---- records ---- */

static void record_good(void)
{
	struct record r;

	sample(&r);
	format_exactly(r.bytes, r.length, "-5|  abc|2.50    |ff|z%|0x10|the end of it\n");
	/* Bytes behind the last argument are fine. */
	format_exactly(r.bytes, r.length + 64, "-5|  abc|2.50    |ff|z%|0x10|the end of it\n");
	begin(&r, "");
	format_exactly(r.bytes, r.length, "");
	begin(&r, "%%%5%");
	format_exactly(r.bytes, r.length, "%%");
	begin(&r, "%y %d");
	format_exactly(r.bytes, r.length, "%y %d");
	begin(&r, "100%");
	format_exactly(r.bytes, r.length, "100%");
}

static void record_fields(void)
{
	static char spaces[DSA_PRINT_FIELD + 1];
	struct record r;

	memset(spaces, ' ', DSA_PRINT_FIELD);
	spaces[DSA_PRINT_FIELD - 1] = '1';
	begin(&r, "%*d");
	add_word(&r, INT32_MAX);
	add_word(&r, 1);
	format_exactly(r.bytes, r.length, spaces);
	begin(&r, "%99999999999999999999d");
	add_word(&r, 1);
	format_exactly(r.bytes, r.length, spaces);
	begin(&r, "%*s");
	add_word(&r, INT32_MAX);
	add_string(&r, "1");
	format_exactly(r.bytes, r.length, spaces);
	for (int i = 0; i < 4; i++) {
		begin(&r, "%*.*f");
		add_word(&r, i & 1 ? (uint64_t)INT32_MIN : INT32_MAX);
		add_word(&r, i & 2 ? (uint64_t)INT32_MIN : INT32_MAX);
		add_double(&r, -1.7976931348623157e308);
		CHECK(format_exactly(r.bytes, r.length, NULL));
	}
}

static void record_truncated(void)
{
	struct record r;

	sample(&r);
	for (size_t n = 0; n < r.length; n++)
		CHECK(!format_exactly(r.bytes, n, NULL) || n > r.length - 8);
}

static void record_damaged(void)
{
	static const uint8_t values[] = { 0, 1, '%', '*', 0x7f, 0x80, 0xff };
	struct record r;

	sample(&r);
	for (size_t i = 0; i < r.length; i++) {
		uint8_t was = r.bytes[i];

		for (size_t k = 0; k < sizeof(values); k++) {
			r.bytes[i] = values[k];
			format_exactly(r.bytes, r.length, NULL);
		}
		r.bytes[i] = was;
	}
}

/* Random formats over random arguments. */
static void record_random(void)
{
	static const char alphabet[] = "%%%%%%%%-+ #0123456789.**hhllljztLdiuoxXcspfFeEgGaAn'";
	uint64_t seed = 11;
	char format[64];
	struct record r;

	for (int i = 0; i < 30000; i++) {
		size_t n = rng(&seed) % 60;

		for (size_t k = 0; k < n; k++)
			format[k] = alphabet[rng(&seed) % (sizeof(alphabet) - 1)];
		format[n] = '\0';
		begin(&r, format);
		for (size_t k = rng(&seed) % 12; k; k--)
			add_word(&r, rng(&seed) >> rng(&seed) % 64);
		format_exactly(r.bytes, r.length, NULL);
	}
}

/* ---- buffers ---- */

#define TOTAL 4096ull

struct ring {
	struct print_reader reader;
	struct dsa_print_buffer *b;
};

static void ring_new(struct ring *g)
{
	memset(g, 0, sizeof(*g));
	CHECK(reader_attach(&g->reader, malloc(TOTAL), TOTAL));
	g->b = g->reader.buffer;
}

static void ring_free(struct ring *g)
{
	free(reader_detach(&g->reader));
	free(g->reader.text.bytes);
}

/* As the device does it. False: no room. */
static bool ring_put(struct ring *g, const struct record *r)
{
	uint64_t place = g->b->head % g->b->bytes;
	uint64_t pad = place + r->length > g->b->bytes ? g->b->bytes - place : 0;

	if (g->b->head + pad + r->length - g->b->tail > g->b->bytes) {
		g->b->lost++;
		return false;
	}
	if (pad) {
		*(uint64_t *)(g->b->data + place) = DSA_PRINT_WORD(pad, DSA_PRINT_PAD, 0);
		place = 0;
	}
	memcpy(g->b->data + place, r->bytes, r->length);
	g->b->head += pad + r->length;
	return true;
}

/* What has been read since the last time is @want. */
static void ring_gives(struct ring *g, bool final, const char *want)
{
	reader_read(&g->reader, final);
	if (g->reader.text.length != strlen(want) ||
	    (*want && strcmp(g->reader.text.bytes, want))) {
		printf("# wanted \"%s\", got \"%s\"\n", want,
		       g->reader.text.length ? g->reader.text.bytes : "");
		failures++;
	}
	g->reader.text.length = 0;
}

static bool ring_says(struct ring *g, bool final, const char *what)
{
	bool said;

	reader_read(&g->reader, final);
	said = g->reader.text.length && strstr(g->reader.text.bytes, what);
	g->reader.text.length = 0;
	return said;
}

static void line(struct record *r, uint64_t n, size_t extra)
{
	static char filler[600];

	memset(filler, 'x', sizeof(filler));
	filler[extra] = '\0';
	begin(r, "%d %s\n");
	add_word(r, n);
	add_string(r, filler);
	end(r, DSA_PRINT_DONE, 0);
}

static void ring_round(void)
{
	uint64_t seed = 3, extra;
	char want[700];
	struct record r;
	struct ring g;

	ring_new(&g);
	ring_gives(&g, false, "");
	for (int i = 0; i < 3000; i++) {
		extra = rng(&seed) % 600;
		line(&r, (uint64_t)i, extra);
		CHECK(ring_put(&g, &r));
		snprintf(want, sizeof(want), "%d %s\n", i,
			 (char *)r.bytes + r.length - DSA_PRINT_ROUND(extra));
		if (!extra)
			snprintf(want, sizeof(want), "%d \n", i);
		ring_gives(&g, false, want);
	}
	CHECK(g.b->tail == g.b->head && !g.b->lost);
	for (size_t i = 0; i < g.b->bytes; i++)
		CHECK(!g.b->data[i]);
	ring_free(&g);
}

static void ring_full(void)
{
	struct record r;
	struct ring g;
	int put = 0;

	ring_new(&g);
	for (int i = 0; i < 100; i++) {
		line(&r, (uint64_t)i, 100);
		put += ring_put(&g, &r);
	}
	reader_read(&g.reader, false);
	CHECK(strstr(g.reader.text.bytes, "libdsa: "));
	CHECK(atoi(strstr(g.reader.text.bytes, "libdsa: ") + 8) == 100 - put);
	g.reader.text.length = 0;
	ring_gives(&g, false, "");
	CHECK(ring_put(&g, &r));
	ring_free(&g);
}

/* What is not done holds back what is behind it, until it is done or given up. */
static void ring_unfinished(void)
{
	struct record a, b;
	struct ring g;
	uint64_t *first;

	ring_new(&g);
	first = (uint64_t *)g.b->data;
	line(&a, 1, 0);
	line(&b, 2, 0);
	end(&a, DSA_PRINT_BEGUN, 0);
	ring_put(&g, &a);
	ring_put(&g, &b);
	ring_gives(&g, false, "");
	*first = DSA_PRINT_WORD(a.length, DSA_PRINT_DONE, 0);
	ring_gives(&g, false, "1 \n2 \n");

	ring_put(&g, &a);
	ring_put(&g, &b);
	reader_read(&g.reader, true);
	CHECK(!strncmp(g.reader.text.bytes, "2 \nlibdsa: 1 records", 20));
	g.reader.text.length = 0;

	/* Reserved only. */
	g.b->head += 48;
	ring_put(&g, &b);
	ring_gives(&g, false, "");
	reader_read(&g.reader, true);
	CHECK(!strncmp(g.reader.text.bytes, "2 \nlibdsa: 1 records", 20));
	CHECK(!g.reader.damaged);
	ring_free(&g);
}

static void ring_assertion(void)
{
	struct record r;
	struct ring g;

	ring_new(&g);
	line(&r, 1, 0);
	ring_put(&g, &r);
	begin(&r, "%s: failed\n");
	add_string(&r, "x");
	end(&r, DSA_PRINT_DONE, DSA_PRINT_ASSERT);
	ring_put(&g, &r);
	ring_gives(&g, false, "1 \nx: failed\n");
	CHECK(!strcmp(g.reader.assertion, "x: failed") && g.reader.assertion_program[0] == 7);
	/* One of no text. */
	begin(&r, "");
	end(&r, DSA_PRINT_DONE, DSA_PRINT_ASSERT);
	ring_put(&g, &r);
	ring_gives(&g, false, "");
	ring_free(&g);
}

/* A record that says nothing sound is skipped, its neighbours are not. */
static void ring_malformed(void)
{
	struct record a, b;
	struct ring g;

	ring_new(&g);
	line(&a, 1, 20);
	a.head.format_bytes = 5000;
	line(&b, 2, 0);
	ring_put(&g, &a);
	ring_put(&g, &b);
	reader_read(&g.reader, false);
	CHECK(!strncmp(g.reader.text.bytes, "2 \nlibdsa: 1 records of dsa_printf() are bad", 44));
	CHECK(!g.reader.damaged);
	ring_free(&g);
}

static void ring_damaged_word(struct ring *g, uint64_t word)
{
	ring_new(g);
	g->b->head = 64;
	*(uint64_t *)g->b->data = word;
	CHECK(ring_says(g, false, "a kernel wrote into the print buffer"));
	CHECK(g->reader.damaged);
	/* Said once; nothing is read any more. */
	ring_gives(g, true, "");
	ring_free(g);
}

static void ring_damaged(void)
{
	struct ring g;

	ring_damaged_word(&g, 1);
	ring_damaged_word(&g, DSA_PRINT_WORD(0, DSA_PRINT_DONE, 0));
	ring_damaged_word(&g, DSA_PRINT_WORD(44, DSA_PRINT_DONE, 0));
	ring_damaged_word(&g, DSA_PRINT_WORD(72, DSA_PRINT_DONE, 0));
	ring_damaged_word(&g, DSA_PRINT_WORD(0xfffffff8, DSA_PRINT_PAD, 0));
	ring_damaged_word(&g, DSA_PRINT_WORD(64, 9, 0));
	ring_new(&g);
	g.b->head = 12;
	CHECK(ring_says(&g, false, "a kernel wrote"));
	ring_free(&g);
	ring_new(&g);
	g.b->head = TOTAL * 2;
	CHECK(ring_says(&g, false, "a kernel wrote"));
	ring_free(&g);
	ring_new(&g);
	g.b->tail = 8;
	CHECK(ring_says(&g, false, "a kernel wrote"));
	ring_free(&g);
	ring_new(&g);
	g.b->bytes = 1 << 30;
	CHECK(ring_says(&g, false, "a kernel wrote"));
	ring_free(&g);
	ring_new(&g);
	g.b->lost = ~0ull;
	CHECK(ring_says(&g, false, "a kernel wrote"));
	ring_free(&g);
}

/* Any garbage: ends, in bounds. */
static void ring_random(void)
{
	uint64_t seed = 17, *words;
	struct record r;
	struct ring g;

	for (int i = 0; i < 20000; i++) {
		ring_new(&g);
		words = (uint64_t *)g.b;
		for (int k = 0; k < 6; k++) {
			line(&r, (uint64_t)k, rng(&seed) % 200);
			end(&r, 1 + (int)(rng(&seed) % 4), rng(&seed) % 2);
			ring_put(&g, &r);
		}
		for (uint64_t k = 1 + rng(&seed) % 8; k; k--)
			words[rng(&seed) % 3 ? 16 + rng(&seed) % 128 : rng(&seed) % 10] =
				rng(&seed) % 2 ? rng(&seed) >> rng(&seed) % 64 :
						 DSA_PRINT_WORD(rng(&seed) % 1000 * 8,
								rng(&seed) % 5, rng(&seed) % 2);
		reader_read(&g.reader, false);
		reader_read(&g.reader, true);
		CHECK(g.reader.tail <= TOTAL);
		ring_free(&g);
	}
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
		{ record_good, "record_good" },
		{ record_fields, "record_fields" },
		{ record_truncated, "record_truncated" },
		{ record_damaged, "record_damaged" },
		{ record_random, "record_random" },
		{ ring_round, "ring_round" },
		{ ring_full, "ring_full" },
		{ ring_unfinished, "ring_unfinished" },
		{ ring_assertion, "ring_assertion" },
		{ ring_malformed, "ring_malformed" },
		{ ring_damaged, "ring_damaged" },
		{ ring_random, "ring_random" },
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
