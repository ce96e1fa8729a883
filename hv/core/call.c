// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercalls. A switch, not a table of pointers: the image is moved before it runs, and
 * compilers make the same jump table of it without relocations.
 */
#include <hv/audit.h>
#include <hv/backend.h>
#include <hv/call.h>
#include <hv/cpu.h>
#include <hv/domain.h>
#include <hv/event.h>
#include <hv/exit.h>
#include <hv/guest.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/probe.h>
#include <hv/protect.h>
#include <hv/site.h>
#include <hv/status.h>
#include <hv/string.h>
#include <hv/template.h>

/* The only way an answer leaves: from the CPU's own buffer, once, into a page of the guest's.
 */
static s64 reply(struct cpu *cpu, u64 page, size_t size, s64 result)
{
	int error;

	if (page & PAGE_MASK)
		return -HF_EFAULT;
	error = guest_write(gpa(page), cpu->buffer, size);
	return error ? error : result;
}

/* The whole page, so that it is checked, and no older answer is left, also without events. */
static s64 call_events(struct cpu *cpu, const struct exit_call *call)
{
	u32 count;

	memset(cpu->buffer, 0, PAGE_SIZE);
	count = event_read(cpu, call->arg[1], cpu->buffer, HF_EVENTS_PER_PAGE);
	return reply(cpu, call->arg[0], PAGE_SIZE, count);
}

static s64 call_stats(struct cpu *cpu, const struct exit_call *call)
{
	struct hf_stats *stats = cpu->buffer;
	const struct cpu *of;

	if (call->arg[1] >= cpu_count())
		return -HF_ENOENT;
	of = cpu_get(call->arg[1]);
	/* Another CPU may be counting: each number is whole, their sum may lag behind. */
	memset(stats, 0, sizeof(*stats));
	for (u32 i = 0; i < HF_EXIT_KIND_COUNT; i++) {
		stats->exits[i] = __atomic_load_n(&of->stats.exits[i], __ATOMIC_RELAXED);
		stats->total += stats->exits[i];
	}
	stats->size = sizeof(*stats);
	stats->cpu = of->index;
	stats->launch_ticks = of->stats.launch_ticks;
	stats->lock_ticks = __atomic_load_n(&of->stats.lock_ticks, __ATOMIC_RELAXED);
	return reply(cpu, call->arg[0], sizeof(*stats), 0);
}

/* Answers that core/status.c makes up, each smaller than the buffer. */
static s64 call_status(struct cpu *cpu, const struct exit_call *call)
{
	size_t size = sizeof(struct hf_info);
	int error = 0;

	if (call->number == HF_CALL_PROTECTION) {
		size = sizeof(struct hf_protection);
		error = status_protection(call->arg[1], cpu->buffer);
	} else if (call->number == HF_CALL_ASSET) {
		size = sizeof(struct hf_asset);
		error = status_asset(call->arg[1], cpu->buffer);
	} else {
		status_info(cpu->buffer);
	}
	return error ? error : reply(cpu, call->arg[0], size, 0);
}

static s64 call_nmi(struct cpu *cpu)
{
	if (!cpu->doubts)
		return 0;
	cpu->doubts--;
	return 1;
}

static s64 call_pages(struct cpu *cpu, const struct exit_call *call)
{
	struct hf_page_run *runs = cpu->buffer;
	u64 start = call->arg[1];
	u32 count;

	if (start & PAGE_MASK || start >= backend_gpa_limit().raw)
		return -HF_EINVAL;
	count = audit_pages(cpu, gpa(start), runs);
	return reply(cpu, call->arg[0], count * sizeof(*runs), count);
}

static s64 call_protect(struct cpu *cpu, const struct exit_call *call)
{
	u64 count = call->arg[1];
	int error;

	if (!count || count > HF_RANGES_PER_PAGE)
		return -HF_EINVAL;
	if (call->arg[0] & PAGE_MASK)
		return -HF_EFAULT;
	error = guest_read(gpa(call->arg[0]), cpu->buffer, count * sizeof(struct hf_range));
	return error ? error : protect_add(cpu, cpu->buffer, count);
}

/* Records of @size bytes, 1 to @most of them, that describe how the kernel patches itself, or a
 * domain. */
