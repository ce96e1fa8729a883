// SPDX-License-Identifier: GPL-2.0-only
/*
 * arch/x86/kernel/alternative.c: apply_paravirt(), apply_alternatives(). What is patched, and what
 * it is replaced by, is taken from what memory should hold by then, in the order of the table:
 * entries for the same place build on each other.
 */
#include "alternatives.h"
#include "insn.h"
#include "nops.h"

#define PATCH_MAX 255u /* bytes: the lengths are in one byte */

/* ---- paravirt ---- */

#define PARAVIRT_SIZE 16u /* struct paravirt_patch_site: address, type, length */

static int patch_paravirt(struct module *module, const struct section *table, u64 offset)
{
	const struct hf_authority_facts *facts = module->facts;
	const u8 *entry = table->bytes + offset;
	u64 va = get64(entry), target;
	u32 type = entry[8], size = entry[9], used = 0;
	u8 *code = module_code(module, va, size);

	if (!code || type >= facts->pv_count)
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
	target = facts->pv_op[type] ? facts->pv_op[type] : facts->pv_bug;
	if (target != facts->pv_nop) {
		if (size < NOPS_CALL)
			return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
		code[0] = INSN_CALL;
		put32(code + 1, target - va - NOPS_CALL);
		used = NOPS_CALL;
	}
	nops_fill(code + used, size - used);
	return 0;
}

int alternatives_paravirt(struct module *module)
{
	const struct section *table = module_section(module, ".parainstructions");
	int ret = 0;
	u64 i;

	if (!table || module->facts->loader != HF_LOADER_6_1)
		return 0;
	if (!table->bytes || table->size % PARAVIRT_SIZE)
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, 0);
	for (i = 0; i < table->size && !ret; i += PARAVIRT_SIZE)
		ret = patch_paravirt(module, table, i);
	return ret;
}

/* ---- alternatives ---- */

/* Two layouts of struct alt_instr: the place and the replacement, then what for. */
#define ENTRY_SIZE_6_1	12u
#define ENTRY_SIZE_6_12 14u
#define FLAG_NOT_6_1	0x8000u
#define FLAG_NOT	1u
#define FLAG_CALL	2u

/* @va, @code, @size: what is replaced. @source, @with, @length: by what. */
struct alternative {
	u64 va;
	u8 *code;
	u32 size;
	u64 source;
	const u8 *with;
	u32 length;
	u32 feature;
	bool absent; /* where the CPU lacks the feature */
	bool call;   /* an indirect call, made direct */
};

static u64 entry_size(const struct module *module)
{
	return module->facts->loader == HF_LOADER_6_1 ? ENTRY_SIZE_6_1 : ENTRY_SIZE_6_12;
}

static int read(struct module *module, const struct section *table, u64 offset,
		struct alternative *a)
{
	const u8 *entry = table->bytes + offset;
	u32 what;

	if (module->facts->loader == HF_LOADER_6_1) {
		what = get16(entry + 8);
		*a = (struct alternative){ .feature = what & ~FLAG_NOT_6_1,
					   .absent = what & FLAG_NOT_6_1,
					   .size = entry[10],
					   .length = entry[11] };
	} else {
		what = get32(entry + 8);
		*a = (struct alternative){ .feature = what & 0xffff,
					   .absent = what >> 16 & FLAG_NOT,
					   .call = what >> 16 & FLAG_CALL,
					   .size = entry[12],
					   .length = entry[13] };
	}
	a->va = module_points(table, offset);
	a->source = module_points(table, offset + 4);
	a->code = module_code(module, a->va, a->size);
	a->with = module_expected(module, a->source, a->length);
	if (!a->code || (a->length && !a->with) || a->length > a->size ||
	    a->feature >= module->facts->capability_count * 32)
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
	return 0;
}

static bool has(const struct module *module, u32 feature)
{
	return module->facts->capability[feature / 32] >> (feature % 32) & 1;
}

/* The first instruction only, and a jump only if it is all there is. */
static void fix_6_1(const struct alternative *a, u8 *buffer)
{
	u64 target;

	if (a->length != 5)
		return;
	if (buffer[0] == INSN_CALL)
		put32(buffer + 1, get32(buffer + 1) + a->source - a->va);
	if (buffer[0] != INSN_JMP8 && buffer[0] != INSN_JMP32)
		return;
	target = a->source + 5 + get_displacement(buffer + 1) - a->va;
	/* Short forwards; backwards the kernel's own test never holds. */
	if ((s64)target >= 0 && (s64)target - 2 <= 127) {
		buffer[0] = INSN_JMP8;
		buffer[1] = (u8)(target - 2);
		nops_fill(buffer + 2, 3);
	} else {
		buffer[0] = INSN_JMP32;
		put32(buffer + 1, target - 5);
	}
}

