// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of SVM for accesses to control registers, descriptor tables and MSRs: what the core is
 * asked, and what is performed for the guest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/x86/common/sysreg.h>
#include "guest.h"

/* Values the processor would fault on are never stored: VMRUN would refuse the block. */
static void registers_refused(void **ctx)
{
	static const struct {
		u64 code, value;
		const char *bytes;
	} table[] = {
		{ EXIT_CODE_CR0_WRITE, CR0 | 1ull << 32, "\x0f\x22\xc0" },
		{ EXIT_CODE_CR0_WRITE, CR0 | 1ull << 29, "\x0f\x22\xc0" },
		{ EXIT_CODE_CR0_WRITE, CR0 & ~1ull, "\x0f\x22\xc0" },
		{ EXIT_CODE_CR0_WRITE, CR0 & ~(1ull << 31), "\x0f\x22\xc0" },
		{ EXIT_CODE_CR4_WRITE, 0, "\x0f\x22\xe0" },
		{ EXIT_CODE_CR4_WRITE, CR4 | 1ull << 13, "\x0f\x22\xe0" },
		{ EXIT_CODE_CR4_WRITE, CR4 | 1ull << 12, "\x0f\x22\xe0" },
		/* not what the exit says: changed since */
		{ EXIT_CODE_CR4_WRITE, CR4, "\x0f\x22\xc0" },
		{ EXIT_CODE_CR0_WRITE, CR0, "\x0f\x22\xe0" },
		{ EXIT_CODE_CR4_WRITE, CR4, "\x0f\x06\x90" },
		{ EXIT_CODE_CR0_WRITE, CR0, "\x90\x90\x90" },
		{ EXIT_CODE_IDTR_WRITE, 0, "\x0f\x01\xd9" },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		guest_setup(NULL);
		guest_put_code(table[i].bytes, 3);
		vmcb.state.rax = table[i].value;
		/* An exit that was not understood is no register's; the core refuses it. */
		guest_exit(table[i].code, 0, 0, i < 7 ? VERDICT_PERFORM : VERDICT_FAULT);
		assert_int_equal(seen.kind, i < 7 ? HF_EXIT_REGISTER : HF_EXIT_OTHER);
		assert_int_equal(vmcb.state.cr0, CR0);
		assert_int_equal(vmcb.state.cr4, CR4);
		assert_int_equal(vmcb.event_inject, GP);
		assert_int_equal(flushed, 0);
		guest_stayed();
	}
}

static void registers_performed(void **ctx)
{
	(void)ctx;
	guest_put_code("\x41\x0f\x22\xc4", 4); /* mov %r12, %cr0 */
	gprs.r[GPR_R12] = CR0 | 0x1ffc0 | 8;   /* reserved bits are ignored */
	guest_exit(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_CR0);
	assert_int_equal(seen.reg.old, CR0);
	assert_int_equal(vmcb.state.cr0, CR0 | 8);
	assert_int_equal(flushed, 1);
	guest_advanced(4);
	guest_setup(NULL);
	vmcb.state.cr0 = CR0 | 8;
	guest_put_code("\x0f\x06", 2); /* clts */
	guest_exit(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.state.cr0, CR0);
	guest_advanced(2);
	guest_setup(NULL);
	guest_put_code("\x0f\x01\xf1", 3); /* lmsw %cx: PE cannot be cleared */
	gprs.r[GPR_RCX] = 0xfffc;
	guest_exit(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.state.cr0, (CR0 & ~0xeull) | 0xd);
	guest_advanced(3);
	/* With assistance nothing is decoded; but RSP is the guest's, not ours. */
	guest_setup(NULL);
	platform.features = HF_FEATURE_DECODE_ASSIST | HF_FEATURE_NEXT_RIP;
	vmcb.state.rsp = CR4 | 0x80;
	vmcb.next_rip = RIP + 5;
	guest_exit(EXIT_CODE_CR4_WRITE, 1ull << 63 | GPR_RSP, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.state.cr4, CR4 | 0x80);
	assert_int_equal(flushed, 1);
	guest_advanced(5);
}

