// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shoot-down. Four variables, accessed with sequential consistency:
 *
 * epoch	the newest demand; only grows.
 * cpu->epoch	the newest demand the CPU has answered. Written by that CPU only.
 * cpu->place	CPU_INSIDE: the CPU is in the hypervisor and will look at the epoch before
 *		it leaves. Written by that CPU only.
 * cpu->kicked	a kick is on its way to the CPU. Set here before the kick is sent, and once
 *		more when it has been; cleared by the backend alone, when the kick arrives as
 *		an exit (HF_EXIT_KICK): not when the CPU answers for another reason, because
 *		the interrupt still comes then and must not be handed to the guest as its own.
 *
 * A demand raises the epoch and then looks at place; a CPU that leaves says so there and then
 * looks at the epoch. So either the demand sends a kick, or the CPU finds the new epoch. And a
 * demand that kicks looks at kicked after the epoch was raised; an arriving kick clears kicked
 * and then looks at the epoch. So either the demand sends a kick of its own, or the one on its
 * way will find the new epoch. The same holds for cpu->pending in the place of the epoch.
 *
 * Who is inside is not kicked for the guest's sake: a kick would wait there for as long as the exit
 * takes, and an NMI of the guest's that arrives meanwhile would be lost in it.
 *
 * Any number of CPUs may demand at once: each answers the others from its own waiting loop.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/panic.h>
#include <hv/protect.h>
#include <hv/shootdown.h>
#include <hv/stage2.h>

/* 0 is what a CPU has answered that has just started. */
u64 shootdown_epoch = 1;

/* Turns of a waiting loop after which a kick counts as lost: longer than any exit takes. */
#define KICK_PATIENCE (1u << 22)

/*
 * Own CPU: nothing that was translated or allowed under an older epoch is used again. Called
 * only where the CPU holds no result of an owner_page check that it has yet to act upon.
 */
void shootdown_answer(struct cpu *cpu)
{
	u64 demand = __atomic_load_n(&shootdown_epoch, __ATOMIC_SEQ_CST);

	backend_flush(cpu);
	protect_sync(cpu);
	__atomic_store_n(&cpu->epoch, demand, __ATOMIC_SEQ_CST);
}

void shootdown_poll(struct cpu *cpu)
{
	panic_check();
	shootdown_look(cpu);
}

/* Whether guest instructions may run on @cpu under an epoch older than @demand. */
static bool behind(const struct cpu *cpu, u64 demand)
{
	enum cpu_state state = cpu_state(cpu);

	if (state != CPU_STARTING && state != CPU_LOCKED)
		return false;
	return __atomic_load_n(&cpu->epoch, __ATOMIC_SEQ_CST) < demand;
}

static bool inside(const struct cpu *cpu)
{
	return __atomic_load_n(&cpu->place, __ATOMIC_SEQ_CST) == CPU_INSIDE;
}

/* kicked goes from @from to @to. False: it is not @from. */
static bool mark(struct cpu *other, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(&other->kicked, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/* A backend may have seen it arrive, and cleared the mark, by the time it is sent. */
static void send(struct cpu *other)
{
	backend_kick(other);
	mark(other, KICK_SENDING, KICK_SENT);
}

/* One kick on its way serves everybody who wants the CPU's attention. */
void shootdown_kick(struct cpu *other)
{
	if (!inside(other) && mark(other, KICK_NONE, KICK_SENDING))
		send(other);
}

static void await(struct cpu *cpu, struct cpu *other, u64 demand)
{
	u32 turns = 0;

	while (behind(other, demand)) {
		shootdown_poll(cpu);
		backend_relax();
		if (++turns % KICK_PATIENCE || inside(other))
			continue;
		/* If the first is only late, hardware holds no more than one for it. */
		__atomic_store_n(&other->kicked, KICK_SENDING, __ATOMIC_SEQ_CST);
		send(other);
	}
}

void shootdown(struct cpu *cpu)
{
	u64 demand = __atomic_add_fetch(&shootdown_epoch, 1, __ATOMIC_SEQ_CST);
	struct cpu *other;

	shootdown_look(cpu);
	/* All are kicked before one is waited for: the wait is the longest, not the sum. */
	for (u32 i = 0; i < cpu_count(); i++) {
		other = cpu_get(i);
		if (other != cpu && behind(other, demand))
			shootdown_kick(other);
	}
	for (u32 i = 0; i < cpu_count(); i++)
		await(cpu, cpu_get(i), demand);
}

void shootdown_nmi(struct cpu *cpu)
{
	__atomic_fetch_or(&cpu->pending, CPU_NMI, __ATOMIC_SEQ_CST);
	shootdown_kick(cpu);
}

/* ---- the audit of flushes ---- */

static bool audit; /* constant after launch */

void shootdown_audit(bool on)
{
	audit = on;
}

/*
 * Entered first, then the look at what is settled; settle does it the other way round. So one of
 * the two finds a CPU that goes into the guest with an old note.
 */
void shootdown_entered(struct cpu *cpu, bool flushing)
{
	if (flushing)
		__atomic_store_n(&cpu->flushed, stage2_cuts(), __ATOMIC_SEQ_CST);
	__atomic_store_n(&cpu->place, CPU_ENTERED, __ATOMIC_SEQ_CST);
	CHECK(cpu->flushed >= stage2_settled());
}

static void settle(void)
{
	stage2_settle();
	for (u32 i = 0; audit && i < cpu_count(); i++) {
		struct cpu *cpu = cpu_get(i);

		CHECK(__atomic_load_n(&cpu->place, __ATOMIC_SEQ_CST) != CPU_ENTERED ||
		      __atomic_load_n(&cpu->flushed, __ATOMIC_SEQ_CST) >= stage2_settled());
	}
}

void shootdown_settle(struct owner_locked locked)
{
	shootdown(locked.cpu);
	settle();
	backend_stage2_reclaim();
}
