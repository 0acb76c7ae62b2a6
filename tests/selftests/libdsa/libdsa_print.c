// SPDX-License-Identifier: MIT
/* dsa_printf() and dsa_assert(): what arrives, when, and that nothing else does. */
#include "libdsa_fixture.h"

#include <sched.h>
#include <stdio.h>

extern const unsigned char dsa_kernels_print[];

#define LIMIT dsaLimitPrintfFifoSize

static dsaFunction_t kernel(const char *name)
{
	static dsaModule_t module;
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	dsaFunction_t function = NULL;

	pthread_mutex_lock(&lock);
	if (!module)
		dsaModuleLoadData(&module, dsa_kernels_print);
	pthread_mutex_unlock(&lock);
	dsaModuleGetFunction(&function, module, name);
	return function;
}

/* Text that arrived; the library hands it over one call at a time. */
struct sink {
	char *text;
	size_t length;
	unsigned int calls;
	dsaError_t result;
};

static dsaError_t collect(const char *text, size_t length, void *opaque)
{
	struct sink *s = opaque;

	s->text = realloc(s->text, s->length + length + 1);
	memcpy(s->text + s->length, text, length + 1);
	s->length += length;
	s->calls++;
	return s->result;
}

static void forget(struct sink *s)
{
	if (s->text)
		s->text[0] = '\0';
	s->length = 0;
	s->calls = 0;
}

static unsigned int lines_with(const struct sink *s, const char *what)
{
	unsigned int n = 0;

	for (const char *p = s->text; p && (p = strstr(p, what)); p++)
		n++;
	return n;
}

FIXTURE(print)
{
	dsaStream_t stream;
	struct sink sink;
	dsaErrorInfo info;
};

FIXTURE_SETUP(print)
{
	OK(dsaSetPrintfHandler(collect, &self->sink));
	OK(dsaStreamCreate(&self->stream));
	self->sink.text = strdup("");
}

FIXTURE_TEARDOWN(print)
{
}

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
static size_t expected(char *out, size_t size)
{
	size_t n = 0;

#define CASE(...) n += (size_t)snprintf(out + n, size - n, __VA_ARGS__)
#include "print_cases.h"
#undef CASE
	return n;
}

TEST_F(print, every_conversion)
{
	static char want[65536];
	size_t length = expected(want, sizeof(want)), same = 0;

	OK(dsaLaunchKernel(kernel("every_conversion"), GRID(1), NULL, 0, self->stream));
	EXPECT_EQ(0, self->sink.length);
	OK(dsaStreamSynchronize(self->stream));
	while (same < length && same < self->sink.length && want[same] == self->sink.text[same])
		same++;
	if (same < length)
		TH_LOG("differs at %zu: wanted \"%.40s\", got \"%.40s\"", same, want + same,
		       self->sink.text + same);
	EXPECT_EQ(length, same);
	EXPECT_EQ(length, self->sink.length);
}

/* Every line once, those of a program in order, those of a launch before the next one's. */
static bool chatter_is_right(const struct sink *s, unsigned int launches, unsigned int programs,
			     unsigned int lines)
{
	unsigned int *next = calloc((size_t)launches * programs, sizeof(*next));
	unsigned int launch, program, line, latest = 0, count = 0;
	char tail[64];
	bool right = true;

	for (const char *p = s->text; right && *p; p = strchr(p, '\n') + 1, count++) {
		tail[0] = '\0';
		right = sscanf(p, "%u %u %u %63[a-z]", &launch, &program, &line, tail) >= 3 &&
			launch < launches && program < programs && launch >= latest &&
			strlen(tail) == line % 27 && strchr(p, '\n') &&
			next[launch * programs + program]++ == line;
		latest = launch;
	}
	free(next);
	return right && count == launches * programs * lines;
}

