// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the kernel patches its code and what may stand there. No state is kept of a site: what
 * may come next follows from the bytes it holds. All of it is under the owner lock, also where
 * searches ended last; what is registered is constant after lock.
 */
#include <hv/backend.h>
#include <hv/guest.h>
#include <hv/pool.h>
#include <hv/protect.h>
#include <hv/site.h>
#include <hv/string.h>

#define OFFSET_MAX 0x7fffffffu

/* hf_site.bits: ascending, since the offset is on top. The target of a trace site is what it
 * called when it was registered, 0: nothing. */
static u64 *sites;
static u32 held;
static u32 last_site; /* found last: a kernel goes upwards, and the next is near */
static u32 *entries;
static u32 entry_count;
static u32 last_entry; /* where the search ended last: many calls have one target */
static struct hf_patching patching; /* size 0: not registered */

static u64 pages_of(u64 bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

int site_init(void)
{
	sites = pool_pages(pages_of(HF_SITES_MAX * sizeof(*sites)));
	entries = pool_pages(pages_of(HF_ENTRIES_MAX * sizeof(*entries)));
	return sites && entries ? 0 : -HF_ENOMEM;
}

u32 site_count(void)
{
	return held;
}

const struct hf_patching *site_patching(void)
{
	return &patching;
}

u64 site_base(void)
{
	return patching.code_base ? patching.code_base : HF_CODE_BASE;
}

/* ---- lookup ---- */

/* False: not where code is. */
static bool offset_of(struct gva va, u32 *offset)
{
	*offset = (u32)(va.raw - site_base());
	return va.raw - site_base() <= OFFSET_MAX;
}

static bool is_tracer(const struct site *site)
{
	return site->kind == HF_SITE_CALL && site->target == HF_FORM_TRACER;
}

static struct site unpack(u64 bits)
{
	static const u8 sizes[] = { [HF_SITE_JUMP2] = 2,
				    [HF_SITE_JUMP5] = 5,
				    [HF_SITE_TRACE] = 5,
				    [HF_SITE_CALL] = 5 };
	struct site site = {
		.va = gva(site_base() + HF_SITE_AT(bits)),
		.kind = HF_SITE_KIND(bits),
		.target = HF_SITE_TARGET(bits),
	};

	site.size = backend_code_whole() ? backend_code_whole() : sizes[site.kind];
	if (site.kind == HF_SITE_CALL && site.target == HF_FORM_BRANCH)
		site.size = SITE_BRANCH;
	if (is_tracer(&site))
		site.size = sizeof(patching.tracers[0]);
	return site;
}

/* The last site that begins at @offset or before. */
static bool last_until(u32 offset, struct site *site)
{
	u64 behind = HF_SITE(offset, 3, OFFSET_MAX);
	u32 low = 0, high = last_site, step = 1;

	for (; high < held && sites[high] <= behind; step *= 2) {
		low = high + 1;
		high += step;
	}
	high = high < held ? high : held;
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (sites[middle] <= behind)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	last_site = low - 1;
	*site = unpack(sites[last_site]);
	return true;
}

bool site_find(struct gva va, u32 size, struct site *site)
{
	u32 offset;

	return size && offset_of(va, &offset) && last_until(offset, site) &&
	       va.raw - site->va.raw + size <= site->size && site_locate(site);
}

bool site_touches(struct gva va, u32 size)
{
	struct site site;
	u32 last;

	return offset_of(gva(va.raw + size - 1), &last) && last_until(last, &site) &&
	       site.va.raw + site.size > va.raw;
}

/* Whether number @i is the first entry at @offset or behind. */
static bool is_first(u32 i, u32 offset)
{
	return i <= entry_count && (i == entry_count || (entries[i] & OFFSET_MAX) >= offset) &&
	       (!i || (entries[i - 1] & OFFSET_MAX) < offset);
}

/* NULL: no entry. */
static const u32 *entry_at(struct gva va)
{
	u32 low = 0, high = entry_count, offset;

	if (!offset_of(va, &offset))
		return NULL;
	if (is_first(last_entry, offset))
		low = high = last_entry;
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if ((entries[middle] & OFFSET_MAX) < offset)
			low = middle + 1;
		else
			high = middle;
	}
	last_entry = low;
	return low < entry_count && (entries[low] & OFFSET_MAX) == offset ? &entries[low]
									  : NULL;
}

