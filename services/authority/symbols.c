// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/site.h>

#include "elf.h"
#include "symbols.h"
#include "tables.h"

#define INDEX_UNDEFINED 0u
#define INDEX_RESERVED	0xff00u
#define INDEX_ABSOLUTE	0xfff1u

#define BIND(info)    ((info) >> 4)
#define TYPE(info)    ((info)&15)
#define BIND_WEAK     2
#define TYPE_FUNCTION 2

/* struct kernel_symbol: three displacements from where they stand: value, name, namespace. */
#define EXPORT_SIZE 12u

/* ---- tables of exports ---- */

/* @size bytes of an exporter at @va, or NULL. */
static const u8 *exported(const struct authority *authority,
			  const struct hf_authority_exporter *exporter, u64 va, u64 size)
{
	const struct hf_authority_memory *memory = &exporter->memory;

	if (va < memory->va || !within(va - memory->va, size, memory->size) ||
	    !within(memory->at, memory->size, authority->window_size))
		return NULL;
	return authority->window + memory->at + (va - memory->va);
}

/* Compares a name with that of an entry; false: the entry is malformed. */
static bool compare(const struct authority *authority,
		    const struct hf_authority_exporter *exporter, u64 entry, const char *name,
		    int *order)
{
	const u8 *bytes = exported(authority, exporter, entry, EXPORT_SIZE), *at;
	u64 va, left;

	if (!bytes)
		return false;
	va = entry + 4 + get_displacement(bytes + 4);
	at = exported(authority, exporter, va, 1);
	if (!at)
		return false;
	left = exporter->memory.size - (va - exporter->memory.va);
	for (; left; left--) {
		*order = (int)(u8)*name - (int)*at++;
		if (*order || !*name++)
			return true;
	}
	return false;
}

/* The tables are in the order of names: scripts/module.lds, include/asm-generic/vmlinux.lds.h. */
static bool search(const struct authority *authority,
		   const struct hf_authority_exporter *exporter, u32 table, const char *name,
		   u64 *value)
{
	u64 low = 0, high = exporter->count[table], middle, entry;
	int order;

	if (high > exporter->memory.size / EXPORT_SIZE)
		return false;
	while (low < high) {
		middle = low + (high - low) / 2;
		entry = exporter->symbols[table] + middle * EXPORT_SIZE;
		if (!compare(authority, exporter, entry, name, &order))
			return false;
		if (order < 0) {
			high = middle;
		} else if (order > 0) {
			low = middle + 1;
		} else {
			*value = entry + get_displacement(exported(authority, exporter, entry,
								   EXPORT_SIZE));
			return true;
		}
	}
	return false;
}

/* No two exporters have the same name (symbols_export()): the order does not matter. */
static bool find(const struct authority *authority, const char *name, u64 *value)
{
	u32 i;

	for (i = 0; i < authority->exporters; i++)
		if (search(authority, &authority->exporter[i], 0, name, value) ||
		    search(authority, &authority->exporter[i], 1, name, value))
			return true;
	return false;
}

/* ---- per-CPU data ---- */

static const struct section *percpu_section(const struct module *module)
{
	u32 i;

	for (i = 1; i < module->sections; i++)
		if (module->section[i].flags & ELF_ALLOC &&
		    !strcmp(module->section[i].name, ".data..percpu"))
			return &module->section[i];
	return NULL;
}

/* In the part of the first chunk that is reserved for modules, where no other module's is. */
static int check_percpu(struct module *module, const struct section *section)
{
	u64 start = module->request->percpu, size = section->size;
	const struct hf_authority_facts *facts = module->facts;
	const struct hf_authority_exporter *other;
	u64 align = section->align ? section->align : 1;
	u32 i;

	if (align & (align - 1) || start & (align - 1) || start < facts->percpu_start ||
	    !within(start - facts->percpu_start, size, facts->percpu_end - facts->percpu_start))
		return module_refuse_section(module, HF_REFUSAL_LAYOUT, section, 0);
	for (i = 0; i < module->authority->exporters; i++) {
		other = &module->authority->exporter[i];
		if (start < other->percpu + other->percpu_size && other->percpu < start + size)
			return module_refuse_section(module, HF_REFUSAL_LAYOUT, section, 0);
	}
	module->result->exporter.percpu = start;
	module->result->exporter.percpu_size = size;
	return 0;
}

