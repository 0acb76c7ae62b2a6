/* SPDX-License-Identifier: MIT */
/* Launches: arguments into the queue's data ring, one command. */
#include "internal.h"

#include <string.h>

#define MAX_PROGRAMS (1ull << 40)
#define GRID_OF_ONE  ((dsaDim3){ 1, 1, 1 })

/* What a launch is made of beside its kernel and arguments. */
struct shape {
	dsaDim3 grid, cluster;
	size_t scratch;
};

static dsaError_t check_grid(const struct function *f, dsaDim3 grid)
{
	uint64_t programs = (uint64_t)grid.x * grid.y;

	if (!grid.x || !grid.y || !grid.z || grid.x > DSA_MAX_GRID_DIM ||
	    grid.y > DSA_MAX_GRID_DIM || grid.z > DSA_MAX_GRID_DIM ||
	    programs > MAX_PROGRAMS / grid.z)
		return fail(
			dsaErrorInvalidValue,
			"launch of %s: grid %u x %u x %u: each must be 1 to 2^31-1, the product at most 2^40",
			f->kernel->name, grid.x, grid.y, grid.z);
	return dsaSuccess;
}

/* Programs that run at once, at most. */
static uint32_t cluster_max(const struct function *f)
{
	uint32_t cores = f->module->dev->info.cores;

	return cores < DSA_MAX_CLUSTER ? cores : DSA_MAX_CLUSTER;
}

/* The grid is in range. */
static dsaError_t check_cluster(const struct function *f, const struct shape *shape)
{
	dsaDim3 g = shape->grid, c = shape->cluster;

	if (!c.x || !c.y || !c.z || g.x % c.x || g.y % c.y || g.z % c.z)
		return fail(
			dsaErrorInvalidClusterSize,
			"launch of %s: clusters of %u x %u x %u do not divide a grid of %u x %u x %u",
			f->kernel->name, c.x, c.y, c.z, g.x, g.y, g.z);
	/* Divisors of the grid, so their product is no larger than its. */
	if ((uint64_t)c.x * c.y * c.z > cluster_max(f))
		return fail(
			dsaErrorInvalidClusterSize,
			"launch of %s: clusters of %u x %u x %u: this device runs up to %u programs together",
			f->kernel->name, c.x, c.y, c.z, cluster_max(f));
	return dsaSuccess;
}

static dsaError_t check_scratch(const struct function *f, size_t scratch)
{
	const struct dsa_kernel_meta *meta = &f->kernel->meta;
	uint64_t stack = meta->stack_bytes ? meta->stack_bytes : DSA_DEFAULT_STACK_BYTES;
	uint64_t room = f->module->dev->info.scratch_bytes - stack - meta->scratch_bytes;

	if (scratch > room)
		return fail(
			dsaErrorLaunchOutOfResources,
			"launch of %s: %zu bytes of scratchpad: a core has %llu beside stack and static data",
			f->kernel->name, scratch, (unsigned long long)room);
	return dsaSuccess;
}

static void pack_args(void *kernarg, const struct dsa_kernel_meta *meta, void **args)
{
	memset(kernarg, 0, meta->kernarg_bytes);
	for (unsigned int i = 0; i < meta->arg_count; i++)
		memcpy((uint8_t *)kernarg + meta->args[i].offset, args[i], meta->args[i].size);
}

