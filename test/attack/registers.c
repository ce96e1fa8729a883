// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of registers that hold a protection or an entry point. Each is made with interrupts
 * off, read back, and taken back at once.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/cpu_entry_area.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "attack.h"
#include "execute.h"

#define MTRR_BASE_7 0x20e /* of the last variable range */

static int put_cr0(u64 value)
{
	return TRAP_OF("movq %1, %%cr0", "r"(value));
}

static int put_cr4(u64 value)
{
	return TRAP_OF("movq %1, %%cr4", "r"(value));
}

static enum attack_outcome outcome_of(struct attempt *t, u64 is)
{
	attack_note(t, "read back %llx", is);
	return is == t->wanted ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

/* Registers are per CPU: what a later look reads is the register of the CPU that was attacked.
 */
struct register_look {
	u32 msr;
	u64 value;
	int err;
};

static int look_on_cpu(struct attempt *t, smp_call_func_t read, u32 msr, u64 *is)
{
	struct register_look look = { .msr = msr };
	int err = smp_call_function_single(t->cpu, read, &look, 1);

	*is = look.value;
	return err ? err : look.err;
}

static void read_cr0_here(void *look)
{
	((struct register_look *)look)->value = native_read_cr0();
}

static void read_cr4_here(void *look)
{
	((struct register_look *)look)->value = native_read_cr4();
}

static void read_msr_here(void *arg)
{
	struct register_look *look = arg;

	look->err = rdmsrl_safe(look->msr, &look->value);
}

/* Control registers. A bit that is clear already cannot be attacked: that is an error. */

static int look_cr0(struct attempt *t, u64 *is)
{
	int err = look_on_cpu(t, read_cr0_here, 0, is);

	/* The lazy FPU bit moves by itself. */
	*is = (*is & ~X86_CR0_TS) | (t->was & X86_CR0_TS);
	return err;
}

static int look_cr4(struct attempt *t, u64 *is)
{
	return look_on_cpu(t, read_cr4_here, 0, is);
}

static bool bit_is_set(struct attempt *t, u64 value, u64 bit)
{
	if (value & bit)
		return true;
	attack_note(t, "the bit is clear on this CPU anyway");
	return false;
}

static enum attack_outcome clear_in_cr0(struct attempt *t, u64 bit, int (*write)(u64 value))
{
	unsigned long flags;
	u64 is;

	local_irq_save(flags);
	t->cpu = smp_processor_id();
	t->was = native_read_cr0();
	t->wanted = t->was & ~bit;
	t->trap = write(t->wanted);
	is = native_read_cr0();
	if (is != t->was)
		put_cr0(t->was);
	local_irq_restore(flags);
	return bit_is_set(t, t->was, bit) ? outcome_of(t, is) : ATTACK_ERROR;
}

static enum attack_outcome clear_in_cr4(struct attempt *t, u64 bit)
{
	unsigned long flags;
	u64 is;

	local_irq_save(flags);
	t->cpu = smp_processor_id();
	t->was = native_read_cr4();
	t->wanted = t->was & ~bit;
	t->trap = put_cr4(t->wanted);
	is = native_read_cr4();
	if (is != t->was)
		put_cr4(t->was);
	local_irq_restore(flags);
	return bit_is_set(t, t->was, bit) ? outcome_of(t, is) : ATTACK_ERROR;
}

/* The same with other encodings, which whoever decodes the instruction may get wrong. */

static int put_cr0_rex(u64 value)
{
	register u64 extended asm("r13") = value;

	return TRAP_OF("movq %1, %%cr0", "r"(extended));
}

/* The mode bits of ModRM are ignored here: this is no memory operand. */
static int put_cr0_mode_0(u64 value)
{
	return TRAP_OF(".byte 0x0f, 0x22, 0x01", "c"(value));
}

/* As long as an instruction may be: 15 bytes. */
static int put_cr0_prefixed(u64 value)
{
	return TRAP_OF(".fill 11, 1, 0x66\n\t.byte 0x2e, 0x0f, 0x22, 0xc1", "c"(value));
}

/* The kernel's own instruction, jumped to: what follows it would set the bit again. */
static void *kernel_mov_cr(struct attempt *t, const char *function, u8 modrm)
{
	const u8 *code = attack_symbol(function);
	unsigned int i;

	for (i = 0; code && i < 64; i++)
		if (code[i] == 0x0f && code[i + 1] == 0x22 && code[i + 2] == modrm)
			return (void *)&code[i];
	attack_note(t, "no such instruction in %s", function);
	return NULL;
}

static enum attack_outcome wp_clear_kernel(struct attempt *t)
{
	void *code = kernel_mov_cr(t, "native_write_cr0", 0xc7); /* mov %rdi, %cr0 */
	unsigned long flags;
	u64 is;

