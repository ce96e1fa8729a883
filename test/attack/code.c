// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on code that lies outside the kernel image, in modules or made at run time, and on the
 * rule that the kernel's data is none. A trampoline and slots for probes are set up when this
 * module is loaded, that is before lock, on functions that nobody calls.
 */
#include <linux/efi.h>
#include <linux/ftrace.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "attack.h"
#include "code.h"
#include "compat.h"
#include "execute.h"
#include "memory.h"
#include "paging.h"

#define BPF_PACK 0x200000 /* bytes, at least */

/* ---- a page that must keep a machine from being locked ---- */

static unsigned int stray;
module_param(stray, uint, 0400);
MODULE_PARM_DESC(stray,
		 "leave an executable page of nobody's behind; 1: read-only, 2: writable");

static void *stray_page;

static int stray_make(void)
{
	int (*set_ro)(unsigned long addr, int pages) = attack_symbol("set_memory_ro");
	int (*set_x)(unsigned long addr, int pages) = attack_symbol("set_memory_x");
	int err = 0;

	if (!stray)
		return 0;
	if (!set_ro || !set_x)
		return -ENOENT;
	stray_page = vmalloc(PAGE_SIZE);
	if (!stray_page)
		return -ENOMEM;
	if (stray == 1)
		err = set_ro((unsigned long)stray_page, 1);
	return err ?: set_x((unsigned long)stray_page, 1);
}

static void stray_remove(void)
{
	int (*set_rw)(unsigned long addr, int pages) = attack_symbol("set_memory_rw");
	int (*set_nx)(unsigned long addr, int pages) = attack_symbol("set_memory_nx");

	if (!stray_page)
		return;
	set_nx((unsigned long)stray_page, 1);
	set_rw((unsigned long)stray_page, 1);
	vfree(stray_page);
}

/* ---- what there is to attack ---- */

static void traced(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		   struct ftrace_regs *regs)
{
}

static struct ftrace_ops tracer = { .func = traced };

const struct ftrace_ops *code_tracer(void)
{
	return &tracer;
}

/*
 * Five bytes to be replaced by a jump, or the first of them by a breakpoint. Never called, and
 * without a return: 6.1 puts no jump into a function that returns by a thunk, as all do on an EPYC.
 */
#define PROBED(name)                                                             \
	asm(".pushsection .text, \"ax\"\n\t"                                     \
	    ".type " #name ", @function\n" #name ":\n\t" ANNOTATE_NOENDBR "\n\t" \
	    ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"                             \
	    "ud2\n\t.size " #name ", . - " #name "\n\t"                          \
	    ".popsection");                                                      \
	void name(void)

PROBED(code_probed);
PROBED(code_jumped);

static int probe_hit(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}

/* A probe with a handler behind it stays a breakpoint with a slot. */
static void probe_after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.addr = (kprobe_opcode_t *)code_probed,
	.pre_handler = probe_hit,
	.post_handler = probe_after,
};

static struct kprobe jump_probe = {
	.addr = (kprobe_opcode_t *)code_jumped,
	.pre_handler = probe_hit,
};

static u8 *bpf_pack;
static u8 *firmware; /* a page of it, mapped by the first attempt */
static u8 *jump_slot;

const u8 *code_slot(void)
{
	return jump_slot;
}

/* The kernel's first; its list may be empty later. As kernel/bpf/core.c has it. */
static u8 *find_bpf_pack(void)
{
	struct bpf_pack {
		struct list_head list;
		u8 *start;
	};
	struct list_head *packs = attack_symbol("pack_list");
	struct bpf_pack *pack;

	if (!packs || list_empty(packs))
		return NULL;
	pack = list_first_entry(packs, struct bpf_pack, list);
	return pack->start;
}

