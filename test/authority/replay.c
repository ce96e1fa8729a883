// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/site.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay.h"
#include "../boot/capture/capture.h"

#define FILE_MAX    (64ull << 20) /* bytes of one module's file */
#define ARENA_MAX   (192ull << 20)
#define ENTRIES_MAX (16ull << 20) /* bytes of entries of all modules */
#define THUNKS_MAX  (HF_THUNK_PAGES_MAX * sizeof(struct hf_authority_memory))

static void *need(void *at, const char *what)
{
	if (at)
		return at;
	perror(what);
	exit(2);
}

static u64 load(const char *path, u8 *at, u64 room)
{
	FILE *file = need(fopen(path, "rb"), path);
	u64 size = fread(at, 1, room, file);

	if (size == room) {
		fprintf(stderr, "%s: larger than %llu bytes\n", path, (unsigned long long)room);
		exit(2);
	}
	fclose(file);
	return size;
}

static const struct capture_record *record_at(const struct replay *replay)
{
	const struct capture_record *record;

	record = (const struct capture_record *)(replay->window + replay->at);
	if (!within(replay->at, sizeof(*record), replay->captured) ||
	    record->magic != CAPTURE_MAGIC || record->kind == CAPTURE_END)
		return NULL;
	return record;
}

static int by_offset(const void *a, const void *b)
{
	u32 x = *(const u32 *)a & ~HF_ENTRY_TRAMPOLINE;
	u32 y = *(const u32 *)b & ~HF_ENTRY_TRAMPOLINE;

	return (x > y) - (x < y);
}

static void take_entries(struct replay *replay, u8 *bytes, u64 size)
{
	struct hf_authority_exporter *kernel = &replay->exporter[0];
	u32 *entry = (u32 *)bytes, i, n = 0, count = (u32)(size / sizeof(u32));

	qsort(entry, count, sizeof(u32), by_offset);
	for (i = 0; i < count; i++)
		if (n && by_offset(&entry[n - 1], &entry[i]) == 0)
			entry[n - 1] |= entry[i];
		else
			entry[n++] = entry[i];
	kernel->entries_at = (u64)(bytes - replay->window);
	kernel->entry_count = n;
}

/* A module is there from its init on until it goes. */
static void add_exporter(struct replay *replay, const char *name)
{
	const struct hf_authority_exporter *exporter = &replay->result.exporter;
	u64 at = replay->captured + replay->entries, size = exporter->entry_count * sizeof(u32);
	u32 n = replay->authority.exporters;

	if (strcmp((const char *)replay->result.name, name) || replay->result.status ||
	    n == sizeof(replay->exporter) / sizeof(replay->exporter[0]))
		return;
	if (replay->entries + size > ENTRIES_MAX)
		need(NULL, "entries");
	memcpy(replay->window + at, replay->arena.base + exporter->entries_at, size);
	replay->entries += size;
	replay->exporter[n] = *exporter;
	replay->exporter[n].entries_at = at;
	replay->owner[n] = name;
	replay->authority.exporters++;
}

static void remove_exporter(struct replay *replay, const char *name)
{
	u32 i, n = replay->authority.exporters;

	for (i = 1; i < n; i++) {
		if (strcmp(replay->owner[i], name))
			continue;
		replay->exporter[i] = replay->exporter[n - 1];
		replay->owner[i] = replay->owner[n - 1];
		replay->authority.exporters--;
		return;
	}
}

/* What is not a module's memory. */
static void take(struct replay *replay, const struct capture_record *record, u64 data)
{
	u8 *bytes = replay->window + data;

	switch (record->kind) {
	case CAPTURE_FACTS:
		memcpy(&replay->facts, bytes, sizeof(replay->facts));
		break;
	case CAPTURE_KEY:
		memcpy(&replay->key[replay->authority.keys++ % 16], bytes, record->size);
		break;
	case CAPTURE_KERNEL:
		memcpy(&replay->exporter[0], bytes, sizeof(replay->exporter[0]));
		replay->authority.exporters = 1;
		break;
	case CAPTURE_RODATA:
		replay->exporter[0].memory.at = data;
		break;
	case CAPTURE_ENTRIES:
		take_entries(replay, bytes, record->size);
		break;
	case CAPTURE_LIVE:
		add_exporter(replay, (const char *)record->name);
		break;
	case CAPTURE_GOING:
		remove_exporter(replay, (const char *)record->name);
		if (replay->going)
			replay->going((const char *)record->name);
		break;
	}
}

