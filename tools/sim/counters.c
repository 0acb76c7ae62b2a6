/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of a launch, and what follows from them: the roofline's side of it. */
#include <inttypes.h>

#include "sim.h"

static const char *const macs_names[DSA_MACS_COUNT] = {
	[DSA_MACS_F64] = "f64", [DSA_MACS_F32] = "f32", [DSA_MACS_TF32] = "tf32",
	[DSA_MACS_F16] = "f16", [DSA_MACS_F8] = "f8",   [DSA_MACS_F6] = "f6",
	[DSA_MACS_I8] = "i8",   [DSA_MACS_F4] = "f4",   [DSA_MACS_I4] = "i4",
};

static const char *const bytes_names[DSA_BYTES_COUNT] = {
	[DSA_BYTES_HBM_READ] = "hbm_read",
	[DSA_BYTES_HBM_WRITTEN] = "hbm_written",
	[DSA_BYTES_SYSTEM_READ] = "system_read",
	[DSA_BYTES_SYSTEM_WRITTEN] = "system_written",
	[DSA_BYTES_SCRATCHPAD_READ] = "scratchpad_read",
	[DSA_BYTES_SCRATCHPAD_WRITTEN] = "scratchpad_written",
};

static const char *const stall_names[DSA_STALL_COUNT] = {
	[DSA_STALL_MBARRIER] = "mbarrier", [DSA_STALL_TENSOR] = "tensor",
	[DSA_STALL_MATRIX] = "matrix",     [DSA_STALL_VECTOR_MEMORY] = "vector_memory",
	[DSA_STALL_CONVERT] = "convert",   [DSA_STALL_CLUSTER] = "cluster",
};

/* What a roofline says of the launch; zero where it did nothing of the kind. */
struct roofline {
	double operations;       /* of matrix units: two a product */
	double hbm_bytes;        /* both directions */
	double compute_s, hbm_s; /* that they take at the peak and at full bandwidth */
	double seconds;          /* that the programs took */
	const char *bound;       /* "compute", "memory" or "neither" */
};

