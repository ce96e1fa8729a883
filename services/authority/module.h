/* SPDX-License-Identifier: GPL-2.0-only */
/* A module that is being judged: its file, where that puts what, and what memory should hold. */
#ifndef AUTHORITY_MODULE_H
#define AUTHORITY_MODULE_H

#include "authority.h"

#define PAGE_REST (HF_PAGE_SIZE - 1ull)

/*
 * A section of the file. @name: NUL-terminated, in the file. Valid after layout: @part
 * (HF_PART_COUNT: it is not loaded) and @va. @bytes: what memory should hold, NULL where nothing
 * asks for that.
 */
struct section {
	const char *name;
	const u8 *file;
	u64 size;
	u64 align;
	u64 flags;
	u32 type;
	u32 link;
	u32 info;
	u32 part;
	u64 va;
	u8 *bytes;
};

/* @memory: what is there; @expected: what should be. NULL where it is written to anyway. */
struct part {
	u64 va;
	u64 size;
	const u8 *memory;
	u8 *expected;
};

/* @known: false where the value is that of a section which is not loaded. */
struct symbol {
	u64 value;
	const char *name;
	u16 section;
	u8 info;
	bool known;
};

struct module {
	const struct authority *authority;
	const struct hf_authority_facts *facts;
	const struct hf_authority_request *request;
	struct hf_authority_result *result;
	struct arena *arena;

	const u8 *file; /* without its signature */
	u64 file_size;
	struct section *section;
	u32 sections;
	u32 symbol_table; /* section numbers */
	struct symbol *symbol;
	u32 symbols;
	struct part part[HF_PART_COUNT];
	struct part *thunk; /* pages, the first @thunks_used are in use, */
	u32 thunks;
	u32 thunks_used;
	u32 thunk_offset; /* the last of them up to here */
	u32 *entry;	  /* its functions, as in site.h, ascending */
	u32 entries;
	u64 *site;
	u32 sites;
};

/* All of these return a negated HF_E* code, and say in the result what is wrong, and where. */
int module_refuse(struct module *module, enum hf_refusal refusal);
int module_refuse_file(struct module *module, enum hf_refusal refusal, u64 offset);
int module_refuse_section(struct module *module, enum hf_refusal refusal,
			  const struct section *section, u64 offset);
int module_no_memory(struct module *module);

/* The section of that name that is loaded, not empty; or NULL. There is one at most (elf.h). */
struct section *module_section(const struct module *module, const char *name);
/*
 * @size bytes that memory should hold at @va, or NULL if they are not all in one part that is
 * compared. _code: in text only.
 */
u8 *module_expected(const struct module *module, u64 va, u64 size);
u8 *module_code(const struct module *module, u64 va, u64 size);
/* What memory does hold there; @expected: as the function above returned it. */
const u8 *module_memory(const struct module *module, const u8 *expected);
/* What is behind @at in the same part. */
u64 module_left(const struct module *module, const u8 *at);

/* Where the relative entry at @offset of a table points to. */
static inline u64 module_points(const struct section *table, u64 offset)
{
	return table->va + offset + get_displacement(table->bytes + offset);
}

#endif
