// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/site.h>
#include <stddef.h>

#include "scene.h"

#include "../../services/authority/layout.h"

#define KERNEL_AT SCENE_FILE /* the kernel's tables in the window, and their address */
#define KERNEL_VA 0xffffffff82100000ull
#define PARTS_AT  (SCENE_FILE + 4096)
#define THUNKS_AT (PARTS_AT + HF_PART_COUNT * SCENE_PART_MAX)

#define TYPE_64	   1u
#define TYPE_PC32  2u
#define TYPE_PLT32 4u

/* Two exports, by name: "exported", "mcount"; two places where static calls may go. */
static void make_kernel(struct scene *scene)
{
	static const char names[] = "exported\0mcount";
	static const u32 entries[] = { SCENE_FUNCTION - HF_CODE_BASE,
				       (SCENE_TRACER - HF_CODE_BASE) | HF_ENTRY_TRAMPOLINE };
	static const struct hf_authority_memory thunks = { SCENE_THUNKS, THUNKS_AT,
							   HF_PAGE_SIZE };
	u8 *kernel = scene->window + KERNEL_AT;

	put32(kernel, SCENE_EXPORT - KERNEL_VA);
	put32(kernel + 4, 256 - 4);
	put32(kernel + 12, SCENE_TRACER - KERNEL_VA - 12);
	put32(kernel + 16, 256 + 9 - 16);
	memcpy(kernel + 256, names, sizeof(names));
	memcpy(kernel + 512, entries, sizeof(entries));
	memcpy(kernel + 1024, &thunks, sizeof(thunks));
	scene->exporter = (struct hf_authority_exporter){
		.memory = { KERNEL_VA, KERNEL_AT, 4096 },
		.symbols = { KERNEL_VA, KERNEL_VA },
		.count = { 2, 0 },
		.entries_at = KERNEL_AT + 512,
		.entry_count = 2,
	};
}

void scene_open(struct scene *scene, enum hf_loader loader)
{
	u32 i;

	memset(scene, 0, offsetof(struct scene, memory));
	make_kernel(scene);
	scene->facts = (struct hf_authority_facts){
		.size = sizeof(scene->facts),
		.loader = loader,
		.capability_count = 2,
		.capability = { 1u << SCENE_PRESENT },
		.return_thunk = SCENE_THUNK,
		.indirect_thunks = SCENE_INDIRECT,
		.pv_ops = SCENE_PV_OPS,
		.pv_op = { SCENE_PV_TARGET, SCENE_PV_NOP, 0 },
		.pv_count = 3,
		.pv_nop = SCENE_PV_NOP,
		.pv_bug = SCENE_PV_BUG,
		.percpu_start = 0x20000,
		.percpu_end = 0x22000,
		.module_start = SCENE_MODULES,
		.module_end = SCENE_MODULES + (1u << 29),
		.vermagic = "1.2.3 SMP",
	};
	scene->authority = (struct authority){ .window = scene->window,
					       .window_size = sizeof(scene->window),
					       .facts = &scene->facts,
					       .exporter = &scene->exporter,
					       .exporters = 1 };
	scene->request.size = sizeof(scene->request);
	scene->request.thunks_at = KERNEL_AT + 1024;
	for (i = 0; i < HF_PART_COUNT; i++)
		scene->request.part[i] =
			(struct hf_authority_memory){ SCENE_MODULES + i * 0x100000,
						      PARTS_AT + i * SCENE_PART_MAX, 0 };
}

/* A table with one relative entry that points to @place of .text. */
static void add_places(struct builder *builder, const char *name, u32 text, u64 place)
{
	u32 section = builder_add(builder, name, ELF_ALLOC, NULL, 4);

	builder_relocate(builder, section, 0, TYPE_PC32, text, (s64)place);
}

