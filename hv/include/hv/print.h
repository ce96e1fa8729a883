/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Formatted text to the console and into buffers. Conversions: %s, and %u %x %llu %llx with a
 * width up to which they are filled with 0. Nothing else: what follows a mistake is left out.
 */
#pragma once

#include <stdarg.h>
#include <hv/types.h>

/* One line, the newline is added, to the port given at launch, if any; lines do not mix. Lock:
 * console lock, inside. */
void print_line(struct cpu *cpu, const char *format, ...) __printf(2, 3);
/* The same without a lock, for panic only. */
void print_panic(const char *format, va_list args);
/* Like snprintf; always terminates when size > 0; returns the length that was needed. */
size_t print_string(char *to, size_t size, const char *format, ...) __printf(3, 4);
