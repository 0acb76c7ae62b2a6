// SPDX-License-Identifier: MIT
/*
 * Zfa against its definition in doubles, which hold the values of all three
 * formats, results and flags: many more cases than ref_test.c's. Encodings are
 * those of clang.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "asm.h"
#include "machine.h"

#define CODE 0x10000ull
#define FA0  10
#define FA1  11
#define FA2  12

enum { NX = 1, NV = 16 };
enum { RNE, RTZ, RDN, RUP, RMM, MODES, DYN = 7 };

static uint64_t state = 1;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dull;
}

/* ---- formats: 0 single, 1 double, 2 half ---- */

static const struct format {
	char letter;
	int bits, fraction;
	uint64_t box, nan, smallest_normal;
} formats[] = {
	{ 's', 32, 23, 0xffffffff00000000, 0x7fc00000, 0x00800000 },
	{ 'd', 64, 52, 0, 0x7ff8000000000000, 0x0010000000000000 },
	{ 'h', 16, 10, 0xffffffffffff0000, 0x7e00, 0x0400 },
};

static double value(int f, uint64_t v)
{
	uint32_t u32 = (uint32_t)v;
	uint16_t u16 = (uint16_t)v;
	_Float16 h;
	float s;
	double d;

	if (f == 0) {
		memcpy(&s, &u32, 4);
		return (double)s;
	}
	if (f == 2) {
		memcpy(&h, &u16, 2);
		return (double)h;
	}
	memcpy(&d, &v, 8);
	return d;
}

/* Boxed; @x is one of the format, or too large for it. */
static uint64_t code(int f, double x)
{
	_Float16 h = (_Float16)x;
	float s = (float)x;
	uint16_t u16;
	uint32_t u32;
	uint64_t v;

	memcpy(&u16, &h, 2);
	memcpy(&u32, &s, 4);
	memcpy(&v, &x, 8);
	v = f == 0 ? u32 : f == 1 ? v : u16;
	return formats[f].box | (isnan(x) ? formats[f].nan : v);
}

static bool signalling(int f, uint64_t v)
{
	return isnan(value(f, v)) && !(v >> (formats[f].fraction - 1) & 1);
}

/* All kinds of numbers, most of them not far from small integers and halves. */
static uint64_t pick(int f)
{
	const struct format *fmt = &formats[f];
	uint64_t mask = fmt->bits == 64 ? ~0ull : (1ull << fmt->bits) - 1, v = rnd() & mask;
	uint64_t sign = (rnd() & 1) << (fmt->bits - 1);

	switch (rnd() >> 40 & 7) {
	case 0:
		return v;
	case 1:
		return sign | (v & 3);
	case 2: /* around infinity: the largest, infinities, NaNs of both kinds */
		return sign | ((fmt->nan & ~(1ull << (fmt->fraction - 1))) + (v % 5 - 2));
	case 3:
		return sign | fmt->nan | (v & 7);
	case 4:
		return (code(f, (double)(int64_t)(v % 64 - 32) / 2) & mask) ^ sign;
	default:
		return (code(f, ldexp((double)(int64_t)rnd(), (int)(rnd() % 80) - 75)) & mask) ^
		       sign;
	}
}

/* A register that holds it; sometimes one that does not: then it stands for the NaN. */
static uint64_t boxed(int f, uint64_t *v)
{
	uint64_t box = formats[f].box, reg = box | *v;

	if (box && rnd() % 16 == 0) {
		reg &= ~(1ull << (formats[f].bits + rnd() % (64 - formats[f].bits)));
		*v = formats[f].nan;
	}
	return reg;
}

/* ---- running one ---- */

struct run {
	uint32_t word;
	uint64_t a, b; /* fa1, fa2 */
	unsigned int frm;
	uint64_t result; /* fa0 or a0 */
	uint32_t flags;
	bool done;
};

static struct machine *m;

static void run(struct run *r, bool to_integer)
{
	m_put32(m, CODE, r->word);
	m_put32(m, CODE + 4, RET);
	rv_flush_code(&m->hart);
	m_start(m, CODE);
	m->hart.arch.fcsr = r->frm << 5;
	m->hart.arch.f[FA1] = r->a;
	m->hart.arch.f[FA2] = r->b;
	m->hart.arch.f[FA0] = m->hart.arch.x[A0] = 0x5a;
	r->done = rv_run(&m->hart, 100) == RV_EXIT_DONE;
	r->result = to_integer ? m->hart.arch.x[A0] : m->hart.arch.f[FA0];
	r->flags = m->hart.arch.fcsr & 31;
}

