// SPDX-License-Identifier: GPL-2.0-only
/* Every rule, on a module that has a place for each: what memory must hold is written out here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <holdfast/site.h>

#include "../../services/authority/its.h"
#include "../authority/scene.h"

#define NOP5 0x0f, 0x1f, 0x44, 0x00, 0x00

static struct scene scene;
static const enum hf_loader loaders[] = { HF_LOADER_6_1, HF_LOADER_6_12 };

/* ---- the scene ---- */

static void prepare(enum hf_loader loader, u32 flags)
{
	scene_open(&scene, loader);
	scene.facts.flags = flags;
	scene_build(&scene);
}

/* Loads it, with what the loader does last to the two sites that are not as in the file. */
static void load(void)
{
	static const u8 nop[] = { NOP5 };

	scene_write(&scene);
	assert_int_equal(scene_load(&scene), 0);
	memcpy(scene_part(&scene, HF_PART_TEXT) + SCENE_AT_TRACE, nop, sizeof(nop));
}

static u32 refusal(void)
{
	int ret = scene_judge(&scene);

	assert_int_equal(ret == 0, scene.result.refusal == HF_REFUSAL_NONE);
	return scene.result.refusal;
}

/* What is said of a file that is not loaded at all. */
static u32 file_refusal(void)
{
	scene_write(&scene);
	assert_int_not_equal(scene_load(&scene), 0);
	return scene.result.refusal;
}

static u8 *text(u32 place)
{
	return scene_part(&scene, HF_PART_TEXT) + place;
}

static void holds(u32 place, const u8 *bytes, u32 size)
{
	assert_memory_equal(text(place), bytes, size);
}

static u64 target(u32 place)
{
	return scene.request.part[HF_PART_TEXT].va + place + 5 +
	       get_displacement(text(place) + 1);
}

static void set_branch(u32 place, u8 opcode, u64 to)
{
	*text(place) = opcode;
	put32(text(place) + 1, to - 5 - place - scene.request.part[HF_PART_TEXT].va);
}

static struct builder_section *section(const char *name)
{
	u32 i;

	for (i = 1; i < scene.builder.sections; i++)
		if (!strcmp(scene.builder.section[i].name, name))
			return &scene.builder.section[i];
	fail();
	return scene.builder.section;
}

/* ---- what code becomes ---- */

static void test_plain(void **none)
{
	static const u8 direct[] = { 0xff, 0xd1, 0x0f, 0x1f, 0x00 };
	static const u8 ret[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };
	static const u8 end[] = { 0x66, 0x0f, 0x1f, 0x00, 0xf0 };
	u32 i, front;

	(void)none;
	for (i = 0; i < 2; i++) {
		prepare(loaders[i], 0);
		load();
		assert_int_equal(refusal(), HF_REFUSAL_NONE);
		assert_int_equal(*text(SCENE_AT_CALL), 0xe8);
		assert_int_equal(target(SCENE_AT_CALL), SCENE_EXPORT);
		holds(SCENE_AT_RETPOLINE, direct, sizeof(direct));
		holds(SCENE_AT_RETURN, ret, sizeof(ret));
		holds(SCENE_AT_ENDBR, end, sizeof(end));
		/* The replacement's call still goes where it went; a nop fills the rest. */
		front = loaders[i] == HF_LOADER_6_1 ? 0 : 2;
		assert_int_equal(*text(SCENE_AT_ALTERNATIVE + front), 0xe8);
		assert_int_equal(target(SCENE_AT_ALTERNATIVE + front), SCENE_EXPORT);
		if (front)
			assert_int_equal(*text(SCENE_AT_ALTERNATIVE + 7), 0x90);
		else
			holds(SCENE_AT_ALTERNATIVE + 5, (const u8[]){ 0x0f, 0x1f, 0x00 }, 3);
	}
}

