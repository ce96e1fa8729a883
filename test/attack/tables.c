// SPDX-License-Identifier: GPL-2.0-only
/* What there is on x86. */
#include <linux/kernel.h>

#include "attack.h"
#include "code.h"
#include "execute.h"
#include "hypervisor.h"

/* The hostile calls come last: their events fill the ring. */
const struct attack_table *const attack_tables[] = {
	&memory_table,	&register_table, &nested_table,	 &decode_table,	    &unpaged_table,
	&code_table,	&remap_table,	 &execute_table, &writable_table,   &device_table,
	&startup_table, &sleep_table,	 &kexec_table,	 &hypervisor_table, &trampoline_table,
	&cr3_table,	&agent_table,	 &poke_table,	 &forge_table,	    &slot_table,
	&state_table,	&race_table,	 &a20_table,	 &hypercall_table,
};

const size_t attack_table_count = ARRAY_SIZE(attack_tables);

const char *attack_trap_name(int trap)
{
	switch (trap) {
	case TRAP_NONE:
		return "no fault";
	case X86_TRAP_UD:
		return "#UD";
	case X86_TRAP_DF:
		return "#DF";
	case X86_TRAP_GP:
		return "#GP";
	case X86_TRAP_PF:
		return "#PF";
	default:
		return "another fault";
	}
}

int attack_prepare(void)
{
	int err = execute_init();

	if (err)
		return err;
	err = code_init();
	if (err)
		execute_exit();
	return err;
}

void attack_finish(void)
{
	code_exit();
	execute_exit();
	hypervisor_exit();
}