/* CR0.CD stays clear; the guest reads it as it has set it, and only then reads exit. */
static void cache_disable(void **ctx)
{
	const u64 cd = 1ull << 30;
	u32 before = vmcb.intercept[INTERCEPT_CR];

	(void)ctx;
	absorbed = cd;
	guest_put_code("\x0f\x22\xc0", 3); /* mov %rax, %cr0 */
	vmcb.state.rax = CR0 | cd;
	guest_exit(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.value, CR0 | cd);
	assert_int_equal(vmcb.state.cr0, CR0);
	assert_int_equal(vmcb.intercept[INTERCEPT_CR], before | 1);
	guest_advanced(3);
	/* Read into RAX, RSP and another. */
	vmcb.state.rip = RIP;
	guest_put_code("\x0f\x20\xc0", 3);
	guest_exit(EXIT_CODE_CR0_READ, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.state.rax, CR0 | cd);
	assert_int_equal(decided, 1);
	assert_int_equal(cpu.stats.exits[HF_EXIT_REGISTER], 1);
	guest_advanced(3);
	vmcb.state.rip = RIP;
	guest_put_code("\x0f\x20\xc4", 3);
	guest_exit(EXIT_CODE_CR0_READ, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.state.rsp, CR0 | cd);
	vmcb.state.rip = RIP;
	guest_put_code("\x41\x0f\x20\xc4", 4);
	guest_exit(EXIT_CODE_CR0_READ, 0, 0, VERDICT_FAULT);
	assert_int_equal(gprs.r[GPR_R12], CR0 | cd);
	guest_advanced(4);
	/* CLTS does not change it. */
	vmcb.state.rip = RIP;
	guest_put_code("\x0f\x06", 2);
	guest_exit(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.old, CR0 | cd);
	assert_int_equal(vmcb.state.cr0, CR0);
	assert_int_equal(vmcb.intercept[INTERCEPT_CR], before | 1);
	/* Neither does a write that is refused. */
	vmcb.state.rip = RIP;
	guest_put_code("\x0f\x22\xc0", 3);
	vmcb.state.rax = CR0;
	guest_exit(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.intercept[INTERCEPT_CR], before | 1);
	guest_exit(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.intercept[INTERCEPT_CR], before);
	/* SMSW is the other instruction that reads it. */
	vmcb.state.rip = RIP;
	guest_put_code("\x0f\x01\xe0", 3);
	guest_exit(EXIT_CODE_CR0_READ, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.state.rax, CR0);
	guest_advanced(3);
	/* Assisted. */
	platform.features = HF_FEATURE_DECODE_ASSIST | HF_FEATURE_NEXT_RIP;
	vmcb.next_rip = RIP + 5;
	guest_exit(EXIT_CODE_CR0_READ, 1ull << 63 | GPR_RSI, 0, VERDICT_FAULT);
	assert_int_equal(gprs.r[GPR_RSI], CR0);
	guest_advanced(5);
}

/* Nothing is lost from caches, and nobody is asked. */
static void invd(void **ctx)
{
	(void)ctx;
	guest_exit(EXIT_CODE_INVD, 0, 0, VERDICT_FAULT);
	assert_int_equal(wbinvd, 1);
	assert_int_equal(decided, 0);
	assert_int_equal(cpu.stats.exits[HF_EXIT_OTHER], 1);
	guest_advanced(2);
}

static void put_table(u16 limit, u64 base)
{
	struct table_register value = { limit, base };

	memcpy(memory + CODE + (RIP & PAGE_MASK) + 7 + 0x100, &value, sizeof(value));
	vmcb.state.rip = RIP;
}

