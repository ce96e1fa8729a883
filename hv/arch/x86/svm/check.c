// SPDX-License-Identifier: GPL-2.0-only
/* The check of the control block before VMRUN, and of the flushes that changes to it need. */
#include <hv/cpu.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include <hv/string.h>

#include "../common/sysreg.h"
#include "../common/check.h"
#include "vcpu.h"

/* Bits that translations depend on: APM vol. 2, 5.5.2 and 15.16. */
#define CR0_PAGING  (CR0_PE | CR0_WP | CR0_PG)
#define CR4_PAGING  (CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | CR4_SMAP)
#define EFER_PAGING (EFER_LME | EFER_LMA | EFER_NXE)

#define S_CET_SHADOW_STACKS 3ull /* all there is of it on AMD: APM vol. 2, 18 */

#define CONTROL_OURS 0xff000000u /* interrupt_control: V_INTR_MASKING, VGIF, VNMI, AVIC */

/*
 * Exceptions with an error code (APM vol. 2, 8.2): those that are nothing else; and where an
 * interrupt of the same vector, which emulators call an exception, has none.
 */
#define ERROR_ALWAYS 0x00007d00u
#define ERROR_EVER   0x60227d00u

struct rule {
	bool kept;
	const char *what;
};

static const char *broken(const struct rule *rules, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!rules[i].kept)
			return rules[i].what;
	return NULL;
}

/* Eight memory types, of which 2 and 3 do not exist: APM vol. 2, 7.8.1. */
static bool valid_pat(u64 pat)
{
	for (; pat; pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xfe) == 2)
			return false;
	return true;
}

/* APM vol. 2, 15.5.1, in its order; and 15.25.4 of the guest's PAT. */
static const char *check_state(const struct vmcb *vmcb)
{
	bool paged = (vmcb->state.efer & EFER_LME) && (vmcb->state.cr0 & CR0_PG);
	const struct rule rules[] = {
		{ vmcb->state.efer & EFER_SVME, "EFER.SVME" },
		{ (vmcb->state.cr0 & CR0_CD) || !(vmcb->state.cr0 & CR0_NW), "CR0.CD and NW" },
		{ !(vmcb->state.cr0 >> 32), "CR0[63:32]" },
		{ !(vmcb->state.cr3 & platform.cr3_reserved), "CR3" },
		{ sysreg_valid_cr4(vmcb->state.cr4, vmcb->state.cr4, vmcb->state.cr0,
				   vmcb->state.cr3),
		  "CR4" },
		{ !(vmcb->state.dr6 >> 32), "DR6[63:32]" },
		{ !(vmcb->state.dr7 >> 32), "DR7[63:32]" },
		{ sysreg_valid_efer(vmcb->state.efer, vmcb->state.efer, vmcb->state.cr0),
		  "EFER" },
		{ !paged || (vmcb->state.cr4 & CR4_PAE), "EFER.LME, CR0.PG and CR4.PAE" },
		{ !paged || (vmcb->state.cr0 & CR0_PE), "EFER.LME, CR0.PG and PE" },
		{ !paged || (vmcb->state.cs.attributes & (SEGMENT_L | SEGMENT_D)) !=
				    (SEGMENT_L | SEGMENT_D),
		  "CS.L and D" },
		{ !(vmcb->state.s_cet & ~S_CET_SHADOW_STACKS), "S_CET" },
		{ valid_pat(vmcb->state.pat), "PAT" },
	};

	return broken(rules, ARRAY_SIZE(rules));
}

static const char *check_control(const struct vmcb *vmcb)
{
	const struct rule rules[] = {
		{ vmcb->intercept[INTERCEPT_MISC2] & MISC2_VMRUN, "intercept of VMRUN" },
		{ vmcb->iopm_pa == svm.iopm_pa, "map of ports" },
		{ vmcb->msrpm_pa == svm.msrpm_pa || vmcb->msrpm_pa == svm.msrpm_locked_pa,
		  "map of MSRs" },
		{ vmcb->asid, "ASID" },
		{ vmcb->tlb_control == TLB_KEEP || vmcb->tlb_control == TLB_FLUSH_ALL ||
			  (vmcb->tlb_control == TLB_FLUSH_ASID &&
			   (platform.features & HF_FEATURE_FLUSH_ASID)),
		  "TLB_CONTROL" },
		{ !(vmcb->interrupt_control & CONTROL_OURS), "interrupt control" },
		{ vmcb->nested_control == svm.nested_control, "nested paging" },
		{ vmcb->nested_cr3 == svm.npt_root[VIEW_KERNEL].raw ||
			  vmcb->nested_cr3 == svm.npt_root[VIEW_USER].raw,
		  "nested CR3" },
		{ !vmcb->lbr_control && !vmcb->clean && !vmcb->tsc_offset,
		  "LBR control, clean bits or TSC offset" },
	};

	return broken(rules, ARRAY_SIZE(rules));
}

