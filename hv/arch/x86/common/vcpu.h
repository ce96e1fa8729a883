/* SPDX-License-Identifier: GPL-2.0-only */
/* A CPU as the guest's, and what all of them share, for both vendors. */
#pragma once

#include <hv/types.h>

#include "apic.h"
#include "check.h"
#include "decode.h"
#include "gprs.h"
#include "gwalk.h"
#include "host.h"
#include "image.h"
#include "state.h"

/* What the kernel's CPU looked like, to go back to if launch fails. */
struct native {
	u64 rsp;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 hsave_pa, vm_cr; /* AMD */
	u64 debugctl;	     /* Intel: an exit resets it, and TR and LDTR: SDM vol. 3, 28.5 */
	u64 dr6, dr7;	     /* an exit resets them: APM vol. 2, 15.6; of Intel DR7 alone */
	struct table_register gdtr;
	struct table_register idtr;
	u16 cs, ss, ds, es, tr, ldtr;
};

/* An instruction of the guest's, as it was fetched, and decoded with the registers of then. */
struct code {
	u64 rip; /* where it is kept from; 0: it is not */
	size_t size;
	u8 bytes[DECODE_MAX];
	struct instruction decoded;
};

/*
 * Allocated by backend_cpu_init; used by its own CPU only. Offsets are in the vendor's offsets.c.
 *
 * @state:	AMD: in the control block, as are the three below; Intel: a copy
 * @event:	what is delivered when the guest goes on
 * @interrupted: what was being delivered when it stopped
 * @shadow:	not 0: interrupts are held back for one instruction
 */
struct vcpu {
	struct state *state;
	u64 *event;
	u64 *interrupted;
	u64 *shadow;
	/* The vendor's own: complete in its folder only. */
	union {
		struct vmcb *vmcb;
		struct vmx_cpu *vmx;
	};
	u64 block_pa;  /* VMCB, VMCS */
	u64 region_pa; /* the processor's own: host save area, VMXON region */
	u64 cr3;       /* the hypervisor's */
	u64 cr4;
	struct host_cpu host;
	struct native native;
	struct cpu *cpu;
	struct entry_frame frame; /* the kernel's registers once the image has returned */
	u64 frame_end;		  /* and its stack pointer */
	struct gprs *gprs;	  /* during an exit */
	u64 iret;	  /* AMD: where it ends an NMI's handling, if it is still to be run */
	u64 stepping;	  /* AMD: DR6 from before the trap flag was set for it, or 0 */
	u64 invalid_rip;  /* AMD: of the last exit that called the state invalid */
	struct code code; /* of the last exit that was decoded */
	struct gwalk_end source; /* of the string that was stored last to sealed code */
	struct apic_name name;	 /* with init-guard: read by other CPUs when they send */
	u8 *vectors;		 /* the guest's x87, SSE and AVX while a service runs */
	u64 cr0_shown; /* AMD: bits the guest has set in CR0 and reads there, but has not */
	u8 view;       /* enum view: the tables that the guest runs with */
	bool trial;    /* the first run, which must not get beyond one fetch */
	struct check check; /* with self-check only */
};

/* What all CPUs share; constant after launch. */
struct platform {
	u32 features; /* HF_FEATURE_* */
	u16 serial_port;
	bool self_check;  /* HF_BOOT_SELF_CHECK */
	bool two_tables;  /* HF_BOOT_TWO_TABLES: a view of memory for each mode */
	bool umip;	  /* not HF_BOOT_UMIP_OFF: done by exits where CR4.UMIP is clear */
	bool init_guard;  /* stores to interrupt controllers exit */
	u64 cr3_reserved; /* bits that no guest's CR3 can have */
	u8 *iopm;	  /* a bit for each port: set, accesses exit */
};

extern struct platform platform;

/* How many bits physical addresses have. */
u32 platform_address_bits(void);
/* What is said of UMIP at launch, by the CPU and by the loader. */
void platform_umip(const struct hf_boot *boot);

/* run.S: switch to the hypervisor's world and run the guest. Returns only to roll back. */
int vcpu_run(struct vcpu *vcpu);
/* exit.c of the vendor: called by run.S on every exit; nonzero leaves the hypervisor's world with
 * that error. */
int vcpu_exit(struct vcpu *vcpu, struct gprs *gprs);

/* device.c: with init-guard, guard the interrupt controllers, before tables are made. */
int device_init(const struct hf_boot *boot);
/* Own CPU, in the hypervisor's world: what interrupts call it. */
void device_cpu_init(struct vcpu *v);

/* The vendor's: intercept reads and/or writes of an MSR that its permission maps cover, locked or
 * not. Only before launch. */
void intercept_msr(u32 msr, bool read, bool write);
