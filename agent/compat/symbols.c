// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/kprobes.h>

#include "symbols.h"

struct symbols symbols __ro_after_init;

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

/* The 32-bit and x32 vDSOs, and kexec, exist where the kernel is built with them. */
static const struct wanted wanted[] __initconst = {
	NEED("_text", text),
	NEED("_etext", etext),
	NEED("__start_rodata", rodata),
	NEED("__end_rodata", erodata),
	NEED("__start_ro_after_init", ro_after_init),
	NEED("__end_ro_after_init", ero_after_init),
	NEED("_sdata", sdata),
	NEED("_end", end),
	NEED("idt_table", idt),
	NEED("vdso_image_64", vdso_64),
	MAY("vdso_image_32", vdso_32),
	MAY("vdso_image_x32", vdso_x32),
	NEED("secondary_startup_64", secondary_startup_64),
	NEED("init_top_pgt", init_top_pgt),
	NEED("init_mm", init_mm),
	MAY("efi_mm", efi_mm),
	NEED("real_mode_header", real_mode_header),
	NEED("pcpu_base_addr", pcpu_base_addr),
	NEED("pcpu_unit_offsets", pcpu_unit_offsets),
	NEED("pcpu_unit_size", pcpu_unit_size),
	NEED("modules", modules),
	NEED("module_mutex", module_mutex),
	NEED("__module_address", module_address),
	NEED("is_ftrace_trampoline", is_ftrace_trampoline),
	NEED("__is_insn_slot_addr", is_insn_slot),
	NEED("kprobe_insn_slots", insn_slots),
	NEED("kprobe_optinsn_slots", optinsn_slots),
	NEED("is_bpf_text_address", is_bpf_text_address),
	MAY("bpf_jit_enable", bpf_jit_enable),
	NEED("pack_list", pack_list),
	NEED("pack_mutex", pack_mutex),
	NEED("max_possible_pfn", max_possible_pfn),
	MAY("kexec_image", kexec_image),
	MAY("kexec_crash_image", kexec_crash_image),
	MAY("kexec_load_disabled", kexec_load_disabled),
	NEED("text_mutex", text_mutex),
	NEED("__start___jump_table", jump_table),
	NEED("__stop___jump_table", jump_table_end),
	NEED("__start_static_call_sites", static_call_sites),
	NEED("__stop_static_call_sites", static_call_sites_end),
	NEED("__static_call_return", static_call_return),
	MAY("x86_return_thunk", return_thunk),
	NEED("ftrace_lock", ftrace_lock),
	NEED("ftrace_ops_list", ftrace_ops_list),
	NEED("ftrace_rec_iter_start", ftrace_rec_iter_start),
	NEED("ftrace_rec_iter_next", ftrace_rec_iter_next),
	NEED("ftrace_rec_iter_record", ftrace_rec_iter_record),
	NEED("ftrace_caller", ftrace_caller),
	NEED("ftrace_caller_op_ptr", ftrace_caller_op_ptr),
	NEED("ftrace_call", ftrace_call),
	NEED("ftrace_caller_end", ftrace_caller_end),
	NEED("ftrace_regs_caller", ftrace_regs_caller),
	NEED("ftrace_regs_caller_op_ptr", ftrace_regs_caller_op_ptr),
	NEED("ftrace_regs_call", ftrace_regs_call),
	NEED("ftrace_regs_caller_jmp", ftrace_regs_caller_jmp),
	NEED("ftrace_regs_caller_end", ftrace_regs_caller_end),
	NEED("kprobe_mutex", kprobe_mutex),
	NEED("kprobe_table", kprobe_table),
	NEED("kprobe_blacklist", kprobe_blacklist),
	NEED("kprobes_allow_optimization", kprobes_allow_optimization),
	NEED("optprobe_template_entry", optprobe_entry),
	NEED("optprobe_template_clac", optprobe_clac),
	NEED("optprobe_template_val", optprobe_val),
	NEED("optprobe_template_call", optprobe_call),
	NEED("optprobe_template_end", optprobe_end),
	NEED("optimized_callback", optimized_callback),
	NEED("uniproc_patched", uniproc_patched),
	NEED("kallsyms_on_each_symbol", kallsyms_on_each_symbol),
	NEED("walk_system_ram_range", walk_system_ram_range),
	NEED("stop_machine_cpuslocked", stop_machine_cpuslocked),
	NEED("set_memory_x", set_memory_x),
	NEED("set_memory_nx", set_memory_nx),
	NEED("set_memory_np", set_memory_np),
	NEED("set_direct_map_default_noflush", set_direct_map_default_noflush),
};

/*
 * kallsyms_lookup_name is exported to nobody since 5.7, but a kprobe resolves its
 * symbol by the same table. Registered disabled, it never touches kernel text.
 */
static unsigned long __init find_lookup(void)
{
	struct kprobe probe = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	unsigned long addr;

	if (register_kprobe(&probe))
		return 0;
	addr = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
	return addr;
}

const char *__init symbols_init(void)
{
	unsigned long (*lookup)(const char *name) = (void *)find_lookup();
	size_t i;

	if (!lookup)
		return "kallsyms_lookup_name";
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		unsigned long addr = lookup(wanted[i].name);

		if (!addr && !wanted[i].optional)
			return wanted[i].name;
		*(unsigned long *)((char *)&symbols + wanted[i].field) = addr;
	}
	return NULL;
}
