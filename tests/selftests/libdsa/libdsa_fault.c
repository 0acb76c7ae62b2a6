// SPDX-License-Identifier: MIT
/* Faults: what is reported, what is sticky, what goes on. */
#include "libdsa_fixture.h"

#include <stdio.h>

FIXTURE(fault)
{
	dsaStream_t stream;
	uint32_t *memory;
	uint64_t *counter;
	dsaErrorInfo info;
};

FIXTURE_SETUP(fault)
{
	OK(dsaStreamCreate(&self->stream));
	OK(dsaMalloc((void **)&self->memory, 4096));
	OK(dsaMallocHost((void **)&self->counter, 8));
}

FIXTURE_TEARDOWN(fault)
{
}

TEST_F(fault, bad_store)
{
	uint32_t *bad = self->memory + (4ul << 20) / 4, value = 1;
	uint64_t program = 5;
	dsaStream_t other;

	OK(dsaLaunchKernel(test_kernel("empty"), GRID(1), NULL, 0, self->stream));
	OK(dsaLaunchKernel(test_kernel("store_to"), GRID(16), ARGS(&bad, &value, &program), 0,
			   self->stream));
	FAILS(dsaErrorIllegalAddress, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	TH_LOG("%s", self->info.text);
	EXPECT_EQ(dsaErrorIllegalAddress, self->info.error);
	EXPECT_EQ(1, self->info.deviceFault);
	EXPECT_STREQ("store_to", self->info.kernel);
	EXPECT_EQ(2, self->info.launchId);
	EXPECT_EQ(5, self->info.program.x);
	EXPECT_EQ(0, self->info.program.y);
	EXPECT_EQ(dsaEngineCore, self->info.engine);
	EXPECT_EQ(dsaAccessWrite, self->info.access);
	EXPECT_EQ((uintptr_t)bad, self->info.address);
	EXPECT_NE(0, self->info.pc);
	EXPECT_NE(0, self->info.pcInModule);
	EXPECT_NE(NULL, strstr(self->info.text, "past the end of 4096 bytes"));

	/* Sticky, for everything on the stream. */
	FAILS(dsaErrorIllegalAddress, dsaStreamSynchronize(self->stream));
	FAILS(dsaErrorIllegalAddress, dsaStreamQuery(self->stream));
	FAILS(dsaErrorIllegalAddress,
	      dsaLaunchKernel(test_kernel("empty"), GRID(1), NULL, 0, self->stream));
	FAILS(dsaErrorIllegalAddress, dsaMemsetAsync(self->memory, 0, 4, self->stream));
	FAILS(dsaErrorIllegalAddress, dsaDeviceSynchronize());
	EXPECT_EQ(dsaErrorIllegalAddress, dsaGetLastError());
	EXPECT_EQ(dsaSuccess, dsaGetLastError());

	/* Others do not notice. */
	OK(dsaStreamCreate(&other));
	OK(dsaMemsetAsync(self->memory, 7, 4096, other));
	OK(dsaStreamSynchronize(other));
	OK(dsaMemset(self->memory, 8, 4096));

	OK(dsaStreamRecover(self->stream));
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(3), ARGS(&self->counter), 0, self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(3, *self->counter);
	OK(dsaDeviceSynchronize());
}

TEST_F(fault, bad_load)
{
	uint32_t *bad = (uint32_t *)0x1000;

	OK(dsaLaunchKernel(test_kernel("load_from"), GRID(1), ARGS(&bad, &self->memory), 0,
			   self->stream));
	FAILS(dsaErrorIllegalAddress, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	EXPECT_EQ(dsaAccessRead, self->info.access);
	EXPECT_EQ(0x1000, self->info.address);
}

TEST_F(fault, null_pointer)
{
	uint32_t *bad = NULL;

	OK(dsaLaunchKernel(test_kernel("load_from"), GRID(1), ARGS(&bad, &self->memory), 0,
			   self->stream));
	FAILS(dsaErrorIllegalAddress, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	EXPECT_EQ(0, self->info.address);
}

TEST_F(fault, code_is_not_writable)
{
	uint64_t program = 0;
	uint32_t value = 0, *bad;
	dsaErrorInfo info;

	/* The trap tells where code is. */
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, self->stream));
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&info));
	OK(dsaStreamRecover(self->stream));
	bad = (uint32_t *)(info.pc & ~3ull);
	OK(dsaLaunchKernel(test_kernel("store_to"), GRID(1), ARGS(&bad, &value, &program), 0,
			   self->stream));
	FAILS(dsaErrorIllegalAddress, dsaStreamSynchronize(self->stream));
	OK(dsaStreamRecover(self->stream));
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, self->stream));
	OK(dsaStreamSynchronize(self->stream));
}

