// SPDX-License-Identifier: GPL-2.0-only
/*
 * The check of the control structure before the guest runs. The processor itself refuses a state
 * that none could be in (SDM vol. 3, 27.2 and 27.3); this looks for what it would take, and we do
 * not mean.
 */
#include <hv/cpu.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include <hv/string.h>

#include "vmx.h"

/* Bits that translations depend on: SDM vol. 3, 4.1.3. */
#define CR0_PAGING  (CR0_PE | CR0_WP | CR0_PG)
#define CR4_PAGING  (CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | CR4_SMAP)
#define EFER_PAGING (EFER_LME | EFER_LMA | EFER_NXE)

/* Of no address: LAM, and what MOV to CR3 takes and forgets. */
#define CR3_HIGH (7ull << 61)

struct rule {
	bool kept;
	const char *what;
};

static const char *check_control(const struct vcpu *v)
{
	u64 map = vmcs_read(VMCS_MSR_BITMAP);
	bool locked = __atomic_load_n(&v->cpu->state, __ATOMIC_SEQ_CST) == CPU_LOCKED;
	u64 primary = vmcs_read(VMCS_PRIMARY);
	const struct rule rules[] = {
		{ vmcs_read(VMCS_PIN) == vmx.pin, "pin controls" },
		{ (primary & ~(PRIMARY_NMI_WINDOW | PRIMARY_STEP)) == vmx.primary,
		  "primary controls" },
		{ vmcs_read(VMCS_SECONDARY) ==
			  (vmx.secondary |
			   (locked && !(primary & PRIMARY_STEP) ? SECONDARY_TABLES : 0)),
		  "secondary controls" },
		{ vmcs_read(VMCS_EXCEPTIONS) == EXCEPTIONS, "exceptions" },
		{ map == (locked ? vmx.msr_map_locked_pa : vmx.msr_map_pa), "map of MSRs" },
		{ vmcs_read(VMCS_IO_BITMAP_A) == vmx.io_map_pa, "map of ports" },
		{ vmcs_read(VMCS_EPT_POINTER) == vmx.ept_pointer[v->view], "EPT pointer" },
		{ vmcs_read(VMCS_CR0_MASK) == CR0_OWNED, "CR0 mask" },
		{ vmcs_read(VMCS_CR4_MASK) == CR4_OWNED, "CR4 mask" },
		{ !(vmcs_read(VMCS_GUEST_CR3) & platform.cr3_reserved & ~CR3_HIGH), "CR3" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (!rules[i].kept)
			return rules[i].what;
	return NULL;
}

void check_enter(struct vcpu *v)
{
	const char *what = check_control(v);

	if (what)
		panic("self-check: CPU %u, control structure: %s", v->cpu->index, what);
	shootdown_entered(v->cpu, v->vmx->flush);
}

static void take_paging(const struct state *state, u64 *paging)
{
	memset(paging, 0, CHECK_PAGING * sizeof(*paging));
	paging[0] = state->cr0 & CR0_PAGING;
	paging[1] = state->cr3;
	paging[2] = state->cr4 & CR4_PAGING;
	paging[3] = state->efer & EFER_PAGING;
}

void check_exited(struct vcpu *v)
{
	take_paging(v->state, v->check.paging);
}

void check_handled(struct vcpu *v)
{
	u64 now[CHECK_PAGING];

	take_paging(v->state, now);
	if (!v->vmx->flush && memcmp(now, v->check.paging, sizeof(now)))
		panic("self-check: CPU %u, paging changed without a flush", v->cpu->index);
}
