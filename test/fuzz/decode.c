// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction decoder against Zydis, on any bytes.
 *
 * An input is 8 bytes that the registers are made of, and an instruction. Where our decoder
 * accepts, Zydis must agree about operation, length and operands; where Zydis sees one of the forms
 * that are ours, our decoder must accept. Every way in which they may differ has a name below.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <Zydis/Zydis.h>
#include <hv/arch/x86/common/decode.h>
#include "fuzz.h"

#define SEED_BYTES 8

static ZydisDecoder zydis;
static ZydisDecodedInstruction other;
static ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

static struct gprs gprs;
static struct decode_context context = { .gprs = &gprs };

/* ---- the two decoders ---- */

/* Any values will do; half of the registers keep the seed's own bits, which libFuzzer chooses. */
static void set_registers(u64 seed)
{
	u64 z = seed;
	int i;

	for (i = 0; i < GPR_COUNT; i++) {
		z = (z ^ z >> 29) * 0xbf58476d1ce4e5b9ull + 0x9e3779b97f4a7c15ull;
		gprs.r[i] = i % 2 ? z : seed << (4 * i);
	}
	context.rip = seed ^ z << 7;
	context.fs_base = z * 3;
	context.gs_base = ~z;
}

/* From a copy that ends where the bytes end: the sanitizer sees who reads on. */
static int decode_ours(const u8 *bytes, size_t size, struct instruction *i)
{
	u8 *copy = malloc(size + !size);
	int error;

	memcpy(copy, bytes, size);
	error = decode(copy, size, &context, i);
	free(copy);
	return error;
}

static bool decode_other(const u8 *bytes, size_t size)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&zydis, bytes, size, &other, operands));
}

/* ---- what Zydis found, in our words ---- */

static bool is_control(const ZydisDecodedOperand *operand)
{
	return operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       ZydisRegisterGetClass(operand->reg.value) == ZYDIS_REGCLASS_CONTROL;
}

static bool has_prefix(u8 prefix)
{
	u8 i;

	for (i = 0; i < other.raw.prefix_count; i++)
		if (other.raw.prefixes[i].value == prefix)
			return true;
	return false;
}

/* To memory, without a prefix that could repeat the operation. */
static bool is_store(void)
{
	static const u8 opcodes[] = { 0x88, 0x89, 0xc6, 0xc7 };

	return other.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       memchr(opcodes, other.opcode, sizeof(opcodes)) &&
	       operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY && !has_prefix(0xf2) &&
	       !has_prefix(0xf3);
}

/* From one place in memory to another, in none of the forms that are refused. */
static bool is_move(void)
{
	return other.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (other.opcode & 0xfe) == 0xa4 &&
	       !has_prefix(0xf2) && !has_prefix(0x64) && !has_prefix(0x65) && !has_prefix(0x67);
}

/* What a store stores, not cut to its width. */
static u64 source_of(const ZydisDecodedOperand *operand)
{
	ZydisRegister reg = operand->reg.value;
	u64 value;

	if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return operand->imm.value.u;
	value = gprs.r[ZydisRegisterGetId(
		ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg))];
	return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH ? value >> 8 : value;
}

