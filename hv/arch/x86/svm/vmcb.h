/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtual machine control block: APM vol. 2, appendix B. */
#pragma once

#include <hv/types.h>

#include "../common/state.h"

/* Intercepts, APM vol. 2, table B-1: bits of vmcb.intercept[]. */
#define INTERCEPT_CR	    0 /* lower half: reads, bit n for CRn; upper: writes, bit 16 + n */
#define INTERCEPT_DR	    1 /* the same for DRn */
#define INTERCEPT_EXCEPTION 2 /* bit n for vector n */
#define INTERCEPT_MISC1	    3
#define INTERCEPT_MISC2	    4

#define CR_READ(n)  (1u << (n))
#define CR_WRITE(n) (1u << (16 + (n)))

#define MISC1_INTR	 BIT(0)
#define MISC1_NMI	 BIT(1)
#define MISC1_INIT	 BIT(3)
#define MISC1_STORES	 (BIT(6) | BIT(7) | BIT(8) | BIT(9)) /* SIDT, SGDT, SLDT, STR */
#define MISC1_IDTR_WRITE BIT(10)
#define MISC1_GDTR_WRITE BIT(11)
#define MISC1_TR_WRITE	 BIT(13)
#define MISC1_IRET	 BIT(20)
#define MISC1_INVD	 BIT(22)
#define MISC1_INVLPGA	 BIT(26)
#define MISC1_IOIO	 BIT(27)
#define MISC1_MSR	 BIT(28)
#define MISC1_SHUTDOWN	 BIT(31)

#define MISC2_VMRUN   BIT(0)
#define MISC2_VMMCALL BIT(1)
#define MISC2_VMLOAD  BIT(2)
#define MISC2_VMSAVE  BIT(3)
#define MISC2_STGI    BIT(4)
#define MISC2_CLGI    BIT(5)
#define MISC2_SKINIT  BIT(6)
#define MISC2_ICEBP   BIT(8)

/* Exit codes, APM vol. 2, appendix C. */
#define EXIT_CODE_CR0_READ   0x00
#define EXIT_CODE_CR0_WRITE  0x10
#define EXIT_CODE_CR4_WRITE  0x14
#define EXIT_CODE_DB	     0x41
#define EXIT_CODE_PF	     0x4e
#define EXIT_CODE_AC	     0x51
#define EXIT_CODE_MC	     0x52
#define EXIT_CODE_SX	     0x5e
#define EXIT_CODE_INTR	     0x60
#define EXIT_CODE_NMI	     0x61
#define EXIT_CODE_INIT	     0x63
#define EXIT_CODE_IDTR_READ  0x66
#define EXIT_CODE_GDTR_READ  0x67
#define EXIT_CODE_LDTR_READ  0x68
#define EXIT_CODE_TR_READ    0x69
#define EXIT_CODE_IDTR_WRITE 0x6a
#define EXIT_CODE_GDTR_WRITE 0x6b
#define EXIT_CODE_TR_WRITE   0x6d
#define EXIT_CODE_IRET	     0x74
#define EXIT_CODE_INVD	     0x76
#define EXIT_CODE_INVLPGA    0x7a
#define EXIT_CODE_IOIO	     0x7b
#define EXIT_CODE_MSR	     0x7c
#define EXIT_CODE_SHUTDOWN   0x7f
#define EXIT_CODE_VMRUN	     0x80
#define EXIT_CODE_VMMCALL    0x81
#define EXIT_CODE_VMLOAD     0x82
#define EXIT_CODE_SKINIT     0x86
#define EXIT_CODE_ICEBP	     0x88
#define EXIT_CODE_NPF	     0x400
#define EXIT_CODE_INVALID    0xffffffffu /* low half of -1: emulators store no more */

/* Bits of nested_control, APM vol. 2, 15.25.3 and table B-1. The second does nothing by itself, and
 * like NX it asks for EFER.NXE of the hypervisor's, which is the kernel's (probe.c). */
#define NESTED_PAGING BIT(0)
#define NESTED_GMET   BIT(3)

/* TLB_CONTROL, APM vol. 2, 15.16.1. */
#define TLB_KEEP       0
#define TLB_FLUSH_ALL  1
#define TLB_FLUSH_ASID 3

/* Nested page fault, APM vol. 2, 15.25.6: bits of exit_info[0]. */
#define NPF_WRITE BIT(1)
#define NPF_FETCH BIT(4)
#define NPF_WALK  BIT(33)

struct vmcb {
	/* control area */
	u32 intercept[6];
	u8 reserved0[0x40 - 0x18];
	u64 iopm_pa;
	u64 msrpm_pa;
	u64 tsc_offset;
	u32 asid;
	u32 tlb_control;
	u64 interrupt_control;
	u64 interrupt_shadow;
	u64 exit_code;
	u64 exit_info[2];
	u64 exit_interrupt;
	u64 nested_control;
	u8 reserved1[0xa8 - 0x98];
	u64 event_inject;
	u64 nested_cr3;
	u64 lbr_control;
	u32 clean;
	u32 reserved2;
	u64 next_rip;
	u8 fetched;
	u8 bytes[15];
	u8 reserved3[0x400 - 0xe0];
	struct state state;
	u8 reserved4[0x1000 - 0x670];
};

static_assert(offsetof(struct vmcb, asid) == 0x58, "APM vol. 2, table B-1");
static_assert(offsetof(struct vmcb, exit_code) == 0x70, "APM vol. 2, table B-1");
static_assert(offsetof(struct vmcb, nested_control) == 0x90, "APM vol. 2, table B-1");
static_assert(offsetof(struct vmcb, event_inject) == 0xa8, "APM vol. 2, table B-1");
static_assert(offsetof(struct vmcb, bytes) == 0xd1, "APM vol. 2, table B-1");
static_assert(offsetof(struct vmcb, state) == 0x400, "APM vol. 2, table B-2");
static_assert(sizeof(struct vmcb) == PAGE_SIZE, "APM vol. 2, 15.5");
