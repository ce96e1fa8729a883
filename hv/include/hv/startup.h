/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUs that the guest takes down and starts again. They never leave the hypervisor: one taken down
 * waits in it, and goes on at the entry recorded at launch and nowhere else.
 */
#pragma once

#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/types.h>

/* Own CPU, which is off for the core: it has been started and goes on as the guest. */
void startup_begin(struct cpu *cpu);

/* Once, at launch: where CPUs start again. */
void startup_init(const struct hf_startup *at);

/* A store by @cpu to a device that can reset and start CPUs. */
enum verdict startup_device(struct cpu *cpu, struct exit *exit);

/*
 * Own CPU, whose reset has been reported by hardware: it is taken down on its way back to the
 * guest. @start: and started at once, for no start would be reported.
 */
void startup_reset(struct cpu *cpu, bool start);

/*
 * Own CPU, after shootdown_sync on its way back to the guest: be taken down, if that was asked for.
 * True: it was, and is started again, so that shootdown_sync is due once more.
 */
bool startup_sync(struct cpu *cpu);