void replay_open(struct replay *replay, const char *folder)
{
	char path[512];
	FILE *file;

	memset(replay, 0, sizeof(*replay));
	replay->folder = folder;
	snprintf(path, sizeof(path), "%s/capture", folder);
	file = need(fopen(path, "rb"), path);
	fseek(file, 0, SEEK_END);
	replay->room = (u64)ftell(file) + 1 + ENTRIES_MAX + THUNKS_MAX + FILE_MAX;
	fclose(file);
	replay->window = need(malloc(replay->room), "memory");
	replay->captured = load(path, replay->window, replay->room);
	replay->arena.base = need(malloc(ARENA_MAX), "memory");
	replay->arena.size = ARENA_MAX;
	replay->authority.window = replay->window;
	replay->authority.facts = &replay->facts;
	replay->authority.key = replay->key;
	replay->authority.exporter = replay->exporter;
}

/* Memory of the module's, at the place after the record. */
static void take_memory(struct replay *replay, const struct capture_record *record)
{
	struct hf_authority_memory memory = { record->va, replay->at, record->size };
	struct hf_authority_request *request = &replay->request;

	if (record->kind == CAPTURE_PART)
		request->part[record->index % HF_PART_COUNT] = memory;
	else if (request->thunk_count < HF_THUNK_PAGES_MAX)
		memcpy(replay->window + request->thunks_at +
			       request->thunk_count++ * sizeof(memory),
		       &memory, sizeof(memory));
	else
		need(NULL, "thunks");
}

static void request(struct replay *replay, const struct capture_record *coming)
{
	struct hf_authority_request *request = &replay->request;
	const struct capture_record *record;
	char path[512];

	*request = (struct hf_authority_request){ .size = sizeof(*request) };
	request->percpu = coming->va;
	request->thunks_at = replay->captured + ENTRIES_MAX;
	while ((record = record_at(replay)) &&
	       (record->kind == CAPTURE_PART || record->kind == CAPTURE_THUNKS)) {
		replay->at += sizeof(*record);
		take_memory(replay, record);
		replay->at += (record->size + 7) & ~7ull;
	}
	snprintf(path, sizeof(path), "%s/%s.ko", replay->folder, (const char *)coming->name);
	request->file_at = request->thunks_at + THUNKS_MAX;
	request->file_size =
		load(path, replay->window + request->file_at, replay->room - request->file_at);
	replay->authority.window_size = request->file_at + request->file_size;
}

const char *replay_next(struct replay *replay)
{
	const struct capture_record *record;

	while ((record = record_at(replay))) {
		replay->at += sizeof(*record);
		if (record->kind == CAPTURE_COMING) {
			request(replay, record);
			return (const char *)record->name;
		}
		take(replay, record, replay->at);
		replay->at += (record->size + 7) & ~7ull;
	}
	return NULL;
}

int replay_judge(struct replay *replay)
{
	replay->arena.used = 0;
	return authority_module(&replay->authority, &replay->request, &replay->arena,
				&replay->result);
}

void replay_close(struct replay *replay)
{
	free(replay->window);
	free(replay->arena.base);
}

void replay_describe(const struct replay *replay, const char *name)
{
	static const char *const words[HF_REFUSAL_COUNT] = {
		"approved", "request", "mode",	 "signature",  "key",	"revoked", "file",
		"version",  "layout",  "symbol", "relocation", "table", "bytes",
	};
	const struct hf_authority_result *result = &replay->result;
	u32 i;

	printf("%s: status %d, %s, section %d, part %u, offset %#llx, found", name,
	       result->status, words[result->refusal % HF_REFUSAL_COUNT], (int)result->section,
	       result->part, (unsigned long long)result->offset);
	for (i = 0; i < HF_FOUND_BYTES; i++)
		printf(" %02x", result->found[i]);
	printf(", allowed");
	for (i = 0; i < HF_FOUND_BYTES; i++)
		printf(" %02x", result->allowed[i]);
	printf("\n");
}

u64 replay_pick(u64 below)
{
	static u64 state = 0x9e3779b97f4a7c15ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (state >> 11) % below : 0;
}