/* The form is one that decode.h lists: -1 if it is not. */
static int operation_of(void)
{
	switch (other.mnemonic) {
	case ZYDIS_MNEMONIC_CLTS:
		return OP_CLTS;
	case ZYDIS_MNEMONIC_LMSW:
		return OP_LMSW;
	case ZYDIS_MNEMONIC_LIDT:
		return OP_LIDT;
	case ZYDIS_MNEMONIC_LGDT:
		return OP_LGDT;
	case ZYDIS_MNEMONIC_LTR:
		return OP_LTR;
	case ZYDIS_MNEMONIC_MOV:
		if (is_control(&operands[0]))
			return OP_MOV_TO_CR;
		if (is_control(&operands[1]))
			return OP_READ_CR;
		return is_store() ? OP_STORE : -1;
	case ZYDIS_MNEMONIC_MOVSB:
	case ZYDIS_MNEMONIC_MOVSW:
	case ZYDIS_MNEMONIC_MOVSD:
	case ZYDIS_MNEMONIC_MOVSQ:
		return is_move() ? OP_MOVS : -1;
	case ZYDIS_MNEMONIC_RDMSR:
	case ZYDIS_MNEMONIC_WRMSR:
		return OP_OTHER;
	default:
		break;
	}
	if (other.opcode_map == ZYDIS_OPCODE_MAP_0F && other.opcode <= 0x01 &&
	    other.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return OP_OTHER;
	return -1;
}

static u64 value_of(ZydisRegister reg)
{
	int id = ZydisRegisterGetId(
		ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg));

	if (reg == ZYDIS_REGISTER_NONE)
		return 0;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return context.rip + other.length;
	return gprs.r[id];
}

/*
 * With mod 0 SIB base 101 means a displacement and no base, whatever REX.B is (APM vol. 3,
 * 1.4.2). Of 32-bit addresses Zydis before 2025-11 makes R13D the base (its issue 592), though
 * it counts the displacement's bytes.
 */
static bool baseless_sib(void)
{
	return (other.attributes & ZYDIS_ATTRIB_HAS_SIB) && other.address_width == 32 &&
	       other.raw.modrm.mod == 0 && other.raw.sib.base == GPR_RBP;
}

static u64 address_of(const ZydisDecodedOperandMem *m)
{
	u64 sum = value_of(m->index) * m->scale;

	if (baseless_sib())
		sum += (u64)other.raw.disp.value;
	else
		sum += value_of(m->base) + (m->disp.has_displacement ? (u64)m->disp.value : 0);
	if (other.address_width == 32)
		sum = (u32)sum;
	if (m->segment == ZYDIS_REGISTER_FS)
		sum += context.fs_base;
	if (m->segment == ZYDIS_REGISTER_GS)
		sum += context.gs_base;
	return sum;
}

static bool same_operand(const struct instruction *i, const ZydisDecodedOperand *operand)
{
	if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
		return i->memory && i->address.raw == address_of(&operand->mem);
	return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && !i->memory &&
	       ZydisRegisterGetId(ZydisRegisterGetLargestEnclosing(
		       ZYDIS_MACHINE_MODE_LONG_64, operand->reg.value)) == i->gpr;
}

static bool same_operands(const struct instruction *i)
{
	switch (i->operation) {
	case OP_MOV_TO_CR:
		return ZydisRegisterGetId(operands[0].reg.value) == i->cr &&
		       same_operand(i, &operands[1]);
	case OP_READ_CR:
		return ZydisRegisterGetId(operands[1].reg.value) == i->cr &&
		       same_operand(i, &operands[0]);
	case OP_LMSW:
	case OP_LIDT:
	case OP_LGDT:
	case OP_LTR:
		return same_operand(i, &operands[0]);
	case OP_CLTS:
		return !i->memory;
	case OP_STORE:
		return i->memory && i->address.raw == address_of(&operands[0].mem) &&
		       i->width * 8 == operands[0].size &&
		       i->value == (source_of(&operands[1]) & (~0ull >> (64 - 8 * i->width)));
	case OP_MOVS:
		return i->memory && i->address.raw == gprs.r[GPR_RDI] &&
		       i->width * 8 == operands[0].size && i->repeat == has_prefix(0xf3);
	case OP_OTHER: /* only its length matters */
		return true;
	}
	return false;
}

/* ---- where they may differ ---- */

static const u8 prefixes[] = {
	0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3
};

/* The opcode, after all prefixes: read without either decoder. */
static const u8 *opcode_at(const u8 *bytes, const u8 *end)
{
	while (bytes < end &&
	       (memchr(prefixes, *bytes, sizeof(prefixes)) || (*bytes & 0xf0) == 0x40))
		bytes++;
	return bytes;
}

