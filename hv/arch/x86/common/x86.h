/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions and constants of the architecture (AMD APM volumes 2 and 3, Intel SDM). */
#pragma once

#include <hv/types.h>

/* Control registers: APM vol. 2, 3.1. */
#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_TSD	       BIT(2)
#define CR4_PSE	       BIT(4)
#define CR4_PAE	       BIT(5)
#define CR4_PGE	       BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_LA57       BIT(12)
#define CR4_VMXE       BIT(13)
#define CR4_SMXE       BIT(14)
#define CR4_FSGSBASE   BIT(16)
#define CR4_PCIDE      BIT(17)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)
#define CR4_PKE	       BIT(22)
#define CR4_CET	       BIT(23)

#define MSR_APIC_BASE	 0x0000001bu
#define MSR_FEATURE_CTL	 0x0000003au /* Intel */
#define MSR_MICROCODE	 0x00000079u /* Intel: loads it */
#define MSR_SYSENTER_CS	 0x00000174u
#define MSR_SYSENTER_ESP 0x00000175u
#define MSR_SYSENTER_EIP 0x00000176u
#define MSR_DEBUGCTL	 0x000001d9u
#define MSR_PAT		 0x00000277u
#define MSR_MTRR_DEFTYPE 0x000002ffu
#define MSR_S_CET	 0x000006a2u
#define MSR_X2APIC	 0x00000800u
#define MSR_X2APIC_ID	 0x00000802u
#define MSR_X2APIC_LDR	 0x0000080du
#define MSR_X2APIC_ICR	 0x00000830u
#define MSR_EFER	 0xc0000080u
#define MSR_STAR	 0xc0000081u
#define MSR_LSTAR	 0xc0000082u
#define MSR_CSTAR	 0xc0000083u
#define MSR_SFMASK	 0xc0000084u
#define MSR_FS_BASE	 0xc0000100u
#define MSR_GS_BASE	 0xc0000101u
#define MSR_SYSCFG	 0xc0010010u
#define MSR_HWCR	 0xc0010015u
#define MSR_PATCH_LOADER 0xc0010020u
#define MSR_VM_CR	 0xc0010114u
#define MSR_VM_HSAVE_PA	 0xc0010117u

#define EFER_SCE      BIT(0)
#define EFER_LME      BIT(8)
#define EFER_LMA      BIT(10)
#define EFER_NXE      BIT(11)
#define EFER_SVME     BIT(12)
#define EFER_FFXSR    BIT(14)
#define EFER_TCE      BIT(15)
#define EFER_AUTOIBRS BIT(21)

#define DEBUGCTL_BTF BIT(1) /* APM vol. 2, 13.1.1.6 */

#define MTRR_DEF_TYPE_TYPE 0xffull /* APM vol. 2, 7.7.2 */
#define MTRR_DEF_TYPE_FE   BIT(10)
#define MTRR_DEF_TYPE_E	   BIT(11)

#define S_CET_ENDBR_EN BIT(2)

/* Of HWCR; bit 6 is the TLB filter of family 0fh. */
#define HWCR_FFDIS	  BIT(6)
#define HWCR_MC_STATUS_WR BIT(18)
#define HWCR_CPB_DIS	  BIT(25)

#define RFLAGS_FIXED BIT(1)
#define RFLAGS_TF    BIT(8)
#define RFLAGS_IF    BIT(9)
#define RFLAGS_DF    BIT(10)

/* Page-table entries: APM vol. 2, 5.4. The same bits serve nested paging. */
#define PTE_P	 BIT(0)
#define PTE_W	 BIT(1)
#define PTE_U	 BIT(2)
#define PTE_PWT	 BIT(3)
#define PTE_PCD	 BIT(4)
#define PTE_A	 BIT(5)
#define PTE_D	 BIT(6)
#define PTE_PS	 BIT(7)
#define PTE_NX	 BIT(63)
#define PTE_ADDR 0x000ffffffffff000ull

#define DR6_BS	 BIT(14) /* APM vol. 2, 13.1.1.3 */
#define DR6_HITS 0xfull

#define VECTOR_DB  1
#define VECTOR_NMI 2
#define VECTOR_UD  6
#define VECTOR_DF  8
#define VECTOR_GP  13
#define VECTOR_PF  14
#define VECTOR_AC  17
#define VECTOR_MC  18
#define VECTOR_SX  30

/* The table of exceptions in 64-bit mode: APM vol. 2, 4.6.5, 8.9.1. */
#define GATES	  256u
#define GATE_SIZE 16u

struct table_register {
	u16 limit;
	u64 base;
} __packed;

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

#define CPUID_VMX BIT(5) /* leaf 1, ecx */

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;

	asm volatile("cpuid"
		     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
		     : "0"(leaf), "2"(subleaf));
	return r;
}

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (u64)high << 32;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

/* For the guest (msr.S). 0, or -EINVAL where the processor raises a protection fault. */
int msr_read(u32 msr, u64 *value);
int msr_write(u32 msr, u64 value);
int xcr_write(u32 number, u64 value); /* XSETBV */

#define READ_REGISTER(type, name)                                  \
	static inline type read_##name(void)                       \
	{                                                          \
		type value;                                        \
		asm volatile("mov %%" #name ", %0" : "=r"(value)); \
		return value;                                      \
	}
READ_REGISTER(u64, cr0)
READ_REGISTER(u64, cr2)
READ_REGISTER(u64, cr3)
READ_REGISTER(u64, cr4)
READ_REGISTER(u64, dr6)
READ_REGISTER(u64, dr7)
READ_REGISTER(u16, cs)
READ_REGISTER(u16, ss)
READ_REGISTER(u16, ds)
READ_REGISTER(u16, es)
#undef READ_REGISTER

/* A change of a control register may flush: what was stored before has to be in memory. */
#define WRITE_REGISTER(name)                                                \
	static inline void write_##name(u64 value)                          \
	{                                                                   \
		asm volatile("mov %0, %%" #name : : "r"(value) : "memory"); \
	}
WRITE_REGISTER(cr4)
WRITE_REGISTER(dr6)
WRITE_REGISTER(dr7)
#undef WRITE_REGISTER

static inline u64 read_rflags(void)
{
	u64 value;

	asm volatile("pushfq; pop %0" : "=r"(value));
	return value;
}

static inline u16 read_tr(void)
{
	u16 value;

	asm volatile("str %0" : "=r"(value));
	return value;
}

static inline u16 read_ldtr(void)
{
	u16 value;

	asm volatile("sldt %0" : "=r"(value));
	return value;
}

static inline struct table_register read_gdtr(void)
{
	struct table_register r;

	asm volatile("sgdt %0" : "=m"(r));
	return r;
}

static inline struct table_register read_idtr(void)
{
	struct table_register r;

	asm volatile("sidt %0" : "=m"(r));
	return r;
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return low | (u64)high << 32;
}

static inline void invlpg(const void *va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

#define PORT_ACCESS(width, type)                                                 \
	static inline type in##width(u16 port)                                   \
	{                                                                        \
		type value;                                                      \
		asm volatile("in" #width " %1, %0" : "=a"(value) : "Nd"(port));  \
		return value;                                                    \
	}                                                                        \
	static inline void out##width(u16 port, type value)                      \
	{                                                                        \
		asm volatile("out" #width " %0, %1" : : "a"(value), "Nd"(port)); \
	}
PORT_ACCESS(b, u8)
PORT_ACCESS(w, u16)
PORT_ACCESS(l, u32)
#undef PORT_ACCESS