static void test_facts(void **none)
{
	static const u8 fence[] = { 0x0f, 0xae, 0xe8, 0xff, 0xd1 };
	static const u8 unused[] = { 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 };
	u32 i;

	(void)none;
	for (i = 0; i < 2; i++) {
		prepare(loaders[i],
			HF_FACT_RETPOLINE | HF_FACT_RETURN_THUNK | HF_FACT_UNIPROCESSOR);
		load();
		assert_int_equal(refusal(), HF_REFUSAL_NONE);
		assert_int_equal(target(SCENE_AT_RETPOLINE), SCENE_INDIRECT + 32);
		assert_int_equal(*text(SCENE_AT_RETURN), 0xe9);
		assert_int_equal(target(SCENE_AT_RETURN), SCENE_THUNK);
		assert_int_equal(*text(SCENE_AT_LOCK), 0x3e);

		prepare(loaders[i], HF_FACT_RETPOLINE | HF_FACT_RETPOLINE_LFENCE);
		scene.facts.capability[0] = 0;
		load();
		assert_int_equal(refusal(), HF_REFUSAL_NONE);
		holds(SCENE_AT_RETPOLINE, fence, sizeof(fence));
		holds(SCENE_AT_ALTERNATIVE, unused, sizeof(unused));
	}
}

/* The other way round: what one CPU's facts make is not genuine with another's. */
static void test_wrong_facts(void **none)
{
	static const u32 flags[] = { HF_FACT_RETPOLINE, HF_FACT_RETURN_THUNK,
				     HF_FACT_UNIPROCESSOR, HF_FACT_RETPOLINE_LFENCE };
	u32 i;

	(void)none;
	prepare(HF_LOADER_6_12, 0);
	load();
	for (i = 0; i < 4; i++) {
		scene.facts.flags = flags[i];
		assert_int_equal(refusal(), HF_REFUSAL_BYTES);
	}
	scene.facts.flags = 0;
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	scene.facts.capability[0] = 0;
	assert_int_equal(refusal(), HF_REFUSAL_BYTES);
}

/* The ITS bug: returns in the upper half of a cache line stay. */
static void test_its_return(void **none)
{
	(void)none;
	prepare(HF_LOADER_6_12, HF_FACT_RETURN_THUNK);
	scene.facts.its_return_thunk = SCENE_THUNK;
	load();
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	assert_true(SCENE_AT_RETURN & 0x20);
	assert_int_equal(*text(SCENE_AT_RETURN), 0xc3);
}

/* Of an indirect branch that ends in the lower half: through a thunk of the module's own. */
static void test_its_thunk(void **none)
{
	static const u8 thunk[] = { 0xcc, 0xff, 0xe1, 0xcc, 0xcc };
	u8 *page = scene_thunks(&scene);
	u32 i, at;

	(void)none;
	for (i = 0; i < 2; i++) {
		prepare(loaders[i], HF_FACT_ITS);
		load();
		assert_int_equal(refusal(), HF_REFUSAL_NONE);
		assert_int_equal(*text(SCENE_AT_RETPOLINE), 0xe8);
		assert_int_equal(target(SCENE_AT_RETPOLINE), SCENE_THUNKS + 32);
		assert_memory_equal(page + 31, thunk, sizeof(thunk));
		assert_int_equal(scene.result.bytes, 3 * HF_PAGE_SIZE);
		for (at = 0; at < HF_PAGE_SIZE; at++) {
			page[at] ^= (u8)(1 << at % 8);
			assert_int_equal(refusal(), HF_REFUSAL_BYTES);
			assert_int_equal(scene.result.part, HF_PART_THUNKS);
			assert_int_equal(scene.result.offset, at);
			page[at] ^= (u8)(1 << at % 8);
		}
		set_branch(SCENE_AT_RETPOLINE, 0xe8, SCENE_THUNKS + 35);
		assert_int_equal(refusal(), HF_REFUSAL_BYTES);
	}
}

