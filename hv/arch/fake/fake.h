/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine made of ordinary memory, on which everything above the seam runs in unit tests and
 * fuzzers. Besides what backend.h asks for, it offers what a test needs: a guest that
 * accesses memory through a TLB of its own on each CPU, kicks that arrive late, and failures.
 *
 * Unlike the rest of hv it uses the C library, and never becomes part of an image.
 */
#ifndef HV_ARCH_FAKE_FAKE_H
#define HV_ARCH_FAKE_FAKE_H

#include <setjmp.h>
#include <holdfast/image.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/domain.h>
#include <hv/exit.h>
#include <hv/stage2.h>
#include <hv/views.h>
#include <hv/types.h>

/*
 * fake_format:		kernel and user execution are separate, blocks up to 1 GiB
 * fake_plain_format:	one execute permission, nothing without read (as NPT)
 * fake_break_format:	break before make, blocks up to 2 MiB
 * fake_picky_format:	blocks not everywhere
 * fake_two_format:	as fake_plain_format, and there are two views
 */
extern const struct stage2_format fake_format;
extern const struct stage2_format fake_plain_format;
extern const struct stage2_format fake_break_format;
extern const struct stage2_format fake_picky_format;
extern const struct stage2_format fake_two_format;

/* ---- the machine ---- */

#define FAKE_MIB	 (1ull << 20)
#define FAKE_RAM_BYTES	 (128 * FAKE_MIB) /* of memory behind guest-physical addresses */
#define FAKE_LIMIT	 (4ull << 30)	  /* backend_gpa_limit */
#define FAKE_CHUNKS	 2u
#define FAKE_CONSOLE_MAX 65536u
#define FAKE_ENTRY	 0xffffffff81000040ull /* hf_boot.startup of fake_boot */
#define FAKE_PLACE	 0x99ull

/* Memory map of fake_boot, in order; device memory between and after. */
#define FAKE_LOW_END	   0x9f000ull
#define FAKE_RAM_START	   (1 * FAKE_MIB)
#define FAKE_RAM_END	   (64 * FAKE_MIB)
#define FAKE_HOTPLUG_START (64 * FAKE_MIB) /* directly after RAM */
#define FAKE_HOTPLUG_END   (68 * FAKE_MIB)
#define FAKE_HIGH_START	   (96 * FAKE_MIB)
#define FAKE_HIGH_END	   (128 * FAKE_MIB)

enum fake_register {
	FAKE_CONTROL,		       /* bits 0-7 keep set, bits 8-15 keep clear */
	FAKE_VECTOR,		       /* locked */
	FAKE_MODE,		       /* bit 0 keep set */
	FAKE_CACHE,		       /* bit 0 keep set, bits 8-15 absorbed */
	FAKE_ROOT,		       /* bits 12-51 an address, 0-11 free */
	FAKE_LIVE = CPU_REGISTERS_MAX, /* not recorded; bits 0-7 locked, 8-15 absorbed */
	FAKE_OURS,
	FAKE_OTHER, /* without a rule */
	FAKE_REGISTERS,
};

/* The hardware's number of a register from FAKE_LIVE on is this more. */
#define FAKE_HARDWARE 0xc0010000u

/* Indices of backend_register_rules. */
enum fake_rule {
	FAKE_RULE_CONTROL_SET,
	FAKE_RULE_CONTROL_CLEAR,
	FAKE_RULE_VECTOR,
	FAKE_RULE_MODE,
	FAKE_RULE_CACHE,
	FAKE_RULE_CACHE_OFF,
	FAKE_RULE_LIVE,
	FAKE_RULE_LIVE_OFF,
	FAKE_RULE_OURS,
	FAKE_RULE_ROOT,
	FAKE_RULE_COUNT,
};

/* An entry of the guest's page tables leads to the address in the bits of FAKE_ROOT. */
#define FAKE_ENTRY_VALID 1ull
#define FAKE_ENTRY_ROW	 2ull /* as do the four of which it is one */
#define FAKE_ADDRESS	 0x000ffffffffff000ull
#define FAKE_ROOT_AT	 (2 * FAKE_MIB) /* of CPUs that start */

#define FAKE_TLB_ENTRIES 64u

/* A translation a CPU remembers until it flushes. */
struct fake_translation {
	u64 page; /* gpa */
	u32 perm; /* 0: slot is empty */
};

struct vcpu {
	bool guest;   /* [a] runs as a guest */
	bool guarded; /* backend_cpu_lock was called: register writes exit */
	u32 kicks;    /* [a] kicks that have not arrived yet */
	u64 flushes;
	u32 flushed_at; /* cpu->place then */
	bool flushing;	/* has flushed since it last entered the guest */
	u64 merges;	/* [a] fake.merges when it flushed last */
	u64 starts;	/* backend_cpu_restart was called */
	u64 entry;	/* where, the last time */
	u64 faults;	/* injected into the guest by verdicts */
	u64 registers[FAKE_REGISTERS];
	struct fake_translation tlb[FAKE_TLB_ENTRIES];
};

