/* SPDX-License-Identifier: GPL-2.0-only */
/* What the command says: JSON values and failures. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cli.h"

/*
 * Says that the command failed: on standard error, and with --json also as an object
 * on standard output. @reason: a stable word for programs. Returns @code.
 */
int output_failure(const struct options *options, enum cli_exit code, const char *reason,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Prints @value on one line and releases it. A CLI_OK or CLI_FAILED. */
int output_json(json_t *value);

/* 64-bit addresses and register values do not fit JSON numbers: "0x..." */
json_t *output_hex(uint64_t value);

/*
 * Copies a string of a fixed-size field. What is not printable ASCII becomes '?': the
 * strings come from below a kernel that may be hostile, and go to a terminal.
 */
void output_text(char *to, const char *from, size_t size);

#endif
