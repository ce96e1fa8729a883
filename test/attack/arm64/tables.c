// SPDX-License-Identifier: GPL-2.0-only
/* What there is on arm64. */
#include <linux/kernel.h>

#include "attack.h"
#include "feature.h"

const struct attack_table *const attack_tables[] = {
	&arm_memory_table,
	&arm_register_table,
	&arm_firmware_table,
};

const size_t attack_table_count = ARRAY_SIZE(attack_tables);

/* A fault that has a way out comes without its number. */
const char *attack_trap_name(int trap)
{
	return trap == TRAP_NONE ? "no fault" : "a fault";
}

bool feature_present(const char *name)
{
	return false;
}

int attack_prepare(void)
{
	return 0;
}

void attack_finish(void)
{
}
