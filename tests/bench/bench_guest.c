// SPDX-License-Identifier: MIT
/*
 * The guest's half of the benchmarks: prints one "name value" a line.
 *
 *	bench_guest KERNELS.elf LIBRARY NAME...
 *
 * LIBRARY is the folder of the kernel library's modules. NAME is copy, launch,
 * cores, gemm or vector (which takes a turn for each line of input). Every
 * figure is the median, or for rates the best, of several turns: the machine
 * below is noisy.
 */
#include <dsa/dsa.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <uapi/dsa_cmd.h>

#define PING_FILES "/sys/kernel/debug/accel/*/irq_ping"
#define COPY_BYTES (64u << 20)

#define CHECK(call)                                                     \
	do {                                                            \
		dsaError_t check_error = (call);                        \
		if (check_error != dsaSuccess) {                        \
			fprintf(stderr, "bench_guest: %s: %s\n", #call, \
				dsaGetErrorString(check_error));        \
			exit(1);                                        \
		}                                                       \
	} while (0)

static const char *library;

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec * 1e-3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static void bench_copy(dsaModule_t module)
{
	void *host, *device;
	double h2d = 0, d2h = 0;

	(void)module;
	CHECK(dsaMallocHost(&host, COPY_BYTES));
	CHECK(dsaMalloc(&device, COPY_BYTES));
	memset(host, 3, COPY_BYTES);
	for (int i = 0; i < 10; i++) {
		double start = now_us(), middle;

		CHECK(dsaMemcpy(device, host, COPY_BYTES, dsaMemcpyHostToDevice));
		middle = now_us();
		CHECK(dsaMemcpy(host, device, COPY_BYTES, dsaMemcpyDeviceToHost));
		if (COPY_BYTES / (middle - start) > h2d)
			h2d = COPY_BYTES / (middle - start);
		if (COPY_BYTES / (now_us() - middle) > d2h)
			d2h = COPY_BYTES / (now_us() - middle);
	}
	printf("h2d_gbps %.3f\nd2h_gbps %.3f\n", h2d * 1e-3, d2h * 1e-3);
	CHECK(dsaFree(device));
	CHECK(dsaFreeHost(host));
}

/* The driver's file that does one register ping round trip a read. */
static int open_ping(void)
{
	glob_t found;
	int fd;

	if (glob(PING_FILES, 0, NULL, &found)) {
		fprintf(stderr, "bench_guest: no %s: debugfs must be mounted\n", PING_FILES);
		exit(1);
	}
	fd = open(found.gl_pathv[0], O_RDONLY);
	if (fd < 0) {
		perror(found.gl_pathv[0]);
		exit(1);
	}
	globfree(&found);
	return fd;
}

/* A register ping round trip through the driver, woken thread included. */
static double ping_us(int fd)
{
	char text[64];
	double start = now_us();

	if (pread(fd, text, sizeof(text), 0) <= 0) {
		perror("bench_guest: irq_ping");
		exit(1);
	}
	return now_us() - start;
}

static void bench_launch(dsaModule_t module)
{
	enum { SINGLE = 1000, QUEUED = 1000, ROUNDS = 9 };
	static double ping[SINGLE], single[SINGLE], queued[ROUNDS];
	uint64_t zero = 0;
	void *args[] = { &zero };
	dsaDim3 one = { 1, 1, 1 };
	dsaFunction_t empty;
	dsaStream_t stream;
	double one_by_one;
	int ping_fd = open_ping();

	CHECK(dsaModuleGetFunction(&empty, module, "empty"));
	CHECK(dsaStreamCreate(&stream));
	for (int i = 0; i < SINGLE; i++) {
		double start;

		ping[i] = ping_us(ping_fd);
		start = now_us();
		CHECK(dsaLaunchKernel(empty, one, args, 0, stream));
		CHECK(dsaStreamSynchronize(stream));
		single[i] = now_us() - start;
	}
	for (int r = 0; r < ROUNDS; r++) {
		double start = now_us();

		for (int i = 0; i < QUEUED; i++)
			CHECK(dsaLaunchKernel(empty, one, args, 0, stream));
		CHECK(dsaStreamSynchronize(stream));
		queued[r] = (now_us() - start) / QUEUED;
	}
	one_by_one = median(single, SINGLE);
	printf("ping_us %.2f\nlaunch_us %.2f\nqueued_us %.3f\n", median(ping, SINGLE), one_by_one,
	       median(queued, ROUNDS));
	CHECK(dsaStreamDestroy(stream));
	close(ping_fd);
}