/* REX that is not directly before the opcode, which a processor ignores, and LOCK. */
static bool refused_prefix(const u8 *bytes, const u8 *opcode)
{
	const u8 *at;

	for (at = bytes; at < opcode; at++)
		if (*at == 0xf0 || ((*at & 0xf0) == 0x40 && at + 1 < opcode))
			return true;
	return false;
}

/*
 * What our decoder may accept that Zydis does not: groups 6 and 7 (0f 00, 0f 01) and MSR
 * accesses with a meaning
 * of which only the length matters, and control registers that do not exist: an access to those
 * raises #UD before anybody decodes it.
 */
static bool accepted_more(const struct instruction *i)
{
	if (i->operation == OP_MOV_TO_CR || i->operation == OP_READ_CR)
		return i->cr == 1 || (i->cr >= 5 && i->cr != 8);
	return i->operation == OP_OTHER;
}

/* How often each way was met: a fuzzer that never sees an instruction proves nothing. */
enum outcome {
	BOTH_ACCEPT,
	BOTH_REFUSE,
	PREFIX_REFUSED,
	ACCEPTED_MORE,
	OUTCOMES
};
static u64 met[OUTCOMES];

static void report(void)
{
	fprintf(stderr,
		"decode: %llu accepted by both, %llu refused by both, %llu refused for a "
		"prefix, "
		"%llu accepted beyond Zydis\n",
		(unsigned long long)met[BOTH_ACCEPT], (unsigned long long)met[BOTH_REFUSE],
		(unsigned long long)met[PREFIX_REFUSED],
		(unsigned long long)met[ACCEPTED_MORE]);
}

static const char *judge_refused(bool found, bool prefix)
{
	if (found && operation_of() >= 0 && !prefix)
		return "refused, though it is one of ours";
	met[found && operation_of() >= 0 ? PREFIX_REFUSED : BOTH_REFUSE]++;
	return NULL;
}

static const char *judge_accepted(bool found, bool prefix, const struct instruction *i)
{
	if (prefix)
		return "accepted with a prefix that is to be refused";
	if (!found && !accepted_more(i))
		return "accepted, though it is no instruction";
	met[found ? BOTH_ACCEPT : ACCEPTED_MORE]++;
	if (!found)
		return NULL;
	if (operation_of() != (int)i->operation)
		return "another operation";
	if (i->length != other.length)
		return "another length";
	return same_operands(i) ? NULL : "other operands";
}

/* NULL: they agree, or differ in one of the ways above. */
static const char *judge(const u8 *bytes, size_t size, const struct instruction *i, int error)
{
	size_t usable = size < DECODE_MAX ? size : DECODE_MAX;
	bool found = decode_other(bytes, usable);
	bool prefix = refused_prefix(bytes, opcode_at(bytes, bytes + usable));

	if (error)
		return judge_refused(found, prefix);
	if (i->length > usable)
		return "longer than the bytes that are there";
	return judge_accepted(found, prefix, i);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	atexit(report);
	if (ZYAN_SUCCESS(
		    ZydisDecoderInit(&zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return 0;
	fputs("fuzz: Zydis does not start\n", stderr);
	abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct instruction i;
	const char *problem;
	u64 seed;
	int error;

	if (size < SEED_BYTES)
		return -1;
	memcpy(&seed, data, SEED_BYTES);
	set_registers(seed);
	error = decode_ours(data + SEED_BYTES, size - SEED_BYTES, &i);
	if (error && error != -HF_EINVAL)
		fuzz_fail("decode: result %d", error);
	problem = judge(data + SEED_BYTES, size - SEED_BYTES, &i, error);
	if (problem)
		fuzz_fail(
			"decode: %s: error %d operation %d length %u cr %u gpr %u address %llx",
			problem, error, i.operation, i.length, i.cr, i.gpr,
			(unsigned long long)i.address.raw);
	return 0;
}