/* Branches of 6 bytes: on a condition, and with a prefix, both by r9. */
static void add_long_branches(void)
{
	static const u8 code[] = { 0x0f, 0x85, 0, 0, 0, 0, 0x3e, 0xe8, 0, 0, 0, 0 };
	struct builder *builder = &scene.builder;
	u32 thunk = builder_symbol(builder, "", 0xfff1, SCENE_INDIRECT + 9 * 32, 0), sites;

	while (section(".text")->size < 64)
		builder_append(builder, 1, "\xcc", 1);
	builder_append(builder, 1, code, sizeof(code));
	builder_relocate(builder, 1, 66, 4, thunk, -4);
	builder_relocate(builder, 1, 72, 4, thunk, -4);
	sites = (u32)(section(".retpoline_sites") - builder->section);
	builder_append(builder, sites, "\0\0\0\0\0\0\0\0", 8);
	builder_relocate(builder, sites, 4, 2, 1, 64);
	builder_relocate(builder, sites, 8, 2, 1, 70);
}

static void test_long_branches(void **none)
{
	static const u8 direct[] = { 0x74, 0x04, 0x41, 0xff, 0xe1, 0xcc,
				     0x41, 0xff, 0xd1, 0x0f, 0x1f, 0x00 };
	static const u8 thunks[] = { 0xff, 0xe1, 0xcc, 0x41, 0xff, 0xe1,
				     0xcc, 0x41, 0xff, 0xe1, 0xcc, 0xcc };
	u32 i;

	(void)none;
	for (i = 0; i < 2; i++) {
		prepare(loaders[i], 0);
		add_long_branches();
		load();
		assert_int_equal(refusal(), HF_REFUSAL_NONE);
		holds(64, direct, sizeof(direct));

		prepare(loaders[i], HF_FACT_ITS);
		add_long_branches();
		load();
		assert_int_equal(refusal(), HF_REFUSAL_NONE);
		holds(64, (const u8[]){ 0x0f, 0x85 }, 2);
		assert_int_equal(target(65), SCENE_THUNKS + 35);
		holds(70, (const u8[]){ 0x2e, 0xe8 }, 2);
		assert_int_equal(target(71), SCENE_THUNKS + 39);
		assert_memory_equal(scene_thunks(&scene) + 32, thunks, sizeof(thunks));
	}
}

/* As many thunks as fill two pages: where each has to be is worked out in another way. */
static void test_its_pages(void **none)
{
	static const u32 regs[] = { 0, 9, 1, 15, 3, 8 };
	struct part page[2] = { { .va = SCENE_THUNKS }, { .va = SCENE_THUNKS + 0x10000 } };
	u32 size, line = 0, half = 0, number = 0, i;
	struct module module = { .thunk = page, .thunks = 2 };
	static u8 bytes[2][HF_PAGE_SIZE];

	(void)none;
	page[0].expected = bytes[0];
	page[1].expected = bytes[1];
	for (i = 0; number < 2; i++) {
		size = regs[i % 6] < 8 ? 3 : 4;
		assert_int_equal(its_thunk(&module, regs[i % 6]),
				 page[number].va + line * 64 + 32 + half);
		half += size;
		/* Its end is in the next line: so is all of the next one. */
		if (half + (regs[(i + 1) % 6] < 8 ? 3 : 4) > 32) {
			half = 0;
			line++;
		}
		if (line == HF_PAGE_SIZE / 64) {
			line = 0;
			number++;
		}
	}
	assert_int_equal(its_thunk(&module, 0), 0);
}

static void test_its_request(void **none)
{
	struct hf_authority_memory *page, saved;
	const u64 bad[] = { SCENE_THUNKS + 1, SCENE_MODULES - HF_PAGE_SIZE, SCENE_MODULES,
			    SCENE_MODULES + (1u << 29), 0 };
	u32 i;

	(void)none;
	prepare(HF_LOADER_6_12, HF_FACT_ITS);
	load();
	page = (struct hf_authority_memory *)(scene.window + scene.request.thunks_at);
	saved = *page;
	for (i = 0; i < 5; i++) {
		page->va = bad[i];
		assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
	}
	*page = saved;
	page->size = 2 * HF_PAGE_SIZE;
	assert_int_equal(refusal(), HF_REFUSAL_REQUEST);
	*page = saved;
	page->at = sizeof(scene.window) - 1;
	assert_int_equal(refusal(), HF_REFUSAL_REQUEST);
	*page = saved;
	/* Too few, one twice, one too many, more than there can be. */
	scene.request.thunk_count = 0;
	assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
	page[1] = *page;
	scene.request.thunk_count = 2;
	assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
	page[1].va += HF_PAGE_SIZE;
	assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
	scene.request.thunk_count = HF_THUNK_PAGES_MAX + 1;
	assert_int_equal(refusal(), HF_REFUSAL_REQUEST);
	scene.request.thunk_count = 1;
	scene.request.thunks_at = ~0ull;
	assert_int_equal(refusal(), HF_REFUSAL_REQUEST);
	scene.request.thunks_at = (u64)((u8 *)page - scene.window);
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	/* Without the bug there are none. */
	scene.facts.flags = 0;
	assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
}

