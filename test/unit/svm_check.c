// SPDX-License-Identifier: GPL-2.0-only
/* The check of the control block: each rule by a block that breaks it and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/x86/common/sysreg.h>
#include <hv/arch/x86/common/check.h>
#include <hv/arch/x86/svm/vcpu.h>
#include <hv/cpu.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include "fake_cpu.h"

struct svm svm;
struct platform platform;

static struct vmcb vmcb;
static struct vcpu vcpu;
static struct cpu cpu;
static jmp_buf died;
static char last_words[128];
static int entered; /* 1; with a flush 2 */

_Noreturn void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_words, sizeof(last_words), format, args);
	va_end(args);
	longjmp(died, 1);
}

void shootdown_entered(struct cpu *c, bool flushing)
{
	assert_ptr_equal(c, &cpu);
	entered = flushing ? 2 : 1;
}

static int setup(void **ctx)
{
	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_leaf(1, (struct cpuid){ 0 });
	fake_cpu_set_leaf(7, (struct cpuid){ 0 });
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x80000001 });
	fake_cpu_set_leaf(0x80000001, (struct cpuid){ 0 });
	sysreg_init(0);
	svm = (struct svm){ .nested_control = NESTED_PAGING,
			    .npt_root = { hpa(0x1000), hpa(0x7000) },
			    .msrpm_pa = 0x2000,
			    .msrpm_locked_pa = 0x8000,
			    .iopm_pa = 0x4000 };
	platform = (struct platform){ .cr3_reserved = ~0ull << 48, .self_check = true };
	memset(&vmcb, 0, sizeof(vmcb));
	vmcb.intercept[INTERCEPT_MISC2] = MISC2_VMRUN;
	vmcb.iopm_pa = svm.iopm_pa;
	vmcb.msrpm_pa = svm.msrpm_pa;
	vmcb.asid = 1;
	vmcb.nested_control = NESTED_PAGING;
	vmcb.nested_cr3 = svm.npt_root[0].raw;
	vmcb.state.cs.attributes = SEGMENT_L;
	vmcb.state.efer = EFER_SVME | EFER_LME | EFER_LMA;
	vmcb.state.cr0 = CR0_PE | CR0_PG | CR0_WP;
	vmcb.state.cr4 = CR4_PAE;
	cpu = (struct cpu){ .index = 3 };
	vcpu = (struct vcpu){ .vmcb = &vmcb,
			      .state = &vmcb.state,
			      .event = &vmcb.event_inject,
			      .interrupted = &vmcb.exit_interrupt,
			      .shadow = &vmcb.interrupt_shadow,
			      .cpu = &cpu };
	entered = 0;
	last_words[0] = '\0';
	return 0;
}

static bool enter_dies(void)
{
	if (setjmp(died))
		return true;
	check_enter(&vcpu);
	return false;
}

#define breaks(statement, why)                                \
	do {                                                  \
		setup(NULL);                                  \
		assert_null(check_block(&vmcb));              \
		statement;                                    \
		assert_non_null(check_block(&vmcb));          \
		assert_string_equal(check_block(&vmcb), why); \
		assert_true(enter_dies());                    \
		assert_non_null(strstr(last_words, "CPU 3")); \
		assert_non_null(strstr(last_words, why));     \
		assert_int_equal(entered, 0);                 \
	} while (0)

