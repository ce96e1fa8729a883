// SPDX-License-Identifier: GPL-2.0-only
#include "module.h"

static int refuse(struct module *module, enum hf_refusal refusal, u32 section, u64 offset)
{
	module->result->refusal = refusal;
	module->result->section = section;
	module->result->offset = offset;
	return -HF_EPERM;
}

int module_refuse(struct module *module, enum hf_refusal refusal)
{
	return refuse(module, refusal, HF_SECTION_NONE, 0);
}

int module_refuse_file(struct module *module, enum hf_refusal refusal, u64 offset)
{
	return refuse(module, refusal, HF_SECTION_NONE, offset);
}

int module_refuse_section(struct module *module, enum hf_refusal refusal,
			  const struct section *section, u64 offset)
{
	return refuse(module, refusal, (u32)(section - module->section), offset);
}

int module_no_memory(struct module *module)
{
	module_refuse(module, HF_REFUSAL_REQUEST);
	return -HF_ENOMEM;
}

struct section *module_section(const struct module *module, const char *name)
{
	u32 i;

	for (i = 1; i < module->sections; i++)
		if (module->section[i].part != HF_PART_COUNT && module->section[i].size &&
		    !strcmp(module->section[i].name, name))
			return &module->section[i];
	return NULL;
}

static u8 *find(const struct part *part, u64 va, u64 size)
{
	if (!part->expected || va < part->va || !within(va - part->va, size, part->size))
		return NULL;
	return part->expected + (va - part->va);
}

u8 *module_expected(const struct module *module, u64 va, u64 size)
{
	u8 *at = NULL;
	u32 i;

	for (i = 0; i < HF_PART_COUNT && !at; i++)
		at = find(&module->part[i], va, size);
	return at;
}

u8 *module_code(const struct module *module, u64 va, u64 size)
{
	u8 *at = find(&module->part[HF_PART_TEXT], va, size);

	return at ? at : find(&module->part[HF_PART_INIT_TEXT], va, size);
}

static const struct part *holder(const struct module *module, const u8 *at)
{
	const struct part *part;

	for (part = module->part; part < module->part + HF_PART_COUNT; part++)
		if (part->expected && at >= part->expected && at < part->expected + part->size)
			return part;
	return NULL;
}

const u8 *module_memory(const struct module *module, const u8 *expected)
{
	const struct part *part = holder(module, expected);

	return part ? part->memory + (expected - part->expected) : NULL;
}

u64 module_left(const struct module *module, const u8 *at)
{
	const struct part *part = holder(module, at);

	return part ? part->size - (u64)(at - part->expected) : 0;
}
