// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/io.h>

#include <holdfast/service/authority.h>
#include <holdfast/service/call.h>
#include <holdfast/service/domain.h>

#include "authority.h"
#include "compat/facts.h"
#include "compat/keys.h"
#include "compat/loader.h"
#include "compat/modules.h"
#include "service.h"

/* One module at a time is brought. Also guards the page. */
static DEFINE_MUTEX(asking);
static struct page *page; /* for requests; there from authority_prepare() on */
static bool locked;

static unsigned int approved, refused; /* under the mutex */
module_param(approved, uint, 0444);
MODULE_PARM_DESC(approved, "modules that the authority approved (read only)");
module_param(refused, uint, 0444);
MODULE_PARM_DESC(refused, "modules that it refused, or was not asked about (read only)");

/* ---- requests ---- */

static int ask(u32 operation, const void *payload, size_t size)
{
	struct hf_service_call *call = page_address(page);
	int ret;

	call->service = HF_SERVICE_AUTHORITY;
	call->operation = operation;
	call->size = size;
	call->token = 0;
	call->reserved = 0;
	memcpy(call->payload, payload, size);
	ret = service_ask(page);
	return ret ? ret : call->status;
}

static u64 gpa_of(const void *at)
{
	bool module = (u64)at - MODULES_VADDR < MODULES_END - MODULES_VADDR;

	return module || is_vmalloc_addr(at) ? page_to_phys(vmalloc_to_page(at)) : __pa(at);
}

/* False: the list is full. */
static bool lend_page(struct hf_service_call *call, u64 gpa)
{
	struct hf_service_lent *next = &call->lent[call->lent_count];

	if (call->lent_count && gpa == next[-1].gpa + next[-1].npages * PAGE_SIZE) {
		next[-1].npages++;
		return true;
	}
	if (call->lent_count == HF_LENT_RANGES)
		return false;
	*next = (struct hf_service_lent){ gpa, 1 };
	call->lent_count++;
	return true;
}

/* Of @npages from @at on as many as one request can lend; how many. */
static u64 lend(const void *at, u64 npages)
{
	struct hf_service_call *call = page_address(page);
	u64 most = min(npages, (u64)HF_DOMAIN_WINDOW_PAGES), done = 0;

	call->lent_count = 0;
	while (done < most && lend_page(call, gpa_of(at + done * PAGE_SIZE)))
		done++;
	return done;
}

/* @at: page aligned. Nobody writes to these pages meanwhile. */
static int give(u32 operation, struct hf_authority_piece piece, const void *at, u64 size)
{
	int ret = 0;

	do {
		piece.size = min(lend(at, DIV_ROUND_UP(size, PAGE_SIZE)) * PAGE_SIZE, size);
		ret = ask(operation, &piece, sizeof(piece));
		at += piece.size;
		size -= piece.size;
	} while (size && !ret);
	return ret;
}

/* What shares its pages with something else: a copy of it. */
static int give_copy(u32 operation, u32 what, const void *bytes, size_t size)
{
	const struct hf_authority_piece piece = { .what = what };
	void *copy = vmalloc(size);
	int ret;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, size);
	ret = give(operation, piece, copy, size);
	vfree(copy);
	return ret;
}

/* ---- what is recorded ---- */

static int record_key(u32 record, const void *bytes, size_t size, void *arg)
{
	++*(unsigned int *)arg;
	return give_copy(HF_AUTHORITY_RECORD, record, bytes, size);
}

static int record_facts(void)
{
	struct hf_authority_facts *facts = kzalloc(sizeof(*facts), GFP_KERNEL);
	int ret;

	if (!facts)
		return -ENOMEM;
	ret = facts_find(facts);
	if (!ret)
		ret = give_copy(HF_AUTHORITY_RECORD, HF_RECORD_FACTS, facts, sizeof(*facts));
	kfree(facts);
	return ret;
}

static int record_exports(void)
{
	const struct hf_authority_piece piece = { .what = HF_RECORD_EXPORTS };
	struct hf_authority_exporter kernel;
	int ret = facts_exports(&kernel);

	if (!ret)
		ret = give_copy(HF_AUTHORITY_RECORD, HF_RECORD_KERNEL, &kernel, sizeof(kernel));
	return ret ? ret
		   : give(HF_AUTHORITY_RECORD, piece, (const void *)kernel.memory.va,
			  kernel.memory.size);
}

static int bring_rodata(enum hf_module_part number, void *start, size_t size, void *arg)
{
	const struct hf_authority_piece piece = { .what = HF_BRING_PART, .index = number };
	struct hf_authority_memory *memory = arg;

	if (number != HF_PART_RODATA)
		return 0;
	memory->va = (u64)start;
	memory->size = size;
	return give(HF_AUTHORITY_BRING, piece, start, size);
}

/* One that is there: what it exports, and where its per-CPU data lies. */
static int record_module(const struct module *module, void *arg)
{
	const struct hf_authority_piece start = { .what = HF_BRING_START };
	struct hf_authority_resident resident = { 0 };
	int ret = give(HF_AUTHORITY_BRING, start, NULL, 0);

	modules_exports(module, &resident.exporter);
	strscpy(resident.name, module->name, sizeof(resident.name));
	if (!ret)
		ret = modules_parts(module, bring_rodata, &resident.exporter.memory);
	return ret ? ret
		   : give_copy(HF_AUTHORITY_RECORD, HF_RECORD_MODULE, &resident,
			       sizeof(resident));
}

