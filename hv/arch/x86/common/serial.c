// SPDX-License-Identifier: GPL-2.0-only
#include <hv/backend.h>

#include "serial.h"
#include "x86.h"

/* Registers of the 16550 and the bits used. */
#define DATA	     0
#define INTERRUPTS   1
#define FIFO	     2
#define LINE	     3
#define LINE_STATUS  5
#define LINE_8N1     0x03
#define LINE_DIVISOR 0x80
#define STATUS_EMPTY 0x20

/* A character at 115200 baud takes 87 us; reading a port about 1 us. */
#define SPINS 10000

static u16 base;

void serial_init(u16 port)
{
	base = port;
	if (!base)
		return;
	outb(base + INTERRUPTS, 0);
	outb(base + LINE, LINE_DIVISOR);
	outb(base + DATA, 1); /* 115200 baud */
	outb(base + INTERRUPTS, 0);
	outb(base + LINE, LINE_8N1);
	outb(base + FIFO, 0x07);
}

void backend_console(char c)
{
	u32 spins;

	if (!base)
		return;
	for (spins = 0; spins < SPINS; spins++)
		if (inb(base + LINE_STATUS) & STATUS_EMPTY)
			break;
	outb(base + DATA, c);
}