	if (!code)
		return ATTACK_ERROR;
	local_irq_save(flags);
	t->cpu = smp_processor_id();
	t->was = native_read_cr0();
	t->wanted = t->was & ~X86_CR0_WP;
	t->trap = execute_instruction(code, 3, t->wanted);
	is = native_read_cr0();
	if (is != t->was)
		put_cr0(t->was);
	local_irq_restore(flags);
	return outcome_of(t, is);
}

static enum attack_outcome smep_clear_kernel(struct attempt *t)
{
	void *code = kernel_mov_cr(t, "native_write_cr4", 0xe7); /* mov %rdi, %cr4 */
	unsigned long flags;
	u64 is;

	if (!code)
		return ATTACK_ERROR;
	local_irq_save(flags);
	t->cpu = smp_processor_id();
	t->was = native_read_cr4();
	t->wanted = t->was & ~X86_CR4_SMEP;
	t->trap = execute_instruction(code, 3, t->wanted);
	is = native_read_cr4();
	if (is != t->was)
		put_cr4(t->was);
	local_irq_restore(flags);
	return bit_is_set(t, t->was, X86_CR4_SMEP) ? outcome_of(t, is) : ATTACK_ERROR;
}

/* Not-write-through, with caches disabled: the one state of the two bits that is not allowed to
 * stay. */
static enum attack_outcome nw_set(struct attempt *t)
{
	unsigned long flags;
	u64 is;

	local_irq_save(flags);
	t->cpu = smp_processor_id();
	t->was = native_read_cr0();
	t->wanted = t->was | X86_CR0_CD | X86_CR0_NW;
	t->trap = put_cr0(t->wanted);
	is = native_read_cr0();
	if (is != t->was)
		put_cr0(t->was);
	local_irq_restore(flags);
	return outcome_of(t, is);
}

static enum attack_outcome wp_clear(struct attempt *t)
{
	return clear_in_cr0(t, X86_CR0_WP, put_cr0);
}

static enum attack_outcome wp_clear_rex(struct attempt *t)
{
	return clear_in_cr0(t, X86_CR0_WP, put_cr0_rex);
}

static enum attack_outcome wp_clear_mode_0(struct attempt *t)
{
	return clear_in_cr0(t, X86_CR0_WP, put_cr0_mode_0);
}

static enum attack_outcome wp_clear_prefixed(struct attempt *t)
{
	return clear_in_cr0(t, X86_CR0_WP, put_cr0_prefixed);
}

static enum attack_outcome smep_clear(struct attempt *t)
{
	return clear_in_cr4(t, X86_CR4_SMEP);
}

static enum attack_outcome smap_clear(struct attempt *t)
{
	return clear_in_cr4(t, X86_CR4_SMAP);
}

static enum attack_outcome umip_clear(struct attempt *t)
{
	return clear_in_cr4(t, X86_CR4_UMIP);
}

static enum attack_outcome fsgsbase_clear(struct attempt *t)
{
	return clear_in_cr4(t, X86_CR4_FSGSBASE);
}

/* Model-specific registers. */

/*
 * Write, read, write back in one go without a memory operand: with NXE off every entry with NX
 * set has a reserved bit, and stacks and data are mapped by such entries.
 */
static int msr_flip(u32 msr, u64 value, u64 restore, u64 *seen)
{
	u32 ax = (u32)value, dx = value >> 32, lo = (u32)restore, hi = restore >> 32;
	u32 seen_lo = lo, seen_hi = hi;

	asm volatile("1:\twrmsr\n\t"
		     "rdmsr\n\t"
		     "movl %%eax, %[seen_lo]\n\t"
		     "movl %%edx, %[seen_hi]\n\t"
		     "movl %[lo], %%eax\n\t"
		     "movl %[hi], %%edx\n\t"
		     "wrmsr\n\t"
		     "movl $-1, %%eax\n"
		     "2:\n\t" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "+a"(ax), "+d"(dx), [seen_lo] "+&r"(seen_lo), [seen_hi] "+&r"(seen_hi)
		     : "c"(msr), [lo] "r"(lo), [hi] "r"(hi)
		     : "memory");
	*seen = (u64)seen_hi << 32 | seen_lo;
	return (int)ax;
}

static enum attack_outcome change_msr(struct attempt *t, u32 msr, u64 clear, u64 flip)
{
	unsigned long flags;
	u64 is;

