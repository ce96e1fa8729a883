/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flattened device tree, version 17 (Devicetree Specification 0.4, chapter 5): read in one
 * pass. Firmware made it, and is trusted; it is bounded all the same.
 *
 * Used with the MMU off: no access here is wider than the tree's own alignment warrants.
 */
#pragma once

#include <hv/types.h>

#define FDT_DEPTH_MAX 8

enum fdt_token {
	FDT_END, /* of the tree, or of what can be understood of it */
	FDT_NODE,
	FDT_NODE_END,
	FDT_PROPERTY,
};

/*
 * @name:	of the node that begins, or of the property
 * @value:	of the property, @length bytes
 * @depth:	of the node: 0 is the root's. Of a property: of its node
 * @node:	names of the nodes that lead here
 */
struct fdt {
	u8 *blob;
	u32 size;
	u32 at; /* of the next token */
	u32 end;
	u32 strings;
	u32 depth;
	const char *node[FDT_DEPTH_MAX];
	const char *name;
	u8 *value;
	u32 length;
};

/* False: no tree is there. */
bool fdt_open(struct fdt *fdt, void *blob);
enum fdt_token fdt_next(struct fdt *fdt);

/* Number @index of the reservations that precede the tree; false: there are no more. */
bool fdt_reserved(const struct fdt *fdt, u32 index, u64 *start, u64 *size);

/* A number of @cells cells, 1 or 2, at the start of @value. */
u64 fdt_number(const u8 *value, u32 cells);
void fdt_set_number(u8 *value, u32 cells, u64 number);
/* Whether the property is a list of strings with @text among them. */
bool fdt_lists(const struct fdt *fdt, const char *text);
/* Whether the node at @depth on the way is @name, without its unit address. */
bool fdt_within(const struct fdt *fdt, u32 depth, const char *name);
bool fdt_named(const struct fdt *fdt, const char *name);
