/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtual-machine control structure: Intel SDM vol. 3, chapter 25 and appendix B. */
#pragma once

#include <hv/types.h>

/* Fields by their encoding, SDM vol. 3, appendix B. */
enum vmcs_field {
	VMCS_VPID = 0x0000,
	VMCS_GUEST_ES = 0x0800, /* and CS, SS, DS, FS, GS, LDTR, TR, two further each */
	VMCS_GUEST_CS = 0x0802,
	VMCS_GUEST_SS = 0x0804,
	VMCS_GUEST_DS = 0x0806,
	VMCS_GUEST_FS = 0x0808,
	VMCS_GUEST_GS = 0x080a,
	VMCS_GUEST_LDTR = 0x080c,
	VMCS_GUEST_TR = 0x080e,
	VMCS_HOST_ES = 0x0c00,
	VMCS_HOST_CS = 0x0c02,
	VMCS_HOST_SS = 0x0c04,
	VMCS_HOST_DS = 0x0c06,
	VMCS_HOST_FS = 0x0c08,
	VMCS_HOST_GS = 0x0c0a,
	VMCS_HOST_TR = 0x0c0c,

	VMCS_IO_BITMAP_A = 0x2000,
	VMCS_IO_BITMAP_B = 0x2002,
	VMCS_MSR_BITMAP = 0x2004,
	VMCS_EPT_POINTER = 0x201a,
	VMCS_XSS_BITMAP = 0x202c,
	VMCS_GUEST_PHYSICAL = 0x2400,
	VMCS_LINK = 0x2800,
	VMCS_GUEST_DEBUGCTL = 0x2802,
	VMCS_GUEST_PAT = 0x2804,
	VMCS_GUEST_EFER = 0x2806,
	VMCS_HOST_PAT = 0x2c00,
	VMCS_HOST_EFER = 0x2c02,

	VMCS_PIN = 0x4000,
	VMCS_PRIMARY = 0x4002,
	VMCS_EXCEPTIONS = 0x4004,
	VMCS_PAGE_FAULT_MASK = 0x4006,
	VMCS_PAGE_FAULT_MATCH = 0x4008,
	VMCS_CR3_TARGETS = 0x400a,
	VMCS_EXIT_CONTROLS = 0x400c,
	VMCS_EXIT_MSR_STORES = 0x400e,
	VMCS_EXIT_MSR_LOADS = 0x4010,
	VMCS_ENTRY_CONTROLS = 0x4012,
	VMCS_ENTRY_MSR_LOADS = 0x4014,
	VMCS_ENTRY_EVENT = 0x4016,
	VMCS_ENTRY_ERROR = 0x4018,
	VMCS_ENTRY_LENGTH = 0x401a,
	VMCS_SECONDARY = 0x401e,
	VMCS_INSTRUCTION_ERROR = 0x4400,
	VMCS_EXIT_REASON = 0x4402,
	VMCS_EXIT_EVENT = 0x4404,
	VMCS_INTERRUPTED = 0x4408,
	VMCS_INTERRUPTED_ERROR = 0x440a,
	VMCS_EXIT_LENGTH = 0x440c,
	VMCS_EXIT_INSTRUCTION = 0x440e,
	VMCS_GUEST_LIMIT = 0x4800, /* in the order of the selectors, then GDTR and IDTR */
	VMCS_GUEST_GDTR_LIMIT = 0x4810,
	VMCS_GUEST_IDTR_LIMIT = 0x4812,
	VMCS_GUEST_RIGHTS = 0x4814, /* in the order of the selectors */
	VMCS_INTERRUPTIBILITY = 0x4824,
	VMCS_ACTIVITY = 0x4826,
	VMCS_GUEST_SYSENTER_CS = 0x482a,
	VMCS_HOST_SYSENTER_CS = 0x4c00,

	VMCS_CR0_MASK = 0x6000,
	VMCS_CR4_MASK = 0x6002,
	VMCS_CR0_SHADOW = 0x6004,
	VMCS_CR4_SHADOW = 0x6006,
	VMCS_QUALIFICATION = 0x6400,
	VMCS_GUEST_LINEAR = 0x640a,
	VMCS_GUEST_CR0 = 0x6800,
	VMCS_GUEST_CR3 = 0x6802,
	VMCS_GUEST_CR4 = 0x6804,
	VMCS_GUEST_BASE = 0x6806, /* in the order of the selectors, then GDTR and IDTR */
	VMCS_GUEST_GDTR_BASE = 0x6816,
	VMCS_GUEST_IDTR_BASE = 0x6818,
	VMCS_GUEST_DR7 = 0x681a,
	VMCS_GUEST_RSP = 0x681c,
	VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820,
	VMCS_PENDING_DEBUG = 0x6822,
	VMCS_GUEST_SYSENTER_ESP = 0x6824,
	VMCS_GUEST_SYSENTER_EIP = 0x6826,
	VMCS_HOST_CR0 = 0x6c00,
	VMCS_HOST_CR3 = 0x6c02,
	VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06,
	VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a,
	VMCS_HOST_GDTR_BASE = 0x6c0c,
	VMCS_HOST_IDTR_BASE = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10,
	VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RSP = 0x6c14,
	VMCS_HOST_RIP = 0x6c16,
};

