/* SPDX-License-Identifier: MIT */
/* Runs the suites; an argument selects tests by part of their name. */
#include "harness.h"

static const struct {
	const char *name;
	const struct test *tests;
} suites[] = {
	{ "regs", regs_tests },
	{ "queue", queue_tests },
	{ "queue_user", queue_user_tests },
	{ "mmu", mmu_tests },
	{ "copy", copy_tests },
	{ "launch", launch_tests },
	{ "stress", stress_tests },
	{ "save", save_tests },
	{ "fuzz", fuzz_tests },
	{ "tensor", tensor_tests },
	{ "mbarrier", mbarrier_tests },
	{ "matrix", matrix_tests },
	{ "vector", vector_tests },
	{ "wild", wild_tests },
	{ "parallel", parallel_tests },
	{ "pace", pace_tests },
	{ "counters", counters_tests },
	{ "cluster_run", cluster_run_tests },
	{ "budget", budget_tests },
	{ "cluster", cluster_tests },
	{ "cluster_transfer", cluster_transfer_tests },
	{ "convert", convert_tests },
	{ "tensor_pages", tensor_pages_tests },
	{ "tensor_im2col", tensor_im2col_tests },
	{ "tensor_gather", tensor_gather_tests },
	{ "atomics", atomics_tests },
	{ "engine", engine_tests },
	{ "fault", fault_tests },
};

/* Under TSan only what runs threads: the rest has nothing to show and takes long. */
static bool selected(const char *suite, const char *test, const char *only)
{
#ifdef __SANITIZE_THREAD__
	static const char *const threadless[] = {
		"regs", "fuzz",    "tensor", "mbarrier",     "matrix",        "vector",
		"wild", "convert", "budget", "tensor_pages", "tensor_im2col", "tensor_gather"
	};

	for (size_t i = 0; i < sizeof(threadless) / sizeof(threadless[0]); i++)
		if (!strcmp(suite, threadless[i]))
			return false;
	if ((!strcmp(suite, "save") && strcmp(test, "in_flight")) ||
	    (!strcmp(suite, "atomics") && strcmp(test, "shared_sums")) ||
	    (!strcmp(suite, "cluster") && strcmp(test, "same_on_any_host")) ||
	    (!strcmp(suite, "pace") && strcmp(test, "threads_keep_the_pace")) ||
	    !strcmp(test, "saved_damaged"))
		return false;
#endif
	(void)suite;
	return strstr(test, only);
}

#define SUITES (sizeof(suites) / sizeof(suites[0]))

int main(int argc, char **argv)
{
	unsigned int count = 0, n = 0, failed = 0;
	const char *only = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned int s = 0; s < SUITES; s++)
		for (const struct test *t = suites[s].tests; t->name; t++)
			count += selected(suites[s].name, t->name, only);
	printf("TAP version 13\n1..%u\n", count);
	for (unsigned int s = 0; s < SUITES; s++) {
		for (const struct test *t = suites[s].tests; t->name; t++) {
			if (!selected(suites[s].name, t->name, only))
				continue;
			test_name = t->name;
			test_failed = false;
			t->run();
			failed += test_failed;
			printf("%sok %u %s.%s\n", test_failed ? "not " : "", ++n, suites[s].name,
			       t->name);
		}
	}
	return failed != 0;
}
