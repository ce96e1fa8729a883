// SPDX-License-Identifier: GPL-2.0-only
/* The guest's instruction that exited: where it is, what it says, what comes after it. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/guest.h>
#include <hv/owner.h>

#include "exit.h"

struct gwalk instruction_paging(const struct state *state)
{
	return (struct gwalk){ state->cr3, state->cr4 & CR4_LA57 ? 5 : 4, NULL };
}

int backend_guest_translate(struct cpu *cpu, struct gva va, struct gpa *to)
{
	const struct gwalk walk = instruction_paging(cpu->vcpu->state);

	return gwalk_translate(&walk, va, to);
}

bool backend_table_entry(u64 entry, struct gpa *to, u32 *row)
{
	*row = 1;
	*to = gpa(entry & PTE_ADDR);
	return entry & PTE_P;
}

void instruction_complete_gprs(struct vcpu *v)
{
	v->gprs->r[GPR_RAX] = v->state->rax;
	v->gprs->r[GPR_RSP] = v->state->rsp;
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
	struct gwalk walk = instruction_paging(v->state);
	u64 rip = v->state->rip;
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
	struct decode_context context = { .gprs = v->gprs, .rip = v->state->rip };

	instruction_complete_gprs(v);
	if (registers_guest_msr(v, MSR_FS_BASE, &context.fs_base) ||
	    registers_guest_msr(v, MSR_GS_BASE, &context.gs_base))
		return -HF_EINVAL;
	return decode(code->bytes, code->size, &context, &code->decoded);
}

const struct instruction *instruction_decode(struct vcpu *v)
{
	const struct state *state = v->state;
	struct code *code = &v->code;
	bool kept = code->rip && code->rip == state->rip;

	/* Other modes are not decoded: after lock no kernel writes control registers there. */
	if (!(state->efer & EFER_LMA) || !(state->cs.attributes & SEGMENT_L))
		return NULL;
	if (!kept)
		fetch(v, code);
	/* Of MOVS a register is all that can have changed. */
	if (kept && code->decoded.operation == OP_MOVS)
		code->decoded.address = gva(v->gprs->r[GPR_RDI]);
	else if (decode_again(v, code))
		return NULL;
	return &code->decoded;
}

const struct instruction *instruction_of_kernel(struct vcpu *v, struct x86_exit *e)
{
	const struct instruction *i = v->state->cpl ? NULL : instruction_decode(v);

	if (i)
		e->next_rip = v->state->rip + i->length;
	return i;
}

void instruction_settle(struct vcpu *v, struct x86_exit *e, int error)
{
	e->exit.kind = HF_EXIT_INSTRUCTION;
	e->settled = true;
	if (error)
		inject_fault(v);
	else
		instruction_advance(v, e);
}
