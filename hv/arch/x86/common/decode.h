/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decoder for the few instructions whose exits do not come with all operands: 64-bit mode only.
 * Pure: works on a copy of the bytes and of the registers.
 */
#pragma once

#include <hv/types.h>

#include "gprs.h"

#define DECODE_MAX 15 /* no instruction is longer: APM vol. 3, 1.1 */

enum operation {
	OP_MOV_TO_CR, /* 0f 22 /cr */
	OP_READ_CR,   /* 0f 20 /cr */
	OP_CLTS,      /* 0f 06 */
	OP_LMSW,      /* 0f 01 /6 */
	OP_LGDT,      /* 0f 01 /2, memory */
	OP_LIDT,      /* 0f 01 /3, memory */
	OP_LTR,	      /* 0f 00 /3 */
	OP_STORE,     /* 88, 89, c6 /0, c7 /0: to memory, from a register or immediate */
	OP_MOVS,  /* a4, a5, also with REP: from RSI to RDI, no FS, GS or 32-bit addresses */
	OP_OTHER, /* 0f 00, 0f 01, wrmsr, vmmcall and kin: only their length is of interest */
};

/*
 * @cr:		control register of OP_MOV_TO_CR and OP_READ_CR
 * @gpr:	source register, where the source is not in memory; target of OP_READ_CR
 * @memory:	there is an operand in memory, at @address (segment base included)
 * @width:	of OP_STORE and of each step of OP_MOVS, in bytes: 1, 2, 4 or 8
 * @repeat:	OP_MOVS takes as many steps as RCX says
 * @value:	what OP_STORE stores
 */
struct instruction {
	enum operation operation;
	u8 length;
	u8 cr;
	u8 gpr;
	bool memory;
	u8 width;
	bool repeat;
	u64 value;
	struct gva address;
};

/* What addresses are computed from. */
struct decode_context {
	const struct gprs *gprs;
	u64 rip;
	u64 fs_base;
	u64 gs_base;
};

/* 0, or -EINVAL for anything but a complete instruction of the list above. */
int decode(const u8 *bytes, size_t size, const struct decode_context *context,
	   struct instruction *instruction);