/* "call exported"; for later kernels with an instruction in front, which earlier ones cannot. */
static void add_alternative(struct builder *builder, enum hf_loader loader, u32 text,
			    u32 exported)
{
	static const u8 with[] = { 0x31, 0xc0, 0xe8, 0, 0, 0, 0 };
	static const u8 old[12] = { [8] = SCENE_PRESENT, [10] = 8, [11] = 5 };
	static const u8 new[14] = { [8] = SCENE_PRESENT, [12] = 8, [13] = 7 };
	bool early = loader == HF_LOADER_6_1;
	u32 other = builder_add(builder, ".altinstr_replacement", BUILDER_TEXT,
				with + (early ? 2 : 0), early ? 5 : 7);
	u32 table = builder_add(builder, ".altinstructions", ELF_ALLOC, early ? old : new,
				early ? sizeof(old) : sizeof(new));
	u32 symbol = builder_symbol(builder, "", other, 0, 3);

	builder_relocate(builder, other, early ? 1 : 3, TYPE_PLT32, exported, -4);
	builder_relocate(builder, table, 0, TYPE_PC32, text, SCENE_AT_ALTERNATIVE);
	builder_relocate(builder, table, 4, TYPE_PC32, symbol, 0);
}

static void add_sites(struct builder *builder, u32 text, u32 exported)
{
	u32 jumps = builder_add(builder, "__jump_table", BUILDER_DATA, NULL, 16);
	u32 calls = builder_add(builder, ".static_call_sites", BUILDER_DATA, NULL, 8);
	u32 traces = builder_add(builder, "__mcount_loc", ELF_ALLOC, NULL, 8);

	builder_relocate(builder, jumps, 0, TYPE_PC32, text, SCENE_AT_JUMP);
	builder_relocate(builder, jumps, 4, TYPE_PC32, text, SCENE_AT_TARGET);
	builder_relocate(builder, calls, 0, TYPE_PC32, text, SCENE_AT_STATIC);
	builder_relocate(builder, calls, 4, TYPE_PC32, exported, 0);
	builder_relocate(builder, traces, 0, TYPE_64, text, SCENE_AT_TRACE);
}

