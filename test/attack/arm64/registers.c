// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes of system registers of EL1, on CPU 0. Each value is one with which the kernel runs on for
 * the moment until it is taken back. A refused write kills the thread.
 */
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/barrier.h>
#include <asm/sysreg.h>

#include "attack.h"

#define SPAN	       BIT_ULL(23)
#define WXN	       BIT_ULL(19)
#define TCR_TBI0_      BIT_ULL(37)
#define VECTORS_SIZE   BIT_ULL(11)
#define LAST_ATTRIBUTE GENMASK_ULL(63, 56)

/* With interrupts off: written, seen, taken back. */
#define TRY(t, name, value)                                               \
	({                                                                \
		unsigned long flags_;                                     \
		u64 seen_;                                                \
		(t)->was = read_sysreg(name);                             \
		(t)->wanted = (value);                                    \
		local_irq_save(flags_);                                   \
		write_sysreg((t)->wanted, name);                          \
		isb();                                                    \
		seen_ = read_sysreg(name);                                \
		write_sysreg((t)->was, name);                             \
		isb();                                                    \
		local_irq_restore(flags_);                                \
		seen_ == (t)->wanted ? ATTACK_SUCCEEDED : ATTACK_REFUSED; \
	})

static enum attack_outcome span(struct attempt *t)
{
	return TRY(t, sctlr_el1, read_sysreg(sctlr_el1) ^ SPAN);
}

static enum attack_outcome wxn(struct attempt *t)
{
	/* On, nothing that the kernel can write is executable: so it is already. */
	return TRY(t, sctlr_el1, read_sysreg(sctlr_el1) ^ WXN);
}

static enum attack_outcome tcr(struct attempt *t)
{
	return TRY(t, tcr_el1, read_sysreg(tcr_el1) ^ TCR_TBI0_);
}

static enum attack_outcome mair(struct attempt *t)
{
	return TRY(t, mair_el1, read_sysreg(mair_el1) ^ LAST_ATTRIBUTE);
}

/* A copy of the root: the same tables, and the attacker's to change. */
static enum attack_outcome ttbr1(struct attempt *t)
{
	static void *copy;
	u64 root = read_sysreg(ttbr1_el1);

	if (!copy)
		copy = (void *)get_zeroed_page(GFP_KERNEL);
	if (!copy)
		return ATTACK_ERROR;
	memcpy(copy, __va(root & GENMASK_ULL(47, PAGE_SHIFT)), PAGE_SIZE);
	dsb(ishst);
	return TRY(t, ttbr1_el1, (root & ~GENMASK_ULL(47, PAGE_SHIFT)) | __pa(copy));
}

/* The vectors of exceptions taken at EL1 with its own stack pointer, in the place of all. */
static enum attack_outcome vbar(struct attempt *t)
{
	return TRY(t, vbar_el1, read_sysreg(vbar_el1) ^ VECTORS_SIZE);
}

#define REGISTER(name_, title_, gives_, asset_, run_, read_)                                   \
	{                                                                                      \
		.name = name_, .title = title_, .gives = gives_, .asset = asset_, .run = run_, \
		.look = read_,                                                                 \
	}

static int look_sctlr(struct attempt *t, u64 *is)
{
	*is = read_sysreg(sctlr_el1);
	return 0;
}

static int look_tcr(struct attempt *t, u64 *is)
{
	*is = read_sysreg(tcr_el1);
	return 0;
}

static int look_mair(struct attempt *t, u64 *is)
{
	*is = read_sysreg(mair_el1);
	return 0;
}

/* The number in it changes with the thread. */
static int look_ttbr1(struct attempt *t, u64 *is)
{
	*is = (read_sysreg(ttbr1_el1) & GENMASK_ULL(47, PAGE_SHIFT)) |
	      (t->was & ~GENMASK_ULL(47, PAGE_SHIFT));
	return 0;
}

static int look_vbar(struct attempt *t, u64 *is)
{
	*is = read_sysreg(vbar_el1);
	return 0;
}

static const struct attack attacks[] = {
	REGISTER("sctlr-span", "change SCTLR_EL1.SPAN", "user memory that the kernel reaches",
		 "SCTLR_EL1.SPAN", span, look_sctlr),
	REGISTER("sctlr-wxn", "change SCTLR_EL1.WXN", "memory both writable and executable",
		 "SCTLR_EL1.WXN", wxn, look_sctlr),
	REGISTER("tcr-change", "change TCR_EL1", "other rules of translation", "TCR_EL1", tcr,
		 look_tcr),
	REGISTER("mair-change", "change MAIR_EL1", "memory behind the caches", "MAIR_EL1", mair,
		 look_mair),
	REGISTER("ttbr1-swap", "load another root of the kernel's page tables",
		 "any mapping of the kernel", "TTBR1_EL1", ttbr1, look_ttbr1),
	{
		.name = "vbar-change",
		.title = "change VBAR_EL1",
		.gives = "every system call and interrupt",
		.asset = "VBAR_EL1",
		.needs = "FGT",
		.run = vbar,
		.look = look_vbar,
	},
};

const struct attack_table arm_register_table = { attacks, ARRAY_SIZE(attacks) };
