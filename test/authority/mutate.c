// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules as a stock kernel loaded them, each changed in one way after the other: in memory, in
 * the file, in the request. None of it may be approved, with one exception: at a site the kernel
 * itself may have written another of the values that are genuine there.
 */
#include <holdfast/site.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../services/authority/elf.h"
#include "../../services/authority/judge.h"
#include "replay.h"

#define SMALL \
	(512u << 10) /* bytes of file: larger ones take their time, and get fewer changes */
#define LARGE_N	   40u
#define RELA_PLT32 4u

enum change {
	CHANGE_BIT,	  /* one bit of memory that is compared */
	CHANGE_BYTES,	  /* up to eight bytes in a row */
	CHANGE_SWAP,	  /* two calls go where the other went */
	CHANGE_RETURN,	  /* a return does something else */
	CHANGE_PADDING,	  /* behind the last byte of a part */
	CHANGE_SITE,	  /* a patch site holds something else */
	CHANGE_MOVE,	  /* 16 bytes from elsewhere in the same part */
	CHANGE_REQUEST,	  /* where the module is said to lie */
	CHANGE_FILE,	  /* one bit of what is signed */
	CHANGE_SIGNATURE, /* one bit behind it */
	CHANGE_TABLE,	  /* a table of the file, as if it were signed so */
	CHANGE_HEADER,	  /* a section header, as if it were signed so */
	CHANGES
};

static const char *const names[CHANGES] = { "bit",     "bytes",	    "swap",  "return",
					    "padding", "site",	    "move",  "request",
					    "file",    "signature", "table", "header" };

/* The module as it was approved, and what is changed of it. */
struct subject {
	struct replay *replay;
	struct module module;
	struct arena arena;
	struct hf_authority_result result;
	u8 *at;	      /* the changed bytes, */
	u8 saved[64]; /* what they were, */
	u32 size;     /* and how many */
	struct hf_authority_request request;
};

static unsigned long long tried[CHANGES], genuine[CHANGES], failed;

/* ---- the subject ---- */

static void prepare(struct subject *subject, struct replay *replay, u64 payload)
{
	subject->replay = replay;
	subject->arena.used = 0;
	subject->request = replay->request;
	subject->module = (struct module){ .authority = &replay->authority,
					   .facts = &replay->facts,
					   .request = &subject->request,
					   .result = &subject->result,
					   .arena = &subject->arena,
					   .file = replay->window + replay->request.file_at,
					   .file_size = payload };
	subject->result = (struct hf_authority_result){ 0 };
}

static int judge(struct subject *subject, u64 payload)
{
	prepare(subject, subject->replay, payload);
	return judge_module(&subject->module);
}

static u8 *save(struct subject *subject, const u8 *at, u32 size)
{
	/* All of it is the replay's own memory. */
	subject->at = subject->replay->window + (at - subject->replay->window);
	subject->size = size;
	memcpy(subject->saved, at, size);
	return subject->at;
}

static const struct part *any_part(struct subject *subject)
{
	const struct module *module = &subject->module;
	const struct part *part;
	u32 i, n;

	for (i = 0; i < 64; i++) {
		n = (u32)replay_pick(HF_PART_COUNT + module->thunks);
		part = n < HF_PART_COUNT ? &module->part[n] : &module->thunk[n - HF_PART_COUNT];
		if (part->memory && part->size > 64)
			return part;
	}
	return NULL;
}

/* ---- changes of memory; false: the module has no such place ---- */

static bool change_bytes(struct subject *subject, bool bit)
{
	const struct part *part = any_part(subject);
	u32 size = bit ? 1 : 1 + (u32)replay_pick(8), i;
	u8 *at;

	if (!part)
		return false;
	at = save(subject, part->memory + replay_pick(part->size - size), size);
	for (i = 0; i < size; i++)
		at[i] = bit ? at[i] ^ 1 << replay_pick(8) : (u8)replay_pick(256);
	return true;
}

