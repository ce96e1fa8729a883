// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <hv/arch/fake/fake.h>
#include <hv/backend.h>
#include <hv/owner.h>
#include <hv/protect.h>
#include "fuzz.h"
#include "machine.h"
#include "model.h"

#define PAGES	  (FAKE_RAM_BYTES / PAGE_SIZE)
#define WITNESSES 12u
/* Of pages that nothing happened to, one in so many is looked at: all would be most of the work. */
#define SAMPLE 37u

/* A sealed page and what it held when it was sealed. */
struct witness {
	u64 at;
	u8 bytes[HF_PAGE_SIZE];
};

static struct {
	u32 action;
	bool locked;
	u32 service[PAGES];   /* whose; 0: no service's */
	u32 lent[PAGES];      /* to whom */
	u8 registered[PAGES]; /* enum hf_kind, HF_KIND_NONE: not */
	bool admitted[PAGES]; /* by "allow": the kernel may run it though it is not sealed */
	u64 sealed;
	u64 registers[MACHINE_CPUS][FAKE_REGISTERS]; /* at lock */
	u32 witnesses;
	struct witness witness[WITNESSES];
} model;

void model_begin(u32 action)
{
	memset(&model, 0, offsetof(typeof(model), witness));
	model.action = action;
}

bool model_is_locked(void)
{
	return model.locked;
}

/* ---- what is told ---- */

void model_registered(const struct hf_range *ranges, u32 count)
{
	u32 i;
	u64 n;

	for (i = 0; i < count; i++) {
		for (n = 0; n < ranges[i].npages; n++) {
			u64 page = ranges[i].gpa / PAGE_SIZE + n;

			if (page >= PAGES || model.registered[page])
				fuzz_fail("model: page %llx registered",
					  (unsigned long long)page);
			model.registered[page] = (u8)ranges[i].kind;
		}
	}
}

void model_forgot(void)
{
	memset(model.registered, HF_KIND_NONE, sizeof(model.registered));
}

static u32 sealed_as(u64 at)
{
	return model.locked && at < FAKE_RAM_BYTES ? model.registered[at / PAGE_SIZE]
						   : HF_KIND_NONE;
}

bool model_is_root(u64 at)
{
	return sealed_as(at) == HF_KIND_ROOT;
}

bool model_is_table(u64 at)
{
	return sealed_as(at) == HF_KIND_ROOT || sealed_as(at) == HF_KIND_TABLE;
}

bool model_is_free_entry(u64 at)
{
	u64 entry;

	if (!model_is_table(at))
		return false;
	memcpy(&entry, fake.ram + at, sizeof(entry));
	return !(entry & FAKE_ENTRY_VALID) || !sealed_as(entry & FAKE_ADDRESS);
}

void model_donated(const struct hf_domain *domain)
{
	u64 n, page;
	u32 i;

	for (i = 0; i < domain->range_count; i++) {
		for (n = 0; n < domain->range[i].npages; n++) {
			page = domain->range[i].gpa / PAGE_SIZE + n;
			if (model_due(page * PAGE_SIZE) != HF_PERM_ALL)
				fuzz_fail("model: page %llx given to a service",
					  (unsigned long long)page);
			model.service[page] = domain->service;
		}
	}
}

void model_lent(u64 gpa, u64 npages, u32 service)
{
	u64 n, page;

	for (n = 0; n < npages; n++) {
		page = gpa / PAGE_SIZE + n;
		if (service && !(model_due(page * PAGE_SIZE) & HF_PERM_WRITE))
			fuzz_fail("model: page %llx lent", (unsigned long long)page);
		model.lent[page] = service;
	}
}

u32 model_service(u64 at)
{
	return at < FAKE_RAM_BYTES ? model.service[at / PAGE_SIZE] : 0;
}

u32 model_lent_to(u64 at)
{
	return at < FAKE_RAM_BYTES ? model.lent[at / PAGE_SIZE] : 0;
}