/* Adds to a displacement that leads out of the replacement, if the result fits. */
static bool move(u8 *at, u32 size, u64 next, u64 length, u64 by)
{
	s64 value = size == 1 ? (s64)(signed char)*at : (s64)(s32)get32(at);
	s64 target = (s64)next + value;

	if (size != 1 && size != 4)
		return false;
	if (target >= 0 && target <= (s64)length)
		return true;
	value += (s64)by;
	if (size == 1) {
		*at = (u8)value;
		return value == (s64)(signed char)*at;
	}
	put32(at, (u64)value);
	return value == (s64)(s32)value;
}

static bool is_branch(const struct insn *insn)
{
	return insn_is_jcc32(insn) || (insn->opcode[0] & 0xf0) == 0x70 ||
	       insn->opcode[0] == INSN_JMP8 || insn->opcode[0] == INSN_JMP32 ||
	       insn->opcode[0] == INSN_CALL;
}

/* What leads elsewhere does so relative to where it is; a long jump becomes short if it can. */
static bool fix_insn(const struct alternative *a, u8 *at, u64 next, const struct insn *insn)
{
	u64 by = a->source - a->va;
	s64 target = 128; /* too far */

	if (is_branch(insn)) {
		if (insn->opcode[0] == INSN_JMP32)
			target = (s64)(s32)get32(at + insn->immediate) + (s64)by + 3;
		if (!move(at + insn->immediate, insn->immediate_size, next, a->length, by))
			return false;
		if (target >= -128 && target <= 127) {
			memset(at, INSN_INT3, insn->length);
			at[0] = INSN_JMP8;
			at[1] = (u8)target;
		}
	}
	return !insn->rip_relative ||
	       move(at + insn->displacement, insn->displacement_size, next, a->length, by);
}

static bool fix_6_12(const struct alternative *a, u8 *buffer)
{
	struct insn insn;
	u64 i, next;

	for (i = 0; i < a->size; i = next) {
		if (!insn_decode(buffer + i, a->size - i, &insn))
			return false;
		next = i + insn.length;
		if (!fix_insn(a, buffer + i, next, &insn))
			return false;
	}
	return true;
}

/* "call *pv_ops+n(%rip)" becomes "call that"; the replacement is a call of BUG_func. */
static bool direct_call(const struct module *module, struct alternative *a, u8 *buffer)
{
	const struct hf_authority_facts *facts = module->facts;
	u64 slot = a->va + a->size + get_displacement(a->code + 2), target;

	if (a->length != 5 || buffer[0] != INSN_CALL || a->size != 6 || a->code[0] != 0xff ||
	    a->code[1] != 0x15 || slot < facts->pv_ops || (slot - facts->pv_ops) % 8 ||
	    (slot - facts->pv_ops) / 8 >= facts->pv_count)
		return false;
	target = facts->pv_op[(slot - facts->pv_ops) / 8];
	if (!target)
		target = facts->pv_bug;
	put32(buffer + 1, get32(buffer + 1) + target - facts->pv_bug);
	if (target == facts->pv_nop)
		memset(buffer, INSN_NOP, a->length);
	return true;
}

static int apply(struct module *module, const struct section *table, u64 offset)
{
	enum hf_loader loader = module->facts->loader;
	struct alternative a;
	u8 buffer[PATCH_MAX];
	int ret = read(module, table, offset, &a);
	bool good = true;

	if (ret)
		return ret;
	if (has(module, a.feature) != a.absent) {
		memset(buffer, INSN_NOP, a.size);
		if (a.length)
			memcpy(buffer, a.with, a.length);
		if (a.call)
			good = direct_call(module, &a, buffer);
		if (loader == HF_LOADER_6_1)
			fix_6_1(&a, buffer);
		else if (good)
			good = fix_6_12(&a, buffer);
		if (!good)
			return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
		memcpy(a.code, buffer, a.size);
	}
	nops_optimise(loader, a.code, a.size, module_left(module, a.code));
	return 0;
}

/* Later kernels make all lengths of one place the longest, in the table: it stays in memory. */
static void level(struct module *module, const struct section *table, u64 offset)
{
	u64 size = entry_size(module), next = offset + size;
	u8 *entry = table->bytes + offset, *other;

	for (; next < table->size && module_points(table, next) == module_points(table, offset);
	     next += size) {
		other = table->bytes + next;
		if (entry[12] < other[12])
			entry[12] = other[12];
		else
			other[12] = entry[12];
	}
}

int alternatives_apply(struct module *module)
{
	const struct section *table = module_section(module, ".altinstructions");
	u64 size = entry_size(module), i;
	int ret = 0;

	if (!table)
		return 0;
	if (!table->bytes || table->size % size)
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, 0);
	for (i = 0; i < table->size && !ret; i += size) {
		if (module->facts->loader != HF_LOADER_6_1)
			level(module, table, i);
		ret = apply(module, table, i);
	}
	return ret;
}