/* Where the probe's jump leads, once it is one. */
static u8 *find_jump_slot(void)
{
	void (*wait)(void) = attack_symbol("wait_for_kprobe_optimizer");
	const u8 *jump = (const u8 *)code_jumped;
	s32 offset;

	if (!wait)
		return NULL;
	wait();
	/* Not an address of the function's inside to whoever checks the object. */
	OPTIMIZER_HIDE_VAR(jump);
	if (jump[0] != 0xe9)
		return NULL;
	memcpy(&offset, jump + 1, sizeof(offset));
	return (u8 *)jump + 5 + offset;
}

int code_init(void)
{
	static char untouched[] = "orderly_reboot";
	int err;

	bpf_pack = find_bpf_pack();
	err = stray_make();
	if (err)
		goto remove_stray;
	err = ftrace_set_filter(&tracer, untouched, strlen(untouched), 1);
	if (err)
		goto remove_stray;
	err = register_ftrace_function(&tracer);
	if (err)
		goto remove_stray;
	err = register_kprobe(&probe);
	if (err)
		goto stop_tracer;
	err = register_kprobe(&jump_probe);
	if (err)
		goto stop_probe;
	jump_slot = find_jump_slot();
	return 0;
stop_probe:
	unregister_kprobe(&probe);
stop_tracer:
	unregister_ftrace_function(&tracer);
remove_stray:
	stray_remove();
	return err;
}

void code_exit(void)
{
	unregister_kprobe(&jump_probe);
	unregister_kprobe(&probe);
	unregister_ftrace_function(&tracer);
	stray_remove();
	if (firmware)
		memunmap(firmware);
}

/* ---- targets ---- */

static int target_byte(struct attempt *t, u8 *va)
{
	return va ? memory_target_at(t, va, 1, *va ^ 0x5a) : -ENOENT;
}

/* Idle bytes at the end of a page. */
static u8 *end_of_page(unsigned long va)
{
	return va ? (u8 *)(va & PAGE_MASK) + PAGE_SIZE - MEMORY_BLOCK : NULL;
}

/* Another module than this one, if there is one. Those that are loaded stay in these tests. */
static struct module *find_victim(struct attempt *t)
{
	struct list_head *modules = attack_symbol("modules");
	struct module *module, *victim = THIS_MODULE;

	if (!modules)
		return victim;
	preempt_disable();
	list_for_each_entry_rcu(module, modules, list)
	{
		if (module != THIS_MODULE && module->state == MODULE_STATE_LIVE)
			victim = module;
	}
	preempt_enable();
	attack_note(t, "module %s", victim->name);
	return victim;
}

/* The last bytes of each part are padding. */
static u8 *end_of_text(struct module *module)
{
	unsigned int size;
	u8 *text = compat_module_text(module, &size);

	return text + size - MEMORY_BLOCK;
}

static u8 *end_of_rodata(struct module *module)
{
	unsigned int size;
	u8 *rodata = compat_module_rodata(module, &size);

	return rodata + size - MEMORY_BLOCK;
}

static int target_module_text(struct attempt *t)
{
	return target_byte(t, end_of_text(find_victim(t)));
}

static int target_module_rodata(struct attempt *t)
{
	return target_byte(t, end_of_rodata(find_victim(t)));
}

static int target_agent(struct attempt *t)
{
	struct module *(*address_of)(unsigned long va) = attack_symbol("__module_address");
	void *function = attack_symbol("holdfast:lock_run");
	struct module *agent = NULL;

	preempt_disable();
	if (address_of && function)
		agent = address_of((unsigned long)function);
	preempt_enable();
	return agent ? target_byte(t, end_of_text(agent)) : -ENOENT;
}

static int target_trampoline(struct attempt *t)
{
	return target_byte(t, end_of_page(tracer.trampoline));
}

static int target_slot(struct attempt *t)
{
	return target_byte(t, (u8 *)probe.ainsn.insn + MAX_INSN_SIZE - 1);
}

static int target_jump_slot(struct attempt *t)
{
	return target_byte(t, end_of_page((unsigned long)jump_slot));
}

