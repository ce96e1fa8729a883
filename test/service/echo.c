// SPDX-License-Identifier: GPL-2.0-only
#include <libsvc/service.h>
#include <libsvc/bytes.h>

#include "echo.h"

static u64 answered;
/* Is there again when the service begins anew. */
static volatile u64 first = ECHO_FIRST;

static u64 take_vector(void)
{
	u64 seen;

	__asm__ volatile("vextractf128 $1, %%ymm15, %%xmm14\n\t"
			 "vmovq %%xmm14, %0\n\t"
			 "vcmptrueps %%ymm15, %%ymm15, %%ymm15"
			 : "=r"(seen)
			 :
			 : "xmm14", "xmm15");
	return seen;
}

static u64 sum_lent(const struct hf_service_call *call)
{
	const volatile u8 *at = service_lent(call);
	u64 size = 0, sum = 0;

	for (u32 i = 0; i < call->lent_count; i++)
		size += call->lent[i].npages * HF_PAGE_SIZE;
	for (u64 i = 0; at && i < size; i++)
		sum += at[i];
	return sum;
}

/* Of one page, as if it had been lent. */
static u64 reach(u64 gpa)
{
	struct hf_service_call lent = { .lent_count = 1, .lent = { { gpa, 1 } } };

	return *(const volatile u64 *)service_lent(&lent);
}

static void invert(struct hf_service_call *call)
{
	for (u32 i = 0; i < call->size; i++)
		call->payload[i] = (u8)~call->payload[i];
}

/* Must not return. */
static void misbehave(const struct hf_service_call *call, u64 argument)
{
	switch (call->operation) {
	case ECHO_CRASH:
		__asm__ volatile("ud2");
		break;
	case ECHO_LOOP:
		for (;;)
			__asm__ volatile("pause");
	case ECHO_WRITE:
		*(volatile u64 *)argument = argument;
		break;
	case ECHO_LENT_WRITE:
		*(volatile u8 *)(uintptr_t)service_lent(call) = 1;
		break;
	case ECHO_CALL:
		__asm__ volatile("vmmcall" : : "a"(argument));
		break;
	case ECHO_PORT:
		__asm__ volatile("in %%dx, %%al" : : "d"(argument) : "eax");
		break;
	}
}

void service_answer(struct hf_service_call *call, bool locked)
{
	u64 argument = get64(call->payload);
	u64 result = 0;

	call->status = 0;
	switch (call->operation) {
	case ECHO_INVERT:
		invert(call);
		answered++;
		return;
	case ECHO_COUNT:
		result = first + answered;
		break;
	case ECHO_COMPUTE:
		result = echo_compute(argument);
		break;
	case ECHO_VECTOR:
		result = take_vector();
		break;
	case ECHO_READ:
		result = *(volatile u64 *)argument;
		break;
	case ECHO_REACH:
		result = reach(argument);
		break;
	case ECHO_LENT:
		result = sum_lent(call);
		break;
	case ECHO_LOCKED:
		result = locked;
		break;
	default:
		misbehave(call, argument);
		call->status = -HF_ENOSYS;
	}
	answered++;
	put64(call->payload + 8, result);
}
