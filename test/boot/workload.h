/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TEST_BOOT_WORKLOAD_H
#define TEST_BOOT_WORKLOAD_H

#include <stdint.h>

void die(const char *what) __attribute__((noreturn));
/* Monotonic, nanoseconds. */
uint64_t now_ns(void);

/* Runs every load at once for so many seconds; prints what each has done. 0 if all did well. */
int stress(int seconds);

#endif
