// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lists. What is free has been read from arch/x86, drivers/cpufreq and drivers/acpi of
 * Linux 6.1 and 6.12, and measured on both, as far as emulated CPUs show it (another write is an
 * event, of which the loads of make test must cause none): all that a kernel on an AMD processor
 * writes while it runs, CPUs taken down and brought up again included. What is Intel's alone does
 * not exist on AMD, and the other way round. For each row: why it gives nothing that a lock is to
 * keep. What a kernel writes only once, or only with the value that is there
 * (microcode, errata, supervisor states, CET), is not here.
 */
#include "msrs.h"
#include "sysreg.h"
#include "x86.h"

/* In ascending order, without overlap. */
static const struct msr_range free_msrs[] = {
	{ 0x00000010, 0x00000010 }, /* TSC: time is the guest's */
	{ 0x00000033,
	  0x00000033 }, /* Intel: TEST_CTRL: split locks, switched with the thread */
	{ 0x0000003b, 0x0000003b }, /* TSC_ADJUST, at bring-up */
	{ 0x00000048, 0x00000049 }, /* SPEC_CTRL, PRED_CMD: side channels are out of scope */
	{ 0x0000004e, 0x0000004e }, /* Intel: PPIN_CTL: whether its serial number can be read */
	{ 0x000000c1, 0x000000c8 }, /* Intel: PMCn: performance counters */
	{ 0x000000e1, 0x000000e1 }, /* Intel: UMWAIT_CONTROL: how long it may wait */
	{ 0x000000e7, 0x000000e8 }, /* MPERF, APERF: counters */
	{ 0x0000010b, 0x0000010b }, /* FLUSH_CMD: empties a cache */
	{ 0x0000010f, 0x0000010f }, /* Intel: TSX_FORCE_ABORT: transactions or a counter */
	{ 0x00000140, 0x00000140 }, /* Intel: MISC_FEATURES_ENABLES: CPUID faults, by thread */
	{ 0x0000017a, 0x0000017b }, /* MCG_STATUS, MCG_CTL: machine checks, for the guest */
	{ 0x00000186, 0x0000018d }, /* Intel: PERFEVTSELn: performance counters */
	{ 0x00000199, 0x0000019c }, /* Intel: PERF_CTL, clock, thermal interrupt and status */
	{ 0x000001a6, 0x000001a7 }, /* Intel: OFFCORE_RSP_n: performance counters */
	{ 0x000001b0, 0x000001b2 }, /* Intel: ENERGY_PERF_BIAS, package's thermal status */
	{ 0x000001c4, 0x000001c5 }, /* Intel: XFD, XFD_ERR: which states a thread has */
	{ 0x00000280, 0x0000029f }, /* Intel: MCn_CTL2: machine checks */
	{ 0x00000309, 0x0000030c }, /* Intel: FIXED_CTRn: performance counters */
	{ 0x0000038d, 0x00000391 }, /* Intel: FIXED_CTR_CTRL, PERF_GLOBAL_*: the same */
	{ 0x00000400, 0x0000047f }, /* machine-check banks */
	{ 0x000004c1, 0x000004c8 }, /* Intel: A_PMCn: performance counters */
	{ 0x000006a0, 0x000006a0 }, /* U_CET: of user mode, at switches of threads */
	{ 0x000006a7, 0x000006a7 }, /* PL3_SSP: the same */
	{ 0x000006e0, 0x000006e0 }, /* TSC_DEADLINE: a timer */
	{ 0x00000770, 0x00000774 }, /* Intel: HWP: performance states */
	{ 0x00000777, 0x00000777 }, /* Intel: HWP_STATUS, by its interrupt */
	{ 0x00000800, 0x000008ff }, /* x2APIC, as its page is free in xAPIC mode */
	{ 0x00000c81, 0x00000c81 }, /* L3_QOS_CFG: shares of the cache (resctrl) */
	{ 0x00000c8d, 0x00000c8f }, /* QM_EVTSEL, QM_CTR, PQR_ASSOC: the same */
	{ 0x00000c90, 0x00000c9f }, /* L3_MASK_n: the same */
	{ 0x00000d10, 0x00000d8f }, /* Intel: L2_MASK_n, MBA_THRTL_n: the same */
	{ 0x00000d93, 0x00000d93 }, /* Intel: PASID: of a process, for its devices' queues */
	{ 0x4b564d05, 0x4b564d05 }, /* KVM as outer host: POLL_CONTROL, a switch */
	{ 0x4b564d07, 0x4b564d07 }, /* the same: ASYNC_PF_ACK. Others name memory */
	{ 0xc0000100, 0xc0000103 }, /* FS_BASE, (KERNEL_)GS_BASE, TSC_AUX: thread and CPU */
	{ 0xc0000200, 0xc000020f }, /* L3_QOS_BW_CONTROL_n: shares of bandwidth */
	{ 0xc0000280, 0xc000028f }, /* L3_QOS_SLOWBW_CONTROL_n: the same */
	{ 0xc0000300, 0xc0000303 }, /* PERF_CNTR_GLOBAL_*: performance counters */
	{ 0xc0000400, 0xc0000407 }, /* QOS_EVT_CFG_n: what resctrl counts */
	{ 0xc0000408, 0xc0000410 }, /* MC4_MISC1 to MC4_MISC8, MCA_INTR_CFG: machine checks */
	{ 0xc0002000, 0xc0002fff }, /* machine-check banks: APM vol. 2, 9.3 */
	{ 0xc0010000, 0xc0010007 }, /* PERF_LEGACY_CTL, _CTR: performance counters */
	{ 0xc0010044, 0xc001004a }, /* MCn_CTL_MASK: which errors are looked for */
	{ 0xc0010062, 0xc0010062 }, /* PERF_CTL: one of the P-states of firmware */
	{ 0xc001011f, 0xc001011f }, /* VIRT_SPEC_CTRL: as SPEC_CTRL */
	{ 0xc0010200, 0xc001020b }, /* PERF_CTL, PERF_CTR: performance counters */
	{ 0xc0010230, 0xc001023b }, /* those of the L3 cache */
	{ 0xc0010240, 0xc001024f }, /* of the northbridge or data fabric */
	{ 0xc00102b1, 0xc00102b1 }, /* CPPC_ENABLE: performance states */
	{ 0xc00102b3, 0xc00102b3 }, /* CPPC_REQUEST: the same */
	{ 0xc0010800, 0xc00108ff }, /* performance counters of memory controllers */
	{ 0xc0011019, 0xc001101b }, /* DRn_ADDR_MASK: breakpoints, as DR0 to DR3 */
	{ 0xc0011027, 0xc0011027 }, /* the same for DR0 */
	{ 0xc0011030, 0xc0011039 }, /* IBS: samples of instructions, into registers */
	{ 0xc001103b, 0xc001103d }, /* the same */
};

