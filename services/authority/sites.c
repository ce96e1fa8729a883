// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/site.h>

#include "insn.h"
#include "nops.h"
#include "sites.h"
#include "tables.h"
#include "thunks.h"

#define JUMP_SIZE   16u /* struct jump_entry: place, target, 4 bytes each, and the key */
#define CALL_SIZE   8u	/* struct static_call_site: place, key */
#define TRACE_SIZE  8u
#define TRAMPOLINE  8u /* a static call's: 5 bytes and the mark */
#define KEY_TAIL    1u
#define BRANCH_SIZE 6u

static const u8 trampoline_mark[] = { 0x0f, 0xb9, 0xcc };
static const u8 return_zero[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };

/* A place in the code: what should be there, and what is. */
struct place {
	u64 va;
	u8 *code;
	const u8 *memory;
};

static bool find_place(const struct module *module, u64 va, u64 size, struct place *place)
{
	place->va = va;
	place->code = module_code(module, va, size);
	place->memory = place->code ? module_memory(module, place->code) : NULL;
	return place->code && va >= HF_CODE_BASE;
}

static void add(struct module *module, u64 va, enum hf_site_kind kind, u64 target)
{
	module->site[module->sites++] = HF_SITE(va - HF_CODE_BASE, kind, target);
}

/* Has memory that value? Then it is expected. */
static bool accept(const struct place *place, const u8 *value, u64 size)
{
	if (memcmp(place->memory, value, size))
		return false;
	memcpy(place->code, value, size);
	return true;
}

/* ---- where calls may go ---- */