/* ---- sites ---- */

static void test_jump(void **none)
{
	static const u8 off[] = { NOP5 };

	(void)none;
	prepare(HF_LOADER_6_1, 0);
	load();
	set_branch(SCENE_AT_JUMP, 0xe9, SCENE_MODULES + SCENE_AT_TARGET);
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	set_branch(SCENE_AT_JUMP, 0xe9, SCENE_MODULES + SCENE_AT_TARGET + 1);
	assert_int_equal(refusal(), HF_REFUSAL_BYTES);
	assert_int_equal(scene.result.offset, SCENE_AT_JUMP);
	set_branch(SCENE_AT_JUMP, 0xe8, SCENE_MODULES + SCENE_AT_TARGET);
	assert_int_equal(refusal(), HF_REFUSAL_BYTES);
	memcpy(text(SCENE_AT_JUMP), off, sizeof(off));
	*text(SCENE_AT_JUMP) = 0xcc;
	assert_int_equal(refusal(), HF_REFUSAL_BYTES);
}

static void test_static_call(void **none)
{
	static const u8 off[] = { NOP5 }, zero[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };
	const u64 good[] = { SCENE_EXPORT, SCENE_FUNCTION, SCENE_TRACER,
			     SCENE_MODULES + SCENE_AT_RETURN };
	const u64 bad[] = { SCENE_FUNCTION + 1, SCENE_MODULES + SCENE_AT_RETURN + 1,
			    SCENE_THUNK, SCENE_MODULES };
	u32 i;

	(void)none;
	prepare(HF_LOADER_6_1, HF_FACT_RETURN_THUNK);
	load();
	for (i = 0; i < 4; i++) {
		set_branch(SCENE_AT_STATIC, 0xe8, good[i]);
		assert_int_equal(refusal(), HF_REFUSAL_NONE);
		set_branch(SCENE_AT_STATIC, 0xe8, bad[i]);
		assert_int_equal(refusal(), HF_REFUSAL_BYTES);
		set_branch(SCENE_AT_STATIC, 0xe9, good[i]);
		assert_int_equal(refusal(), HF_REFUSAL_BYTES);
	}
	memcpy(text(SCENE_AT_STATIC), off, sizeof(off));
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	memcpy(text(SCENE_AT_STATIC), zero, sizeof(zero));
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
}

static void test_trace(void **none)
{
	(void)none;
	prepare(HF_LOADER_6_12, 0);
	load();
	set_branch(SCENE_AT_TRACE, 0xe8, SCENE_TRACER);
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	/* As the file has it, and to what is no trampoline. */
	set_branch(SCENE_AT_TRACE, 0xe8, SCENE_EXPORT);
	assert_int_equal(refusal(), HF_REFUSAL_BYTES);
	set_branch(SCENE_AT_TRACE, 0xe8, SCENE_FUNCTION);
	assert_int_equal(refusal(), HF_REFUSAL_BYTES);
}

static void test_site_list(void **none)
{
	const u64 base = SCENE_MODULES - HF_CODE_BASE;
	const u64 want[] = {
		HF_SITE(base + SCENE_AT_TRACE, HF_SITE_TRACE, 0),
		HF_SITE(base + SCENE_AT_JUMP, HF_SITE_JUMP5, base + SCENE_AT_TARGET),
		HF_SITE(base + SCENE_AT_STATIC, HF_SITE_CALL, HF_FORM_CALL),
	};

	(void)none;
	prepare(HF_LOADER_6_12, 0);
	load();
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	assert_int_equal(scene.module.sites, 3);
	assert_memory_equal(scene.module.site, want, sizeof(want));
}

