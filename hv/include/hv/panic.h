/* SPDX-License-Identifier: GPL-2.0-only */
/* For our own bugs, never for what a guest did. */
#ifndef HV_PANIC_H
#define HV_PANIC_H

#include <hv/types.h>

_Noreturn void panic(const char *format, ...) __printf(1, 2);

#define CHECK(condition)                                                                  \
	do {                                                                              \
		if (unlikely(!(condition)))                                               \
			panic("CHECK failed: %s:%d: %s", __FILE__, __LINE__, #condition); \
	} while (0)

#endif
