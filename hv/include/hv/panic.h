/* SPDX-License-Identifier: GPL-2.0-only */
/* For our own bugs, never for what a guest did. */
#pragma once

#include <hv/types.h>

/* Say why, and stop all CPUs: each stops when its kick arrives, or where it waits. */
_Noreturn void panic(const char *format, ...) __printf(1, 2);
/* Own CPU, on a kick and in waiting loops: stop if another CPU has panicked. */
void panic_check(void);

#define CHECK(condition)                                                                       \
	do {                                                                                   \
		if (unlikely(!(condition)))                                                    \
			panic("CHECK failed: %s:%u: %s", __FILE__, (u32)__LINE__, #condition); \
	} while (0)
