/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guard against sleep: a machine that wakes up starts in firmware, outside the hypervisor. The
 * loader has recorded which stores ask for it (struct hf_sleep).
 */
#pragma once

#include <hv/exit.h>
#include <hv/types.h>

/* At launch, when owner exists: copy the records, and guard the pages of registers in memory.
 * -EINVAL: one of them makes no sense, or is in RAM. */
int sleep_init(const struct hf_boot *boot);

/* An access to a port of the guest's that exits; a store to a page with a sleep register. */
enum verdict sleep_port(struct cpu *cpu, const struct exit *exit);
enum verdict sleep_device(struct cpu *cpu, const struct exit *exit);

/* Whether the loader named stores that shut the gate of address bit 20. */
bool sleep_gate(void);

/* Why the machine can be put to sleep nevertheless; empty: it cannot. */
const char *sleep_open(void);
