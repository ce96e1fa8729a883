// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random stores to sealed code, compared with a model that is slow and says the same in another
 * way: it lists every value of every site as bytes, and goes through all of them for each store.
 * Written from docs/abi.md. HF_STORES=N stores (default 200000; `make model`: 10 million).
 */
#include <inttypes.h>
#include "sites.h"

#define TEXT	  SITES_TEXT
#define TEXT_SIZE 0x18020u /* what has sites */
#define CROSS	  (SITES_MODULE + 2 * (u32)PAGE_SIZE - 16)
#define VALUES	  (SITES_FUNCTIONS + 4)

/* A site as the model sees it. */
struct model_site {
	u32 at, size, count;
	u8 value[VALUES][SITE_MAX];
};

static struct model_site site[SITES_ROWS];
/* What memory must hold. */
static u8 text[TEXT_SIZE], cross[32];
static u64 made, omitted, refusals, jumps;

/*
 * Pages that a probe at one place may jump to: two for the first, one for a place whose jump would
 * overlap the first's, one where it would reach into a site, one into code without probes.
 */
#define SLOTS	 5u
#define SLOT(n)	 ((u32)(MACHINE_FREE + 0x100000 + (n)*PAGE_SIZE))
#define TEMPLATE 32u /* bytes */

static const u32 place[SLOTS] = { TEXT + 0x80, TEXT + 0x80, TEXT + 0x82, TEXT + 0x1d,
				  SITES_NOPROBE - 3 };

/* A probe as the model sees it: a breakpoint, or a jump of five bytes. */
struct model_probe {
	u32 at, size;
	u8 was[5];
};

static struct model_probe probe[256];
static u32 probes;
static bool probing;

static u8 *model_at(u32 at)
{
	return at - TEXT < TEXT_SIZE ? &text[at - TEXT] : &cross[at - CROSS];
}

static void add(struct model_site *s, struct sites_value v)
{
	memcpy(s->value[s->count++], v.bytes, s->size);
}

/* Every value, with every entry. */
static void list(u32 n, u8 ftrace)
{
	struct sites_row row = sites_row(n);
	struct model_site *s = &site[n];
	const char *go = NULL;

	*s = (struct model_site){ .at = row.at, .size = row.size };
	switch (n) {
	case 0:
		add(s, row.value[0]);
		add(s, row.value[1]);
		return;
	case 1:
	case 2:
		if (n == 2 && ftrace == HF_POLICY_OFF)
			return;
		add(s, row.value[0]);
		if (n == 1 || ftrace == HF_POLICY_ON)
			add(s, row.value[1]);
		if (n == 2 && ftrace == HF_POLICY_ON)
			add(s, row.value[2]);
		return;
	case 3:
		go = "\xe8";
		add(s, SITES_FIXED(sites_nop5));
		add(s, SITES_FIXED(sites_zero));
		break;
	case 4:
		go = "\xe9";
		add(s, SITES_FIXED(sites_ret));
		add(s, sites_go(s->at, go, SITES_THUNK));
		break;
	case 5:
		go = "\x0f\x84";
		add(s, sites_go(s->at, go, SITES_THUNK));
		add(s, sites_go(s->at, go, SITES_RETURN));
		break;
	case 6:
	case 7:
		go = n == 6 ? "\xe8" : "\xe9";
		add(s, SITES_FIXED(sites_nop5));
	}
	for (u32 i = 0; i < SITES_FUNCTIONS; i++)
		add(s, sites_go(s->at, go, SITES_FUNCTION + 0x40 * i));
	/* Trampolines are entries too. */
	add(s, sites_go(s->at, go, SITES_TRACER));
	add(s, sites_go(s->at, go, SITES_TRACER + 0x100));
}

static bool any(const struct model_site *s, const u8 *bytes, u32 from)
{
	for (u32 i = 0; i < s->count; i++)
		if (!memcmp(s->value[i] + from, bytes + from, s->size - from))
			return true;
	return false;
}

/* The site whose bytes include all of these. */
static struct model_site *holder(u32 at, u32 size)
{
	for (u32 i = 0; i < SITES_ROWS; i++)
		if (size && at >= site[i].at && at + size <= site[i].at + site[i].size)
			return &site[i];
	return NULL;
}