static bool change_move(struct subject *subject)
{
	const struct part *part = any_part(subject);

	if (!part)
		return false;
	memcpy(save(subject, part->memory + replay_pick(part->size - 16), 16),
	       part->memory + replay_pick(part->size - 16), 16);
	return true;
}

/* Memory of a place in the code, or NULL. */
static const u8 *memory_at(const struct subject *subject, u64 va, u64 size)
{
	const u8 *expected = module_code(&subject->module, va, size);

	return expected ? module_memory(&subject->module, expected) : NULL;
}

static const struct section *find_section(const struct subject *subject, const char *name)
{
	u32 i;

	for (i = 1; i < subject->module.sections; i++)
		if (!strcmp(subject->module.section[i].name, name) &&
		    subject->module.section[i].size)
			return &subject->module.section[i];
	return NULL;
}

/* A call that the file relocates: where its displacement lies. */
static u64 any_call(const struct subject *subject, const struct section *table)
{
	const struct section *target = &subject->module.section[table->info];
	const u8 *entry =
		table->file + replay_pick(table->size / ELF_RELA_SIZE) * ELF_RELA_SIZE;

	return get32(entry + 8) == RELA_PLT32 ? target->va + get64(entry) : 0;
}

static bool change_swap(struct subject *subject)
{
	const struct section *table = find_section(subject, ".rela.text");
	const u8 *first, *second;
	u64 a, b;
	u32 i;

	for (i = 0; table && i < 64; i++) {
		a = any_call(subject, table);
		b = any_call(subject, table);
		first = memory_at(subject, a, 4);
		second = memory_at(subject, b, 4);
		if (!first || !second ||
		    a + get_displacement(first) == b + get_displacement(second))
			continue;
		/* One of the two is enough to be refused. */
		put32(save(subject, first, 4), b + get_displacement(second) - a);
		return true;
	}
	return false;
}

static bool change_return(struct subject *subject)
{
	const struct section *table = find_section(subject, ".return_sites");
	const u8 *at;
	u64 offset;

	if (!table || !table->bytes)
		return false;
	offset = replay_pick(table->size / 4) * 4;
	at = memory_at(subject, module_points(table, offset), 5);
	if (!at)
		return false;
	save(subject, at, 5);
	subject->at[0] = replay_pick(2) ? 0xe9 : 0x90;
	put32(subject->at + 1, replay_pick(UINT32_MAX));
	return true;
}

static bool change_padding(struct subject *subject)
{
	const struct part *part = any_part(subject);
	u64 end, size;

	if (!part)
		return false;
	for (end = part->size; end && !part->expected[end - 1]; end--)
		;
	if (end == part->size)
		return false;
	size = part->size - end < 16 ? part->size - end : 16;
	memset(save(subject, part->memory + end + replay_pick(part->size - end - size + 1),
		    (u32)size),
	       (int)(1 + replay_pick(255)), size);
	return true;
}

static bool change_site(struct subject *subject)
{
	u64 site;
	const u8 *at;

	if (!subject->module.sites)
		return false;
	site = subject->module.site[replay_pick(subject->module.sites)];
	at = memory_at(subject, HF_CODE_BASE + HF_SITE_AT(site), 5);
	if (!at)
		return false;
	save(subject, at, 5);
	/* A breakpoint, a return, a jump or call somewhere or into the kernel. */
	subject->at[0] = (const u8[]){ 0xcc, 0xe8, 0xe9, 0xeb, 0xc3 }[replay_pick(5)];
	put32(subject->at + 1, replay_pick(2) ? replay_pick(UINT32_MAX)
					      : subject->replay->exporter[0].memory.va -
							replay_pick(16 << 20) -
							(HF_CODE_BASE + HF_SITE_AT(site)) - 5);
	return true;
}

/* ---- of the request ---- */