/* ---- symbols ---- */

static int resolve(struct module *module, struct symbol *symbol, const struct section *percpu)
{
	const struct section *section;
	u64 offset = (u64)(symbol - module->symbol) * ELF_SYMBOL_SIZE;

	symbol->known = true;
	if (symbol->section == INDEX_ABSOLUTE)
		return 0;
	if (symbol->section == INDEX_UNDEFINED) {
		if (!find(module->authority, symbol->name, &symbol->value) &&
		    BIND(symbol->info) != BIND_WEAK)
			return module_refuse_section(module, HF_REFUSAL_SYMBOL,
						     &module->section[module->symbol_table],
						     offset);
		return 0;
	}
	if (symbol->section >= INDEX_RESERVED || symbol->section >= module->sections)
		return module_refuse_section(module, HF_REFUSAL_SYMBOL,
					     &module->section[module->symbol_table], offset);
	section = &module->section[symbol->section];
	symbol->known = section == percpu || section->part != HF_PART_COUNT;
	symbol->value += section == percpu ? module->request->percpu : section->va;
	return 0;
}

int symbols_resolve(struct module *module)
{
	const struct section *percpu = percpu_section(module);
	int ret = 0;
	u32 i;

	if (percpu && percpu->size)
		ret = check_percpu(module, percpu);
	else if (module->request->percpu)
		ret = module_refuse(module, HF_REFUSAL_REQUEST);

	/* The first one is none. */
	for (i = 1; i < module->symbols && !ret; i++)
		ret = resolve(module, &module->symbol[i], percpu);
	return ret;
}

static bool is_function(const struct module *module, const struct symbol *symbol)
{
	return TYPE(symbol->info) == TYPE_FUNCTION && symbol->section != INDEX_UNDEFINED &&
	       symbol->section < module->sections &&
	       module->section[symbol->section].part == HF_PART_TEXT &&
	       symbol->value >= HF_CODE_BASE;
}

int symbols_functions(struct module *module)
{
	struct pair *pair = arena_take(module->arena, module->symbols, sizeof(*pair));
	u64 count = 0, i;

	module->entry = arena_take(module->arena, module->symbols, sizeof(*module->entry));
	if (!pair || !module->entry)
		return module_no_memory(module);
	for (i = 1; i < module->symbols; i++)
		if (is_function(module, &module->symbol[i]))
			pair[count++].key = module->symbol[i].value - HF_CODE_BASE;
	tables_sort_pairs(pair, count);
	for (i = 0; i < count; i++)
		if (!i || pair[i].key != pair[i - 1].key)
			module->entry[module->entries++] = (u32)pair[i].key;
	return 0;
}

/* ---- what it exports ---- */

static int check_export(struct module *module, const struct section *table, u64 offset)
{
	const u8 *name = module_expected(module, module_points(table, offset + 4), 1);
	u64 value, left = name ? module_left(module, name) : 0;

	if (!name || !memchr(name, 0, left))
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
	if (find(module->authority, (const char *)name, &value))
		return module_refuse_section(module, HF_REFUSAL_SYMBOL, table, offset);
	return 0;
}

static int export_table(struct module *module, u32 number, const char *name)
{
	struct hf_authority_exporter *exporter = &module->result->exporter;
	const struct section *table = module_section(module, name);
	int ret = 0;
	u64 i;

	if (!table || !table->size)
		return 0;
	if (!table->bytes || table->size % EXPORT_SIZE)
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, 0);
	for (i = 0; i < table->size && !ret; i += EXPORT_SIZE)
		ret = check_export(module, table, i);
	exporter->symbols[number] = table->va;
	exporter->count[number] = table->size / EXPORT_SIZE;
	return ret;
}

int symbols_export(struct module *module)
{
	struct hf_authority_exporter *exporter = &module->result->exporter;
	int ret = export_table(module, 0, "__ksymtab");

	exporter->memory = module->request->part[HF_PART_RODATA];
	exporter->entries_at = (u64)((u8 *)module->entry - module->arena->base);
	exporter->entry_count = module->entries;
	return ret ? ret : export_table(module, 1, "__ksymtab_gpl");
}