/* ---- all bytes ---- */

/* Any bit of what is executable or read-only, padding included. */
static void test_every_byte(void **none)
{
	u32 part, i;
	u8 *memory;

	(void)none;
	prepare(HF_LOADER_6_12, 0);
	load();
	for (part = 0; part < HF_PART_COUNT; part++) {
		memory = scene_part(&scene, part);
		for (i = 0; i < scene.request.part[part].size; i++) {
			memory[i] ^= (u8)(1 << i % 8);
			if (part == HF_PART_DATA || part == HF_PART_RO_AFTER_INIT)
				assert_int_equal(refusal(), HF_REFUSAL_NONE);
			else
				assert_int_equal(refusal(), HF_REFUSAL_BYTES);
			memory[i] ^= (u8)(1 << i % 8);
		}
	}
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	assert_int_equal(scene.result.bytes, 2 * HF_PAGE_SIZE);
}

/* ---- tables ---- */

static u8 *table(const char *name)
{
	const struct section *found = module_section(&scene.module, name);

	return scene_part(&scene, found->part) +
	       (found->va - scene.module.part[found->part].va);
}

static void test_tables(void **none)
{
	u8 *ip, *orc, *exceptions, first[12];

	(void)none;
	prepare(HF_LOADER_6_1, 0);
	load();
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	exceptions = table("__ex_table");
	memcpy(first, exceptions, 12);
	/* The same two entries the wrong way round, each still saying the same. */
	put32(exceptions, get32(exceptions + 12) + 12);
	put32(exceptions + 4, get32(exceptions + 16) + 12);
	put32(exceptions + 12, get32(first) - 12);
	put32(exceptions + 16, get32(first + 4) - 12);
	assert_int_equal(refusal(), HF_REFUSAL_BYTES);

	/* Of two unwind entries for one place the order is free; what they say is not. */
	prepare(HF_LOADER_6_1, 0);
	put64(section(".orc_unwind_ip")->rela[1] + 16, 0);
	load();
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	ip = table(".orc_unwind_ip");
	orc = table(".orc_unwind");
	assert_int_equal(get32(ip), get32(ip + 4) + 4);
	memcpy(first, orc, 6);
	memcpy(orc, orc + 6, 6);
	memcpy(orc + 6, first, 6);
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	memcpy(orc, orc + 6, 6);
	assert_int_equal(refusal(), HF_REFUSAL_BYTES);
}

/* ---- place and names ---- */

static void test_layout(void **none)
{
	struct hf_authority_memory *part = scene.request.part, saved;
	u32 i;

	(void)none;
	prepare(HF_LOADER_6_12, 0);
	load();
	for (i = 0; i < HF_PART_COUNT; i++) {
		saved = part[i];
		if (!saved.size)
			continue;
		part[i].va++;
		assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
		part[i].va = SCENE_MODULES - HF_PAGE_SIZE;
		assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
		part[i].va = part[i == HF_PART_TEXT ? HF_PART_DATA : HF_PART_TEXT].va;
		assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
		part[i] = saved;
		part[i].size = 0;
		assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
		part[i].size = ~0ull;
		assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
		part[i] = saved;
	}
	part[HF_PART_TEXT].size += HF_PAGE_SIZE;
	assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
	part[HF_PART_TEXT].size -= HF_PAGE_SIZE;
	part[HF_PART_TEXT].at = sizeof(scene.window) - 1;
	assert_int_equal(refusal(), HF_REFUSAL_REQUEST);
}