/* @args by address each, or @packed as one structure. */
static dsaError_t record(struct function *f, struct queue *q, const struct shape *shape,
			 void **args, const void *packed)
{
	const struct dsa_kernel_meta *meta = &f->kernel->meta;
	struct dsa_cmd_launch launch = {
		.hdr = { .opcode = DSA_CMD_LAUNCH, .size = sizeof(launch) },
		.entry = f->entry,
		.grid = { shape->grid.x, shape->grid.y, shape->grid.z },
		.cluster = { shape->cluster.x, shape->cluster.y, shape->cluster.z },
		.kernarg_bytes = meta->kernarg_bytes,
		.scratch_bytes = (uint32_t)(meta->scratch_bytes + shape->scratch),
		.stack_bytes = meta->stack_bytes,
	};
	void *cmd, *kernarg = NULL;
	dsaError_t error = f->module->elf.prints ? print_prepare(q) : dsaSuccess;

	if (!error)
		error = queue_reserve(q, sizeof(launch), meta->kernarg_bytes, &cmd, &kernarg);
	if (error)
		return error;
	if (kernarg && packed)
		memcpy(kernarg, packed, meta->kernarg_bytes);
	else if (kernarg)
		pack_args(kernarg, meta, args);
	launch.kernarg = (uintptr_t)kernarg;
	launch.user = f->module->elf.prints ? print_address(q) : 0;
	launch.id = atomic_fetch_add(&q->dev->launches, 1) + 1;
	memcpy(cmd, &launch, sizeof(launch));
	return queue_commit(q, sizeof(launch), false, NULL);
}

static dsaError_t launch(struct function *f, const struct shape *shape, void **args,
			 const void *packed, dsaStream_t stream)
{
	struct stream *s;
	dsaError_t error = check_grid(f, shape->grid);

	if (!error)
		error = check_cluster(f, shape);
	if (!error)
		error = check_scratch(f, shape->scratch);
	if (!error)
		error = stream_get(stream, &s);
	if (error)
		return error;
	if (s->dev != f->module->dev)
		error = fail(dsaErrorInvalidResourceHandle,
			     "launch of %s: loaded on device %d, stream on device %d",
			     f->kernel->name, f->module->dev->index, s->dev->index);
	else
		error = record(f, atomic_load(&s->queue), shape, args, packed);
	stream_put(s);
	return error;
}

static dsaError_t function_get(dsaFunction_t handle, struct function **f)
{
	dsaError_t error = devices_init();

	if (error)
		return error;
	*f = object_get(handle, OBJECT_FUNCTION);
	return *f ? dsaSuccess : dsaErrorInvalidResourceHandle;
}

static dsaError_t check_args(const struct function *f, void **args)
{
	const struct dsa_kernel_meta *meta = &f->kernel->meta;

	if (meta->arg_count && !args)
		return fail(dsaErrorInvalidValue,
			    "launch of %s: args is NULL, it takes %u arguments", f->kernel->name,
			    meta->arg_count);
	for (unsigned int i = 0; i < meta->arg_count; i++)
		if (!args[i])
			return fail(dsaErrorInvalidValue, "launch of %s: args[%u] of %u is NULL",
				    f->kernel->name, i, meta->arg_count);
	return dsaSuccess;
}

DSA_API dsaError_t dsaLaunchKernel(dsaFunction_t function, dsaDim3 grid, void **args,
				   size_t scratch_bytes, dsaStream_t stream)
{
	struct function *f;
	dsaError_t error = function_get(function, &f);

	if (error)
		return error;
	error = check_args(f, args);
	if (!error)
		error = launch(f, &(struct shape){ grid, GRID_OF_ONE, scratch_bytes }, args, NULL,
			       stream);
	object_put(&f->object);
	return error;
}

DSA_API dsaError_t dsaLaunchKernelStruct(dsaFunction_t function, dsaDim3 grid, const void *args,
					 size_t bytes, size_t scratch_bytes, dsaStream_t stream)
{
	struct function *f;
	dsaError_t error = function_get(function, &f);

	if (error)
		return error;
	if (bytes != f->kernel->meta.kernarg_bytes)
		error = fail(dsaErrorInvalidValue,
			     "launch of %s: %zu bytes of arguments, it takes %u", f->kernel->name,
			     bytes, f->kernel->meta.kernarg_bytes);
	else if (bytes && !args)
		error = fail(dsaErrorInvalidValue, "launch of %s: args is NULL", f->kernel->name);
	else
		error = launch(f, &(struct shape){ grid, GRID_OF_ONE, scratch_bytes }, NULL,
			       args ? args : "", stream);
	object_put(&f->object);
	return error;
}