TEST_F(fault, trap)
{
	uint64_t program = 77;

	OK(dsaLaunchKernel(test_kernel("trap_at"), (dsaDim3){ 100, 1, 1 }, ARGS(&program), 0,
			   self->stream));
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	EXPECT_STREQ("trap_at", self->info.kernel);
	EXPECT_EQ(77, self->info.program.x);
	EXPECT_NE(NULL, strstr(self->info.text, "dsa_trap()"));
}

TEST_F(fault, illegal_instruction)
{
	OK(dsaLaunchKernel(test_kernel("illegal"), GRID(1), NULL, 0, self->stream));
	FAILS(dsaErrorIllegalInstruction, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	EXPECT_EQ(0xffffffff, self->info.instruction);
	EXPECT_NE(0, self->info.pcInModule);
}

TEST_F(fault, jump_to_data)
{
	uint64_t address = (uintptr_t)self->memory;

	OK(dsaLaunchKernel(test_kernel("jump_to"), GRID(1), ARGS(&address), 0, self->stream));
	FAILS(dsaErrorInvalidPc, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	EXPECT_EQ(dsaAccessFetch, self->info.access);
}

TEST_F(fault, misaligned_atomic)
{
	OK(dsaLaunchKernel(test_kernel("misaligned"), GRID(1), ARGS(&self->memory), 0,
			   self->stream));
	FAILS(dsaErrorMisalignedAddress, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	EXPECT_EQ((uintptr_t)self->memory + 1, self->info.address);
}

/* What is queued behind the fault does not run. */
TEST_F(fault, stops_what_follows)
{
	uint64_t program = 0;
	dsaError_t error;

	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, self->stream));
	for (int i = 0; i < 1000; i++) {
		error = dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0,
					self->stream);
		if (error)
			break;
	}
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	EXPECT_EQ(0, *self->counter);
	OK(dsaStreamDestroy(self->stream));
	OK(dsaDeviceSynchronize());
	OK(dsaMemset(self->memory, 0, 4096));
}

TEST_F(fault, event_of_a_failed_stream)
{
	uint64_t program = 0;
	dsaEvent_t before, after;
	dsaStream_t other;
	uint32_t *flag;
	float ms;

	OK(dsaStreamCreate(&other));
	OK(dsaEventCreate(&before));
	OK(dsaEventCreate(&after));
	OK(dsaEventRecord(before, self->stream));
	OK(dsaEventSynchronize(before));
	flag = hold(self->stream);
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, self->stream));
	OK(dsaEventRecord(after, self->stream));
	OK(dsaStreamWaitEvent(other, after, 0));
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, other));
	release(flag);
	FAILS(dsaErrorLaunchFailure, dsaEventSynchronize(after));
	FAILS(dsaErrorLaunchFailure, dsaEventQuery(after));
	FAILS(dsaErrorLaunchFailure, dsaEventElapsedTime(&ms, before, after));
	OK(dsaEventQuery(before));
	/* Submitted before the fault: it does not run on what is not there. */
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(other));
	OK(dsaGetLastErrorInfo(&self->info));
	EXPECT_NE(NULL, strstr(self->info.text, "waited for an event"));
	EXPECT_EQ(0, *self->counter);
	OK(dsaStreamRecover(other));
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, other));
	OK(dsaStreamSynchronize(other));
	EXPECT_EQ(1, *self->counter);
	OK(dsaEventDestroy(after));
}