	if (rdmsrl_safe(msr, &t->was)) {
		attack_note(t, "cannot be read");
		return ATTACK_ERROR;
	}
	if (clear && !bit_is_set(t, t->was, clear))
		return ATTACK_ERROR;
	local_irq_save(flags);
	t->cpu = smp_processor_id();
	rdmsrl(msr, t->was);
	t->wanted = (t->was & ~clear) ^ flip;
	t->trap = msr_flip(msr, t->wanted, t->was, &is);
	if (t->trap != TRAP_NONE)
		rdmsrl(msr, is);
	local_irq_restore(flags);
	return outcome_of(t, is);
}

/* An MSR, as a run and a look. Entry points move by a bit that keeps them canonical. */
#define MSR_ATTACK(name_, msr_, clear_, flip_)                  \
	static enum attack_outcome name_(struct attempt *t)     \
	{                                                       \
		return change_msr(t, msr_, clear_, flip_);      \
	}                                                       \
	static int name_##_look(struct attempt *t, u64 *is)     \
	{                                                       \
		return look_on_cpu(t, read_msr_here, msr_, is); \
	}

MSR_ATTACK(efer_nxe, MSR_EFER, EFER_NX, 0)
MSR_ATTACK(efer_sce, MSR_EFER, EFER_SCE, 0)
MSR_ATTACK(lstar, MSR_LSTAR, 0, BIT_ULL(4))
MSR_ATTACK(star, MSR_STAR, 0, BIT_ULL(35))
MSR_ATTACK(cstar, MSR_CSTAR, 0, BIT_ULL(4))
MSR_ATTACK(sfmask, MSR_SYSCALL_MASK, 0, X86_EFLAGS_AC)
MSR_ATTACK(sysenter_cs, MSR_IA32_SYSENTER_CS, 0, BIT_ULL(3))
MSR_ATTACK(sysenter_esp, MSR_IA32_SYSENTER_ESP, 0, BIT_ULL(4))
MSR_ATTACK(sysenter_eip, MSR_IA32_SYSENTER_EIP, 0, BIT_ULL(4))
/* Memory types: of the range that is used last, of the first 64 KiB, of an entry Linux leaves. */
MSR_ATTACK(mtrr_range, MTRR_BASE_7, 0, BIT_ULL(12))
MSR_ATTACK(mtrr_fixed, MSR_MTRRfix64K_00000, 0, BIT_ULL(1))
MSR_ATTACK(pat, MSR_IA32_CR_PAT, 0, BIT_ULL(56))
/* One that means nothing to anybody here: any other is refused in the same way. */
MSR_ATTACK(unnamed, MSR_IA32_MISC_ENABLE, 0, BIT_ULL(0))

/* The page of the local APIC's registers becomes one of kernel text, with interrupts off. */
static enum attack_outcome apic_base(struct attempt *t)
{
	void *text = attack_symbol("_text");
	unsigned long flags;
	u64 is;

	if (!text)
		return ATTACK_ERROR;
	local_irq_save(flags);
	t->cpu = smp_processor_id();
	rdmsrl(MSR_IA32_APICBASE, t->was);
	t->wanted = (t->was & ~PAGE_MASK) | __pa_symbol(text);
	t->trap = msr_flip(MSR_IA32_APICBASE, t->wanted, t->was, &is);
	if (t->trap != TRAP_NONE)
		rdmsrl(MSR_IA32_APICBASE, is);
	local_irq_restore(flags);
	return outcome_of(t, is);
}

static int apic_base_look(struct attempt *t, u64 *is)
{
	return look_on_cpu(t, read_msr_here, MSR_IA32_APICBASE, is);
}

/* The registers of the descriptor tables. */

struct table_register {
	void (*store)(struct desc_ptr *table);
	void (*load)(const struct desc_ptr *table);
	int (*attempt)(const struct desc_ptr *table); /* load, and yield the trap */
};

static int attempt_lidt(const struct desc_ptr *table)
{
	return TRAP_OF("lidt %1", "m"(*table));
}

static int attempt_lgdt(const struct desc_ptr *table)
{
	return TRAP_OF("lgdt %1", "m"(*table));
}

static const struct table_register idtr = { store_idt, native_load_idt, attempt_lidt };
static const struct table_register gdtr = { native_store_gdt, native_load_gdt, attempt_lgdt };

static void read_idtr_here(void *look)
{
	struct desc_ptr table;

	idtr.store(&table);
	((struct register_look *)look)->value = table.address;
}

static void read_gdtr_here(void *look)
{
	struct desc_ptr table;

	gdtr.store(&table);
	((struct register_look *)look)->value = table.address;
}

static int look_idtr(struct attempt *t, u64 *is)
{
	return look_on_cpu(t, read_idtr_here, 0, is);
}

static int look_gdtr(struct attempt *t, u64 *is)
{
	return look_on_cpu(t, read_gdtr_here, 0, is);
}

/* A copy of the table, which could say anything. */
static enum attack_outcome table_fake(struct attempt *t, const struct table_register *reg)
{
	struct desc_ptr real, fake, is;
	unsigned long flags;
	void *copy = vmalloc(PAGE_SIZE);