/* Is it among @high entries, with that flag? */
static bool search(const u8 *entries, u64 high, u32 offset, u32 flag)
{
	u64 low = 0, middle;
	u32 entry;

	while (low < high) {
		middle = low + (high - low) / 2;
		entry = get32(entries + middle * 4);
		if ((entry & ~HF_ENTRY_TRAMPOLINE) == offset)
			return (entry & flag) == flag;
		if ((entry & ~HF_ENTRY_TRAMPOLINE) < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool listed(const struct authority *authority,
		   const struct hf_authority_exporter *exporter, u32 offset, u32 flag)
{
	u64 count = exporter->entry_count;

	return count <= UINT32_MAX &&
	       within(exporter->entries_at, count * 4, authority->window_size) &&
	       search(authority->window + exporter->entries_at, count, offset, flag);
}

/* By the kernel or an approved module; by this one. */
static bool registered(const struct module *module, u64 va, u32 flag)
{
	const struct authority *authority = module->authority;
	u32 i;

	for (i = 0; i < authority->exporters && va >= HF_CODE_BASE; i++)
		if (listed(authority, &authority->exporter[i], (u32)(va - HF_CODE_BASE), flag))
			return true;
	return false;
}

static bool own(const struct module *module, u64 va)
{
	return va >= HF_CODE_BASE &&
	       search((const u8 *)module->entry, module->entries, (u32)(va - HF_CODE_BASE), 0);
}

/* Where the branch that memory has there goes, if it is that opcode. */
static bool goes(const struct place *place, const u8 *opcode, u32 size, u64 *target)
{
	if (memcmp(place->memory, opcode, size))
		return false;
	*target = place->va + size + 4 + get_displacement(place->memory + size);
	return true;
}

/* A branch to a function: the kernel's choice, as later when it patches the site. */
static void accept_branch(const struct module *module, const struct place *place,
			  const u8 *opcode, u32 size)
{
	bool call = *opcode == INSN_CALL;
	u64 target;

	if (goes(place, opcode, size, &target) &&
	    (registered(module, target, 0) || own(module, target) ||
	     (!call && target && target == module->facts->return_thunk)))
		memcpy(place->code, place->memory, size + 4);
}

/* ---- static keys ---- */

/* On or off: what the file has must be one of the two. */
static int collect_jump(struct module *module, const struct section *table, u64 offset)
{
	u64 va = module_points(table, offset), target = module_points(table, offset + 4);
	struct place place;
	const u8 *nop = nops_5;
	u8 taken[NOPS_CALL];
	u32 size = NOPS_CALL;

	if (!find_place(module, va, 2, &place))
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
	if (place.code[0] == INSN_JMP8 || !memcmp(place.code, nops_2, sizeof(nops_2))) {
		size = sizeof(nops_2);
		nop = nops_2;
		taken[0] = INSN_JMP8;
		taken[1] = (u8)(target - va - size);
	} else {
		taken[0] = INSN_JMP32;
		put32(taken + 1, target - va - size);
	}
	if (!module_code(module, va, size) || !module_code(module, target, 1) ||
	    (memcmp(place.code, nop, size) && memcmp(place.code, taken, size)))
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
	if (!accept(&place, nop, size))
		accept(&place, taken, size);
	add(module, va, size == NOPS_CALL ? HF_SITE_JUMP5 : HF_SITE_JUMP2,
	    target - HF_CODE_BASE);
	return 0;
}

/* ---- static calls ---- */

static void accept_return(const struct module *module, const struct place *place)
{
	u8 bytes[NOPS_CALL];

	thunks_return(module, place->va, bytes);
	accept(place, bytes, sizeof(bytes));
}

static bool is_branch(const struct place *place)
{
	return place->code[0] == INSN_ESCAPE && (place->code[1] & 0xf0) == 0x80;
}

static enum hf_form accept_call(const struct module *module, const struct place *place,
				bool tail)
{
	static const u8 call[] = { INSN_CALL }, jump[] = { INSN_JMP32 };

	if (tail && is_branch(place)) {
		accept_branch(module, place, place->code, 2);
		return HF_FORM_BRANCH;
	}
	if (tail) {
		accept_branch(module, place, jump, sizeof(jump));
		accept_return(module, place);
		return HF_FORM_TAIL;
	}
	accept_branch(module, place, call, sizeof(call));
	accept(place, nops_5, sizeof(nops_5));
	accept(place, return_zero, sizeof(return_zero));
	return HF_FORM_CALL;
}

static int collect_call(struct module *module, const struct section *table, u64 offset)
{
	bool tail = module_points(table, offset + 4) & KEY_TAIL;
	struct place place;

	if (!find_place(module, module_points(table, offset), NOPS_CALL, &place) ||
	    (is_branch(&place) && !module_code(module, place.va, BRANCH_SIZE)))
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
	add(module, place.va, HF_SITE_CALL, accept_call(module, &place, tail));
	return 0;
}

/* Trampolines of the module's own static calls: no table names them, their mark does. */
static int trampolines(struct module *module, const struct section *text, u64 *count)
{
	struct place place;
	u64 i;

	for (i = 0; within(i, TRAMPOLINE, text->size); i += TRAMPOLINE) {
		if (memcmp(text->bytes + i + NOPS_CALL, trampoline_mark,
			   sizeof(trampoline_mark)))
			continue;
		if (!find_place(module, text->va + i, TRAMPOLINE, &place))
			return module_refuse_section(module, HF_REFUSAL_TABLE, text, i);
		if (count)
			++*count;
		else
			add(module, place.va, HF_SITE_CALL, accept_call(module, &place, true));
	}
	return 0;
}

/* ---- function tracing ---- */

static int collect_trace(struct module *module, const struct section *table, u64 offset)
{
	static const u8 call[] = { INSN_CALL };
	struct place place;
	u64 target;

	if (!find_place(module, get64(table->bytes + offset), NOPS_CALL, &place))
		return module_refuse_section(module, HF_REFUSAL_TABLE, table, offset);
	/* A filter that is set before the module comes may want it traced at once. */
	if (goes(&place, call, sizeof(call), &target) &&
	    registered(module, target, HF_ENTRY_TRAMPOLINE))
		memcpy(place.code, place.memory, NOPS_CALL);
	else
		memcpy(place.code, nops_5, NOPS_CALL);
	add(module, place.va, HF_SITE_TRACE, 0);
	return 0;
}

/* ---- all of them ---- */

enum what {
	JUMPS,
	CALLS,
	TRACES,
	WHATS
};

static const struct {
	const char *name;
	u32 size;
} tables[WHATS] = {
	[JUMPS] = { "__jump_table", JUMP_SIZE },
	[CALLS] = { ".static_call_sites", CALL_SIZE },
	[TRACES] = { "__mcount_loc", TRACE_SIZE },
};

static int collect(struct module *module, enum what what, const struct section *table)
{
	int ret = 0;
	u64 i;

	for (i = 0; i < table->size && !ret; i += tables[what].size)
		ret = what == JUMPS   ? collect_jump(module, table, i)
		      : what == CALLS ? collect_call(module, table, i)
				      : collect_trace(module, table, i);
	return ret;
}

static u32 size_of(u64 site)
{
	if (HF_SITE_KIND(site) == HF_SITE_JUMP2)
		return sizeof(nops_2);
	return HF_SITE_KIND(site) == HF_SITE_CALL && HF_SITE_TARGET(site) == HF_FORM_BRANCH
		       ? BRANCH_SIZE
		       : NOPS_CALL;
}

/* In ascending order; two that overlap would each allow what the other does not. */
static int order(struct module *module)
{
	struct pair *pair = arena_take(module->arena, module->sites, sizeof(*pair));
	u32 i;

	if (!pair)
		return module_no_memory(module);
	for (i = 0; i < module->sites; i++)
		pair[i] = (struct pair){ module->site[i], 0 };
	tables_sort_pairs(pair, module->sites);
	for (i = 0; i < module->sites; i++) {
		module->site[i] = pair[i].key;
		if (i && HF_SITE_AT(pair[i].key) - HF_SITE_AT(pair[i - 1].key) <
				 size_of(pair[i - 1].key))
			return module_refuse(module, HF_REFUSAL_TABLE);
	}
	return 0;
}

int sites_collect(struct module *module)
{
	const struct section *table[WHATS], *text = module_section(module, ".static_call.text");
	u64 count = 0;
	int ret = 0;
	u32 i;

	for (i = 0; i < WHATS; i++) {
		table[i] = module_section(module, tables[i].name);
		if (!table[i])
			continue;
		if (!table[i]->bytes || table[i]->size % tables[i].size)
			return module_refuse_section(module, HF_REFUSAL_TABLE, table[i], 0);
		count += table[i]->size / tables[i].size;
	}
	if (text && (!text->bytes || trampolines(module, text, &count)))
		return module_refuse_section(module, HF_REFUSAL_TABLE, text, 0);
	module->site = arena_take(module->arena, count, sizeof(*module->site));
	if (!module->site)
		return module_no_memory(module);
	for (i = 0; i < WHATS && !ret; i++)
		ret = table[i] ? collect(module, i, table[i]) : 0;
	if (!ret && text)
		ret = trampolines(module, text, NULL);
	return ret ? ret : order(module);
}
