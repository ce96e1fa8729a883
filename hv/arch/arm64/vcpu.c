// SPDX-License-Identifier: GPL-2.0-only
/* Making a CPU a guest, and guarding it at lock. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/panic.h>
#include <hv/pool.h>

#include "image.h"
#include "map.h"
#include "vcpu.h"

/* CPTR_EL2 with HCR_EL2.E2H 0: bits that are 1, of which two trap SVE and SME where they are. */
#define CPTR_RES1 0x33ffull
#define CPTR_TZ	  BIT(8)
#define CPTR_TSM  BIT(12)

/* ZCR_EL2.LEN, SMCR_EL2: LEN, EZT0, FA64: all that there is. */
#define ZCR_ALL	 0x1ffull
#define SMCR_ALL (0x1ffull | BIT(30) | BIT(31))

/* MDCR_EL2: E2PB and E2TB, profiling and trace buffers are EL1's and written through stage 2. */
#define MDCR_BUFFERS (3ull << 12 | 3ull << 24)
#define PMCR_N(pmcr) ((pmcr) >> 11 & 31)

/* Counter and timer are the guest's. */
#define CNTHCTL_EL1 3ull

/* ICC_SRE_EL2: system registers, for EL1 too. */
#define ICC_SRE_ALL 0xfull

/* HCRX_EL2: extensions that the kernel finds in the identification registers and uses. */
#define HCRX_MSCEN    BIT(11)
#define HCRX_TCR2EN   BIT(14)
#define HCRX_SCTLR2EN BIT(15)

/* Bits of the fine-grained trap registers that trap while they are 0. */
#define HFGI_INVERTED (~0ull << 55)
#define HDFG_INVERTED (~0ull << 59)

/* A structure may not straddle pages of the pool: only single pages are physically contiguous. */
static_assert(sizeof(struct vcpu) <= 4096, "one page");
static_assert(offsetof(struct vcpu, stack_top) == 0, "offsets.c");

int backend_cpu_init(struct cpu *cpu)
{
	struct vcpu *v = pool_page();

	if (!v)
		return -HF_ENOMEM;
	v->cpu = cpu;
	v->stack_top = map_stack(cpu->index);
	cpu->pending = el2.self_check ? CPU_CHECK : 0;
	cpu->vcpu = v;
	return v->stack_top ? el2_cpu_init(v) : -HF_ENOMEM;
}

/* Extensions that EL2 has to let EL1 use. Where there is none, there is no register either. */
static void reset_extensions(void)
{
	u64 pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
	u64 cptr = CPTR_RES1;

	if (ID_FIELD(pfr0, PFR0_SVE))
		cptr &= ~CPTR_TZ;
	if (ID_FIELD(pfr1, PFR1_SME))
		cptr &= ~CPTR_TSM;
	sysreg_write(cptr_el2, cptr);
	isb();
	if (ID_FIELD(pfr0, PFR0_SVE))
		sysreg_write(ZCR_EL2, ZCR_ALL);
	if (ID_FIELD(pfr1, PFR1_SME))
		sysreg_write(SMCR_EL2, SMCR_ALL);
	if (ID_FIELD(sysreg_read(id_aa64mmfr1_el1), MMFR1_HCX))
		sysreg_write(HCRX_EL2, HCRX_MSCEN | HCRX_TCR2EN | HCRX_SCTLR2EN);
	if (ID_FIELD(sysreg_read(id_aa64mmfr0_el1), MMFR0_FGT)) {
		sysreg_write(HFGRTR_EL2, HFG_INVERTED);
		sysreg_write(HFGWTR_EL2, HFG_INVERTED);
		sysreg_write(HFGITR_EL2, HFGI_INVERTED);
		sysreg_write(HDFGRTR_EL2, HDFG_INVERTED);
		sysreg_write(HDFGWTR_EL2, HDFG_INVERTED);
	}
	if (ID_FIELD(pfr0, PFR0_GIC)) {
		sysreg_write(ICC_SRE_EL2, ICC_SRE_ALL);
		isb();
		sysreg_write(ICH_HCR_EL2, 0);
	}
}

static u64 mdcr(void)
{
	u64 pmu = ID_FIELD(sysreg_read(id_aa64dfr0_el1), DFR0_PMU);

	/* 15: there are counters, but not those of the architecture */
	return MDCR_BUFFERS | (pmu && pmu != 15 ? PMCR_N(sysreg_read(pmcr_el0)) : 0);
}

void vcpu_reset(struct vcpu *v)
{
	u64 hcr = HCR_VM | HCR_SWIO | HCR_TSC | HCR_RW | HCR_APK | HCR_API | HCR_ENSCXT;

	if (ID_FIELD(sysreg_read(id_aa64pfr1_el1), PFR1_MTE))
		hcr |= HCR_ATA;
	reset_extensions();
	sysreg_write(mdcr_el2, mdcr());
	sysreg_write(cnthctl_el2, CNTHCTL_EL1);
	sysreg_write(cntvoff_el2, 0);
	sysreg_write(vpidr_el2, sysreg_read(midr_el1));
	sysreg_write(vmpidr_el2, sysreg_read(mpidr_el1));
	sysreg_write(hstr_el2, 0);
	sysreg_write(sctlr_el1, SCTLR_EL1_RES1);
	sysreg_write(vtcr_el2, el2.vtcr);
	sysreg_write(vttbr_el2, el2_vttbr(v));
	sysreg_write(hcr_el2, hcr);
	sysreg_write(spsr_el2, SPSR_EL1H | SPSR_DAIF);
	isb();
	asm volatile("tlbi alle1\n\tdsb nsh\n\tisb" : : : "memory");
}

/* The first CPU: the machine has just been found, and this is its first guest. */
int backend_cpu_enter(struct cpu *cpu)
{
	static const struct gprs none;
	struct vcpu *v = cpu->vcpu;

	sysreg_write(tpidr_el2, (u64)v);
	v->trial = true;
	vcpu_reset(v);
	sysreg_write(elr_el2, (u64)image_text);
	vcpu_run(&none, v->stack_top);
}

/* CPUs are started by the firmware (psci.c): none is ever taken down within. */
void backend_cpu_restart(struct cpu *cpu, const struct hf_startup *at)
{
	panic("cpu %u is to restart at %llx", cpu->index, (unsigned long long)at->rip);
}

int backend_guest_translate(struct cpu *cpu, struct gva va, struct gpa *to)
{
	u64 saved = sysreg_read(par_el1), par;

	(void)cpu;
	asm volatile("at s1e1r, %0\n\tisb" : : "r"(va.raw) : "memory");
	par = sysreg_read(par_el1);
	sysreg_write(par_el1, saved);
	*to = gpa((par & PAR_ADDRESS) | (va.raw & PAGE_MASK));
	return par & PAR_F ? -HF_EFAULT : 0;
}

u64 backend_clock(void)
{
	return sysreg_read(cntpct_el0);
}

void backend_relax(void)
{
	asm volatile("yield");
}

_Noreturn void backend_halt(void)
{
	for (;;)
		asm volatile("wfi");
}
