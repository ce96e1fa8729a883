// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/version.h>

#include "modules.h"
#include "symbols.h"

/* With STRICT_MODULE_RWX, which x86 always has, no page holds two of text, rodata and data. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
static bool within(const struct module *module, enum mod_mem_type type, unsigned long va)
{
	const struct module_memory *memory = &module->mem[type];

	return va - (unsigned long)memory->base < memory->size;
}

static unsigned long start_of(const struct module *module)
{
	return (unsigned long)module->mem[MOD_TEXT].base;
}

static enum hf_kind section_kind(const struct module *module, unsigned long va)
{
	if (within(module, MOD_TEXT, va))
		return HF_KIND_MODULE_TEXT;
	if (within(module, MOD_RODATA, va) || within(module, MOD_RO_AFTER_INIT, va))
		return HF_KIND_MODULE_RODATA;
	return HF_KIND_NONE;
}

int modules_parts(const struct module *module,
		  int (*fn)(enum hf_module_part part, void *start, size_t size, void *arg),
		  void *arg)
{
	int part, ret = 0;

	BUILD_BUG_ON((int)MOD_INIT_RODATA != HF_PART_INIT_RODATA ||
		     (int)MOD_RO_AFTER_INIT != HF_PART_RO_AFTER_INIT);
	for (part = 0; part < HF_PART_COUNT && !ret; part++)
		if (module->mem[part].size)
			ret = fn(part, module->mem[part].base, module->mem[part].size, arg);
	return ret;
}
#else
static unsigned long start_of(const struct module *module)
{
	return (unsigned long)module->core_layout.base;
}

/* Sizes are of all from the start up to the end of that part. */
static enum hf_kind section_kind(const struct module *module, unsigned long va)
{
	const struct module_layout *layout = &module->core_layout;
	unsigned long at = va - (unsigned long)layout->base;

	if (at < layout->text_size)
		return HF_KIND_MODULE_TEXT;
	return at < layout->ro_after_init_size ? HF_KIND_MODULE_RODATA : HF_KIND_NONE;
}

static int layout_parts(const struct module_layout *layout, const enum hf_module_part part[4],
			int (*fn)(enum hf_module_part part, void *start, size_t size,
				  void *arg),
			void *arg)
{
	const unsigned int ends[] = { 0, layout->text_size, layout->ro_size,
				      max(layout->ro_size, layout->ro_after_init_size),
				      layout->size };
	int i, ret = 0;

	for (i = 0; i < 4 && !ret; i++)
		if (ends[i + 1] > ends[i])
			ret = fn(part[i], layout->base + ends[i], ends[i + 1] - ends[i], arg);
	return ret;
}

int modules_parts(const struct module *module,
		  int (*fn)(enum hf_module_part part, void *start, size_t size, void *arg),
		  void *arg)
{
	/* Nothing of init is read-only after it: the third of these has no bytes. */
	static const enum hf_module_part core[] = { HF_PART_TEXT, HF_PART_RODATA,
						    HF_PART_RO_AFTER_INIT, HF_PART_DATA };
	static const enum hf_module_part init[] = { HF_PART_INIT_TEXT, HF_PART_INIT_RODATA,
						    HF_PART_INIT_DATA, HF_PART_INIT_DATA };
	int ret = layout_parts(&module->core_layout, core, fn, arg);

	return ret ? ret : layout_parts(&module->init_layout, init, fn, arg);
}
#endif

int modules_thunks(const struct module *module, int (*fn)(void *start, void *arg), void *arg)
{
	int ret = 0;
#ifdef CONFIG_MITIGATION_ITS
	int i;

	for (i = 0; i < module->its_num_pages && !ret; i++)
		ret = fn(module->its_page_array[i], arg);
#endif
	return ret;
}

void modules_exports(const struct module *module, struct hf_authority_exporter *exporter)
{
	*exporter = (struct hf_authority_exporter){
		.symbols = { (u64)module->syms, (u64)module->gpl_syms },
		.count = { module->num_syms, module->num_gpl_syms },
		.percpu = modules_percpu(module),
		.percpu_size = module->percpu_size,
	};
}

u64 modules_percpu(const struct module *module)
{
	return (__force u64)module->percpu;
}

/* Indirect jumps of modules on CPUs with the ITS bug go through pages of their own. */
static bool is_thunk(const struct module *module, unsigned long va)
{
#ifdef CONFIG_MITIGATION_ITS
	int i;

	for (i = 0; i < module->its_num_pages; i++)
		if ((unsigned long)module->its_page_array[i] == va)
			return true;
#endif
	return false;
}

static enum hf_kind thunk_kind(unsigned long va)
{
	struct module *module;

	list_for_each_entry_rcu(module, symbols.modules, list, rcu_read_lock_sched_held())
	{
		if (module->state == MODULE_STATE_LIVE && is_thunk(module, va))
			return HF_KIND_RUNTIME_CODE;
	}
	return HF_KIND_NONE;
}

enum hf_kind modules_kind(unsigned long va)
{
	struct module *module;
	enum hf_kind kind;

	preempt_disable();
	module = symbols.module_address(va);
	if (!module)
		kind = thunk_kind(va);
	else if (module->state == MODULE_STATE_LIVE)
		kind = section_kind(module, va);
	else
		kind = HF_KIND_NONE;
	preempt_enable();
	return kind;
}

int modules_each(int (*fn)(const struct module *module, void *arg), void *arg)
{
	const struct module *module;
	int ret = 0;

	list_for_each_entry(module, symbols.modules, list)
	{
		if (module->state == MODULE_STATE_LIVE && !ret)
			ret = fn(module, arg);
	}
	return ret;
}

/*
 * A kernel that does not tell where its mutex is keeps the list whole for whoever does not sleep; a
 * module that comes meanwhile is seen or not.
 */
static void list_hold(void)
{
	if (symbols.module_mutex)
		mutex_lock(symbols.module_mutex);
	else
		preempt_disable();
}

static void list_let_go(void)
{
	if (symbols.module_mutex)
		mutex_unlock(symbols.module_mutex);
	else
		preempt_enable();
}

/*
 * Unformed modules are not executable yet, and with module_mutex held do not become so. Nor does a
 * live one begin to go.
 */
int modules_hold(unsigned long *va)
{
	struct module *module;

	list_hold();
	list_for_each_entry(module, symbols.modules, list)
	{
		if (module->state != MODULE_STATE_COMING && module->state != MODULE_STATE_GOING)
			continue;
		*va = start_of(module);
		list_let_go();
		return -EAGAIN;
	}
	list_for_each_entry(module, symbols.modules, list)
	{
		if (module->state == MODULE_STATE_LIVE)
			__module_get(module);
	}
	if (!symbols.module_mutex)
		list_let_go();
	return 0;
}

void modules_release(void)
{
	struct module *module;

	/* Who came meanwhile cannot be told from those that are held: they stay so. */
	if (!symbols.module_mutex)
		return;
	list_for_each_entry(module, symbols.modules, list)
	{
		if (module->state == MODULE_STATE_LIVE)
			module_put(module);
	}
	list_let_go();
}

void modules_keep(void)
{
	if (symbols.module_mutex)
		list_let_go();
}
