// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level tables: hv/mem/stage2.c with the format of AMD's nested tables,
 * hv/arch/x86/svm/npt.c.
 *
 * State: any tree of tables in which every entry is a table (where that can be), a block of any
 * permission or nothing. What is proved, of any range and any permission: prepare changes no
 * permission, whether it succeeds or runs out of memory; protect then gives every page of the
 * range the permission and leaves all others; merge and reclaim change none, and what goes back
 * to the pool is in use no more.
 *
 * Bounds: tables of 2 entries and 3 levels, so 8 pages, and blocks of 1, 2 and 4 pages. The
 * source is compiled with that number in the place of 512 (build.mk); nothing else of it is
 * changed.
 */
#include "proof.h"
#include <holdfast/range.h>
#include <hv/arch/x86/svm/npt.h>
#undef STAGE2_ENTRIES
#define STAGE2_ENTRIES 2
#include "stage2_small.c"

#define LEVELS	 3
#define PAGES	 8u
#define TABLES	 7u	     /* a full tree */
#define RESERVED 6u	     /* as many again, all but the root */
#define BASE	 0x100000ull /* physical address of the first */

static u64 memory[TABLES + RESERVED][STAGE2_ENTRIES];
static u32 taken; /* of the reserve */
static bool out_of_memory;
static bool freed[TABLES + RESERVED];

static struct stage2 s2;

/* ---- the pool ---- */

void *pool_page(void)
{
	u64 *table;

	if (out_of_memory || any_bool()) {
		out_of_memory = true;
		return NULL;
	}
	prove(taken < RESERVED, "no more tables than a full tree has");
	assume(taken < RESERVED);
	table = memory[TABLES + taken++];
	table[0] = table[1] = 0;
	return table;
}

static u32 number_of(const void *va)
{
	u32 i;

	for (i = 0; i < TABLES + RESERVED; i++)
		if (va == memory[i])
			return i;
	prove(false, "a table's address");
	return 0;
}

struct hpa pool_hpa(const void *va)
{
	return hpa(BASE + number_of(va) * PAGE_SIZE);
}

void *pool_va(struct hpa address)
{
	u64 i = (address.raw - BASE) / PAGE_SIZE;

	prove(i < TABLES + RESERVED && !(address.raw & PAGE_MASK), "a table's address");
	assume(i < TABLES + RESERVED);
	prove(!freed[i], "no table that was given back is used");
	return memory[i];
}

/* Whoever gets the page next writes anything into it. */
void pool_free(void *table)
{
	u32 i = number_of(table);

	prove(!freed[i], "given back once");
	freed[i] = true;
	memory[i][0] = nondet_u64();
	memory[i][1] = nondet_u64();
}

/* ---- any tree ---- */

static u64 any_leaf(u64 at, unsigned int level)
{
	return make_leaf(&s2, at, any_below(HF_PERM_ALL + 1), level);
}

/* Table 0 is the root, 1 and 2 are below it, 3 to 6 below these. */
static void any_tables(void)
{
	u32 i, k;

	s2 = (struct stage2){ .format = &npt_format,
			      .levels = LEVELS,
			      .limit = PAGES * PAGE_SIZE };
	s2.root = memory[0];
	for (i = 0; i < 2; i++) {
		memory[0][i] = any_bool() ? npt_format.table(hpa(BASE + (1 + i) * PAGE_SIZE))
					  : any_leaf(i * 4 * PAGE_SIZE, 3);
		for (k = 0; k < 2; k++) {
			u32 n = 2 * i + k;

			memory[1 + i][k] =
				any_bool() ? npt_format.table(hpa(BASE + (3 + n) * PAGE_SIZE))
					   : any_leaf(n * 2 * PAGE_SIZE, 2);
			memory[3 + n][0] = any_leaf(2 * n * PAGE_SIZE, 1);
			memory[3 + n][1] = any_leaf((2 * n + 1) * PAGE_SIZE, 1);
		}
	}
}

/* ---- what is proved, of any page ---- */

static u64 page;
static u32 before;

static u32 permission(void)
{
	return stage2_permission(&s2, gpa(page), NULL);
}

static void any_state(void)
{
	any_tables();
	page = any_below(PAGES) * PAGE_SIZE;
	before = permission();
}

static struct hf_range any_range(void)
{
	return (struct hf_range){ .gpa = FIRST * PAGE_SIZE, .npages = NPAGES };
}

void prove_protect(void)
{
	struct hf_range range = any_range();
	u32 perm = any_below(HF_PERM_ALL + 1);
	int error;

	any_state();
	error = stage2_prepare(&s2, gpa(range.gpa), range.npages);
	prove(error == 0 || (error == -HF_ENOMEM && out_of_memory), "a documented result");
	prove(permission() == before, "prepare changes no permission");
	if (error)
		return;
	stage2_protect(&s2, gpa(range.gpa), range.npages, perm);
	if (page >= range.gpa && page - range.gpa < range.npages * PAGE_SIZE)
		prove(permission() == npt_format.admissible(perm),
		      "every page of the range has it");
	else
		prove(permission() == before, "no other page has changed");
}

void prove_merge(void)
{
	struct hf_range range = any_range();

	any_state();
	stage2_merge(&s2, gpa(range.gpa), range.npages);
	prove(permission() == before, "merge changes no permission");
	stage2_settle(); /* every CPU has flushed */
	stage2_reclaim(&s2);
	prove(permission() == before, "nor does giving tables back");
	prove(!s2.limbo, "nothing is left over");
}
