/* SPDX-License-Identifier: GPL-2.0-only */
/* Modules: most of this is about those that have finished their init. */
#ifndef AGENT_COMPAT_MODULES_H
#define AGENT_COMPAT_MODULES_H

#include <linux/types.h>

#include <holdfast/range.h>
#include <holdfast/service/authority.h>

struct module;

/* HF_KIND_MODULE_TEXT, _MODULE_RODATA, _RUNTIME_CODE (thunks made for it), or _NONE. */
enum hf_kind modules_kind(unsigned long va);

/* Calls @fn for each until it returns other than 0; returns that. Under modules_hold(). */
int modules_each(int (*fn)(const struct module *module, void *arg), void *arg);

/* Memory of one that is coming, whole pages each, until @fn returns other than 0; returns that. */
int modules_parts(const struct module *module,
		  int (*fn)(enum hf_module_part part, void *start, size_t size, void *arg),
		  void *arg);
/* Likewise the pages of its ITS thunks, in the order that they were taken. */
int modules_thunks(const struct module *module, int (*fn)(void *start, void *arg), void *arg);
/* Its tables of exports, and its per-CPU data. */
void modules_exports(const struct module *module, struct hf_authority_exporter *exporter);
/* Where its per-CPU data lies, as an offset from a CPU's base; 0: it has none. */
u64 modules_percpu(const struct module *module);

/*
 * Lets no module come or go, and takes a reference to each, until modules_release(); from
 * modules_keep() on the references stay. -EAGAIN: @va is in one that is coming or going.
 */
int modules_hold(unsigned long *va);
void modules_release(void);
void modules_keep(void);

#endif
