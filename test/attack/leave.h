/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runs where the kernel is gone: a few instructions that say so on the report port, in the
 * kernel's place, and switch the machine off. docs/testing.md, record "left".
 */
#ifndef HF_ATTACK_LEAVE_H
#define HF_ATTACK_LEAVE_H

#include <linux/types.h>

/* Follows the code directly. */
struct leave_args {
	u16 port;	/* of PM1 control */
	u16 off;	/* what switches the machine off */
	char text[124]; /* the record, NUL terminated */
};

struct leave_code {
	const u8 *begin, *end;
};

/* For real mode, at the start of a page below 1 MiB; for 64-bit mode, anywhere. */
extern const struct leave_code leave_real, leave_long;

/* Put code and arguments at @to, which has room for a page. 0 or errno. */
int leave_write(u8 *to, const struct leave_code *code, const char *what);

#endif