static void test_symbols(void **none)
{
	u32 code = 1, symbol;

	(void)none;
	prepare(HF_LOADER_6_1, 0);
	builder_symbol(&scene.builder, "unheard of", 0, 0, 0x10);
	assert_int_equal(file_refusal(), HF_REFUSAL_SYMBOL);

	/* A weak one may be missing: it is 0 then. */
	prepare(HF_LOADER_6_1, 0);
	symbol = builder_symbol(&scene.builder, "unheard of", 0, 0, BUILDER_WEAK);
	builder_append(&scene.builder, code, "\xcc\xcc\xcc\xcc", 4);
	builder_relocate(&scene.builder, code,
			 builder_append(&scene.builder, code, "\0\0\0\0\0\0\0\0", 8), 1, symbol,
			 7);
	load();
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	assert_int_equal(get64(text(SCENE_TEXT + 4)), 7);

	/* What it exports, and that nobody else does. */
	assert_int_equal(scene.result.exporter.count[0], 1);
	assert_int_equal(scene.result.exporter.entry_count, 1);
	memcpy(section("__ksymtab_strings")->bytes, "mcount", 7);
	section("__ksymtab_strings")->size = 7;
	load();
	assert_int_equal(refusal(), HF_REFUSAL_SYMBOL);
}

static void test_percpu(void **none)
{
	u32 number, i;
	const u64 bad[] = { 0, 0x1fff8, 0x21ff8, 0x20004, 0x20040, ~7ull };

	(void)none;
	prepare(HF_LOADER_6_12, 0);
	number = builder_add(&scene.builder, ".data..percpu", BUILDER_DATA, NULL, 64);
	builder_relocate(&scene.builder, 1, builder_append(&scene.builder, 1, "\0\0\0\0", 4),
			 11, builder_symbol(&scene.builder, "", number, 8, 1), 0);
	scene.exporter.percpu = 0x20040;
	scene.exporter.percpu_size = 64;
	scene.request.percpu = 0x20080;
	load();
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	assert_int_equal(get32(text(SCENE_TEXT)), 0x20088);
	for (i = 0; i < 6; i++) {
		scene.request.percpu = bad[i];
		assert_int_equal(refusal(), HF_REFUSAL_LAYOUT);
	}
	/* In place, but not there. */
	scene.request.percpu = 0x20088;
	assert_int_equal(refusal(), HF_REFUSAL_BYTES);
}

/* Without per-CPU data there is no place for it, wherever the request says it is. */
static void test_percpu_none(void **none)
{
	u32 number;

	(void)none;
	prepare(HF_LOADER_6_12, 0);
	load();
	scene.request.percpu = 0x20080;
	assert_int_equal(refusal(), HF_REFUSAL_REQUEST);

	prepare(HF_LOADER_6_12, 0);
	number = builder_add(&scene.builder, ".data..percpu", BUILDER_DATA, NULL, 0);
	builder_relocate(&scene.builder, 1, builder_append(&scene.builder, 1, "\0\0\0\0", 4),
			 11, builder_symbol(&scene.builder, "", number, 8, 1), 0);
	load();
	assert_int_equal(refusal(), HF_REFUSAL_NONE);
	assert_int_equal(get32(text(SCENE_TEXT)), 8);
	scene.request.percpu = 0x20080;
	assert_int_equal(refusal(), HF_REFUSAL_REQUEST);
}

static void test_modinfo(void **none)
{
	(void)none;
	prepare(HF_LOADER_6_1, 0);
	load();
	scene.facts.vermagic[0] = '2';
	assert_int_equal(refusal(), HF_REFUSAL_VERSION);

	prepare(HF_LOADER_6_1, 0);
	builder_append(&scene.builder, 2, "livepatch=Y", 12);
	load();
	assert_int_equal(refusal(), HF_REFUSAL_MODE);

	prepare(HF_LOADER_6_1, 0);
	builder_append(&scene.builder, 2, "no end", 6);
	load();
	assert_int_equal(refusal(), HF_REFUSAL_FILE);
}

