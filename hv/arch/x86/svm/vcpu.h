/* SPDX-License-Identifier: GPL-2.0-only */
/* A CPU as the guest's: its control block and what the world switch needs. */
#pragma once

#include <hv/types.h>

#include "../common/apic.h"
#include "../common/decode.h"
#include "../common/gprs.h"
#include "../common/gwalk.h"
#include "../common/host.h"
#include "../common/image.h"
#include "check.h"
#include "vmcb.h"

/* What the kernel's CPU looked like, to go back to if launch fails. */
struct native {
	u64 rsp;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 hsave_pa;
	u64 vm_cr;
	u64 dr6, dr7; /* an exit resets them: APM vol. 2, 15.6 */
	struct table_register gdtr;
	struct table_register idtr;
	u16 cs, ss, ds, es;
};

/* An instruction of the guest's, as it was fetched, and decoded with the registers of then. */
struct code {
	u64 rip; /* where it is kept from; 0: it is not */
	size_t size;
	u8 bytes[DECODE_MAX];
	struct instruction decoded;
};

/* Allocated by backend_cpu_init; used by its own CPU only. The offsets are in offsets.c. */
struct vcpu {
	struct vmcb *vmcb;
	u64 vmcb_pa;
	u64 hsave_pa;
	u64 cr3; /* the hypervisor's */
	u64 cr4;
	struct host_cpu host;
	struct native native;
	struct cpu *cpu;
	struct entry_frame frame; /* the kernel's registers once the image has returned */
	u64 frame_end;		  /* and its stack pointer */
	struct gprs *gprs;	  /* during an exit */
	u64 invalid_rip;	  /* of the last exit that called the state invalid */
	struct code code;	  /* of the last exit that was decoded */
	struct gwalk_end source;  /* of the string that was stored last to sealed code */
	struct apic_name name;	  /* with init-guard: read by other CPUs when they send */
	u64 cr0_shown;	    /* bits the guest has set in CR0 and reads there, but has not */
	bool trial;	    /* the first run, which must not get beyond one fetch */
	struct check check; /* with self-check only */
};

/* State shared by all CPUs, set up by backend_init. */
struct svm {
	u64 npt_root; /* physical addresses */
	u64 msrpm_pa;
	u64 msrpm_locked_pa;
	u64 iopm_pa;
	u8 *msrpm;	  /* until a CPU is locked */
	u8 *msrpm_locked; /* afterwards: also writes of what is not free (common/msrs.h) */
	u8 *iopm;
	u64 cr3_reserved; /* bits that no guest's CR3 can have */
	u32 features;	  /* HF_FEATURE_* */
	u16 serial_port;
	bool self_check; /* HF_BOOT_SELF_CHECK */
	bool init_guard; /* stores to interrupt controllers exit */
	bool r_init;	 /* processors turn INIT into an exception */
};

extern struct svm svm;

/* run.S: switch to the hypervisor's world and run the guest. Returns only to roll back. */
int vcpu_run(struct vcpu *vcpu);
/* exit.c: called by run.S on every exit; nonzero leaves the hypervisor's world with that error. */
int vcpu_exit(struct vcpu *vcpu, struct gprs *gprs);

/* device.c: with init-guard, guard the interrupt controllers, before tables are made. */
int device_init(const struct hf_boot *boot);
/* Own CPU, in the hypervisor's world: what interrupts call it. */
void device_cpu_init(struct vcpu *v);

/* restart.c: find out, once, whether processors turn INIT into an exception. */
void restart_init(void);
/* Own CPU, at launch: have it do so. False: this one differs from the first. */
bool restart_arm(struct vcpu *v);
void restart_disarm(const struct vcpu *v);

/*
 * FS, GS, LDTR, TR and the MSRs of system calls between CPU and control block: VMRUN and exits
 * leave them alone.
 */
static inline void vmsave(u64 vmcb_pa)
{
	asm volatile("vmsave %%rax" : : "a"(vmcb_pa) : "memory");
}

static inline void vmload(u64 vmcb_pa)
{
	asm volatile("vmload %%rax" : : "a"(vmcb_pa) : "memory");
}

/* Intercept reads and/or writes of an MSR that the permission maps cover, locked or not. Only
 * before launch. */
void msrpm_set(u32 msr, bool read, bool write);