static int record(const u32 *entry, unsigned int count)
{
	unsigned int keys = 0;
	int ret = record_facts();

	if (!ret)
		ret = keys_each(record_key, &keys);
	if (!ret)
		ret = record_exports();
	if (!ret)
		ret = give_copy(HF_AUTHORITY_RECORD, HF_RECORD_ENTRIES, entry,
				count * sizeof(*entry));
	if (!ret)
		ret = modules_each(record_module, NULL);
	if (ret)
		pr_err("what the authority has to know could not be recorded: %d\n", ret);
	else
		pr_info("authority: %u keys and revocations, %u entries\n", keys, count);
	return ret;
}

int authority_record(const u32 *entry, unsigned int count)
{
	int ret;

	if (!page)
		return 0;
	mutex_lock(&asking);
	ret = record(entry, count);
	mutex_unlock(&asking);
	return ret;
}

/* ---- modules ---- */

static int bring_part(enum hf_module_part number, void *start, size_t size, void *arg)
{
	struct hf_authority_request *request = arg;
	const struct hf_authority_piece piece = { .what = HF_BRING_PART, .index = number };

	request->part[number] = (struct hf_authority_memory){ (u64)start, 0, size };
	if (number != HF_PART_TEXT && number != HF_PART_RODATA && number != HF_PART_INIT_TEXT &&
	    number != HF_PART_INIT_RODATA)
		return 0;
	return give(HF_AUTHORITY_BRING, piece, start, size);
}

static int bring_thunk(void *start, void *arg)
{
	const struct hf_authority_piece piece = { .what = HF_BRING_THUNKS, .va = (u64)start };

	return give(HF_AUTHORITY_BRING, piece, start, PAGE_SIZE);
}

static int bring(const struct module *module, struct hf_authority_request *request)
{
	const struct hf_authority_piece start = { .what = HF_BRING_START };
	const struct hf_authority_piece piece = { .what = HF_BRING_FILE };
	size_t size = 0;
	const void *file = loader_file(&size);
	int ret;

	if (!file)
		return -ENOENT;
	ret = give(HF_AUTHORITY_BRING, start, NULL, 0);
	if (!ret)
		ret = give(HF_AUTHORITY_BRING, piece, file, size);
	request->file_size = size;
	request->percpu = modules_percpu(module);
	if (!ret)
		ret = modules_parts(module, bring_part, request);
	return ret ? ret : modules_thunks(module, bring_thunk, NULL);
}

static void report(const struct module *module, int error)
{
	const struct hf_service_call *call = page_address(page);
	const struct hf_authority_result *result = (const void *)call->payload;

	if (!error)
		pr_info("module %s is approved, %llu bytes, %u sites\n", module->name,
			result->bytes, result->site_count);
	else if (call->operation == HF_AUTHORITY_MODULE && call->status == error)
		pr_warn("module %s is refused: reason %u, section %d, part %u, offset %#llx, "
			"found %*ph, allowed %*ph\n",
			module->name, result->refusal, (int)result->section, result->part,
			result->offset, HF_FOUND_BYTES, result->found, HF_FOUND_BYTES,
			result->allowed);
	else
		pr_warn("module %s is refused: error %d on the way\n", module->name, error);
}

static int judge(const struct module *module)
{
	struct hf_authority_request request = { .size = sizeof(request) };
	struct hf_service_call *call = page_address(page);
	int ret;

	mutex_lock(&asking);
	ret = bring(module, &request);
	call->lent_count = 0;
	if (!ret)
		ret = ask(HF_AUTHORITY_MODULE, &request, sizeof(request));
	report(module, ret);
	*(ret ? &refused : &approved) += 1;
	mutex_unlock(&asking);
	return ret;
}

/* One that was refused is not known there. */
static void gone(const struct module *module)
{
	struct hf_service_call *call = page_address(page);
	u8 name[HF_MODULE_NAME] = { 0 };

	strscpy(name, module->name, sizeof(name));
	mutex_lock(&asking);
	call->lent_count = 0;
	ask(HF_AUTHORITY_GONE, name, sizeof(name));
	mutex_unlock(&asking);
}

/* What is refused by its word is told from what it could not be asked about. */
static int answer(int error)
{
	if (!error)
		return NOTIFY_DONE;
	return notifier_from_errno(error == -EPERM ? -EKEYREJECTED : -EIO);
}

static int changed(struct notifier_block *unused, unsigned long state, void *data)
{
	const struct module *module = data;

	if (!READ_ONCE(locked))
		return NOTIFY_DONE;
	if (state == MODULE_STATE_COMING)
		return answer(judge(module));
	if (state == MODULE_STATE_GOING)
		gone(module);
	return NOTIFY_DONE;
}

/* Last: memory is final then, and no code of the module has run. */
static struct notifier_block notifier = { .notifier_call = changed, .priority = INT_MIN };

int authority_prepare(void)
{
	int ret = loader_watch();

	if (ret || page)
		return ret;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	ret = register_module_notifier(&notifier);
	if (ret) {
		__free_page(page);
		page = NULL;
	}
	return ret;
}

void authority_begin(void)
{
	WRITE_ONCE(locked, page != NULL);
}
