/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cost model's constants, by name: properties and options of every host are made from this. */
#include "clock.h"
#include "core_int.h"

#define FIELD(name, field, min, max, text) \
	{ name, offsetof(struct dsa_cost, field), min, max, text }

#define NS_MAX     1000000000u
#define CYCLES_MAX 1000000u

const struct dsa_cost_field dsa_cost_fields[DSA_COST_FIELDS] = {
	FIELD("ring-packet-ns", ring_ns, 0, NS_MAX, "a ring packet, ns"),
	FIELD("command-ns", command_ns, 0, NS_MAX, "a command, fetch and decode, ns"),
	FIELD("copy-ns", copy_ns, 0, NS_MAX, "a copy or fill beside its bytes, ns"),
	FIELD("copy-row-ns", copy_row_ns, 0, NS_MAX, "a row of a 2-D copy beside its bytes, ns"),
	FIELD("launch-ns", launch_ns, 0, NS_MAX, "a launch beside its programs, ns"),
	FIELD("program-cycles", program_cycles, 0, CYCLES_MAX,
	      "start and end of a program, cycles"),
	FIELD("vector-bits", vector_bits, 64, 65536,
	      "bits of elements that the vector unit works on in a cycle, a power of two"),
	FIELD("hbm-latency", hbm_latency, 0, CYCLES_MAX,
	      "from the end of a tensor operation's transfer to its completion, cycles"),
	FIELD("tensor-cycles", tensor_cycles, 1, CYCLES_MAX,
	      "that a tensor operation keeps its engine busy at least"),
	FIELD("matrix-latency", matrix_latency, 0, CYCLES_MAX,
	      "from the last product of a matrix operation to its completion, cycles"),
	FIELD("matrix-cycles", matrix_cycles, 1, CYCLES_MAX,
	      "that a matrix operation keeps its unit busy at least"),
	FIELD("peer-bytes", peer_bytes, 1, 65536,
	      "that a tensor engine moves between scratchpads of a cluster in a cycle"),
	FIELD("peer-latency", peer_latency, 0, CYCLES_MAX,
	      "the same as hbm-latency between scratchpads of a cluster, cycles"),
	FIELD("convert-cycles", convert_cycles, 0, CYCLES_MAX,
	      "that a conversion keeps its unit busy beside its bytes"),
	FIELD("convert-bytes", convert_bytes, 1, 65536,
	      "that a conversion reads or writes in a cycle"),
};

_Static_assert(sizeof(struct dsa_cost) == DSA_COST_FIELDS * sizeof(uint32_t), "a field each");

uint32_t *dsa_cost_at(struct dsa_cost *cost, unsigned int field)
{
	return (uint32_t *)((uint8_t *)cost + dsa_cost_fields[field].offset);
}

const char *cost_error(const struct dsa_cost *cost)
{
	struct dsa_cost copy = *cost;

	for (unsigned int i = 0; i < DSA_COST_FIELDS; i++) {
		uint32_t value = *dsa_cost_at(&copy, i);

		if (value < dsa_cost_fields[i].min || value > dsa_cost_fields[i].max)
			return "a constant of the cost model is out of its range";
	}
	return cost->vector_bits & (cost->vector_bits - 1) ?
		       "vector-bits must be a power of two from 64 to 65536" :
		       NULL;
}

#define COST_989T               \
	{ .ring_ns = 300,       \
	  .command_ns = 50,     \
	  .copy_ns = 800,       \
	  .copy_row_ns = 2,     \
	  .launch_ns = 1500,    \
	  .program_cycles = 32, \
	  .vector_bits = 4096,  \
	  .hbm_latency = 600,   \
	  .tensor_cycles = 16,  \
	  .matrix_latency = 32, \
	  .matrix_cycles = 4,   \
	  .peer_bytes = 128,    \
	  .peer_latency = 200,  \
	  .convert_cycles = 16, \
	  .convert_bytes = 512 }

#define COST_EDGE               \
	{ .ring_ns = 600,       \
	  .command_ns = 100,    \
	  .copy_ns = 800,       \
	  .copy_row_ns = 4,     \
	  .launch_ns = 3000,    \
	  .program_cycles = 32, \
	  .vector_bits = 512,   \
	  .hbm_latency = 60,    \
	  .tensor_cycles = 8,   \
	  .matrix_latency = 16, \
	  .matrix_cycles = 4,   \
	  .peer_bytes = 128,    \
	  .peer_latency = 200,  \
	  .convert_cycles = 16, \
	  .convert_bytes = 64 }

/* With 16 cores: operations a second of bf16 to bytes a second of HBM. */
static const struct {
	const char *name;
	uint32_t core_clock_khz, matrix_macs, hbm_mb_per_s, bus_mb_per_s;
	struct dsa_cost cost;
} presets[] = {
	{ "989t", 1500000, 20608, 3350000, 63000, COST_989T }, /* 989 * 10^12 : 3.35 * 10^12 */
	{ "312t", 1410000, 6915, 2000000, 31500, COST_989T },  /* 312 * 10^12 : 2.0 * 10^12 */
	{ "edge", 500000, 128, 34000, 4000, COST_EDGE },       /* 2 * 10^12 : 34 * 10^9 */
};

#define PRESETS (sizeof(presets) / sizeof(presets[0]))

bool dsa_core_config_preset(struct dsa_core_config *config, const char *name)
{
	for (size_t i = 0; i < PRESETS; i++) {
		if (strcmp(presets[i].name, name))
			continue;
		config->core_clock_khz = presets[i].core_clock_khz;
		config->matrix_macs = presets[i].matrix_macs;
		config->hbm_mb_per_s = presets[i].hbm_mb_per_s;
		config->bus_mb_per_s = presets[i].bus_mb_per_s;
		config->cost = presets[i].cost;
		return true;
	}
	return false;
}
