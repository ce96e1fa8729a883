/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One interface for every attack of the suite.
 *
 * An attack acts with full kernel privilege on the kernel it runs in, goes no further than to
 * show whether a protection holds (one byte, one register), and puts back what it changed.
 */
#ifndef HF_ATTACK_H
#define HF_ATTACK_H

#include <linux/sched.h>
#include <linux/types.h>
#ifdef CONFIG_X86
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/trapnr.h>

/* The instruction of a hypercall, by the CPU's vendor. */
#define ATTACK_CALL ALTERNATIVE("vmcall", "vmmcall", X86_FEATURE_VMMCALL)
#endif

/* A protection, as the hypervisor calls it, and why an attack is open where it is not in force. */
#define ATTACK_CONFINES	  "kernel-mode execution of other memory"
#define ATTACK_UNCONFINED "which pages the kernel may execute is not controlled on this machine"

/* When the same action must succeed, to show that the attack itself works. */
enum attack_control {
	ATTACK_BARE,	  /* on a kernel without Holdfast */
	ATTACK_PRELAUNCH, /* agent loaded, hypervisor not launched */
	ATTACK_PRELOCK,	  /* launched, not locked */
};

enum attack_outcome {
	ATTACK_REFUSED,
	ATTACK_SUCCEEDED,
	ATTACK_ERROR
};

enum attack_phase {
	ATTEMPT_NONE,
	ATTEMPT_RUNNING,
	ATTEMPT_DONE
};

#define TRAP_NONE (-1)

struct attempt;

struct attack {
	const char *name;
	const char *title;
	const char *gives;  /* what an attacker would gain */
	const char *asset;  /* what is attacked, in the words of the policy */
	const char *reason; /* why it is open; NULL: it is meant to be refused */
	/* Open but where this protection is in force; NULL: everywhere. */
	const char *closed_by;
	bool by_hardware;  /* ... by hardware, not by a fallback */
	const char *needs; /* what a machine needs to show it (feature.c); NULL: nothing */
	enum attack_control control;
	unsigned int cpus; /* that the machine must have; 0: any number */
	bool own_vm;	   /* may take the machine with it: run it last or alone */
	bool stops;	   /* refusing it stops the machine */

	/*
	 * Attempt it in the calling context. Fills target, was and wanted before anything is
	 * touched, because a refusal may kill the thread. The result counts only where look is
	 * NULL or where the change was taken back at once (undo is NULL).
	 */
	enum attack_outcome (*run)(struct attempt *t);

	/* Read the target again, from another thread, after run. */
	int (*look)(struct attempt *t, u64 *is);

	/* Put the target back. NULL: run has done so itself. */
	int (*undo)(struct attempt *t);
};

/* The attempt under way. There is one; the thread that moved phase to RUNNING owns it. */
struct attempt {
	const struct attack *attack;
	struct task_struct *task; /* who ran it; may be dead */
	int phase;		  /* enum attack_phase */
	enum attack_outcome outcome;
	int trap;	   /* vector of the fault that stopped it */
	unsigned int cpu;  /* where a register was attacked */
	u8 *va;		   /* target in memory, or NULL */
	unsigned int size; /* of the target, 1 to 8 bytes */
	unsigned long pfn; /* page of the target */
	u64 was, wanted;   /* value before, value of the attacker */
	char seen[224];	   /* what run saw, for people */
};

struct attack_table {
	const struct attack *attack;
	size_t count;
};

extern const struct attack_table memory_table, register_table, nested_table;
extern const struct attack_table hypervisor_table, hypercall_table;
extern const struct attack_table code_table, remap_table, execute_table, writable_table;
extern const struct attack_table device_table, startup_table, unpaged_table, decode_table,
	state_table, race_table;
extern const struct attack_table sleep_table, kexec_table, trampoline_table, cr3_table,
	agent_table, a20_table, poke_table, forge_table, slot_table;

/* On arm64. */
extern const struct attack_table arm_memory_table, arm_patch_table, arm_remap_table,
	arm_register_table, arm_execute_table, arm_its_table, arm_firmware_table;

/* Of this architecture, in the order in which they are run. */
extern const struct attack_table *const attack_tables[];
extern const size_t attack_table_count;

/* When the module comes and goes. */
int attack_prepare(void);
void attack_finish(void);

/* Parameters of the module. */
extern unsigned int attack_seconds;

/* Address of a kernel symbol, exported or not; NULL where there is none. */
void *attack_symbol(const char *name);

/* Note what was seen, appending. */
__printf(2, 3) void attack_note(struct attempt *t, const char *fmt, ...);

/* #GP for 13, and so on. */
const char *attack_trap_name(int trap);

#ifdef CONFIG_X86
/*
 * Execute one instruction and yield the trap it raised, or TRAP_NONE. The fault handler leaves
 * the vector in AX, so no operand of the instruction may live there.
 */
#define TRAP_OF(insn, ...)                                                            \
	({                                                                            \
		int trap_;                                                            \
		asm volatile("1:\t" insn                                              \
			     "\n\tmovl $-1, %%eax\n2:\n\t" _ASM_EXTABLE_FAULT(1b, 2b) \
			     : "=&a"(trap_)                                           \
			     : __VA_ARGS__                                            \
			     : "memory", "cc");                                       \
		trap_;                                                                \
	})
#endif

#endif