/* ---- attributes ---- */

static bool same_dim(dsaDim3 a, dsaDim3 b)
{
	return a.x == b.x && a.y == b.y && a.z == b.z;
}

/* A cooperative launch is one cluster. */
static dsaError_t make_cooperative(const struct function *f, struct shape *shape, bool clusters)
{
	dsaDim3 g = shape->grid;
	dsaError_t error = check_grid(f, g);

	if (error)
		return error;
	if (clusters && !same_dim(shape->cluster, g))
		return fail(dsaErrorInvalidValue,
			    "launch of %s: cooperative, and in clusters that are not the grid",
			    f->kernel->name);
	if ((uint64_t)g.x * g.y * g.z > cluster_max(f))
		return fail(
			dsaErrorCooperativeLaunchTooLarge,
			"launch of %s: cooperative, of %u x %u x %u programs: this device runs up to %u together",
			f->kernel->name, g.x, g.y, g.z, cluster_max(f));
	shape->cluster = g;
	return dsaSuccess;
}

/* Bits of *seen: attributes that were given, by their number. */
static dsaError_t take_attribute(const struct function *f, const dsaLaunchAttribute *a,
				 struct shape *shape, unsigned int *seen)
{
	unsigned int bit = a->id <= dsaLaunchAttributeClusterDimension ? 1u << a->id : 0;

	if (a->id == dsaLaunchAttributeIgnore)
		return dsaSuccess;
	if (*seen & bit)
		return fail(dsaErrorInvalidValue, "launch of %s: attribute %d is given twice",
			    f->kernel->name, (int)a->id);
	switch (a->id) {
	case dsaLaunchAttributeCooperative:
		if (a->val.cooperative != 0 && a->val.cooperative != 1)
			return fail(dsaErrorInvalidValue,
				    "launch of %s: cooperative is %d, not 0 or 1", f->kernel->name,
				    a->val.cooperative);
		break;
	case dsaLaunchAttributeClusterDimension:
		shape->cluster = (dsaDim3){ a->val.clusterDim.x, a->val.clusterDim.y,
					    a->val.clusterDim.z };
		break;
	default:
		return fail(dsaErrorInvalidValue, "launch of %s: attribute %d is unknown",
			    f->kernel->name, (int)a->id);
	}
	*seen |= bit;
	return dsaSuccess;
}

static dsaError_t take_config(const struct function *f, const dsaLaunchConfig_t *config,
			      struct shape *shape)
{
	unsigned int seen = 0;
	bool cooperative = false;

	*shape = (struct shape){ config->gridDim, GRID_OF_ONE, config->scratchBytes };
	if (config->numAttrs && !config->attrs)
		return fail(dsaErrorInvalidValue, "launch of %s: attrs is NULL, numAttrs is %u",
			    f->kernel->name, config->numAttrs);
	for (unsigned int i = 0; i < config->numAttrs; i++) {
		const dsaLaunchAttribute *a = &config->attrs[i];
		dsaError_t error = take_attribute(f, a, shape, &seen);

		if (error)
			return error;
		if (a->id == dsaLaunchAttributeCooperative)
			cooperative = a->val.cooperative;
	}
	return cooperative ?
		       make_cooperative(f, shape, seen & 1u << dsaLaunchAttributeClusterDimension) :
		       dsaSuccess;
}

DSA_API dsaError_t dsaLaunchKernelEx(const dsaLaunchConfig_t *config, dsaFunction_t function,
				     void **args)
{
	struct function *f;
	struct shape shape;
	dsaError_t error = function_get(function, &f);

	if (error)
		return error;
	if (!config)
		error = fail(dsaErrorInvalidValue, "launch of %s: config is NULL", f->kernel->name);
	if (!error)
		error = take_config(f, config, &shape);
	if (!error)
		error = check_args(f, args);
	if (!error)
		error = launch(f, &shape, args, NULL, config->stream);
	object_put(&f->object);
	return error;
}
