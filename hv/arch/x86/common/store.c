// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store of the guest to sealed code, as a kernel makes it that patches itself: what it stores is
 * found here, the core judges it and makes it itself.
 *
 * The verdict depends on the byte that faulted, which the hardware names, and on what is stored,
 * from the copy taken here. Which instruction it is does not matter: bytes that are genuine there
 * may be anybody's. So an attacker who changes instruction, registers or source while they are
 * read has other bytes judged, and these are stored; and of the operand's address no more need be
 * known than that it can be the one that faulted.
 */
#include <hv/owner.h>
#include <hv/string.h>

#include "exit.h"

/*
 * Takes @i's bytes, once. How many: 0 where they are more than fit, run downwards or cannot be
 * read. What a repetition has stored already is in its registers: none that faults is at its end.
 */
static u32 take_bytes(struct vcpu *v, const struct instruction *i, u8 *bytes)
{
	struct gwalk walk = instruction_paging(v->state);
	u64 steps = i->repeat ? v->gprs->r[GPR_RCX] : 1;
	u32 width;

	if (i->operation == OP_STORE) {
		memcpy(bytes, &i->value, i->width);
		return i->width;
	}
	if (i->operation != OP_MOVS || (v->state->rflags & RFLAGS_DF) || steps > HF_STORE_MAX ||
	    steps * i->width > HF_STORE_MAX)
		return 0;
	width = steps * i->width;
	walk.last = &v->source;
	return gwalk_read(&walk, gva(v->gprs->r[GPR_RSI]), bytes, width) ? 0 : width;
}

/* In the delivery of an event it is the processor that stores, whatever the instruction says. */
static bool is_ours(const struct vcpu *v, struct page page)
{
	u32 permission = owner_kind_permission(page.kind);

	return (permission & HF_PERM_KERNEL_EXEC) && !v->state->cpl &&
	       !(*v->interrupted & EVENT_VALID);
}

void store_on_write(struct vcpu *v, struct x86_exit *e, struct page page)
{
	struct exit_memory *m = &e->exit.memory;
	const struct instruction *i;
	u32 width, at;

	if (!is_ours(v, page))
		return;
	i = instruction_decode(v);
	if (!i)
		return;
	width = take_bytes(v, i, m->bytes);
	/* The first byte faulted, or the store crosses into the page whose first byte did. */
	at = (m->gpa.raw - i->address.raw) & PAGE_MASK;
	if (at >= width || (at && (m->gpa.raw & PAGE_MASK)))
		return;
	m->va = i->address;
	m->width = width;
	m->at = at;
	e->next_rip = v->state->rip + i->length;
	e->moved = i->operation == OP_MOVS ? width : 0;
	e->repeat = i->repeat;
}

void store_complete(struct vcpu *v, const struct x86_exit *e)
{
	u64 *r = v->gprs->r;

	r[GPR_RSI] += e->moved;
	r[GPR_RDI] += e->moved;
	if (e->repeat)
		r[GPR_RCX] = 0;
}
