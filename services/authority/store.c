// SPDX-License-Identifier: GPL-2.0-only
#include "room.h"
#include "store.h"

#define EXPORT_SIZE 12u /* as symbols.c has it */

/* The kernel, and those that are live: made anew for each judgement. */
static struct hf_authority_exporter exporter[1 + HF_AUTHORITY_MODULES];

/* ---- what is recorded ---- */

/* Whole records of @each bytes behind the first @count of them. */
static int append(void *to, u64 *count, u64 most, u64 each, const u8 *bytes, u64 size)
{
	if (size % each)
		return -HF_EINVAL;
	if (size / each > most - *count)
		return -HF_ENOSPC;
	memcpy((u8 *)to + *count * each, bytes, size);
	*count += size / each;
	return 0;
}

static int append_few(void *to, u32 *count, u64 most, u64 each, const u8 *bytes, u64 size)
{
	u64 n = *count;
	int ret = append(to, &n, most, each, bytes, size);

	*count = (u32)n;
	return ret;
}

static int record_one(void *to, u64 each, const u8 *bytes, u64 size)
{
	if (size != each)
		return -HF_EINVAL;
	memcpy(to, bytes, size);
	return 0;
}

/* What was approved against other facts is worth nothing. */
static void forget(void)
{
	memset(&room.facts, 0, sizeof(room.facts));
	memset(&room.kernel, 0, sizeof(room.kernel));
	room.keys = room.hashes = 0;
	room.exports_size = room.entries_size = 0;
	for (u32 i = 0; i < HF_AUTHORITY_MODULES; i++)
		room.approved[i].live = 0;
}

int store_record(const struct hf_authority_piece *piece, const u8 *bytes)
{
	switch (piece->what) {
	case HF_RECORD_FACTS:
		forget();
		return record_one(&room.facts, sizeof(room.facts), bytes, piece->size);
	case HF_RECORD_KEYS:
		return append_few(room.key, &room.keys, HF_AUTHORITY_KEYS, sizeof(room.key[0]),
				  bytes, piece->size);
	case HF_RECORD_HASHES:
		return append_few(room.hash, &room.hashes, HF_AUTHORITY_HASHES,
				  sizeof(room.hash[0]), bytes, piece->size);
	case HF_RECORD_KERNEL:
		return record_one(&room.kernel, sizeof(room.kernel), bytes, piece->size);
	case HF_RECORD_EXPORTS:
		return append(room.exports, &room.exports_size, sizeof(room.exports), 1, bytes,
			      piece->size);
	case HF_RECORD_ENTRIES:
		return append(room.entry, &room.entries_size, HF_AUTHORITY_ENTRIES, sizeof(u32),
			      bytes, piece->size);
	}
	return -HF_EINVAL;
}

void store_tell(struct authority *authority)
{
	u32 count = 1;

	exporter[0] = room.kernel;
	exporter[0].memory.at = room_offset(room.exports);
	exporter[0].memory.size = room.exports_size;
	exporter[0].entries_at = room_offset(room.entry);
	exporter[0].entry_count = room.entries_size;
	for (u32 i = 0; i < HF_AUTHORITY_MODULES; i++)
		if (room.approved[i].live)
			exporter[count++] = room.approved[i].exporter;
	*authority = (struct authority){ .window = (const u8 *)&room,
					 .window_size = sizeof(room),
					 .facts = &room.facts,
					 .key = room.key,
					 .keys = room.keys,
					 .revoked = room.hash,
					 .revocations = room.hashes,
					 .exporter = exporter,
					 .exporters = count };
}

/* ---- modules that were approved ---- */

static struct approved *find(const u8 *name)
{
	for (u32 i = 0; i < HF_AUTHORITY_MODULES; i++)
		if (room.approved[i].live &&
		    !memcmp(room.approved[i].name, name, HF_MODULE_NAME))
			return &room.approved[i];
	return NULL;
}

static struct approved *find_free(void)
{
	for (u32 i = 0; i < HF_AUTHORITY_MODULES; i++)
		if (!room.approved[i].live)
			return &room.approved[i];
	return NULL;
}

