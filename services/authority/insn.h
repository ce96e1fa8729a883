/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions, as far as the kernel looks at them when it patches: where they end, and branch. */
#ifndef AUTHORITY_INSN_H
#define AUTHORITY_INSN_H

#include <libsvc/bytes.h>

#define INSN_NOP    0x90
#define INSN_INT3   0xcc
#define INSN_RET    0xc3
#define INSN_CALL   0xe8
#define INSN_JMP32  0xe9
#define INSN_JMP8   0xeb
#define INSN_ESCAPE 0x0f

/*
 * @opcode:	without prefixes, REX and VEX included, as in the kernel's struct insn: the second
 *		byte counts behind INSN_ESCAPE only
 * @immediate:	its offset, @immediate_size 0: none; the same with @displacement
 */
struct insn {
	u8 length;
	u8 opcode[2];
	u8 prefix; /* the first legacy one, 0: none */
	u8 immediate;
	u8 immediate_size;
	u8 displacement;
	u8 displacement_size;
	bool rip_relative;
};

/* Of at most @size bytes at @at; false: it does not end there, or is none. */
bool insn_decode(const u8 *at, u64 size, struct insn *insn);

static inline bool insn_is_jcc32(const struct insn *insn)
{
	return insn->opcode[0] == INSN_ESCAPE && (insn->opcode[1] & 0xf0) == 0x80;
}

#endif
