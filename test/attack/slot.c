// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jumps at a probed place to what the attacker has made: the like of a slot that the kernel makes
 * for a probe (arch_prepare_optimized_kprobe() of arch/x86/kernel/kprobes/opt.c), or nearly so.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "code.h"
#include "execute.h"
#include "memory.h"
#include "site.h"

#define PROBED	 5 /* bytes of the code at site_none: one instruction */
#define TRANSFER 5

/* Of this module, so that a jump can reach it; the kernel's data like any other. */
static u8 forged[PAGE_SIZE] __aligned(PAGE_SIZE);

static u8 *place(void)
{
	u8 *va = (u8 *)site_none;

	/* Its inside is no address to whoever checks the object. */
	OPTIMIZER_HIDE_VAR(va);
	return va;
}

static void transfer(size_t offset, u8 opcode, const void *target)
{
	u64 word = site_transfer(forged + offset, opcode, target);

	memcpy(forged + offset, &word, TRANSFER);
}

/*
 * The kernel's own slot for a probe on the same instruction elsewhere, with the call and the jump
 * back to where they lead from here. Where the copied instruction lies in it, or 0.
 */
static size_t forge(void)
{
	const u8 *entry = attack_symbol("optprobe_template_entry");
	const u8 *call = attack_symbol("optprobe_template_call");
	const u8 *end = attack_symbol("optprobe_template_end");
	void *callback = attack_symbol("optimized_callback");
	const u8 *from = code_slot();

	if (!entry || !call || !end || !callback || !from)
		return 0;
	memset(forged, 0, sizeof(forged));
	memcpy(forged, from, end - entry + PROBED);
	transfer(call - entry, SITE_CALL, callback);
	transfer(end - entry + PROBED, SITE_JUMP, place() + PROBED);
	return end - entry;
}

static enum attack_outcome jump_there(struct attempt *t)
{
	return site_attack(t, place(), site_transfer(place(), SITE_JUMP, forged), site_in_order,
			   ARRAY_SIZE(site_in_order));
}

static enum attack_outcome to_data(struct attempt *t)
{
	memset(forged, 0, sizeof(forged));
	memcpy(forged, execute_code, EXECUTE_CODE_SIZE);
	return jump_there(t);
}

/* The first saves a register. */
static enum attack_outcome other_byte(struct attempt *t)
{
	if (!forge())
		return ATTACK_ERROR;
	forged[0] ^= 1;
	return jump_there(t);
}

static enum attack_outcome other_call(struct attempt *t)
{
	const u8 *entry = attack_symbol("optprobe_template_entry");
	const u8 *call = attack_symbol("optprobe_template_call");

	if (!forge())
		return ATTACK_ERROR;
	transfer(call - entry, SITE_CALL, attack_symbol("orderly_reboot"));
	return jump_there(t);
}

/* The operand of what does nothing. */
static enum attack_outcome other_copy(struct attempt *t)
{
	size_t copy = forge();

	if (!copy)
		return ATTACK_ERROR;
	forged[copy + PROBED - 1] ^= 1;
	return jump_there(t);
}

static enum attack_outcome back_elsewhere(struct attempt *t)
{
	size_t copy = forge();

	if (!copy)
		return ATTACK_ERROR;
	transfer(copy + PROBED, SITE_JUMP, attack_symbol("orderly_reboot"));
	return jump_there(t);
}

/* The page keeps the byte for whoever looks; nothing jumps there any more. */
static enum attack_outcome then_changed(struct attempt *t)
{
	u64 was = site_word(place());
	int trap;

	if (!forge() || memory_target_at(t, forged, 1, forged[0] ^ 0x5a))
		return ATTACK_ERROR;
	t->trap = site_patch(place(), site_transfer(place(), SITE_JUMP, forged), site_in_order,
			     ARRAY_SIZE(site_in_order));
	if (t->trap == TRAP_NONE) {
		t->trap = memory_door_vmap(t, memory_store_byte, (const u8 *)&t->wanted);
		trap = site_patch(place(), was, site_in_order, ARRAY_SIZE(site_in_order));
	} else {
		attack_note(t, "not jumped to");
		trap = site_restore(place(), was);
	}
	if (trap != TRAP_NONE)
		attack_note(t, "the jump stays: %s", attack_trap_name(trap));
	return t->trap == TRAP_NONE ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

#define SLOT(name_, title_, run_, look_, undo_)                                             \
	{                                                                                   \
		.name = name_, .title = title_, .gives = "any code in the kernel",          \
		.asset = "module text", .control = ATTACK_BARE, .run = run_, .look = look_, \
		.undo = undo_,                                                              \
	}

static const struct attack attacks[] = {
	SLOT("slot-data", "have a probe jump to data in place of a slot", to_data, site_look,
	     site_undo),
	SLOT("slot-byte", "have a probe jump to a slot that differs in one byte", other_byte,
	     site_look, site_undo),
	SLOT("slot-call", "have a probe jump to a slot that calls another function", other_call,
	     site_look, site_undo),
	SLOT("slot-copy", "have a probe jump to a slot with another instruction copied",
	     other_copy, site_look, site_undo),
	SLOT("slot-back", "have a probe jump to a slot that goes on elsewhere", back_elsewhere,
	     site_look, site_undo),
	SLOT("slot-alias", "change a slot through a second mapping once a probe jumps to it",
	     then_changed, memory_look, memory_undo),
};

const struct attack_table slot_table = { attacks, ARRAY_SIZE(attacks) };
