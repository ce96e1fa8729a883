// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "audit.h"
#include "owners.h"
#include "walk.h"

struct request {
	struct hf_ctl_audit *ctl;
	struct hf_audit_run *runs;
};

/* One run of the walk is several where its pages have different owners. */
static int take(const struct walk_run *run, void *arg)
{
	struct request *request = arg;
	u64 done, npages;

	for (done = 0; done < run->npages; done += npages) {
		u64 offset = done << PAGE_SHIFT;
		enum hf_kind kind;

		if (request->ctl->count == HF_AUDIT_RUNS) {
			request->ctl->va = run->va + offset;
			return 1;
		}
		npages = run->npages - done;
		kind = owners_run(run->va + offset, run->gpa + offset, &npages);
		request->runs[request->ctl->count++] = (struct hf_audit_run){
			.va = run->va + offset,
			.gpa = run->gpa + offset,
			.npages = npages,
			.rights = run->rights,
			.kind = kind,
		};
	}
	cond_resched();
	return 0;
}

void audit_run(struct hf_ctl_audit *ctl, struct hf_audit_run *runs)
{
	struct request request = { ctl, runs };
	unsigned long from = max_t(unsigned long, ctl->va, walk_kernel_start());

	ctl->va = 0;
	ctl->count = 0;
	walk_kernel(from, 0, take, &request);
}
