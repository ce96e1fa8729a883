// SPDX-License-Identifier: GPL-2.0-only
#include <linux/acpi.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/realmode.h>
#include <asm/smp.h>

#include <holdfast/hypercall.h>

#include "call.h"
#include "compat/symbols.h"
#include "startup.h"

#define INVALID_APIC_ID 0xff /* ACPI 6.4, 5.2.12.2 */

/* What the first instructions of a CPU push, before it has a stack of its own. */
static u8 stack[256] __aligned(16);

/* ---- the firmware's list ---- */

/* NULL where the machine has none. To be given back with acpi_put_table. */
static struct acpi_table_header *madt_get(void)
{
	struct acpi_table_header *table;

	if (acpi_disabled || ACPI_FAILURE(acpi_get_table(ACPI_SIG_MADT, 1, &table)))
		return NULL;
	return table;
}

/* The entry after @entry, or the first for NULL; NULL at the end, or where the table is broken. */
static const struct acpi_subtable_header *madt_next(const struct acpi_table_header *table,
						    const struct acpi_subtable_header *entry)
{
	const void *end = (const void *)table + table->length;
	const void *next = (const void *)table + sizeof(struct acpi_table_madt);

	if (entry)
		next = (const void *)entry + entry->length;
	entry = next;
	if (next + sizeof(*entry) > end || entry->length < sizeof(*entry) ||
	    next + entry->length > end)
		return NULL;
	return entry;
}

/* Whether the entry is of a CPU in service, and its APIC id. */
static bool madt_cpu(const struct acpi_subtable_header *entry, u32 *id)
{
	const struct acpi_madt_local_apic *local = (const void *)entry;
	const struct acpi_madt_local_x2apic *x2 = (const void *)entry;

	if (entry->type == ACPI_MADT_TYPE_LOCAL_APIC && entry->length >= sizeof(*local)) {
		*id = local->id;
		return (local->lapic_flags & ACPI_MADT_ENABLED) && *id != INVALID_APIC_ID;
	}
	if (entry->type == ACPI_MADT_TYPE_LOCAL_X2APIC && entry->length >= sizeof(*x2)) {
		*id = x2->local_apic_id;
		return x2->lapic_flags & ACPI_MADT_ENABLED;
	}
	return false;
}

static bool online(u32 id)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) if (per_cpu(x86_cpu_to_apicid, cpu) == id) return true;
	return false;
}

enum hf_reason startup_check(void)
{
	struct acpi_table_header *table = madt_get();
	const struct acpi_subtable_header *entry = NULL;
	enum hf_reason reason = HF_REASON_NONE;
	u32 id;

	if (num_possible_cpus() > num_present_cpus())
		reason = HF_REASON_CPU_SLOTS;
	/* Without the list nobody knows how many CPUs wait for a start-up interrupt. */
	if (!table)
		reason = HF_REASON_CPU_MISSING;
	while (table && (entry = madt_next(table, entry)))
		if (madt_cpu(entry, &id) && !online(id))
			reason = HF_REASON_CPU_MISSING;
	if (table)
		acpi_put_table(table);
	return reason;
}

static enum hf_reason describe_io_apics(struct hf_boot *boot)
{
	struct acpi_table_header *table = madt_get();
	const struct acpi_subtable_header *entry = NULL;
	const struct acpi_madt_io_apic *io;
	enum hf_reason reason = HF_REASON_NONE;

	/* Guarding but a part of them would be worth nothing. */
	if (!table)
		return boot->flags & HF_BOOT_INIT_GUARD ? HF_REASON_PLATFORM : HF_REASON_NONE;
	while ((entry = madt_next(table, entry))) {
		io = (const void *)entry;
		if (entry->type != ACPI_MADT_TYPE_IO_APIC || entry->length < sizeof(*io))
			continue;
		if (boot->io_apic_count == HF_IO_APICS_MAX)
			reason = HF_REASON_PLATFORM;
		else
			boot->io_apic[boot->io_apic_count++] = io->address;
	}
	acpi_put_table(table);
	return reason;
}

/*
 * The entry runs verify_cpu() on the stack it finds, then goes on as the kernel's variables tell:
 * its own page tables, stack and code (arch/x86/kernel/head_64.S, secondary_startup_64).
 */
enum hf_reason startup_describe(struct hf_boot *boot)
{
	boot->startup = (struct hf_startup){
		.rip = symbols.secondary_startup_64,
		.root = __pa_symbol(symbols.init_top_pgt),
		.stack = (unsigned long)(stack + sizeof(stack)),
		.place = (*symbols.real_mode_header)->trampoline_start >> PAGE_SHIFT,
	};
	return describe_io_apics(boot);
}

/* ---- taking CPUs down and up again ---- */

bool startup_allow_hotplug(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	const struct hf_info *info;
	bool allowed;

	if (!page)
		return false;
	info = page_address(page);
	allowed = call_make(HF_CALL_INFO, page_to_phys(page), 0) == 0 &&
		  (info->features & HF_FEATURE_RESTART);
	__free_page(page);
	return allowed;
}
