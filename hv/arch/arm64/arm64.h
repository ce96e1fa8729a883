/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System registers of AArch64 as the backend uses them. "ARM" is the Arm Architecture Reference
 * Manual for A-profile, DDI 0487; registers are described in its chapter D19 (D23 in later issues).
 */
#pragma once

#include <hv/types.h>

/* In two steps, so that a name defined below is replaced first. */
#define sysreg_read(name)	  sysreg_read_(name)
#define sysreg_write(name, value) sysreg_write_(name, value)
#define sysreg_read_(name)                                     \
	({                                                     \
		u64 value_;                                    \
		asm volatile("mrs %0, " #name : "=r"(value_)); \
		value_;                                        \
	})
#define sysreg_write_(name, value) asm volatile("msr " #name ", %x0" : : "rZ"((u64)(value)))

/* Registers for which an assembler has no name unless an extension is on. */
#define HFGRTR_EL2  S3_4_C1_C1_4
#define HFGWTR_EL2  S3_4_C1_C1_5
#define HFGITR_EL2  S3_4_C1_C1_6
#define HDFGRTR_EL2 S3_4_C3_C1_4
#define HDFGWTR_EL2 S3_4_C3_C1_5
#define HCRX_EL2    S3_4_C1_C2_2
#define ZCR_EL2	    S3_4_C1_C2_0
#define SMCR_EL2    S3_4_C1_C2_6
#define ICC_SRE_EL2 S3_4_C12_C9_5
#define ICH_HCR_EL2 S3_4_C12_C11_0

/* HCR_EL2 */
#define HCR_VM	   BIT(0)  /* stage 2 is on; DC IVAC of the guest also cleans */
#define HCR_SWIO   BIT(1)  /* DC ISW of the guest also cleans */
#define HCR_TSC	   BIT(19) /* SMC of EL1 exits */
#define HCR_TVM	   BIT(26) /* writes of the registers of EL1's translation exit */
#define HCR_RW	   BIT(31) /* EL1 is AArch64 */
#define HCR_APK	   BIT(40) /* keys of pointer authentication are the guest's */
#define HCR_API	   BIT(41)
#define HCR_ENSCXT BIT(53)
#define HCR_ATA	   BIT(56) /* allocation tags too */

/* HFGWTR_EL2: writes that exit; from HFG_INVERTED on those that do while the bit is clear. */
#define HFGW_MAIR    BIT(24)
#define HFGW_SCTLR   BIT(29) /* and SCTLR2_EL1 */
#define HFGW_TCR     BIT(32) /* and TCR2_EL1 */
#define HFGW_TTBR1   BIT(37)
#define HFGW_VBAR    BIT(38)
#define HFGW_PIR     (3ull << 57) /* PIRE0_EL1 and PIR_EL1 */
#define HFG_INVERTED (~0ull << 50)

/* SCTLR_EL1 and SCTLR_EL2 */
#define SCTLR_M	    BIT(0)
#define SCTLR_C	    BIT(2)
#define SCTLR_SA    BIT(3)
#define SCTLR_I	    BIT(12)
#define SCTLR_WXN   BIT(19)
#define SCTLR_SPAN  BIT(23)
#define SCTLR_EE    BIT(25)
#define SCTLR_UCI   BIT(26)
#define SCTLR_DSSBS BIT(44)
#define SCTLR_EPAN  BIT(57)
/* Bits that are 1 where nothing has given them a meaning: ARM, SCTLR_EL1 and SCTLR_EL2. */
#define SCTLR_EL1_RES1 0x30d00800ull
#define SCTLR_EL2_RES1 0x30c50830ull

/* SPSR_EL2 */
#define SPSR_EL1H    0x5ull
#define SPSR_MODE    0x1full
#define SPSR_AARCH32 BIT(4)
#define SPSR_DAIF    (0xfull << 6)
#define SPSR_SSBS    BIT(12)
#define SPSR_SS	     BIT(21)
#define SPSR_PAN     BIT(22)
#define SPSR_DIT     BIT(24)
#define SPSR_TCO     BIT(25)
#define SPSR_NZCV    (0xfull << 28)

/* ESR_EL2: ARM, "ESR_EL2, Exception Syndrome Register". */
#define ESR_EC(esr)    ((esr) >> 26 & 0x3f)
#define ESR_ISS(esr)   ((esr)&0x1ffffff)
#define ESR_IL	       BIT(25)
#define EC_HVC	       0x16
#define EC_SMC	       0x17
#define EC_SYSREG      0x18
#define EC_FETCH_LOWER 0x20
#define EC_FETCH_SAME  0x21
#define EC_DATA_LOWER  0x24
#define EC_DATA_SAME   0x25

/* ISS of instruction and data aborts. */
#define ABORT_FSC(esr)		     ((esr)&0x3f)
#define ABORT_WNR		     BIT(6)
#define ABORT_S1PTW		     BIT(7)
#define ABORT_CM		     BIT(8)
#define ABORT_ISV		     BIT(24)
#define ABORT_SAS(esr)		     ((esr) >> 22 & 3)
#define ABORT_SRT(esr)		     ((esr) >> 16 & 31)
#define FSC_TYPE(fsc)		     ((fsc)&0x3c)
#define FSC_ADDRESS_SIZE	     0x00
#define FSC_TRANSLATION		     0x04
#define FSC_PERMISSION		     0x0c
#define FSC_PERMISSION_LEVEL3	     0x0f
#define FSC_TRANSLATION_LEVEL_MINUS1 0x2b

/* PAR_EL1, after AT. */
#define PAR_F	    BIT(0)
#define PAR_ADDRESS 0x000ffffffffff000ull

/* Fields of the identification registers: four bits, where they begin. */
#define ID_FIELD(value, shift) ((value) >> (shift)&0xf)
#define MMFR0_PARANGE	       0
#define MMFR0_FGT	       56
#define MMFR1_PAN	       20
#define MMFR1_XNX	       28
#define MMFR1_HCX	       40
#define PFR0_GIC	       24
#define PFR0_SVE	       32
#define PFR1_SSBS	       4
#define PFR1_MTE	       8
#define PFR1_SME	       24
#define DFR0_PMU	       8

/* Every earlier store, and change of a register, comes before what follows. */
static inline void isb(void)
{
	asm volatile("isb" : : : "memory");
}

static inline void dsb_ish(void)
{
	asm volatile("dsb ish" : : : "memory");
}

static inline void dsb_sy(void)
{
	asm volatile("dsb sy" : : : "memory");
}
