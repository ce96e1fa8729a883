// SPDX-License-Identifier: GPL-2.0-only
#include "alternatives.h"
#include "authority.h"
#include "elf.h"
#include "layout.h"
#include "modinfo.h"
#include "module.h"
#include "relocations.h"
#include "signature.h"
#include "sites.h"
#include "symbols.h"
#include "tables.h"
#include "thunks.h"

/* Modes in which the kernel changes modules in ways that no rule here describes. */
#define MODES_REFUSED (HF_FACT_CALL_DEPTH | HF_FACT_ITS)

static int check_request(struct module *module)
{
	const struct hf_authority_request *request = module->request;
	const struct hf_authority_facts *facts = module->facts;

	if (request->size != sizeof(*request) || facts->size != sizeof(*facts) ||
	    !within(request->file_at, request->file_size, module->authority->window_size))
		return module_refuse(module, HF_REFUSAL_REQUEST);
	if ((facts->loader != HF_LOADER_6_1 && facts->loader != HF_LOADER_6_12) ||
	    facts->capability_count > HF_CAPABILITY_WORDS || facts->pv_count > HF_PV_OPS_MAX ||
	    facts->module_end < facts->module_start || facts->percpu_end < facts->percpu_start)
		return module_refuse(module, HF_REFUSAL_REQUEST);
	if (facts->flags & MODES_REFUSED)
		return module_refuse(module, HF_REFUSAL_MODE);
	return 0;
}

/* In the order in which the kernel does it (load_module()); what it does at once, in its order. */
static int make(struct module *module)
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
	if (!ret)
		ret = thunks_locks(module);
	if (!ret)
		ret = tables_sort(module);
	return ret ? ret : sites_collect(module);
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

/* Says what is wrong at @offset of a part. */
static int refuse_bytes(struct module *module, u32 number, u64 offset)
{
	struct hf_authority_result *result = module->result;
	const struct part *part = &module->part[number];
	const struct section *section = section_at(module, number, part->va + offset);
	u64 size = part->size - offset;

	if (size > HF_FOUND_BYTES)
		size = HF_FOUND_BYTES;
	result->part = number;
	memcpy(result->found, part->memory + offset, size);
	memcpy(result->allowed, part->expected + offset, size);
	if (!section)
		return module_refuse_file(module, HF_REFUSAL_BYTES, offset);
	return module_refuse_section(module, HF_REFUSAL_BYTES, section,
				     part->va + offset - section->va);
}

static int compare(struct module *module)
{
	const struct part *part;
	u64 offset;
	u32 i;

	for (i = 0; i < HF_PART_COUNT; i++) {
		part = &module->part[i];
		if (!part->memory)
			continue;
		for (offset = 0; offset < part->size; offset++)
			if (part->memory[offset] != part->expected[offset])
				return refuse_bytes(module, i, offset);
		module->result->bytes += part->size;
	}
	return 0;
}

/* What the hypervisor is to keep of it. */
static void report(struct module *module)
{
	module->result->site_count = module->sites;
	module->result->sites_at = (u64)((u8 *)module->site - module->arena->base);
	module->result->section = HF_SECTION_NONE;
}

int authority_module(const struct authority *authority,
		     const struct hf_authority_request *request, struct arena *arena,
		     struct hf_authority_result *result)
{
	struct module module = { .authority = authority,
				 .facts = authority->facts,
				 .request = request,
				 .result = result,
				 .arena = arena };
	int ret;

	*result = (struct hf_authority_result){ .size = sizeof(*result) };
	ret = check_request(&module);
	if (!ret)
		ret = signature_verify(&module, authority->window + request->file_at,
				       request->file_size);
	if (!ret)
		ret = elf_read(&module);
	if (!ret)
		ret = modinfo_check(&module);
	if (!ret)
		ret = make(&module);
	if (!ret)
		ret = compare(&module);
	if (!ret)
		ret = symbols_export(&module);
	if (!ret)
		report(&module);
	result->status = ret;
	return ret;
}
