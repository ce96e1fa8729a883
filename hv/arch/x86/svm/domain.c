// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services: a control block of their own on the CPU that called. They run at CPL 3, where
 * privileged instructions fault, and every exception exits, as does all that comes from outside:
 * interrupts, NMI, INIT. These stay pending (APM vol. 2, 15.13 and 15.21), so that the guest's
 * control block finds them as soon as the guest goes on.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/domain.h>
#include <hv/pool.h>
#include <hv/string.h>

#include <holdfast/service/domain.h>

#include "../common/x86.h"
#include "npt.h"
#include "exit.h"
#include "vcpu.h"

#define DOMAIN_ASID 2 /* flushed before each run: all of them share it */

#define SELECTOR_CODE 0x33
#define SELECTOR_DATA 0x2b
#define CODE_64	      0xafb /* CPL 3: APM vol. 2, 4.8 */
#define DATA_FLAT     0xcf3
#define TSS_BUSY      0x08b /* limit 0: no port may be used */

#define PAT_RESET 0x0007040600070406ull
#define DR6_RESET 0xffff0ff0u
#define DR7_RESET 0x400u

#define LEAF_XSTATE 13
#define MXCSR_AT    24 /* of the save area: APM vol. 2, 11.5.9 */
#define MXCSR_RESET 0x1f80
#define XCR0_AVX    7 /* x87, SSE, AVX */

/* Of a domain. @vectors: x87, SSE and AVX, as XSAVE keeps them */
struct domain_cpu {
	struct vmcb *vmcb;
	u8 *vectors;
	struct gprs gprs;
};

/* All that XSAVE can keep here; constant once there is a domain. */
static u64 kept;

/* False: nothing, or more than a page of it. */
static bool vectors_init(void)
{
	struct cpuid leaf;

	if (!(host_cr4() & CR4_OSXSAVE))
		return false;
	leaf = cpuid(LEAF_XSTATE, 0);
	kept = leaf.eax | (u64)leaf.edx << 32;
	return leaf.ecx <= PAGE_SIZE;
}

static u64 xgetbv(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low | (u64)high << 32;
}

