// SPDX-License-Identifier: GPL-2.0-only
/* Guard of data: sealed pages, and those that are not the guest's at all. */
#include <hv/event.h>
#include <hv/memory.h>
#include <hv/protect.h>
#include <hv/shootdown.h>
#include <hv/string.h>

void data_record(struct cpu *cpu, const struct exit *exit, u32 asset, u32 done)
{
	const struct exit_memory *m = &exit->memory;
	struct hf_event event = {
		.kind = HF_EVENT_MEMORY,
		.access = m->access,
		.action = done,
		.width = m->width,
		.asset = asset,
		.va = m->va.raw,
		.gpa = m->gpa.raw,
	};

	if (m->access == HF_ACCESS_WRITE)
		memcpy(&event.new_value, m->bytes, m->width < 8 ? m->width : 8);
	event_record(cpu, exit, &event);
}

/*
 * Action "allow": the page becomes the guest's again, or kernel-executable, for good. So each page
 * makes one event and is open afterwards: an access cannot be let through without opening the page,
 * short of emulating whatever instruction made it. -EINVAL: another CPU has been faster.
 */
static int open_page(struct cpu *cpu, const struct exit *exit, struct page page)
{
	const struct hf_range range = {
		.gpa = exit->memory.gpa.raw & ~PAGE_MASK,
		.npages = 1,
		.kind = page.kind,
	};
	struct owner_locked owner = owner_lock(cpu);
	int error = page.state == PAGE_SEALED ? owner_open(owner, &range, 1)
					      : owner_admit(owner, &range, 1);

	if (!error)
		shootdown_settle(owner);
	owner_unlock(owner);
	return error;
}

enum verdict data_access(struct cpu *cpu, struct exit *exit, struct page page)
{
	u32 asset = HF_ASSET_MEMORY | page.kind;
	bool code = page.state == PAGE_GUEST && exit->memory.access == HF_ACCESS_EXECUTE;

	if ((page.state == PAGE_SEALED || code) && protect_action() == HF_ACTION_ALLOW) {
		if (!open_page(cpu, exit, page)) {
			data_record(cpu, exit, asset, HF_ACTION_ALLOW);
			return VERDICT_RETRY;
		}
		if (!code && owner_state(exit->memory.gpa) == PAGE_GUEST)
			return VERDICT_RETRY;
	}
	data_record(cpu, exit, asset, HF_ACTION_DENY);
	return VERDICT_FAULT;
}

/* Denied whatever the action: there is nothing of the guest's here to let it have. */
enum verdict data_hidden(struct cpu *cpu, struct exit *exit, struct page page)
{
	data_record(cpu, exit,
		    page.state == PAGE_ABSENT ? HF_ASSET_ABSENT : HF_ASSET_HYPERVISOR,
		    HF_ACTION_DENY);
	return VERDICT_FAULT;
}
