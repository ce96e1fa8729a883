// SPDX-License-Identifier: GPL-2.0-only
#include "alternatives.h"
#include "elf.h"
#include "judge.h"
#include "layout.h"
#include "modinfo.h"
#include "relocations.h"
#include "sites.h"
#include "symbols.h"
#include "tables.h"
#include "thunks.h"

/* In the order in which the kernel does it (load_module()); what it does at once, in its order. */
int judge_make(struct module *module)
{
	int ret = layout_place(module);

	if (!ret)
		ret = symbols_resolve(module);
	if (!ret)
		ret = relocations_apply(module);
	if (!ret)
		ret = alternatives_paravirt(module);
	if (!ret)
		ret = thunks_retpolines(module);
	if (!ret)
		ret = thunks_returns(module);
	if (!ret)
		ret = alternatives_apply(module);
	if (!ret)
		ret = thunks_seal(module);
	return ret ? ret : thunks_locks(module);
}

static const struct section *section_at(const struct module *module, u32 part, u64 va)
{
	u32 i;

	for (i = 1; i < module->sections; i++)
		if (module->section[i].part == part &&
		    va - module->section[i].va < module->section[i].size)
			return &module->section[i];
	return NULL;
}

/* Says what is wrong at @offset of a part, or of pages that lie in no section. */
static int refuse_bytes(struct module *module, const struct part *part, u32 number, u64 offset)
{
	struct hf_authority_result *result = module->result;
	const struct section *section = NULL;
	u64 size = part->size - offset;

	if (size > HF_FOUND_BYTES)
		size = HF_FOUND_BYTES;
	result->part = number;
	memcpy(result->found, part->memory + offset, size);
	memcpy(result->allowed, part->expected + offset, size);
	if (number == HF_PART_THUNKS)
		offset += (u64)(part - module->thunk) * HF_PAGE_SIZE;
	else
		section = section_at(module, number, part->va + offset);
	if (!section)
		return module_refuse_file(module, HF_REFUSAL_BYTES, offset);
	return module_refuse_section(module, HF_REFUSAL_BYTES, section,
				     part->va + offset - section->va);
}

static u64 first_difference(const u8 *a, const u8 *b, u64 size)
{
	u64 i;

	for (i = 0; size - i >= 8 && get64(a + i) == get64(b + i); i += 8)
		;
	while (i < size && a[i] == b[i])
		i++;
	return i;
}

static int compare_part(struct module *module, const struct part *part, u32 number)
{
	u64 same;

	if (!part->memory)
		return 0;
	same = first_difference(part->memory, part->expected, part->size);
	if (same < part->size)
		return refuse_bytes(module, part, number, same);
	module->result->bytes += part->size;
	return 0;
}

static int compare(struct module *module)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < HF_PART_COUNT && !ret; i++)
		ret = compare_part(module, &module->part[i], i);
	for (i = 0; i < module->thunks && !ret; i++)
		ret = compare_part(module, &module->thunk[i], HF_PART_THUNKS);
	return ret;
}

int judge_module(struct module *module)
{
	int ret = elf_read(module);

	if (!ret)
		ret = modinfo_check(module);
	if (!ret)
		ret = judge_make(module);
	/* From here on also by what memory holds: these have a choice. */
	if (!ret)
		ret = tables_sort(module);
	if (!ret)
		ret = symbols_functions(module);
	if (!ret)
		ret = sites_collect(module);
	if (!ret)
		ret = compare(module);
	return ret ? ret : symbols_export(module);
}