static void xsetbv(u64 value)
{
	asm volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

/*
 * All of it changes hands, also what the one that goes has switched off, or it would be found
 * there after being switched on. The compiler uses none of these registers (hv/build.mk).
 */
static void swap_vectors(u8 *from, const u8 *to, u64 xcr0)
{
	xsetbv(kept);
	asm volatile("xsave64 (%0)" : : "r"(from), "a"(~0u), "d"(~0u) : "memory");
	asm volatile("xrstor64 (%0)" : : "r"(to), "a"(~0u), "d"(~0u) : "memory");
	xsetbv(xcr0);
}

static void init_control(struct vmcb *vmcb, u64 npt_root)
{
	vmcb->intercept[INTERCEPT_CR] = ~0u;
	vmcb->intercept[INTERCEPT_DR] = ~0u;
	vmcb->intercept[INTERCEPT_EXCEPTION] = ~0u;
	vmcb->intercept[INTERCEPT_MISC1] = MISC1_INTR | MISC1_NMI | MISC1_INIT | MISC1_INVD |
					   MISC1_INVLPGA | MISC1_SHUTDOWN;
	vmcb->intercept[INTERCEPT_MISC2] = MISC2_VMRUN | MISC2_VMMCALL | MISC2_VMLOAD |
					   MISC2_VMSAVE | MISC2_STGI | MISC2_CLGI |
					   MISC2_SKINIT | MISC2_ICEBP;
	vmcb->asid = DOMAIN_ASID;
	vmcb->nested_control = NESTED_PAGING;
	vmcb->nested_cr3 = npt_root;
}

int backend_domain_init(struct domain *d)
{
	unsigned int levels = read_cr4() & CR4_LA57 ? 5 : 4; /* the host's, as for the guest */
	struct domain_cpu *c;

	if (!vectors_init())
		return -HF_ENODEV;
	c = pool_page();
	if (!c)
		return -HF_ENOMEM;
	c->vmcb = pool_page();
	if (!c->vmcb)
		goto free_cpu;
	c->vectors = pool_page();
	if (!c->vectors)
		goto free_vmcb;
	if (stage2_init(&d->space, &npt_format, levels, backend_gpa_limit().raw))
		goto free_vectors;
	init_control(c->vmcb, pool_hpa(d->space.root).raw);
	d->cpu = c;
	return 0;

free_vectors:
	pool_free(c->vectors);
free_vmcb:
	pool_free(c->vmcb);
free_cpu:
	pool_free(c);
	return -HF_ENOMEM;
}

void backend_domain_start(struct domain *d, u64 why)
{
	struct domain_cpu *c = d->cpu;
	struct state *s = &c->vmcb->state;

	memset(c->vectors, 0, PAGE_SIZE);
	*(u32 *)(c->vectors + MXCSR_AT) = MXCSR_RESET;
	c->gprs = (struct gprs){ .r = { [GPR_RDI] = why } };
	*s = (struct state){
		.cs = { SELECTOR_CODE, CODE_64, ~0u, 0 },
		.ss = { SELECTOR_DATA, DATA_FLAT, ~0u, 0 },
		.fs = { .base = d->stack },
		.tr = { .attributes = TSS_BUSY },
		.cpl = 3,
		.efer = EFER_SVME | EFER_LME | EFER_LMA | EFER_NXE,
		.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG,
		.cr3 = d->root.raw,
		.cr4 = CR4_TSD | CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE |
		       (host_cr4() & CR4_FSGSBASE),
		.dr6 = DR6_RESET,
		.dr7 = DR7_RESET,
		.rflags = RFLAGS_FIXED | RFLAGS_IF,
		.rip = d->entry,
		.rsp = d->stack,
		.pat = PAT_RESET,
	};
}

static struct domain_stop stop_of(struct vcpu *v, const struct vmcb *vmcb)
{
	struct domain_stop stop = {
		.kind = DOMAIN_CRASHED,
		.code = vmcb->exit_code,
		.rip = vmcb->state.rip,
	};

	switch (vmcb->exit_code) {
	case EXIT_CODE_VMMCALL:
		if (vmcb->state.rax == HF_DOMAIN_DONE)
			stop.kind = DOMAIN_DONE;
		break;
	case EXIT_CODE_MC: /* the machine's */
		inject_event(v, VECTOR_MC | EVENT_EXCEPTION);
		stop.kind = DOMAIN_INTERRUPTED;
		break;
	case EXIT_CODE_SX: /* INIT, as R_INIT has it; another cannot come at CPL 3 */
		v->host.reset = 1;
		restart_after_window(v);
		stop.kind = DOMAIN_INTERRUPTED;
		break;
	case EXIT_CODE_INTR:
	case EXIT_CODE_NMI:
	case EXIT_CODE_INIT:
		stop.kind = DOMAIN_INTERRUPTED;
		break;
	case EXIT_CODE_PF:
	case EXIT_CODE_NPF:
		stop.address = vmcb->exit_info[1];
		break;
	}
	return stop;
}

struct domain_stop backend_domain_run(struct cpu *cpu, struct domain *d)
{
	struct vcpu *v = cpu->vcpu;
	struct domain_cpu *c = d->cpu;
	u64 vmcb_pa = pool_hpa(c->vmcb).raw;
	u64 xcr0 = xgetbv();

	c->vmcb->tlb_control = platform.features & HF_FEATURE_FLUSH_ASID ? TLB_FLUSH_ASID
									 : TLB_FLUSH_ALL;
	swap_vectors(v->vectors, c->vectors, kept & XCR0_AVX);
	vmsave(v->block_pa);
	vmload(vmcb_pa);
	domain_enter(vmcb_pa, &c->gprs);
	vmsave(vmcb_pa);
	vmload(v->block_pa);
	swap_vectors(c->vectors, v->vectors, xcr0);
	return stop_of(v, c->vmcb);
}
