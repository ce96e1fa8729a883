// SPDX-License-Identifier: GPL-2.0-only
/* The guest's instruction that exited: where it is, what it says, what comes after it. */
#include <hv/guest.h>
#include <hv/owner.h>

#include "exit.h"

struct gwalk instruction_paging(const struct vmcb *vmcb)
{
	return (struct gwalk){ vmcb->cr3, vmcb->cr4 & CR4_LA57 ? 5 : 4 };
}

void instruction_complete_gprs(struct vcpu *v)
{
	v->gprs->r[GPR_RAX] = v->vmcb->rax;
	v->gprs->r[GPR_RSP] = v->vmcb->rsp;
}

/*
 * Bytes of the kernel's sealed text are kept for the next exit there: it patches itself from one
 * place, and walking tables is most of what decoding costs. That text does not change, but for what
 * is patched, and no kernel patches the instruction that does it. Nor does a kernel map other code
 * at the address of its own. A guest that does is told the truth about what it ran once, not
 * about what it runs: what it gains by changing code under our eyes, which is nothing.
 */
static void fetch(struct vcpu *v, struct code *code)
{
	struct gwalk walk = instruction_paging(v->vmcb);
	u64 rip = v->vmcb->rip;
	struct gpa at;

	if (code->rip && code->rip == rip)
		return;
	code->rip = 0;
	code->size = DECODE_MAX;
	if ((rip & PAGE_MASK) + DECODE_MAX > PAGE_SIZE ||
	    gwalk_translate(&walk, gva(rip), &at) || guest_read(at, code->bytes, DECODE_MAX))
		code->size = gwalk_fetch(&walk, gva(rip), code->bytes, DECODE_MAX);
	else if (owner_page(at).kind == HF_KIND_TEXT)
		code->rip = rip;
}

int instruction_decode(struct vcpu *v, struct instruction *i)
{
	struct vmcb *vmcb = v->vmcb;
	struct decode_context context = {
		.gprs = v->gprs,
		.rip = vmcb->rip,
		.fs_base = rdmsr(MSR_FS_BASE),
		.gs_base = rdmsr(MSR_GS_BASE),
	};

	/* Other modes are not decoded: after lock no kernel writes control registers there. */
	if (!(vmcb->efer & EFER_LMA) || !(vmcb->cs.attributes & SEGMENT_L))
		return -HF_EINVAL;
	fetch(v, &v->code);
	return decode(v->code.bytes, v->code.size, &context, i);
}
