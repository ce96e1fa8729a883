/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of VMX for tests of exits, from the control structure to the core and back, through
 * vcpu_exit. The core is a verdict that the test chose; the control structure is a table of fields.
 */
#ifndef TEST_UNIT_GUEST_VMX_H
#define TEST_UNIT_GUEST_VMX_H

#include <setjmp.h>
#include <hv/arch/x86/vmx/vmx.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include "fake_cpu.h"

#define RIP    0xffffffff81000100ull
#define TABLES 0x1000ull /* four levels */
#define CODE   0x5000ull /* the page of it, in memory, and of everything else */
#define CR0    0x80050033ull
#define CR4    0x3706e0ull
#define EFER   0xd01ull

/* Fields by the manual's numbers (SDM vol. 3, appendix B), not by the names of vmcs.h. */
#define F_INFO	      0x6400
#define F_GPA	      0x2400
#define F_LINEAR      0x640a
#define F_LENGTH      0x440c
#define F_RIP	      0x681e
#define F_RSP	      0x681c
#define F_RFLAGS      0x6820
#define F_BLOCKED     0x4824
#define F_ACTIVITY    0x4826
#define F_INTERRUPTED 0x4408
#define F_ERROR	      0x440a
#define F_EVENT	      0x4016
#define F_EVENT_ERROR 0x4018
#define F_EVENT_BYTES 0x401a
#define F_EXIT_EVENT  0x4404
#define F_PRIMARY     0x4002
#define F_SECONDARY   0x401e
#define F_DEBUG	      0x6822
#define F_GUEST_CR0   0x6800
#define F_GUEST_CR4   0x6804
#define F_SHADOW_CR0  0x6004
#define F_SHADOW_CR4  0x6006
#define F_WHICH	      0x440e
#define F_IDTR_BASE   0x6818
#define F_IDTR_LIMIT  0x4812
#define F_CODE_RIGHTS 0x4816
#define F_SS_RIGHTS   0x4818
#define F_DR7	      0x681a
#define F_DEBUGCTL    0x2802

#define GP  0x80000b0dull
#define UD  0x80000306ull
#define NMI 0x80000202ull

#define MEMORY_SIZE 0x6000

extern struct vmx_cpu cpu_of_vmx;
extern struct vcpu vcpu;
extern struct cpu cpu;
extern struct gprs gprs;
extern u64 stack[2]; /* what is above it */
extern u8 memory[MEMORY_SIZE];

/* What happened since guest_setup. */
extern struct exit seen; /* what the core was asked last */
extern u32 decided, flushes, resets, xcr, fetches;

/* What the test decides. */
extern enum verdict verdict;
extern bool crosses;	/* the other view permits a fetch */
extern jmp_buf stopped; /* where a panic goes */

/* A setup of cmocka; also for a new guest within a test. */
int guest_setup(void **ctx);
/* One exit. */
void guest_leave(u32 reason, u64 info, enum verdict v);
/* At RIP. */
void guest_put_code(const char *bytes, size_t size);
/* It goes on at the same instruction; after it. */
void guest_stayed(void);
void guest_advanced(u64 length);

#endif
