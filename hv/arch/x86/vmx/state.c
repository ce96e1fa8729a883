// SPDX-License-Identifier: GPL-2.0-only
/* The guest's registers between control structure and memory. */
#include "vmx.h"

/* Fields that are in both as they are. */
static const struct {
	u32 field;
	u32 offset;
} plain[] = {
	{ VMCS_GUEST_RIP, offsetof(struct state, rip) },
	{ VMCS_GUEST_RSP, offsetof(struct state, rsp) },
	{ VMCS_GUEST_RFLAGS, offsetof(struct state, rflags) },
	{ VMCS_GUEST_CR3, offsetof(struct state, cr3) },
	{ VMCS_GUEST_EFER, offsetof(struct state, efer) },
	{ VMCS_GUEST_DR7, offsetof(struct state, dr7) },
	{ VMCS_GUEST_GDTR_BASE, offsetof(struct state, gdtr.base) },
	{ VMCS_GUEST_IDTR_BASE, offsetof(struct state, idtr.base) },
};

static const struct {
	u32 selector; /* field; the others' follow from it */
	u32 offset;
} segments[] = {
	{ VMCS_GUEST_ES, offsetof(struct state, es) },
	{ VMCS_GUEST_CS, offsetof(struct state, cs) },
	{ VMCS_GUEST_SS, offsetof(struct state, ss) },
	{ VMCS_GUEST_DS, offsetof(struct state, ds) },
	{ VMCS_GUEST_LDTR, offsetof(struct state, ldtr) },
	{ VMCS_GUEST_TR, offsetof(struct state, tr) },
};

static u64 *at(struct state *state, u32 offset)
{
	return (u64 *)((u8 *)state + offset);
}

static struct segment *segment_at(struct state *state, size_t i)
{
	return (struct segment *)((u8 *)state + segments[i].offset);
}

/* SDM vol. 3, table 25-2: as attributes, with four reserved bits in between. */
static u16 attributes_of(u32 rights)
{
	return rights & RIGHTS_UNUSABLE ? 0 : (rights & 0xff) | (rights >> 4 & 0xf00);
}

static u32 rights_of(u16 attributes)
{
	if (!(attributes & SEGMENT_P))
		return RIGHTS_UNUSABLE;
	return (attributes & 0xffu) | (attributes & 0xf00u) << 4;
}

static struct segment segment_load(u32 selector)
{
	return (struct segment){
		.selector = vmcs_read(selector),
		.attributes = attributes_of(vmcs_read(VMCS_RIGHTS_OF(selector))),
		.limit = vmcs_read(VMCS_LIMIT_OF(selector)),
		.base = vmcs_read(VMCS_BASE_OF(selector)),
	};
}

static void segment_store(u32 selector, const struct segment *s)
{
	vmcs_write(selector, s->selector);
	vmcs_write(VMCS_RIGHTS_OF(selector), rights_of(s->attributes));
	vmcs_write(VMCS_LIMIT_OF(selector), s->limit);
	vmcs_write(VMCS_BASE_OF(selector), s->base);
}

/* As the guest sees a control register: what is not its own to write, as it has written it. */
static u64 seen(u64 value, u64 shadow, u64 owned)
{
	return (value & ~owned) | (shadow & owned);
}

void state_load(struct vcpu *v)
{
	struct state *state = v->state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		*at(state, plain[i].offset) = vmcs_read(plain[i].field);
	for (i = 0; i < ARRAY_SIZE(segments); i++)
		*segment_at(state, i) = segment_load(segments[i].selector);
	state->gdtr.limit = vmcs_read(VMCS_GUEST_GDTR_LIMIT);
	state->idtr.limit = vmcs_read(VMCS_GUEST_IDTR_LIMIT);
	state->cr0 = seen(vmcs_read(VMCS_GUEST_CR0), vmcs_read(VMCS_CR0_SHADOW), CR0_OWNED);
	state->cr4 = seen(vmcs_read(VMCS_GUEST_CR4), vmcs_read(VMCS_CR4_SHADOW), CR4_OWNED);
	state->cpl = state->ss.attributes >> 5 & 3;
	state->dr6 = read_dr6();
	v->vmx->loaded = *state;
}

static bool differs(const struct segment *a, const struct segment *b)
{
	return a->base != b->base || a->limit != b->limit || a->selector != b->selector ||
	       a->attributes != b->attributes;
}

void state_store(struct vcpu *v)
{
	struct state *state = v->state, *loaded = &v->vmx->loaded;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		if (*at(state, plain[i].offset) != *at(loaded, plain[i].offset))
			vmcs_write(plain[i].field, *at(state, plain[i].offset));
	for (i = 0; i < ARRAY_SIZE(segments); i++)
		if (differs(segment_at(state, i), segment_at(loaded, i)))
			segment_store(segments[i].selector, segment_at(state, i));
	if (state->gdtr.limit != loaded->gdtr.limit)
		vmcs_write(VMCS_GUEST_GDTR_LIMIT, state->gdtr.limit);
	if (state->idtr.limit != loaded->idtr.limit)
		vmcs_write(VMCS_GUEST_IDTR_LIMIT, state->idtr.limit);
	if (state->cr0 != loaded->cr0) {
		vmcs_write(VMCS_GUEST_CR0, state->cr0 | vmx.cr0_fixed);
		vmcs_write(VMCS_CR0_SHADOW, state->cr0);
	}
	if (state->cr4 != loaded->cr4) {
		vmcs_write(VMCS_GUEST_CR4, state->cr4 | vmx.cr4_fixed);
		vmcs_write(VMCS_CR4_SHADOW, state->cr4);
	}
	if (state->dr6 != loaded->dr6)
		write_dr6(state->dr6);
	*loaded = *state;
}