static const struct approved *in_the_way(u64 start, u64 size)
{
	const struct approved *other;

	for (u32 i = 0; i < HF_AUTHORITY_MODULES; i++) {
		other = &room.approved[i];
		if (other->live && start < other->pool + other->pool_size &&
		    other->pool < start + size)
			return other;
	}
	return NULL;
}

/* The first gap. */
static bool find_room(u64 size, u64 *start)
{
	const struct approved *other;

	for (*start = 0; within(*start, size, sizeof(room.pool));) {
		other = in_the_way(*start, size);
		if (!other)
			return true;
		*start = other->pool + other->pool_size;
	}
	return false;
}

/*
 * What a module exports, as tables of our own, names behind them: what lies between them in its
 * memory would fill the pool. @bytes: NULL while it is measured; @entry, @end: so far
 */
struct copy {
	u8 *bytes;
	u64 entry;
	u64 end;
};

/* The entry at offset @at of the exporter's memory. False: it is not all in there. */
static bool copy_export(const struct hf_authority_memory *memory, u64 at, struct copy *to)
{
	const u8 *bytes = (const u8 *)&room + memory->at, *last = NULL;
	u64 name, size;

	if (!within(at, EXPORT_SIZE, memory->size))
		return false;
	name = at + 4 + get_displacement(bytes + at + 4);
	if (name < memory->size)
		last = memchr(bytes + name, 0, memory->size - name);
	if (!last)
		return false;
	size = (u64)(last - bytes) + 1 - name;
	if (to->bytes) {
		put32(to->bytes + to->entry, at + get_displacement(bytes + at) - to->entry);
		put32(to->bytes + to->entry + 4, to->end - to->entry - 4);
		put32(to->bytes + to->entry + 8, 0);
		memcpy(to->bytes + to->end, bytes + name, size);
	}
	to->entry += EXPORT_SIZE;
	to->end += size;
	return true;
}

/* Addresses are as if they began where its memory does. */
static bool copy_exports(const struct hf_authority_exporter *of, struct copy *to)
{
	u64 count = of->count[0] + of->count[1];

	to->entry = 0;
	to->end = count * EXPORT_SIZE;
	for (u32 table = 0; table < 2; table++)
		for (u64 i = 0; i < of->count[table]; i++)
			if (!copy_export(&of->memory,
					 of->symbols[table] + i * EXPORT_SIZE - of->memory.va,
					 to))
				return false;
	to->end = (to->end + 3) & ~3ull;
	return true;
}

static void fill(struct approved *to, const struct hf_authority_result *result, const u8 *work)
{
	const struct hf_authority_exporter *of = &result->exporter;
	struct copy copy = { .bytes = room.pool + to->pool };

	copy_exports(of, &copy);
	memcpy(copy.bytes + copy.end, work + of->entries_at, of->entry_count * sizeof(u32));
	to->exporter = *of;
	to->exporter.memory.size = copy.end;
	to->exporter.memory.at = room_offset(copy.bytes);
	to->exporter.symbols[0] = of->memory.va;
	to->exporter.symbols[1] = of->memory.va + of->count[0] * EXPORT_SIZE;
	to->exporter.entries_at = room_offset(copy.bytes + copy.end);
	memcpy(to->name, result->name, HF_MODULE_NAME);
}

int store_add(const struct hf_authority_result *result, const u8 *work)
{
	struct approved *to = find_free();
	struct copy measure = { NULL, 0, 0 };

	if (find(result->name))
		return -HF_EEXIST;
	if (!copy_exports(&result->exporter, &measure))
		return -HF_EINVAL;
	if (!to)
		return -HF_ENOSPC;
	to->pool_size = measure.end + result->exporter.entry_count * sizeof(u32);
	if (!find_room(to->pool_size, &to->pool))
		return -HF_ENOSPC;
	fill(to, result, work);
	__atomic_store_n(&to->live, 1, __ATOMIC_RELEASE);
	return 0;
}

int store_remove(const u8 *name)
{
	struct approved *of = find(name);

	if (!of)
		return -HF_ENOENT;
	of->live = 0;
	return 0;
}
