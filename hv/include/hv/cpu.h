/* SPDX-License-Identifier: GPL-2.0-only */
/* One CPU of the machine, as the core knows it. */
#ifndef HV_CPU_H
#define HV_CPU_H

#include <holdfast/hypercall.h>
#include <holdfast/image.h>
#include <hv/types.h>

/*
 * States and the only transitions (cpu_move refuses any other):
 *
 *	ABSENT   -> STARTING	the CPU runs as a guest, launch (or wake-up) not finished
 *	STARTING -> LOCKED	its registers are recorded and pinned
 *	STARTING -> ABSENT	launch rolled back
 *	LOCKED   -> PARKED	taken out of the guest by INIT; runs nothing
 *	PARKED   -> STARTING	woken up, at the recorded entry
 */
enum cpu_state {
	CPU_ABSENT,
	CPU_PARKED,
	CPU_STARTING,
	CPU_LOCKED,
};

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
	u32 kicked;	   /* [a] a kick is on its way: the next NMI is ours */
	u32 nmi;	   /* [a] an NMI waits for the guest: one, as in a processor */
	u32 inside;	   /* [a] in the hypervisor; looks at the epoch before it leaves */
	u32 entered;	   /* [a] for the audit of flushes: may be in the guest */
	u64 flushed;	   /* [a] and: stage2_cuts() when it last went there flushing */
	u64 epoch;	   /* [a] newest shoot-down epoch this CPU has answered */
	struct vcpu *vcpu; /* the backend's part */
	void *buffer;	   /* one page, for what a call of this CPU reads or answers */
	bool registers_recorded;
	bool waking; /* own CPU: started again, not yet through its bring-up */
	u64 recorded[CPU_REGISTERS_MAX]; /* register values at lock, constant afterwards */
	struct hf_stats stats;
};

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

#endif
