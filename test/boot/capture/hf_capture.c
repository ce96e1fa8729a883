// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps what modules look like when the kernel has loaded them and runs nothing of them yet, and
 * what the authority has to know of the kernel: in memory that the kernel was told not to use,
 * which the host reads. Runs in machines without Holdfast.
 */
#include <linux/assoc_array.h>
#include <linux/io.h>
#include <linux/key.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <crypto/public_key.h>
#include <keys/asymmetric-type.h>
#include <asm/cpufeature.h>
#include <asm/paravirt_types.h>

#include <holdfast/site.h>

#include "capture.h"

static unsigned long base, size;
module_param(base, ulong, 0444);
MODULE_PARM_DESC(base, "physical address of the memory to write to");
module_param(size, ulong, 0444);

static unsigned long (*lookup)(const char *name);
static u8 *memory;
static size_t used;
static DEFINE_MUTEX(keeping);

/* ---- records ---- */

/* What does not fit, or cannot be read, is no end: the host sees that CAPTURE_END is missing. */
static bool broken;

static void keep(enum capture_kind kind, const char *name, u32 index, u64 va, const void *data,
		 size_t length)
{
	struct capture_record record = { CAPTURE_MAGIC, kind, index, va, length, { 0 } };
	struct capture_record end = { CAPTURE_MAGIC, CAPTURE_END, 0, 0, 0, { 0 } };

	if (broken || length > size || used + length + 3 * sizeof(record) > size) {
		broken = true;
		pr_err("hf_capture: no room for %s\n", name);
		return;
	}
	strscpy(record.name, name, sizeof(record.name));
	if (length && copy_from_kernel_nofault(memory + used + sizeof(record), data, length)) {
		pr_err("hf_capture: cannot read %s at %px\n", name, data);
		broken = true;
		return;
	}
	memcpy(memory + used, &record, sizeof(record));
	used += sizeof(record) + ALIGN(length, 8);
	memcpy(memory + used, &end, sizeof(end));
}

static void keep_here(enum capture_kind kind, const char *name, const void *data, size_t length)
{
	keep(kind, name, 0, (u64)data, data, length);
}

/* ---- modules ---- */