/* A page of ITS thunks: elsewhere, read from elsewhere, or one too few. */
static bool change_thunks(struct subject *subject)
{
	struct hf_authority_request *request = &subject->replay->request;
	struct hf_authority_memory page;
	u8 *at;

	if (!request->thunk_count)
		return false;
	at = save(subject,
		  subject->replay->window + request->thunks_at +
			  replay_pick(request->thunk_count) * sizeof(page),
		  sizeof(page));
	memcpy(&page, at, sizeof(page));
	switch (replay_pick(3)) {
	case 0:
		page.va += HF_PAGE_SIZE << replay_pick(4);
		break;
	case 1:
		page.at += 1 + replay_pick(HF_PAGE_SIZE);
		break;
	default:
		request->thunk_count--;
		return true;
	}
	memcpy(at, &page, sizeof(page));
	return true;
}

static bool change_request(struct subject *subject)
{
	struct hf_authority_memory *part =
		&subject->replay->request.part[replay_pick(HF_PART_COUNT)];
	u64 by = HF_PAGE_SIZE << replay_pick(4);
	u32 what = (u32)replay_pick(6);

	if (what == 5)
		return change_thunks(subject);
	if (what == 4) {
		subject->replay->request.percpu += 8ull << replay_pick(12);
		return true;
	}
	if (!part->size)
		return false;
	switch (what) {
	case 0:
		part->va += replay_pick(2) ? by : -by;
		break;
	case 1:
		part->va += 1 + replay_pick(HF_PAGE_SIZE - 1);
		break;
	case 2:
		part->size += replay_pick(2) ? by : -by;
		break;
	default:
		part->at += replay_pick(2) ? by : ~0ull - by;
		break;
	}
	return true;
}

/* ---- of the file ---- */

static bool flip(struct subject *subject, u64 from, u64 to)
{
	u8 *file = subject->replay->window + subject->replay->request.file_at;

	*save(subject, file + from + replay_pick(to - from), 1) ^= (u8)(1 << replay_pick(8));
	return true;
}

/* Relocations, patch sites, notes, strings: whatever section it is. */
static bool change_table(struct subject *subject)
{
	const struct section *section;
	u32 i, size;

	for (i = 0; i < 64; i++) {
		section =
			&subject->module.section[1 + replay_pick(subject->module.sections - 1)];
		if (section->type == ELF_NOBITS || section->size < 16)
			continue;
		size = 1 + (u32)replay_pick(8);
		save(subject, section->file + replay_pick(section->size - size), size);
		while (size--)
			subject->at[size] = (u8)replay_pick(256);
		return true;
	}
	return false;
}

static bool change_header(struct subject *subject)
{
	u8 *file = subject->replay->window + subject->replay->request.file_at;
	u64 offset = get64(file + 40) + replay_pick(subject->module.sections) * 64;
	u32 field = (u32)replay_pick(8) * 8;

	put64(save(subject, file + offset + field, 8),
	      replay_pick(2) ? replay_pick(UINT64_MAX)
			     : get64(file + offset + field) ^ 1ull << replay_pick(64));
	return true;
}

/* ---- verdicts ---- */

static bool change(struct subject *subject, enum change change, u64 payload)
{
	subject->size = 0;
	switch (change) {
	case CHANGE_BIT:
	case CHANGE_BYTES:
		return change_bytes(subject, change == CHANGE_BIT);
	case CHANGE_SWAP:
		return change_swap(subject);
	case CHANGE_RETURN:
		return change_return(subject);
	case CHANGE_PADDING:
		return change_padding(subject);
	case CHANGE_SITE:
		return change_site(subject);
	case CHANGE_MOVE:
		return change_move(subject);
	case CHANGE_REQUEST:
		return change_request(subject);
	case CHANGE_FILE:
		return flip(subject, 0, payload);
	case CHANGE_SIGNATURE:
		return flip(subject, payload, subject->replay->request.file_size);
	case CHANGE_TABLE:
		return change_table(subject);
	default:
		return change_header(subject);
	}
}

