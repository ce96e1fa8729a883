/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spin lock of the hypervisor.
 *
 * Every wait, here and elsewhere, goes through shootdown_poll: a CPU that waits inside the
 * hypervisor cannot be kicked out of the guest, so it must answer shoot-downs itself, or two
 * CPUs would wait for each other for ever.
 *
 * Order, outermost first: owner lock, event lock, console lock. A CPU never waits for a
 * shoot-down while it holds the event or console lock.
 */
#pragma once

#include <hv/types.h>

struct lock {
	u32 held; /* 0 or 1, atomic */
};

/* Take the lock on behalf of @cpu, which must not hold it. */
void lock_acquire(struct lock *lock, struct cpu *cpu);
void lock_release(struct lock *lock);