/* Nothing runs on data that will not come: neither with a known failure ... */
TEST_F(fault, wait_for_a_failed_stream)
{
	uint64_t program = 0;
	dsaStream_t other, third;
	dsaEvent_t e, e2;
	uint32_t *flag;

	OK(dsaStreamCreate(&other));
	OK(dsaStreamCreate(&third));
	OK(dsaEventCreate(&e));
	OK(dsaEventCreate(&e2));
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, self->stream));
	OK(dsaEventRecord(e, self->stream));
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	flag = hold(other);
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, other));
	OK(dsaEventRecord(e2, other));
	FAILS(dsaErrorLaunchFailure, dsaStreamWaitEvent(other, e, 0));
	OK(dsaGetLastErrorInfo(&self->info));
	TH_LOG("%s", self->info.text);
	EXPECT_STREQ("trap_at", self->info.kernel);
	EXPECT_NE(NULL, strstr(self->info.text, "waited for an event"));
	FAILS(dsaErrorLaunchFailure,
	      dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, other));
	FAILS(dsaErrorLaunchFailure, dsaStreamQuery(other));
	FAILS(dsaErrorLaunchFailure, dsaEventRecord(e, other));
	/* What was there before the wait is not affected. */
	EXPECT_EQ(dsaErrorNotReady, dsaEventQuery(e2));
	OK(dsaStreamWaitEvent(third, e2, 0));
	OK(dsaStreamRecover(other));
	OK(dsaStreamQuery(other));
	OK(dsaMemsetAsync(self->memory, 0, 4, other));
	OK(dsaStreamSynchronize(other));
	EXPECT_EQ(0, *self->counter);
	release(flag);
	OK(dsaStreamSynchronize(third));
	OK(dsaEventSynchronize(e2));
	EXPECT_EQ(1, *self->counter);
	OK(dsaStreamRecover(self->stream));
	OK(dsaDeviceSynchronize());
}

/* ... nor with one that comes between the wait and the work behind it. */
TEST_F(fault, stream_fails_while_another_waits)
{
	uint64_t program = 0;
	dsaStream_t other;
	uint32_t *flag;
	dsaEvent_t e;

	OK(dsaStreamCreate(&other));
	OK(dsaEventCreate(&e));
	flag = hold(self->stream);
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, self->stream));
	OK(dsaEventRecord(e, self->stream));
	OK(dsaStreamWaitEvent(other, e, 0));
	release(flag);
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, other);
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(other));
	EXPECT_EQ(0, *self->counter);
	OK(dsaStreamRecover(other));
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, other));
	OK(dsaStreamSynchronize(other));
	EXPECT_EQ(1, *self->counter);
}

/* A record that fails leaves the event as it was. */
TEST_F(fault, failed_record)
{
	uint64_t program = 0;
	dsaStream_t other;
	uint32_t *flag;
	dsaEvent_t e;
	float ms;

	OK(dsaStreamCreate(&other));
	OK(dsaEventCreate(&e));
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, self->stream));
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	flag = hold(other);
	OK(dsaEventRecord(e, other));
	FAILS(dsaErrorLaunchFailure, dsaEventRecord(e, self->stream));
	EXPECT_EQ(dsaErrorNotReady, dsaEventQuery(e));
	release(flag);
	OK(dsaEventSynchronize(e));
	OK(dsaEventElapsedTime(&ms, e, e));
}

/* A call that succeeds leaves the last error alone, even if it meets a fault. */
TEST_F(fault, success_is_no_error)
{
	uint64_t program = 0;
	dsaStream_t gone;
	uint32_t *flag;
	dsaEvent_t e;

	OK(dsaEventCreate(&e));
	OK(dsaStreamCreate(&gone));
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, gone));
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, self->stream));
	usleep(200000);
	OK(dsaStreamRecover(self->stream));
	EXPECT_EQ(dsaSuccess, dsaPeekAtLastError());
	OK(dsaEventRecord(e, gone));
	OK(dsaStreamDestroy(gone));
	EXPECT_EQ(dsaSuccess, dsaPeekAtLastError());

	flag = hold(self->stream);
	OK(dsaEventRecord(e, self->stream));
	EXPECT_EQ(dsaErrorNotReady, dsaEventQuery(e)); /* hands it to the device */
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, self->stream));
	release(flag);
	FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
	EXPECT_EQ(dsaErrorLaunchFailure, dsaGetLastError());
	OK(dsaEventSynchronize(e));
	OK(dsaEventQuery(e));
	OK(dsaStreamRecover(self->stream));
	OK(dsaDeviceSynchronize());
	EXPECT_EQ(dsaSuccess, dsaPeekAtLastError());
}