static double share(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

static struct roofline roofline_of(const struct dsa_core_config *d,
				   const struct dsa_launch_counters *c)
{
	static const unsigned int rates[DSA_MACS_COUNT] = DSA_MACS_RATES;
	double hz = d->core_clock_khz * 1e3;
	struct roofline r = {
		.hbm_bytes = (double)c->bytes[DSA_BYTES_HBM_READ] +
			     (double)c->bytes[DSA_BYTES_HBM_WRITTEN],
		.seconds = (double)c->makespan / hz,
	};

	for (unsigned int i = 0; i < DSA_MACS_COUNT; i++) {
		r.operations += 2 * (double)c->macs[i];
		r.compute_s += (double)c->macs[i] * 32 /
			       ((double)d->matrix_macs * rates[i] * d->cores * hz);
	}
	r.hbm_s = r.hbm_bytes / (d->hbm_mb_per_s * 1e6);
	r.bound = r.compute_s > r.hbm_s ? "compute" : r.hbm_s > 0 ? "memory" : "neither";
	return r;
}

static void line(const char *name, uint64_t value, const char *unit)
{
	if (value)
		printf("  %-28s %16" PRIu64 "%s\n", name, value, unit);
}

static void lines(const char *what, const char *const *names, const uint64_t *values,
		  unsigned int count, const char *unit)
{
	char name[64];

	for (unsigned int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s %s", what, names[i]);
		line(name, values[i], unit);
	}
}

/* What the launch did none of is left out. */
void counters_print(const struct dsa_core_config *d, const struct dsa_launch_counters *c)
{
	struct roofline r = roofline_of(d, c);

	line("programs", c->programs, "");
	line("instructions", c->instructions, "");
	line("vector instructions", c->vector_instructions, "");
	line("vector elements", c->vector_elements, "");
	line("tensor operations", c->tensor_ops, "");
	line("matrix operations", c->matrix_ops, "");
	line("conversions", c->convert_ops, "");
	lines("products", macs_names, c->macs, DSA_MACS_COUNT, "");
	lines("bytes", bytes_names, c->bytes, DSA_BYTES_COUNT, "");
	line("makespan", c->makespan, " cycles");
	line("cycles of programs", c->cycles, "");
	lines("waited for", stall_names, c->stalls, DSA_STALL_COUNT, " cycles");
	printf("  %-28s %16.1f %% of core cycles\n", "cores occupied",
	       100 * share((double)c->cycles, (double)c->core_cycles));
	if (c->tensor_ops)
		printf("  %-28s %16.1f %%\n", "tensor engines busy",
		       100 * share((double)c->tensor_cycles, (double)c->core_cycles));
	if (c->matrix_ops)
		printf("  %-28s %16.1f %%\n", "matrix units busy",
		       100 * share((double)c->matrix_cycles, (double)c->core_cycles));
	if (c->convert_ops)
		printf("  %-28s %16.1f %%\n", "conversion units busy",
		       100 * share((double)c->convert_cycles, (double)c->core_cycles));
	if (r.hbm_s > 0)
		printf("  %-28s %16.1f %% of %.0f GB/s\n", "HBM bandwidth",
		       100 * share(r.hbm_s, r.seconds), d->hbm_mb_per_s / 1e3);
	if (r.compute_s > 0)
		printf("  %-28s %16.1f %%, %.2f Tops/s\n", "of peak",
		       100 * share(r.compute_s, r.seconds), share(r.operations, r.seconds) / 1e12);
	if (r.compute_s > 0 && r.hbm_s > 0)
		printf("  %-28s %16.1f operations a byte: bound by %s\n", "intensity",
		       r.operations / r.hbm_bytes, r.bound);
	printf("  %-28s %16.3f us\n", "modelled", (double)c->time_ns / 1e3);
}

static void json_object(const char *key, const char *const *names, const uint64_t *values,
			unsigned int count)
{
	printf(",\n      \"%s\": { ", key);
	for (unsigned int i = 0; i < count; i++)
		printf("%s\"%s\": %" PRIu64, i ? ", " : "", names[i], values[i]);
	printf(" }");
}

/* Members of the launch's object, a comma before each. */
void counters_json(const struct dsa_core_config *d, const struct dsa_launch_counters *c)
{
	struct roofline r = roofline_of(d, c);

	printf(",\n      \"cycles\": %" PRIu64 ", \"makespan_cycles\": %" PRIu64
	       ", \"core_cycles\": %" PRIu64 ", \"vector_instructions\": %" PRIu64
	       ", \"vector_elements\": %" PRIu64 ", \"vector_cycles\": %" PRIu64
	       ",\n      \"tensor_ops\": %" PRIu64 ", \"tensor_cycles\": %" PRIu64
	       ", \"matrix_ops\": %" PRIu64 ", \"matrix_cycles\": %" PRIu64
	       ", \"convert_ops\": %" PRIu64 ", \"convert_cycles\": %" PRIu64,
	       c->cycles, c->makespan, c->core_cycles, c->vector_instructions, c->vector_elements,
	       c->vector_cycles, c->tensor_ops, c->tensor_cycles, c->matrix_ops, c->matrix_cycles,
	       c->convert_ops, c->convert_cycles);
	json_object("macs", macs_names, c->macs, DSA_MACS_COUNT);
	json_object("bytes", bytes_names, c->bytes, DSA_BYTES_COUNT);
	json_object("stalls", stall_names, c->stalls, DSA_STALL_COUNT);
	printf(",\n      \"occupancy\": %.6f, \"ops_per_s\": %.6g, \"peak_share\": %.6f, "
	       "\"hbm_share\": %.6f, \"ops_per_hbm_byte\": %.6g, \"bound\": \"%s\"",
	       share((double)c->cycles, (double)c->core_cycles), share(r.operations, r.seconds),
	       share(r.compute_s, r.seconds), share(r.hbm_s, r.seconds),
	       share(r.operations, r.hbm_bytes), r.bound);
}
