// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <holdfast/hypercall.h>

#include "call.h"
#include "compat/modules.h"
#include "compat/probes.h"
#include "compat/runtime.h"
#include "lock.h"
#include "patching.h"
#include "ranges.h"

/* What is seen half way, such as init code that is freed in the background, is over by then. */
#define ATTEMPTS   60
#define ATTEMPT_MS 50

/* Kept: a lock that failed late leaves them with the hypervisor. Under the device's lock. */
static struct ranges *ranges;
static struct patching *patching;

/* For a second look at the same things. NULL: not enough memory; none may have been found. */
static struct hf_range *copy_found(void)
{
	size_t bytes = (ranges->count - ranges->given) * sizeof(ranges->range[0]);
	struct hf_range *copy = kvmalloc(bytes, GFP_KERNEL);

	if (copy)
		memcpy(copy, &ranges->range[ranges->given], bytes);
	return copy;
}

/*
 * What is found again once each page is held can no longer have been freed, and given to
 * somebody else, between the first look and the holding.
 */
static int find_again(void)
{
	unsigned int count = ranges->count;
	struct hf_range *first = copy_found();
	int ret;

	if (!first)
		return -ENOMEM;
	ret = ranges_find(ranges);
	if (!ret &&
	    (ranges->count != count || memcmp(first, &ranges->range[ranges->given],
					      (count - ranges->given) * sizeof(*first)))) {
		ranges->reason = HF_LOCK_MOVING;
		ret = -EAGAIN;
	}
	/* The references are to what was found first. */
	ranges->count = count;
	memcpy(&ranges->range[ranges->given], first, (count - ranges->given) * sizeof(*first));
	kvfree(first);
	return ret;
}

static int find_and_hold(void)
{
	int ret = ranges_find(ranges);

	if (ret)
		return ret;
	ranges_hold(ranges);
	ret = find_again();
	if (ret)
		ranges_release(ranges);
	return ret;
}

/* Code is at rest from the look at what is patched until none can be patched otherwise. */
static int seal(struct hf_ctl_lock *ctl)
{
	int ret = patching_find(patching, ranges);

	if (ret) {
		ranges->reason = patching->reason;
		ranges->va = patching->va;
		return ret;
	}
	ctl->failed_call = HF_CALL_PROTECT;
	ret = call_give(HF_CALL_PROTECT, &ranges->range[ranges->given],
			sizeof(ranges->range[0]), ranges->count - ranges->given,
			&ranges->given);
	if (ret)
		return ret;
	ret = patching_register(patching, &ctl->failed_call);
	if (ret)
		return ret;
	ctl->failed_call = HF_CALL_LOCK;
	ret = call_make(HF_CALL_LOCK, 0, 0);
	if (!ret)
		ctl->failed_call = 0;
	return ret;
}

static int find_and_seal(struct hf_ctl_lock *ctl)
{
	int ret = find_and_hold();

	if (ret)
		return ret;
	patching_hold();
	probes_close();
	ret = seal(ctl);
	if (ret)
		probes_open();
	patching_release();
	if (ret)
		ranges_release(ranges);
	return ret;
}

/* Modules and BPF programs stand still from the first look until all is sealed. */
static int attempt(struct hf_ctl_lock *ctl)
{
	int ret = modules_hold(&ranges->va);

	if (ret) {
		ranges->reason = HF_LOCK_MODULE;
		return ret;
	}
	runtime_hold();
	ret = find_and_seal(ctl);
	if (ret) {
		runtime_release();
		modules_release();
	} else {
		modules_keep();
	}
	return ret;
}

static const char *const sentences[] = {
	[HF_LOCK_LAYOUT] = "the kernel image is not laid out as expected",
	[HF_LOCK_UNKNOWN_CODE] = "an executable page belongs to nobody",
	[HF_LOCK_WRITABLE_CODE] = "a page is executable and writable",
	[HF_LOCK_WRITABLE] = "what is to be read-only is writable",
	[HF_LOCK_MODULE] = "a module is being loaded or unloaded",
	[HF_LOCK_TOO_MANY] = "there is more to seal than the hypervisor has room for",
	[HF_LOCK_MOVING] = "what is to be sealed keeps changing",
	[HF_LOCK_SITE] =
		"the kernel patches code that belongs to nobody, or calls it from there",
	[HF_LOCK_UNIPROC] = "the kernel runs without lock prefixes and could start another CPU",
	[HF_LOCK_CALL_DEPTH] = "the kernel counts call depth (retbleed=stuff)",
};

static void report(struct hf_ctl_lock *ctl)
{
	unsigned int i;

	ctl->ranges = ranges->count;
	ctl->pages = 0;
	for (i = 0; i < ranges->count; i++) {
		const struct hf_range *range = &ranges->range[i];

		pr_debug("range %#llx at %#llx, %llu pages, kind %u\n", range->va, range->gpa,
			 range->npages, range->kind);
		ctl->pages += range->npages;
	}
	pr_info("%u sites, %u entries, %u probes, %u pieces not to be probed\n",
		patching->sites, patching->entries, patching->probes,
		patching->policy.noprobe_count);
}

static bool prepare(const struct hf_ctl_lock *ctl)
{
	if (!ranges)
		ranges = vzalloc(sizeof(*ranges));
	if (!patching)
		patching = vzalloc(sizeof(*patching));
	if (!ranges || !patching)
		return false;
	patching->policy.size = sizeof(patching->policy);
	patching->policy.ftrace = ctl->ftrace;
	patching->policy.kprobes = ctl->kprobes;
	patching->policy.livepatch = ctl->livepatch;
	return true;
}

int lock_run(struct hf_ctl_lock *ctl)
{
	unsigned int i;
	int ret;

	static_assert(ARRAY_SIZE(sentences) == HF_LOCK_REASON_COUNT, "a sentence for each");
	ctl->failed_call = 0;
	ctl->reason = HF_LOCK_NONE;
	ctl->va = 0;
	if (!prepare(ctl))
		return -ENOMEM;
	for (i = 1; (ret = attempt(ctl)) == -EAGAIN && !ctl->failed_call && i < ATTEMPTS; i++)
		msleep(ATTEMPT_MS);
	ctl->reason = ctl->failed_call ? HF_LOCK_NONE : ranges->reason;
	ctl->va = ctl->failed_call ? 0 : ranges->va;
	if (ret && ctl->reason)
		pr_err("not locked: %s: %px\n", sentences[ctl->reason], (void *)ranges->va);
	if (ret)
		return ret;
	report(ctl);
	vfree(patching);
	patching = NULL;
	return 0;
}