/* Set by tests after fake_reset; what it counts is for them to read. */
struct fake {
	/* configuration */
	const struct stage2_format *format;
	unsigned int levels;
	u32 features;		/* HF_FEATURE_EXEC_SPLIT follows from the format */
	bool late_kicks;	/* kicks wait for fake_deliver_kicks */
	bool audited;		/* every entry is seen by the audit of flushes */
	void (*on_relax)(void); /* called in every waiting loop; NULL: none */
	void (*on_protect)(struct gpa start, u32 perm); /* before tables change; NULL: none */
	/* What runs in domains: until the next stop. @why: HF_DOMAIN_*, or FAKE_GO_ON. */
	struct domain_stop (*on_domain)(struct cpu *cpu, struct domain *domain, u64 why);
	u64 mapped;    /* a page of code that is somewhere else; 0: none */
	u64 mapped_to; /* there */
	/* failures: 0 is none */
	int probe_error; /* negative code; probe_reason goes with it */
	u32 probe_reason;
	int init_error;
	u32 cpu_init_fails; /* this CPU, 1-based, lacks memory */
	u32 enter_fails;    /* this CPU, 1-based, cannot become a guest */
	int domain_error;   /* negative code of backend_domain_init */
	u32 prepare_fails;  /* the n-th backend_stage2_prepare from now on */
	/* what was seen */
	u64 relaxes; /* [a] */
	u64 kicks;
	u64 prepares;
	u64 protects;
	u64 merges;			/* [a] */
	char console[FAKE_CONSOLE_MAX]; /* NUL terminated, the first so many characters */
	size_t console_length;
	/* backend_halt goes here if expect_halt is set, else aborts the test */
	bool expect_halt;
	jmp_buf halt;
	/* memory, released by the next fake_reset */
	u8 *ram;
	u8 *chunks;
	u64 broken; /* times that every CPU has forgotten an entry made invalid */
	struct views views;
	struct vcpu *vcpu[HF_CPUS_MAX]; /* those that backend_cpu_init made */
	u32 vcpus;
};

extern struct fake fake;

/* Forget everything and be a machine with tables of @format. */
void fake_reset(const struct stage2_format *format);
/* No memory is kept: last call of a program. */
void fake_release(void);
/* A boot record for this machine, valid until the next call. */
struct hf_boot *fake_boot(u32 cpus);
/* Own CPU: leave the hypervisor. */
void fake_enter(struct cpu *cpu);
/* Let kicks arrive that were held back, on all CPUs of @count. */
void fake_deliver_kicks(struct cpu *const *cpus, u32 count);

/* True if @statement ended in backend_halt (panic). */
#define fake_halts(statement)                 \
	__extension__({                       \
		volatile bool halted_ = true; \
		fake.expect_halt = true;      \
		if (!setjmp(fake.halt)) {     \
			statement;            \
			halted_ = false;      \
		}                             \
		fake.expect_halt = false;     \
		halted_;                      \
	})

/* ---- domains: what a program there does ---- */

#define FAKE_GO_ON 0x60u

/* Its memory at @at, 8 bytes for @access; NULL: it crashes. */
void *fake_domain_access(struct domain *domain, struct gpa at, enum hf_access access);

/* ---- the guest (guest.c): what a program on this CPU does ---- */

/* Permission the CPU finds for the page: what it remembers, else what the tables say. */
u32 fake_translate(struct cpu *cpu, struct gpa page);

/* No exit took place: the CPU just did it. Otherwise the verdict that ended it. */
#define FAKE_DONE (-1)

/* Access 8 bytes at an aligned address; @value in or out, may be NULL for EXECUTE. */
int fake_guest_access(struct cpu *cpu, struct gpa at, enum hf_access access, u8 cpl,
		      u64 *value);
/*
 * The exit of a store of @width bytes to a page that cannot be written, through an alias of its
 * own: byte @at of them faulted, at @fault. The verdict; the fake stores nothing itself.
 */
#define FAKE_ALIAS 0x00007e0000000000ull
int fake_guest_store(struct cpu *cpu, struct gpa fault, u8 at, const void *bytes, u16 width);
/* Write a register. */
int fake_guest_register(struct cpu *cpu, u32 reg, u64 value);
/* Make a hypercall; *result is valid with VERDICT_RESULT. */
int fake_guest_call(struct cpu *cpu, u8 cpl, u64 number, const u64 arg[4], s64 *result);

#endif