static void state(void **ctx)
{
	(void)ctx;
	breaks(vmcb.state.efer &= ~EFER_SVME, "EFER.SVME");
	breaks(vmcb.state.efer |= EFER_AUTOIBRS, "EFER");
	breaks(vmcb.state.cr0 |= CR0_NW, "CR0.CD and NW");
	breaks(vmcb.state.cr0 |= 1ull << 32, "CR0[63:32]");
	breaks(vmcb.state.cr3 |= 1ull << 50, "CR3");
	breaks(vmcb.state.cr4 |= CR4_LA57, "CR4");
	breaks(vmcb.state.cr4 &= ~CR4_PAE, "EFER.LME, CR0.PG and CR4.PAE");
	breaks(vmcb.state.cr0 &= ~CR0_PE, "EFER.LME, CR0.PG and PE");
	breaks(vmcb.state.cs.attributes |= SEGMENT_D, "CS.L and D");
	breaks(vmcb.state.cr4 |= CR4_CET; vmcb.state.cr0 &= ~CR0_WP, "CR4");
	breaks(vmcb.state.s_cet = 4, "S_CET");
	breaks(vmcb.state.pat = 0x0007040600070402, "PAT");
	breaks(vmcb.state.pat = 0x0307040600070406, "PAT");
	breaks(vmcb.state.pat = 0x0007040800070406, "PAT");
	/* What is not to be refused. */
	setup(NULL);
	vmcb.state.pat = 0x0407050600070106;
	vmcb.state.s_cet = 3;
	assert_null(check_block(&vmcb));
	setup(NULL);
	vmcb.state.cr0 |= CR0_NW | CR0_CD;
	assert_null(check_block(&vmcb));
	setup(NULL);
	vmcb.state.efer = EFER_SVME;
	vmcb.state.cr0 = CR0_PE;
	vmcb.state.cr4 = 0;
	vmcb.state.cs.attributes = SEGMENT_D;
	assert_null(check_block(&vmcb));
}

static void control(void **ctx)
{
	(void)ctx;
	breaks(vmcb.intercept[INTERCEPT_MISC2] = MISC2_VMMCALL, "intercept of VMRUN");
	breaks(vmcb.iopm_pa++, "map of ports");
	breaks(vmcb.msrpm_pa = 0, "map of MSRs");
	breaks(vmcb.asid = 0, "ASID");
	breaks(vmcb.tlb_control = 2, "TLB_CONTROL");
	breaks(vmcb.tlb_control = TLB_FLUSH_ASID, "TLB_CONTROL");
	breaks(vmcb.interrupt_control = BIT(24), "interrupt control");
	breaks(vmcb.interrupt_control = BIT(31), "interrupt control");
	breaks(vmcb.nested_control = 0, "nested paging");
	breaks(vmcb.nested_control |= BIT(1), "nested paging");
	breaks(vmcb.nested_control |= BIT(3), "nested paging");
	breaks(vmcb.nested_cr3 += 0x1000, "nested CR3");
	breaks(vmcb.clean = 1, "LBR control, clean bits or TSC offset");
	breaks(vmcb.tsc_offset = 1, "LBR control, clean bits or TSC offset");
	setup(NULL);
	platform.features = HF_FEATURE_FLUSH_ASID;
	vmcb.tlb_control = TLB_FLUSH_ASID;
	vmcb.interrupt_control = 0x10f; /* V_TPR and V_IRQ: the processor writes them */
	assert_null(check_block(&vmcb));
}

static void events(void **ctx)
{
	static const u64 legal[] = {
		0,	      /* none */
		0x7fffffff,   /* not valid, whatever it says */
		0x80000020,   /* interrupt */
		0x80000015,   /* of the lowest kind */
		0x80000202,   /* NMI */
		0x80000306,   /* #UD */
		0x80000b0d,   /* #GP(0) */
		0x1280000b0e, /* #PF with its error code */
		0x80000480,   /* INT 0x80 */
		0x80000315,   /* an interrupt that an emulator calls #CP */
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(legal); i++) {
		setup(NULL);
		vmcb.event_inject = legal[i];
		assert_null(check_block(&vmcb));
	}
	breaks(vmcb.event_inject = 0x80000120, "event: type");
	breaks(vmcb.event_inject = 0x80000520, "event: type");
	breaks(vmcb.event_inject = 0x80000320, "event: exception");
	breaks(vmcb.event_inject = 0x80000302, "event: exception");
	breaks(vmcb.event_inject = 0x80000203, "event: NMI");
	breaks(vmcb.event_inject = 0x80000b06, "event: error code");
	breaks(vmcb.event_inject = 0x80000820, "event: error code");
	breaks(vmcb.event_inject = 0x8000030d, "event: no error code");
	breaks(vmcb.event_inject = 0x80001306, "event: reserved bits");
}

