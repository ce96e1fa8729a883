/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that are attacked. */
#ifndef HF_ATTACK_COMPAT_H
#define HF_ATTACK_COMPAT_H

#include <linux/module.h>
#include <linux/sched.h>

/* Where the text and the read-only data of a module are; whole pages. */
u8 *compat_module_text(const struct module *module, unsigned int *size);
u8 *compat_module_rodata(const struct module *module, unsigned int *size);

/* Memory in the area of modules, that can be written and not executed; NULL: none. */
void *compat_module_alloc(size_t size);
void compat_module_free(void *memory);

/*
 * Makes the kernel's start-up code end in @code on @stack (its top) when CPU @cpu is started; @task
 * is what that CPU ran when it was lost. -ENOENT: this kernel does it in yet another way.
 */
int compat_start_at(unsigned int cpu, struct task_struct *task, void *code, void *stack);

#endif