bool site_entry(struct gva va)
{
	return entry_at(va);
}

/* ---- memory ---- */

/* How many of the bytes are in the first page. */
static u32 first_part(const struct site *site)
{
	u64 left = PAGE_SIZE - (site->gpa.raw & PAGE_MASK);

	return left < site->size ? (u32)left : site->size;
}

bool site_locate(struct site *site)
{
	u32 part;

	if (!protect_code_gpa(site->va, &site->gpa))
		return false;
	part = first_part(site);
	return part == site->size || protect_code_gpa(gva(site->va.raw + part), &site->rest);
}

int site_read(const struct site *site, u8 *bytes)
{
	u32 part = first_part(site);
	int error = guest_read(site->gpa, bytes, part);

	if (!error && part < site->size)
		error = guest_read(site->rest, bytes + part, site->size - part);
	return error;
}

/* Once a write to the first page has succeeded, one to the second does: both pages are code. */
int site_write(const struct site *site, u32 offset, const u8 *bytes, u32 size)
{
	u32 first = first_part(site);
	u32 part = offset >= first ? 0 : first - offset < size ? first - offset : size;
	int error = 0;

	if (part)
		error = guest_patch(gpa(site->gpa.raw + offset), bytes, part);
	if (!error && part < size)
		error = guest_patch(gpa(site->rest.raw + offset + part - first), bytes + part,
				    size - part);
	return error;
}

/* ---- values ---- */

static u32 forms_of(const struct site *site)
{
	static const u8 calls[HF_FORM_COUNT] = {
		[HF_FORM_CALL] = BIT(CODE_CALL) | BIT(CODE_NOP) | BIT(CODE_ZERO),
		[HF_FORM_TAIL] = BIT(CODE_JUMP) | BIT(CODE_RETURN),
		[HF_FORM_BRANCH] = BIT(CODE_BRANCH),
		[HF_FORM_PATCHED] = BIT(CODE_CALL) | BIT(CODE_NOP),
		[HF_FORM_PATCHED_JUMP] = BIT(CODE_JUMP) | BIT(CODE_NOP),
	};

	if (site->kind == HF_SITE_CALL)
		return calls[site->target];
	return BIT(CODE_NOP) | BIT(site->kind == HF_SITE_TRACE ? CODE_CALL : CODE_JUMP);
}

static bool trace_admits(const struct site *site, struct gva to)
{
	const u32 *entry;

	if (protect_locked() && patching.ftrace == HF_POLICY_BEFORE_LOCK)
		return site->target && to.raw == site_base() + site->target;
	entry = entry_at(to);
	return entry && (*entry & HF_ENTRY_TRAMPOLINE);
}

/* A kernel without has 0 in its place, where a jump can lead as well. */
static bool is_there(u64 address, struct gva to)
{
	return address && to.raw == address;
}

bool site_thunk(struct gva to)
{
	return is_there(patching.return_thunk, to);
}

/* Whether the site may go there. */
static bool admits(const struct site *site, struct gva to)
{
	if (site->kind == HF_SITE_TRACE)
		return trace_admits(site, to);
	if (site->kind != HF_SITE_CALL)
		return to.raw == site_base() + site->target;
	if (site_entry(to))
		return true;
	if (site->target == HF_FORM_BRANCH && is_there(patching.jump_return, to))
		return true;
	return (site->target == HF_FORM_BRANCH || site->target == HF_FORM_TAIL) &&
	       site_thunk(to);
}

static bool tracer_admits(const u8 *bytes)
{
	u64 value;

	memcpy(&value, bytes, sizeof(value));
	for (u32 i = 0; value && i < HF_TRACERS_MAX; i++)
		if (patching.tracers[i] == value)
			return true;
	return false;
}

void site_settle(const struct site *site, u8 *bytes)
{
	if (is_tracer(site) && !tracer_admits(bytes))
		memcpy(bytes, &patching.tracers[0], sizeof(patching.tracers[0]));
}