/* APM vol. 2, 15.20; and an error code with the exceptions that have one. */
static const char *check_event(u64 event)
{
	u64 vector = event & EVENT_VECTOR, type = event & EVENT_TYPE;
	bool exception = type == EVENT_EXCEPTION;
	const struct rule rules[] = {
		{ type == EVENT_INTERRUPT || type == EVENT_NMI || exception ||
			  type == EVENT_SOFTWARE,
		  "event: type" },
		{ !exception || (vector < 32 && vector != VECTOR_NMI), "event: exception" },
		{ type != EVENT_NMI || vector == VECTOR_NMI, "event: NMI" },
		{ !(event & EVENT_ERROR) || (exception && BIT(vector & 31) & ERROR_EVER),
		  "event: error code" },
		{ (event & EVENT_ERROR) || !exception || !(BIT(vector & 31) & ERROR_ALWAYS),
		  "event: no error code" },
		{ !(event & EVENT_RESERVED), "event: reserved bits" },
	};

	return event & EVENT_VALID ? broken(rules, ARRAY_SIZE(rules)) : NULL;
}

const char *check_block(const struct vmcb *vmcb)
{
	const char *what = check_state(vmcb);

	if (!what)
		what = check_control(vmcb);
	return what ? what : check_event(vmcb->event_inject);
}

/*
 * Nothing that was ever intercepted is let go again, but for what tells the end of an NMI, and
 * reads of a CR0 that is not what the guest has made it.
 */
static bool intercepts_grow(struct vcpu *v)
{
	static const u32 passing[CHECK_CONTROL] = {
		[INTERCEPT_CR] = CR_READ(0),
		[INTERCEPT_MISC1] = MISC1_IRET,
	};
	bool locked = __atomic_load_n(&v->cpu->state, __ATOMIC_SEQ_CST) == CPU_LOCKED;
	bool grow = !locked || v->vmcb->msrpm_pa == svm.msrpm_locked_pa;
	size_t i;

	for (i = 0; i < CHECK_CONTROL; i++) {
		u32 now = v->vmcb->intercept[i];

		grow &= !(v->check.intercept[i] & ~now);
		v->check.intercept[i] = now & ~passing[i];
	}
	return grow;
}

void check_enter(struct vcpu *v)
{
	const char *what;

	/* Processors fault on writing the upper half; emulators let a guest do it. */
	v->vmcb->state.dr6 = (u32)v->vmcb->state.dr6;
	v->vmcb->state.dr7 = (u32)v->vmcb->state.dr7;
	what = check_block(v->vmcb);
	if (!what && !intercepts_grow(v))
		what = "intercepts";
	if (what)
		panic("self-check: CPU %u, control block: %s", v->cpu->index, what);
	shootdown_entered(v->cpu, v->vmcb->tlb_control != TLB_KEEP);
}

/* Compared as a whole; a field a line. */
static void take_paging(const struct vmcb *vmcb, u64 *paging)
{
	paging[0] = vmcb->state.cr0 & CR0_PAGING;
	paging[1] = vmcb->state.cr3;
	paging[2] = vmcb->state.cr4 & CR4_PAGING;
	paging[3] = vmcb->state.efer & EFER_PAGING;
	paging[4] = vmcb->asid;
	paging[5] = vmcb->nested_cr3;
}

void check_exited(struct vcpu *v)
{
	take_paging(v->vmcb, v->check.paging);
}

void check_handled(struct vcpu *v)
{
	u64 now[CHECK_PAGING];

	take_paging(v->vmcb, now);
	if (v->vmcb->tlb_control == TLB_KEEP && memcmp(now, v->check.paging, sizeof(now)))
		panic("self-check: CPU %u, paging changed without a flush", v->cpu->index);
}
