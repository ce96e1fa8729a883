// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O ports that exit: those of the serial port, which are the hypervisor's, and the guest's own
 * sleep registers.
 */
#include "exit.h"
#include "serial.h"

static void guard(u32 first, u32 count)
{
	for (u32 port = first; port < first + count; port++)
		platform.iopm[port / 8] |= 1 << (port % 8);
}

void port_init(const struct hf_boot *boot)
{
	if (platform.serial_port)
		guard(platform.serial_port, SERIAL_PORTS);
	for (u32 i = 0; i < boot->sleep_count; i++)
		if (boot->sleep[i].space == HF_SPACE_PORT)
			guard(boot->sleep[i].address, boot->sleep[i].width);
}

void port_on_exit(struct vcpu *v, struct x86_exit *e, struct exit_port port)
{
	u32 serial = platform.serial_port;

	e->exit.kind = HF_EXIT_PORT;
	port.ours = serial && port.port < serial + SERIAL_PORTS &&
		    serial < port.port + port.width;
	port.value = (u32)v->state->rax & (u32)(BIT(8 * port.width) - 1);
	e->exit.port = port;
}

/* What IN finds: narrow ones leave the rest of RAX alone. */
static void answer(struct vcpu *v, u32 width, u32 value)
{
	u64 bits = BIT(8 * width) - 1;

	v->state->rax = (v->state->rax & ~bits) | (value & bits);
	if (width == 4)
		v->state->rax = (u32)v->state->rax;
}

void port_skip(struct vcpu *v, const struct x86_exit *e)
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

bool port_perform(struct vcpu *v, const struct x86_exit *e)
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
