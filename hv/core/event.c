// SPDX-License-Identifier: GPL-2.0-only
/* The ring of events: the first are kept, equal ones counted, later ones only numbered. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/exit.h>
#include <hv/lock.h>
#include <hv/pool.h>
#include <hv/print.h>
#include <hv/status.h>

#define RING_BYTES (HF_EVENT_CAPACITY * sizeof(struct hf_event))
static_assert(RING_BYTES % HF_PAGE_SIZE == 0, "the ring is whole pages");

/* All below: event lock, but for ring itself, which is constant after event_init. */
static struct lock lock;
static struct hf_event *ring; /* event number n is in slot n - 1 */
static struct hf_event last;  /* the newest, with a slot or without: what the next may equal */
static u64 newest;
static u64 lost;

int event_init(void)
{
	ring = pool_pages(RING_BYTES / HF_PAGE_SIZE);
	return ring ? 0 : -HF_ENOMEM;
}

static const char kind_names[HF_EVENT_KIND_COUNT][12] = {
	[HF_EVENT_NONE] = "none",	    [HF_EVENT_LAUNCHED] = "launched",
	[HF_EVENT_LOCKED] = "locked",	    [HF_EVENT_MEMORY] = "memory",
	[HF_EVENT_REGISTER] = "register",   [HF_EVENT_VIRT] = "virt",
	[HF_EVENT_HYPERCALL] = "hypercall", [HF_EVENT_PORT] = "port",
	[HF_EVENT_GUEST_FATAL] = "fatal",   [HF_EVENT_OTHER] = "other",
	[HF_EVENT_STARTUP] = "startup",	    [HF_EVENT_PATCH] = "patch",
	[HF_EVENT_SERVICE] = "service",
};

static const char access_names[][8] = {
	[HF_ACCESS_NONE] = "none",	 [HF_ACCESS_READ] = "read", [HF_ACCESS_WRITE] = "write",
	[HF_ACCESS_EXECUTE] = "execute", [HF_ACCESS_WALK] = "walk",
};

static const char action_names[][8] = {
	[HF_ACTION_NONE] = "none",   [HF_ACTION_DENY] = "deny", [HF_ACTION_SKIP] = "skip",
	[HF_ACTION_ALLOW] = "allow", [HF_ACTION_KILL] = "kill",
};

/*
 * The copy that guest software cannot forge. Not under the event lock: a serial port takes
 * milliseconds for a line.
 */
static void print_event(struct cpu *cpu, const struct hf_event *e)
{
	struct hf_asset asset;

	if (status_asset(e->asset, &asset))
		asset.name[0] = '\0';
	print_line(
		cpu,
		"holdfast: event seq=%llu kind=%s action=%s asset=0x%08x name=\"%s\" "
		"access=%s cpl=%u cpu=%u rip=0x%llx va=0x%llx gpa=0x%llx old=0x%llx new=0x%llx",
		(unsigned long long)e->sequence, kind_names[e->kind], action_names[e->action],
		e->asset, asset.name,
		e->access < ARRAY_SIZE(access_names) ? access_names[e->access] : "?", e->cpl,
		e->cpu, (unsigned long long)e->rip, (unsigned long long)e->va,
		(unsigned long long)e->gpa, (unsigned long long)e->old,
		(unsigned long long)e->new_value);
}

static bool equal(const struct hf_event *a, const struct hf_event *b)
{
	return a->kind == b->kind && a->access == b->access && a->rip == b->rip &&
	       a->asset == b->asset && a->va == b->va && a->gpa == b->gpa &&
	       a->new_value == b->new_value;
}

static void repeat(struct hf_event *e, u64 now)
{
	if (e->repeat != UINT32_MAX)
		e->repeat++;
	e->last_tsc = now;
}

/* What became of an event. */
enum fate {
	STORED,
	COUNTED, /* equal to the newest, or one more without a slot */
	FIRST_LOST,
};

/* Event lock held. */
static enum fate store(struct hf_event *e)
{
	struct hf_event *slot;

	if (newest && equal(&last, e)) {
		if (newest <= HF_EVENT_CAPACITY)
			repeat(&ring[newest - 1], e->tsc);
		return COUNTED;
	}
	e->sequence = ++newest;
	last = *e;
	if (newest > HF_EVENT_CAPACITY)
		return lost++ ? COUNTED : FIRST_LOST;
	slot = &ring[newest - 1];
	*slot = *e;
	return STORED;
}

void event_record(struct cpu *cpu, const struct exit *exit, const struct hf_event *event)
{
	struct hf_event e = *event;
	enum fate fate;

	e.size = sizeof(e);
	e.version = HF_EVENT_VERSION;
	e.cpu = cpu->index;
	e.tsc = backend_clock();
	if (exit) {
		e.cpl = exit->cpl;
		e.rip = exit->rip;
		e.cr3 = exit->root;
	}
	lock_acquire(&lock, cpu);
	fate = store(&e);
	lock_release(&lock);
	if (fate == STORED)
		print_event(cpu, &e);
	if (fate == FIRST_LOST)
		print_line(
			cpu,
			"holdfast: the ring of events is full: from here on they are counted");
}

u32 event_read(struct cpu *cpu, u64 first, struct hf_event *to, u32 max)
{
	u32 copied = 0;
	u64 end;

	lock_acquire(&lock, cpu);
	end = newest < HF_EVENT_CAPACITY ? newest : HF_EVENT_CAPACITY;
	/* Numbers start at 1: there is no event 0, and first - 1 must not wrap. */
	if (first)
		while (copied < max && first <= end)
			to[copied++] = ring[first++ - 1];
	lock_release(&lock);
	return copied;
}

u64 event_newest(void)
{
	return __atomic_load_n(&newest, __ATOMIC_RELAXED);
}

u64 event_lost(void)
{
	return __atomic_load_n(&lost, __ATOMIC_RELAXED);
}
