// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores to places that the kernel may patch, by the attacker's own hand and through a mapping of
 * his own: of what does not belong there, or of what does in an order that the kernel never uses.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/stop_machine.h>
#include <linux/string.h>

#include "code.h"
#include "execute.h"
#include "memory.h"
#include "site.h"

#define JUMP_NEAR 0xeb

#define POKE(t, va, value, ...)                                                  \
	({                                                                       \
		static const struct site_step steps_[] = { __VA_ARGS__ };        \
		site_attack(t, (void *)(va), value, steps_, ARRAY_SIZE(steps_)); \
	})

#define BREAKPOINT   \
	{            \
		0, 0 \
	}
#define HEAD          \
	{             \
		0, 1, \
	}
#define TAIL          \
	{             \
		1, 4, \
	}

static enum attack_outcome in_order(struct attempt *t, void *va, u64 value)
{
	return site_attack(t, va, value, site_in_order, ARRAY_SIZE(site_in_order));
}

/* What the attacker would have run. */
static void gadget(void)
{
}

/* ---- jump labels ---- */

static enum attack_outcome other_bytes(struct attempt *t)
{
	return in_order(t, site_jump, site_with((u8 *)site_jump, execute_code, 5));
}

static enum attack_outcome foreign_jump(struct attempt *t)
{
	return in_order(t, site_jump, site_transfer((u8 *)site_jump, SITE_JUMP, gadget));
}

static enum attack_outcome foreign_near(struct attempt *t)
{
	static const u8 jump[] = { JUMP_NEAR, 1 };

	return POKE(t, site_near, site_with((u8 *)site_near, jump, sizeof(jump)), BREAKPOINT,
		    { 1, 1 }, HEAD);
}

static enum attack_outcome across(struct attempt *t)
{
	return in_order(t, site_across, site_transfer((u8 *)site_across, SITE_JUMP, gadget));
}

/* A jump to where the NOP's operand says. */
static enum attack_outcome head_first(struct attempt *t)
{
	static const u8 jump = SITE_JUMP;

	return POKE(t, site_jump, site_with((u8 *)site_jump, &jump, 1), HEAD);
}

static enum attack_outcome tail_first(struct attempt *t)
{
	u64 value = site_genuine((u8 *)site_jump);

	return POKE(t, site_jump, (value & ~0xffull) | *(u8 *)site_jump, TAIL);
}

static enum attack_outcome twice(struct attempt *t)
{
	return POKE(t, site_jump, site_transfer((u8 *)site_jump, SITE_JUMP, gadget), BREAKPOINT,
		    BREAKPOINT, TAIL, HEAD);
}

/* Genuine, and torn for a CPU that runs it meanwhile. */
static enum attack_outcome whole(struct attempt *t)
{
	return POKE(t, site_jump, site_genuine((u8 *)site_jump), { 0, 8 });
}

/* Another site's jump, as far as its tail. */
static enum attack_outcome half(struct attempt *t)
{
	u64 value = site_genuine((u8 *)site_many);

	return POKE(t, site_jump,
		    (value & 0xffffffff00ull) | SITE_BREAKPOINT |
			    (site_word((u8 *)site_jump) & ~0xffffffffffull),
		    BREAKPOINT, TAIL);
}

/* Each store agrees with a genuine value, all together with none. */
static enum attack_outcome mixed(struct attempt *t)
{
	u64 jump = site_genuine((u8 *)site_jump) & 0xffff;

	return POKE(t, site_jump, site_with((u8 *)site_jump, &jump, 2), BREAKPOINT, { 1, 1 },
		    { 2, 3 }, HEAD);
}

/* A genuine tail by a store that goes on behind the site. */
static enum attack_outcome beyond(struct attempt *t)
{
	u64 value = site_genuine((u8 *)site_jump) ^ 0x5aull << 40;

	return POKE(t, site_jump, value, BREAKPOINT, { 1, 7 }, HEAD);
}

