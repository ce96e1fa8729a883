/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes module files for tests: ELF objects with sections, symbols, relocations. */
#ifndef TEST_AUTHORITY_BUILDER_H
#define TEST_AUTHORITY_BUILDER_H

#include "../../services/authority/elf.h"

#define BUILDER_SECTIONS 48u
#define BUILDER_SYMBOLS	 48u
#define BUILDER_RELAS	 16u
#define BUILDER_BYTES	 512u

#define BUILDER_TEXT (ELF_ALLOC | ELF_EXECUTE)
#define BUILDER_DATA (ELF_ALLOC | ELF_WRITE)
#define BUILDER_FUNC 0x12u /* global function */
#define BUILDER_WEAK 0x20u

/* @relas: kept in a section of their own, behind this one */
struct builder_section {
	const char *name;
	u32 type;
	u64 flags;
	u64 align;
	u64 size;
	u8 bytes[BUILDER_BYTES];
	u8 rela[BUILDER_RELAS][ELF_RELA_SIZE];
	u32 relas;
};

struct builder {
	struct builder_section section[BUILDER_SECTIONS];
	u32 sections;
	u8 symbol[BUILDER_SYMBOLS][ELF_SYMBOL_SIZE];
	u32 symbols;
	char strings[1024];
	u32 used;
};

/* An empty module; the first section and symbol are none. */
void builder_start(struct builder *builder);
/* Returns its number. @bytes NULL: zero. */
u32 builder_add(struct builder *builder, const char *name, u64 flags, const void *bytes,
		u64 size);
/* Adds bytes to a section; returns their offset. */
u64 builder_append(struct builder *builder, u32 number, const void *bytes, u64 size);
u32 builder_symbol(struct builder *builder, const char *name, u32 section, u64 value, u8 info);
void builder_relocate(struct builder *builder, u32 number, u64 offset, u32 type, u32 symbol,
		      s64 addend);
/* Writes the file; returns its size. */
u64 builder_finish(const struct builder *builder, u8 *file, u64 room);

#endif
