/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shoot-down: make every CPU forget old translations and take up new settings.
 *
 * A global epoch counts the demands. A CPU answers by flushing and storing the epoch; it does so
 * before every return to the guest (shootdown_sync) and in every waiting loop (shootdown_poll).
 */
#pragma once

#include <hv/cpu.h>
#include <hv/owner.h>
#include <hv/types.h>

/* Demand, kick the CPUs that are in the guest, and wait until all have answered. */
void shootdown(struct cpu *cpu);

/*
 * How transitions of pages end: every CPU acts on those done since owner_lock, and only then may
 * the tables they left over be used again. Returns when no CPU can use an older permission.
 */
void shootdown_settle(struct owner_locked locked);

/* Own CPU, first thing after the guest has run: it need not be kicked until shootdown_sync. */
static inline void shootdown_exited(struct cpu *cpu)
{
	__atomic_store_n(&cpu->place, CPU_INSIDE, __ATOMIC_RELEASE);
}

/* The newest demand, which this file and its header alone look at; and the answer to it. */
extern u64 shootdown_epoch;
void shootdown_answer(struct cpu *cpu);

static inline void shootdown_look(struct cpu *cpu)
{
	if (unlikely(__atomic_load_n(&shootdown_epoch, __ATOMIC_SEQ_CST) != cpu->epoch))
		shootdown_answer(cpu);
}

/*
 * Own CPU, when all is done for this exit and the guest is to run on: from here on the CPU is
 * kicked. cpu->pending is to be looked at after this. Cheap if nothing is demanded.
 */
static inline void shootdown_sync(struct cpu *cpu)
{
	__atomic_store_n(&cpu->place, CPU_LEAVING, __ATOMIC_SEQ_CST);
	shootdown_look(cpu);
}

/* Own CPU, in a waiting loop. */
void shootdown_poll(struct cpu *cpu);

/*
 * Make @other leave the guest soon, if it is there. What for, it has to be told before this, and
 * to look at after shootdown_sync.
 */
void shootdown_kick(struct cpu *other);

/* An NMI for the guest on @cpu, from software: pending there until the backend delivers it. */
void shootdown_nmi(struct cpu *cpu);

/*
 * The audit of flushes (HF_BOOT_SELF_CHECK). What the tables take away is counted
 * (stage2_cuts); each CPU notes the count when it enters the guest flushing; when a shoot-down is
 * over no CPU may be in the guest, or go there without a flush, with an older note. Knows
 * nothing of epochs and kicks: it is them that it checks.
 */
void shootdown_audit(bool on);
/* Own CPU, with the audit on, the very last thing: the guest runs, after a flush if @flushing. */
void shootdown_entered(struct cpu *cpu, bool flushing);