static int target_bpf(struct attempt *t)
{
	return target_byte(t, bpf_pack ? bpf_pack + BPF_PACK - MEMORY_BLOCK : NULL);
}

/* Whether the kernel runs this page of firmware: a piece of code has its data among it. */
static bool firmware_runs(u64 page)
{
	pte_t *(*lookup)(pgd_t * pgd, unsigned long va, unsigned int *level) =
		attack_symbol("lookup_address_in_pgd");
	struct mm_struct *mm = attack_symbol("efi_mm");
	unsigned int level;
	pte_t *entry;

	if (!lookup || !mm)
		return false;
	entry = lookup(mm->pgd + pgd_index(page), page, &level);
	return entry && pte_present(*entry) && pte_exec(*entry);
}

/* A page of code; its end, where the next is not, is filled up with nothing. */
static u64 find_firmware(void)
{
	const efi_memory_desc_t *md;
	u64 page;

	for_each_efi_memory_desc(md)
	{
		if (md->type != EFI_RUNTIME_SERVICES_CODE)
			continue;
		page = md->phys_addr + (md->num_pages << PAGE_SHIFT);
		while (page > md->phys_addr) {
			page -= PAGE_SIZE;
			if (firmware_runs(page))
				return page;
		}
	}
	return 0;
}

static int target_firmware(struct attempt *t)
{
	u64 page = find_firmware();

	if (page && !firmware)
		firmware = memremap(page, PAGE_SIZE, MEMREMAP_WB);
	attack_note(t, "at %llx", page);
	return target_byte(t, end_of_page((unsigned long)firmware));
}

static enum attack_outcome firmware_write(struct attempt *t)
{
	return memory_attack(t, target_firmware, memory_door_none, memory_store_byte);
}

/* ---- attacks ---- */

static enum attack_outcome module_write(struct attempt *t)
{
	return memory_attack(t, target_module_text, memory_door_vmap, memory_store_byte);
}

static enum attack_outcome module_rodata(struct attempt *t)
{
	return memory_attack(t, target_module_rodata, memory_door_vmap, memory_store_byte);
}

static enum attack_outcome agent_write(struct attempt *t)
{
	return memory_attack(t, target_agent, memory_door_vmap, memory_store_byte);
}

static enum attack_outcome ftrace_write(struct attempt *t)
{
	return memory_attack(t, target_trampoline, memory_door_vmap, memory_store_byte);
}

static enum attack_outcome kprobe_write(struct attempt *t)
{
	return memory_attack(t, target_slot, memory_door_vmap, memory_store_byte);
}

static enum attack_outcome optprobe_write(struct attempt *t)
{
	return memory_attack(t, target_jump_slot, memory_door_vmap, memory_store_byte);
}

static enum attack_outcome bpf_write(struct attempt *t)
{
	return memory_attack(t, target_bpf, memory_door_vmap, memory_store_byte);
}

/*
 * Runs code from idle bytes at @spot through @entry, an executable mapping of the same. Linux
 * keeps the bytes writable, and so does Holdfast.
 */
static enum attack_outcome run_at(struct attempt *t, u8 *spot, u8 *entry)
{
	u8 saved[EXECUTE_CODE_SIZE];
	u64 answer;

	memcpy(saved, spot, sizeof(saved));
	memcpy(spot, execute_code, EXECUTE_CODE_SIZE);
	t->trap = execute_call(entry, EXECUTE_CODE_SIZE, 0, 0, NULL, &answer);
	memcpy(spot, saved, sizeof(saved));
	if (t->trap != TRAP_NONE)
		return ATTACK_REFUSED;
	attack_note(t, "code at %px returned %llx", spot, answer);
	return answer == EXECUTE_ANSWER ? ATTACK_SUCCEEDED : ATTACK_ERROR;
}

static enum attack_outcome run_alias(struct attempt *t, u8 *spot)
{
	enum attack_outcome outcome;
	u8 *alias;

