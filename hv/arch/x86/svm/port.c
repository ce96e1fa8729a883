// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O ports that exit: those of the serial port, which are the hypervisor's, and the guest's own
 * sleep registers.
 */
#include "../common/serial.h"
#include "exit.h"

#define IOIO_IN	    BIT(0) /* exit_info[0], APM vol. 2, 15.10.2 */
#define IOIO_STRING BIT(2)

void port_guard(u32 first, u32 count)
{
	for (u32 port = first; port < first + count; port++)
		svm.iopm[port / 8] |= 1 << (port % 8);
}

void port_on_exit(struct vcpu *v, struct svm_exit *e)
{
	u64 info = v->vmcb->exit_info[0];
	u32 port = (u16)(info >> 16);
	u32 width = info >> 4 & 7; /* one of three bits, whose values are the widths */
	u32 serial = svm.serial_port;

	e->exit.kind = HF_EXIT_PORT;
	e->next_rip = v->vmcb->exit_info[1];
	e->exit.port = (struct exit_port){
		.port = port,
		.write = !(info & IOIO_IN),
		.string = !!(info & IOIO_STRING),
		.ours = serial && port < serial + SERIAL_PORTS && serial < port + width,
		.width = width,
		.value = (u32)v->vmcb->rax & (u32)(BIT(8 * width) - 1),
	};
}

/* What IN finds: narrow ones leave the rest of RAX alone. */
static void answer(struct vcpu *v, u32 width, u32 value)
{
	u64 bits = BIT(8 * width) - 1;

	v->vmcb->rax = (v->vmcb->rax & ~bits) | (value & bits);
	if (width == 4)
		v->vmcb->rax = (u32)v->vmcb->rax;
}

void port_skip(struct vcpu *v, const struct svm_exit *e)
{
	if (!e->exit.port.write && !e->exit.port.string)
		answer(v, e->exit.port.width, ~0u);
}

/* As one access of the same width: devices tell the difference. */
static void write(const struct exit_port *p)
{
	if (p->width == 1)
		outb(p->port, p->value);
	else if (p->width == 2)
		outw(p->port, p->value);
	else
		outl(p->port, p->value);
}

static u32 read(const struct exit_port *p)
{
	if (p->width == 1)
		return inb(p->port);
	return p->width == 2 ? inw(p->port) : inl(p->port);
}

bool port_perform(struct vcpu *v, const struct svm_exit *e)
{
	const struct exit_port *p = &e->exit.port;

	if (p->ours || p->string || !e->next_rip)
		return false;
	if (p->write)
		write(p);
	else
		answer(v, p->width, read(p));
	return true;
}
