// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include "attack.h"
const struct attack_table hypercall_table;
