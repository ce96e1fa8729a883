// SPDX-License-Identifier: GPL-2.0-only
/* The guest's instruction that exited: where it is, what it says, what comes after it. */
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

int instruction_decode(struct vcpu *v, struct instruction *i)
{
	struct vmcb *vmcb = v->vmcb;
	struct gwalk walk = instruction_paging(vmcb);
	struct decode_context context = {
		.gprs = v->gprs,
		.rip = vmcb->rip,
		.fs_base = rdmsr(MSR_FS_BASE),
		.gs_base = rdmsr(MSR_GS_BASE),
	};
	u8 bytes[DECODE_MAX];
	size_t size;

	/* Other modes are not decoded: after lock no kernel writes control registers there. */
	if (!(vmcb->efer & EFER_LMA) || !(vmcb->cs.attributes & SEGMENT_L))
		return -HF_EINVAL;
	size = gwalk_fetch(&walk, gva(vmcb->rip), bytes, sizeof(bytes));
	return decode(bytes, size, &context, i);
}