static bool entry_listed(const struct replay *replay, u64 va)
{
	const struct hf_authority_exporter *exporter = replay->exporter;
	u32 i, entry;
	u64 k;

	for (i = 0; i < replay->authority.exporters; i++, exporter++)
		for (k = 0; k < exporter->entry_count; k++) {
			entry = get32(replay->window + exporter->entries_at + k * 4);
			if (HF_CODE_BASE + (entry & ~HF_ENTRY_TRAMPOLINE) == va)
				return true;
		}
	return false;
}

/* A function of the kernel, of a module that is there, or of the module itself. */
static bool may_call(const struct subject *subject, u64 va)
{
	const struct module *module = &subject->module;
	const struct section *text;
	const u8 *symbol;
	u64 i;

	for (i = 1; i < module->symbols; i++) {
		symbol = module->section[module->symbol_table].file + i * ELF_SYMBOL_SIZE;
		if ((symbol[4] & 15) != 2 || !get16(symbol + 6) ||
		    get16(symbol + 6) >= module->sections)
			continue;
		text = &module->section[get16(symbol + 6)];
		if (text->part == HF_PART_TEXT && text->va + get64(symbol + 8) == va)
			return true;
	}
	return entry_listed(subject->replay, va);
}

/*
 * What the contract allows at a site (site.h), worked out anew.
 */
static bool site_value(const struct subject *subject, u64 site, const u8 *at)
{
	static const u8 nop5[] = { 0x0f, 0x1f, 0x44, 0, 0 }, nop2[] = { 0x66, 0x90 };
	static const u8 zero[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };
	u64 va = HF_CODE_BASE + HF_SITE_AT(site), to = HF_CODE_BASE + HF_SITE_TARGET(site);

	switch (HF_SITE_KIND(site)) {
	case HF_SITE_JUMP2:
		return !memcmp(at, nop2, 2) ||
		       (at[0] == 0xeb && va + 2 + (u64)(s64)(signed char)at[1] == to);
	case HF_SITE_JUMP5:
		return !memcmp(at, nop5, 5) ||
		       (at[0] == 0xe9 && va + 5 + get_displacement(at + 1) == to);
	case HF_SITE_CALL:
		to = va + 5 + get_displacement(at + 1);
		if (HF_SITE_TARGET(site) == HF_FORM_CALL)
			return !memcmp(at, nop5, 5) || !memcmp(at, zero, 5) ||
			       (at[0] == 0xe8 && may_call(subject, to));
		return (at[0] == 0xe9 &&
			(to == subject->replay->facts.return_thunk || may_call(subject, to))) ||
		       (at[0] == 0xc3 && get32(at + 1) == 0xcccccccc);
	default:
		return !memcmp(at, nop5, 5);
	}
}

/* Does every byte that differs belong to a site that has a genuine value? */
static bool is_genuine(const struct subject *subject)
{
	const struct module *module = &subject->module;
	const u8 *at;
	u32 i, k, explained = 0, differs = 0;
	u64 va, size;

	for (i = 0; i < subject->size; i++)
		differs += subject->at[i] != subject->saved[i];
	for (i = 0; i < module->sites; i++) {
		va = HF_CODE_BASE + HF_SITE_AT(module->site[i]);
		size = HF_SITE_KIND(module->site[i]) == HF_SITE_JUMP2 ? 2 : 5;
		at = memory_at(subject, va, size);
		if (!at || at + size <= subject->at || at >= subject->at + subject->size)
			continue;
		if (!site_value(subject, module->site[i], at))
			return false;
		for (k = 0; k < size; k++)
			explained += at + k >= subject->at &&
				     at + k < subject->at + subject->size &&
				     at[k] != subject->saved[at + k - subject->at];
	}
	return explained == differs;
}

/*
 * Where nothing that is compared refers to a place, that place may be another; but the same bytes
 * have to have been compared, all of them.
 */
