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
	MAY("modules", modules),
	MAY("module_mutex", module_mutex),
	MAY("kexec_image", kexec_image),
	MAY("kexec_crash_image", kexec_crash_image),
	MAY("kexec_load_disabled", kexec_load_disabled),
	{},
};
