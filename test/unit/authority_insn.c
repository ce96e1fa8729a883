// SPDX-License-Identifier: GPL-2.0-only
/* Lengths and operands of instructions, against capstone, over all code of this program. */
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <capstone/capstone.h>

#include "../../services/authority/insn.h"
#include "../../services/authority/nops.h"

#define ENOUGH 400000ul /* instructions of each library */

static csh handle;
static unsigned long compared, branches, relative;

static bool is_prefix(u8 byte)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0x2e, 0x36, 0x3e, 0x26,
				       0x64, 0x65, 0xf0, 0xf2, 0xf3 };

	return memchr(prefixes, byte, sizeof(prefixes)) != NULL;
}

static bool is_rex(u8 byte)
{
	return (byte & 0xf0) == 0x40;
}

/* What no compiler makes, but data taken for code: 3DNow, XOP, prefixes behind a REX prefix. */
static bool skipped(const cs_insn *insn)
{
	u32 i = 0;

	while (i < 13 && is_prefix(insn->bytes[i]))
		i++;
	if (is_rex(insn->bytes[i]) &&
	    (is_rex(insn->bytes[i + 1]) || is_prefix(insn->bytes[i + 1])))
		return true;
	i += is_rex(insn->bytes[i]);
	return (insn->bytes[i] == 0x0f && insn->bytes[i + 1] == 0x0f) || insn->bytes[i] == 0x8f;
}

static void compare(const cs_insn *insn, const u8 *at, u64 left)
{
	const cs_x86 *x86 = &insn->detail->x86;
	struct insn ours;

	if (skipped(insn))
		return;
	if (!insn_decode(at, left, &ours) || ours.length != insn->size)
		fail_msg("%02x %02x %02x %02x %02x %02x: %u bytes, not %u: %s %s", at[0], at[1],
			 at[2], at[3], at[4], at[5], insn->size, ours.length, insn->mnemonic,
			 insn->op_str);
	assert_false(insn_decode(at, insn->size - 1u, &ours));
	assert_true(insn_decode(at, insn->size, &ours));
	compared++;
	if (x86->encoding.disp_offset && ours.displacement_size &&
	    ours.displacement != x86->encoding.disp_offset)
		fail_msg("%02x %02x %02x %02x %02x %02x: displacement at %u, not %u: %s %s",
			 at[0], at[1], at[2], at[3], at[4], at[5], x86->encoding.disp_offset,
			 ours.displacement, insn->mnemonic, insn->op_str);
	if (x86->op_count && x86->operands[0].type == X86_OP_MEM)
		assert_int_equal(ours.rip_relative, x86->operands[0].mem.base == X86_REG_RIP);
	relative += ours.rip_relative;
	if (insn->id == X86_INS_CALL && x86->operands[0].type == X86_OP_IMM) {
		assert_int_equal(ours.immediate_size, 4);
		assert_int_equal((u64)x86->operands[0].imm,
				 insn->address + insn->size +
					 get_displacement(at + ours.immediate));
		branches++;
	}
}

static void sweep(const u8 *code, size_t size)
{
	cs_insn *insn = cs_malloc(handle);
	unsigned long n;
	const u8 *at;
	size_t left;
	u64 va;

	for (n = 0; size > 16 && n < ENOUGH; n++) {
		at = code;
		left = size;
		va = (u64)code;
		if (cs_disasm_iter(handle, &at, &left, &va, insn)) {
			compare(insn, code, size);
			code += insn->size;
			size -= insn->size;
		} else {
			code++;
			size--;
		}
	}
	cs_free(insn, 1);
}

static int sweep_library(struct dl_phdr_info *info, size_t unused, void *none)
{
	const Elf64_Phdr *header;
	int i;

	(void)unused;
	(void)none;
	for (i = 0; i < info->dlpi_phnum; i++) {
		header = &info->dlpi_phdr[i];
		if (header->p_type == PT_LOAD && header->p_flags & PF_X)
			sweep((const u8 *)(info->dlpi_addr + header->p_vaddr), header->p_memsz);
	}
	return 0;
}

static void test_code(void **none)
{
	(void)none;
	assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	dl_iterate_phdr(sweep_library, NULL);
	cs_close(&handle);
	assert_true(compared > 100000 && branches > 1000 && relative > 1000);
	print_message("%lu instructions, %lu calls, %lu relative to rip\n", compared, branches,
		      relative);
}

/* A nop of every length is one instruction of that length, and does nothing. */
static void test_nops(void **none)
{
	u8 bytes[32];
	struct insn insn;
	u64 n;

	(void)none;
	for (n = 1; n <= 8; n++) {
		memset(bytes, INSN_INT3, sizeof(bytes));
		nops_fill(bytes, n);
		assert_true(insn_decode(bytes, sizeof(bytes), &insn));
		assert_int_equal(insn.length, n);
		assert_int_equal(bytes[n], INSN_INT3);
	}
	nops_fill(bytes, 13);
	assert_true(insn_decode(bytes, 13, &insn) && insn.length == 8);
	assert_true(insn_decode(bytes + 8, 5, &insn) && insn.length == 5);
}

/* A row of one-byte nops between instructions. */
static void test_optimise(void **none)
{
	static const u8 file[] = { 0x50, 0x90, 0x90, 0x90, 0x90, 0x58, 0x90, 0xc3 };
	static const u8 want[] = { 0x50, 0x0f, 0x1f, 0x40, 0x00, 0x58, 0x90, 0xc3 };
	u8 bytes[20];

	(void)none;
	memcpy(bytes, file, sizeof(file));
	nops_optimise(HF_LOADER_6_1, bytes, sizeof(file), sizeof(file));
	assert_memory_equal(bytes, want, sizeof(want));
	memcpy(bytes, file, sizeof(file));
	nops_optimise(HF_LOADER_6_12, bytes, sizeof(file), sizeof(file));
	assert_memory_equal(bytes, want, sizeof(want));
	/* Later kernels jump over what no nop is long enough for, earlier ones take several. */
	memset(bytes, INSN_NOP, sizeof(bytes));
	nops_optimise(HF_LOADER_6_12, bytes, sizeof(bytes), sizeof(bytes));
	assert_true(bytes[0] == INSN_JMP8 && bytes[1] == 18 && bytes[2] == INSN_INT3 &&
		    bytes[19] == INSN_INT3);
	memset(bytes, INSN_NOP, sizeof(bytes));
	nops_optimise(HF_LOADER_6_1, bytes, sizeof(bytes), sizeof(bytes));
	assert_true(bytes[0] == 0x0f && bytes[8] == 0x0f && bytes[16] == 0x0f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_nops),
		cmocka_unit_test(test_optimise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
