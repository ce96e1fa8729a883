/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of SVM for tests of exits, from the control block to the core and back, through
 * vcpu_exit. The core is a verdict the test chose; guest memory is a page and the tables that
 * lead to it; instructions that cannot run here (STGI and CLGI, LIDT) are caught by their bytes.
 */
#ifndef TEST_UNIT_GUEST_H
#define TEST_UNIT_GUEST_H

#include <hv/arch/x86/svm/exit.h>
#include <hv/arch/x86/svm/vcpu.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/owner.h>
#include "fake_cpu.h"

#define RIP	    0xffffffff81000100ull
#define CODE	    0x5000ull /* the page of it, in memory */
#define MEMORY_SIZE 0x6000
#define SENTINEL    0xdeadull /* in LSTAR */

#define CR0  0x80050033ull
#define CR4  0x20ull
#define EFER 0x1d01ull /* SVME, NXE, LMA, LME, SCE */

#define GP 0x80000b0dull /* injected: valid, error code, exception 13 */

extern struct vmcb vmcb;
extern struct vcpu vcpu;
extern struct cpu cpu;
extern struct gprs gprs;
extern u8 memory[MEMORY_SIZE];
extern struct segment tr; /* the CPU's */

/* What happened since guest_setup. */
extern struct exit seen; /* what the core was asked last */
extern u32 decided, flushed, stgi, clgi, wbinvd;
extern u32 looked;    /* after a window for NMIs */
extern u32 performed; /* stores to devices */
extern u32 downs;     /* how often the CPU is to be taken down and started */
extern u32 reads;     /* of guest memory, entries of its tables included */
extern bool is_reset; /* INIT was seen */
extern int arrived;   /* with this, at launch */

/* What the test decides. */
extern u64 absorbed;	       /* bits that the core takes from a value */
extern bool is_store;	       /* the exit is a store to a device */
extern bool performs;	       /* which can be done */
extern struct page trial_page; /* the one at 0x7000 */
extern struct page code_page;  /* and the one at CODE */

/* A setup of cmocka; also for a new guest within a test. */
int guest_setup(void **ctx);
/* At RIP. */
void guest_put_code(const char *bytes, size_t size);
/* One exit; 0, or how it ended: 1 reset, 2 panic. */
int guest_exit(u64 code, u64 info0, u64 info1, enum verdict v);
/* It goes on at the same instruction; after it. */
void guest_stayed(void);
void guest_advanced(u64 length);

#endif
