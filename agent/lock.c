// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <holdfast/hypercall.h>

#include "authority.h"
#include "call.h"
#include "compat/modules.h"
#include "compat/probes.h"
#include "compat/runtime.h"
#include "inject.h"
#include "later.h"
#include "lock.h"
#include "patching.h"
#include "ranges.h"

/* What is seen half way, such as init code that is freed in the background, is over by then. */
#define ATTEMPTS   60
#define ATTEMPT_MS 50

/* While a lock is tried. Under the device's lock. */
static struct ranges *ranges;
static struct patching *patching;
static bool confined; /* only what is sealed as code will be executable */

/* For a second look at the same things. NULL: not enough memory; none may have been found. */
static struct hf_range *copy_found(void)
{
	size_t bytes = ranges->count * sizeof(ranges->range[0]);
	struct hf_range *copy = kvmalloc(bytes, GFP_KERNEL);

	if (copy)
		memcpy(copy, ranges->range, bytes);
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
	    (ranges->count != count || memcmp(first, ranges->range, count * sizeof(*first)))) {
		ranges->reason = HF_LOCK_MOVING;
		ret = -EAGAIN;
	}
	/* The references are to what was found first. */
	ranges->count = count;
	memcpy(ranges->range, first, count * sizeof(*first));
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

/* What a lock that failed has left with the hypervisor goes first. */
static int hand_over(struct hf_ctl_lock *ctl)
{
	unsigned int given = 0;
	int ret;

	ctl->failed_call = HF_CALL_FORGET;
	ret = call_early(HF_CALL_FORGET, 0, 0);
	if (ret)
		return ret;
	ctl->failed_call = HF_CALL_PROTECT;
	ret = call_give(HF_CALL_PROTECT, ranges->range, sizeof(ranges->range[0]), ranges->count,
			&given);
	return ret ? ret : patching_register(patching, &ctl->failed_call);
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
	ret = hand_over(ctl);
	if (ret)
		return ret;
	ctl->failed_call = HF_CALL_SERVICE;
	ret = authority_record(patching->entry, patching->entries);
	if (ret)
		return ret;
	ctl->failed_call = HF_CALL_LOCK;
	ret = call_lock();
	if (ret)
		return ret;
	authority_begin();
	ctl->failed_call = 0;
	return 0;
}

static int find_and_seal(struct hf_ctl_lock *ctl)
{
	bool wanted = patching->policy.kprobes == HF_POLICY_ON, optimised;
	int ret = find_and_hold();

	if (ret)
		return ret;
	patching_hold();
	optimised = probes_close(wanted);
	ret = seal(ctl);
	if (ret)
		probes_open();
	patching_release();
	if (ret)
		ranges_release(ranges);
	else if (wanted && !optimised)
		pr_info("new probes stay breakpoints, since there are some that are jumps\n");
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
		if (confined)
			later_close();
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
	[HF_LOCK_PROBES] = "new kprobes and tracers run code that could not be executed yet",
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
	ranges = vzalloc(sizeof(*ranges));
	patching = vzalloc(sizeof(*patching));
	if (!ranges || !patching)
		return false;
	patching->policy.size = sizeof(patching->policy);
	patching->policy.ftrace = ctl->ftrace;
	patching->policy.kprobes = ctl->kprobes;
	patching->policy.livepatch = ctl->livepatch;
	return true;
}

/* Decided before anything is looked at. */
static int settle_later(struct hf_ctl_lock *ctl)
{
	int ret = later_confined(&confined);

	if (ret || !confined)
		return ret;
	if (patching_makes_code(&patching->policy)) {
		ranges->reason = HF_LOCK_PROBES;
		return -EPERM;
	}
	return later_prepare();
}

static int try(struct hf_ctl_lock *ctl)
{
	unsigned int i;
	int ret = settle_later(ctl);

	if (ret)
		return ret;
	for (i = 1; (ret = attempt(ctl)) == -EAGAIN && !ctl->failed_call && i < ATTEMPTS; i++)
		msleep(ATTEMPT_MS);
	if (ret && confined)
		later_permit();
	return ret;
}

static int run(struct hf_ctl_lock *ctl)
{
	int ret = try(ctl);

	ctl->reason = ctl->failed_call ? HF_LOCK_NONE : ranges->reason;
	ctl->va = ctl->failed_call ? 0 : ranges->va;
	if (ret && ctl->reason)
		pr_err("not locked: %s: %px\n", sentences[ctl->reason], (void *)ranges->va);
	if (!ret)
		report(ctl);
	return ret;
}

int lock_run(struct hf_ctl_lock *ctl)
{
	int ret;

	static_assert(ARRAY_SIZE(sentences) == HF_LOCK_REASON_COUNT, "a sentence for each");
	ctl->failed_call = 0;
	ctl->reason = HF_LOCK_NONE;
	ctl->va = 0;
	inject_start();
	ret = prepare(ctl) ? run(ctl) : -ENOMEM;
	vfree(ranges);
	vfree(patching);
	ranges = NULL;
	patching = NULL;
	return ret;
}