bool site_value(const struct site *site, const u8 *bytes, u32 from)
{
	u32 form, forms = forms_of(site);
	struct gva to;

	if ((site->kind == HF_SITE_TRACE || is_tracer(site)) && protect_locked() &&
	    patching.ftrace == HF_POLICY_OFF)
		return false;
	if (is_tracer(site))
		return tracer_admits(bytes);
	for (; forms; forms &= forms - 1) {
		form = (u32)__builtin_ctz(forms);
		if (backend_code_is(form, site->va, bytes, from, site->size, &to) &&
		    (form < CODE_CALL || admits(site, to)))
			return true;
	}
	return false;
}

/* ---- registration ---- */

/*
 * The lower half is each process's own. Elsewhere than at the top only where there are no
 * probes: of their places nobody asks whether they are behind the 2 GiB.
 */
static bool is_base(u64 base)
{
	return !base || (backend_code_whole() && base >> 63 && !(base & PAGE_MASK) &&
			 base <= HF_CODE_BASE);
}

int site_add_patching(const struct hf_patching *new)
{
	if (patching.size)
		return -HF_EEXIST;
	if (new->size != sizeof(*new) || new->ftrace > HF_POLICY_ON ||
	    new->kprobes > HF_POLICY_ON || new->livepatch > HF_POLICY_ON ||
	    new->noprobe_count > HF_NOPROBE_MAX || !is_base(new->code_base))
		return -HF_EINVAL;
	for (u32 i = 0; i < new->noprobe_count; i++)
		if (new->noprobe[i].start >= new->noprobe[i].end ||
		    (i && new->noprobe[i].start < new->noprobe[i - 1].end))
			return -HF_EINVAL;
	patching = *new;
	return 0;
}

void site_forget(void)
{
	held = 0;
	entry_count = 0;
	memset(&patching, 0, sizeof(patching));
}

int site_add_entries(const u32 *new, u64 count)
{
	struct gpa at;

	if (!patching.size)
		return -HF_EINVAL;
	if (count > HF_ENTRIES_MAX - entry_count)
		return -HF_ENOSPC;
	for (u64 i = 0; i < count; i++) {
		const u32 *before = i		  ? &new[i - 1]
				    : entry_count ? &entries[entry_count - 1]
						  : NULL;

		if ((before && (*before & OFFSET_MAX) >= (new[i] & OFFSET_MAX)) ||
		    !protect_code_gpa(gva(site_base() + (new[i] & OFFSET_MAX)), &at))
			return -HF_EINVAL;
	}
	memcpy(&entries[entry_count], new, count * sizeof(*new));
	entry_count += count;
	return 0;
}

/* What is stored whole lies so that it can be: no such site goes on in another page. */
static bool is_aligned(const struct site *site)
{
	return !backend_code_whole() ? !is_tracer(site) : !(site->va.raw % site->size);
}

/*
 * What is there now must be one of its values, or the address of a tracer that it will not get
 * again.
 */
static bool check_site(u64 *bits)
{
	struct site site = unpack(*bits);
	u8 now[SITE_MAX];
	struct gva to;

	if (!is_aligned(&site) || (site.kind == HF_SITE_CALL && site.target >= HF_FORM_COUNT) ||
	    (site.kind == HF_SITE_TRACE && site.target) || !site_locate(&site) ||
	    site_read(&site, now) || !(is_tracer(&site) || site_value(&site, now, 0)))
		return false;
	if (site.kind == HF_SITE_TRACE &&
	    backend_code_is(CODE_CALL, site.va, now, 0, site.size, &to))
		*bits |= HF_SITE(0, 0, to.raw - site_base());
	return true;
}

/* Copied to where they will be held, which nobody reads before they count as held. */
int site_add(const struct hf_site *new, u64 count)
{
	u64 *next = &sites[held];

	if (!patching.size)
		return -HF_EINVAL;
	if (count > HF_SITES_MAX - held)
		return -HF_ENOSPC;
	memcpy(next, new, count * sizeof(*new));
	for (u64 *last = next + count; next < last; next++) {
		bool apart = next == sites ||
			     HF_SITE_AT(*next) >= HF_SITE_AT(next[-1]) + unpack(next[-1]).size;

		if (!apart || !check_site(next))
			return -HF_EINVAL;
	}
	held += (u32)count;
	return 0;
}
