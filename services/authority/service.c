// SPDX-License-Identifier: GPL-2.0-only
/* The authority as a service: what it is asked, and what it is brought to be judged. */
#include <libsvc/service.h>

#include "room.h"
#include "store.h"

#define BLOCK_SIZE (2u << 20) /* of what a domain keeps: holdfast/service/domain.h */

_Alignas(BLOCK_SIZE) struct room room __attribute__((section(".bss.kept")));

_Static_assert(sizeof(struct room) <= 66u << 20, "what a machine has to give for it");

/* So far. @part: va does not count; @last: the one that grows, HF_PART_COUNT: none */
static struct {
	u64 file;
	u64 image;
	u32 last;
	u32 thunks;
	struct hf_authority_memory part[HF_PART_COUNT];
} brought;

/* ---- what is brought ---- */

static void forget(void)
{
	memset(&brought, 0, sizeof(brought));
	brought.last = HF_PART_COUNT;
}

static int bring_file(const u8 *bytes, u64 size)
{
	if (size > sizeof(room.file) - brought.file)
		return -HF_ENOSPC;
	memcpy(room.file + brought.file, bytes, size);
	brought.file += size;
	return 0;
}

static int bring_pages(const u8 *bytes, u64 size)
{
	if (size & (HF_PAGE_SIZE - 1))
		return -HF_EINVAL;
	if (size > sizeof(room.image) - brought.image)
		return -HF_ENOSPC;
	memcpy(room.image + brought.image, bytes, size);
	brought.image += size;
	return 0;
}

static int bring_part(u32 number, const u8 *bytes, u64 size)
{
	struct hf_authority_memory *part = &brought.part[number % HF_PART_COUNT];
	u64 at = brought.image;
	int ret;

	if (number >= HF_PART_COUNT || (part->size && brought.last != number))
		return -HF_EINVAL;
	ret = bring_pages(bytes, size);
	if (ret)
		return ret;
	if (!part->size)
		part->at = room_offset(room.image + at);
	part->size += size;
	brought.last = number;
	return 0;
}

static int bring_thunks(u64 va, const u8 *bytes, u64 size)
{
	u64 at = brought.image;
	int ret = bring_pages(bytes, size);

	if (ret)
		return ret;
	if (size != HF_PAGE_SIZE)
		return -HF_EINVAL;
	if (brought.thunks == HF_THUNK_PAGES_MAX)
		return -HF_ENOSPC;
	room.thunk[brought.thunks++] =
		(struct hf_authority_memory){ va, room_offset(room.image + at), size };
	brought.last = HF_PART_COUNT;
	return 0;
}

static int bring(const struct hf_authority_piece *piece, const u8 *bytes)
{
	switch (piece->what) {
	case HF_BRING_START:
		forget();
		return 0;
	case HF_BRING_FILE:
		return bring_file(bytes, piece->size);
	case HF_BRING_PART:
		return bring_part(piece->index, bytes, piece->size);
	case HF_BRING_THUNKS:
		return bring_thunks(piece->va, bytes, piece->size);
	}
	return -HF_EINVAL;
}

/* ---- operations ---- */

/* As if it had been approved: until lock whoever asks is believed. */
static int record_module(const u8 *bytes, u64 size)
{
	struct hf_authority_resident resident;
	struct hf_authority_result result = { 0 };

	if (size != sizeof(resident))
		return -HF_EINVAL;
	memcpy(&resident, bytes, size);
	result.exporter = resident.exporter;
	result.exporter.memory.at = brought.part[HF_PART_RODATA].at;
	result.exporter.memory.size = brought.part[HF_PART_RODATA].size;
	result.exporter.entries_at = result.exporter.entry_count = 0;
	memcpy(result.name, resident.name, sizeof(result.name));
	forget();
	return store_add(&result, room.work);
}

static int take_piece(const struct hf_service_call *call, bool locked)
{
	const u8 *bytes = service_lent(call);
	struct hf_authority_piece piece;
	u64 size = 0;

	if (call->size < sizeof(piece) || !bytes)
		return -HF_EINVAL;
	memcpy(&piece, call->payload, sizeof(piece));
	for (u32 i = 0; i < call->lent_count; i++)
		size += call->lent[i].npages * HF_PAGE_SIZE;
	if (piece.size > size)
		return -HF_EINVAL;
	if (call->operation == HF_AUTHORITY_BRING)
		return bring(&piece, bytes);
	if (locked)
		return -HF_EPERM;
	return piece.what == HF_RECORD_MODULE ? record_module(bytes, piece.size)
					      : store_record(&piece, bytes);
}

/*
 * Where everything is only we know. A part that was not brought as it is said to be has no place:
 * one that is compared is then refused.
 */
static void complete(struct hf_authority_request *request)
{
	request->file_at = room_offset(room.file);
	request->file_size = request->file_size == brought.file ? brought.file : 0;
	request->thunk_count = brought.thunks;
	request->thunks_at = room_offset(room.thunk);
	for (u32 i = 0; i < HF_PART_COUNT; i++)
		request->part[i].at = request->part[i].size == brought.part[i].size
					      ? brought.part[i].at
					      : sizeof(room);
}

static int judge(struct hf_service_call *call)
{
	struct arena arena = { room.work, sizeof(room.work), 0, 0 };
	struct hf_authority_request request;
	struct hf_authority_result result;
	struct authority authority;
	int ret;

	if (call->size < sizeof(request))
		return -HF_EINVAL;
	memcpy(&request, call->payload, sizeof(request));
	complete(&request);
	store_tell(&authority);
	ret = authority_module(&authority, &request, &arena, &result);
	if (!ret)
		ret = result.status = store_add(&result, room.work);
	forget();
	memcpy(call->payload, &result, sizeof(result));
	call->size = sizeof(result);
	return ret;
}

static int dispatch(struct hf_service_call *call, bool locked)
{
	switch (call->operation) {
	case HF_AUTHORITY_MODULE:
		return judge(call);
	case HF_AUTHORITY_RECORD:
	case HF_AUTHORITY_BRING:
		return take_piece(call, locked);
	case HF_AUTHORITY_GONE:
		return call->size < HF_MODULE_NAME ? -HF_EINVAL : store_remove(call->payload);
	}
	return -HF_ENOSYS;
}

void service_answer(struct hf_service_call *call, bool locked)
{
	if (call->size > HF_SERVICE_PAYLOAD_MAX)
		call->status = -HF_EINVAL;
	else
		call->status = dispatch(call, locked);
}
