/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's own page tables, walked by software for reading only. Tables and memory are reached
 * through guest_read alone: a root or an entry that points at anything but guest RAM ends the walk.
 */
#pragma once

#include <hv/types.h>

/* The entry that a walk ended with: it maps @span bytes from @va on; 0: there was none. */
struct gwalk_end {
	u64 root;
	u64 va;
	u64 span;
	struct gpa at;
	u64 entry;
};

/* Paging of the guest in long mode. */
struct gwalk {
	u64 cr3;
	unsigned int levels;	/* 4 or 5 */
	struct gwalk_end *last; /* kept for the next walk; NULL: each begins at the root */
};

/* Where @va is mapped. -EFAULT: not present, or a table is out of bounds. */
int gwalk_translate(const struct gwalk *walk, struct gva va, struct gpa *to);

/* Copy from guest-virtual memory, across page bounds. -EFAULT: nothing certain is in @to. */
int gwalk_read(const struct gwalk *walk, struct gva from, void *to, size_t size);

/* As many bytes as there are, up to @size: an instruction may end with its page. */
size_t gwalk_fetch(const struct gwalk *walk, struct gva from, void *to, size_t size);