static s64 call_describe(struct cpu *cpu, const struct exit_call *call, u64 count, u64 most,
			 size_t size)
{
	struct owner_locked owner;
	s64 result;

	if (!count || count > most)
		return -HF_EINVAL;
	if (call->arg[0] & PAGE_MASK)
		return -HF_EFAULT;
	result = guest_read(gpa(call->arg[0]), cpu->buffer, count * size);
	if (result)
		return result;
	owner = owner_lock(cpu);
	result = protect_closed();
	if (!result && call->number == HF_CALL_PATCHING)
		result = site_add_patching(cpu->buffer);
	else if (!result && call->number == HF_CALL_ENTRIES)
		result = site_add_entries(cpu->buffer, count);
	else if (!result && call->number == HF_CALL_TEMPLATE)
		result = template_add(cpu->buffer);
	else if (!result && call->number == HF_CALL_PROBES)
		result = probe_add(cpu->buffer, count);
	else if (!result && call->number == HF_CALL_DOMAIN)
		result = domain_add(owner, cpu->buffer);
	else if (!result)
		result = site_add(cpu->buffer, count);
	owner_unlock(owner);
	return result;
}

static s64 call_forget(struct cpu *cpu)
{
	struct owner_locked owner = owner_lock(cpu);
	int error = protect_closed();

	if (!error) {
		protect_forget();
		site_forget();
		template_forget();
		probe_forget();
	}
	owner_unlock(owner);
	return error;
}

static s64 dispatch(struct cpu *cpu, const struct exit_call *call)
{
	switch (call->number) {
	case HF_CALL_PROTECT:
		return call_protect(cpu, call);
	case HF_CALL_LOCK:
		return protect_lock(cpu);
	case HF_CALL_PATCHING:
		return call_describe(cpu, call, 1, 1, sizeof(struct hf_patching));
	case HF_CALL_ENTRIES:
		return call_describe(cpu, call, call->arg[1], HF_ENTRIES_PER_PAGE, sizeof(u32));
	case HF_CALL_SITES:
		return call_describe(cpu, call, call->arg[1], HF_SITES_PER_PAGE,
				     sizeof(struct hf_site));
	case HF_CALL_TEMPLATE:
		return call_describe(cpu, call, 1, 1, sizeof(struct hf_template));
	case HF_CALL_PROBES:
		return call_describe(cpu, call, call->arg[1], HF_PROBES_PER_PAGE,
				     sizeof(struct hf_probe));
	case HF_CALL_FORGET:
		return call_forget(cpu);
	case HF_CALL_DOMAIN:
		return call_describe(cpu, call, 1, 1, sizeof(struct hf_domain));
	case HF_CALL_INFO:
	case HF_CALL_PROTECTION:
	case HF_CALL_ASSET:
		return call_status(cpu, call);
	case HF_CALL_EVENTS:
		return call_events(cpu, call);
	case HF_CALL_STATS:
		return call_stats(cpu, call);
	case HF_CALL_PAGES:
		return call_pages(cpu, call);
	case HF_CALL_NMI:
		return call_nmi(cpu);
	case HF_CALL_SERVICE:
		return request_begin(cpu, call->arg[0], protect_locked());
	case HF_CALL_SERVICE_RESUME:
		return request_resume(cpu, call->arg[0], call->arg[1]);
	case HF_CALL_SERVICE_CANCEL:
		return request_cancel(cpu, call->arg[0]);
	}
	return -HF_ENOSYS;
}

/*
 * Results that no honest caller sees once the machine is locked: a dead call, a number that
 * does not exist, a buffer that is not the guest's. The number is not part of what makes events
 * equal, so that somebody trying them all from one place fills one slot.
 */
static void report(struct cpu *cpu, const struct exit *exit)
{
	const struct exit_call *call = &exit->call;
	const struct hf_event event = {
		.kind = HF_EVENT_HYPERCALL,
		.action = HF_ACTION_DENY,
		.asset = HF_ASSET_HYPERCALL,
		.old = call->number,
		.new_value = call->result,
	};

	if (call->result == -HF_EPERM || call->result == -HF_ENOSYS ||
	    call->result == -HF_EFAULT)
		event_record(cpu, exit, &event);
}

/* Not inlined, so that HF_CALL_NOOP does not pay for the registers and stack the rest needs. */
static __noinline void handle(struct cpu *cpu, struct exit *exit)
{
	struct exit_call *call = &exit->call;
	bool early = call->number >= HF_CALL_BASE && call->number < HF_CALL_LIVE;

	/* protect.c refuses these as well; here they die before any argument is looked at. */
	call->result = early && protect_locked() ? -HF_EPERM : dispatch(cpu, call);
	if (call->result < 0 && protect_locked())
		report(cpu, exit);
}

void call_handle(struct cpu *cpu, struct exit *exit)
{
	if (exit->call.number == HF_CALL_NOOP)
		exit->call.result = 0;
	else
		handle(cpu, exit);
}