	if (!spot || !paging_pfn(spot))
		return ATTACK_ERROR;
	alias = paging_alias(paging_pfn(spot), 1, PAGE_KERNEL_EXEC);
	if (!alias)
		return ATTACK_ERROR;
	outcome = run_at(t, spot, alias + offset_in_page(spot));
	vunmap(alias);
	return outcome;
}

/* Behind the end of a path; at its own address, made executable by the kernel's function. */
static enum attack_outcome execute_data(struct attempt *t)
{
	int (*set_x)(unsigned long addr, int pages) = attack_symbol("set_memory_x");
	int (*set_nx)(unsigned long addr, int pages) = attack_symbol("set_memory_nx");
	u8 *path = attack_symbol("modprobe_path");
	enum attack_outcome outcome;
	unsigned long page;

	if (!path || !set_x || !set_nx || strlen(path) > 64)
		return ATTACK_ERROR;
	page = (unsigned long)(path + 128) & PAGE_MASK;
	if (set_x(page, 1))
		return ATTACK_ERROR;
	outcome = run_at(t, path + 128, path + 128);
	set_nx(page, 1);
	return outcome;
}

/* Behind the end of the name of the file to resume from: there is none. */
static enum attack_outcome execute_bss(struct attempt *t)
{
	u8 *name = attack_symbol("resume_file");

	return name && !name[0] ? run_alias(t, name + 128) : ATTACK_ERROR;
}

static DEFINE_PER_CPU(u8[EXECUTE_CODE_SIZE], scratch);

static enum attack_outcome execute_percpu(struct attempt *t)
{
	return run_alias(t, *per_cpu_ptr(&scratch, 0));
}

#define WRITTEN(name_, title_, asset_, control_, run_)                                  \
	{                                                                               \
		.name = name_, .title = title_, .gives = "any code in the kernel",      \
		.asset = asset_, .control = control_, .run = run_, .look = memory_look, \
		.undo = memory_undo,                                                    \
	}

#define EXECUTED(name_, title_, run_)                                              \
	{                                                                          \
		.name = name_, .title = title_, .gives = "any code in the kernel", \
		.asset = "kernel data", .control = ATTACK_BARE, .run = run_,       \
	}

static const struct attack attacks[] = {
	WRITTEN("module-write", "write the text of a module", "module text", ATTACK_BARE,
		module_write),
	WRITTEN("module-rodata", "write the read-only data of a module",
		"module read-only data", ATTACK_BARE, module_rodata),
	WRITTEN("agent-write", "write the text of Holdfast's own module", "module text",
		ATTACK_PRELAUNCH, agent_write),
	WRITTEN("ftrace-write", "write a trampoline of the function tracer",
		"code made at run time", ATTACK_BARE, ftrace_write),
	WRITTEN("kprobe-write", "write a slot of a kprobe", "code made at run time",
		ATTACK_BARE, kprobe_write),
	WRITTEN("optprobe-write", "write a slot of a jump probe", "code made at run time",
		ATTACK_BARE, optprobe_write),
	WRITTEN("bpf-write", "write pages of BPF programs", "code made at run time",
		ATTACK_BARE, bpf_write),
	{
		.name = "firmware-write",
		.title = "write the code of EFI runtime services",
		.gives = "any code in the kernel",
		.asset = "EFI runtime code",
		.needs = "EFI",
		.control = ATTACK_BARE,
		.run = firmware_write,
		.look = memory_look,
		.undo = memory_undo,
	},
	EXECUTED("execute-data", "run initialized data of the kernel after set_memory_x",
		 execute_data),
	EXECUTED("execute-bss",
		 "run zero-initialized data of the kernel through a second mapping",
		 execute_bss),
	EXECUTED("execute-percpu", "run a per-CPU variable through a second mapping",
		 execute_percpu),
};

const struct attack_table code_table = { attacks, ARRAY_SIZE(attacks) };