static void keep_part(const struct module *module, enum hf_module_part part, void *start,
		      size_t length)
{
	if (length)
		keep(CAPTURE_PART, module->name, part, (u64)start, start, length);
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
static void keep_parts(const struct module *module)
{
	int i;

	for (i = 0; i < MOD_MEM_NUM_TYPES; i++)
		keep_part(module, i, module->mem[i].base, module->mem[i].size);
}
#else
static void keep_layout(const struct module *module, const struct module_layout *layout,
			const enum hf_module_part part[4])
{
	const unsigned int ends[] = { 0, layout->text_size, layout->ro_size,
				      max(layout->ro_size, layout->ro_after_init_size),
				      layout->size };
	int i;

	for (i = 0; i < 4; i++)
		keep_part(module, part[i], layout->base + ends[i], ends[i + 1] - ends[i]);
}

static void keep_parts(const struct module *module)
{
	/* Nothing of init is read-only after it: the third of these has no bytes. */
	keep_layout(module, &module->core_layout,
		    (enum hf_module_part[]){ HF_PART_TEXT, HF_PART_RODATA,
					     HF_PART_RO_AFTER_INIT, HF_PART_DATA });
	keep_layout(module, &module->init_layout,
		    (enum hf_module_part[]){ HF_PART_INIT_TEXT, HF_PART_INIT_RODATA,
					     HF_PART_INIT_DATA, HF_PART_INIT_DATA });
}
#endif

static void keep_thunks(const struct module *module)
{
#ifdef CONFIG_MITIGATION_ITS
	int i;

	for (i = 0; i < module->its_num_pages; i++)
		keep_here(CAPTURE_THUNKS, module->name, module->its_page_array[i], PAGE_SIZE);
#endif
}

static int changed(struct notifier_block *unused, unsigned long state, void *data)
{
	struct module *module = data;

	if (module == THIS_MODULE)
		return NOTIFY_DONE;
	mutex_lock(&keeping);
	if (state == MODULE_STATE_COMING) {
		keep(CAPTURE_COMING, module->name, module->percpu_size,
		     (__force u64)module->percpu, NULL, 0);
		keep_parts(module);
		keep_thunks(module);
	} else {
		keep(state == MODULE_STATE_LIVE ? CAPTURE_LIVE : CAPTURE_GOING, module->name, 0,
		     0, NULL, 0);
	}
	mutex_unlock(&keeping);
	return NOTIFY_DONE;
}

/* Last: memory is final then, and no code of the module has run. */
static struct notifier_block notifier = { .notifier_call = changed, .priority = INT_MIN };

/* ---- facts ---- */

static u64 word_at(const char *name)
{
	u64 *at = (u64 *)lookup(name);

	return at ? *at : 0;
}

static u32 flags(void)
{
	const bool *uniprocessor = (const bool *)lookup("uniproc_patched");
	u32 flags = 0;

	if (uniprocessor && *uniprocessor)
		flags |= HF_FACT_UNIPROCESSOR;
	if (boot_cpu_has(X86_FEATURE_RETPOLINE))
		flags |= HF_FACT_RETPOLINE;
	if (boot_cpu_has(X86_FEATURE_RETPOLINE_LFENCE))
		flags |= HF_FACT_RETPOLINE_LFENCE;
	if (boot_cpu_has(X86_FEATURE_RETHUNK))
		flags |= HF_FACT_RETURN_THUNK;
#ifdef X86_FEATURE_CALL_DEPTH
	if (boot_cpu_has(X86_FEATURE_CALL_DEPTH))
		flags |= HF_FACT_CALL_DEPTH;
#endif
#ifdef X86_FEATURE_INDIRECT_THUNK_ITS
	if (boot_cpu_has(X86_FEATURE_INDIRECT_THUNK_ITS))
		flags |= HF_FACT_ITS;
#endif
	return flags;
}

static void keep_facts(void)
{
	static struct hf_authority_facts facts = { .size = sizeof(facts) };
	const char *vermagic = (const char *)lookup("vermagic");
	bool newer = LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0);

	facts.loader = newer ? HF_LOADER_6_12 : HF_LOADER_6_1;
	facts.flags = flags();
	facts.capability_count = NCAPINTS + NBUGINTS;
	memcpy(facts.capability, boot_cpu_data.x86_capability, 4 * facts.capability_count);
	facts.return_thunk = word_at("x86_return_thunk");
	if (facts.return_thunk && facts.return_thunk == lookup("its_return_thunk"))
		facts.its_return_thunk = facts.return_thunk;
	facts.indirect_thunks = lookup("__x86_indirect_thunk_array");
	facts.pv_ops = (u64)&pv_ops;
	facts.pv_count = sizeof(pv_ops) / 8;
	memcpy(facts.pv_op, &pv_ops, sizeof(pv_ops));
	facts.pv_nop = lookup(newer ? "nop_func" : "_paravirt_nop");
	facts.pv_bug = lookup(newer ? "BUG_func" : "paravirt_BUG");
	facts.percpu_start = lookup("__per_cpu_end");
	facts.percpu_end = facts.percpu_start + PERCPU_MODULE_RESERVE;
	facts.module_start = MODULES_VADDR;
	facts.module_end = MODULES_END;
	if (vermagic)
		strscpy(facts.vermagic, vermagic, sizeof(facts.vermagic));
	keep_here(CAPTURE_FACTS, "facts", &facts, sizeof(facts));
}

static void keep_exports(void)
{
	u64 start = lookup("__start_rodata"), length = lookup("__end_rodata") - start;
	struct hf_authority_exporter kernel = {
		.memory = { start, 0, length },
		.symbols = { lookup("__start___ksymtab"), lookup("__start___ksymtab_gpl") },
	};

	kernel.count[0] = (lookup("__stop___ksymtab") - kernel.symbols[0]) / 12;
	kernel.count[1] = (lookup("__stop___ksymtab_gpl") - kernel.symbols[1]) / 12;
	keep(CAPTURE_KERNEL, "kernel", 0, 0, &kernel, sizeof(kernel));
	keep(CAPTURE_RODATA, "rodata", 0, start, (void *)start, length);
}

/* ---- where calls may go ---- */

#define ENTRIES 131072