/* ---- one kind's value at a site of another ---- */

static enum attack_outcome jump_as_call(struct attempt *t)
{
	u8 *va = (u8 *)site_jump;

	OPTIMIZER_HIDE_VAR(va); /* as in site_genuine */
	return in_order(t, va, site_transfer(va, SITE_CALL, va + 8));
}

static enum attack_outcome trace_as_jump(struct attempt *t)
{
	u8 *va = site_traced();

	return in_order(t, va, va ? site_transfer(va, SITE_JUMP, va + 8) : 0);
}

/* ---- static calls ---- */

/* Behind the start of a function that may be called. */
static u8 *middle(void)
{
	u8 *function = attack_symbol("orderly_reboot");

	return function ? function + 9 : NULL;
}

static enum attack_outcome call_middle(struct attempt *t)
{
	u8 *va = site_called();

	return in_order(t, va, va ? site_transfer(va, SITE_CALL, middle()) : 0);
}

static enum attack_outcome trampoline_middle(struct attempt *t)
{
	u8 *va = site_trampoline();

	return in_order(t, va, site_transfer(va, SITE_JUMP, middle()));
}

/* What a kernel without a return thunk has in its place. */
static enum attack_outcome trampoline_zero(struct attempt *t)
{
	u8 *va = site_trampoline();

	return in_order(t, va, site_transfer(va, SITE_JUMP, NULL));
}

static enum attack_outcome call_as_jump(struct attempt *t)
{
	u8 *va = site_called();

	return in_order(t, va,
			va ? site_transfer(va, SITE_JUMP, attack_symbol("orderly_reboot")) : 0);
}

/* ---- breakpoints ---- */

static enum attack_outcome breakpoint_at(struct attempt *t, void *va)
{
	static const u8 breakpoint = SITE_BREAKPOINT;

	return POKE(t, va, va ? site_with(va, &breakpoint, 1) : 0, BREAKPOINT);
}

static enum attack_outcome no_site(struct attempt *t)
{
	return breakpoint_at(t, site_none);
}

/* No CPU may come by while it is there. */
static int entry_stopped(void *arg)
{
	struct attempt *t = arg;
	u8 *alias = t->va, byte = SITE_BREAKPOINT;

	t->trap = site_store(alias, &byte, 1);
	if (t->trap != TRAP_NONE)
		return 0;
	attack_note(t, "the first byte was %x", READ_ONCE(*alias));
	byte = t->was;
	return site_store(alias, &byte, 1);
}

static enum attack_outcome entry(struct attempt *t)
{
	u8 *va = attack_symbol("entry_SYSCALL_64"), *alias = site_open(va, 1);
	int err = alias ? memory_target_at(t, va, 1, SITE_BREAKPOINT) : -ENOENT;

	if (err)
		return ATTACK_ERROR;
	t->va = alias;
	stop_machine(entry_stopped, t, NULL);
	t->va = va;
	site_close(alias);
	return t->trap == TRAP_NONE ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

/*
 * One is left at its breakpoint while more are opened than Holdfast keeps in mind. All but the
 * first are closed again.
 */
static enum attack_outcome left(struct attempt *t)
{
	const u8 breakpoint = SITE_BREAKPOINT;
	u8 *first = (u8 *)site_many, *alias = site_open(first, SITE_MANY * 8);
	int i, err = memory_target_at(t, first, 8, site_with(first, &breakpoint, 1));

	if (err || !alias)
		return ATTACK_ERROR;
	for (i = 0; i < SITE_MANY && t->trap == TRAP_NONE; i++)
		t->trap = site_store(alias + i * 8, &breakpoint, 1);
	attack_note(t, "%d breakpoints", i);
	while (--i > 0)
		site_store(alias + i * 8, (u8 *)&t->was, 1);
	site_close(alias);
	return t->trap == TRAP_NONE ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

/* ---- what is genuine is possible to everybody ---- */

static enum attack_outcome flip(struct attempt *t)
{
	return in_order(t, site_jump, site_genuine((u8 *)site_jump));
}

static enum attack_outcome flip_across(struct attempt *t)
{
	return in_order(t, site_across, site_genuine((u8 *)site_across));
}

static enum attack_outcome call_other(struct attempt *t)
{
	u8 *va = site_called(), *other = attack_symbol("orderly_reboot");

