// SPDX-License-Identifier: GPL-2.0-only
/* Instructions that Linux patches into its code: ARM C6.2. All have four bytes. */
#include <hv/backend.h>
#include <hv/string.h>

#define NOP	  0xd503201fu
#define RET	  0xd65f03c0u
#define MOV_X0_0  0xd2800000u
#define OPCODE	  0xfc000000u
#define B	  0x14000000u
#define BL	  0x94000000u
#define IMMEDIATE 26

/* What Linux stores may be executed meanwhile: ARM B2.2.5. */
u32 backend_code_whole(void)
{
	return 4;
}

/* UDF #0 is four of them. */
u8 backend_code_breakpoint(void)
{
	return 0;
}

bool backend_code_is(enum code_form form, struct gva va, const u8 *bytes, u32 from, u32 size,
		     struct gva *to)
{
	u32 code;
	s64 words;

	if (size != sizeof(code) || from)
		return false;
	memcpy(&code, bytes, sizeof(code));
	/* Sign extended, in words. */
	words = (s64)((u64)code << (64 - IMMEDIATE)) >> (64 - IMMEDIATE);
	*to = gva(va.raw + (u64)words * 4);
	switch (form) {
	case CODE_NOP:
		return code == NOP;
	case CODE_ZERO:
		return code == MOV_X0_0;
	case CODE_RETURN:
		return code == RET;
	case CODE_CALL:
		return (code & OPCODE) == BL;
	case CODE_JUMP:
		return (code & OPCODE) == B;
	case CODE_BRANCH:
	case CODE_FORMS:
		break;
	}
	return false;
}

/*
 * What reads its own address is carried out in another way here, not copied: Linux,
 * arch/arm64/kernel/probes/decode-insn.c.
 */
bool backend_code_moved(const u8 *copy, const u8 *code, u32 size, u64 by)
{
	(void)by;
	return !memcmp(copy, code, size);
}