static u32 *entry;
static unsigned int entries;
static unsigned long text, etext;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
static int add_entry(void *unused, const char *name, unsigned long va)
#else
static int add_entry(void *unused, const char *name, struct module *none, unsigned long va)
#endif
{
	if (va >= text && va < etext && entries < ENTRIES)
		entry[entries++] = va - HF_CODE_BASE;
	return 0;
}

/* Where a traced function of the kernel calls, for modules' functions call there, too. */
static void add_tracer(void)
{
	const u8 *code = (const u8 *)lookup("schedule");
	const u8 landing[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	s32 distance;

	if (!memcmp(code, landing, sizeof(landing)))
		code += sizeof(landing);
	if (*code != 0xe8)
		return;
	memcpy(&distance, code + 1, sizeof(distance));
	entry[entries++] = (u32)((u64)code + 5 + distance - HF_CODE_BASE) | HF_ENTRY_TRAMPOLINE;
}

static int keep_entries(void)
{
	int (*each)(void *fn, void *arg) = (void *)lookup("kallsyms_on_each_symbol");

	entry = kvmalloc_array(ENTRIES, sizeof(*entry), GFP_KERNEL);
	text = lookup("_text");
	etext = lookup("_etext");
	if (!entry || !each)
		return -ENOMEM;
	add_tracer();
	each(add_entry, NULL);
	keep(CAPTURE_ENTRIES, "entries", 0, 0, entry, entries * sizeof(*entry));
	kvfree(entry);
	return 0;
}

/* ---- keys ---- */

static int keep_key(const void *object, void *unused)
{
	/* Bit 1 of a keyring's pointers tells keyrings from keys. */
	const struct key *key = (const void *)((unsigned long)object & ~2ul);
	struct hf_authority_key *record;
	const struct public_key *public;

	if (strcmp(key->type->name, "asymmetric"))
		return 0;
	public = key->payload.data[asym_crypto];
	record = kzalloc(sizeof(*record), GFP_KERNEL);
	if (!record)
		return -ENOMEM;
	if (!strcmp(public->pkey_algo, "rsa"))
		record->type = HF_KEY_RSA;
	else if (!strcmp(public->pkey_algo, "ecdsa-nist-p256"))
		record->type = HF_KEY_P256;
	else if (!strcmp(public->pkey_algo, "ecdsa-nist-p384") ||
		 (!strcmp(public->pkey_algo, "ecdsa") && public->keylen == 97))
		record->type = HF_KEY_P384;
	record->size = min_t(u32, public->keylen, sizeof(record->bytes));
	memcpy(record->bytes, public->key, record->size);
	pr_info("hf_capture: key %s, %s, %u bytes\n", key->description, public->pkey_algo,
		public->keylen);
	keep(CAPTURE_KEY, "key", 0, 0, record, sizeof(*record));
	kfree(record);
	return 0;
}

static int keep_keys(const char *ring)
{
	int (*iterate)(const struct assoc_array *, int (*)(const void *, void *), void *) =
		(void *)lookup("assoc_array_iterate");
	struct key **key = (struct key **)lookup(ring);
	int ret;

	if (!iterate || !key || !*key)
		return -ENOENT;
	down_read(&(*key)->sem);
	ret = iterate(&(*key)->keys, keep_key, NULL);
	up_read(&(*key)->sem);
	return ret;
}

static int __init find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name",
				.flags = KPROBE_FLAG_DISABLED };
	int ret = register_kprobe(&probe);

	if (ret)
		return ret;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

static int __init capture_init(void)
{
	int ret = find_lookup();

	if (ret)
		return ret;
	memory = memremap(base, size, MEMREMAP_WB);
	if (!memory)
		return -ENOMEM;
	keep_facts();
	keep_exports();
	ret = keep_entries();
	if (!ret)
		ret = keep_keys("builtin_trusted_keys");
	if (!ret)
		ret = broken ? -ENOSPC : register_module_notifier(&notifier);
	if (ret)
		memunmap(memory);
	return ret;
}

static void __exit capture_exit(void)
{
	unregister_module_notifier(&notifier);
	memunmap(memory);
}

module_init(capture_init);
module_exit(capture_exit);
MODULE_DESCRIPTION("What modules look like in memory");
MODULE_LICENSE("GPL");