static bool same(const struct run *r, const char *what, uint64_t want, uint32_t flags)
{
	if (r->done && r->result == want && r->flags == flags)
		return true;
	tap_diag("%s of %" PRIx64 ", %" PRIx64 ", frm %u: %" PRIx64 " flags %02x, not %" PRIx64
		 " flags %02x",
		 what, r->a, r->b, r->frm, r->result, r->flags, want, flags);
	return false;
}

/* Of a fa0 or a0, fa1 [, fa2] instruction. */
static uint32_t word(uint32_t base, int f, unsigned int rm)
{
	return base | (uint32_t)f << 25 | rm << 12 | FA0 << 7 | FA1 << 15;
}

/* ---- the instructions ---- */

static double rounded(double x, unsigned int rm)
{
	double t = trunc(x), rest = fabs(x - t);
	bool odd = fmod(t, 2) != 0, up;

	up = rm == RNE ? rest > 0.5 || (rest == 0.5 && odd) :
	     rm == RDN ? rest > 0 && x < 0 :
	     rm == RUP ? rest > 0 && x > 0 :
	     rm == RMM ? rest >= 0.5 :
			 false;
	return copysign(up ? t + copysign(1, x) : t, x);
}

static bool one_round(int f, bool nx)
{
	unsigned int rm = rnd() % MODES;
	bool dynamic = rnd() & 1;
	uint64_t v = pick(f);
	struct run r = { .a = boxed(f, &v), .frm = dynamic ? rm : rnd() % MODES };
	double x = value(f, v);
	uint32_t flags = signalling(f, v) ? NV : nx && isfinite(x) && trunc(x) != x ? NX : 0;

	r.word = word(nx ? 0x40500053 : 0x40400053, f, dynamic ? DYN : rm);
	run(&r, false);
	return same(&r, nx ? "froundnx" : "fround", code(f, isfinite(x) ? rounded(x, rm) : x),
		    flags);
}

static double least(double a, double b)
{
	return a < b || (a == b && signbit(a)) ? a : b;
}

static bool one_minmax(int f, bool max)
{
	uint64_t a = pick(f), b = rnd() % 8 ? pick(f) : a ^ 1ull << (formats[f].bits - 1);
	struct run r = { .a = boxed(f, &a), .frm = rnd() % MODES };
	double x = value(f, a), y, want;

	r.b = boxed(f, &b);
	y = value(f, b);
	want = isnan(x) || isnan(y) ? (double)NAN : max ? -least(-x, -y) : least(x, y);
	r.word = word(max ? 0x28003053 : 0x28002053, f, 0) | FA2 << 20;
	run(&r, false);
	return same(&r, max ? "fmaxm" : "fminm", code(f, want),
		    signalling(f, a) || signalling(f, b) ? NV : 0);
}

static bool one_compare(int f, bool less)
{
	uint64_t a = pick(f), b = rnd() % 4 ? pick(f) : a;
	struct run r = { .a = boxed(f, &a), .frm = rnd() % MODES };
	double x, y;

	r.b = boxed(f, &b);
	x = value(f, a), y = value(f, b);
	r.word = word(less ? 0xa0005053 : 0xa0004053, f, 0) | FA2 << 20;
	run(&r, true);
	return same(&r, less ? "fltq" : "fleq", less ? x < y : x <= y,
		    signalling(f, a) || signalling(f, b) ? NV : 0);
}

static bool one_modular(void)
{
	struct run r = { .frm = rnd() % MODES };
	double x, t;
	uint64_t want = 0;
	uint32_t flags = NV;

	r.a = rnd() & 1 ? pick(1) : code(1, ldexp((double)(int64_t)rnd(), (int)(rnd() % 50) - 40));
	x = value(1, r.a);
	r.word = word(0xc2801053, 0, 0);
	run(&r, true);
	if (isfinite(x)) {
		t = trunc(x);
		want = (uint64_t)(int64_t)(int32_t)(uint32_t)(int64_t)fmod(t, 0x1p32);
		flags = t < -0x1p31 || t >= 0x1p31 ? NV : t != x ? NX : 0;
	}
	return same(&r, "fcvtmod.w.d", want, flags);
}

static void many(const char *what, bool (*one)(int f, bool second), bool second, int count)
{
	for (int f = 0; f < 3; f++) {
		int bad = 0;

		for (int i = 0; i < count && bad < 4; i++)
			bad += !one(f, second);
		tap_ok(!bad, "%s.%c", what, formats[f].letter);
	}
}

static void test_modular(int count)
{
	int bad = 0;

	for (int i = 0; i < count && bad < 4; i++)
		bad += !one_modular();
	tap_ok(!bad, "fcvtmod.w.d");
}

