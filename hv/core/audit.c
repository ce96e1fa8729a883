// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each page may be used for by the second-level tables, next to what its owner says. Tells
 * the guest nothing it could not find out by trying.
 */
#include <hv/audit.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/owner.h>

/* Of addresses that one call looks at. */
#define AUDIT_BYTES (1ull << 30)

/*
 * Pages from @at on, below @end, that one entry of the tables and one run of the owner map cover.
 * Under the owner lock, as a transition changes one before the other; taken anew for each step,
 * so that whoever waits for this CPU, or for the lock, waits for one step only.
 */
static struct hf_page_run look(struct cpu *cpu, struct gpa at, u64 end)
{
	struct owner_locked locked = owner_lock(cpu);
	struct hf_page_run run = { .gpa = at.raw };
	struct page page;
	u64 most;

	run.permission = (u8)backend_stage2_run(at, &most);
	if (most > (end - at.raw) / PAGE_SIZE)
		most = (end - at.raw) / PAGE_SIZE;
	page = owner_run(at, most, &run.npages);
	owner_unlock(locked);
	run.state = (u8)page.state;
	run.kind = (u8)page.kind;
	run.due = (u8)backend_stage2_admissible(owner_permission(page));
	return run;
}

static bool alike(const struct hf_page_run *a, const struct hf_page_run *b)
{
	return a->state == b->state && a->kind == b->kind && a->permission == b->permission &&
	       a->due == b->due;
}

u32 audit_pages(struct cpu *cpu, struct gpa start, struct hf_page_run *runs)
{
	u64 limit = backend_gpa_limit().raw, at = start.raw, end = limit;
	u32 count = 0;

	if (limit - at > AUDIT_BYTES)
		end = at + AUDIT_BYTES;
	while (at < end) {
		struct hf_page_run run = look(cpu, gpa(at), end);

		if (count && alike(&runs[count - 1], &run))
			runs[count - 1].npages += run.npages;
		else if (count < HF_PAGE_RUNS)
			runs[count++] = run;
		else
			break;
		at += run.npages * PAGE_SIZE;
	}
	return count;
}
