/* SPDX-License-Identifier: GPL-2.0-only */
/* One CPU of the machine, as the core knows it. */
#pragma once

#include <holdfast/hypercall.h>
#include <holdfast/image.h>
#include <hv/types.h>

/*
 * States and the only transitions (cpu_move refuses any other):
 *
 *	ABSENT   -> STARTING	the CPU runs as a guest, launch (or wake-up) not finished
 *	STARTING -> LOCKED	its registers are recorded and pinned
 *	STARTING -> ABSENT	launch rolled back
 *	LOCKED   -> PARKED	taken down by the guest (x86: INIT): runs nothing
 *	STARTING -> PARKED	the same before lock
 *	PARKED   -> STARTING	started again, at the recorded entry (core/startup.c)
 */
enum cpu_state {
	CPU_ABSENT,
	CPU_PARKED,
	CPU_STARTING,
	CPU_LOCKED,
};

/* Where a CPU is, by itself. The last is told by the audit of flushes only. */
enum cpu_place {
	CPU_LEAVING, /* in the guest, or on its way there, past its look at the epoch */
	CPU_INSIDE,  /* in the hypervisor; looks at the epoch before it leaves */
	CPU_ENTERED, /* in the guest */
};

/* A kick on its way to a CPU: on x86 the next NMI is ours. */
enum cpu_kick {
	KICK_NONE,
	KICK_SENDING, /* its sender is at it: may have arrived, or not yet */
	KICK_SENT,
};

/* What waits for a CPU on its way back to the guest: bits of pending. */
#define CPU_NMI	  1u  /* an NMI waits for the guest: one, as in a processor */
#define CPU_CHECK 2u  /* the backend checks its own work: constant after launch */
#define CPU_DOWN  4u  /* core/startup.c: to be taken down */
#define CPU_START 8u  /* and then started; never without CPU_DOWN */
#define CPU_DOUBT 16u /* a kick has come, in which an NMI of the guest's may be lost */

/*
 * A CPU that is started again goes through the kernel's code for one that was reset, which writes
 * values from before anything was protected: rules force instead of refuse. Set only after lock:
 * before, no rule is in force that could tell when it is over. The backend moves it on.
 */
enum cpu_waking {
	CPU_AWAKE,
	CPU_WAKING,	    /* started again */
	CPU_WAKING_VECTORS, /* has loaded the recorded table of exceptions */
};

/*
 * One that is handled, one pending, one in the processor: by that many can the handling of NMIs be
 * ahead of them, each of which finds no source any more.
 */
#define CPU_DOUBTS_MAX 3

/* Registers that are recorded at lock; the numbers are the backend's. */
#define CPU_REGISTERS_MAX 24

/*
 * Lifetime: from launch_init to the end of the machine. Written by its own CPU only,
 * except for the fields marked [a], which other CPUs access atomically.
 */
struct cpu {
	u32 index;	   /* 0-based, index into cpu_id of the boot record */
	u32 id;		   /* the hardware's name: APIC id, MPIDR */
	u32 state;	   /* [a] enum cpu_state */
	u32 kicked;	   /* [a] enum cpu_kick */
	u32 place;	   /* [a] enum cpu_place */
	u32 pending;	   /* [a] CPU_*: what is looked at after shootdown_sync */
	u64 flushed;	   /* [a] stage2_cuts() when it last entered the guest flushing */
	u64 epoch;	   /* [a] newest shoot-down epoch this CPU has answered */
	struct vcpu *vcpu; /* the backend's part */
	void *buffer;	   /* one page, for what a call of this CPU reads or answers */
	bool registers_recorded;
	u8 doubts; /* own CPU: of the NMIs that the guest was given may be nobody's (HF_CALL_NMI) */
	u8 waking; /* own CPU: from 1 up while it is brought up again, see enum cpu_waking */
	u64 recorded[CPU_REGISTERS_MAX]; /* register values at lock, constant afterwards */
	struct hf_stats stats;
};

/* Own CPU. Others read it (HF_CALL_STATS), only this one writes. */
static inline void cpu_count_exit(struct cpu *cpu, u32 kind)
{
	__atomic_store_n(&cpu->stats.exits[kind], cpu->stats.exits[kind] + 1, __ATOMIC_RELAXED);
}

/* The CPU numbered @index, or NULL if there is none. */
struct cpu *cpu_get(u32 index);
/* Number of CPUs launched, constant after launch_init. */
u32 cpu_count(void);
/* Create the record for the next CPU; NULL if HF_CPUS_MAX exist or memory is used up. */
struct cpu *cpu_add(u32 id);
/* Follow one arrow of the table above; -EPERM (a bug of ours: nothing changes) for any other. */
int cpu_move(struct cpu *cpu, enum cpu_state to);
enum cpu_state cpu_state(const struct cpu *cpu);
/* How many CPUs are in @state. */
u32 cpu_count_in(enum cpu_state state);
