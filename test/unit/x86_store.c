// SPDX-License-Identifier: GPL-2.0-only
/* Decoding of stores, against capstone: every form, and random strings. */
#include <stdlib.h>
#include <string.h>
#include <capstone/capstone.h>
#include <hv/arch/x86/common/decode.h>
#include "unit.h"

#define RANDOM_STRINGS 300000
#define RIP	       0xffffffff81234567ull
#define FS_BASE	       0x00007f1122334000ull
#define GS_BASE	       0xffff888100000000ull

static struct gprs gprs;
static const struct decode_context context = { &gprs, RIP, FS_BASE, GS_BASE };
static csh handle;
static cs_insn *other;
static u64 stores, moves, refusals;

static int open_capstone(void **ctx)
{
	int i;

	(void)ctx;
	for (i = 0; i < GPR_COUNT; i++)
		gprs.r[i] = 0xfedc000080000000ull + 0x0123456789abull * (i + 3) * (2 * i + 1);
	stores = moves = refusals = 0;
	assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
	assert_int_equal(cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON), CS_ERR_OK);
	other = cs_malloc(handle);
	assert_non_null(other);
	return 0;
}

static int close_capstone(void **ctx)
{
	(void)ctx;
	cs_free(other, 1);
	return cs_close(&handle);
}

/* By capstone's names: rax, eax, ax and al are register 0, r15d is 15, and ah is 16. */
static int number_of(x86_reg reg)
{
	static const char *const names[] = { "ax",  "cx",  "dx", "bx", "sp", "bp",  "si",
					     "di",  "al",  "cl", "dl", "bl", "spl", "bpl",
					     "sil", "dil", "ah", "ch", "dh", "bh" };
	const char *name = cs_reg_name(handle, reg);
	int i;

	if (name[0] == 'r' && name[1] >= '0' && name[1] <= '9')
		return atoi(name + 1);
	for (i = 0; i < 20; i++)
		if (!strcmp(name, names[i]) || (i < 8 && !strcmp(name + 1, names[i])))
			return i < 8 ? i : i < 16 ? i - 8 : i;
	fail_msg("register %s", name);
	return -1;
}

static u64 value_of(x86_reg reg)
{
	switch (reg) {
	case X86_REG_INVALID:
	case X86_REG_RIZ:
	case X86_REG_EIZ:
		return 0;
	case X86_REG_RIP:
	case X86_REG_EIP:
		return RIP + other->size;
	default:
		return gprs.r[number_of(reg)];
	}
}

/* What is before the opcode, read independently: which segment, and what we refuse. */
struct front {
	size_t opcode;
	u8 segment, rex;
	bool refused, operand16, rep, repne;
};

static struct front look(const u8 *bytes, size_t size)
{
	static const u8 prefix[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
				     0x66, 0x67, 0xf0, 0xf2, 0xf3 };
	struct front f = { 0 };

	for (; f.opcode < size; f.opcode++) {
		u8 byte = bytes[f.opcode];

		if ((byte & 0xf0) == 0x40) {
			f.refused |= f.rex != 0;
			f.rex = byte;
			continue;
		}
		if (!memchr(prefix, byte, sizeof(prefix)))
			break;
		f.refused |= f.rex || byte == 0xf0;
		f.operand16 |= byte == 0x66;
		f.repne |= byte == 0xf2;
		f.rep |= byte == 0xf3;
		if (byte == 0x64 || byte == 0x65)
			f.segment = byte;
	}
	return f;
}

/* Whether capstone sees a store in a form that we take. */
static bool is_store(const u8 *opcode, const struct front *f)
{
	static const u8 opcodes[] = { 0x88, 0x89, 0xc6, 0xc7 };
	const cs_x86 *x = &other->detail->x86;

	return !f->refused && !f->rep && !f->repne && other->id == X86_INS_MOV &&
	       x->op_count == 2 && memchr(opcodes, opcode[0], sizeof(opcodes)) &&
	       x->operands[0].type == X86_OP_MEM;
}

/* The same of a string move: no other segment and no short addresses. */
static bool is_move(const u8 *opcode, const struct front *f)
{
	return !f->refused && !f->repne && !f->segment && other->detail->x86.addr_size == 8 &&
	       (opcode[0] == 0xa4 || opcode[0] == 0xa5);
}

/* Capstone forgets a 66 before REP, as if REP were a mandatory prefix. Processors do not. */
static u32 width_of(u8 opcode, const struct front *f)
{
	u32 width = other->detail->x86.operands[0].size;

	if (!f->rep || !f->operand16)
		return width;
	return opcode == 0xa4 ? 1 : f->rex & 8 ? 8 : 2;
}

static void same_move(const struct instruction *i, u8 opcode, const struct front *f)
{
	assert_int_equal(i->operation, OP_MOVS);
	assert_int_equal(i->length, other->size);
	assert_true(i->memory);
	assert_int_equal(i->address.raw, gprs.r[GPR_RDI]);
	assert_int_equal(i->width, width_of(opcode, f));
	assert_int_equal(i->repeat, f->rep);
}

