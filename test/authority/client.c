// SPDX-License-Identifier: GPL-2.0-only
#include "client.h"

#define LENT_MAX    0x200000u /* bytes in one request: what a domain's window has room for */
#define EXPORT_SIZE 12u

static int make(u32 operation, const void *payload, u32 size, const void *lent, u64 lent_size,
		struct hf_service_call *call)
{
	int ret;

	memset(call, 0, sizeof(*call));
	call->service = HF_SERVICE_AUTHORITY;
	call->operation = operation;
	call->size = size;
	memcpy(call->payload, payload, size);
	ret = client_ask(call, lent, lent_size);
	return ret ? ret : call->status;
}

int client_piece(u32 operation, const struct hf_authority_piece *piece, const void *bytes)
{
	static struct hf_service_call call;

	return make(operation, piece, sizeof(*piece), bytes, piece->size, &call);
}

/* However many requests that takes. */
static int give(u32 operation, u32 what, u32 index, const u8 *bytes, u64 size)
{
	struct hf_authority_piece piece = { .what = what, .index = index };
	int ret = 0;

	for (u64 done = 0; done < size && !ret; done += piece.size) {
		piece.size = size - done < LENT_MAX ? size - done : LENT_MAX;
		ret = client_piece(operation, &piece, bytes + done);
	}
	return ret;
}

/* ---- what is recorded ---- */

static void widen(u64 span[2], u64 start, u64 end)
{
	span[0] = start < span[0] ? start : span[0];
	span[1] = end > span[1] ? end : span[1];
}

/* The tables and the names. The kernel is not an attacker here. */
static void find_exports(const struct authority *a, u64 span[2])
{
	const struct hf_authority_exporter *kernel = &a->exporter[0];
	const u8 *memory = a->window + kernel->memory.at;
	u64 entry, name;

	span[0] = ~0ull;
	span[1] = 0;
	for (u32 table = 0; table < 2; table++)
		for (u64 i = 0; i < kernel->count[table]; i++) {
			entry = kernel->symbols[table] + i * EXPORT_SIZE - kernel->memory.va;
			name = entry + 4 + get_displacement(memory + entry + 4);
			widen(span, entry, entry + EXPORT_SIZE);
			widen(span, name, name + strlen((const char *)memory + name) + 1);
		}
}

static int record_exports(const struct authority *a)
{
	struct hf_authority_exporter kernel = a->exporter[0];
	const u8 *memory = a->window + kernel.memory.at;
	u64 span[2];
	int ret;

	find_exports(a, span);
	kernel.memory.va += span[0];
	ret = give(HF_AUTHORITY_RECORD, HF_RECORD_KERNEL, 0, (const u8 *)&kernel,
		   sizeof(kernel));
	if (!ret)
		ret = give(HF_AUTHORITY_RECORD, HF_RECORD_EXPORTS, 0, memory + span[0],
			   span[1] - span[0]);
	return ret ? ret
		   : give(HF_AUTHORITY_RECORD, HF_RECORD_ENTRIES, 0,
			  a->window + kernel.entries_at, kernel.entry_count * sizeof(u32));
}

int client_record(const struct authority *a)
{
	int ret = give(HF_AUTHORITY_RECORD, HF_RECORD_FACTS, 0, (const u8 *)a->facts,
		       sizeof(*a->facts));

	if (!ret)
		ret = give(HF_AUTHORITY_RECORD, HF_RECORD_KEYS, 0, (const u8 *)a->key,
			   a->keys * sizeof(*a->key));
	if (!ret)
		ret = give(HF_AUTHORITY_RECORD, HF_RECORD_HASHES, 0, (const u8 *)a->revoked,
			   a->revocations * sizeof(*a->revoked));
	return ret ? ret : record_exports(a);
}

/* ---- modules ---- */

static int bring_thunks(const struct authority *a, const struct hf_authority_request *request)
{
	struct hf_authority_memory thunk;
	struct hf_authority_piece piece = { .what = HF_BRING_THUNKS, .size = HF_PAGE_SIZE };
	int ret = 0;

	for (u32 i = 0; i < request->thunk_count && !ret; i++) {
		memcpy(&thunk, a->window + request->thunks_at + i * sizeof(thunk),
		       sizeof(thunk));
		piece.va = thunk.va;
		ret = client_piece(HF_AUTHORITY_BRING, &piece, a->window + thunk.at);
	}
	return ret;
}

int client_bring(const struct authority *a, const struct hf_authority_request *request)
{
	static const u32 parts[] = { HF_PART_TEXT, HF_PART_RODATA, HF_PART_INIT_TEXT,
				     HF_PART_INIT_RODATA };
	const struct hf_authority_piece start = { .what = HF_BRING_START };
	int ret = client_piece(HF_AUTHORITY_BRING, &start, NULL);

	if (!ret)
		ret = give(HF_AUTHORITY_BRING, HF_BRING_FILE, 0, a->window + request->file_at,
			   request->file_size);
	for (u32 i = 0; i < sizeof(parts) / sizeof(parts[0]) && !ret; i++)
		ret = give(HF_AUTHORITY_BRING, HF_BRING_PART, parts[i],
			   a->window + request->part[parts[i]].at,
			   request->part[parts[i]].size);
	return ret ? ret : bring_thunks(a, request);
}

int client_judge(const struct hf_authority_request *request, struct hf_authority_result *result)
{
	static struct hf_service_call call;
	int ret = make(HF_AUTHORITY_MODULE, request, sizeof(*request), NULL, 0, &call);

	if (call.size == sizeof(*result))
		memcpy(result, call.payload, sizeof(*result));
	return ret;
}

int client_gone(const char *name)
{
	static struct hf_service_call call;
	u8 bytes[HF_MODULE_NAME] = { 0 };

	memcpy(bytes, name, strnlen(name, sizeof(bytes) - 1));
	return make(HF_AUTHORITY_GONE, bytes, sizeof(bytes), NULL, 0, &call);
}
