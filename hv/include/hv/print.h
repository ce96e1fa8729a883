/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Formatted text to the console and into buffers. Conversions: %s %c %d %u %x with l and ll,
 * field width and 0 padding, %%. Nothing else.
 */
#ifndef HV_PRINT_H
#define HV_PRINT_H

#include <stdarg.h>
#include <hv/types.h>

struct cpu;

/* One line, the newline is added, to the port given at launch, if any; lines do not mix. Lock:
 * console lock, inside. */
void print_line(struct cpu *cpu, const char *format, ...) __printf(2, 3);
/* Without a lock or a newline of its own, for panic only. */
void print_unlocked(const char *format, va_list args);
/* Like snprintf; always terminates when size > 0; returns the length that was needed. */
size_t print_string(char *to, size_t size, const char *format, ...) __printf(3, 4);

#endif