/* Of two faults, the one that is returned is the one that is described. */
TEST_F(fault, first_error_is_the_last_error)
{
	uint64_t program = 0;
	dsaStream_t other;
	dsaError_t error;

	OK(dsaStreamCreate(&other));
	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, self->stream));
	OK(dsaLaunchKernel(test_kernel("illegal"), GRID(1), NULL, 0, other));
	error = dsaDeviceSynchronize();
	EXPECT_NE(dsaSuccess, error);
	OK(dsaGetLastErrorInfo(&self->info));
	EXPECT_EQ(error, self->info.error);
	EXPECT_EQ(error, dsaPeekAtLastError());
}

/* No stream gets the queue of a destroyed one whose fault nobody saw. */
TEST_F(fault, is_not_inherited)
{
	uint64_t program = 0;
	dsaStream_t s;

	for (int i = 0; i < 80; i++) {
		OK(dsaStreamCreate(&s));
		OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, s));
		OK(dsaStreamSynchronize(s));
		OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, s));
		OK(dsaStreamDestroy(s));
		/* When this process's queues run out the first must have stopped. */
		usleep(20000);
	}
	EXPECT_EQ(80, *self->counter);
	EXPECT_EQ(dsaSuccess, dsaPeekAtLastError());
}

TEST_F(fault, of_the_default_stream)
{
	uint64_t program = 0;

	OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(1), ARGS(&program), 0, NULL));
	FAILS(dsaErrorLaunchFailure, dsaMemset(self->memory, 0, 4));
	FAILS(dsaErrorLaunchFailure, dsaMemset(self->memory, 0, 4));
	OK(dsaStreamSynchronize(self->stream));
	OK(dsaStreamRecover(NULL));
	OK(dsaMemset(self->memory, 0, 4));
}

TEST_F(fault, again_and_again)
{
	uint64_t program = 0;
	size_t before, after, total;

	OK(dsaMemGetInfo(&before, &total));
	for (int i = 0; i < 40; i++) {
		OK(dsaLaunchKernel(test_kernel("trap_at"), GRID(4), ARGS(&program), 0,
				   self->stream));
		FAILS(dsaErrorLaunchFailure, dsaStreamSynchronize(self->stream));
		OK(dsaStreamRecover(self->stream));
		OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0,
				   self->stream));
		OK(dsaStreamSynchronize(self->stream));
	}
	EXPECT_EQ(40, *self->counter);
	OK(dsaMemGetInfo(&after, &total));
	EXPECT_GE(after + (2 << 20), before);
}

TEST_F(fault, recover_of_a_healthy_stream)
{
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, self->stream));
	OK(dsaStreamRecover(self->stream));
	OK(dsaStreamSynchronize(self->stream));
	EXPECT_EQ(1, *self->counter);
	FAILS(dsaErrorInvalidResourceHandle, dsaStreamRecover((dsaStream_t)0x1234));
}

/* Unmapped under the kernel's feet: memory freed before its use was queued. */
TEST_F(fault, use_after_free)
{
	uint32_t *gone, value = 1;
	uint64_t program = 0;

	OK(dsaMalloc((void **)&gone, 4 << 20));
	OK(dsaFree(gone));
	OK(dsaLaunchKernel(test_kernel("store_to"), GRID(1), ARGS(&gone, &value, &program), 0,
			   self->stream));
	FAILS(dsaErrorIllegalAddress, dsaStreamSynchronize(self->stream));
}

/* A kernel that never ends is stopped by the driver; the rest goes on. */
TEST_F(fault, endless_kernel)
{
	uint32_t *flag;

	OK(dsaMallocHost((void **)&flag, 4));
	OK(dsaLaunchKernel(test_kernel("wait_flag"), GRID(1), ARGS(&flag), 0, self->stream));
	OK(dsaMemset(self->memory, 1, 4096));
	FAILS(dsaErrorLaunchTimeout, dsaStreamSynchronize(self->stream));
	OK(dsaGetLastErrorInfo(&self->info));
	TH_LOG("%s", self->info.text);
	EXPECT_STREQ("wait_flag", self->info.kernel);
	OK(dsaMemset(self->memory, 2, 4096));
	OK(dsaStreamRecover(self->stream));
	OK(dsaLaunchKernel(test_kernel("add_one"), GRID(1), ARGS(&self->counter), 0, self->stream));
	OK(dsaStreamSynchronize(self->stream));
}

TEST_HARNESS_MAIN
