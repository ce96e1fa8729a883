/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam: what every backend defines and the core calls. Resolved by linking; a missing
 * function fails the link.
 *
 * A backend runs CPUs as guests, turns what stops them into struct exit, asks exit_decide and
 * carries out the verdict. It calls shootdown_exited when the guest has stopped, shootdown_sync
 * before it lets the CPU run on, and after that does what cpu->pending tells of: startup_sync, and
 * an NMI as soon as the guest can take it. No function here may assume that it is called in the
 * exit path of the CPU it concerns unless it says "own CPU": a backend may as well be a process
 * that asks a kernel to do the work.
 */
#pragma once

#include <holdfast/image.h>
#include <hv/types.h>

/* A rule about a register, evaluated by guard/registers.c. */
enum register_rule_kind {
	RULE_KEEP_SET,	 /* bits of mask that were set at lock stay set */
	RULE_KEEP_CLEAR, /* bits of mask clear at lock stay clear, also under action "allow" */
	/* Bits of mask are an address, and keep their value or are that of an HF_KIND_ROOT. */
	RULE_ROOT,
	RULE_LOCKED, /* bits of mask keep their value */
	/* Bits of mask keep their value, and writes of others are no violation: the rest of the
	 * register is written. */
	RULE_ABSORBED,
	RULE_OURS, /* locked from launch on and under every action: the hypervisor's */
};

/*
 * @name:	of the asset, as users know it ("CR0.WP"), at most 47 characters
 * @reg:	register number. From CPU_REGISTERS_MAX on: not recorded at lock, because nothing
 *		but writes that exit can change it: rules compare with exit_register.old, and
 *		are of the last three kinds
 * The rule's index is the asset's number (HF_ASSET_REGISTER | index).
 */
struct register_rule {
	const char *name;
	u32 reg;
	enum register_rule_kind kind;
	u64 mask;
};

/* ---- what it is ---- */

/* "svm", "fake": at most 15 characters. */
const char *backend_name(void);
/* HF_FEATURE_* of this machine; valid after backend_init. */
u32 backend_features(void);
/* First guest-physical address past what the second-level tables translate; page aligned. Valid
 * after backend_probe. */
struct gpa backend_gpa_limit(void);
/* Rules for this machine's registers, constant; *count of them. */
const struct register_rule *backend_register_rules(u32 *count);

/* ---- launch (see core/launch.c for the order) ---- */

/*
 * Once, first: is this machine fit? 0, or an error with boot->reason set. Only looks: allocates
 * nothing.
 */
int backend_probe(struct hf_boot *boot);
/* Once, when pool and owner exist: build what all CPUs share, second-level tables included.
 * Every page is mapped with the permission owner_permission gives it. */
int backend_init(const struct hf_boot *boot);
/* Once for each CPU, still on the first: allocate all that @cpu will ever need. */
int backend_cpu_init(struct cpu *cpu);
/*
 * Own CPU. Become a guest: run one instruction there, report to launch_arrive, and either go
 * on as the guest (returns 0 to the guest's caller) or undo everything and return the
 * error that launch_arrive gave.
 */
int backend_cpu_enter(struct cpu *cpu);

/* ---- a CPU ---- */

/*
 * Own CPU, which was taken down: let the guest go on at @at, in the kernel's own mode, as a CPU
 * that has just been started: interrupts off, general registers cleared, control registers as
 * recorded (if they have been), descriptor tables as they are.
 */
void backend_cpu_restart(struct cpu *cpu, const struct hf_startup *at);
/* Own CPU: from the next guest instruction on, writes of guarded registers exit. */
void backend_cpu_lock(struct cpu *cpu);
/* Own CPU: the guest's current value of a register rules name. */
u64 backend_register_read(struct cpu *cpu, u32 reg);
/* Own CPU: forget all second-level translations before the next guest instruction. */
void backend_flush(struct cpu *cpu);
/* Make another CPU leave the guest soon; it will call shootdown_sync. Cannot fail. */
void backend_kick(struct cpu *cpu);

/* ---- second-level tables of the guest ---- */

/*
 * Reserve whatever is needed so that backend_stage2_protect of exactly this range cannot fail.
 * Holds until the next backend_stage2_merge. -ENOMEM: no permission has changed.
 */
int backend_stage2_prepare(struct gpa start, u64 npages);
/* Give every page of a prepared range the permission @perm (HF_PERM_*, 0 = not there). Takes
 * effect on a CPU when it flushes. */
