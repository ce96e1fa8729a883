// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level tables in memory: one walker, and four things done with it. The format says what
 * an entry looks like; an entry of value 0 is not present in any of them.
 *
 * The hardware walks the tables all the time and may set accessed and dirty bits in them:
 * entries are read and written with single atomic accesses and compared by meaning.
 */
#include <holdfast/range.h>
#include <hv/overflow.h>
#include <hv/panic.h>
#include <hv/pool.h>
#include <hv/stage2.h>

#define LEVEL_BITS 9

/* Atomic; written under the owner lock. */
static u64 cuts;    /* taken away: counted after the tables say so */
static u64 settled; /* of these, all that were counted at the last stage2_settle */

static_assert(STAGE2_ENTRIES == 1 << LEVEL_BITS && STAGE2_ENTRIES * sizeof(u64) == PAGE_SIZE,
	      "a table is one page");

/* Bytes an entry of a table of this level covers. */
static u64 span_of(unsigned int level)
{
	return BIT(PAGE_SHIFT + LEVEL_BITS * (level - 1));
}

static u64 entry_read(const u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

/*
 * The release order makes what a new table contains visible before the table. A CPU that still
 * uses the old translation until the caller's flush uses one that is equal (split, merge) or about
 * to be cut.
 */
static void entry_publish(u64 *entry, u64 value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* The same for a table in the place of a block, or the other way round. */
static void entry_replace(const struct stage2 *s2, u64 *entry, u64 value)
{
	if (s2->format->broken && entry_read(entry)) {
		__atomic_store_n(entry, 0, __ATOMIC_SEQ_CST);
		s2->format->broken();
	}
	entry_publish(entry, value);
}

static u64 *child_of(const struct stage2 *s2, u64 entry, unsigned int level)
{
	return pool_va(s2->format->address(entry, level));
}

static bool is_leaf(const struct stage2 *s2, u64 entry, unsigned int level)
{
	return s2->format->is_leaf(entry, level);
}

static bool is_table(const struct stage2 *s2, u64 entry, unsigned int level)
{
	return level > 1 && s2->format->is_table(entry, level);
}

/* What the entry lets the guest do: of a leaf, or nothing. */
static u32 permission_of(const struct stage2 *s2, u64 entry, unsigned int level)
{
	return is_leaf(s2, entry, level) ? s2->format->permission(entry) : 0;
}

static u64 make_leaf(const struct stage2 *s2, u64 to, u32 perm, unsigned int level)
{
	return s2->format->admissible(perm) ? s2->format->leaf(hpa(to), perm, level) : 0;
}

int stage2_init(struct stage2 *s2, const struct stage2_format *format, unsigned int levels,
		u64 limit)
{
	if (levels < 3 || levels > 5 || !limit || limit > span_of(levels + 1) ||
	    limit % span_of(format->max_block))
		return -HF_EINVAL;
	*s2 = (struct stage2){ .format = format, .levels = (u8)levels, .limit = limit };
	s2->root = pool_page();
	return s2->root ? 0 : -HF_ENOMEM;
}

/* ---- walker ---- */

/* What stays the same on the way down. */
struct walk {
	struct stage2 *s2;
	u64 start;
	u64 end;
	stage2_visitor *visitor;
	void *context;
};

/* @base: address that entry 0 of the table covers. Depth is bounded by the levels. */
static int walk_table(const struct walk *walk, u64 *table, unsigned int level, u64 base)
{
	u64 span = span_of(level);
	u64 end = base + STAGE2_ENTRIES * span;
	u64 at = base;

	if (walk->start > base)
		at += (walk->start - base) / span * span;
	if (walk->end < end)
		end = walk->end;
	for (; at < end; at += span) {
		struct stage2_visit visit = { gpa(at), level, &table[(at - base) / span] };
		int error = walk->visitor(walk->s2, &visit, walk->context);
		u64 entry;

		if (error)
			return error;
		entry = entry_read(visit.entry); /* the visitor may have changed it */
		if (!is_table(walk->s2, entry, level))
			continue;
		error = walk_table(walk, child_of(walk->s2, entry, level), level - 1, at);
		if (error)
			return error;
	}
	return 0;
}

int stage2_walk(struct stage2 *s2, struct gpa start, u64 npages, stage2_visitor *visitor,
		void *context)
{
	struct walk walk = { s2, start.raw, 0, visitor, context };

	CHECK(!range_overflow(start.raw, npages, &walk.end) && walk.end <= s2->limit);
	return walk_table(&walk, s2->root, s2->levels, 0);
}

/* ---- the audit's counters ---- */

static void cut(void)
{
	__atomic_fetch_add(&cuts, 1, __ATOMIC_SEQ_CST);
}

u64 stage2_cuts(void)
{
	return __atomic_load_n(&cuts, __ATOMIC_SEQ_CST);
}

u64 stage2_settled(void)
{
	return __atomic_load_n(&settled, __ATOMIC_SEQ_CST);
}

void stage2_settle(void)
{
	__atomic_exchange_n(&settled, stage2_cuts(), __ATOMIC_SEQ_CST);
}

/* ---- prepare and protect ---- */

struct change {
	u64 start;
	u64 end;
	u32 perm;
};

/* Whether the entry can map memory with this permission. */
static bool fits(const struct stage2 *s2, const struct stage2_visit *visit, u32 perm)
{
	const struct stage2_format *format = s2->format;

	return visit->level <= format->max_block &&
	       (!format->fits || format->fits(hpa(visit->start.raw), perm, visit->level));
}

/* Whether one entry is enough: it lies inside the range, and can map what is there. */
static bool suffices(const struct stage2 *s2, const struct stage2_visit *visit,
		     const struct change *change)
{
	return visit->start.raw >= change->start &&
	       visit->start.raw + span_of(visit->level) <= change->end &&
	       fits(s2, visit, change->perm);
}

/* Put a table that says the same in the place of a block, or of nothing. */
static int split(struct stage2 *s2, const struct stage2_visit *visit)
{
	u64 entry = entry_read(visit->entry);
	u32 perm = permission_of(s2, entry, visit->level);
	u64 span = span_of(visit->level - 1);
	u64 *child = pool_page();
	u64 i;

	if (!child)
		return -HF_ENOMEM;
	for (i = 0; i < STAGE2_ENTRIES; i++)
		child[i] = make_leaf(s2, visit->start.raw + i * span, perm, visit->level - 1);
	entry_replace(s2, visit->entry, s2->format->table(pool_hpa(child)));
	return 0;
}

static int prepare_entry(struct stage2 *s2, const struct stage2_visit *visit, void *context)
{
	if (is_table(s2, entry_read(visit->entry), visit->level) ||
	    suffices(s2, visit, context))
		return 0;
	return split(s2, visit);
}

/* Splits made before memory ran out stay: they change nothing, and the next merge finds them.
 */
int stage2_prepare(struct stage2 *s2, struct gpa start, u64 npages)
{
	struct change change = { start.raw, start.raw + npages * PAGE_SIZE, HF_PERM_ALL };

	return stage2_walk(s2, start, npages, prepare_entry, &change);
}

static int protect_entry(struct stage2 *s2, const struct stage2_visit *visit, void *context)
{
	const struct change *change = context;
	u64 entry = entry_read(visit->entry);
	u32 perm = s2->format->admissible(change->perm);
	u32 before = permission_of(s2, entry, visit->level);

	if (is_table(s2, entry, visit->level) || before == perm)
		return 0;
	CHECK(suffices(s2, visit, change)); /* else it was not prepared */
	entry_publish(visit->entry,
		      make_leaf(s2, visit->start.raw, change->perm, visit->level));
	if (before & ~perm)
		cut();
	return 0;
}

void stage2_protect(struct stage2 *s2, struct gpa start, u64 npages, u32 perm)
{
	struct change change = { start.raw, start.raw + npages * PAGE_SIZE, perm };

	stage2_walk(s2, start, npages, protect_entry, &change);
}

int stage2_map(struct stage2 *s2, struct gpa start, u64 npages, u32 perm)
{
	struct change change = { start.raw, start.raw + npages * PAGE_SIZE, perm };
	int error = stage2_walk(s2, start, npages, prepare_entry, &change);

	if (!error)
		stage2_walk(s2, start, npages, protect_entry, &change);
	return error;
}

/* ---- merge ---- */

/* Whether one entry of @level could say what the whole table below it says. */
static bool uniform(const struct stage2 *s2, const u64 *child, unsigned int level)
{
	u32 perm = permission_of(s2, entry_read(&child[0]), level - 1);
	u64 i;

	for (i = 0; i < STAGE2_ENTRIES; i++) {
		u64 entry = entry_read(&child[i]);

		if (is_table(s2, entry, level - 1) ||
		    permission_of(s2, entry, level - 1) != perm)
			return false;
	}
	return true;
}

/*
 * A CPU may still walk the table until it flushes, so the link must not look like an entry: a
 * page address has its low bits clear and is not present in any format. Whoever runs into that
 * finds, on retry, the block.
 */
static void put_in_limbo(struct stage2 *s2, u64 *table, unsigned int level)
{
	u64 link = (uintptr_t)s2->limbo;

	CHECK(!is_leaf(s2, link, level) && !is_table(s2, link, level));
	__atomic_store_n(&table[0], link, __ATOMIC_RELAXED);
	s2->limbo = table;
}

static int merge_entry(struct stage2 *s2, const struct stage2_visit *visit, void *context)
{
	const unsigned int *level = context;
	u64 entry = entry_read(visit->entry);
	u64 *child;
	u32 perm;

	if (visit->level != *level || !is_table(s2, entry, visit->level))
		return 0;
	child = child_of(s2, entry, visit->level);
	if (!uniform(s2, child, visit->level))
		return 0;
	perm = permission_of(s2, entry_read(&child[0]), visit->level - 1);
	if (!fits(s2, visit, perm))
		return 0;
	entry_replace(s2, visit->entry, make_leaf(s2, visit->start.raw, perm, visit->level));
	put_in_limbo(s2, child, visit->level - 1);
	cut();
	return 0;
}

/* Small blocks first: what they become may make the next size uniform. */
void stage2_merge(struct stage2 *s2, struct gpa start, u64 npages)
{
	unsigned int level;

	for (level = 2; level <= s2->format->max_block; level++)
		stage2_walk(s2, start, npages, merge_entry, &level);
}

void stage2_reclaim(struct stage2 *s2)
{
	CHECK(!s2->limbo || stage2_settled() == stage2_cuts());
	while (s2->limbo) {
		u64 *table = s2->limbo;

		s2->limbo = (u64 *)(uintptr_t)table[0];
		pool_free(table);
	}
}

u32 stage2_permission(const struct stage2 *s2, struct gpa page, unsigned int *level)
{
	unsigned int at = s2->levels;
	u64 *table = s2->root;
	u64 entry = 0;

	if (page.raw < s2->limit) {
		for (;; at--) {
			entry = entry_read(&table[page.raw / span_of(at) % STAGE2_ENTRIES]);
			if (!is_table(s2, entry, at))
				break;
			table = child_of(s2, entry, at);
		}
	}
	if (level)
		*level = at;
	return permission_of(s2, entry, at);
}

u32 stage2_run(const struct stage2 *s2, struct gpa page, u64 *npages)
{
	unsigned int level;
	u32 perm = stage2_permission(s2, page, &level);

	*npages = (span_of(level) - page.raw % span_of(level)) / PAGE_SIZE;
	return perm;
}
