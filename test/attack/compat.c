// SPDX-License-Identifier: GPL-2.0-only
#include <linux/percpu.h>
#include <linux/version.h>
#include <asm/desc.h>

#include "attack.h"
#include "compat.h"

u8 *compat_module_text(const struct module *module, unsigned int *size)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	*size = module->mem[MOD_TEXT].size;
	return module->mem[MOD_TEXT].base;
#else
	*size = module->core_layout.text_size;
	return module->core_layout.base;
#endif
}

u8 *compat_module_rodata(const struct module *module, unsigned int *size)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	*size = module->mem[MOD_RODATA].size;
	return module->mem[MOD_RODATA].base;
#else
	*size = module->core_layout.ro_size - module->core_layout.text_size;
	return (u8 *)module->core_layout.base + module->core_layout.text_size;
#endif
}

/* Since 6.10 executable memory has an allocator of its own, of several kinds; 0: of modules. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
void *compat_module_alloc(size_t size)
{
	void *(*alloc)(int type, size_t size) = attack_symbol("execmem_alloc");

	return alloc ? alloc(0, size) : NULL;
}

void compat_module_free(void *memory)
{
	void (*free)(void *memory) = attack_symbol("execmem_free");

	free(memory);
}
#else
void *compat_module_alloc(size_t size)
{
	void *(*alloc)(unsigned long size) = attack_symbol("module_alloc");

	return alloc ? alloc(size) : NULL;
}

void compat_module_free(void *memory)
{
	void (*free)(void *memory) = attack_symbol("module_memfree");

	free(memory);
}
#endif

/*
 * arch/x86/kernel/head_64.S: since 6.5 secondary_startup_64 finds stack, GDT and per-CPU area by
 * the number of the CPU; before, in variables.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
static int find_state(unsigned int cpu, struct task_struct *task, void *stack)
{
	unsigned int *control = attack_symbol("smpboot_control");

	if (!control)
		return -ENOENT;
	*control = cpu;
	task->thread.sp = (unsigned long)stack;
	return 0;
}
#else
static int find_state(unsigned int cpu, struct task_struct *task, void *stack)
{
	u64 *initial_stack = attack_symbol("initial_stack"), *gs = attack_symbol("initial_gs");
	struct desc_ptr *gdt = attack_symbol("early_gdt_descr");

	if (!initial_stack || !gs || !gdt)
		return -ENOENT;
	*initial_stack = (u64)stack;
	*gs = per_cpu_offset(cpu);
	gdt->address = (unsigned long)get_cpu_gdt_rw(cpu);
	return 0;
}
#endif

int compat_start_at(unsigned int cpu, struct task_struct *task, void *code, void *stack)
{
	u64 *initial_code = attack_symbol("initial_code");

	if (!initial_code)
		return -ENOENT;
	*initial_code = (u64)code;
	return find_state(cpu, task, stack);
}
