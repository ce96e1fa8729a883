// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ownership: I1, I2 and I3 of docs/architecture.md for hv/mem/owner.c.
 *
 * State: any that `valid` admits. What is proved: every transition, with any list of at most
 * RANGES records of any contents, leads from such a state to such a state, and does what the
 * table in owner.h says to the pages of the list, nothing to any other, and nothing at all if
 * it fails. So after any sequence of transitions the state is valid, and the invariants are
 * properties of valid states and single steps.
 *
 * Bounds: the memory maps of `layouts`, of MAPS records with MAP_PAGES pages each; lists of at
 * most RANGES records, whose 64-bit numbers are any. The tables are an array with a permission
 * for each of those pages: that the real ones behave like it is the proof of stage2.c.
 *
 * Assumed: the owner lock serializes (its holder is proof); the memory of the bytes is nobody
 * else's.
 */
#include "proof.h"
#include <holdfast/image.h>

#define MAPS 2
/* No more than are used: CBMC's formula grows with the array. */
#undef HF_MEMORY_MAX
#define HF_MEMORY_MAX MAPS
#include <hv/mem/owner.c>

#define MAP_PAGES 2
#define RANGES	  2
#define PAGES	  (MAPS * MAP_PAGES)

static u8 bytes[PAGES];
/* What the tables hold for each of the pages. */
static u32 tables[PAGES];

static struct before {
	u8 bytes[PAGES];
	u32 tables[PAGES];
	u64 sealed;
} before;

/* ---- what owner.c needs ---- */

static u64 gpa_limit;

struct gpa backend_gpa_limit(void)
{
	return gpa(gpa_limit);
}

/* Page number @i of the memory map. */
static u64 address_of(u32 i)
{
	return owner.span[i / MAP_PAGES].start + i % MAP_PAGES * PAGE_SIZE;
}

static bool within(u32 i, u64 start, u64 npages)
{
	return address_of(i) >= start && (address_of(i) - start) >> PAGE_SHIFT < npages;
}

int backend_stage2_prepare(struct gpa start, u64 npages)
{
	(void)start;
	(void)npages;
	return any_bool() ? -HF_ENOMEM : 0;
}

void backend_stage2_protect(struct gpa start, u64 npages, u32 perm)
{
	u32 i;

	for (i = 0; i < PAGES; i++) {
		if (!within(i, start.raw, npages))
			continue;
		/* Who faults on the new permission must find the new state. */
		prove(owner_permission(page_of(bytes[i])) == perm, "the state comes first");
		tables[i] = perm;
	}
}

void backend_stage2_merge(struct gpa start, u64 npages)
{
	(void)start;
	(void)npages;
}

void *pool_pages(u64 npages)
{
	(void)npages;
	return NULL;
}

void lock_acquire(struct lock *lock, struct cpu *cpu)
{
	(void)cpu;
	lock->held = 1;
}

void lock_release(struct lock *lock)
{
	lock->held = 0;
}

/* ---- valid states ---- */

static bool valid_byte(u8 byte)
{
	struct page page = page_of(byte);

	switch (page.state) {
	case PAGE_ABSENT:
		return page.confined && !page.dma;
	case PAGE_GUEST:
		return true;
	case PAGE_SEALED:
		/* Not the code that is the state's own: sealed pages have kinds. */
		return (byte & BYTE_CODE) > BYTE_SEALED && page.kind < HF_KIND_COUNT &&
		       !page.dma;
	case PAGE_PENDING:
	case PAGE_LENT:
	case PAGE_SERVICE:
	case PAGE_HYPERVISOR:
		return !page.dma;
	case PAGE_MMIO: /* of what no record names */
		return false;
	}
	return false;
}

/* I1 and I2 of one page, from its byte and its permission alone. */
static bool invariant(struct page page, u32 perm)
{
	bool guest = page.state == PAGE_GUEST && !page.confined;

	if (page.state == PAGE_HYPERVISOR || page.state == PAGE_SERVICE)
		return perm == 0;
	if ((page.state == PAGE_SEALED && page.kind != HF_KIND_DATA) ||
	    page.state == PAGE_PENDING || page.state == PAGE_LENT)
		return !(perm & HF_PERM_WRITE);
	/* Of the guest's own memory execution is not controlled, but of what came later. */
	return guest || !((perm & HF_PERM_WRITE) && (perm & HF_PERM_KERNEL_EXEC));
}

