// SPDX-License-Identifier: GPL-2.0-only
#include "elf.h"
#include "relocations.h"

/* System V ABI, AMD64 supplement, "Relocation types". */
enum type {
	TYPE_NONE = 0,
	TYPE_64 = 1,
	TYPE_PC32 = 2,
	TYPE_PLT32 = 4,
	TYPE_32 = 10,
	TYPE_32S = 11,
	TYPE_PC64 = 24,
};

static u32 size_of(u32 type)
{
	switch (type) {
	case TYPE_64:
	case TYPE_PC64:
		return 8;
	case TYPE_32:
	case TYPE_32S:
	case TYPE_PC32:
	case TYPE_PLT32:
		return 4;
	default:
		return 0;
	}
}

static bool fits(u32 type, u64 value)
{
	if (type == TYPE_32)
		return value == (u32)value;
	if (size_of(type) == 4)
		return value == (u64)(s64)(s32)value;
	return true;
}

static int apply(struct module *module, const struct section *table, u64 offset)
{
	const struct section *target = &module->section[table->info];
	const u8 *entry = table->file + offset;
	u64 place = get64(entry), value = get64(entry + 16);
	u32 type = get32(entry + 8), number = get32(entry + 12), size = size_of(type);
	static const u8 zero[8];

	if (type == TYPE_NONE)
		return 0;
	if (!size || number >= module->symbols || !within(place, size, target->size) ||
	    !module->symbol[number].known)
		return module_refuse_section(module, HF_REFUSAL_RELOCATION, table, offset);
	value += module->symbol[number].value;
	if (type == TYPE_PC32 || type == TYPE_PLT32 || type == TYPE_PC64)
		value -= target->va + place;
	/* The loader wants zero there: so no byte is relocated twice to different ends. */
	if (!fits(type, value) || memcmp(target->bytes + place, zero, size))
		return module_refuse_section(module, HF_REFUSAL_RELOCATION, table, offset);
	if (size == 8)
		put64(target->bytes + place, value);
	else
		put32(target->bytes + place, value);
	return 0;
}

static int apply_table(struct module *module, const struct section *table)
{
	u64 offset;
	int ret = 0;

	if (table->info >= module->sections)
		return module_refuse_section(module, HF_REFUSAL_RELOCATION, table, 0);
	if (!(module->section[table->info].flags & ELF_ALLOC))
		return 0;
	if (table->flags & ELF_RELA_LIVEPATCH)
		return module_refuse_section(module, HF_REFUSAL_MODE, table, 0);
	if (table->type == ELF_REL || table->link != module->symbol_table ||
	    table->size % ELF_RELA_SIZE)
		return module_refuse_section(module, HF_REFUSAL_RELOCATION, table, 0);
	/* What is written to anyway is not made. */
	if (!module->section[table->info].bytes)
		return 0;
	for (offset = 0; offset < table->size && !ret; offset += ELF_RELA_SIZE)
		ret = apply(module, table, offset);
	return ret;
}

int relocations_apply(struct module *module)
{
	int ret = 0;
	u32 i;

	for (i = 1; i < module->sections && !ret; i++)
		if (module->section[i].type == ELF_RELA || module->section[i].type == ELF_REL)
			ret = apply_table(module, &module->section[i]);
	return ret;
}
