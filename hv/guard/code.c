// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guard of code, of whatever kind: it cannot be written, but for steps of the kernel patching
 * itself at a registered site.
 *
 * The kernel goes from one value of a site to another by a breakpoint over the first byte, the
 * bytes behind it, the first byte. A step is judged by the bytes the site holds and those that are
 * stored, both read under the owner lock, and made by the hypervisor. Whose instruction it is, and
 * by what mapping it stores, does not matter: a genuine step is harmless whoever asks for it.
 *
 *	store			if the site holds		leaves
 *	breakpoint, first byte	one of its values		a breakpoint
 *	all that changes	a breakpoint in front		a breakpoint, the end of a value
 *	    behind it
 *	first byte		a breakpoint in front and,	one of its values
 *				with this byte, a value
 *
 * Where instructions are patched whole (backend_code_whole) one value is followed by another.
 *
 * The end is stored whole: its bytes could be jumped to, and parts of the ends of two values
 * would be code that nobody registered.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/guest.h>
#include <hv/memory.h>
#include <hv/probe.h>
#include <hv/protect.h>
#include <hv/site.h>
#include <hv/string.h>
#include <hv/template.h>

#define OPEN_MAX 512u

/* A site at a breakpoint, and what it held before. */
struct open {
	u32 at;	  /* offset from site_base() */
	u32 when; /* value of begun */
	u8 size;  /* 0: the slot is free */
	u8 value[SITE_MAX];
};

/* Owner lock. The kernel ends what it begins in the order it began it: looking goes on behind what
 * was found last. */
static struct open open[OPEN_MAX];
static u32 next_begin, next_end;
static u32 begun; /* breakpoints ever set, modulo 2^32 */

/* ---- sites at a breakpoint ---- */

/*
 * Nobody goes on with it: the bytes behind first. Other CPUs may have fetched the old ones and are
 * not waited for: who patches need not wait either, and one that takes no kick would stop us.
 */
static void complete(struct owner_locked owner, struct open *slot)
{
	struct hf_event event = {
		.kind = HF_EVENT_PATCH,
		.action = HF_ACTION_SKIP,
		.width = slot->size,
		.va = site_base() + slot->at,
	};
	u8 now[SITE_MAX];
	struct site site;

	/* With action "allow" the page may be open, and the kernel has gone on without us. */
	if ((site_find(gva(event.va), slot->size, &site) ||
	     template_find(gva(event.va), slot->size, &site)) &&
	    !site_read(&site, now) && now[0] == backend_code_breakpoint() &&
	    !site_write(&site, 1, slot->value + 1, slot->size - 1u)) {
		site_write(&site, 0, slot->value, 1);
		event.gpa = site.gpa.raw;
		event.asset = HF_ASSET_MEMORY | owner_page(site.gpa).kind;
		memcpy(&event.new_value, slot->value, slot->size);
		event_record(owner.cpu, NULL, &event);
	}
	slot->size = 0;
}

/* A free slot: if need be that of the oldest site. Each is looked at in OPEN_MAX calls, so none
 * gets much older than HF_PATCH_BOUND. */
static struct open *take(struct owner_locked owner)
{
	struct open *oldest = open;

	for (u32 i = 0; i < OPEN_MAX; i++) {
		struct open *slot = &open[next_begin++ % OPEN_MAX];

		if (slot->size && begun - slot->when > HF_PATCH_BOUND)
			complete(owner, slot);
		if (!slot->size)
			return slot;
		if (begun - slot->when > begun - oldest->when)
			oldest = slot;
	}
	complete(owner, oldest);
	return oldest;
}

static void begin(struct owner_locked owner, const struct site *site, const u8 *value)
{
	struct open *slot = take(owner);

	slot->at = (u32)(site->va.raw - site_base());
	slot->when = begun++;
	slot->size = (u8)site->size;
	memcpy(slot->value, value, site->size);
}

/* The site has come to call, or no longer calls, what @value says. */
static void count(const struct site *site, const u8 *value, s32 by)
{
	struct gva to;

	if (site->kind == HF_SITE_TRACE &&
	    backend_code_is(CODE_CALL, site->va, value, 0, site->size, &to))
		template_count(to, by);
}

static void end(const struct site *site, const u8 *value)
{
	if (site->kind == SITE_PROBE) {
		probe_removed(site);
		return;
	}
	count(site, value, 1);
	for (u32 i = 0; i < OPEN_MAX; i++, next_end++) {
		struct open *slot = &open[next_end % OPEN_MAX];

		if (slot->size && site_base() + slot->at == site->va.raw) {
			count(site, slot->value, -1);
			slot->size = 0;
			return;
		}
	}
}