static u64 count_sealed(void)
{
	u64 sealed = 0;
	u32 i;

	for (i = 0; i < PAGES; i++)
		sealed += page_of(bytes[i]).state == PAGE_SEALED;
	return sealed;
}

static bool valid(void)
{
	u32 i;

	for (i = 0; i < PAGES; i++)
		if (!valid_byte(bytes[i]) || tables[i] != owner_permission(page_of(bytes[i])))
			return false;
	return owner.sealed == count_sealed();
}

/* First pages of the records, and where the tables end: apart, and in a row. */
static const u64 layouts[][MAPS + 1] = {
	{ 0, MAP_PAGES + 1, 2 * MAP_PAGES + 2 },
	{ 3, 3 + MAP_PAGES, 2 * MAP_PAGES + 3 },
};

static void any_state(void)
{
	const u64 *layout = layouts[LAYOUT];
	u32 i;

	owner.count = MAPS;
	for (i = 0; i < MAPS; i++)
		owner.span[i] = (struct span){
			.start = layout[i] * PAGE_SIZE,
			.end = (layout[i] + MAP_PAGES) * PAGE_SIZE,
			.bytes = bytes + i * MAP_PAGES,
		};
	gpa_limit = layout[MAPS] * PAGE_SIZE;
	for (i = 0; i < PAGES; i++) {
		bytes[i] = nondet_u8();
		tables[i] = owner_permission(page_of(bytes[i]));
	}
	owner.sealed = count_sealed();
	assume(valid());
}

static void remember(void)
{
	u32 i;

	for (i = 0; i < PAGES; i++) {
		before.bytes[i] = bytes[i];
		before.tables[i] = tables[i];
	}
	before.sealed = owner.sealed;
}

/* ---- the table of owner.h, once more ---- */

enum flag {
	KEEPS,
	SETS,
	CLEARS
};

static const struct row {
	u8 from, to, confined;
	bool approved; /* may give a sealed page something: I3 */
} rows[] = {
	{ PAGE_GUEST, PAGE_HYPERVISOR, KEEPS, false },
	{ PAGE_GUEST, PAGE_SEALED, KEEPS, false },
	{ PAGE_GUEST, PAGE_PENDING, KEEPS, false },
	{ PAGE_PENDING, PAGE_SEALED, KEEPS, false },
	{ PAGE_PENDING, PAGE_GUEST, KEEPS, false },
	{ PAGE_GUEST, PAGE_LENT, KEEPS, false },
	{ PAGE_LENT, PAGE_GUEST, KEEPS, false },
	{ PAGE_GUEST, PAGE_SERVICE, KEEPS, false },
	{ PAGE_SEALED, PAGE_GUEST, SETS, true },
	{ PAGE_ABSENT, PAGE_GUEST, KEEPS, false },
	{ PAGE_SEALED, PAGE_GUEST, CLEARS, true },
	{ PAGE_SEALED, PAGE_GUEST, KEEPS, true },
	{ PAGE_GUEST, PAGE_GUEST, CLEARS, false },
};

static int transition(struct owner_locked l, const struct hf_range *ranges, u32 count)
{
	switch (ROW) {
	case 0:
		return owner_claim(l, ranges, count);
	case 1:
		return owner_seal(l, ranges, count);
	case 2:
		return owner_check_begin(l, ranges, count);
	case 3:
		return owner_check_pass(l, ranges, count);
	case 4:
		return owner_check_fail(l, ranges, count);
	case 5:
		return owner_lend(l, ranges, count);
	case 6:
		return owner_return(l, ranges, count);
	case 7:
		return owner_donate(l, ranges, count);
	case 8:
		return owner_release(l, ranges, count);
	case 9:
		return owner_add(l, ranges, count);
	case 10:
		return owner_open(l, ranges, count);
	case 11:
		return owner_check_undo(l, ranges, count);
	default:
		return owner_admit(l, ranges, count);
	}
}

static const struct owner_locked held = { NULL };

static void unchanged(u32 i)
{
	prove(bytes[i] == before.bytes[i], "a page that is not meant keeps its state");
	prove(tables[i] == before.tables[i], "a page that is not meant keeps its permission");
}

