// SPDX-License-Identifier: GPL-2.0-only
#include <hv/string.h>

#include "fdt.h"

#define MAGIC 0xd00dfeedu

/* Offsets in the header, and tokens: Devicetree Specification, 5.2 and 5.4.1. */
#define HEADER_SIZE	   4
#define HEADER_STRUCT	   8
#define HEADER_STRINGS	   12
#define HEADER_RESERVED	   16
#define HEADER_COMPATIBLE  24
#define HEADER_STRUCT_SIZE 36
#define HEADER_BYTES	   40
#define TOKEN_NODE	   1
#define TOKEN_NODE_END	   2
#define TOKEN_PROPERTY	   3
#define TOKEN_NOP	   4
#define COMPATIBLE_VERSION 16
#define SIZE_MAX_OF_A_TREE (2u << 20) /* what Linux bears: Documentation/arch/arm64/booting */

static u32 word(const u8 *at)
{
	return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

u64 fdt_number(const u8 *value, u32 cells)
{
	u64 number = word(value);

	return cells > 1 ? number << 32 | word(value + 4) : number;
}

void fdt_set_number(u8 *value, u32 cells, u64 number)
{
	for (u32 i = 4 * cells; i > 0; number >>= 8)
		value[--i] = (u8)number;
}

bool fdt_open(struct fdt *fdt, void *blob)
{
	const u8 *header = blob;

	if (word(header) != MAGIC || word(header + HEADER_COMPATIBLE) != COMPATIBLE_VERSION)
		return false;
	fdt->blob = blob;
	fdt->size = word(header + HEADER_SIZE);
	fdt->at = word(header + HEADER_STRUCT);
	fdt->strings = word(header + HEADER_STRINGS);
	fdt->depth = 0;
	fdt->end = fdt->at + word(header + HEADER_STRUCT_SIZE);
	return fdt->size >= HEADER_BYTES && fdt->size <= SIZE_MAX_OF_A_TREE &&
	       fdt->at <= fdt->end && fdt->end <= fdt->size && fdt->strings <= fdt->size;
}

bool fdt_reserved(const struct fdt *fdt, u32 index, u64 *start, u64 *size)
{
	u64 at = word(fdt->blob + HEADER_RESERVED) + 16ull * index;

	if (at + 16 > fdt->size)
		return false;
	*start = fdt_number(fdt->blob + at, 2);
	*size = fdt_number(fdt->blob + at + 8, 2);
	return *start || *size;
}

/* The text at @at, and in *length what it takes with its end; NULL: it has none. */
static const char *text_at(const struct fdt *fdt, u32 at, u32 *length)
{
	for (u32 i = at; i < fdt->size; i++) {
		if (fdt->blob[i])
			continue;
		*length = i + 1 - at;
		return (const char *)fdt->blob + at;
	}
	return NULL;
}

static bool begin_node(struct fdt *fdt)
{
	u32 length;

	fdt->name = text_at(fdt, fdt->at, &length);
	if (!fdt->name || fdt->depth == FDT_DEPTH_MAX)
		return false;
	fdt->node[fdt->depth++] = fdt->name;
	fdt->at += (length + 3) & ~3u;
	return true;
}

static bool read_property(struct fdt *fdt)
{
	u32 length, name;

	if (fdt->end - fdt->at < 8)
		return false;
	fdt->length = word(fdt->blob + fdt->at);
	name = word(fdt->blob + fdt->at + 4);
	fdt->at += 8;
	if (fdt->length > fdt->end - fdt->at || name > fdt->size - fdt->strings)
		return false;
	fdt->name = text_at(fdt, fdt->strings + name, &length);
	fdt->value = fdt->blob + fdt->at;
	fdt->at += (fdt->length + 3) & ~3u;
	return fdt->name;
}

enum fdt_token fdt_next(struct fdt *fdt)
{
	while (fdt->at + 4 <= fdt->end) {
		u32 token = word(fdt->blob + fdt->at);

		fdt->at += 4;
		switch (token) {
		case TOKEN_NODE:
			return begin_node(fdt) ? FDT_NODE : FDT_END;
		case TOKEN_NODE_END:
			if (!fdt->depth)
				return FDT_END;
			fdt->depth--;
			return FDT_NODE_END;
		case TOKEN_PROPERTY:
			return read_property(fdt) ? FDT_PROPERTY : FDT_END;
		case TOKEN_NOP:
			break;
		default:
			return FDT_END;
		}
	}
	return FDT_END;
}

/* Up to the end of either, or the unit address of @text. */
static bool same_name(const char *text, const char *name)
{
	while (*name && *text == *name) {
		text++;
		name++;
	}
	return !*name && (!*text || *text == '@');
}

bool fdt_within(const struct fdt *fdt, u32 depth, const char *name)
{
	return depth < fdt->depth && same_name(fdt->node[depth], name);
}

bool fdt_named(const struct fdt *fdt, const char *name)
{
	return same_name(fdt->name, name);
}

bool fdt_lists(const struct fdt *fdt, const char *text)
{
	const char *value = (const char *)fdt->value;
	u32 at = 0, i;

	while (at < fdt->length) {
		for (i = 0; at + i < fdt->length && text[i] && value[at + i] == text[i]; i++)
			;
		if (at + i < fdt->length && !text[i] && !value[at + i])
			return true;
		while (at < fdt->length && value[at])
			at++;
		at++;
	}
	return false;
}
