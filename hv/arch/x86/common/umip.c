// SPDX-License-Identifier: GPL-2.0-only
/*
 * SGDT, SIDT, SLDT, STR and SMSW, where they exit: what UMIP keeps from user mode (APM vol. 2,
 * 3.1.3). The kernel's are done for it. A program's fault, as they do with UMIP, and there they do
 * not even exit. That is no event: any program could fill the ring.
 */
#include <hv/cpu.h>
#include <hv/guest.h>

#include "exit.h"

/* Into memory of the guest's own, which the kernel could as well write by itself. */
static int store(const struct vcpu *v, struct gva to, const void *from, size_t size)
{
	const struct gwalk walk = instruction_paging(v->state);
	size_t done, part;
	struct gpa at;

	for (done = 0; done < size; done += part) {
		part = PAGE_SIZE - ((to.raw + done) & PAGE_MASK);
		if (part > size - done)
			part = size - done;
		if (gwalk_translate(&walk, gva(to.raw + done), &at) ||
		    guest_store(at, (const u8 *)from + done, part))
			return -HF_EFAULT;
	}
	return 0;
}

void umip_on_table(struct vcpu *v, struct x86_exit *e, const struct segment *table)
{
	const struct table_register value = { table->limit, table->base };
	const struct instruction *i = instruction_of_kernel(v, e);
	int error = -HF_EINVAL;

	if (i && i->memory)
		error = store(v, i->address, &value, sizeof(value));
	instruction_settle(v, e, error);
}

void umip_on_word(struct vcpu *v, struct x86_exit *e, u64 value)
{
	const struct instruction *i = instruction_of_kernel(v, e);
	int error = i ? 0 : -HF_EINVAL;

	if (i && i->memory)
		error = store(v, i->address, &value, sizeof(u16));
	else if (i)
		registers_set_gpr(v, i->gpr, value);
	instruction_settle(v, e, error);
}