/* Entries in the order of their keys, as the build tools leave them. */
static void add_tables(struct builder *builder, u32 text)
{
	static const u8 orc[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	u32 table = builder_add(builder, "__ex_table", ELF_ALLOC, NULL, 24);
	u32 ip = builder_add(builder, ".orc_unwind_ip", ELF_ALLOC, NULL, 8);

	builder_relocate(builder, table, 0, TYPE_PC32, text, 5);
	builder_relocate(builder, table, 4, TYPE_PC32, text, 40);
	builder_relocate(builder, table, 12, TYPE_PC32, text, 10);
	builder_relocate(builder, table, 16, TYPE_PC32, text, 40);
	builder_relocate(builder, ip, 0, TYPE_PC32, text, 0);
	builder_relocate(builder, ip, 4, TYPE_PC32, text, 33);
	builder_add(builder, ".orc_unwind", ELF_ALLOC, orc, sizeof(orc));
}

static void add_exports(struct builder *builder, u32 text)
{
	static const char name[] = "own";
	u32 strings = builder_add(builder, "__ksymtab_strings", ELF_ALLOC, name, sizeof(name));
	u32 table = builder_add(builder, "__ksymtab", ELF_ALLOC, NULL, 12);

	builder_relocate(builder, table, 0, TYPE_PC32, text, 0);
	builder_relocate(builder, table, 4, TYPE_PC32,
			 builder_symbol(builder, "", strings, 0, 3), 0);
}

void scene_build(struct scene *scene)
{
	static const u8 text[SCENE_TEXT] = {
		0xe8, 0,    0,	  0,	0,			/* trace */
		0xe8, 0,    0,	  0,	0,			/* call exported */
		0xe8, 0,    0,	  0,	0,			/* call thunk of rcx */
		0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, /* alternative */
		0x0f, 0x1f, 0x44, 0,	0,			/* static key, off */
		0xe8, 0,    0,	  0,	0,			/* static call */
		0xe9, 0,    0,	  0,	0,			/* return */
		0xf3, 0x0f, 0x1e, 0xfa, 0xf0, 0x48, 0x0f, 0xc1, 0x90, 0xc3,
	};
	static const char info[] = "name=scene\0vermagic=1.2.3 SMP";
	struct builder *builder = &scene->builder;
	u32 code, symbol, exported, thunk, ret;

	builder_start(builder);
	code = builder_add(builder, ".text", BUILDER_TEXT, text, sizeof(text));
	builder_add(builder, ".modinfo", ELF_ALLOC, info, sizeof(info));
	builder_add(builder, ".data", BUILDER_DATA, NULL, 64);
	symbol = builder_symbol(builder, "", code, 0, 3);
	exported = builder_symbol(builder, "exported", 0, 0, 0x10);
	builder_symbol(builder, "function", code, SCENE_AT_RETURN, BUILDER_FUNC);
	thunk = builder_symbol(builder, "", 0xfff1, SCENE_INDIRECT + 32, 0);
	ret = builder_symbol(builder, "", 0xfff1, SCENE_THUNK + 0x40, 0);
	builder_relocate(builder, code, 1, TYPE_PLT32, exported, -4);
	builder_relocate(builder, code, SCENE_AT_CALL + 1, TYPE_PLT32, exported, -4);
	builder_relocate(builder, code, SCENE_AT_RETPOLINE + 1, TYPE_PLT32, thunk, -4);
	builder_relocate(builder, code, SCENE_AT_STATIC + 1, TYPE_PLT32, exported, -4);
	builder_relocate(builder, code, SCENE_AT_RETURN + 1, TYPE_PLT32, ret, -4);
	add_alternative(builder, scene->facts.loader, symbol, exported);
	add_places(builder, ".retpoline_sites", symbol, SCENE_AT_RETPOLINE);
	add_places(builder, ".return_sites", symbol, SCENE_AT_RETURN);
	add_places(builder, ".ibt_endbr_seal", symbol, SCENE_AT_ENDBR);
	add_places(builder, ".smp_locks", symbol, SCENE_AT_LOCK);
	add_sites(builder, symbol, exported);
	add_tables(builder, symbol);
	add_exports(builder, symbol);
	/* The page is there if anything is in it. */
	scene->request.thunk_count = (scene->facts.flags & (HF_FACT_ITS | HF_FACT_RETPOLINE)) ==
				     HF_FACT_ITS;
	scene_write(scene);
}

void scene_write(struct scene *scene)
{
	scene->file_size = builder_finish(&scene->builder, scene->window, SCENE_FILE);
}

u8 *scene_part(struct scene *scene, enum hf_module_part part)
{
	return scene->window + PARTS_AT + part * SCENE_PART_MAX;
}

u8 *scene_thunks(struct scene *scene)
{
	return scene->window + THUNKS_AT;
}

static void begin(struct scene *scene)
{
	scene->arena = (struct arena){ scene->memory, sizeof(scene->memory), 0, 0 };
	scene->result = (struct hf_authority_result){ .size = sizeof(scene->result) };
	scene->module = (struct module){ .authority = &scene->authority,
					 .facts = &scene->facts,
					 .request = &scene->request,
					 .result = &scene->result,
					 .arena = &scene->arena,
					 .file = scene->window,
					 .file_size = scene->file_size };
}

int scene_load(struct scene *scene)
{
	u64 used[HF_PART_COUNT] = { 0 };
	int ret;
	u32 i;

	begin(scene);
	ret = elf_read(&scene->module);
	if (!ret)
		ret = layout_measure(&scene->module, used);
	if (ret)
		return ret;
	for (i = 0; i < HF_PART_COUNT; i++) {
		if (used[i] > SCENE_PART_MAX)
			return -HF_ENOMEM;
		scene->request.part[i].size = (used[i] + PAGE_REST) & ~PAGE_REST;
	}
	begin(scene);
	ret = elf_read(&scene->module);
	if (!ret)
		ret = judge_make(&scene->module);
	for (i = 0; i < HF_PART_COUNT && !ret; i++)
		if (scene->module.part[i].memory)
			memcpy(scene_part(scene, i), scene->module.part[i].expected,
			       scene->module.part[i].size);
	if (!ret && scene->module.thunks)
		memcpy(scene_thunks(scene), scene->module.thunk->expected, HF_PAGE_SIZE);
	return ret;
}

int scene_judge(struct scene *scene)
{
	begin(scene);
	return judge_module(&scene->module);
}
