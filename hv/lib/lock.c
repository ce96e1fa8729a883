// SPDX-License-Identifier: GPL-2.0-only
/* Spin lock: test and test-and-set, answering shoot-downs while it waits. */
#include <hv/backend.h>
#include <hv/lock.h>
#include <hv/shootdown.h>

void lock_acquire(struct lock *lock, struct cpu *cpu)
{
	while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE)) {
		/* Only read while it is taken: a write would steal the line from the holder. */
		do {
			shootdown_poll(cpu);
			backend_relax();
		} while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED));
	}
}

void lock_release(struct lock *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