static bool same_memory(const struct subject *subject,
			const struct hf_authority_request *before)
{
	const struct replay *replay = subject->replay;
	const struct hf_authority_memory *a, *b;
	u32 i;

	/* No thunk may be anywhere else: a branch goes to each of the pages. */
	if (subject->size)
		return false;
	for (i = 0; i < HF_PART_COUNT; i++) {
		a = &before->part[i];
		b = &replay->request.part[i];
		if (!subject->module.part[i].memory)
			continue;
		if (a->size != b->size ||
		    memcmp(replay->window + a->at, replay->window + b->at, a->size))
			return false;
	}
	return true;
}

/* Is it right that it was approved? */
static bool is_right(const struct subject *subject, enum change kind,
		     const struct hf_authority_request *before)
{
	/* In these the bytes that are signed or compared are the same as before. */
	if (kind == CHANGE_SIGNATURE || kind == CHANGE_TABLE || kind == CHANGE_HEADER)
		return true;
	if (kind == CHANGE_REQUEST)
		return same_memory(subject, before);
	return kind <= CHANGE_MOVE && is_genuine(subject);
}

/* One change, tried and taken back. */
static void try(struct subject *subject, enum change kind, const char *name, u64 payload)
{
	struct replay *replay = subject->replay;
	struct hf_authority_request request = replay->request;
	bool memory = kind <= CHANGE_MOVE, rules = kind >= CHANGE_TABLE;
	int ret;

	if (!change(subject, kind, payload))
		return;
	if ((!subject->size || !memcmp(subject->at, subject->saved, subject->size)) &&
	    kind != CHANGE_REQUEST)
		return;
	tried[kind]++;
	ret = memory || rules ? judge(subject, payload) : replay_judge(replay);
	if (!ret && is_right(subject, kind, &request)) {
		genuine[kind]++;
	} else if (!ret) {
		failed++;
		printf("mutate: %s of %s approved, at window offset %#llx\n", names[kind], name,
		       (unsigned long long)(subject->at - replay->window));
	}
	memcpy(subject->at, subject->saved, subject->size);
	replay->request = request;
	/* Tables of the file are read anew: what was made of the changed one is gone. */
	if (rules && judge(subject, payload)) {
		printf("mutate: %s is not approved any more\n", name);
		exit(1);
	}
}

static u64 payload_of(const struct replay *replay)
{
	const u8 *end = replay->window + replay->request.file_at + replay->request.file_size;

	return replay->request.file_size - 40 - __builtin_bswap32(get32(end - 32));
}

int main(int argc, char **argv)
{
	unsigned long want = argc > 2 ? strtoul(argv[2], NULL, 0) : 0, i, n, all = 0;
	static struct subject subject;
	static struct replay replay;
	struct hf_authority_result result;
	const char *name;
	u64 payload;

	if (!want) {
		fprintf(stderr, "usage: mutate FOLDER CHANGES-OF-EACH-MODULE\n");
		return 2;
	}
	replay_open(&replay, argv[1]);
	subject.replay = &replay;
	subject.arena.size = replay.arena.size;
	subject.arena.base = malloc(subject.arena.size);
	while ((name = replay_next(&replay))) {
		payload = payload_of(&replay);
		if (replay_judge(&replay) || judge(&subject, payload)) {
			replay_describe(&replay, name);
			return 1;
		}
		/* The replay goes on with what it said of the genuine one. */
		result = replay.result;
		n = replay.request.file_size > SMALL && want > LARGE_N ? LARGE_N : want;
		for (i = 0; i < n; i++)
			try(&subject, i % CHANGES, name, payload);
		if (replay_judge(&replay)) {
			printf("mutate: %s is not approved any more\n", name);
			return 1;
		}
		replay.result = result;
	}
	for (i = 0; i < CHANGES; i++) {
		printf("mutate: %-9s %8llu tried, %llu of them genuine\n", names[i], tried[i],
		       genuine[i]);
		all += tried[i];
	}
	printf("mutate: %lu changes, %llu approved that must not be\n", all, failed);
	replay_close(&replay);
	free(subject.arena.base);
	return failed || !all;
}
