/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the agent needs from the kernel image beyond its exported symbols. All
 * look-ups are here; they are made once, when the module is loaded.
 */
#ifndef AGENT_COMPAT_SYMBOLS_H
#define AGENT_COMPAT_SYMBOLS_H

#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/stop_machine.h>
#include <linux/types.h>
#include <linux/version.h>

struct assoc_array;
struct dyn_ftrace;
struct ftrace_ops;
struct ftrace_rec_iter;
struct jump_entry;
struct key;
struct kprobe_insn_cache;
struct module;
struct real_mode_header;
struct static_call_site;
struct vm_struct;

/* What is called for each symbol. The parameter that went is always NULL. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
typedef int symbol_fn(void *arg, const char *name, unsigned long va);
#else
typedef int symbol_fn(void *arg, const char *name, struct module *module, unsigned long va);
#endif

/* Addresses are those of the image's mapping; 0: this kernel does not have it. */
struct symbols {
	unsigned long text, etext;
	unsigned long rodata, erodata;
	unsigned long ro_after_init, ero_after_init;
	unsigned long sdata, end;
	unsigned long idt;
	unsigned long idmap_text, idmap_text_end; /* arm64 */
	unsigned long vdso_64, vdso_32, vdso_x32; /* of the descriptions, not the images */
	unsigned long secondary_startup_64, init_top_pgt;
	void *const *kexec_image, *const *kexec_crash_image; /* what is loaded, or NULL */
	int *kexec_load_disabled;
	struct mm_struct *init_mm, *efi_mm;
	struct real_mode_header **real_mode_header;
	void **pcpu_base_addr;
	const unsigned long **pcpu_unit_offsets; /* by CPU, bytes from the base */
	const int *pcpu_unit_size;		 /* bytes */
	struct list_head *modules;
	struct mutex *module_mutex;
	struct module *(*module_address)(unsigned long addr);
	struct vm_struct *(*find_vm_area)(const void *addr);
	bool (*is_ftrace_trampoline)(unsigned long addr);
	bool (*is_insn_slot)(struct kprobe_insn_cache *cache, unsigned long addr);
	struct kprobe_insn_cache *insn_slots, *optinsn_slots;
	bool (*is_bpf_text_address)(unsigned long addr);
	int *bpf_jit_enable;
	struct list_head *pack_list; /* of struct bpf_prog_pack */
	struct mutex *pack_mutex;
	struct mutex *text_mutex; /* held while code is being patched */
	const struct jump_entry *jump_table, *jump_table_end;
	const struct static_call_site *static_call_sites, *static_call_sites_end;
	unsigned long static_call_return;
	const unsigned long *return_thunk; /* its address, where returns jump to one */
	struct mutex *ftrace_lock;
	struct ftrace_ops *const *ftrace_ops_list;
	struct ftrace_rec_iter *(*ftrace_rec_iter_start)(void);
	struct ftrace_rec_iter *(*ftrace_rec_iter_next)(struct ftrace_rec_iter *iter);
	struct dyn_ftrace *(*ftrace_rec_iter_record)(struct ftrace_rec_iter *iter);
	unsigned long ftrace_caller, ftrace_caller_op_ptr, ftrace_call, ftrace_caller_end;
	unsigned long ftrace_regs_caller, ftrace_regs_caller_op_ptr, ftrace_regs_call;
	unsigned long ftrace_regs_caller_jmp, ftrace_regs_caller_end;
	u64 tracers[4]; /* arm64: the kernel's own struct ftrace_ops */
	struct mutex *kprobe_mutex;
	const struct hlist_head *kprobe_table;
	const struct list_head *kprobe_blacklist;
	bool *kprobes_allow_optimization;
	unsigned long optprobe_entry, optprobe_clac, optprobe_val, optprobe_call, optprobe_end;
	unsigned long optimized_callback;
	const bool *uniproc_patched; /* lock prefixes were taken out */
	int (*kallsyms_on_each_symbol)(symbol_fn *fn, void *arg);
	const unsigned long *max_possible_pfn;
	int (*walk_system_ram_range)(unsigned long pfn, unsigned long npages, void *arg,
				     int (*fn)(unsigned long pfn, unsigned long npages,
					       void *arg));
	int (*stop_machine_cpuslocked)(cpu_stop_fn_t fn, void *data,
				       const struct cpumask *cpus);
	const char *vermagic; /* of its modules */
	unsigned long indirect_thunks, its_return_thunk;
	unsigned long nop_func, bug_func;	  /* since 6.8 */
	unsigned long old_nop_func, old_bug_func; /* the same before */
	unsigned long percpu_end; /* behind the kernel's own, as an offset from a CPU's base */
	unsigned long ksymtab, ksymtab_end, ksymtab_gpl, ksymtab_gpl_end;
	unsigned long load_module;
	unsigned long (*ftrace_location)(unsigned long va);
	struct key *const *builtin_keys, *const *secondary_keys, *const *blacklist;
	int (*assoc_array_iterate)(const struct assoc_array *array,
				   int (*fn)(const void *object, void *arg), void *arg);
	int (*set_memory_x)(unsigned long addr, int npages);
	int (*set_memory_nx)(unsigned long addr, int npages);
	int (*set_memory_np)(unsigned long addr, int npages);
	int (*set_direct_map_default_noflush)(struct page *page);
};

/* @field: offset in struct symbols of a word that receives the address */
struct wanted {
	const char *name;
	size_t field;
	bool optional;
};

#define NEED(name, field)                                    \
	{                                                    \
		name, offsetof(struct symbols, field), false \
	}
#define MAY(name, field)                                    \
	{                                                   \
		name, offsetof(struct symbols, field), true \
	}

/* What this architecture's kernel has; ends with a name that is NULL. */
extern const struct wanted symbols_wanted[];

/* Set by symbols_init(), constant from then on. */
extern struct symbols symbols;

/* Returns NULL, or the name of the first symbol that is needed and missing. */
const char *symbols_init(void);

#endif