static double run_loop(dsaFunction_t loop, uint64_t *out, unsigned int programs, uint64_t turns)
{
	void *args[] = { &out, &turns };
	double start = now_us();

	CHECK(dsaLaunchKernel(loop, (dsaDim3){ programs, 1, 1 }, args, 0, NULL));
	CHECK(dsaStreamSynchronize(NULL));
	return (double)turns * 8 * programs / (now_us() - start);
}

static void bench_cores(dsaModule_t module)
{
	uint64_t *out;
	dsaFunction_t loop;
	double single = 0, all = 0;

	CHECK(dsaModuleGetFunction(&loop, module, "integer_loop"));
	CHECK(dsaMalloc((void **)&out, 16 * sizeof(*out)));
	for (int i = 0; i < 5; i++) {
		double rate = run_loop(loop, out, 1, 16u << 20);

		single = rate > single ? rate : single;
		rate = run_loop(loop, out, 16, 4u << 20);
		all = rate > all ? rate : all;
	}
	printf("core_mips %.1f\nall_mips %.1f\n", single, all);
	CHECK(dsaFree(out));
}

static dsaFunction_t library_function(const char *module_name, const char *name)
{
	dsaFunction_t function;
	dsaModule_t module;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.elf", library, module_name);
	CHECK(dsaModuleLoad(&module, path));
	CHECK(dsaModuleGetFunction(&function, module, name));
	return function;
}

/* 2048^3 through the kernel library, in 10^9 operations a second. */
static double gemm_rate(dsaFunction_t gemm, void *d, void *a, void *b, uint32_t d_type,
			uint32_t type)
{
	uint64_t ld = 2048;
	uint32_t size = 2048, flags = 0, zero = 0;
	float alpha = 1, beta = 0;
	double best = 0;
	void *args[] = { &d,    &a,      &b,    &d,    &ld,    &ld,   &ld,    &ld,   &size, &size,
			 &size, &d_type, &type, &type, &alpha, &beta, &flags, &zero, &zero, &zero };

	for (int i = 0; i < 4; i++) {
		double start = now_us(), rate;

		CHECK(dsaLaunchKernel(gemm, (dsaDim3){ 16, 1, 1 }, args, 0, NULL));
		CHECK(dsaStreamSynchronize(NULL));
		rate = 2.0 * 2048 * 2048 * 2048 / (now_us() - start) * 1e-3;
		best = rate > best ? rate : best;
	}
	return best;
}

static void bench_gemm(dsaModule_t module)
{
	enum { BYTES = 2048 * 2048 * 4 };
	dsaFunction_t gemm = library_function("gemm", "gemm");
	void *a, *b, *d;

	(void)module;
	CHECK(dsaMalloc(&a, BYTES));
	CHECK(dsaMalloc(&b, BYTES));
	CHECK(dsaMalloc(&d, BYTES));
	/* Small numbers in all of the types. */
	CHECK(dsaMemset(a, 0x3b, BYTES));
	CHECK(dsaMemset(b, 0x35, BYTES));
	printf("gemm_f32 %.2f\n", gemm_rate(gemm, d, a, b, DSA_TYPE_F32, DSA_TYPE_F32));
	printf("gemm_bf16 %.2f\n", gemm_rate(gemm, d, a, b, DSA_TYPE_F32, DSA_TYPE_BF16));
	printf("gemm_f16 %.2f\n", gemm_rate(gemm, d, a, b, DSA_TYPE_F32, DSA_TYPE_F16));
	printf("gemm_f8 %.2f\n", gemm_rate(gemm, d, a, b, DSA_TYPE_F32, DSA_TYPE_F8E4M3));
	printf("gemm_i8 %.2f\n", gemm_rate(gemm, d, a, b, DSA_TYPE_I32, DSA_TYPE_I8));
	CHECK(dsaFree(a));
	CHECK(dsaFree(b));
	CHECK(dsaFree(d));
}