static void changed(u32 i, const struct row *row, u32 kind)
{
	struct page was = page_of(before.bytes[i]), is = page_of(bytes[i]);
	bool confined = row->confined == KEEPS ? was.confined : row->confined == SETS;

	prove(was.state == row->from && !was.dma, "only from the state of the table");
	prove(is.state == row->to && is.kind == (row->to == PAGE_SEALED ? kind : HF_KIND_NONE),
	      "to the state of the table");
	prove(is.confined == confined && !is.dma, "the flags of the table");
}

/* I3, and that nothing leaves the hypervisor and the services. */
static void step(u32 i, const struct row *row)
{
	u8 was = page_of(before.bytes[i]).state;

	prove(implies(was == PAGE_HYPERVISOR || was == PAGE_SERVICE,
		      bytes[i] == before.bytes[i]),
	      "nothing leaves hypervisor and service");
	prove(implies(was == PAGE_SEALED && !row->approved,
		      bytes[i] == before.bytes[i] && !(tables[i] & ~before.tables[i])),
	      "I3: sealed gains nothing but by release, open and undo");
}

void prove_transitions(void)
{
	const struct row *row = &rows[ROW];
	struct hf_range ranges[RANGES];
	u32 count = any_below(RANGES + 1);
	int error;
	u32 i, k;

	any_state();
	for (k = 0; k < RANGES; k++) {
		ranges[k].gpa = nondet_u64();
		ranges[k].npages = nondet_u64();
		ranges[k].kind = nondet_u32();
	}
	remember();
	error = transition(held, ranges, count);
	prove(error == 0 || error == -HF_EINVAL || error == -HF_ENOMEM, "a documented result");
	prove(valid(), "states, permissions and count agree afterwards");
	for (i = 0; i < PAGES; i++) {
		u32 kind = HF_KIND_NONE;
		bool meant = false;

		for (k = 0; k < count; k++) {
			if (!within(i, ranges[k].gpa, ranges[k].npages))
				continue;
			prove(implies(!error, !meant), "no page is meant twice");
			meant = true;
			kind = ranges[k].kind;
		}
		if (meant && !error)
			changed(i, row, kind);
		else
			unchanged(i);
		step(i, row);
		prove(invariant(page_of(bytes[i]), tables[i]), "I1 and I2");
	}
}

void prove_dma(void)
{
	u64 start = nondet_u64(), npages = nondet_u64();
	bool dma = any_bool();
	int error;
	u32 i;

	any_state();
	remember();
	error = owner_set_dma(held, gpa(start), npages, dma);
	prove(error == 0 || error == -HF_EINVAL, "a documented result");
	prove(valid(), "states, permissions and count agree afterwards");
	for (i = 0; i < PAGES; i++) {
		if (error || !within(i, start, npages)) {
			unchanged(i);
			continue;
		}
		prove(page_of(before.bytes[i]).state == PAGE_GUEST, "only of the guest's");
		prove(page_of(bytes[i]).dma == dma, "the flag is as asked");
		prove(tables[i] == before.tables[i], "a flag changes no permission");
	}
}

/* What owner_page, owner_state and owner_all answer, of any address. */
void prove_queries(void)
{
	u64 at = nondet_u64();
	u32 kind = nondet_u32(), perm = owner_kind_permission(kind);
	bool mapped = false;
	struct page page;
	u32 i;

	any_state();
	page = owner_page(gpa(at));
	prove(owner_state(gpa(at)) == page.state, "one state, whichever way it is asked");
	for (i = 0; i < PAGES; i++) {
		if (!within(i, at & ~PAGE_MASK, 1))
			continue;
		mapped = true;
		prove(page.state == page_of(bytes[i]).state &&
			      page.kind == page_of(bytes[i]).kind,
		      "the page's own byte");
	}
	prove(implies(!mapped, page.state == (at < gpa_limit ? PAGE_MMIO : PAGE_ABSENT)),
	      "outside the map: device memory, or nothing");
	prove(implies(!mapped && at >= gpa_limit, owner_permission(page) == 0),
	      "beyond the tables nothing is permitted");
	prove(!(owner_permission(page) & HF_PERM_KERNEL_EXEC) || mapped,
	      "device memory is never executable");
	prove(implies(kind == HF_KIND_NONE || kind >= HF_KIND_COUNT, perm == 0),
	      "what is no kind has no permission");
	prove(implies(kind != HF_KIND_DATA, !(perm & HF_PERM_WRITE)), "I1: fixed kinds");
	prove(!((perm & HF_PERM_WRITE) && (perm & (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC))),
	      "I1: no kind is writable and executable");
}