const struct msr_range *msrs_free_ranges(u32 *count)
{
	*count = ARRAY_SIZE(free_msrs);
	return free_msrs;
}

bool msrs_free(u32 msr)
{
	u32 low = 0, high = ARRAY_SIZE(free_msrs);

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (msr > free_msrs[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ARRAY_SIZE(free_msrs) && msr >= free_msrs[low].first;
}

#define NAMED_OF_INTEL 5

static const struct {
	struct msr_range range;
	u32 reg;
} named[] = {
	/* Intel's, first */
	{ { MSR_FEATURE_CTL, MSR_FEATURE_CTL }, REG_FEATURE_CTL },
	{ { MSR_MICROCODE, MSR_MICROCODE }, REG_PATCH_LOADER },
	{ { 0x1a0, 0x1a0 }, REG_MISC_ENABLE },
	{ { 0x560, 0x561 }, REG_RTIT }, /* OUTPUT_BASE, OUTPUT_MASK_PTRS */
	{ { 0x570, 0x570 }, REG_RTIT }, /* CTL */
	/* both vendors', or AMD's */
	{ { MSR_APIC_BASE, MSR_APIC_BASE }, REG_APIC_BASE },
	{ { MSR_SYSENTER_CS, MSR_SYSENTER_CS }, REG_SYSENTER_CS },
	{ { MSR_SYSENTER_ESP, MSR_SYSENTER_ESP }, REG_SYSENTER_ESP },
	{ { MSR_SYSENTER_EIP, MSR_SYSENTER_EIP }, REG_SYSENTER_EIP },
	{ { MSR_DEBUGCTL, MSR_DEBUGCTL }, REG_DEBUGCTL },
	{ { 0x200, 0x20f }, REG_MTRR }, /* variable ranges */
	{ { 0x250, 0x250 }, REG_MTRR }, /* fixed ranges */
	{ { 0x258, 0x259 }, REG_MTRR },
	{ { 0x268, 0x26f }, REG_MTRR },
	{ { MSR_PAT, MSR_PAT }, REG_PAT },
	{ { MSR_MTRR_DEFTYPE, MSR_MTRR_DEFTYPE }, REG_MTRR_DEF_TYPE },
	{ { MSR_S_CET, MSR_S_CET }, REG_S_CET },
	{ { MSR_EFER, MSR_EFER }, REG_EFER },
	{ { MSR_STAR, MSR_STAR }, REG_STAR },
	{ { MSR_LSTAR, MSR_LSTAR }, REG_LSTAR },
	{ { MSR_CSTAR, MSR_CSTAR }, REG_CSTAR },
	{ { MSR_SFMASK, MSR_SFMASK }, REG_SFMASK },
	{ { MSR_SYSCFG, MSR_SYSCFG }, REG_SYSCFG },
	{ { MSR_HWCR, MSR_HWCR }, REG_HWCR },
	{ { 0xc0010016, 0xc0010019 }, REG_IORR },
	{ { 0xc001001a, 0xc001001a }, REG_TOP_MEM },
	{ { 0xc001001d, 0xc001001d }, REG_TOP_MEM },
	{ { 0xc001001f, 0xc001001f }, REG_NB_CFG },
	{ { MSR_PATCH_LOADER, MSR_PATCH_LOADER }, REG_PATCH_LOADER },
	{ { 0xc0010058, 0xc0010058 }, REG_MMIO_CFG_BASE },
	{ { 0xc0010111, 0xc0010113 }, REG_SMM }, /* SMM_BASE, SMM_ADDR, SMM_MASK */
	{ { MSR_VM_CR, MSR_VM_CR }, REG_VM_CR },
	{ { MSR_VM_HSAVE_PA, MSR_VM_HSAVE_PA }, REG_VM_HSAVE_PA },
	{ { 0xc0011020, 0xc0011020 }, REG_LS_CFG },
	{ { 0xc0011021, 0xc0011021 }, REG_CORE_CFG }, /* IC_CFG */
	{ { 0xc0011028, 0xc0011029 }, REG_CORE_CFG }, /* FP_CFG, DE_CFG */
};

u32 msrs_register(u32 msr)
{
	for (u32 i = sysreg_intel() ? 0 : NAMED_OF_INTEL; i < ARRAY_SIZE(named); i++)
		if (msr >= named[i].range.first && msr <= named[i].range.last)
			return named[i].reg;
	return REG_COUNT;
}
