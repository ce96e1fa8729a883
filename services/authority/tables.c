// SPDX-License-Identifier: GPL-2.0-only
#include "tables.h"

#define EXCEPTION_SIZE 12u /* struct exception_table_entry: place, fix-up, type */
#define ORC_SIZE       6u  /* struct orc_entry, and 4 bytes in .orc_unwind_ip */
#define TRACE_SIZE     8u

/* ---- sorting ---- */

static bool less(const struct pair *a, const struct pair *b)
{
	return a->key != b->key ? a->key < b->key : a->value < b->value;
}

/* Lets the pair at @at sink in the heap of @count ones. */
static void sink(struct pair *pair, u64 at, u64 count)
{
	struct pair sinking = pair[at];
	u64 child;

	for (; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && less(&pair[child], &pair[child + 1]))
			child++;
		if (!less(&sinking, &pair[child]))
			break;
		pair[at] = pair[child];
	}
	pair[at] = sinking;
}

void tables_sort_pairs(struct pair *pair, u64 count)
{
	struct pair last;
	u64 i;

	for (i = count / 2; i-- > 0;)
		sink(pair, i, count);
	while (count > 1) {
		last = pair[--count];
		pair[count] = pair[0];
		pair[0] = last;
		sink(pair, 0, count);
	}
}

static bool ascending(const struct pair *pair, u64 count)
{
	u64 i;

	for (i = 1; i < count; i++)
		if (pair[i].key < pair[i - 1].key)
			return false;
	return true;
}

/* ---- the tables ---- */

/* A table and, for some, a second one with as many entries. */
struct table {
	struct section *keys;
	struct section *values;
	u64 count;
};

/* What an entry says, wherever it stands. */
static struct pair exception(const u8 *bytes, u64 va)
{
	u64 fix = va + 4 + get_displacement(bytes + 4);

	return (struct pair){ va + get_displacement(bytes), fix << 32 | get32(bytes + 8) };
}

static struct pair orc(const u8 *ip, u64 va, const u8 *entry)
{
	return (struct pair){ va + get_displacement(ip), get32(entry) | (u64)get16(entry + 4)
										<< 32 };
}

/* @keys, @values: what the table's sections hold, or should hold. */
static void read_pairs(const struct table *table, const u8 *keys, const u8 *values,
		       struct pair *pair)
{
	u64 i, va = table->keys->va;

	for (i = 0; i < table->count; i++) {
		if (values)
			pair[i] = orc(keys + i * 4, va + i * 4, values + i * ORC_SIZE);
		else if (table->keys->size == table->count * TRACE_SIZE)
			pair[i] = (struct pair){ get64(keys + i * TRACE_SIZE), 0 };
		else
			pair[i] = exception(keys + i * EXCEPTION_SIZE, va + i * EXCEPTION_SIZE);
	}
}

/* What the kernel's sort leaves in any order. */
static void sort_ties(struct pair *pair, u64 count)
{
	u64 i, end;

	for (i = 0; i < count; i = end) {
		for (end = i + 1; end < count && pair[end].key == pair[i].key; end++)
			;
		tables_sort_pairs(pair + i, end - i);
	}
}

static int match(struct module *module, const struct table *table)
{
	struct section *keys = table->keys, *values = table->values;
	const u8 *memory = module_memory(module, keys->bytes);
	const u8 *more = values ? module_memory(module, values->bytes) : NULL;
	struct pair *file, *found;
	u64 mark = module->arena->used;
	bool good;

	if (!memory || (values && !more))
		return module_refuse_section(module, HF_REFUSAL_TABLE, keys, 0);
	file = arena_take(module->arena, table->count, sizeof(*file));
	found = arena_take(module->arena, table->count, sizeof(*found));
	if (!file || !found)
		return module_no_memory(module);
	read_pairs(table, keys->bytes, values ? values->bytes : NULL, file);
	read_pairs(table, memory, more, found);
	good = ascending(found, table->count);
	tables_sort_pairs(file, table->count);
	sort_ties(found, table->count);
	good = good && !memcmp(file, found, table->count * sizeof(*file));
	module->arena->used = mark;
	if (!good)
		return module_refuse_section(module, HF_REFUSAL_BYTES, keys, 0);
	memcpy(keys->bytes, memory, keys->size);
	if (values)
		memcpy(values->bytes, more, values->size);
	return 0;
}

static int sort(struct module *module, const char *name, const char *second, u64 size)
{
	struct table table = { .keys = module_section(module, name) };

	if (!table.keys || !table.keys->size)
		return 0;
	table.count = table.keys->size / size;
	if (second) {
		table.values = module_section(module, second);
		if (!table.values)
			return 0;
		if (!table.values->bytes || table.values->size != table.count * ORC_SIZE)
			return module_refuse_section(module, HF_REFUSAL_TABLE, table.values, 0);
	}
	if (!table.keys->bytes || table.keys->size % size)
		return module_refuse_section(module, HF_REFUSAL_TABLE, table.keys, 0);
	return match(module, &table);
}

int tables_sort(struct module *module)
{
	int ret = sort(module, "__ex_table", NULL, EXCEPTION_SIZE);

	if (!ret)
		ret = sort(module, ".orc_unwind_ip", ".orc_unwind", 4);
	return ret ? ret : sort(module, "__mcount_loc", NULL, TRACE_SIZE);
}
