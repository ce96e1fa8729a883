// SPDX-License-Identifier: GPL-2.0-only
/* The guest's instruction that exited: where it is, what it says, what comes after it. */
#include <hv/guest.h>
#include <hv/owner.h>

#include "exit.h"

struct gwalk instruction_paging(const struct vmcb *vmcb)
{
	return (struct gwalk){ vmcb->cr3, vmcb->cr4 & CR4_LA57 ? 5 : 4, NULL };
}

void instruction_complete_gprs(struct vcpu *v)
{
	v->gprs->r[GPR_RAX] = v->vmcb->rax;
	v->gprs->r[GPR_RSP] = v->vmcb->rsp;
}

/*
 * An instruction in the kernel's sealed text is kept for the next exit there: it patches itself
 * from one place, and walking tables is most of what decoding costs. That text does not change, but
 * for what is patched, and no kernel patches the instruction that does it. Nor does a kernel map
 * other code at the address of its own. A guest that does is told the truth about what it ran once,
 * not about what it runs: what it gains by changing code under our eyes, which is nothing.
 */
static void fetch(struct vcpu *v, struct code *code)
{
	struct gwalk walk = instruction_paging(v->vmcb);
	u64 rip = v->vmcb->rip;
	struct gpa at;

	code->rip = 0;
	code->size = DECODE_MAX;
	if ((rip & PAGE_MASK) + DECODE_MAX > PAGE_SIZE ||
	    gwalk_translate(&walk, gva(rip), &at) || guest_read(at, code->bytes, DECODE_MAX))
		code->size = gwalk_fetch(&walk, gva(rip), code->bytes, DECODE_MAX);
	else if (owner_page(at).kind == HF_KIND_TEXT)
		code->rip = rip;
}

static int decode_again(struct vcpu *v, struct code *code)
{
	struct decode_context context = {
		.gprs = v->gprs,
		.rip = v->vmcb->rip,
		.fs_base = rdmsr(MSR_FS_BASE),
		.gs_base = rdmsr(MSR_GS_BASE),
	};

	return decode(code->bytes, code->size, &context, &code->decoded);
}

int instruction_decode(struct vcpu *v, struct instruction *i)
{
	const struct vmcb *vmcb = v->vmcb;
	struct code *code = &v->code;
	bool kept = code->rip && code->rip == vmcb->rip;
	int error = 0;

	/* Other modes are not decoded: after lock no kernel writes control registers there. */
	if (!(vmcb->efer & EFER_LMA) || !(vmcb->cs.attributes & SEGMENT_L))
		return -HF_EINVAL;
	if (!kept)
		fetch(v, code);
	/* Of MOVS a register is all that can have changed. */
	if (kept && code->decoded.operation == OP_MOVS)
		code->decoded.address = gva(v->gprs->r[GPR_RDI]);
	else
		error = decode_again(v, code);
	*i = code->decoded;
	return error;
}