static void test_relocations(void **none)
{
	static const struct {
		u64 offset;
		u32 type;
		u32 symbol;
		s64 addend;
	} bad[] = {
		{ SCENE_AT_JUMP, 2, 1, 0 },  /* not zero there */
		{ SCENE_TEXT + 5, 2, 1, 0 }, /* over the end */
		{ ~0ull, 2, 1, 0 },
		{ SCENE_TEXT, 2, 1000, 0 },	      /* no such symbol */
		{ SCENE_TEXT, 9, 1, 0 },	      /* a type that the loader does not know */
		{ SCENE_TEXT, 11, 1, -0x50000000ll }, /* does not fit */
		{ SCENE_TEXT, 10, 1, 0 },
		{ SCENE_TEXT, 2, 1, -0x7fffffffll },
	};
	u32 i;

	(void)none;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		prepare(HF_LOADER_6_12, 0);
		builder_append(&scene.builder, 1, "\0\0\0\0\0\0\0\0", 8);
		builder_relocate(&scene.builder, 1, bad[i].offset, bad[i].type, bad[i].symbol,
				 bad[i].addend);
		assert_int_equal(file_refusal(), HF_REFUSAL_RELOCATION);
	}
}

/* Patch sites outside the code are no sites. */
static void test_bad_tables(void **none)
{
	static const char *const names[] = { ".retpoline_sites", ".return_sites",
					     ".ibt_endbr_seal", ".altinstructions" };
	u32 i;

	(void)none;
	for (i = 0; i < 4; i++) {
		prepare(HF_LOADER_6_12, 0);
		put64(section(names[i])->rela[0] + 16, 0x10000);
		assert_int_equal(file_refusal(), HF_REFUSAL_TABLE);
		prepare(HF_LOADER_6_12, 0);
		section(names[i])->size += 1;
		assert_int_equal(file_refusal(), HF_REFUSAL_TABLE);
	}
	prepare(HF_LOADER_6_12, 0);
	load();
	put64(section("__jump_table")->rela[1] + 16, 0x10000);
	scene_write(&scene);
	assert_int_equal(refusal(), HF_REFUSAL_TABLE);
}

/* What is refused before the file is looked at; this one has no signature. */
static u32 whole(void)
{
	struct hf_authority_result result;

	assert_int_not_equal(
		authority_module(&scene.authority, &scene.request, &scene.arena, &result), 0);
	return result.refusal;
}

static void test_request(void **none)
{
	(void)none;
	prepare(HF_LOADER_6_12, 0);
	load();
	scene.request.file_size = scene.file_size;
	assert_int_equal(whole(), HF_REFUSAL_SIGNATURE);
	scene.facts.flags = HF_FACT_CALL_DEPTH;
	assert_int_equal(whole(), HF_REFUSAL_MODE);
	scene.facts.flags = 0;
	scene.request.file_at = sizeof(scene.window);
	assert_int_equal(whole(), HF_REFUSAL_REQUEST);
	scene.request.file_at = ~0ull;
	assert_int_equal(whole(), HF_REFUSAL_REQUEST);
	scene.request.file_at = 0;
	scene.facts.capability_count = HF_CAPABILITY_WORDS + 1;
	assert_int_equal(whole(), HF_REFUSAL_REQUEST);
	scene.facts.capability_count = 2;
	scene.facts.pv_count = HF_PV_OPS_MAX + 1;
	assert_int_equal(whole(), HF_REFUSAL_REQUEST);
	scene.facts.pv_count = 3;
	scene.facts.loader = 3;
	assert_int_equal(whole(), HF_REFUSAL_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	      cmocka_unit_test(test_facts),
		cmocka_unit_test(test_wrong_facts),   cmocka_unit_test(test_its_return),
		cmocka_unit_test(test_its_thunk),     cmocka_unit_test(test_its_pages),
		cmocka_unit_test(test_its_request),   cmocka_unit_test(test_percpu_none),
		cmocka_unit_test(test_long_branches), cmocka_unit_test(test_jump),
		cmocka_unit_test(test_static_call),   cmocka_unit_test(test_trace),
		cmocka_unit_test(test_site_list),     cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_tables),	      cmocka_unit_test(test_layout),
		cmocka_unit_test(test_symbols),	      cmocka_unit_test(test_percpu),
		cmocka_unit_test(test_modinfo),	      cmocka_unit_test(test_relocations),
		cmocka_unit_test(test_bad_tables),    cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
