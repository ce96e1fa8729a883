// SPDX-License-Identifier: GPL-2.0-only
#include "insn.h"
#include "nops.h"

#define LONGEST_6_1  8u
#define LONGEST_6_12 11u

/* arch/x86/include/asm/nops.h, one behind the other. */
static const u8 bytes[] = {
	0x90, 0x66, 0x90, 0x0f, 0x1f, 0x00, 0x0f, 0x1f, 0x40, 0x00, 0x0f, 0x1f, 0x44, 0x00,
	0x00, 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00,
	0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00, 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00, 0x66,
	0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00,
};

_Static_assert(sizeof(bytes) == LONGEST_6_12 * (LONGEST_6_12 + 1) / 2, "one of each length");

const u8 nops_2[2] = { 0x66, 0x90 };
const u8 nops_5[NOPS_CALL] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

static const u8 *nop(u64 size)
{
	return bytes + size * (size - 1) / 2;
}

void nops_fill(u8 *at, u64 size)
{
	u64 n;

	for (; size; size -= n, at += n) {
		n = size < LONGEST_6_1 ? size : LONGEST_6_1;
		memcpy(at, nop(n), n);
	}
}

/* Beyond the longest nop: a jump over breakpoints. */
static void fill_one(u8 *at, u64 size)
{
	if (size <= LONGEST_6_12) {
		memcpy(at, nop(size), size);
		return;
	}
	memset(at, INSN_INT3, size);
	if (size - 2 <= 127) {
		at[0] = INSN_JMP8;
		at[1] = (u8)(size - 2);
	} else {
		at[0] = INSN_JMP32;
		put32(at + 1, size - 5);
	}
}

/* Rows of the one-byte nop only. */
static void optimise_6_1(u8 *at, u64 size, u64 readable)
{
	struct insn insn;
	u64 i = 0, end;

	while (i < size && insn_decode(at + i, readable - i, &insn)) {
		if (insn.length != 1 || at[i] != INSN_NOP) {
			i += insn.length;
			continue;
		}
		for (end = i; end < size && at[end] == INSN_NOP; end++)
			;
		if (end - i > 1)
			nops_fill(at + i, end - i);
		i = end;
	}
}

static bool is_nop(const struct insn *insn)
{
	return (insn->opcode[0] == INSN_NOP && insn->prefix != 0xf3) ||
	       (insn->opcode[0] == INSN_ESCAPE && insn->opcode[1] == 0x1f);
}

/* Rows of any nops, but not one alone at the end. */
static void optimise_6_12(u8 *at, u64 size)
{
	struct insn insn;
	u64 i, next;

	for (i = 0; i < size; i = next) {
		if (!insn_decode(at + i, size - i, &insn))
			return;
		next = i + insn.length;
		if (!is_nop(&insn))
			continue;
		if (next == size)
			return;
		while (next < size && insn_decode(at + next, size - next, &insn) &&
		       is_nop(&insn))
			next += insn.length;
		fill_one(at + i, next - i);
	}
}

void nops_optimise(enum hf_loader loader, u8 *at, u64 size, u64 readable)
{
	if (loader == HF_LOADER_6_1)
		optimise_6_1(at, size, readable);
	else
		optimise_6_12(at, size);
}
