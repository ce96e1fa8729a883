// SPDX-License-Identifier: GPL-2.0-only
#include <hv/cpu.h>
#include <hv/panic.h>
#include <hv/string.h>

#include "image.h"
#include "map.h"
#include "psci.h"

/* Function identifiers: DEN 0028, 6.2; DEN 0022, 5. */
#define SMC64		    0x40000000u
#define PSCI_VERSION	    0x84000000u
#define PSCI_CPU_SUSPEND    0x84000001u
#define PSCI_CPU_OFF	    0x84000002u
#define PSCI_CPU_ON	    0x84000003u
#define PSCI_AFFINITY_INFO  0x84000004u
#define PSCI_MIGRATE_INFO   0x84000006u
#define PSCI_SYSTEM_OFF	    0x84000008u
#define PSCI_SYSTEM_RESET   0x84000009u
#define PSCI_FEATURES	    0x8400000au
#define PSCI_SYSTEM_RESET2  0x84000012u
#define SMCCC_VERSION	    0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_ARCH_SOC_ID   0x80000002u
#define SMCCC_WORKAROUND_3  0x80003fffu
#define SMCCC_WORKAROUND_1  0x80008000u
#define SMCCC_WORKAROUND_2  0x80007fffu
#define TRNG_VERSION	    0x84000050u
#define TRNG_RND	    0x84000053u

#define POWER_STATE_DOWN	  BIT(16) /* DEN 0022, 5.4.2, original format */
#define POWER_STATE_DOWN_EXTENDED BIT(30)

#define SMCCC_1_1 0x10001u

#define SUCCESS	      0
#define NOT_SUPPORTED (-1)
#define DENIED	      (-3)
#define ON_PENDING    (-5)

u32 psci_cpu_id(u64 mpidr)
{
	return (u32)((mpidr & 0xffffff) | (mpidr >> 8 & 0xff000000));
}

static struct cpu *cpu_of(u64 mpidr)
{
	for (u32 i = 0; i < cpu_count(); i++)
		if (cpu_get(i)->id == psci_cpu_id(mpidr))
			return cpu_get(i);
	return NULL;
}

/*
 * What passes: calls that take no address and change nothing but what the caller may change
 * anyway. What is not in this table, or lends memory to the firmware, or has a CPU come back at a
 * place that the caller names (CPU_SUSPEND that powers down, CPU_DEFAULT_SUSPEND, SYSTEM_SUSPEND),
 * is refused.
 */
static enum firmware_request request_of(u64 number, u64 argument)
{
	switch ((u32)number & ~SMC64) {
	case PSCI_VERSION:
	case PSCI_AFFINITY_INFO:
	case PSCI_MIGRATE_INFO:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
	case SMCCC_VERSION:
	case SMCCC_ARCH_FEATURES:
	case SMCCC_ARCH_SOC_ID:
	case SMCCC_WORKAROUND_1:
	case SMCCC_WORKAROUND_2:
	case SMCCC_WORKAROUND_3:
	case TRNG_VERSION ... TRNG_RND:
		return FIRMWARE_PASS;
	case PSCI_FEATURES: /* what is refused is not there */
		return request_of(argument, 0) == FIRMWARE_OTHER ? FIRMWARE_OTHER
								 : FIRMWARE_PASS;
	case PSCI_CPU_SUSPEND:
		return argument & (POWER_STATE_DOWN | POWER_STATE_DOWN_EXTENDED)
			       ? FIRMWARE_OTHER
			       : FIRMWARE_PASS;
	case PSCI_CPU_OFF:
		return FIRMWARE_STOP;
	case PSCI_CPU_ON:
		return FIRMWARE_START;
	}
	return FIRMWARE_OTHER;
}

void psci_on_call(struct vcpu *v, struct el2_exit *e)
{
	u64 *x = v->gprs->x;
	struct cpu *target;

	/* Of a call of 32 bits the rest is not looked at, nor handed on: DEN 0028, 3.1. */
	for (u32 i = 0; !(x[0] & SMC64) && i < 4; i++)
		x[i] = (u32)x[i];
	e->exit.kind = HF_EXIT_FIRMWARE;
	e->exit.firmware = (struct exit_firmware){
		.number = (u32)x[0],
		.request = request_of(x[0], x[1]),
	};
	if (e->exit.firmware.request != FIRMWARE_START)
		return;
	target = cpu_of(x[1]);
	e->exit.firmware.place = x[2];
	if (target)
		e->exit.firmware.target = target->index;
	else
		e->exit.firmware.request = FIRMWARE_OTHER;
}

static s64 call(u64 number, u64 a, u64 b, u64 c)
{
	u64 x[18] = { number, a, b, c };

	vcpu_smc(x);
	return (s64)x[0];
}

/*
 * It begins at our entry with its struct vcpu, whose first fields are read past the cache. Whoever
 * claims it says where the guest goes on; it gives the claim up when it has read that.
 */
static s64 start(struct vcpu *target, u64 mpidr, struct entry entry)
{
	s64 result;

	if (__atomic_exchange_n(&target->claimed, 1, __ATOMIC_ACQUIRE))
		return ON_PENDING;
	target->entry = entry;
	map_clean(target, sizeof(*target));
	result = call(PSCI_CPU_ON | SMC64, mpidr, (u64)start_secondary, (u64)target);
	if (result != SUCCESS)
		__atomic_store_n(&target->claimed, 0, __ATOMIC_RELEASE);
	return result;
}

/* Returns only if the firmware refuses. */
static s64 stop(struct vcpu *v)
{
	s64 result;

	CHECK(cpu_move(v->cpu, CPU_PARKED) == 0);
	result = call(PSCI_CPU_OFF, 0, 0, 0);
	CHECK(cpu_move(v->cpu, CPU_STARTING) == 0);
	return result;
}

/*
 * Of version 1.1 of the convention, whatever the firmware's: X4 to X17 stay, and the version is
 * asked for here. Linux looks for calls of ours only then.
 */
static void pass(u64 *x)
{
	u64 copy[18];

	if ((u32)x[0] == SMCCC_VERSION ||
	    ((u32)x[0] == PSCI_FEATURES && (u32)x[1] == SMCCC_VERSION)) {
		x[0] = (u32)x[0] == SMCCC_VERSION ? SMCCC_1_1 : SUCCESS;
		return;
	}
	memcpy(copy, x, sizeof(copy));
	vcpu_smc(copy);
	memcpy(x, copy, 4 * sizeof(*x));
}

void psci_perform(struct vcpu *v, const struct el2_exit *e)
{
	u64 *x = v->gprs->x;
	const struct exit_firmware *firmware = &e->exit.firmware;

	switch (firmware->request) {
	case FIRMWARE_START:
		x[0] = (u64)start(cpu_get(firmware->target)->vcpu, x[1],
				  (struct entry){ firmware->place, x[3] });
		break;
	case FIRMWARE_STOP:
		x[0] = (u64)stop(v);
		break;
	default:
		pass(x);
	}
}

void psci_refuse(struct vcpu *v, const struct el2_exit *e)
{
	v->gprs->x[0] =
		(u64)(s64)(e->exit.firmware.request == FIRMWARE_START ? DENIED : NOT_SUPPORTED);
}