static void same(const struct instruction *i, const struct front *f)
{
	const cs_x86 *x = &other->detail->x86;
	const x86_op_mem *m = &x->operands[0].mem;
	u64 address = value_of(m->base) + value_of(m->index) * m->scale + m->disp;
	u64 value;

	if (x->addr_size == 4)
		address = (u32)address;
	address += f->segment == 0x64 ? FS_BASE : f->segment == 0x65 ? GS_BASE : 0;
	assert_int_equal(i->operation, OP_STORE);
	assert_false(i->repeat);
	assert_int_equal(i->length, other->size);
	assert_true(i->memory);
	assert_int_equal(i->address.raw, address);
	assert_int_equal(i->width, x->operands[0].size);
	if (x->operands[1].type == X86_OP_IMM)
		value = (u64)x->operands[1].imm;
	else if (number_of(x->operands[1].reg) < 16)
		value = gprs.r[number_of(x->operands[1].reg)];
	else
		value = gprs.r[number_of(x->operands[1].reg) - 16] >> 8;
	assert_int_equal(i->value, i->width == 8 ? value : value & (BIT(8 * i->width) - 1));
}

static void check(const u8 *bytes, size_t size)
{
	struct front f = look(bytes, size);
	u8 *copy = malloc(size ? size : 1); /* reading further is found by the sanitizer */
	const u8 *code = bytes;
	size_t left = size < DECODE_MAX ? size : DECODE_MAX;
	uint64_t at = RIP;
	struct instruction i;
	bool found;
	int error;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	error = decode(copy, size, &context, &i);
	free(copy);
	if (!error && i.operation != OP_STORE && i.operation != OP_MOVS)
		return; /* x86_decode.c */
	found = cs_disasm_iter(handle, &code, &left, &at, other);
	if (found && error && (is_store(bytes + f.opcode, &f) || is_move(bytes + f.opcode, &f)))
		fail_msg("refused: %s %s", other->mnemonic, other->op_str);
	if (found && is_store(bytes + f.opcode, &f)) {
		same(&i, &f);
		stores++;
	} else if (found && is_move(bytes + f.opcode, &f)) {
		same_move(&i, bytes[f.opcode], &f);
		moves++;
	} else {
		assert_int_equal(error, -HF_EINVAL);
		refusals++;
	}
}

/* Every REX, ModRM and SIB of all opcodes, with the operand prefix and without. */
static void every_form(void **ctx)
{
	static const u8 opcodes[] = { 0x88, 0x89, 0xc6, 0xc7 };
	u8 bytes[] = { 0, 0, 0, 0, 0, 0x9c, 0xf1, 0x22, 0x83, 0x44, 0x55, 0x66, 0x77, 0x88 };
	u32 which, rex, modrm, sib, sibs;

	(void)ctx;
	for (which = 0; which < 8; which++)
		for (rex = 0x3f; rex <= 0x4f; rex++)
			for (modrm = 0; modrm < 256; modrm++) {
				size_t at = 0;

				if (which & 1)
					bytes[at++] = 0x66;
				if (rex >= 0x40)
					bytes[at++] = rex;
				bytes[at++] = opcodes[which / 2];
				bytes[at++] = modrm;
				sibs = (modrm & 7) == 4 && modrm < 0xc0 ? 256 : 1;
				for (sib = 0; sib < sibs; sib++) {
					bytes[at] = sib;
					check(bytes, sizeof(bytes));
				}
			}
	assert_true(stores > 200000 && refusals > 200000);
}

/* Every string of prefixes, up to three, before both opcodes. */
static void every_move(void **ctx)
{
	static const u8 prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
				       0x66, 0x67, 0xf0, 0xf2, 0xf3 };
	u32 which, number, rex;

	(void)ctx;
	for (which = 0; which < 2; which++)
		for (number = 0; number < 12 * 12 * 12; number++)
			for (rex = 0x3f; rex <= 0x4f; rex++) {
				u8 bytes[8] = { 0 };
				size_t at = 0;
				u32 rest;

				for (rest = number; rest; rest /= 12)
					if (rest % 12)
						bytes[at++] = prefixes[rest % 12 - 1];
				if (rex >= 0x40)
					bytes[at++] = rex;
				bytes[at++] = 0xa4 + which;
				check(bytes, at);
				check(bytes, at - 1);
			}
	assert_true(moves > 5000 && refusals > 10000);
}

static void random_strings(void **ctx)
{
	static const u8 prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67,
				       0x64, 0x65, 0x66, 0x66, 0xf0, 0xf2, 0xf3 };
	static const u8 opcodes[] = { 0x89, 0xc7, 0x88, 0xc6, 0xa3, 0x87,
				      0xab, 0xa2, 0xaa, 0xa4, 0xa5 };
	u32 n;

	(void)ctx;
	unit_seed("store");
	for (n = 0; n < RANDOM_STRINGS; n++) {
		u8 bytes[DECODE_MAX + 5];
		size_t at = 0, size = sizeof(bytes), before = unit_below(4), k;

		for (k = 0; k < sizeof(bytes); k++)
			bytes[k] = unit_random();
		if (!unit_below(16))
			before = unit_below(DECODE_MAX);
		while (before--)
			bytes[at++] = prefixes[unit_below(unit_below(4) ? 10 : 14)];
		if (unit_below(2))
			bytes[at++] = 0x40 | unit_below(16);
		bytes[at++] = opcodes[unit_below(unit_below(4) ? 4 : ARRAY_SIZE(opcodes))];
		if ((bytes[at - 1] & 0xfe) == 0xc6 && unit_below(2))
			bytes[at] &= 0xc7; /* /0 */
		if (!unit_below(4))
			size = unit_below(sizeof(bytes));
		check(bytes, size);
	}
	assert_true(stores > RANDOM_STRINGS / 10 && refusals > RANDOM_STRINGS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_form, open_capstone, close_capstone),
		cmocka_unit_test_setup_teardown(every_move, open_capstone, close_capstone),
		cmocka_unit_test_setup_teardown(random_strings, open_capstone, close_capstone),
	};

	return cmocka_run_group_tests_name("x86_store", tests, NULL, NULL);
}