	return in_order(t, va, va ? site_transfer(va, SITE_CALL, other) : 0);
}

#define POKED(name_, title_, asset_, gives_, reason_, run_)                                  \
	{                                                                                    \
		.name = name_, .title = title_, .gives = gives_, .asset = asset_,            \
		.control = ATTACK_BARE, .reason = reason_, .run = run_, .look = memory_look, \
		.undo = site_undo,                                                           \
	}

#define SITE(name_, title_, run_) \
	POKED(name_, title_, "module text", "any code in the kernel", NULL, run_)

#define TORN(name_, title_, run_) \
	POKED(name_, title_, "module text", "code that nobody wrote", NULL, run_)

#define GENUINE(name_, title_, gives_, reason_, run_) \
	POKED(name_, title_, "module text", gives_, reason_, run_)

static const struct attack attacks[] = {
	SITE("site-bytes", "patch a jump label to other code", other_bytes),
	SITE("site-foreign", "patch a jump label to jump elsewhere", foreign_jump),
	SITE("site-near", "patch a two-byte jump label to jump elsewhere", foreign_near),
	SITE("site-across", "the same in two pages", across),
	TORN("site-head", "patch the opcode of a jump label, no breakpoint before", head_first),
	TORN("site-tail", "patch the operand of a jump label, no breakpoint before",
	     tail_first),
	SITE("site-twice", "patch a jump label to jump elsewhere after two breakpoints", twice),
	TORN("site-whole", "patch a jump label with one store", whole),
	TORN("site-half", "leave a jump label at its breakpoint with the operand of another",
	     half),
	TORN("site-mixed", "patch a jump label with parts of both of its values", mixed),
	SITE("site-beyond", "patch a jump label with a store that goes on behind it", beyond),
	SITE("site-call", "patch a jump label with a call", jump_as_call),
	SITE("trace-jump", "patch a function's call of the tracer with a jump", trace_as_jump),
	SITE("call-middle", "patch a static call into the middle of a function", call_middle),
	SITE("call-tramp", "patch the trampoline of a static call, the same",
	     trampoline_middle),
	SITE("call-zero", "patch the trampoline of a static call to jump to address 0",
	     trampoline_zero),
	SITE("call-jump", "patch a static call with a jump", call_as_jump),
	POKED("site-none", "set a breakpoint where no patch may be", "module text",
	      "a jump to anywhere, by forged records of patches", NULL, no_site),
	{
		.name = "site-entry",
		.title = "set a breakpoint on the entry of system calls",
		.gives = "a hook in every system call",
		.asset = "text",
		.control = ATTACK_BARE,
		.run = entry,
		.look = memory_look,
	},
	POKED("site-left", "leave a jump label at its breakpoint for ever", "module text",
	      "a jump to anywhere, by forged records of patches", NULL, left),
	GENUINE("site-flip", "flip a jump label that the kernel has not flipped",
		"either branch of any jump label",
		"both values are the kernel's own; which one is right only data can tell that "
		"can be written",
		flip),
	GENUINE("site-flip-across", "the same in two pages", "either branch of any jump label",
		"both values are the kernel's own; which one is right only data can tell that "
		"can be written",
		flip_across),
	GENUINE("call-other", "patch a static call to another function of the kernel",
		"any function in place of any static call",
		"a static call may lead to any function; which one is right only data can tell "
		"that can be written",
		call_other),
};

const struct attack_table poke_table = { attacks, ARRAY_SIZE(attacks) };
