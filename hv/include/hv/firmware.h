/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls of the firmware, which starts CPUs where it is told to and can write any memory. */
#pragma once

#include <hv/exit.h>
#include <hv/types.h>

/* VERDICT_PERFORM: the call may be made; VERDICT_FAULT: the caller is to get an error. */
enum verdict firmware_call(struct cpu *cpu, const struct exit *exit);