enum answer {
	REFUSED,
	OMITTED,
	MADE
};

/* ---- probes ---- */

static bool in_site(u32 at, u32 size)
{
	for (u32 i = 0; i < size; i++)
		if (holder(at + i, 1))
			return true;
	return false;
}

static bool in_noprobe(u32 at, u32 size)
{
	for (u32 i = 0; i < size; i++)
		if (at + i >= SITES_NOPROBE && at + i < SITES_NOPROBE + 16)
			return true;
	return false;
}

static struct model_probe *probe_at(u32 at, u32 size)
{
	for (u32 i = 0; i < probes; i++)
		for (u32 j = 0; j < probe[i].size; j++)
			if (probe[i].at + j >= at && probe[i].at + j < at + size)
				return &probe[i];
	return NULL;
}

static enum answer write_model(u32 at, const u8 *bytes, u32 size)
{
	memcpy(model_at(at), bytes, size);
	return MADE;
}

static enum answer new_probe(u32 at, const u8 *bytes, u32 size)
{
	if (size != 1 || bytes[0] != 0xcc || *model_at(at) == 0xcc || in_noprobe(at, 1) ||
	    probes == ARRAY_SIZE(probe))
		return REFUSED;
	probe[probes] = (struct model_probe){ .at = at, .size = 1 };
	probe[probes++].was[0] = *model_at(at);
	return write_model(at, bytes, size);
}

/* Behind a breakpoint. */
static enum answer new_jump(struct model_probe *p, const u8 *bytes)
{
	u8 *now = model_at(p->at + 1);

	if (in_site(p->at + 1, 4) || in_noprobe(p->at + 1, 4))
		return REFUSED;
	if (!memcmp(now, bytes, 4))
		return OMITTED;
	for (u32 i = 0; i < SLOTS; i++) {
		if (place[i] != p->at ||
		    memcmp(sites_go(p->at, "\xe9", SLOT(i)).bytes + 1, bytes, 4))
			continue;
		memcpy(p->was + 1, now, 4);
		p->size = 5;
		jumps++;
		return write_model(p->at + 1, bytes, 4);
	}
	return REFUSED;
}

static enum answer turn_jump(struct model_probe *p, u32 at, const u8 *bytes, u32 size)
{
	u8 *now = model_at(p->at), after[5];

	memcpy(after, now, 5);
	memcpy(after + (at - p->at), bytes, size);
	if (!memcmp(after, now, 5))
		return OMITTED;
	if (at == p->at)
		return size == 1 && (bytes[0] == 0xcc || bytes[0] == 0xe9)
			       ? write_model(at, bytes, size)
			       : REFUSED;
	if (now[0] != 0xcc || memcmp(after + 1, p->was + 1, 4))
		return REFUSED;
	p->size = 1;
	return write_model(at, bytes, size);
}

static enum answer model_probes(u32 at, const u8 *bytes, u32 size)
{
	struct model_probe *p = probe_at(at, size), *before = probe_at(at - 1, 1);

	if (!p && before && before->size == 1 && size == 4)
		return new_jump(before, bytes);
	if (!p)
		return new_probe(at, bytes, size);
	if (at < p->at || at + size > p->at + p->size)
		return REFUSED;
	if (p->size > 1)
		return turn_jump(p, at, bytes, size);
	if (bytes[0] == 0xcc)
		return OMITTED;
	if (bytes[0] != p->was[0])
		return REFUSED;
	*p = probe[--probes];
	return write_model(at, bytes, size);
}

/* ---- sites ---- */

static enum answer model(u32 at, const u8 *bytes, u32 size)
{
	struct model_site *s = holder(at, size);
	u8 *now, after[SITE_MAX];