/* ---- verdict ---- */

static bool is_value(struct owner_locked owner, const struct site *site, const u8 *bytes,
		     u32 from)
{
	struct gva to;

	if (site->kind == SITE_PROBE)
		return probe_value(site, bytes, from) ||
		       (from && probe_may_jump(owner, site, bytes));
	return site_value(site, bytes, from) ||
	       (site->kind == HF_SITE_TRACE && site_patching()->ftrace == HF_POLICY_ON &&
		backend_code_is(CODE_CALL, site->va, bytes, from, site->size, &to) &&
		template_approves(owner, to, NULL));
}

enum step {
	STEP_NONE,  /* not genuine */
	STEP_OMIT,  /* nothing has to be stored */
	STEP_WHOLE, /* the next value, at once */
	STEP_BEGIN, /* the breakpoint */
	STEP_TAIL,
	STEP_END,
};

/* @size bytes at @offset of the site make @next of @now. */
static enum step step_of(struct owner_locked owner, const struct site *site, const u8 *now,
			 const u8 *next, u32 offset, u32 size)
{
	u8 breakpoint = backend_code_breakpoint();
	bool stopped = now[0] == breakpoint;

	if (!memcmp(now, next, site->size))
		return STEP_OMIT;
	if (backend_code_whole())
		return size == site->size && is_value(owner, site, next, 0) ? STEP_WHOLE
									    : STEP_NONE;
	if (!offset) {
		if (size != 1)
			return STEP_NONE;
		if (next[0] == breakpoint)
			return is_value(owner, site, now, 0) ? STEP_BEGIN : STEP_NONE;
		return stopped && is_value(owner, site, next, 0) ? STEP_END : STEP_NONE;
	}
	/* The second byte of six is the condition, which stays. */
	if (!stopped || (site->size == SITE_BRANCH && next[1] != now[1]))
		return STEP_NONE;
	if (is_value(owner, site, next, 1))
		return STEP_TAIL;
	/* Copied as two stores of four bytes, of which the second has all that changes. */
	return site->size == SITE_BRANCH && offset == 1 && size == 4 ? STEP_OMIT : STEP_NONE;
}

/* False: the store is not genuine, and nothing was done. */
static bool patch(struct owner_locked owner, const struct exit_memory *m)
{
	u8 now[SITE_MAX] = { 0 }, next[SITE_MAX];
	struct site site;
	enum step step;
	struct gva va;
	u32 offset;

	if (m->access != HF_ACCESS_WRITE || !m->width || m->width > SITE_MAX ||
	    !(protect_code_va(m->gpa, &va) || template_va(m->gpa, &va)))
		return false;
	/* By where the memory is, not by the address that the instruction used. */
	va.raw -= m->at;
	if ((!site_find(va, m->width, &site) && !template_find(va, m->width, &site) &&
	     !probe_find(va, m->width, m->bytes[0], &site)) ||
	    site_read(&site, now))
		return false;
	offset = (u32)(va.raw - site.va.raw);
	__builtin_memcpy(next, now, sizeof(next));
	memcpy(next + offset, m->bytes, m->width);
	if (m->width == site.size)
		site_settle(&site, next);
	step = step_of(owner, &site, now, next, offset, m->width);
	if (step == STEP_NONE ||
	    (step != STEP_OMIT && site_write(&site, offset, next + offset, m->width)))
		return false;
	/* A probe stays at its breakpoint. */
	if (step == STEP_BEGIN && site.kind != SITE_PROBE)
		begin(owner, &site, now);
	if (step == STEP_TAIL && site.kind == SITE_PROBE)
		probe_ended(&site, next);
	if (step == STEP_END)
		end(&site, next);
	if (step == STEP_WHOLE) {
		count(&site, next, 1);
		count(&site, now, -1);
	}
	return true;
}

enum verdict code_access(struct cpu *cpu, struct exit *exit, struct page page)
{
	struct owner_locked owner = owner_lock(cpu);
	bool genuine = patch(owner, &exit->memory), given;

	/* By this CPU, or another while this one waited. */
	given = !genuine && ((exit->memory.access != HF_ACCESS_EXECUTE &&
			      template_give_back(owner, exit->memory.gpa)) ||
			     owner_state(exit->memory.gpa) != PAGE_SEALED);
	owner_unlock(owner);
	if (genuine)
		return VERDICT_SKIP;
	return given ? VERDICT_RETRY : data_access(cpu, exit, page);
}
