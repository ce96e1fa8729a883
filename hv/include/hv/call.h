/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of hypercalls (holdfast/hypercall.h). */
#pragma once

#include <hv/types.h>

/* Answer exit->call from kernel mode; the result is stored in exit->call.result. */
void call_handle(struct cpu *cpu, struct exit *exit);