/* A segment register's fields, from its selector's. */
#define VMCS_LIMIT_OF(selector)	 (VMCS_GUEST_LIMIT + (selector)-VMCS_GUEST_ES)
#define VMCS_RIGHTS_OF(selector) (VMCS_GUEST_RIGHTS + (selector)-VMCS_GUEST_ES)
#define VMCS_BASE_OF(selector)	 (VMCS_GUEST_BASE + (selector)-VMCS_GUEST_ES)

/* Access rights are attributes with four bits in between: SDM vol. 3, table 25-2. */
#define RIGHTS_LONG	BIT(13)
#define RIGHTS_UNUSABLE BIT(16)

/* Controls: SDM vol. 3, 25.6.1 and 25.6.2. */
#define PIN_NMI		BIT(3)
#define PIN_VIRTUAL_NMI BIT(5)

#define PRIMARY_CR3_LOAD   BIT(15)
#define PRIMARY_CR3_STORE  BIT(16)
#define PRIMARY_NMI_WINDOW BIT(22)
#define PRIMARY_IO_BITMAPS BIT(25)
#define PRIMARY_STEP	   BIT(27) /* monitor trap flag */
#define PRIMARY_MSR_BITMAP BIT(28)
#define PRIMARY_SECONDARY  BIT(31)

#define SECONDARY_EPT	  BIT(1)
#define SECONDARY_TABLES  BIT(2) /* descriptor-table exiting */
#define SECONDARY_RDTSCP  BIT(3)
#define SECONDARY_VPID	  BIT(5)
#define SECONDARY_INVPCID BIT(12)
#define SECONDARY_XSAVES  BIT(20)
#define SECONDARY_MODES	  BIT(22) /* mode-based execute control for EPT */
#define SECONDARY_WAIT	  BIT(26) /* TPAUSE, UMONITOR and UMWAIT */

/* SDM vol. 3, 25.7.1 and 25.8.1. */
#define EXIT_DEBUG     BIT(2)
#define EXIT_HOST_64   BIT(9)
#define EXIT_SAVE_PAT  BIT(18)
#define EXIT_LOAD_PAT  BIT(19)
#define EXIT_SAVE_EFER BIT(20)
#define EXIT_LOAD_EFER BIT(21)
#define ENTRY_DEBUG    BIT(2)
#define ENTRY_64       BIT(9)
#define ENTRY_PAT      BIT(14)
#define ENTRY_EFER     BIT(15)

/* Exit reasons: SDM vol. 3, appendix C. */
#define REASON_EVENT	     0 /* exception or NMI */
#define REASON_TRIPLE_FAULT  2
#define REASON_INIT	     3
#define REASON_NMI_WINDOW    8
#define REASON_CPUID	     10
#define REASON_GETSEC	     11
#define REASON_INVD	     13
#define REASON_VMCALL	     18
#define REASON_VMCLEAR	     19
#define REASON_VMXON	     27
#define REASON_CR	     28
#define REASON_IO	     30
#define REASON_RDMSR	     31
#define REASON_WRMSR	     32
#define REASON_STEP	     37
#define REASON_TABLE	     46 /* GDTR, IDTR */
#define REASON_SELECTOR	     47 /* LDTR, TR */
#define REASON_EPT_VIOLATION 48
#define REASON_EPT_WRONG     49
#define REASON_INVEPT	     50
#define REASON_INVVPID	     53
#define REASON_XSETBV	     55
#define REASON_VMFUNC	     59
#define REASON_SEAMCALL	     76
#define REASON_TDCALL	     77
#define REASON_ENTRY_FAILED  BIT(31)
/* Other bits say what it met besides (an enclave, say): SDM vol. 3, 25.9.1. */
#define REASON_KNOWN (0xffffu | REASON_ENTRY_FAILED)

/* Interruptibility: SDM vol. 3, table 25-3. */
#define BLOCKED_BY_STI	  BIT(0)
#define BLOCKED_BY_MOV_SS BIT(1)
#define BLOCKED_BY_NMI	  BIT(3)
#define BLOCKED_SHADOW	  (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)

static inline u64 vmcs_read(u64 field)
{
	u64 value;

	asm volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
	return value;
}

static inline void vmcs_write(u64 field, u64 value)
{
	asm volatile("vmwrite %1, %0" : : "r"(field), "r"(value) : "cc", "memory");
}
