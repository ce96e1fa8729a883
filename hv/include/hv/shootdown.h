/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shoot-down: make every CPU forget old translations and take up new settings.
 *
 * A global epoch counts the demands. A CPU answers by flushing and storing the epoch; it does so
 * before every return to the guest (shootdown_sync) and in every waiting loop (shootdown_poll).
 */
#ifndef HV_SHOOTDOWN_H
#define HV_SHOOTDOWN_H

#include <hv/owner.h>
#include <hv/types.h>

struct cpu;

/* Demand, kick the CPUs that are in the guest, and wait until all have answered. */
void shootdown(struct cpu *cpu);

/*
 * How transitions of pages end: every CPU acts on those done since owner_lock, and only then may
 * the tables they left over be used again. Returns when no CPU can use an older permission.
 */
void shootdown_settle(struct owner_locked locked);

/* Own CPU, last thing before the guest runs on. Cheap if nothing is demanded. */
void shootdown_sync(struct cpu *cpu);

/* Make @other, another CPU, leave the guest soon. */
void shootdown_kick(struct cpu *other);

/* Own CPU, in a waiting loop. */
void shootdown_poll(struct cpu *cpu);

#endif
