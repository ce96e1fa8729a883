// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breakpoints at places that are no sites: kprobes. Those that were there at lock can be removed
 * and set again; with policy "on" others can be set at any byte of sealed code but for sites and
 * the ranges that were named, and become jumps to pages that a template approves. Where
 * instructions begin is not known here. All of this is about breakpoints of one byte: where
 * instructions are patched whole there are no probes yet.
 */
#include <hv/backend.h>
#include <hv/pool.h>
#include <hv/probe.h>
#include <hv/protect.h>
#include <hv/string.h>
#include <hv/template.h>

struct probe {
	u32 at;	  /* offset from site_base() */
	u32 jump; /* offset that its jump goes to; 0: it is one byte and has none */
	u8 original[5];
	u8 used;
	u8 kept; /* was there at lock, and cannot be made again */
};

static struct probe *probes;
static u32 ever; /* slots that have ever been used */

int probe_init(void)
{
	probes = pool_pages((HF_PROBES_MAX * sizeof(*probes) + PAGE_SIZE - 1) / PAGE_SIZE);
	return probes ? 0 : -HF_ENOMEM;
}

static u32 size_of(const struct probe *probe)
{
	return probe->jump ? sizeof(probe->original) : 1;
}

static struct site site_of(const struct probe *probe)
{
	return (struct site){
		.va = gva(site_base() + probe->at),
		.size = size_of(probe),
		.kind = SITE_PROBE,
		.target = (u32)(probe - probes),
	};
}

/* The first probe that has one of the @size bytes from @va on; NULL: none has. */
static struct probe *touching(struct gva va, u32 size)
{
	for (struct probe *p = probes; p < probes + ever; p++)
		if (p->used && site_base() + p->at < va.raw + size &&
		    va.raw < site_base() + p->at + size_of(p))
			return p;
	return NULL;
}

static bool noprobe(u32 at, u32 size)
{
	const struct hf_patching *patching = site_patching();

	for (u32 i = 0; i < patching->noprobe_count; i++)
		if (at + size > patching->noprobe[i].start && at < patching->noprobe[i].end)
			return true;
	return false;
}

/* NULL: not here, or all slots are in use. */
static struct probe *make(struct gva va)
{
	struct site place = { .va = va, .size = 1 };
	struct probe new = { .at = (u32)(va.raw - site_base()), .used = 1 };
	struct probe *p = probes;

	while (p < probes + ever && p->used)
		p++;
	if (site_patching()->kprobes != HF_POLICY_ON || p == probes + HF_PROBES_MAX ||
	    backend_code_whole() || va.raw < site_base() || noprobe(new.at, 1) ||
	    !site_locate(&place) || site_read(&place, new.original) ||
	    new.original[0] == backend_code_breakpoint())
		return NULL;
	/* As a whole: a lock that failed may have left another probe in the slot. */
	*p = new;
	if (p == probes + ever)
		ever++;
	return p;
}

/* The probe of one byte before @va. What is there now is what was there before its jump. */
static bool widen(struct gva va, u32 size, struct site *site)
{
	struct probe *p = touching(gva(va.raw - 1), 1);
	u8 now[sizeof(p->original)];

	if (!p || p->jump || site_patching()->kprobes != HF_POLICY_ON ||
	    size != sizeof(p->original) - 1 || site_touches(va, size) ||
	    noprobe(p->at + 1, size))
		return false;
	*site = site_of(p);
	site->size = sizeof(now);
	if (!site_locate(site) || site_read(site, now))
		return false;
	memcpy(p->original + 1, now + 1, size);
	return true;
}

bool probe_find(struct gva va, u32 size, u8 byte, struct site *site)
{
	struct probe *p = touching(va, size);

	if (site_patching()->kprobes == HF_POLICY_OFF)
		return false;
	if (!p && size == 1 && byte == backend_code_breakpoint())
		p = make(va);
	if (!p)
		return widen(va, size, site);
	if (va.raw < site_base() + p->at || va.raw + size > site_base() + p->at + size_of(p))
		return false;
	*site = site_of(p);
	return site_locate(site);
}

bool probe_value(const struct site *site, const u8 *bytes, u32 from)
{
	const struct probe *p = &probes[site->target];
	struct gva to;

	return !memcmp(bytes + from, p->original + from, site->size - from) ||
	       (p->jump && backend_code_is(CODE_JUMP, site->va, bytes, from, site->size, &to) &&
		to.raw == site_base() + p->jump);
}

bool probe_may_jump(struct owner_locked owner, const struct site *site, const u8 *bytes)
{
	const struct probe *p = &probes[site->target];
	struct template_copy copy = { .from = site->va };
	struct site place = { .va = site->va, .size = HF_COPY_MAX };
	struct gva to;

	if (p->jump || site->size != sizeof(p->original) ||
	    !backend_code_is(CODE_JUMP, site->va, bytes, 1, site->size, &to) ||
	    to.raw <= site_base())
		return false;
	/* The bytes of the jump itself have been located, and are in no site. */
	while (site_touches(place.va, place.size) || !site_locate(&place))
		place.size--;
	copy.size = place.size;
	if (site_read(&place, copy.code))
		return false;
	copy.code[0] = p->original[0];
	return template_approves(owner, to, &copy);
}

void probe_ended(const struct site *site, const u8 *bytes)
{
	struct probe *p = &probes[site->target];
	struct gva to = gva(site_base() + p->jump);

	if (p->kept)
		return;
	if (!p->jump)
		backend_code_is(CODE_JUMP, site->va, bytes, 1, site->size, &to);
	template_count(to, p->jump ? -1 : 1);
	p->jump = p->jump ? 0 : (u32)(to.raw - site_base());
}

void probe_removed(const struct site *site)
{
	struct probe *p = &probes[site->target];

	if (!p->kept && !p->jump)
		*p = (struct probe){ 0 };
}

/* Memory holds a breakpoint or, if it is optimised, a jump. */
static bool check_probe(const struct hf_probe *new, struct probe *p)
{
	struct site place = { .va = gva(new->va), .size = new->optimised ? 5 : 1 };
	struct gva to = { 0 };
	u8 now[SITE_MAX];

	if (backend_code_whole() || new->va < site_base() || new->optimised > 1 ||
	    touching(place.va, place.size) || site_touches(place.va, place.size) ||
	    !site_locate(&place) || site_read(&place, now))
		return false;
	if (new->optimised ? !backend_code_is(CODE_JUMP, place.va, now, 0, 5, &to) ||
				     to.raw <= site_base()
			   : now[0] != backend_code_breakpoint())
		return false;
	*p = (struct probe){ .at = (u32)(new->va - site_base()), .used = 1 };
	p->jump = new->optimised ? (u32)(to.raw - site_base()) : 0;
	p->kept = p->jump || site_patching()->kprobes != HF_POLICY_ON;
	memcpy(p->original, new->original, sizeof(p->original));
	return true;
}

int probe_add(const struct hf_probe *new, u64 count)
{
	u32 before = ever;

	if (!site_patching()->size)
		return -HF_EINVAL;
	if (count > HF_PROBES_MAX - ever)
		return -HF_ENOSPC;
	for (u64 i = 0; i < count; i++, ever++) {
		if (!check_probe(&new[i], &probes[ever])) {
			ever = before;
			return -HF_EINVAL;
		}
	}
	return 0;
}

void probe_forget(void)
{
	ever = 0;
}
