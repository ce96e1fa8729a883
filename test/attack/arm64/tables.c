// SPDX-License-Identifier: GPL-2.0-only
/* What there is on arm64. */
#include <linux/kernel.h>
#include <linux/of.h>
#include <linux/string.h>
#include <asm/sysreg.h>

#include "attack.h"
#include "feature.h"

#define FGT_SHIFT 56 /* of ID_AA64MMFR0_EL1 */
#define XNX_SHIFT 28 /* of ID_AA64MMFR1_EL1 */

const struct attack_table *const attack_tables[] = {
	&arm_memory_table,  &arm_patch_table, &arm_remap_table,	   &arm_register_table,
	&arm_execute_table, &arm_its_table,   &arm_firmware_table,
};

const size_t attack_table_count = ARRAY_SIZE(attack_tables);

/* A fault that has a way out comes without its number. */
const char *attack_trap_name(int trap)
{
	return trap == TRAP_NONE ? "no fault" : "a fault";
}

/* The registers themselves: the kernel's copies leave out what kernels have no use for. */
bool feature_present(const char *name)
{
	if (!strcmp(name, "ITS"))
		return of_find_compatible_node(NULL, NULL, "arm,gic-v3-its");
	if (!strcmp(name, "FGT"))
		return read_sysreg(id_aa64mmfr0_el1) >> FGT_SHIFT & 0xf;
	return !strcmp(name, "XNX") && (read_sysreg(id_aa64mmfr1_el1) >> XNX_SHIFT & 0xf);
}

int attack_prepare(void)
{
	return 0;
}

void attack_finish(void)
{
}
