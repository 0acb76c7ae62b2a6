/* SPDX-License-Identifier: MIT */
/* vector_add [N]: adds two vectors of N floats on the device and checks the sum. */
#include "../check.h"

#include <errno.h>

extern const unsigned char dsa_kernels_vector_add[];

static uint64_t parse_count(const char *text)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || n == 0 ||
	    n > SIZE_MAX / sizeof(float)) {
		fprintf(stderr, "vector_add: '%s' is not a number of elements: give 1 or more\n",
			text);
		exit(2);
	}
	return n;
}

/* A device vector; @host goes into it unless it is NULL. */
static float *device_vector(const float *host, size_t bytes)
{
	float *v;

	CHECK(dsaMalloc((void **)&v, bytes));
	if (host)
		CHECK(dsaMemcpy(v, host, bytes, dsaMemcpyHostToDevice));
	return v;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? parse_count(argv[1]) : 1 << 20;
	size_t bytes = n * sizeof(float);
	float *dev_a, *dev_b, *dev_c;
	float *dev_room = device_vector(NULL, bytes); /* tells at once when N is too large */
	float *a = malloc(bytes), *b = malloc(bytes), *c = malloc(bytes);
	dsaModule_t module;
	dsaFunction_t vector_add;

	if (!a || !b || !c) {
		fprintf(stderr, "vector_add: no host memory for 3 x %zu bytes\n", bytes);
		return 1;
	}
	for (uint64_t i = 0; i < n; i++) {
		a[i] = (float)(i % 1000);
		b[i] = 0.5f * (float)(i % 77);
	}

	CHECK(dsaModuleLoadData(&module, dsa_kernels_vector_add));
	CHECK(dsaModuleGetFunction(&vector_add, module, "vector_add"));
	dev_a = device_vector(a, bytes);
	dev_b = device_vector(b, bytes);
	dev_c = dev_room;
	CHECK(dsaLaunchKernel(vector_add, (dsaDim3){ 16, 1, 1 },
			      (void *[]){ &dev_c, &dev_a, &dev_b, &n }, 0, NULL));
	CHECK(dsaMemcpy(c, dev_c, bytes, dsaMemcpyDeviceToHost));

	for (uint64_t i = 0; i < n; i++) {
		if (c[i] != a[i] + b[i]) {
			fprintf(stderr, "vector_add: c[%llu] is %g, not %g\n",
				(unsigned long long)i, c[i], a[i] + b[i]);
			return 1;
		}
	}
	printf("vector_add: %llu sums, all right\n", (unsigned long long)n);
	CHECK(dsaFree(dev_a));
	CHECK(dsaFree(dev_b));
	CHECK(dsaFree(dev_c));
	free(a);
	free(b);
	free(c);
	return 0;
}