/* The best time of several launches, submit to synchronised. */
static double launch_us(dsaFunction_t function, unsigned int programs, void **args)
{
	enum { REPEATS = 15 }; /* as often as the host */
	double best = 0;

	for (int i = 0; i < REPEATS; i++) {
		double start = now_us(), time;

		CHECK(dsaLaunchKernel(function, (dsaDim3){ programs, 1, 1 }, args, 0, NULL));
		CHECK(dsaStreamSynchronize(NULL));
		time = now_us() - start;
		best = !best || time < best ? time : best;
	}
	return best;
}

/*
 * axpy and the sum of 64 MiB, in GB/s of what is read and written, and their tensor loads in boxes; empty
 * programs, ns each. A turn for each line of input.
 */
static void bench_vector(dsaModule_t module)
{
	uint64_t n = COPY_BYTES / sizeof(float), zero = 0;
	dsaFunction_t axpy = library_function("axpy", "axpy");
	dsaFunction_t reduce = library_function("reduce", "reduce_partial"), boxes, empty;
	float alpha = 0.5f, *x, *y, *partial;
	void *axpy_args[] = { &y, &x, &alpha, &n }, *reduce_args[] = { &partial, &x, &n };
	void *boxes_args[] = { &x }, *empty_args[] = { &zero };
	char line[16];

	CHECK(dsaModuleGetFunction(&boxes, module, "boxes"));
	CHECK(dsaModuleGetFunction(&empty, module, "empty"));
	CHECK(dsaMalloc((void **)&x, COPY_BYTES));
	CHECK(dsaMalloc((void **)&y, COPY_BYTES));
	CHECK(dsaMalloc((void **)&partial, 16 * sizeof(float)));
	CHECK(dsaMemset(x, 0, COPY_BYTES));
	CHECK(dsaMemset(y, 0, COPY_BYTES));
	while (fgets(line, sizeof(line), stdin)) {
		printf("axpy_gbps %.3f\n", 3e-3 * COPY_BYTES / launch_us(axpy, 16, axpy_args));
		printf("reduce_gbps %.3f\n",
		       1e-3 * COPY_BYTES / launch_us(reduce, 16, reduce_args));
		printf("boxes_gbps %.3f\n", 1e-3 * COPY_BYTES / launch_us(boxes, 16, boxes_args));
		printf("program_ns %.1f\n\n", 1e3 * launch_us(empty, 4096, empty_args) / 4096);
		fflush(stdout);
	}
	CHECK(dsaFree(x));
	CHECK(dsaFree(y));
	CHECK(dsaFree(partial));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(dsaModule_t module);
	} benches[] = {
		{ "copy", bench_copy }, { "launch", bench_launch }, { "cores", bench_cores },
		{ "gemm", bench_gemm }, { "vector", bench_vector },
	};
	dsaModule_t module;

	if (argc < 4) {
		fprintf(stderr,
			"usage: bench_guest KERNELS.elf LIBRARY copy|launch|cores|gemm|vector...\n");
		return 2;
	}
	library = argv[2];
	CHECK(dsaModuleLoad(&module, argv[1]));
	for (int i = 3; i < argc; i++) {
		size_t b = 0;

		while (b < sizeof(benches) / sizeof(*benches) && strcmp(benches[b].name, argv[i]))
			b++;
		if (b == sizeof(benches) / sizeof(*benches)) {
			fprintf(stderr, "bench_guest: no benchmark \"%s\"\n", argv[i]);
			return 2;
		}
		benches[b].run(module);
		fflush(stdout);
	}
	return 0;
}