static void gdtr(void **ctx)
{
	(void)ctx;
	vmcb.state.gdtr = (struct segment){ .limit = 0x7f, .base = 0xfffffe0000001000 };
	guest_put_code("\x0f\x01\x15\x00\x01\x00\x00", 7); /* lgdt 0x100(%rip) */
	put_table(0x7f, 0xfffffe0000001000);
	guest_exit(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_GDTR_BASE);
	assert_int_equal(seen.reg.value, seen.reg.old);
	guest_advanced(7);
	put_table(0xff, 0xfffffe0000001000);
	guest_exit(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_GDTR_LIMIT);
	assert_int_equal(seen.reg.old, 0x7f);
	assert_int_equal(seen.reg.value, 0xff);
	assert_int_equal(vmcb.state.gdtr.limit, 0xff);
	/* An empty one is no end: segments stay loaded. */
	put_table(0, 0xffff888000001000);
	guest_exit(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_SKIP);
	assert_int_equal(seen.reg.id, REG_GDTR_BASE);
	assert_int_equal(seen.reg.value, 0xffff888000001000);
	assert_false(seen.reg.fatal);
	assert_int_equal(vmcb.state.gdtr.limit, 0xff);
	assert_int_equal(vmcb.state.gdtr.base, 0xfffffe0000001000);
	guest_advanced(7);
	/* LIDT where the exit says LGDT: changed since. */
	put_table(0x7f, 0xfffffe0000001000);
	guest_put_code("\x0f\x01\x1d\x00\x01\x00\x00", 7);
	guest_exit(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_OTHER);
}

