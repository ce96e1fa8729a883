// SPDX-License-Identifier: GPL-2.0-only
#include "authority.h"
#include "judge.h"
#include "signature.h"

/* Modes in which the kernel changes modules in ways that no rule here describes. */
#define MODES_REFUSED HF_FACT_CALL_DEPTH

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
		ret = judge_module(&module);
	if (!ret)
		report(&module);
	result->status = ret;
	return ret;
}
