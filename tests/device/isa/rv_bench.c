// SPDX-License-Identifier: MIT
/*
 * Instructions per second of one hart on one host thread, as JSON lines:
 *
 *   rv_bench [--json] [NAME...]
 *
 * and elements per second of vector loops; axpy_native is the host's own loop.
 * CPU time, best of three runs each; "empty" is the time of a whole program that only
 * returns, in ns.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest.h"
#include "guest/proto.h"

#define MEM_VA 0x50000000ull

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#define ELEMENTS 400000000
static const uint64_t sizes[] = {
	20000000, 40000000, 20000000, 40, 400, 32, ELEMENTS, ELEMENTS, 1
};

static bool is_vector(uint64_t n)
{
	return n == ELEMENTS;
}

/* Million instructions (vector loops: elements) per second; negative when the program failed. */
static double run_once(struct machine *m, uint64_t pc, uint64_t n)
{
	double t;

	m_start(m, pc);
	m->hart.arch.x[10] = n;
	m->hart.arch.x[11] = MEM_VA;
	t = seconds();
	if (rv_run(&m->hart, UINT64_MAX) != RV_EXIT_DONE)
		return -1;
	t = seconds() - t;
	if (is_vector(n))
		return (double)n / t / 1e6;
	return (double)m->hart.arch.instret / t / 1e6;
}

/* The same loop as axpy_f32 on the host, for scale: elements. */
static double run_native(void)
{
	static float x[4096], y[4096];
	double t = seconds();
	uint64_t n;
	int i;

	for (n = 0; n < ELEMENTS; n += 4096) {
		for (i = 0; i < 4096; i++)
			y[i] += 0.5f * x[i];
		__asm__ volatile("" : : : "memory");
	}
	return ELEMENTS / (seconds() - t) / 1e6;
}

static double run_empty(struct machine *m, uint64_t pc)
{
	double t = seconds();
	int i;

	for (i = 0; i < 100000; i++) {
		m_start(m, pc);
		if (rv_run(&m->hart, UINT64_MAX) != RV_EXIT_DONE)
			return -1;
	}
	return (seconds() - t) * 1e4; /* ns each */
}

static bool selected(int argc, char **argv, int first, const char *name)
{
	int i;

	for (i = first; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return first >= argc;
}

static void report(bool json, const char *name, double value, const char *unit)
{
	if (json)
		printf("{\"name\": \"%s\", \"value\": %.1f, \"unit\": \"%s\"}\n", name, value,
		       unit);
	else
		printf("%-16s %8.1f %s\n", name, value, unit);
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "--json"), empty;
	const char *slash = strrchr(argv[0], '/');
	struct machine *m = m_new();
	const char(*names)[16];
	const uint64_t *table;
	static char path[4096];
	int i, k, status = 0;

	snprintf(path, sizeof(path), "%.*sbench_guest.elf", slash ? (int)(slash + 1 - argv[0]) : 0,
		 argv[0]);
	if (!load_elf(m, path))
		return 1;
	m_map(m, MEM_VA, 1 << 20, RV_READ | RV_WRITE);
	table = m_host(m, PROGS_VA);
	names = m_host(m, NAMES_VA);
	for (i = 0; table[i]; i++) {
		double best = -1, v;

		if (!selected(argc, argv, json ? 2 : 1, names[i]))
			continue;
		empty = !strcmp(names[i], "empty");
		for (k = 0; k < 3; k++) {
			v = empty ? run_empty(m, table[i]) : run_once(m, table[i], sizes[i]);
			if (best < 0 || (empty ? v < best : v > best))
				best = v;
		}
		if (best < 0)
			status = 1;
		report(json, names[i], best,
		       empty               ? "ns" :
		       is_vector(sizes[i]) ? "million elements/s" :
					     "million instructions/s");
	}
	if (selected(argc, argv, json ? 2 : 1, "axpy_native"))
		report(json, "axpy_native", run_native(), "million elements/s");
	m_free(m);
	return status;
}
