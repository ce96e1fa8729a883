// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encodings of what Linux patches into its code: arch/x86/include/asm/nops.h and
 * text-patching.h, arch/x86/kernel/static_call.c.
 */
#include <holdfast/site.h>
#include <hv/backend.h>
#include <hv/string.h>

u32 backend_code_whole(void)
{
	return 0;
}

u8 backend_code_breakpoint(void)
{
	return 0xcc;
}

static bool fixed(const u8 *value, const u8 *bytes, u32 from, u32 size)
{
	return !memcmp(bytes + from, value + from, size - from);
}

/* The displacement is the last bytes, and counts from the end. */
static struct gva target(struct gva va, const u8 *bytes, u32 size)
{
	s32 displacement = (bytes[size - 1] ^ 0x80) - 0x80;

	if (size > 4)
		__builtin_memcpy(&displacement, bytes + size - 4, sizeof(displacement));
	return gva(va.raw + size + (u64)(s64)displacement);
}

bool backend_code_is(enum code_form form, struct gva va, const u8 *bytes, u32 from, u32 size,
		     struct gva *to)
{
	static const u8 nop2[] = { 0x66, 0x90 };
	static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	static const u8 zero[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };
	static const u8 ret[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };

	*to = target(va, bytes, size);
	switch (form) {
	case CODE_NOP:
		return size == 2 ? fixed(nop2, bytes, from, size)
				 : size == 5 && fixed(nop5, bytes, from, size);
	case CODE_ZERO:
		return size == 5 && fixed(zero, bytes, from, size);
	case CODE_RETURN:
		return size == 5 && fixed(ret, bytes, from, size);
	case CODE_CALL:
		return size == 5 && (from || bytes[0] == 0xe8);
	case CODE_JUMP:
		return (size == 2 || size == 5) &&
		       (from || bytes[0] == (size == 2 ? 0xeb : 0xe9));
	case CODE_BRANCH:
		return size == 6 && (from || bytes[0] == 0x0f) && (bytes[1] & 0xf0) == 0x80;
	case CODE_FORMS:
		break;
	}
	return false;
}

/*
 * Branches are not copied (can_boost() in arch/x86/kernel/kprobes/core.c), so what counts from the
 * instruction is an operand in memory: a ModRM byte of mod 0, r/m 5, and four bytes of displacement
 * (AMD APM vol. 3, 1.7.1). That instruction is longer than a jump and therefore the last, with an
 * immediate of up to four bytes behind the displacement.
 */
bool backend_code_moved(const u8 *copy, const u8 *code, u32 size, u64 by)
{
	u32 displacement, at = size - sizeof(displacement);
	u8 moved[HF_COPY_MAX];

	if (!memcmp(copy, code, size))
		return true;
	for (u32 immediate = 0; immediate <= 4 && at >= 2; immediate++, at--) {
		memcpy(&displacement, code + at, sizeof(displacement));
		displacement += (u32)by;
		memcpy(moved, code, size);
		memcpy(moved + at, &displacement, sizeof(displacement));
		if ((code[at - 1] & 0xc7) == 0x05 && !memcmp(copy, moved, size))
			return true;
	}
	return false;
}
