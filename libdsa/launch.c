/* SPDX-License-Identifier: MIT */
/* Launches: arguments into the queue's data ring, one command. */
#include "internal.h"

#include <string.h>

#define MAX_PROGRAMS (1ull << 40)

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

/* @args by address each, or @packed as one structure; @counters: an address, or 0. */
static dsaError_t record(struct function *f, struct queue *q, dsaDim3 grid, void **args,
			 const void *packed, size_t scratch, uint64_t counters, uint64_t *point)
{
	const struct dsa_kernel_meta *meta = &f->kernel->meta;
	struct dsa_cmd_launch launch = {
		.hdr = { .opcode = DSA_CMD_LAUNCH, .size = sizeof(launch) },
		.entry = f->entry,
		.grid = { grid.x, grid.y, grid.z },
		.kernarg_bytes = meta->kernarg_bytes,
		.scratch_bytes = (uint32_t)(meta->scratch_bytes + scratch),
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
	if (counters) {
		launch.hdr.flags = DSA_LAUNCH_F_ACCUMULATE;
		launch.counters = counters;
		launch.counters_bytes = sizeof(struct dsa_launch_counters);
	}
	launch.id = atomic_fetch_add(&q->dev->launches, 1) + 1;
	memcpy(cmd, &launch, sizeof(launch));
	return queue_commit(q, sizeof(launch), false, point);
}

/* The same on @s, and counted if it wants that. */
static dsaError_t record_on(struct function *f, struct stream *s, dsaDim3 grid, void **args,
			    const void *packed, size_t scratch)
{
	struct queue *q = atomic_load(&s->queue);
	struct counters *c = counters_of(s);
	uint64_t point = 0, sum;
	dsaError_t error;

	if (!c)
		return record(f, q, grid, args, packed, scratch, 0, NULL);
	sum = counters_begin(c, q);
	error = record(f, q, grid, args, packed, scratch, sum, &point);
	counters_end(c, q, point);
	return error;
}

static dsaError_t launch(struct function *f, dsaDim3 grid, void **args, const void *packed,
			 size_t scratch, dsaStream_t stream)
{
	struct stream *s;
	dsaError_t error = check_grid(f, grid);

	if (!error)
		error = check_scratch(f, scratch);
	if (!error)
		error = stream_get(stream, &s);
	if (error)
		return error;
	if (s->dev != f->module->dev)
		error = fail(dsaErrorInvalidResourceHandle,
			     "launch of %s: loaded on device %d, stream on device %d",
			     f->kernel->name, f->module->dev->index, s->dev->index);
	else
		error = record_on(f, s, grid, args, packed, scratch);
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
		error = launch(f, grid, args, NULL, scratch_bytes, stream);
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
		error = launch(f, grid, NULL, args ? args : "", scratch_bytes, stream);
	object_put(&f->object);
	return error;
}
