// SPDX-License-Identifier: GPL-2.0-only
#include "elf.h"
#include "layout.h"

/* The loader's: what it does not load, though the file says so, and what is frozen after init. */
static bool left_out(const char *name)
{
	return !strcmp(name, ".modinfo") || !strcmp(name, "__versions") ||
	       !strcmp(name, ".data..percpu");
}

static bool frozen_later(const char *name)
{
	return !strcmp(name, ".data..ro_after_init") || !strcmp(name, "__jump_table");
}

static bool is_init(const char *name)
{
	return !strncmp(name, ".init", 5);
}

/* Parts that nothing of the guest can write to, in the end. */
static bool is_compared(u32 part)
{
	return part == HF_PART_TEXT || part == HF_PART_RODATA || part == HF_PART_INIT_TEXT ||
	       part == HF_PART_INIT_RODATA;
}

/* Those of which tables are read: what the file makes of the others does not matter. */
static bool is_made(u32 part)
{
	return is_compared(part) || part == HF_PART_RO_AFTER_INIT;
}

static u32 part_of(const struct section *section)
{
	bool init = is_init(section->name);

	if (!(section->flags & ELF_ALLOC) || left_out(section->name))
		return HF_PART_COUNT;
	if (section->flags & ELF_EXECUTE)
		return init ? HF_PART_INIT_TEXT : HF_PART_TEXT;
	/* What is frozen later counts as such although it is written to, but only if it is. */
	if (!(section->flags & ELF_WRITE))
		return init ? HF_PART_INIT_RODATA : HF_PART_RODATA;
	if (frozen_later(section->name))
		return HF_PART_RO_AFTER_INIT;
	return init ? HF_PART_INIT_DATA : HF_PART_DATA;
}

/* Sections of a part come in the order of the file. @used: of each part, grows. */
static int place(struct module *module, struct section *section, u64 used[HF_PART_COUNT])
{
	u64 align = section->align ? section->align : 1, start;

	section->part = part_of(section);
	if (section->part == HF_PART_COUNT)
		return 0;
	if (align & (align - 1) || align > HF_PAGE_SIZE || (section->flags & ELF_COMPRESSED) ||
	    (section->flags & ELF_EXECUTE && section->flags & ELF_WRITE) ||
	    (section->flags & ELF_EXECUTE && section->type == ELF_NOBITS))
		return module_refuse_section(module, HF_REFUSAL_LAYOUT, section, 0);
	start = (used[section->part] + align - 1) & ~(align - 1);
	if (section->size > UINT32_MAX || start + section->size > UINT32_MAX)
		return module_refuse_section(module, HF_REFUSAL_LAYOUT, section, 0);
	used[section->part] = start + section->size;
	section->va = start + module->part[section->part].va;
	return 0;
}

static bool apart(const struct part *a, const struct part *b)
{
	return !a->size || !b->size || a->va + a->size <= b->va || b->va + b->size <= a->va;
}

bool layout_free(const struct module *module, const struct part *part)
{
	const struct hf_authority_facts *facts = module->facts;
	u32 i;

	if (part->va & PAGE_REST || part->va < facts->module_start ||
	    !within(part->va - facts->module_start, part->size,
		    facts->module_end - facts->module_start))
		return false;
	for (i = 0; i < HF_PART_COUNT; i++)
		if (part != &module->part[i] && !apart(part, &module->part[i]))
			return false;
	for (i = 0; i < module->thunks; i++)
		if (part != &module->thunk[i] && !apart(part, &module->thunk[i]))
			return false;
	return true;
}

static bool part_good(const struct module *module, u32 number, u64 used)
{
	const struct part *part = &module->part[number];

	if (!part->size)
		return !used;
	if (!layout_free(module, part))
		return false;
	/* The loader puts names of symbols behind data. */
	if (!is_made(number))
		return used <= part->size;
	return part->size == ((used + PAGE_REST) & ~PAGE_REST);
}

/* Padding is zero: the loader clears what it allocates. */
static int make_part(struct module *module, u32 number)
{
	struct part *part = &module->part[number];
	const struct hf_authority_memory *memory = &module->request->part[number];

	if (!part->size || !is_made(number))
		return 0;
	if (is_compared(number)) {
		if (!within(memory->at, memory->size, module->authority->window_size))
			return module_refuse(module, HF_REFUSAL_REQUEST);
		part->memory = module->authority->window + memory->at;
	}
	part->expected = arena_take(module->arena, part->size, 1);
	return part->expected ? 0 : module_no_memory(module);
}

/* The file's bytes; of what is written to, only the one table that others are read from. */
static int fill(struct module *module, struct section *section)
{
	if (section->part == HF_PART_COUNT || !section->size)
		return 0;
	if (is_made(section->part))
		section->bytes = module->part[section->part].expected +
				 (section->va - module->part[section->part].va);
	else if (!strcmp(section->name, ".static_call_sites"))
		section->bytes = arena_take(module->arena, section->size, 1);
	else
		return 0;
	if (!section->bytes)
		return module_no_memory(module);
	if (section->type != ELF_NOBITS)
		memcpy(section->bytes, section->file, section->size);
	return 0;
}

int layout_measure(struct module *module, u64 used[HF_PART_COUNT])
{
	int ret = 0;
	u32 i;

	for (i = 0; i < HF_PART_COUNT; i++) {
		module->part[i].va = module->request->part[i].va;
		module->part[i].size = module->request->part[i].size;
	}
	for (i = 1; i < module->sections && !ret; i++)
		ret = place(module, &module->section[i], used);
	return ret;
}

int layout_place(struct module *module)
{
	u64 used[HF_PART_COUNT] = { 0 };
	int ret = layout_measure(module, used);
	u32 i;

	for (i = 0; i < HF_PART_COUNT && !ret; i++) {
		if (!part_good(module, i, used[i])) {
			module->result->part = i;
			return module_refuse(module, HF_REFUSAL_LAYOUT);
		}
		ret = make_part(module, i);
	}
	for (i = 1; i < module->sections && !ret; i++)
		ret = fill(module, &module->section[i]);
	return ret;
}