	if (!copy)
		return ATTACK_ERROR;
	local_irq_save(flags);
	t->cpu = smp_processor_id();
	reg->store(&real);
	memcpy(copy, (void *)real.address, min_t(size_t, real.size + 1, PAGE_SIZE));
	fake.size = real.size;
	fake.address = (unsigned long)copy;
	t->was = real.address;
	t->wanted = fake.address;
	t->trap = reg->attempt(&fake);
	reg->store(&is);
	if (is.address != real.address)
		reg->load(&real);
	local_irq_restore(flags);
	vfree(copy);
	return outcome_of(t, is.address);
}

static enum attack_outcome lidt_fake(struct attempt *t)
{
	return table_fake(t, &idtr);
}

static enum attack_outcome lgdt_fake(struct attempt *t)
{
	return table_fake(t, &gdtr);
}

/* The task register: where the CPU finds the stacks of exceptions. */

static u16 task_selector(void)
{
	u16 selector;

	asm volatile("str %0" : "=r"(selector));
	return selector;
}

static void read_tr_here(void *look)
{
	((struct register_look *)look)->value = task_selector();
}

static int look_tr(struct attempt *t, u64 *is)
{
	return look_on_cpu(t, read_tr_here, 0, is);
}

/*
 * A copy of the TSS, named by a descriptor in place of two for threads' segments. LTR writes to the
 * table: to the writable alias, for which it is loaded as the kernel itself does at start.
 */
static void load_task(struct attempt *t, struct desc_struct *table,
		      const struct x86_hw_tss *copy)
{
	struct desc_ptr real, writable = { GDT_SIZE - 1, (unsigned long)table };
	struct desc_struct *entry = &table[GDT_ENTRY_TLS_MIN];
	struct desc_struct saved[2] = { entry[0], entry[1] };
	int trap;

	native_store_gdt(&real);
	set_tssldt_descriptor(entry, (unsigned long)copy, DESC_TSS, sizeof(*copy) - 1);
	trap = TRAP_OF("lgdt %1", "m"(writable));
	t->trap = TRAP_OF("ltr %w1", "r"((u32)t->wanted));
	attack_note(t, "lgdt: %s, read back %x", attack_trap_name(trap), task_selector());
	if (task_selector() == t->wanted) {
		t->outcome = ATTACK_SUCCEEDED;
		table[GDT_ENTRY_TSS].type = DESC_TSS;
		asm volatile("ltr %w0" : : "r"((u32)t->was));
	}
	if (trap == TRAP_NONE)
		load_gdt(&real);
	entry[0] = saved[0];
	entry[1] = saved[1];
}

static enum attack_outcome ltr_fake(struct attempt *t)
{
	struct x86_hw_tss *copy = kzalloc(sizeof(*copy), GFP_KERNEL);
	unsigned long flags;

