/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CPU made of tables, for tests of hv/arch/x86: forced into its files, where it takes the place
 * of the instructions in x86.h. The constants there stay the real ones. What is asked for and not
 * in the tables fails the test, as it would fault on hardware.
 */
#ifndef TEST_UNIT_FAKE_CPU_H
#define TEST_UNIT_FAKE_CPU_H

#include <hv/arch/x86/common/x86.h>
#include <hv/arch/x86/vmx/vmcs.h>

/* No MSR, no leaf; CR4 is 0. */
void fake_cpu_reset(void);
void fake_cpu_set_msr(u32 msr, u64 value);
void fake_cpu_set_leaf(u32 leaf, struct cpuid value);
void fake_cpu_set_cr4(u64 value);
/* Since the last reset. */
u32 fake_cpu_msr_writes(void);

struct cpuid fake_cpu_cpuid(u32 leaf, u32 subleaf);
u64 fake_cpu_rdmsr(u32 msr);
void fake_cpu_wrmsr(u32 msr, u64 value);
u64 fake_cpu_read_cr4(void);

/* A control structure of Intel's: every field is there, and 0. */
u64 fake_cpu_vmread(u64 field);
void fake_cpu_vmwrite(u64 field, u64 value);

/* The newest access to a port; IN finds what was set last. */
struct fake_cpu_io {
	u32 count;
	u16 port;
	u8 width;
	bool write;
	u32 value;
};

extern struct fake_cpu_io fake_cpu_io;
u32 fake_cpu_in(u16 port, u8 width);
void fake_cpu_out(u16 port, u8 width, u32 value);

/* With arguments, so that struct cpuid keeps its name. */
#define cpuid(leaf, subleaf)	 fake_cpu_cpuid(leaf, subleaf)
#define rdmsr(msr)		 fake_cpu_rdmsr(msr)
#define wrmsr(msr, value)	 fake_cpu_wrmsr(msr, value)
#define inb(port)		 fake_cpu_in(port, 1)
#define inw(port)		 fake_cpu_in(port, 2)
#define inl(port)		 fake_cpu_in(port, 4)
#define outb(port, value)	 fake_cpu_out(port, 1, value)
#define outw(port, value)	 fake_cpu_out(port, 2, value)
#define outl(port, value)	 fake_cpu_out(port, 4, value)
#define read_cr4()		 fake_cpu_read_cr4()
#define write_cr4(value)	 fake_cpu_set_cr4(value)
#define read_dr6()		 0ull
#define write_dr6(value)	 (void)(value)
#define vmcs_read(field)	 fake_cpu_vmread(field)
#define vmcs_write(field, value) fake_cpu_vmwrite(field, value)

#endif
