/* SPDX-License-Identifier: MIT */
/* What the tests of libdsa share. */
#ifndef LIBDSA_FIXTURE_H
#define LIBDSA_FIXTURE_H

#include <dsa/dsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

/* Only against hangs: a debug kernel on a busy machine is slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

/* Only against hangs: the machine may be slow and shared. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 200

extern const unsigned char dsa_kernels_test[];
extern const uint64_t dsa_kernels_test_size;

/* A call that must succeed; else what the library says about it. */
#define OK(call)                                                                              \
	do {                                                                                  \
		dsaError_t ok_error = (call);                                                 \
		if (ok_error) {                                                               \
			dsaErrorInfo ok_info;                                                 \
			dsaGetLastErrorInfo(&ok_info);                                        \
			TH_LOG("%s: %s: %s", #call, dsaGetErrorName(ok_error), ok_info.text); \
		}                                                                             \
		ASSERT_EQ(dsaSuccess, ok_error);                                              \
	} while (0)

#define FAILS(error, call) EXPECT_EQ(error, (call))

#define GRID(n)   ((dsaDim3){ (n), 1, 1 })
#define ARGS(...) ((void *[]){ __VA_ARGS__ })

/* Deterministic noise. */
static inline uint64_t rng_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline void rng_fill(void *to, size_t bytes, uint64_t seed)
{
	uint8_t *p = to;
	uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;

	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(rng_next(&state) >> 24);
}

/* The kernel @name of the test module; NULL when something failed. */
static inline dsaFunction_t test_kernel(const char *name)
{
	static dsaModule_t module;
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	dsaFunction_t function = NULL;

	pthread_mutex_lock(&lock);
	if (!module)
		dsaModuleLoadData(&module, dsa_kernels_test);
	pthread_mutex_unlock(&lock);
	dsaModuleGetFunction(&function, module, name);
	return function;
}

/* A kernel that runs until release(): keeps a stream busy for as long as wanted. */
static inline uint32_t *hold(dsaStream_t stream)
{
	uint32_t *flag = NULL;

	if (dsaMallocHost((void **)&flag, 4) == dsaSuccess)
		dsaLaunchKernel(test_kernel("wait_flag"), GRID(1), ARGS(&flag), 0, stream);
	return flag;
}

static inline void release(uint32_t *flag)
{
	__atomic_store_n(flag, 1, __ATOMIC_RELEASE);
}

#endif /* LIBDSA_FIXTURE_H */
