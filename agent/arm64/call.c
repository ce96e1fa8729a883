// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls by the convention that firmware is called by, and in the same way: where there is neither a
 * hypervisor nor firmware that knows the number, the answer is "not supported".
 */
#include <linux/arm-smccc.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/stop_machine.h>

#include <holdfast/hypercall.h>

#include "call.h"

/* A function of the vendor's hypervisor, fast, 64 bits. */
#define FUNCTION(number)                                                                      \
	ARM_SMCCC_CALL_VAL(ARM_SMCCC_FAST_CALL, ARM_SMCCC_SMC_64, ARM_SMCCC_OWNER_VENDOR_HYP, \
			   0x4800 | ((number)-HF_CALL_BASE))

long call_make(u32 number, u64 arg0, u64 arg1)
{
	struct arm_smccc_res res;

	if (arm_smccc_1_1_get_conduit() == SMCCC_CONDUIT_NONE)
		return -ENODEV;
	arm_smccc_1_1_invoke(FUNCTION(number), arg0, arg1, &res);
	/* -1 is also EPERM: who asks first, asks for what nobody is denied. */
	return (long)res.a0;
}

struct lock {
	int asking, done, result;
};

static int ask(void *arg)
{
	struct lock *lock = arg;

	if (!xchg(&lock->asking, 1)) {
		lock->result = call_early(HF_CALL_LOCK, 0, 0);
		smp_store_release(&lock->done, 1);
	}
	while (!smp_load_acquire(&lock->done))
		call_make(HF_CALL_NOOP, 0, 0);
	return 0;
}

/* The hypervisor waits for each CPU to have taken up the lock, and cannot wake one that sleeps. */
int call_lock(void)
{
	struct lock lock = {};

	stop_machine(ask, &lock, cpu_online_mask);
	return lock.result;
}
