/* SPDX-License-Identifier: GPL-2.0-only */
/* Which section lies where (kernel/module/main.c: layout_sections()). */
#ifndef AUTHORITY_LAYOUT_H
#define AUTHORITY_LAYOUT_H

#include "module.h"

/* Places the sections. @used: zero; how many bytes of each part they take. */
int layout_measure(struct module *module, u64 used[HF_PART_COUNT]);

/*
 * Places the sections in the parts that the request names, and makes what memory should hold of
 * the file's bytes. The parts have to be of this file's size, aligned, apart from each other.
 */
int layout_place(struct module *module);

/* Whole pages in the area of modules, where nothing else of this one lies. */
bool layout_free(const struct module *module, const struct part *part);

#endif