	if (!copy)
		return ATTACK_ERROR;
	local_irq_save(flags);
	t->cpu = smp_processor_id();
	*copy = get_cpu_entry_area(t->cpu)->tss.x86_tss;
	t->was = task_selector();
	t->wanted = GDT_ENTRY_TLS_MIN * 8;
	t->outcome = ATTACK_REFUSED;
	load_task(t, get_current_gdt_rw(), copy);
	local_irq_restore(flags);
	kfree(copy);
	return t->outcome;
}

#define REGISTER(name_, title_, gives_, asset_, run_, look_, ...)                 \
	{                                                                         \
		.name = name_, .title = title_, .gives = gives_, .asset = asset_, \
		.control = ATTACK_BARE, .run = run_, .look = look_, __VA_ARGS__   \
	}

#define PAGES "the kernel writes its read-only pages"
#define CALLS "code at every system call"

static const struct attack register_attacks[] = {
	REGISTER("wp-clear", "clear CR0.WP", PAGES, "CR0", wp_clear, look_cr0),
	REGISTER("wp-clear-rex", "clear CR0.WP from an extended register", PAGES, "CR0",
		 wp_clear_rex, look_cr0),
	REGISTER("wp-clear-mode0", "clear CR0.WP, unusual ModRM", PAGES, "CR0", wp_clear_mode_0,
		 look_cr0),
	REGISTER("wp-clear-prefixed", "clear CR0.WP, instruction of 15 bytes", PAGES, "CR0",
		 wp_clear_prefixed, look_cr0),
	REGISTER("wp-clear-kernel", "jump to the kernel's own MOV CR0 with WP clear", PAGES,
		 "CR0", wp_clear_kernel, look_cr0),
	REGISTER("nw-set", "disable caches, with writes that reach no memory",
		 "CPUs that see different memory", "CR0.NW", nw_set, look_cr0),
	REGISTER("smep-clear-kernel", "jump to the kernel's own MOV CR4 with SMEP clear",
		 "the kernel runs user pages", "CR4", smep_clear_kernel, look_cr4,
		 .needs = "SMEP"),
	REGISTER("fsgsbase-clear", "clear CR4.FSGSBASE", "entry code that faults", "CR4",
		 fsgsbase_clear, look_cr4, .needs = "FSGSBASE"),
	REGISTER("smep-clear", "clear CR4.SMEP", "the kernel runs user pages", "CR4",
		 smep_clear, look_cr4, .needs = "SMEP"),
	REGISTER("smap-clear", "clear CR4.SMAP", "the kernel is fed with user data", "CR4",
		 smap_clear, look_cr4, .needs = "SMAP"),
	REGISTER("umip-clear", "clear CR4.UMIP", "user programs learn kernel addresses", "CR4",
		 umip_clear, look_cr4, .needs = "UMIP"),
	REGISTER("efer-sce-clear", "clear EFER.SCE", "system calls fault", "EFER", efer_sce,
		 efer_sce_look),
	REGISTER("lstar-change", "change LSTAR", CALLS, "LSTAR", lstar, lstar_look),
	REGISTER("star-change", "change STAR", "false segments at system calls", "STAR", star,
		 star_look),
	REGISTER("cstar-change", "change CSTAR", CALLS, "CSTAR", cstar, cstar_look),
	REGISTER("sfmask-change", "change SFMASK", "system calls with SMAP overridden",
		 "SFMASK", sfmask, sfmask_look),
	REGISTER("sysenter-cs-change", "change SYSENTER_CS", CALLS, "SYSENTER_CS", sysenter_cs,
		 sysenter_cs_look),
	REGISTER("sysenter-esp-change", "change SYSENTER_ESP", CALLS, "SYSENTER_ESP",
		 sysenter_esp, sysenter_esp_look),
	REGISTER("sysenter-eip-change", "change SYSENTER_EIP", CALLS, "SYSENTER_EIP",
		 sysenter_eip, sysenter_eip_look),
	REGISTER("apic-base", "move the local APIC onto a page of kernel text",
		 "a device's registers in place of text", "APIC_BASE", apic_base,
		 apic_base_look),
	REGISTER("mtrr-range", "change a variable-range MTRR",
		 "memory that CPUs see differently", "MTRR ranges", mtrr_range,
		 mtrr_range_look),
	REGISTER("mtrr-fixed", "change a fixed-range MTRR", "memory that CPUs see differently",
		 "MTRR ranges", mtrr_fixed, mtrr_fixed_look),
	REGISTER("pat-change", "change the page attribute table",
		 "memory that CPUs see differently", "PAT", pat, pat_look),
	REGISTER("msr-unnamed", "change an MSR that is on no list", "whatever it is for",
		 "register without a rule", unnamed, unnamed_look, .needs = "MISC_ENABLE"),
	REGISTER("lgdt-fake", "load a false global descriptor table",
		 "code segments of the attacker", "GDTR", lgdt_fake, look_gdtr),
	REGISTER("ltr-fake", "load a false task register", "stacks of the attacker", "TR",
		 ltr_fake, look_tr),
	REGISTER("lidt-fake", "load a false interrupt descriptor table",
		 "code at every interrupt or fault", "IDTR", lidt_fake, look_idtr),
	{
		.name = "efer-nxe-clear",
		.title = "clear EFER.NXE",
		.gives = "data becomes code",
		.asset = "EFER",
		.control = ATTACK_BARE,
		.own_vm = true,
		.run = efer_nxe,
		.look = efer_nxe_look,
	},
};

const struct attack_table register_table = { register_attacks, ARRAY_SIZE(register_attacks) };
