// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of registers that hold a protection or an entry point. Each is made with interrupts
 * off, read back, and taken back at once.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "attack.h"

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

/* The register of the interrupt descriptor table. */

static void read_idtr_here(void *look)
{
	struct desc_ptr idt;

	store_idt(&idt);
	((struct register_look *)look)->value = idt.address;
}

static int look_idtr(struct attempt *t, u64 *is)
{
	return look_on_cpu(t, read_idtr_here, 0, is);
}

static enum attack_outcome lidt_fake(struct attempt *t)
{
	struct desc_ptr real, fake, is;
	unsigned long flags;
	void *copy = vmalloc(PAGE_SIZE);

	if (!copy)
		return ATTACK_ERROR;
	local_irq_save(flags);
	t->cpu = smp_processor_id();
	store_idt(&real);
	memcpy(copy, (void *)real.address, min_t(size_t, real.size + 1, PAGE_SIZE));
	fake.size = real.size;
	fake.address = (unsigned long)copy;
	t->was = real.address;
	t->wanted = fake.address;
	t->trap = TRAP_OF("lidt %1", "m"(fake));
	store_idt(&is);
	if (is.address != real.address)
		load_idt(&real);
	local_irq_restore(flags);
	vfree(copy);
	return outcome_of(t, is.address);
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