void backend_stage2_protect(struct gpa start, u64 npages, u32 perm);
/* Let the range become large blocks again where it is uniform. Advice. Call before a shoot-down. */
void backend_stage2_merge(struct gpa start, u64 npages);
/* Every CPU has flushed since the last merge: what merging left over may be used again. */
void backend_stage2_reclaim(void);
/* The permission in the tables now, for audits. */
u32 backend_stage2_permission(struct gpa page);
/* The same; in *npages, from @page on, how many have it because one entry says so for all. */
u32 backend_stage2_run(struct gpa page, u64 *npages);
/* What the tables give where @perm is asked for, as far as they tell permissions apart. */
u32 backend_stage2_admissible(u32 perm);

/* ---- domains (hv/domain): services, each on tables of its own ---- */

enum domain_stop_kind {
	DOMAIN_DONE,	    /* it has answered */
	DOMAIN_INTERRUPTED, /* something waits for this CPU's guest, or for the CPU itself */
	DOMAIN_CRASHED,	    /* it did what it must not */
};

struct domain_stop {
	enum domain_stop_kind kind;
	u64 code; /* the hardware's own, not 0 */
	u64 rip;
	u64 address; /* that it ran into; 0 where there is none */
};

/* Before lock: empty tables, and registers. -ENOMEM; -ENODEV: that cannot be done here. */
int backend_domain_init(struct domain *domain);
/* As HF_DOMAIN_BEGIN and HF_DOMAIN_REQUEST say: nothing of the last run is in its registers. */
void backend_domain_start(struct domain *domain, u64 why);
/*
 * Own CPU: go on until it stops. What the CPU remembers of its tables is forgotten first. Of the
 * guest's state nothing changes, nor is any of it seen in there.
 */
struct domain_stop backend_domain_run(struct cpu *cpu, struct domain *domain);

/* ---- guest memory: within one page, which the caller has checked to be guest RAM, or the message
 * page of a service ---- */

void backend_guest_read(struct gpa from, void *to, size_t size);
void backend_guest_write(struct gpa to, const void *from, size_t size);
/* Own CPU: where the guest's page tables map @va now. -EFAULT: nowhere. */
int backend_guest_translate(struct cpu *cpu, struct gva va, struct gpa *to);

/* ---- what the kernel patches into its code: pure ---- */

/* Forms of instructions; from CODE_CALL on they go somewhere. */
enum code_form {
	CODE_NOP,
	CODE_ZERO, /* gives the result 0, in the place of a call */
	CODE_RETURN,
	CODE_CALL,
	CODE_JUMP,
	CODE_BRANCH, /* a jump on a condition, which its second byte tells */
	CODE_FORMS,
};

/*
 * Bytes of an instruction, where the kernel patches one by a single store, which CPUs see
 * whole or not at all; it is aligned to that. 0: by way of a breakpoint.
 */
u32 backend_code_whole(void);
/* A breakpoint is this one byte, the first of an instruction. */
u8 backend_code_breakpoint(void);
/*
 * Whether the @size bytes at @bytes, but for the first @from, are those of an instruction of this
 * form. Forms that go somewhere: in *to where it goes if it stands at @va.
 */
bool backend_code_is(enum code_form form, struct gva va, const u8 *bytes, u32 from, u32 size,
		     struct gva *to);
/*
 * Whether the @size bytes at @copy are those at @code, or would do the same as instructions that
 * stand @by bytes before these: one displacement from the instruction's own address may be larger
 * by that. Where instructions begin is not known.
 */
bool backend_code_moved(const u8 *copy, const u8 *code, u32 size, u64 by);

/* ---- the kernel's own page tables: pure ---- */

/*
 * Whether an entry of whatever level leads anywhere, and in *to where: a table, or memory. In *row
 * how many in a row, a power of two, a CPU may take to be as this one; at least 1.
 */
bool backend_table_entry(u64 entry, struct gpa *to, u32 *row);

/* ---- the machine ---- */

/* A counter that only grows, in units of its own (x86: TSC). */
u64 backend_clock(void);
/* A hint in a waiting loop. */
void backend_relax(void);
/* One character to the port given at launch; blocks for a bounded time, then gives up. */
void backend_console(char c);
/* Stop this machine for good, memory intact. */
_Noreturn void backend_halt(void);