	if (!s)
		return probing && size && size <= SITE_MAX && !in_site(at, 1)
			       ? model_probes(at, bytes, size)
			       : REFUSED;
	now = model_at(s->at);
	memcpy(after, now, s->size);
	memcpy(after + (at - s->at), bytes, size);
	if (!memcmp(after, now, s->size))
		return OMITTED;
	if (at == s->at && size == 1 && bytes[0] == 0xcc) {
		if (!any(s, now, 0))
			return REFUSED;
	} else if (at == s->at && size == 1) {
		if (now[0] != 0xcc || !any(s, after, 0))
			return REFUSED;
	} else {
		if (at == s->at || now[0] != 0xcc)
			return REFUSED;
		if (s->size == 6 && at == s->at + 1 && size == 4 && bytes[0] == now[1] &&
		    !any(s, after, 1))
			return OMITTED;
		if (!any(s, after, 1))
			return REFUSED;
	}
	memcpy(now, after, s->size);
	return MADE;
}

static u32 next(u32 below)
{
	return (u32)unit_below(below);
}

/* A step back of any probe; most are in the way of jumps. */
static u32 choose_removal(u32 *at, u8 *bytes)
{
	const struct model_probe *p = &probe[next(probes)];
	bool stopped = *model_at(p->at) == 0xcc;
	u32 end = p->size > 1 && stopped;

	*at = p->at + end;
	memcpy(bytes, p->was + end, 4);
	if (p->size > 1 && !stopped)
		bytes[0] = 0xcc;
	return end ? 4 : 1;
}

/* A step of a probe, at one of the places, as the kernel would make it or nearly so. */
static u32 choose_probe(u32 *at, u8 *bytes)
{
	u32 n = next(SLOTS), from = place[n], to = SLOT(next(8) ? n : next(SLOTS + 1)),
	    size = 1;
	struct model_probe *p = probe_at(from, 1);
	u32 how = p && next(2) ? 3 : next(6);

	if (probes && next(2))
		return choose_removal(at, bytes);
	*at = from;
	if (how == 3)
		memcpy(bytes, sites_go(from, "\xe9", to).bytes, 5);
	else
		memcpy(bytes, p ? p->was : model_at(from), 5);
	switch (how) {
	case 0:
		bytes[0] = 0xcc;
		break;
	case 1:
		bytes[0] = 0xe9;
		break;
	case 2:
		break;
	default:
		size = next(8) ? 4 : 1 + next(4);
		*at = from + 1;
		memmove(bytes, bytes + 1, size);
	}
	if (!next(16)) {
		*at += next(4);
		bytes[0] = next(2) ? 0xcc : (u8)next(256);
	}
	return size;
}

/* Bytes that have a chance: of a value, of what is there, a breakpoint; or turned a little. */
static u32 choose(u32 *at, u8 *bytes)
{
	struct sites_row row = sites_row(next(SITES_ROWS));
	const struct model_site *s = holder(row.at, 1);
	u32 offset = 0, size = 1;

	if (probing && next(2))
		return choose_probe(at, bytes);
	memcpy(bytes, s->count && next(8) ? s->value[next(s->count)] : model_at(s->at),
	       s->size);
	switch (next(8)) {
	case 0:
	case 1:
		bytes[0] = 0xcc;
		break;
	case 2:
	case 3:
		break;
	case 4:
	case 5:
		offset = 1;
		size = s->size - 1;
		break;
	case 6:
		offset = next(s->size);
		size = 1 + next(s->size - offset);
		break;
	default:
		offset = next(s->size + 2);
		size = 1 + next(8);
		for (u32 i = 0; i < size; i++)
			bytes[i] = (u8)next(256);
		*at = s->at + offset - 1;
		return size;
	}
	memmove(bytes, bytes + offset, size);
	if (!next(16))
		bytes[next(size)] ^= (u8)(1 << next(8));
	*at = s->at + offset;
	return size;
}

static void compare(u32 at, u32 size)
{
	u8 now[32];

	sites_get(at, now, size);
	if (memcmp(now, model_at(at), size))
		fail_msg("memory at %x is not as modelled", at);
}

