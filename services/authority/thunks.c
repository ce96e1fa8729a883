// SPDX-License-Identifier: GPL-2.0-only
/* arch/x86/kernel/alternative.c: apply_retpolines(), apply_returns(), apply_seal_endbr(). */
#include "insn.h"
#include "its.h"
#include "nops.h"
#include "thunks.h"

#define THUNK_SIZE 32u
#define REGISTERS  16u

/* A table of places, 4 bytes each, relative to where they stand; NULL with ret 0: there is none. */
static const struct section *places(struct module *module, const char *name, int *ret)
{
	const struct section *table = module_section(module, name);

	*ret = 0;
	if (table && (!table->bytes || table->size % 4)) {
		*ret = module_refuse_section(module, HF_REFUSAL_TABLE, table, 0);
		return NULL;
	}
	return table;
}

/* ---- indirect branches ---- */

/* Writes "jmp *reg" or "call *reg"; returns its length. */
static u32 indirect(u8 *at, bool call, u32 reg)
{
	u32 n = 0;

	if (reg >= 8)
		at[n++] = 0x41;
	at[n++] = 0xff;
	at[n++] = (u8)(0xc0 + (call ? 0x10 : 0x20) + (reg & 7));
	return n;
}

/* What comes in front of the branch that takes the place of @insn. Returns its length. */
static u32 front(const struct module *module, u8 *bytes, const struct insn *insn)
{
	u32 n = 0;

	if (insn_is_jcc32(insn)) {
		bytes[n++] = (u8)(0x70 + ((insn->opcode[1] & 15) ^ 1));
		bytes[n++] = (u8)(insn->length - 2);
	}
	if (module->facts->flags & HF_FACT_RETPOLINE_LFENCE) {
		bytes[n++] = 0x0f;
		bytes[n++] = 0xae;
		bytes[n++] = 0xe8;
	}
	return n;
}

/* The branch itself, and what fills the rest. Returns the length of all. */
static u32 direct(u8 *bytes, u32 n, const struct insn *insn, u32 reg)
{
	bool call = insn->opcode[0] == INSN_CALL;

	n += indirect(bytes + n, call, reg);
	if (!call && n < insn->length)
		bytes[n++] = INSN_INT3;
	while (n < insn->length)
		bytes[n++] = INSN_NOP;
	return n;
}

/* Lets @insn, which calls or jumps to the kernel's thunk of @reg, go to one of the module's. */
static bool redirect(struct module *module, u64 va, u8 *code, const struct insn *insn, u32 reg)
{
	u64 thunk = its_thunk(module, reg);

	if (!thunk || insn->length > 6)
		return false;
	/* A prefix without meaning fills the place. */
	if (insn->length == 6 && !insn_is_jcc32(insn))
		code[0] = 0x2e;
	put32(code + insn->immediate, thunk - va - insn->length);
	return true;
}

static int patch_retpoline(struct module *module, const struct section *table, u64 offset)
{
	u64 va = module_points(table, offset), target;
	u8 *code = module_code(module, va, 1), bytes[32];
	struct insn insn;
	u32 used, reg;

	if (!code || !insn_decode(code, module_left(module, code), &insn) ||
	    insn.immediate_size != 4)
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
	target = va + insn.length + get_displacement(code + insn.immediate) -
		 module->facts->indirect_thunks;
	if ((insn.opcode[0] != INSN_CALL && insn.opcode[0] != INSN_JMP32 &&
	     !insn_is_jcc32(&insn)) ||
	    target % THUNK_SIZE || target / THUNK_SIZE >= REGISTERS)
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
	/* The thunks are what the file calls; with an LFENCE it may not fit: then too. */
	if ((module->facts->flags & (HF_FACT_RETPOLINE | HF_FACT_RETPOLINE_LFENCE)) ==
	    HF_FACT_RETPOLINE)
		return 0;
	reg = (u32)(target / THUNK_SIZE);
	used = front(module, bytes, &insn);
	if (its_wants(module, va + used, reg)) {
		if (redirect(module, va, code, &insn, reg))
			return 0;
		return module_refuse_section(module, HF_REFUSAL_LAYOUT, table, offset);
	}
	used = direct(bytes, used, &insn, reg);
	if (used != insn.length)
		return 0;
	nops_optimise(module->facts->loader, bytes, used, used);
	memcpy(code, bytes, used);
	return 0;
}

int thunks_retpolines(struct module *module)
{
	const struct section *table;
	int ret = its_open(module);
	u64 i;

	if (ret)
		return ret;
	table = places(module, ".retpoline_sites", &ret);
	for (i = 0; table && i < table->size && !ret; i += 4)
		ret = patch_retpoline(module, table, i);
	return ret ? ret : its_close(module);
}

/* ---- returns ---- */

void thunks_return(const struct module *module, u64 va, u8 bytes[5])
{
	const struct hf_authority_facts *facts = module->facts;
	/* On CPUs with the ITS bug only those in the lower half of a cache line. */
	bool thunk = facts->flags & HF_FACT_RETURN_THUNK &&
		     (!facts->its_return_thunk ||
		      facts->return_thunk != facts->its_return_thunk || !(va & 0x20));

	memset(bytes, INSN_INT3, 5);
	if (!thunk) {
		bytes[0] = INSN_RET;
		return;
	}
	bytes[0] = INSN_JMP32;
	put32(bytes + 1, facts->return_thunk - va - 5);
}

int thunks_returns(struct module *module)
{
	const struct section *table;
	u64 i, va;
	u8 *code;
	int ret;

	table = places(module, ".return_sites", &ret);
	for (i = 0; table && i < table->size; i += 4) {
		va = module_points(table, i);
		code = module_code(module, va, 5);
		if (!code || code[0] != INSN_JMP32)
			return module_refuse_section(module, HF_REFUSAL_TABLE, table, i);
		thunks_return(module, va, code);
	}
	return ret;
}

/* ---- single places ---- */

/* What is never called indirectly loses its landing pad, with or without IBT. */
int thunks_seal(struct module *module)
{
	static const u8 pad[] = { 0xf3, 0x0f, 0x1e, 0xfa },
			poison[] = { 0x66, 0x0f, 0x1f, 0x00 };
	const struct section *table;
	u8 *code;
	int ret;
	u64 i;

	table = places(module, ".ibt_endbr_seal", &ret);
	for (i = 0; table && i < table->size; i += 4) {
		code = module_code(module, module_points(table, i), sizeof(pad));
		if (!code)
			return module_refuse_section(module, HF_REFUSAL_TABLE, table, i);
		if (!memcmp(code, pad, sizeof(pad)))
			memcpy(code, poison, sizeof(poison));
	}
	return ret;
}

/* With one CPU a lock prefix becomes a segment prefix without meaning, but not in init code. */
int thunks_locks(struct module *module)
{
	const struct section *table, *text = module_section(module, ".text");
	bool whole = module->facts->loader != HF_LOADER_6_1;
	u64 i, va;
	u8 *code;
	int ret;

	table = places(module, ".smp_locks", &ret);
	if (!(module->facts->flags & HF_FACT_UNIPROCESSOR) || (!whole && !text))
		return ret;
	for (i = 0; table && i < table->size; i += 4) {
		va = module_points(table, i);
		code = module_code(module, va, 1);
		if (!get32(table->bytes + i) || !code || *code != 0xf0)
			continue;
		if (whole ? va - module->part[HF_PART_TEXT].va < module->part[HF_PART_TEXT].size
			  : va - text->va < text->size)
			*code = 0x3e;
	}
	return ret;
}
