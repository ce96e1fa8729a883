// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own way to patch its code, used for what is no patch of the kernel's. Who
 * stores, and by what mapping, are those of a genuine one.
 */
#include <linux/errno.h>

#include "attack.h"
#include "target.h"

#define NOP	   0xd503201fu
#define MOV_X9_X30 0xaa1e03e9u
#define SEARCHED   16 /* instructions from a function's start */

static int poke(unsigned long at, u32 instruction)
{
	int (*patch)(void *at, u32 instruction) =
		attack_symbol("aarch64_insn_patch_text_nosync");

	return patch ? patch((void *)at, instruction) : -ENOENT;
}

static enum attack_outcome run(struct attempt *t)
{
	int err = poke((unsigned long)t->va, (u32)t->wanted);

	attack_note(t, "patched: %d", err);
	return err ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum attack_outcome anywhere(struct attempt *t)
{
	return target_text(t) ? ATTACK_ERROR : run(t);
}

/* Where nobody goes in a running machine, what a tracer's call takes the place of. */
static unsigned long traced(void)
{
	u32 *at = attack_symbol("kernel_halt");
	unsigned int i;

	for (i = 1; at && i < SEARCHED; i++)
		if (at[i] == NOP && at[i - 1] == MOV_X9_X30)
			return (unsigned long)&at[i];
	return 0;
}

/* A call of what is a function, but no tracer's. */
static enum attack_outcome tracer(struct attempt *t)
{
	unsigned long at = traced(), to = (unsigned long)attack_symbol("kernel_restart");

	if (!at || !to || target_word(t, at, 0x94000000 | ((to - at) >> 2 & 0x03ffffff)))
		return ATTACK_ERROR;
	return run(t);
}

static int undo(struct attempt *t)
{
	return poke((unsigned long)t->va, (u32)t->was);
}

static const struct attack attacks[] = {
	{
		.name = "poke-anywhere",
		.title = "patch an instruction of kernel text with the kernel's own function",
		.gives = "any code in the kernel",
		.asset = "kernel text",
		.run = anywhere,
		.look = target_look,
		.undo = undo,
	},
	{
		.name = "poke-tracer",
		.title = "patch a call of a function of one's choice in where a tracer is "
			 "called",
		.gives = "another function in the place of any",
		.asset = "kernel text",
		.run = tracer,
		.look = target_look,
		.undo = undo,
	},
};

const struct attack_table arm_patch_table = { attacks, ARRAY_SIZE(attacks) };
