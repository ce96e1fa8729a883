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

struct static_key;
struct kprobe_insn_cache;
struct real_mode_header;

/* Addresses are those of the image's mapping; 0: this kernel does not have it. */
struct symbols {
	unsigned long text, etext;
	unsigned long rodata, erodata;
	unsigned long ro_after_init, ero_after_init;
	unsigned long sdata, end;
	unsigned long idt;
	unsigned long vdso_64, vdso_32, vdso_x32; /* of the descriptions, not the images */
	unsigned long secondary_startup_64, init_top_pgt;
	struct static_key *apic_use_ipi_shorthand, *sched_smt_present, *crng_is_ready;
	int *apic_ipi_shorthand_off;
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
	bool (*is_ftrace_trampoline)(unsigned long addr);
	bool (*is_insn_slot)(struct kprobe_insn_cache *cache, unsigned long addr);
	struct kprobe_insn_cache *insn_slots, *optinsn_slots;
	bool (*is_bpf_text_address)(unsigned long addr);
	struct list_head *pack_list; /* of struct bpf_prog_pack */
	struct mutex *pack_mutex;
	const unsigned long *max_possible_pfn;
	int (*walk_system_ram_range)(unsigned long pfn, unsigned long npages, void *arg,
				     int (*fn)(unsigned long pfn, unsigned long npages,
					       void *arg));
	int (*stop_machine_cpuslocked)(cpu_stop_fn_t fn, void *data,
				       const struct cpumask *cpus);
	int (*set_memory_x)(unsigned long addr, int npages);
	int (*set_memory_nx)(unsigned long addr, int npages);
	int (*set_memory_np)(unsigned long addr, int npages);
	int (*set_direct_map_default_noflush)(struct page *page);
};

/* Set by symbols_init(), constant from then on. */
extern struct symbols symbols;

/* Returns NULL, or the name of the first symbol that is needed and missing. */
const char *symbols_init(void);

#endif