static void watch(u64 page)
{
	struct witness *w = &model.witness[model.witnesses];

	if (model.witnesses == WITNESSES || (model_due(page * PAGE_SIZE) & HF_PERM_WRITE) ||
	    model_is_table(page * PAGE_SIZE))
		return;
	w->at = page * PAGE_SIZE;
	memcpy(w->bytes, fake.ram + w->at, PAGE_SIZE);
	model.witnesses++;
}

void model_locked(void)
{
	u64 page;
	u32 i;

	model.locked = true;
	for (page = 0; page < PAGES; page++) {
		if (!model.registered[page])
			continue;
		model.sealed++;
		/* The first of each run. */
		if (!page || model.registered[page - 1] != model.registered[page])
			watch(page);
	}
	for (i = 0; i < MACHINE_CPUS; i++)
		memcpy(model.registers[i], fake.vcpu[i]->registers, sizeof(model.registers[i]));
}

static void forget(u64 at)
{
	u32 i;

	for (i = 0; i < model.witnesses; i++)
		if (model.witness[i].at == at)
			model.witness[i] = model.witness[--model.witnesses];
}

void model_exit(u64 at, bool kernel_fetch)
{
	u64 page = at / PAGE_SIZE;

	if (model.action != HF_ACTION_ALLOW || !model.locked || page >= PAGES)
		return;
	/* Tables may have run out: then it was refused. */
	if (!model.registered[page] && kernel_fetch && !owner_page(gpa(at)).confined)
		model.admitted[page] = true;
	if (!model.registered[page] || owner_page(gpa(at)).state == PAGE_SEALED)
		return;
	model.admitted[page] = true;
	model.registered[page] = HF_KIND_NONE;
	model.sealed--;
	forget(page * PAGE_SIZE);
}

/* ---- what is due ---- */

static bool is_ours(u64 at)
{
	return (at >= 32 * FAKE_MIB && at < 36 * FAKE_MIB) ||
	       (at >= 48 * FAKE_MIB && at < 52 * FAKE_MIB);
}

static bool is_ram(u64 at)
{
	return at < FAKE_LOW_END || (at >= FAKE_RAM_START && at < FAKE_RAM_END) ||
	       (at >= FAKE_HIGH_START && at < FAKE_HIGH_END);
}

static u32 kind_due(u32 kind)
{
	switch (kind) {
	case HF_KIND_TEXT:
	case HF_KIND_MODULE_TEXT:
	case HF_KIND_RUNTIME_CODE:
	case HF_KIND_FIRMWARE:
		return HF_PERM_READ | HF_PERM_KERNEL_EXEC;
	case HF_KIND_VDSO:
		return HF_PERM_READ | HF_PERM_USER_EXEC;
	case HF_KIND_DATA:
		return HF_PERM_READ | HF_PERM_WRITE;
	default:
		return HF_PERM_READ;
	}
}

u32 model_due(u64 at)
{
	u32 kind = at < FAKE_RAM_BYTES ? model.registered[at / PAGE_SIZE] : HF_KIND_NONE;

	if (is_ours(at) || at >= FAKE_LIMIT || model_service(at))
		return 0;
	if (model_lent_to(at))
		return HF_PERM_READ;
	if (model.locked && kind)
		return kind_due(kind);
	if (is_ram(at))
		return model.locked && !model.admitted[at / PAGE_SIZE]
			       ? HF_PERM_ALL & ~HF_PERM_KERNEL_EXEC
			       : HF_PERM_ALL;
	if (at >= FAKE_HOTPLUG_START && at < FAKE_HOTPLUG_END)
		return HF_PERM_ALL & ~HF_PERM_KERNEL_EXEC;
	return HF_PERM_READ | HF_PERM_WRITE;
}

bool model_is_buffer(u64 at, bool answered)
{
	bool sealed = model.locked && is_ram(at) && model.registered[at / PAGE_SIZE];

	return is_ram(at) && !is_ours(at) && !model_service(at) &&
	       !((sealed || model_lent_to(at)) && answered);
}

/* ---- what is checked ---- */

