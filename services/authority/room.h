/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of the service that outlasts a beginning anew, and the window that everything is named
 * in by offset.
 */
#ifndef AUTHORITY_ROOM_H
#define AUTHORITY_ROOM_H

#include <holdfast/service/authority.h>
#include <libsvc/bytes.h>

/* A module that was approved. @pool, @pool_size: its part of the pool. @live: the last to be set */
struct approved {
	struct hf_authority_exporter exporter;
	u8 name[HF_MODULE_NAME];
	u64 pool;
	u64 pool_size;
	u64 live;
};

/*
 * Up to @pool it is what judgements rest on, and belongs to store.c. Whoever asks can have a
 * request end in the middle: what it leaves must be good for the next. The rest is written anew
 * with each.
 */
struct room {
	struct hf_authority_facts facts;
	u32 keys;
	u32 hashes;
	struct hf_authority_key key[HF_AUTHORITY_KEYS];
	struct hf_authority_hash hash[HF_AUTHORITY_HASHES];
	struct hf_authority_exporter kernel;
	u64 exports_size; /* so far */
	u64 entries_size;
	struct approved approved[HF_AUTHORITY_MODULES];
	u8 exports[HF_AUTHORITY_EXPORTS];
	u32 entry[HF_AUTHORITY_ENTRIES];
	_Alignas(16) u8 pool[HF_AUTHORITY_POOL];

	struct hf_authority_memory thunk[HF_THUNK_PAGES_MAX];
	u8 image[HF_AUTHORITY_IMAGE];
	u8 file[HF_AUTHORITY_FILE];
	_Alignas(16) u8 work[HF_AUTHORITY_WORK];
};

extern struct room room;

static inline u64 room_offset(const void *at)
{
	return (u64)((const u8 *)at - (const u8 *)&room);
}

#endif
