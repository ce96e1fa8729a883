/* SPDX-License-Identifier: GPL-2.0-only */
/* What a CPU is to this backend, beside what it is to both (common/vcpu.h). */
#pragma once

#include <hv/types.h>

#include <hv/views.h>

#include "../common/vcpu.h"
#include "vmcb.h"

/* State shared by all CPUs, set up by backend_init. */
struct svm {
	u64 nested_control;
	struct hpa npt_root[VIEWS];
	u64 msrpm_pa; /* physical addresses */
	u64 msrpm_locked_pa;
	u64 iopm_pa;
	u8 *msrpm;	  /* until a CPU is locked */
	u8 *msrpm_locked; /* afterwards: also writes of what is not free (common/msrs.h) */
	bool r_init;	  /* processors turn INIT into an exception */
};

extern struct svm svm;

/* check.c: what VMRUN would refuse, or what is not as we want it; NULL: nothing. */
const char *check_block(const struct vmcb *vmcb);

/* restart.c: find out, once, whether processors turn INIT into an exception. */
void restart_init(void);
/* Own CPU, at launch: have it do so. False: this one differs from the first. */
bool restart_arm(struct vcpu *v);
void restart_disarm(const struct vcpu *v);

/* run.S: run what is not the guest until it exits. RAX and RSP are in the control block. */
void domain_enter(u64 vmcb_pa, struct gprs *gprs);

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