void model_check_page(u64 at)
{
	u32 due = backend_stage2_admissible(model_due(at));
	u32 tables = backend_stage2_permission(gpa(at));
	struct page page = owner_page(gpa(at));

	if (tables != due || backend_stage2_admissible(owner_permission(page)) != due)
		fuzz_fail("model: page %llx: tables %x owner %x, due %x",
			  (unsigned long long)at, tables, owner_permission(page), due);
	/* I2 */
	if ((page.state == PAGE_HYPERVISOR) != is_ours(at) ||
	    (page.state == PAGE_SERVICE) != !!model_service(at))
		fuzz_fail("model: page %llx has state %d", (unsigned long long)at, page.state);
	/* I1, of what is under control: what is sealed, and all else where the tables can */
	if ((page.state == PAGE_SEALED || (page.confined && protect_confines())) &&
	    (tables & HF_PERM_WRITE) && (tables & HF_PERM_KERNEL_EXEC))
		fuzz_fail("model: page %llx: writable and executable", (unsigned long long)at);
}

/* I1, I3: nothing that a CPU remembers is more than what the tables give. */
static void check_translations(const struct vcpu *vcpu)
{
	u32 i;

	for (i = 0; i < FAKE_TLB_ENTRIES; i++) {
		const struct fake_translation *t = &vcpu->tlb[i];

		if (t->perm & ~backend_stage2_permission(gpa(t->page)))
			fuzz_fail("model: a CPU may still do %x with page %llx", t->perm,
				  (unsigned long long)t->page);
	}
}

/* The bits of a register that @rule pins where @at_lock was found at lock; I4. */
static u64 pinned(const struct register_rule *rule, u64 at_lock)
{
	switch (rule->kind) {
	case RULE_KEEP_SET:
		return rule->mask & at_lock;
	case RULE_KEEP_CLEAR:
		return rule->mask & ~at_lock;
	default:
		return rule->mask;
	}
}

static void check_registers(u32 cpu)
{
	const struct register_rule *rules;
	u32 i, count;

	rules = backend_register_rules(&count);
	for (i = 0; i < count; i++) {
		const struct register_rule *rule = &rules[i];
		u64 was = model.registers[cpu][rule->reg];

		/* "allow" gives way where nothing of the hypervisor's is at stake. */
		if (model.action == HF_ACTION_ALLOW &&
		    (rule->kind == RULE_KEEP_SET || rule->kind == RULE_ROOT ||
		     rule->kind == RULE_LOCKED))
			continue;
		if (rule->kind == RULE_ROOT &&
		    model_is_root(fake.vcpu[cpu]->registers[rule->reg] & rule->mask))
			continue;
		if ((fake.vcpu[cpu]->registers[rule->reg] ^ was) & pinned(rule, was))
			fuzz_fail("model: CPU %u: %s has moved from %llx to %llx", cpu,
				  rule->name, (unsigned long long)was,
				  (unsigned long long)fake.vcpu[cpu]->registers[rule->reg]);
	}
}

void model_check(void)
{
	u32 i;

	if (protect_locked() != model.locked || owner_sealed() != model.sealed)
		fuzz_fail("model: locked %d sealed %llu", protect_locked(),
			  (unsigned long long)owner_sealed());
	for (i = 0; i < MACHINE_CPUS; i++)
		check_translations(fake.vcpu[i]);
	for (i = 0; i < MACHINE_CPUS && model.locked; i++)
		check_registers(i);
	for (i = 0; i < model.witnesses; i++) {
		const struct witness *w = &model.witness[i];

		model_check_page(w->at);
		if (memcmp(fake.ram + w->at, w->bytes, PAGE_SIZE))
			fuzz_fail("model: page %llx has changed", (unsigned long long)w->at);
	}
}

static bool near_registered(u64 page)
{
	return model.registered[page] || (page && model.registered[page - 1]) ||
	       (page + 1 < PAGES && model.registered[page + 1]);
}

void model_check_all(void)
{
	u64 page;

	for (page = 0; page < PAGES; page++)
		if (page % SAMPLE == 0 || near_registered(page))
			model_check_page(page * PAGE_SIZE);
	/* Nothing names what follows: a look at what the tables translate, and beyond. */
	model_check_page(FAKE_LIMIT - PAGE_SIZE);
	model_check_page(FAKE_LIMIT);
}
