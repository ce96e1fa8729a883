/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An exit from the guest in the words of no vendor. The backend fills it in from what the
 * hardware says (and only from copies it took once); the core decides; the
 * backend carries the verdict out.
 */
#pragma once

#include <holdfast/event.h>
#include <holdfast/hypercall.h>
#include <holdfast/image.h>
#include <hv/types.h>

/* Bytes of the longest store to sealed code that is looked at. */
#define HF_STORE_MAX 16

struct exit_memory {
	struct gpa gpa;
	struct gva va; /* 0 where unknown */
	u8 access;     /* enum hf_access */
	u8 user_exec;  /* a fetch from user mode (where told apart) */
	u16 width;     /* bytes, 0 where unknown */
	/* Of stores to sealed code that were decoded (then @width is not 0): */
	u8 at;			/* offset, in the store, of the byte that faulted */
	u8 bytes[HF_STORE_MAX]; /* what the store writes: @width bytes */
};

struct exit_register {
	u32 id;	      /* the backend's register number; undefined if unknown */
	u32 hardware; /* the hardware's number (x86: of an MSR), 0 where it has none */
	u8 unknown;   /* no rule names it: it keeps its value, as if all of it were locked */
	u8 fatal;     /* no event could be delivered to a CPU with this value */
	u64 old;      /* as the guest sees it now */
	u64 value;    /* to be written; VERDICT_PERFORM: what is left of that */
};

struct exit_call {
	u64 number;
	u64 arg[4];
	s64 result; /* out, with VERDICT_RESULT */
};

struct exit_port {
	u16 port;
	u8 write;
	u8 width;
	u8 ours;   /* one of the hypervisor's own ports is among those accessed */
	u8 string; /* @value is not known */
	u16 reserved;
	u32 value; /* written: @width bytes of it */
};

/* What a store to a guarded device asks for, in the words of no device. */
enum device_request {
	DEVICE_STORE,	/* nothing that needs a decision */
	DEVICE_NOTHING, /* what has no effect on any CPU of today */
	DEVICE_RESET,	/* take CPUs down until they are started (x86: INIT) */
	DEVICE_START,	/* start CPUs that were taken down (x86: SIPI) */
	DEVICE_NMI,	/* interrupt CPUs in a way that they cannot mask */
	DEVICE_SLEEP,	/* what guard/sleep.c finds: the page has a sleep register */
	DEVICE_MEMORY,	/* have it use memory that is not the guest's to give: refused */
	DEVICE_OTHER,	/* anything else: refused */
};

/*
 * @place:	where CPUs are to start, as the guest names it
 * @targets:	a bit for each CPU that the request names, by index
 */
struct exit_device {
	struct gpa gpa; /* of the register; 0 where it has none */
	struct gva va;
	u64 value;
	u8 width;   /* bytes; 0: it and @value are unknown */
	u8 request; /* enum device_request */
	u64 place;
	u64 targets[HF_CPUS_MAX / 64];
};

/* What a call of the firmware asks for, in the words of no firmware. */
enum firmware_request {
	FIRMWARE_PASS,	/* what takes no address and concerns nobody else */
	FIRMWARE_START, /* start a CPU that is off */
	FIRMWARE_STOP,	/* switch the caller's own CPU off, until it is started */
	FIRMWARE_OTHER, /* anything else: refused */
};

/*
 * @number:	of the call
 * @target:	index of the CPU to start
 * @place:	where it is to start, as the guest names it
 */
struct exit_firmware {
	u64 number;
	u64 place;
	u32 target;
	u8 request; /* enum firmware_request */
};

/* Fields that do not belong to @kind are undefined. */
struct exit {
	u32 kind; /* enum hf_exit_kind */
	u8 cpl;
	u8 reserved[3];
	u64 rip;
	u64 root; /* CR3, TTBR */
	u64 code; /* the hardware's own exit code, for records */
	union {
		struct exit_memory memory;
		struct exit_register reg;
		struct exit_call call;
		struct exit_port port;
		struct exit_device device;
		struct exit_firmware firmware;
	};
};

enum verdict {
	VERDICT_RETRY,	   /* run the instruction again: what it ran into is gone */
	VERDICT_SKIP,	   /* leave the instruction out */
	VERDICT_PERFORM,   /* do for the guest what the instruction asked for */
	VERDICT_RESULT,	   /* hypercall answered: result, then next instruction */
	VERDICT_FAULT,	   /* protection fault (x86: #GP(0)) at the instruction */
	VERDICT_UNDEFINED, /* undefined-instruction fault */
	VERDICT_PASS,	   /* hand on to the guest what was its own (NMI) */
	VERDICT_STOP,	   /* stop the machine */
};

/* Decide. Counts the exit, records an event where one is due. */
enum verdict exit_decide(struct cpu *cpu, struct exit *exit);
