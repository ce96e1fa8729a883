// SPDX-License-Identifier: GPL-2.0-only
#include "elf.h"

/* Offsets in the header, in a section's, and in a symbol (ELF-64 object file format). */
#define HEADER_SIZE	    64u
#define HEADER_TYPE	    16u
#define HEADER_MACHINE	    18u
#define HEADER_SECTIONS	    40u
#define HEADER_SECTION_SIZE 58u
#define HEADER_COUNT	    60u
#define HEADER_NAMES	    62u
#define SECTION_SIZE	    64u

#define TYPE_OBJECT    1u
#define MACHINE_X86_64 62u
#define SECTIONS_MAX   4096u
#define NAME_MAX       512u

static const u8 magic[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

/* A string that ends in @table, and within what the kernel takes for a name; or NULL. */
static const char *string(const u8 *table, u64 size, u64 offset)
{
	u64 end;

	for (end = offset; end < size && end - offset < NAME_MAX; end++)
		if (!table[end])
			return (const char *)table + offset;
	return NULL;
}

static int read_section(struct module *module, u32 number, const u8 *header)
{
	struct section *section = &module->section[number];
	u64 offset = get64(header + 24);

	section->type = get32(header + 4);
	section->flags = get64(header + 8);
	section->size = get64(header + 32);
	section->link = get32(header + 40);
	section->info = get32(header + 44);
	section->align = get64(header + 48);
	section->part = HF_PART_COUNT;
	section->name = "";
	if (number == 0)
		return 0;
	if (section->type != ELF_NOBITS && !within(offset, section->size, module->file_size))
		return module_refuse_section(module, HF_REFUSAL_FILE, section, 0);
	section->file = module->file + (section->type == ELF_NOBITS ? 0 : offset);
	return 0;
}

static int read_names(struct module *module, const u8 *headers, u32 names)
{
	const struct section *table = &module->section[names];
	struct section *section;
	u32 i;

	if (table->type != ELF_STRTAB)
		return module_refuse_section(module, HF_REFUSAL_FILE, table, 0);
	for (i = 1; i < module->sections; i++) {
		section = &module->section[i];
		section->name = string(table->file, table->size,
				       get32(headers + (u64)i * SECTION_SIZE));
		if (!section->name)
			return module_refuse_section(module, HF_REFUSAL_FILE, section, 0);
	}
	return 0;
}

static int check_unique(struct module *module)
{
	const struct section *section = module->section;
	u32 i, j;

	for (i = 1; i < module->sections; i++)
		for (j = 1; j < i && section[i].flags & ELF_ALLOC; j++)
			if (section[j].flags & ELF_ALLOC &&
			    !strcmp(section[i].name, section[j].name))
				return module_refuse_section(module, HF_REFUSAL_FILE,
							     &section[i], 0);
	return 0;
}

static int read_sections(struct module *module)
{
	u64 offset = get64(module->file + HEADER_SECTIONS);
	u32 count = get16(module->file + HEADER_COUNT);
	u32 names = get16(module->file + HEADER_NAMES), i;
	const u8 *headers = module->file + offset;
	int ret = 0;

	if (get16(module->file + HEADER_SECTION_SIZE) != SECTION_SIZE || count < 2 ||
	    count > SECTIONS_MAX || names >= count ||
	    !within(offset, (u64)count * SECTION_SIZE, module->file_size))
		return module_refuse_file(module, HF_REFUSAL_FILE, HEADER_SECTIONS);
	module->section = arena_take(module->arena, count, sizeof(*module->section));
	if (!module->section)
		return module_no_memory(module);
	module->sections = count;
	/* The first one is none: it must not be loaded either. */
	if (get64(headers + 8))
		return module_refuse_section(module, HF_REFUSAL_FILE, module->section, 0);
	for (i = 0; i < count && !ret; i++)
		ret = read_section(module, i, headers + (u64)i * SECTION_SIZE);
	if (!ret)
		ret = read_names(module, headers, names);
	return ret ? ret : check_unique(module);
}

static int read_symbol(struct module *module, const struct section *strings, u32 number,
		       const u8 *entry)
{
	struct symbol *symbol = &module->symbol[number];

	symbol->name = string(strings->file, strings->size, get32(entry));
	symbol->info = entry[4];
	symbol->section = get16(entry + 6);
	symbol->value = get64(entry + 8);
	if (!symbol->name)
		return module_refuse_section(module, HF_REFUSAL_FILE,
					     &module->section[module->symbol_table],
					     (u64)number * ELF_SYMBOL_SIZE);
	return 0;
}

static int read_symbols(struct module *module)
{
	const struct section *table = NULL, *strings;
	int ret = 0;
	u32 i;

	for (i = 1; i < module->sections; i++) {
		if (module->section[i].type != ELF_SYMTAB)
			continue;
		if (table)
			return module_refuse_section(module, HF_REFUSAL_FILE,
						     &module->section[i], 0);
		table = &module->section[i];
		module->symbol_table = i;
	}
	if (!table || table->link >= module->sections || table->size % ELF_SYMBOL_SIZE ||
	    table->size / ELF_SYMBOL_SIZE > UINT32_MAX)
		return module_refuse(module, HF_REFUSAL_FILE);
	strings = &module->section[table->link];
	if (strings->type != ELF_STRTAB)
		return module_refuse_section(module, HF_REFUSAL_FILE, strings, 0);
	module->symbols = (u32)(table->size / ELF_SYMBOL_SIZE);
	module->symbol = arena_take(module->arena, module->symbols, sizeof(*module->symbol));
	if (!module->symbol)
		return module_no_memory(module);
	for (i = 0; i < module->symbols && !ret; i++)
		ret = read_symbol(module, strings, i, table->file + (u64)i * ELF_SYMBOL_SIZE);
	return ret;
}

int elf_read(struct module *module)
{
	const u8 *file = module->file;
	int ret;

	if (module->file_size < HEADER_SIZE || memcmp(file, magic, sizeof(magic)) ||
	    get16(file + HEADER_TYPE) != TYPE_OBJECT ||
	    get16(file + HEADER_MACHINE) != MACHINE_X86_64)
		return module_refuse_file(module, HF_REFUSAL_FILE, 0);
	ret = read_sections(module);
	return ret ? ret : read_symbols(module);
}
