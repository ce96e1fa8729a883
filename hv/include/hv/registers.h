/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guard of registers: evaluates the backend's rules against the values recorded at lock.
 */
#pragma once

#include <hv/exit.h>
#include <hv/types.h>

/* Own CPU, once, at lock: record every register that a rule names. */
void registers_record(struct cpu *cpu);

/* A write of exit->reg by @cpu. */
enum verdict registers_write(struct cpu *cpu, struct exit *exit);

/* Whether the rule protects anything on @cpu: the recorded value has a bit for it to keep. */
bool registers_effective(const struct cpu *cpu, u32 rule);
