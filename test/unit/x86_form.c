// SPDX-License-Identifier: GPL-2.0-only
/* Forms of patched instructions, against capstone: what is recognised is what a CPU would do. */
#include <stdlib.h>
#include <string.h>
#include <capstone/capstone.h>
#include <hv/backend.h>
#include "unit.h"

#define VA 0xffffffff81234560ull

static csh handle;

static int open_capstone(void **ctx)
{
	(void)ctx;
	assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
	return cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
}

static int close_capstone(void **ctx)
{
	(void)ctx;
	return cs_close(&handle);
}

/* The first instruction is all of the bytes, or a return with breakpoints behind it. */
static bool is_form(enum code_form form, const u8 *bytes, u32 size, u64 *to)
{
	cs_insn *insn;
	bool is = false;

	if (!cs_disasm(handle, bytes, size, VA, 1, &insn))
		return false;
	if (insn->detail->x86.op_count == 1 && insn->detail->x86.operands[0].type == X86_OP_IMM)
		*to = (u64)insn->detail->x86.operands[0].imm;
	switch (form) {
	case CODE_NOP:
		is = insn->size == size &&
		     (insn->id == X86_INS_NOP || !memcmp(bytes, "\x66\x90", 2));
		break;
	case CODE_ZERO:
		is = insn->size == size && insn->id == X86_INS_XOR &&
		     insn->detail->x86.operands[0].reg == X86_REG_EAX &&
		     insn->detail->x86.operands[1].reg == X86_REG_EAX;
		break;
	case CODE_RETURN:
		is = insn->id == X86_INS_RET && insn->size == 1;
		for (u32 i = 1; i < size; i++)
			is = is && bytes[i] == 0xcc;
		break;
	case CODE_CALL:
		is = insn->size == size && insn->id == X86_INS_CALL &&
		     insn->detail->x86.operands[0].type == X86_OP_IMM;
		break;
	case CODE_JUMP:
		is = insn->size == size && insn->id == X86_INS_JMP &&
		     insn->detail->x86.operands[0].type == X86_OP_IMM;
		break;
	case CODE_BRANCH:
		is = insn->size == size && insn->id != X86_INS_JMP &&
		     cs_insn_group(handle, insn, X86_GRP_JUMP) &&
		     insn->detail->x86.operands[0].type == X86_OP_IMM;
		break;
	case CODE_FORMS:
		break;
	}
	cs_free(insn, 1);
	return is;
}

static const struct {
	enum code_form form;
	u32 size;
	const char *bytes;
} known[] = {
	{ CODE_NOP, 2, "\x66\x90" },
	{ CODE_NOP, 5, "\x0f\x1f\x44\x00\x00" },
	{ CODE_ZERO, 5, "\x2e\x2e\x2e\x31\xc0" },
	{ CODE_RETURN, 5, "\xc3\xcc\xcc\xcc\xcc" },
	{ CODE_CALL, 5, "\xe8\x01\x02\x03\x04" },
	{ CODE_CALL, 5, "\xe8\x01\x02\x03\xf4" },
	{ CODE_JUMP, 2, "\xeb\x7f" },
	{ CODE_JUMP, 2, "\xeb\x80" },
	{ CODE_JUMP, 5, "\xe9\x01\x02\x03\x04" },
	{ CODE_JUMP, 5, "\xe9\x00\x00\x00\x80" },
	{ CODE_BRANCH, 6, "\x0f\x80\x01\x02\x03\x04" },
	{ CODE_BRANCH, 6, "\x0f\x8f\xff\xff\xff\xff" },
};

static void known_forms(void **ctx)
{
	struct gva to;
	u64 expected;

	(void)ctx;
	for (u32 i = 0; i < ARRAY_SIZE(known); i++) {
		for (u32 form = 0; form < CODE_FORMS; form++) {
			const u8 *bytes = (const u8 *)known[i].bytes;
			bool is = backend_code_is(form, gva(VA), bytes, 0, known[i].size, &to);

			assert_int_equal(is, form == known[i].form);
			assert_int_equal(is, is_form(form, bytes, known[i].size, &expected));
			if (is && form >= CODE_CALL)
				assert_int_equal(to.raw, expected);
		}
	}
}

/* Known ones with a bit or two turned: what is still recognised, capstone recognises too. */
static void near_forms(void **ctx)
{
	u64 expected = 0, seen = 0;
	struct gva to;

	(void)ctx;
	srandom(4);
	for (u32 i = 0; i < 400000; i++) {
		u32 n = (u32)random() % ARRAY_SIZE(known), size = known[n].size;
		u8 bytes[6];

		memcpy(bytes, known[n].bytes, size);
		for (u32 j = (u32)random() % 3; j; j--)
			bytes[(u32)random() % size] ^= (u8)(1u << random() % 8);
		for (u32 form = 0; form < CODE_FORMS; form++) {
			if (!backend_code_is(form, gva(VA), bytes, 0, size, &to))
				continue;
			assert_true(is_form(form, bytes, size, &expected));
			if (form >= CODE_CALL)
				assert_int_equal(to.raw, expected);
			seen++;
		}
	}
	assert_in_range(seen, 100000, 400000);
}

/* Without its first bytes an instruction is of a form if some first bytes make it one. */
static void ends_of_forms(void **ctx)
{
	struct gva to, whole;
	u8 bytes[6];

	(void)ctx;
	for (u32 i = 0; i < ARRAY_SIZE(known); i++) {
		u32 size = known[i].size;

		memcpy(bytes, known[i].bytes, size);
		backend_code_is(known[i].form, gva(VA), bytes, 0, size, &whole);
		bytes[0] = 0xcc;
		assert_false(backend_code_is(known[i].form, gva(VA), bytes, 0, size, &to));
		assert_true(backend_code_is(known[i].form, gva(VA), bytes, 1, size, &to));
		assert_int_equal(to.raw, whole.raw);
		if (known[i].form < CODE_CALL) {
			bytes[size - 1] ^= 1;
			assert_false(
				backend_code_is(known[i].form, gva(VA), bytes, 1, size, &to));
		}
	}
	/* Sizes that no form has. */
	for (u32 form = 0; form <= CODE_FORMS; form++)
		for (u32 size = 3; size < 5; size++)
			assert_false(backend_code_is(form, gva(VA),
						     (const u8 *)"\xe8\xe9\xeb\x0f\x00", 1,
						     size, &to));
}

static void breakpoint(void **ctx)
{
	u8 byte = backend_code_breakpoint();
	cs_insn *insn;

	(void)ctx;
	assert_int_equal(cs_disasm(handle, &byte, 1, VA, 1, &insn), 1);
	assert_int_equal(insn->id, X86_INS_INT3);
	cs_free(insn, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_forms),
		cmocka_unit_test(near_forms),
		cmocka_unit_test(ends_of_forms),
		cmocka_unit_test(breakpoint),
	};

	return cmocka_run_group_tests_name("x86_form", tests, open_capstone, close_capstone);
}
