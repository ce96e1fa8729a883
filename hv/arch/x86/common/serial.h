/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550 UART for copies of events. */
#pragma once

#include <hv/types.h>

#define SERIAL_PORTS 8u /* registers of a 16550 */

/* Take the UART at I/O port @port over; 0: stay silent. */
void serial_init(u16 port);