static void one(struct cpu *cpu)
{
	u8 bytes[HF_STORE_MAX] = { 0 };
	enum answer expected;
	u32 at, size;
	u8 fault;
	int verdict;

	size = choose(&at, bytes);
	/* In two pages it faults in either. */
	fault = at / PAGE_SIZE != (at + size - 1) / PAGE_SIZE && next(2)
			? (u8)(PAGE_SIZE - at % PAGE_SIZE)
			: 0;
	expected = model(at, bytes, size);
	verdict = sites_store_at(cpu, at, bytes, (u16)size, fault);
	if ((verdict == VERDICT_SKIP) != (expected != REFUSED))
		fail_msg("store of %u bytes at %x: verdict %d, modelled %d", size, at, verdict,
			 expected);
	if (holder(at, 1))
		compare(holder(at, 1)->at, holder(at, 1)->size);
	else if (probing && at - TEXT < TEXT_SIZE - 8)
		compare(at, 8);
	made += expected == MADE;
	omitted += expected == OMITTED;
	refusals += expected == REFUSED;
}

static void compare_all(void)
{
	for (u32 i = 0; i < SITES_ROWS; i++)
		compare(site[i].at, site[i].size);
	for (u32 at = TEXT; at + 16 <= TEXT + TEXT_SIZE; at += 16)
		if (!holder(at, 1) && !holder(at + 15, 1) && !holder(at + 8, 1) &&
		    !holder(at + 1, 1) && !holder(at + 2, 1))
			compare(at, 16);
}

/* What the places' probes may jump to: a template of nothing but bytes, five copied, and back. */
static void make_slots(struct cpu *cpu)
{
	struct hf_template *t = machine_ram(MACHINE_BUFFER);

	memset(t, 0, PAGE_SIZE);
	t->size = sizeof(*t);
	t->length = TEMPLATE;
	t->goes_back = 1;
	memset(t->bytes, 0x5a, TEMPLATE);
	assert_int_equal(machine_call(cpu, HF_CALL_TEMPLATE, MACHINE_BUFFER, 0), 0);
	for (u32 i = 0; i < 16; i++)
		sites_put(TEXT + 0x7c + i, &(u8){ (u8)(0x40 + i) }, 1);
	for (u32 i = 0; i < SLOTS; i++) {
		u8 *page = machine_ram(SLOT(i));

		memset(page, 0x5a, TEMPLATE);
		sites_get(place[i], page + TEMPLATE, 5);
		memcpy(page + TEMPLATE + 5,
		       sites_go(SLOT(i) + TEMPLATE + 5, "\xe9", place[i] + 5).bytes, 5);
	}
}

static void run(u8 ftrace, u8 kprobes)
{
	const char *stores = getenv("HF_STORES");
	u64 count = (stores ? strtoull(stores, NULL, 0) : 200000) / 4;
	struct cpu *cpu = sites_prepare(1, HF_ACTION_DENY, ftrace, kprobes);

	alarm(0);
	make_slots(cpu);
	sites_lock(cpu);
	probing = kprobes == HF_POLICY_ON;
	unit_seed("guard_model");
	for (u32 i = 0; i < SITES_ROWS; i++)
		list(i, ftrace);
	sites_get(TEXT, text, TEXT_SIZE);
	sites_get(CROSS, cross, sizeof(cross));
	for (u64 i = 0; i < count; i++) {
		one(cpu);
		if (i % 0x10000 == 0)
			compare_all();
	}
	compare_all();
	fprintf(stderr,
		"model: %" PRIu64 " stores made, %" PRIu64 " left out, %" PRIu64
		" refused, %" PRIu64 " jumps\n",
		made, omitted, refusals, jumps);
	assert_true(made > count / 8 && refusals > count / 8);
	assert_true(jumps >= (probing ? count / 1000 : 0));
}

static void tracing_off(void **ctx)
{
	(void)ctx;
	run(HF_POLICY_OFF, HF_POLICY_OFF);
}

static void tracing_before_lock(void **ctx)
{
	(void)ctx;
	run(HF_POLICY_BEFORE_LOCK, HF_POLICY_OFF);
}

static void tracing_on(void **ctx)
{
	(void)ctx;
	run(HF_POLICY_ON, HF_POLICY_OFF);
}

static void probing_on(void **ctx)
{
	(void)ctx;
	run(HF_POLICY_ON, HF_POLICY_ON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(tracing_off),
		machine_test(tracing_before_lock),
		machine_test(tracing_on),
		machine_test(probing_on),
	};

	return cmocka_run_group_tests_name("guard_model", tests, NULL, NULL);
}