TEST_F(print, many_programs)
{
	unsigned int lines = 9, launches = 5, programs = 100;

	OK(dsaDeviceSetLimit(LIMIT, 1 << 20));
	for (unsigned int i = 0; i < launches; i++)
		OK(dsaLaunchKernel(kernel("chatter"), GRID(programs), ARGS(&i, &lines), 0,
				   self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_TRUE(chatter_is_right(&self->sink, launches, programs, lines));
	EXPECT_EQ(1, self->sink.calls);
	OK(dsaStreamSynchronize(self->stream));
	OK(dsaDeviceSynchronize());
	EXPECT_EQ(1, self->sink.calls);
}

/* The ring goes round many times. */
TEST_F(print, round_and_round)
{
	unsigned int lines = 3, launches = 300, programs = 5;

	OK(dsaDeviceSetLimit(LIMIT, 4096));
	for (unsigned int i = 0; i < launches; i++) {
		OK(dsaLaunchKernel(kernel("chatter"), GRID(programs), ARGS(&i, &lines), 0,
				   self->stream));
		OK(dsaStreamSynchronize(self->stream));
	}
	EXPECT_TRUE(chatter_is_right(&self->sink, launches, programs, lines));
}

TEST_F(print, overflow)
{
	unsigned int lines = 1000, programs = 4;
	unsigned long long lost = 0;
	char *report;
	int64_t *sum;

	OK(dsaMallocHost((void **)&sum, 8));
	OK(dsaDeviceSetLimit(LIMIT, 10000));
	OK(dsaLaunchKernel(kernel("count_lost"), GRID(programs), ARGS(&sum, &lines), 0,
			   self->stream));
	OK(dsaStreamSynchronize(self->stream));
	report = strstr(self->sink.text, "libdsa: ");
	ASSERT_NE(NULL, report);
	EXPECT_EQ(1, sscanf(report, "libdsa: %llu records", &lost));
	EXPECT_NE(NULL, strstr(report, "raise dsaLimitPrintfFifoSize"));
	EXPECT_EQ(-(int64_t)lost, *sum);
	EXPECT_EQ(programs * lines + 1, lost + lines_with(&self->sink, "\n"));
	EXPECT_LT(lines_with(&self->sink, "\n"), 300);

	/* A larger buffer at the next idle launch. */
	forget(&self->sink);
	*sum = 0;
	OK(dsaDeviceSetLimit(LIMIT, 1 << 20));
	OK(dsaLaunchKernel(kernel("count_lost"), GRID(programs), ARGS(&sum, &lines), 0,
			   self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(0, *sum);
	EXPECT_EQ(programs * lines, lines_with(&self->sink, "\n"));
}

TEST_F(print, limits)
{
	size_t value = 0;

	OK(dsaDeviceGetLimit(&value, LIMIT));
	EXPECT_EQ(65536, value);
	OK(dsaDeviceSetLimit(LIMIT, 0));
	OK(dsaDeviceGetLimit(&value, LIMIT));
	EXPECT_EQ(4096, value);
	OK(dsaDeviceSetLimit(LIMIT, 5000));
	OK(dsaDeviceGetLimit(&value, LIMIT));
	EXPECT_EQ(8192, value);
	FAILS(dsaErrorInvalidValue, dsaDeviceSetLimit(LIMIT, (size_t)-1));
	FAILS(dsaErrorInvalidValue, dsaDeviceGetLimit(NULL, LIMIT));
	FAILS(dsaErrorUnsupportedLimit, dsaDeviceSetLimit((enum dsaLimit)7, 1));
	FAILS(dsaErrorUnsupportedLimit, dsaDeviceGetLimit(&value, (enum dsaLimit)7));
}

TEST_F(print, long_strings)
{
	char *text;
	int64_t *result;

	OK(dsaMallocHost((void **)&text, 65536));
	OK(dsaMallocHost((void **)&result, 8));
	memset(text, 'x', 20000);
	OK(dsaLaunchKernel(kernel("long_string"), GRID(1), ARGS(&text, &result), 0, self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(0, *result);
	EXPECT_EQ(20001, self->sink.length);
	EXPECT_EQ(0, memcmp(text, self->sink.text, 20000));
	/* More than half the buffer. */
	memset(text, 'x', 40000);
	OK(dsaLaunchKernel(kernel("long_string"), GRID(1), ARGS(&text, &result), 0, self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(-1, *result);
	EXPECT_EQ(1, lines_with(&self->sink, "libdsa: 1 records"));
}

TEST_F(print, not_supported)
{
	OK(dsaLaunchKernel(kernel("not_supported"), GRID(1), NULL, 0, self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_STREQ("1 1 %y %d\n2 a %ls %d\n3 %\n4 (null) |\n", self->sink.text);
}

TEST_F(print, when)
{
	uint32_t launch = 0, lines = 1, *word;
	dsaEvent_t event;

	OK(dsaEventCreate(&event));
	OK(dsaMallocHost((void **)&word, 4));
#define AGAIN(stream)                                                                              \
	do {                                                                                       \
		forget(&self->sink);                                                               \
		OK(dsaLaunchKernel(kernel("chatter"), GRID(1), ARGS(&launch, &lines), 0, stream)); \
	} while (0)
	AGAIN(self->stream);
	while (dsaStreamQuery(self->stream) == dsaErrorNotReady)
		;
	EXPECT_EQ(1, self->sink.calls);
	AGAIN(self->stream);
	OK(dsaEventRecord(event, self->stream));
	OK(dsaEventSynchronize(event));
	EXPECT_EQ(1, self->sink.calls);
	AGAIN(self->stream);
	OK(dsaEventRecord(event, self->stream));
	while (dsaEventQuery(event) == dsaErrorNotReady)
		;
	EXPECT_EQ(1, self->sink.calls);
	AGAIN(NULL);
	OK(dsaMemcpy(word, &launch, 4, dsaMemcpyDefault));
	EXPECT_EQ(1, self->sink.calls);
	AGAIN(NULL);
	OK(dsaMemset(word, 0, 4));
	EXPECT_EQ(1, self->sink.calls);
	AGAIN(self->stream);
	OK(dsaDeviceSynchronize());
	EXPECT_EQ(1, self->sink.calls);
	AGAIN(self->stream);
	OK(dsaStreamDestroy(self->stream));
	OK(dsaDeviceSynchronize());
	EXPECT_EQ(1, self->sink.calls);
}

/* Text of a kernel that still runs, far more than fits the buffer, as the host keeps reading. */
TEST_F(print, while_running)
{
	uint32_t *words, rounds = 40, *go, *done;
	dsaEvent_t before;
	char last[256];

	OK(dsaMallocHost((void **)&words, 8));
	go = words;
	done = words + 1;
	OK(dsaDeviceSetLimit(LIMIT, 4096));
	OK(dsaEventCreate(&before));
	OK(dsaEventRecord(before, self->stream));
	OK(dsaEventSynchronize(before));
	OK(dsaLaunchKernel(kernel("print_on_demand"), GRID(1), ARGS(&go, &done, &rounds), 0,
			   self->stream));
	for (uint32_t i = 1; i <= rounds; i++) {
		__atomic_store_n(go, i, __ATOMIC_RELEASE);
		while (__atomic_load_n(done, __ATOMIC_ACQUIRE) < i)
			sched_yield();
		OK(dsaEventSynchronize(before));
		EXPECT_EQ(i, self->sink.calls);
	}
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(rounds, self->sink.calls);
	EXPECT_EQ(rounds, lines_with(&self->sink, "\n"));
	snprintf(last, sizeof(last), "round %200u\n", rounds);
	EXPECT_STREQ(last, self->sink.text + self->sink.length - strlen(last));
}

TEST_F(print, assertion)
{
	uint32_t limit = 3;

	OK(dsaLaunchKernel(kernel("assert_less"), ((dsaDim3){ 4, 3, 1 }), ARGS(&limit), 0,
			   self->stream));
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	TH_LOG("%s", self->info.text);
	EXPECT_EQ(3, self->info.program.x);
	EXPECT_EQ(1, self->info.program.y);
	EXPECT_NE(NULL, strstr(self->info.text, "print_kernels.c:"));
	EXPECT_NE(NULL,
		  strstr(self->info.text,
			 ": assert_less: program (3,1,0): assertion `x < limit || y != 1' failed"));
	EXPECT_EQ(
		1,
		lines_with(
			&self->sink,
			": assert_less: program (3,1,0): assertion `x < limit || y != 1' failed\n"));
	EXPECT_EQ(1, lines_with(&self->sink, "program 3 1\n"));
	/* Once. */
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	EXPECT_EQ(1, lines_with(&self->sink, "assertion"));
	OK(dsaStreamRecover(self->stream));
	limit = 4;
	forget(&self->sink);
	OK(dsaLaunchKernel(kernel("assert_less"), ((dsaDim3){ 4, 3, 1 }), ARGS(&limit), 0,
			   self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(12, lines_with(&self->sink, "\n"));
}

/* The text of an assertion arrives though the buffer is full. */
TEST_F(print, assertion_in_full_buffer)
{
	uint32_t limit = 0, launch = 0, lines = 1000;

	OK(dsaDeviceSetLimit(LIMIT, 4096));
	OK(dsaLaunchKernel(kernel("chatter"), GRID(2), ARGS(&launch, &lines), 0, self->stream));
	OK(dsaLaunchKernel(kernel("assert_less"), ((dsaDim3){ 1, 2, 1 }), ARGS(&limit), 0,
			   self->stream));
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	EXPECT_NE(NULL, strstr(self->info.text, "assertion `x < limit"));
	EXPECT_EQ(1, lines_with(&self->sink, "assertion `x < limit"));
}

/* Whatever call meets the fault first, the text comes with it. */
TEST_F(print, fault_by_launch)
{
	uint32_t limit = 0;
	dsaError_t error = dsaSuccess;

	OK(dsaLaunchKernel(kernel("assert_less"), ((dsaDim3){ 1, 2, 1 }), ARGS(&limit), 0,
			   self->stream));
	for (int i = 0; i < 100000 && !error; i++)
		error = dsaLaunchKernel(test_kernel("empty"), GRID(1), NULL, 0, self->stream);
	EXPECT_EQ(dsaErrorLaunchFailure, error);
	EXPECT_EQ(1, lines_with(&self->sink, "assertion"));
}

TEST_F(print, fault_in_the_middle)
{
	const char *bad = (const char *)0x1000;

	OK(dsaLaunchKernel(kernel("print_bad_string"), GRID(1), ARGS(&bad), 0, self->stream));
	FAILS(dsaErrorIllegalAddress, dsaStreamSynchronize(self->stream));
	EXPECT_STREQ("before\n", self->sink.text);
}

/* Programs that are stopped while they print: whole lines, in order, and no talk of damage. */
TEST_F(print, stopped_while_printing)
{
	uint32_t lines = 20, next[16], i;
	uint64_t program;
	char end;

	OK(dsaDeviceSetLimit(LIMIT, 1 << 20));
	for (int round = 0; round < 20; round++) {
		memset(next, 0, sizeof(next));
		forget(&self->sink);
		OK(dsaLaunchKernel(kernel("print_until_trap"), GRID(16), ARGS(&lines), 0,
				   self->stream));
		FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
		for (const char *p = self->sink.text; *p; p = strchr(p, '\n') + 1) {
			if (!strncmp(p, "libdsa: ", 8))
				continue;
			ASSERT_EQ(3, sscanf(p, "%lu %u%c", &program, &i, &end));
			ASSERT_EQ(next[program]++, i);
		}
		EXPECT_EQ(lines, next[0]);
		EXPECT_EQ(0, lines_with(&self->sink, "wrote into"));
		OK(dsaStreamRecover(self->stream));
	}
}

/* Text of work that outlives its stream, and of a fault that only recovery meets. */
TEST_F(print, destroyed_and_recovered)
{
	uint32_t launch = 0, lines = 1, limit = 0, *flag;
	dsaStream_t other;

	OK(dsaStreamCreate(&other));
	flag = hold(self->stream);
	OK(dsaLaunchKernel(kernel("chatter"), GRID(1), ARGS(&launch, &lines), 0, self->stream));
	OK(dsaStreamDestroy(self->stream));
	EXPECT_EQ(0, self->sink.calls);
	release(flag);
	OK(dsaDeviceSynchronize());
	EXPECT_STREQ("0 0 0 \n", self->sink.text);

	forget(&self->sink);
	OK(dsaLaunchKernel(kernel("assert_less"), ((dsaDim3){ 1, 2, 1 }), ARGS(&limit), 0, other));
	for (int i = 0; i < 10000 && !self->sink.calls; i++) {
		usleep(1000);
		OK(dsaStreamRecover(other));
	}
	EXPECT_EQ(1, lines_with(&self->sink, "assertion"));
	OK(dsaStreamSynchronize(other));
	EXPECT_EQ(1, self->sink.calls);
}

/* Garbage in the buffer, at its head and anywhere: a message, and later text is fine again. */
TEST_F(print, garbage)
{
	static const uint64_t offsets[] = { 0, 8, 64, 72, 128, 136, 144, 0 };
	static const uint64_t values[] = {
		0, 1, 8, 64, 4096, ~0ull, 0x0002d5a100000018, 0x0002d5a1fffffff8, 0x8000000000000000
	};
	uint32_t count = 1, launch = 0, lines = 2;

	OK(dsaDeviceSetLimit(LIMIT, 8192));
	for (unsigned int i = 0; i < 8; i++) {
		for (unsigned int k = 0; k < 9; k++) {
			count = i == 7 ? 1024 : 1;
			OK(dsaLaunchKernel(kernel("scribble"), GRID(1),
					   ARGS((void *)&offsets[i], (void *)&values[k], &count), 0,
					   self->stream));
			OK(dsaStreamSynchronize(self->stream));
			/* The damage may show only now. */
			OK(dsaLaunchKernel(kernel("chatter"), GRID(3), ARGS(&launch, &lines), 0,
					   self->stream));
			OK(dsaStreamSynchronize(self->stream));
			forget(&self->sink);
			OK(dsaLaunchKernel(kernel("chatter"), GRID(3), ARGS(&launch, &lines), 0,
					   self->stream));
			OK(dsaStreamSynchronize(self->stream));
			EXPECT_TRUE(chatter_is_right(&self->sink, 1, 3, 2))
			{
				TH_LOG("after 0x%lx at %lu: %s", values[k], offsets[i],
				       self->sink.text);
			}
		}
	}
}

TEST_F(print, garbage_is_told)
{
	uint64_t offset = 128, value = 0x123456789abcdef1;
	uint32_t count = 8;

	OK(dsaLaunchKernel(kernel("scribble"), GRID(1), ARGS(&offset, &value, &count), 0,
			   self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(1, lines_with(&self->sink, "libdsa: a kernel wrote into the print buffer"));
	EXPECT_EQ(1, lines_with(&self->sink, "\n"));
	/* No need for anything but being idle. */
	forget(&self->sink);
	count = 0;
	OK(dsaLaunchKernel(kernel("scribble"), GRID(1), ARGS(&offset, &value, &count), 0,
			   self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_STREQ("scribble\n", self->sink.text);
}

TEST_F(print, two_streams)
{
	uint32_t lines = 50, a = 0, b = 1;
	dsaStream_t other;
	unsigned int zeros = 0, ones = 0;

	OK(dsaStreamCreate(&other));
	OK(dsaDeviceSetLimit(LIMIT, 1 << 20));
	for (int i = 0; i < 10; i++) {
		OK(dsaLaunchKernel(kernel("chatter"), GRID(8), ARGS(&a, &lines), 0, self->stream));
		OK(dsaLaunchKernel(kernel("chatter"), GRID(8), ARGS(&b, &lines), 0, other));
	}
	OK(dsaStreamSynchronize(self->stream));
	for (const char *p = self->sink.text; *p; p = strchr(p, '\n') + 1)
		zeros += *p == '0';
	EXPECT_EQ(4000, zeros);
	OK(dsaStreamSynchronize(other));
	for (const char *p = self->sink.text; *p; p = strchr(p, '\n') + 1)
		ones += *p == '1';
	EXPECT_EQ(4000, ones);
	EXPECT_EQ(8000, lines_with(&self->sink, "\n"));
}

static void *print_a_lot(void *arg)
{
	uint32_t launch = (uint32_t)(uintptr_t)arg, lines = 3;

	for (int i = 0; i < 100; i++)
		if (dsaLaunchKernel(kernel("chatter"), GRID(4), ARGS(&launch, &lines), 0, NULL) ||
		    dsaStreamSynchronize(NULL))
			return (void *)1;
	return NULL;
}

/* Threads that share a device, and perhaps queues: nothing lost, nothing twice. */
TEST_F(print, threads)
{
	unsigned int counts[8] = { 0 };
	pthread_t thread[8];
	void *failed;

	for (uintptr_t i = 0; i < 8; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, print_a_lot, (void *)i));
	for (int i = 0; i < 8; i++) {
		pthread_join(thread[i], &failed);
		EXPECT_EQ(NULL, failed);
	}
	OK(dsaDeviceSynchronize());
	for (const char *p = self->sink.text; *p; p = strchr(p, '\n') + 1)
		counts[(*p - '0') & 7]++;
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(1200, counts[i]);
}

/* A handler that uses the library, launching more that prints. */
static dsaError_t relaunch(const char *text, size_t length, void *opaque)
{
	struct sink *s = opaque;
	uint32_t launch = 1, lines = 1;

	collect(text, length, opaque);
	if (s->calls == 1) {
		dsaLaunchKernel(kernel("chatter"), GRID(1), ARGS(&launch, &lines), 0, NULL);
		dsaStreamSynchronize(NULL);
	}
	return dsaSetPrintfHandler(NULL, NULL);
}

TEST_F(print, handlers)
{
	uint32_t launch = 0, lines = 1;

	OK(dsaSetPrintfHandler(relaunch, &self->sink));
	OK(dsaLaunchKernel(kernel("chatter"), GRID(1), ARGS(&launch, &lines), 0, NULL));
	/* The handler's result: it may not replace itself. */
	FAILS(dsaErrorInvalidValue, dsaStreamSynchronize(NULL));
	EXPECT_STREQ("0 0 0 \n", self->sink.text);
	OK(dsaSetPrintfHandler(collect, &self->sink));
	OK(dsaStreamSynchronize(NULL));
	EXPECT_STREQ("0 0 0 \n1 0 0 \n", self->sink.text);

	self->sink.result = dsaErrorUnknown;
	OK(dsaLaunchKernel(kernel("chatter"), GRID(1), ARGS(&launch, &lines), 0, NULL));
	FAILS(dsaErrorUnknown, dsaStreamSynchronize(NULL));
	EXPECT_EQ(dsaErrorUnknown, dsaGetLastError());
	/* The text counts as handed over. */
	OK(dsaStreamSynchronize(NULL));
}

TEST_F(print, standard_output)
{
	uint32_t launch = 7, lines = 1;
	char text[64] = "";
	int out, ends[2];

	OK(dsaSetPrintfHandler(NULL, NULL));
	fflush(stdout);
	out = dup(1);
	ASSERT_EQ(0, pipe(ends));
	dup2(ends[1], 1);
	OK(dsaLaunchKernel(kernel("chatter"), GRID(1), ARGS(&launch, &lines), 0, NULL));
	OK(dsaStreamSynchronize(NULL));
	dup2(out, 1);
	EXPECT_EQ(7, read(ends[0], text, sizeof(text) - 1));
	EXPECT_STREQ("7 0 0 \n", text);
}

/* Streams that do not print pay nothing, and are told nothing. */
TEST_F(print, others)
{
	size_t before, after, total;
	dsaTelemetry t[2];

	OK(dsaLaunchKernel(test_kernel("empty"), GRID(1), NULL, 0, self->stream));
	OK(dsaStreamSynchronize(self->stream));
	OK(dsaMemGetInfo(&before, &total));
	OK(dsaDeviceGetTelemetry(&t[0], 0));
	OK(dsaLaunchKernel(test_kernel("empty"), GRID(1), NULL, 0, self->stream));
	OK(dsaStreamSynchronize(self->stream));
	OK(dsaMemGetInfo(&after, &total));
	OK(dsaDeviceGetTelemetry(&t[1], 0));
	EXPECT_EQ(before, after);
	EXPECT_EQ(t[0].systemMemoryUsed, t[1].systemMemoryUsed);
	EXPECT_EQ(0, self->sink.calls);
}

TEST_HARNESS_MAIN
