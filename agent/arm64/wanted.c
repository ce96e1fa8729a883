// SPDX-License-Identifier: GPL-2.0-only
#include "compat/symbols.h"

/* Kernels are built without CONFIG_KALLSYMS_ALL: functions can be looked up, data cannot. */
const struct wanted symbols_wanted[] __initconst = {
	NEED("_stext", text),
	NEED("_etext", etext),
	NEED("__module_address", module_address),
	NEED("find_vm_area", find_vm_area),
	MAY("__idmap_text_start", idmap_text),
	MAY("__idmap_text_end", idmap_text_end),
	NEED("kallsyms_on_each_symbol", kallsyms_on_each_symbol),
	NEED("ftrace_rec_iter_start", ftrace_rec_iter_start),
	NEED("ftrace_rec_iter_next", ftrace_rec_iter_next),
	NEED("ftrace_rec_iter_record", ftrace_rec_iter_record),
	NEED("ftrace_caller", ftrace_caller),
	MAY("ftrace_regs_caller", ftrace_regs_caller),
	MAY("ftrace_call", ftrace_call),
	MAY("ftrace_list_ops", tracers[0]), /* calls all others there are */
	MAY("ftrace_nop_ops", tracers[1]),
	MAY("global_ops", tracers[2]),
	MAY("graph_ops", tracers[3]),
	MAY("__start___jump_table", jump_table),
	MAY("__stop___jump_table", jump_table_end),
	MAY("modules", modules),
	MAY("module_mutex", module_mutex),
	MAY("kexec_image", kexec_image),
	MAY("kexec_crash_image", kexec_crash_image),
	MAY("kexec_load_disabled", kexec_load_disabled),
	{},
};