/* A guest that writes what no processor lets it write must not stop the machine. */
static void debug_registers(void **ctx)
{
	(void)ctx;
	setup(NULL);
	vmcb.state.dr6 = 0xffffffffffff0ff0;
	vmcb.state.dr7 = 0x100000400;
	assert_string_equal(check_block(&vmcb), "DR6[63:32]");
	assert_false(enter_dies());
	assert_int_equal(vmcb.state.dr6, 0xffff0ff0);
	assert_int_equal(vmcb.state.dr7, 0x400);
	vmcb.state.dr7 = 1ull << 63;
	assert_string_equal(check_block(&vmcb), "DR7[63:32]");
}

static void intercepts(void **ctx)
{
	(void)ctx;
	vmcb.intercept[INTERCEPT_MISC1] = MISC1_NMI;
	assert_false(enter_dies());
	vmcb.intercept[INTERCEPT_CR] = CR_WRITE(0);
	vmcb.intercept[INTERCEPT_MISC1] |= MISC1_IRET;
	vmcb.intercept[INTERCEPT_CR] |= CR_READ(0);
	assert_false(enter_dies());
	vmcb.intercept[INTERCEPT_MISC1] &= ~MISC1_IRET;
	vmcb.intercept[INTERCEPT_CR] &= ~CR_READ(0);
	assert_false(enter_dies());
	/* The map of a locked CPU is the locked one; one that starts may have either. */
	cpu.state = CPU_LOCKED;
	vmcb.msrpm_pa = svm.msrpm_locked_pa;
	assert_false(enter_dies());
	vmcb.msrpm_pa = svm.msrpm_pa;
	assert_true(enter_dies());
	vmcb.msrpm_pa = svm.msrpm_locked_pa;
	vmcb.intercept[INTERCEPT_CR] = CR_WRITE(4);
	assert_true(enter_dies());
	assert_non_null(strstr(last_words, "intercepts"));
}

static void flush_is_passed_on(void **ctx)
{
	(void)ctx;
	assert_false(enter_dies());
	assert_int_equal(entered, 1);
	vmcb.tlb_control = TLB_FLUSH_ALL;
	assert_false(enter_dies());
	assert_int_equal(entered, 2);
}

static bool handled_dies(void)
{
	if (setjmp(died))
		return true;
	check_handled(&vcpu);
	return false;
}

#define needs_flush(statement, needed)                    \
	do {                                              \
		setup(NULL);                              \
		check_exited(&vcpu);                      \
		statement;                                \
		assert_int_equal(handled_dies(), needed); \
		vmcb.tlb_control = TLB_FLUSH_ALL;         \
		assert_false(handled_dies());             \
	} while (0)

static void paging_changes(void **ctx)
{
	(void)ctx;
	needs_flush((void)0, false);
	needs_flush(vmcb.state.rip++, false);
	needs_flush(vmcb.state.cr0 |= CR0_TS, false);
	needs_flush(vmcb.state.cr4 |= CR4_OSXSAVE, false);
	needs_flush(vmcb.state.efer |= EFER_SCE, false);
	needs_flush(vmcb.state.cr0 &= ~CR0_WP, true);
	needs_flush(vmcb.state.cr0 &= ~CR0_PG, true);
	needs_flush(vmcb.state.cr3 += 0x1000, true);
	needs_flush(vmcb.state.cr4 |= CR4_PGE, true);
	needs_flush(vmcb.state.cr4 |= CR4_SMEP, true);
	needs_flush(vmcb.state.efer |= EFER_NXE, true);
	needs_flush(vmcb.asid++, true);
	needs_flush(vmcb.nested_cr3 += 0x1000, true);
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(state),	       test(control),	 test(events),
		test(debug_registers), test(intercepts), test(flush_is_passed_on),
		test(paging_changes),
	};

	return cmocka_run_group_tests_name("svm_check", tests, NULL, NULL);
}