/* The kernel's stores of table registers are done: to memory, across pages, and to registers. */
static void stores(void **ctx)
{
	static const u8 gdt[] = { 0x7f, 0, 0, 0x10, 0, 0, 0, 0xfe, 0xff, 0xff };

	(void)ctx;
	vmcb.state.gdtr = (struct segment){ .limit = 0x7f, .base = 0xfffffe0000001000 };
	guest_put_code("\x0f\x01\x01", 3); /* sgdt (%rcx) */
	gprs.r[GPR_RCX] = 0xffc;
	guest_exit(EXIT_CODE_GDTR_READ, 0, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_memory_equal(memory + CODE + 0xffc, gdt, 4);
	assert_memory_equal(memory + CODE, gdt + 4, 6);
	guest_setup(NULL);
	vmcb.state.idtr = (struct segment){ .limit = 0x7f, .base = 0xfffffe0000001000 };
	guest_put_code("\x0f\x01\x09", 3); /* sidt (%rcx) */
	gprs.r[GPR_RCX] = 0x800;
	guest_exit(EXIT_CODE_IDTR_READ, 0, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_memory_equal(memory + CODE + 0x800, gdt, sizeof(gdt));
	/* What VMRUN leaves in the CPU is asked for there. */
	guest_setup(NULL);
	tr.selector = 0x40;
	guest_put_code("\x0f\x00\xc9", 3); /* str %ecx */
	guest_exit(EXIT_CODE_TR_READ, 0, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_int_equal(gprs.r[GPR_RCX], 0x40);
	guest_setup(NULL);
	vmcb.state.ldtr.selector = 0x50;
	gprs.r[GPR_RCX] = 0x800;
	guest_put_code("\x0f\x00\x01", 3); /* sldt (%rcx) */
	guest_exit(EXIT_CODE_LDTR_READ, 0, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_memory_equal(memory + CODE + 0x800, "\x50\0\0", 3);
	guest_setup(NULL);
	gprs.r[GPR_RCX] = 0x800;
	guest_put_code("\x0f\x01\x21", 3); /* smsw (%rcx) */
	guest_exit(EXIT_CODE_CR0_READ, 0, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_memory_equal(memory + CODE + 0x800, "\x33\0\0", 3);
	assert_int_equal(decided, 0);
	assert_int_equal(cpu.stats.exits[HF_EXIT_INSTRUCTION], 1);
}

/* A program's fault, whatever its code says, and nobody is asked; not in 32-bit code either. */
static void stores_of_programs(void **ctx)
{
	static const u64 codes[] = { EXIT_CODE_IDTR_READ, EXIT_CODE_GDTR_READ,
				     EXIT_CODE_LDTR_READ, EXIT_CODE_TR_READ,
				     EXIT_CODE_CR0_READ };
	size_t i;

	(void)ctx;
	for (i = 0; i < 2 * ARRAY_SIZE(codes); i++) {
		guest_setup(NULL);
		vmcb.state.cpl = 3;
		vmcb.state.cs.attributes = i % 2 ? SEGMENT_L : 0;
		guest_put_code("\x0f\x01\xe0", 3);
		guest_exit(codes[i / 2], 0, 0, VERDICT_PERFORM);
		guest_stayed();
		assert_int_equal(vmcb.event_inject, GP);
		assert_int_equal(decided, 0);
		assert_int_equal(vmcb.state.rax, 0xaaaaaaaabbbbbbbb);
		assert_int_equal(cpu.stats.exits[HF_EXIT_INSTRUCTION], 1);
	}
}

/* Nowhere to store to: no fault of the guest's own is made up. */
static void stores_nowhere(void **ctx)
{
	(void)ctx;
	memset(memory + 0x4000, 0, PAGE_SIZE);
	guest_put_code("\x0f\x01\x01", 3);
	guest_exit(EXIT_CODE_GDTR_READ, 0, 0, VERDICT_PERFORM);
	guest_stayed();
	assert_int_equal(vmcb.event_inject, GP);
}

/* With less than one gate the CPU could deliver nothing. */
static void idtr_fatal(void **ctx)
{
	(void)ctx;
	guest_put_code("\x0f\x01\x1d\x00\x01\x00\x00", 7); /* lidt 0x100(%rip) */
	put_table(15, 0);
	guest_exit(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_FAULT);
	assert_false(seen.reg.fatal);
	put_table(14, 0);
	assert_int_equal(guest_exit(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_STOP), 1);
	assert_true(seen.reg.fatal);
}

static void put_lidt(u16 limit, u64 base)
{
	guest_put_code("\x0f\x01\x1d\x00\x01\x00\x00", 7); /* lidt 0x100(%rip) */
	put_table(limit, base);
	guest_exit(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_SKIP);
}

static void put_lgdt(u16 limit, u64 base)
{
	guest_put_code("\x0f\x01\x15\x00\x01\x00\x00", 7);
	put_table(limit, base);
	guest_exit(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_SKIP);
}

/* A bring-up ends where the CPU loads the GDT that was recorded, after the IDT, and not before. */
static void waking(void **ctx)
{
	const u64 idt = 0xfffffe0000000000, gdt = 0xfffffe0000001000;

	(void)ctx;
	cpu.recorded[REG_IDTR_BASE] = idt;
	cpu.recorded[REG_IDTR_LIMIT] = 0xfff;
	cpu.recorded[REG_GDTR_BASE] = gdt;
	cpu.recorded[REG_GDTR_LIMIT] = 0x7f;
	cpu.waking = CPU_WAKING;
	put_lgdt(0x7f, 0xffff88800000b000);
	put_lidt(0x1ff, 0xffffffff82000000);
	put_lidt(0x1ff, idt);
	put_lgdt(0x7f, gdt);
	put_lgdt(0xfff, idt);
	put_lidt(0x7f, gdt);
	assert_int_equal(cpu.waking, CPU_WAKING);
	put_lidt(0xfff, idt);
	assert_int_equal(cpu.waking, CPU_WAKING_VECTORS);
	put_lgdt(0x7f, 0xffff88800000b000);
	put_lgdt(0xff, gdt);
	put_lidt(0xfff, idt);
	assert_int_equal(cpu.waking, CPU_WAKING_VECTORS);
	put_lgdt(0x7f, gdt);
	assert_int_equal(cpu.waking, CPU_AWAKE);
	/* Once and for all. */
	put_lidt(0xfff, idt);
	assert_int_equal(cpu.waking, CPU_AWAKE);
}

#define TSS	 0xfffffe0000003000ull
#define TSS_LOW	 0x00008b0030000067ull /* busy, limit 0x67 */
#define TSS_HIGH 0xfffffe00ull
#define BUSY	 BIT(41)

static void put_tss(u32 selector, u64 low, u64 high)
{
	memcpy(memory + CODE + selector, &low, sizeof(low));
	memcpy(memory + CODE + selector + 8, &high, sizeof(high));
	vmcb.state.rip = RIP;
	vmcb.interrupt_shadow = 1;
}

/* The descriptor is looked at; what is loaded already is not loaded again, nor marked. */
static void task_register(void **ctx)
{
	static const struct {
		u16 selector;
		u64 low;
	} refused[] = {
		{ 0x40, TSS_LOW },		       /* busy */
		{ 0x40, TSS_LOW & ~BUSY & ~BIT(47) },  /* not present */
		{ 0x40, (TSS_LOW & ~BUSY) | BIT(44) }, /* a segment */
		{ 0x44, TSS_LOW & ~BUSY },	       /* in the LDT */
		{ 0x03, TSS_LOW & ~BUSY },	       /* null */
		{ 0x78, TSS_LOW & ~BUSY },	       /* half beyond the limit */
	};
	size_t i;

	(void)ctx;
	vmcb.state.gdtr = (struct segment){ .limit = 0x7f, .base = 0xfffffe0000001000 };
	tr = (struct segment){ .selector = 0x40, .base = TSS, .limit = 0x4087 };
	guest_put_code("\x0f\x00\xd8", 3); /* ltr %ax */
	put_tss(0x40, TSS_LOW & ~BUSY, TSS_HIGH);
	vmcb.state.rax = 0x10040;
	guest_exit(EXIT_CODE_TR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_REGISTER);
	assert_int_equal(seen.reg.id, REG_TR_BASE);
	assert_int_equal(seen.reg.old, TSS);
	assert_int_equal(seen.reg.value, TSS);
	assert_int_equal(tr.limit, 0x4087);
	assert_int_equal(memory[CODE + 0x45] & 2, 0);
	guest_advanced(3);
	/* The same through another selector. */
	put_tss(0x60, TSS_LOW & ~BUSY, TSS_HIGH);
	vmcb.state.rax = 0x60;
	guest_exit(EXIT_CODE_TR_WRITE, 0, 0, VERDICT_FAULT);
	assert_int_equal(seen.reg.id, REG_TR_SELECTOR);
	assert_int_equal(seen.reg.old, 0x40);
	assert_int_equal(seen.reg.value, 0x60);
	guest_stayed();
	/* Another base, let through. */
	put_tss(0x40, TSS_LOW & ~BUSY, 0xffff8880);
	guest_put_code("\x0f\x00\x18", 3); /* ltr (%rax) */
	vmcb.state.rax = 0xffffffff82000800;
	memcpy(memory + CODE + 0x800, "\x40", 2);
	guest_exit(EXIT_CODE_TR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_TR_BASE);
	assert_int_equal(seen.reg.value, 0xffff888000003000);
	assert_int_equal(tr.base, 0xffff888000003000);
	assert_int_equal(tr.limit, 0x67);
	assert_int_equal(tr.attributes, 0x8b);
	guest_advanced(3);
	guest_put_code("\x0f\x00\xd8", 3);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		put_tss(refused[i].selector & ~7u, refused[i].low, TSS_HIGH);
		vmcb.state.rax = refused[i].selector;
		guest_exit(EXIT_CODE_TR_WRITE, 0, 0, VERDICT_FAULT);
		assert_int_equal(seen.kind, HF_EXIT_OTHER);
		assert_int_equal(vmcb.event_inject, GP);
		guest_stayed();
	}
}

/* lidt of ten bytes within the page of the code, which every page is. */
static void idtr(void **ctx)
{
	struct table_register value = { 0xfff, 0xfffffe0000000000 };

	(void)ctx;
	vmcb.state.idtr = (struct segment){ .limit = 0xfff, .base = 0xfffffe0000000000 };
	guest_put_code("\x0f\x01\x1d\x00\x01\x00\x00", 7); /* lidt 0x100(%rip) */
	value.limit = 0x7ff;
	memcpy(memory + CODE + (RIP & PAGE_MASK) + 7 + 0x100, &value, sizeof(value));
	guest_exit(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_IDTR_LIMIT);
	assert_int_equal(vmcb.state.idtr.limit, 0x7ff);
	guest_advanced(7);
	vmcb.state.rip = RIP;
	value = (struct table_register){ 0x123, 0xffffffff81000000 };
	memcpy(memory + CODE + (RIP & PAGE_MASK) + 7 + 0x100, &value, sizeof(value));
	guest_exit(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_IDTR_BASE);
	assert_int_equal(vmcb.state.idtr.base, 0xffffffff81000000);
	assert_int_equal(vmcb.state.idtr.limit, 0x123);
	vmcb.state.rip = RIP;
	value.base = 1ull << 60;
	memcpy(memory + CODE + (RIP & PAGE_MASK) + 7 + 0x100, &value, sizeof(value));
	guest_exit(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.state.idtr.base, 0xffffffff81000000);
	assert_int_equal(vmcb.event_inject, GP);
}

static void guest_msr(u32 msr, u64 value, enum verdict v)
{
	vmcb.state.rip = RIP;
	gprs.r[GPR_RCX] = 0xffffffff00000000 | msr;
	gprs.r[GPR_RDX] = 0xffffffff00000000 | value >> 32;
	vmcb.state.rax = 0xffffffff00000000 | (u32)value;
	guest_exit(EXIT_CODE_MSR, 1, 0, v);
}

static void guest_msr_write(u32 msr, u64 value, enum verdict v)
{
	guest_setup(NULL);
	guest_msr(msr, value, v);
}

static void msr_writes(void **ctx)
{
	(void)ctx;
	guest_msr_write(MSR_LSTAR, 0xffffffff81234560, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_MSR);
	assert_int_equal(seen.reg.id, REG_LSTAR);
	assert_int_equal(seen.reg.value, 0xffffffff81234560);
	assert_int_equal(seen.reg.hardware, MSR_LSTAR);
	assert_false(seen.reg.unknown);
	assert_int_equal(seen.reg.old, SENTINEL);
	assert_int_equal(fake_cpu_rdmsr(MSR_LSTAR), 0xffffffff81234560);
	guest_advanced(2);
	guest_msr_write(MSR_LSTAR, 1ull << 60, VERDICT_PERFORM);
	assert_int_equal(fake_cpu_rdmsr(MSR_LSTAR), SENTINEL);
	assert_int_equal(vmcb.event_inject, GP);
	guest_stayed();
	/* LMA is the processor's, SVME ours. */
	guest_msr_write(MSR_EFER, 0x901, VERDICT_PERFORM);
	assert_int_equal(vmcb.state.efer, EFER);
	assert_int_equal(flushed, 1);
	guest_msr_write(MSR_EFER, 0x801, VERDICT_PERFORM); /* without LME */
	assert_int_equal(vmcb.event_inject, GP);
	/* What shows the virtualization extension is compared with what the guest sees. */
	guest_msr_write(MSR_VM_CR, 0, VERDICT_FAULT);
	assert_int_equal(seen.reg.id, REG_VM_CR);
	assert_int_equal(seen.reg.old, 0x18);
	assert_int_equal(vmcb.event_inject, GP);
	guest_msr_write(MSR_VM_HSAVE_PA, 0, VERDICT_SKIP);
	assert_int_equal(seen.reg.id, REG_VM_HSAVE_PA);
	assert_int_equal(seen.reg.old, 0);
	assert_int_equal(fake_cpu_msr_writes(), 0);
	guest_advanced(2);
	/* Cannot be read, so that only the core's rule is asked. */
	guest_msr_write(MSR_PATCH_LOADER, 0x1000, VERDICT_FAULT);
	assert_int_equal(seen.reg.id, REG_PATCH_LOADER);
	assert_int_equal(seen.reg.old, 0);
	assert_int_equal(decided, 1);
}

/* No rule names it: the core is told what it holds. */
static void msr_unknown(void **ctx)
{
	static const u32 msrs[] = { 0x1a0, 0x4b564d01, 0xc0000104 };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		/* There is none. */
		guest_msr_write(msrs[i], 7, VERDICT_PERFORM);
		assert_int_equal(decided, 0);
		assert_int_equal(vmcb.event_inject, GP);
		assert_int_equal(cpu.stats.exits[HF_EXIT_MSR], 1);
		guest_stayed();
		guest_setup(NULL);
		fake_cpu_set_msr(msrs[i], 0x500000001);
		guest_msr(msrs[i], 0x600000002, VERDICT_PERFORM);
		assert_true(seen.reg.unknown);
		assert_int_equal(seen.reg.hardware, msrs[i]);
		assert_int_equal(seen.reg.old, 0x500000001);
		assert_int_equal(seen.reg.value, 0x600000002);
		assert_int_equal(fake_cpu_rdmsr(msrs[i]), 0x600000002);
		guest_advanced(2);
		guest_msr(msrs[i], 3, VERDICT_SKIP);
		assert_int_equal(fake_cpu_rdmsr(msrs[i]), 0x600000002);
	}
}

/* What VMRUN loads and saves is not in the CPU while the hypervisor runs. */
static void msr_switched(void **ctx)
{
	(void)ctx;
	vmcb.state.pat = 0x0007040600070406;
	guest_msr(MSR_PAT, 0x0007040600070400, VERDICT_FAULT);
	assert_int_equal(seen.reg.id, REG_PAT);
	assert_int_equal(seen.reg.old, 0x0007040600070406);
	guest_setup(NULL);
	guest_msr(MSR_S_CET, 4, VERDICT_PERFORM);
	assert_int_equal(decided, 0);
	assert_int_equal(vmcb.event_inject, GP);
	guest_setup(NULL);
	fake_cpu_set_msr(MSR_S_CET, SENTINEL);
	vmcb.state.s_cet = 4;
	guest_msr(MSR_S_CET, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_S_CET);
	assert_int_equal(seen.reg.old, 4);
	assert_int_equal(vmcb.state.s_cet, 0);
	assert_int_equal(fake_cpu_rdmsr(MSR_S_CET), SENTINEL);
	guest_advanced(2);
}

static void msr_reads(void **ctx)
{
	static const struct {
		u32 msr;
		u64 value;
	} table[] = {
		{ MSR_EFER, EFER & ~0x1000ull },
		{ MSR_VM_CR, 0x18 },
		{ MSR_VM_HSAVE_PA, 0 },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		guest_setup(NULL);
		gprs.r[GPR_RCX] = table[i].msr;
		guest_exit(EXIT_CODE_MSR, 0, 0, VERDICT_FAULT);
		assert_int_equal(vmcb.state.rax, table[i].value);
		assert_int_equal(gprs.r[GPR_RDX], 0);
		assert_int_equal(decided, 0);
		assert_int_equal(cpu.stats.exits[HF_EXIT_MSR], 1);
		guest_advanced(2);
	}
	guest_setup(NULL);
	gprs.r[GPR_RCX] = 0x40000000; /* exists nowhere */
	guest_exit(EXIT_CODE_MSR, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.event_inject, GP);
	guest_stayed();
}

/* Machine-check banks exit because no permission map covers them; they are the guest's. */
static void msr_banks(void **ctx)
{
	(void)ctx;
	guest_setup(NULL);
	fake_cpu_set_msr(0xc0002001, 0x123456789);
	gprs.r[GPR_RCX] = 0xc0002001;
	guest_exit(EXIT_CODE_MSR, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.state.rax, 0x23456789);
	assert_int_equal(gprs.r[GPR_RDX], 1);
	guest_advanced(2);
	guest_setup(NULL);
	fake_cpu_set_msr(0xc0002001, 5);
	gprs.r[GPR_RCX] = 0xc0002001;
	gprs.r[GPR_RDX] = 0;
	vmcb.state.rax = 7;
	guest_exit(EXIT_CODE_MSR, 1, 0, VERDICT_FAULT);
	assert_int_equal(fake_cpu_rdmsr(0xc0002001), 7);
	guest_advanced(2);
	guest_msr_write(0xc0002004, 7, VERDICT_PERFORM);
	assert_int_equal(vmcb.event_inject, GP);
}
#define test(name) cmocka_unit_test_setup(name, guest_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(registers_refused),
		test(registers_performed),
		test(idtr),
		test(cache_disable),
		test(invd),
		test(gdtr),
		test(stores),
		test(stores_of_programs),
		test(stores_nowhere),
		test(idtr_fatal),
		test(waking),
		test(task_register),
		test(msr_writes),
		test(msr_unknown),
		test(msr_switched),
		test(msr_reads),
		test(msr_banks),
	};

	return cmocka_run_group_tests_name("svm_registers", tests, NULL, NULL);
}