static void test_constants(void)
{
	static const char *const text[32] = {
		"-1",   "",       "0x1p-16", "0x1p-15", "0x1p-8", "0x1p-7", "0.0625", "0.125",
		"0.25", "0.3125", "0.375",   "0.4375",  "0.5",    "0.625",  "0.75",   "0.875",
		"1",    "1.25",   "1.5",     "1.75",    "2",      "2.5",    "3",      "4",
		"8",    "16",     "128",     "256",     "32768",  "65536",  "inf",    "nan",
	};

	for (int f = 0; f < 3; f++) {
		bool ok = true;

		for (uint32_t n = 0; n < 32; n++) {
			struct run r = {
				.word = 0xf0100053 | (uint32_t)f << 25 | n << 15 | FA0 << 7, .a = n
			};
			uint64_t want = n == 1 ? formats[f].box | formats[f].smallest_normal :
						 code(f, strtod(text[n], NULL));

			run(&r, false);
			ok &= same(&r, "fli", want, 0);
		}
		tap_ok(ok, "fli.%c", formats[f].letter);
	}
}

/* As clang 19 assembles them. */
static void test_encodings(void)
{
	static const struct {
		uint32_t word;
		const char *text;
	} known[] = {
		{ 0xf0140553, "fli.s fa0,0.25" },         { 0xf2108553, "fli.d fa0,min" },
		{ 0xf41f0553, "fli.h fa0,inf" },          { 0x28c5a553, "fminm.s fa0,fa1,fa2" },
		{ 0x28c5b553, "fmaxm.s fa0,fa1,fa2" },    { 0x2ac5a553, "fminm.d fa0,fa1,fa2" },
		{ 0x2cc5b553, "fmaxm.h fa0,fa1,fa2" },    { 0x40458553, "fround.s fa0,fa1,rne" },
		{ 0x42459553, "fround.d fa0,fa1,rtz" },   { 0x4445f553, "fround.h fa0,fa1,dyn" },
		{ 0x4055a553, "froundnx.s fa0,fa1,rdn" }, { 0x4455c553, "froundnx.h fa0,fa1,rmm" },
		{ 0xa0c5c553, "fleq.s a0,fa1,fa2" },      { 0xa2c5d553, "fltq.d a0,fa1,fa2" },
		{ 0xa4c5d553, "fltq.h a0,fa1,fa2" },      { 0xc2859553, "fcvtmod.w.d a0,fa1" },
	};
	bool ok = true;
	char text[64];

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		rv_disasm(known[i].word, CODE, text, sizeof(text));
		if (strcmp(text, known[i].text)) {
			tap_diag("%08x is %s, not %s", known[i].word, text, known[i].text);
			ok = false;
		}
	}
	tap_ok(ok, "encodings are clang's");
}

static void test_reserved(void)
{
	static const uint32_t reserved[] = {
		0x40405053 | FA0 << 7, /* fround.s with rounding mode 5 */
		0xc2800053 | FA0 << 7, /* fcvtmod.w.d with rne: none */
		0xc0801053 | FA0 << 7, /* of single precision */
		0x46400053 | FA0 << 7, /* fround of quad precision */
		0x2e002053,
		0xa6004053,
		0xf6100053,
		0xe2100053, /* the others; fmvh.x.d */
	};
	struct run dynamic = { .word = word(0x40400053, 0, DYN), .frm = 5 };
	bool ok = true;

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		struct run r = { .word = reserved[i] };

		run(&r, false);
		if (r.done || m->hart.fault.cause != RV_CAUSE_ILLEGAL) {
			tap_diag("%08x is taken for an instruction", reserved[i]);
			ok = false;
		}
	}
	run(&dynamic, false);
	tap_ok(ok && !dynamic.done, "reserved encodings and rounding modes are illegal");
}

int main(int argc, char **argv)
{
#ifdef __SANITIZE_ADDRESS__
	int count = 5000;
#else
	int count = 30000;
#endif

	if (argc > 1)
		state = strtoull(argv[1], NULL, 0) * 2 + 1;
	m = m_new();
	m_map(m, CODE, 0x1000, RV_READ | RV_EXEC);
	many("fround", one_round, false, count);
	many("froundnx", one_round, true, count);
	many("fminm", one_minmax, false, count);
	many("fmaxm", one_minmax, true, count);
	many("fleq", one_compare, false, count);
	many("fltq", one_compare, true, count);
	test_modular(3 * count);
	test_constants();
	test_encodings();
	test_reserved();
	m_free(m);
	return tap_done();
}
