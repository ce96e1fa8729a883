// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/site.h>

#include "module.h"

static struct scene scene;
static unsigned long long inputs, approved, changed;

static void tell(void)
{
	printf("%s: %llu inputs, %llu of them approved, %llu refused with a bit changed\n",
	       module_fuzzer, inputs, approved, changed);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(tell);
}

struct scene *module_scene(const u8 *data, size_t size)
{
	scene_open(&scene, size && data[0] & 1 ? HF_LOADER_6_12 : HF_LOADER_6_1);
	if (size > 1)
		scene.facts.flags = data[1] & (15 | HF_FACT_ITS);
	if (size && data[0] & 2)
		scene.facts.its_return_thunk = SCENE_THUNK;
	if (size && data[0] & 4)
		scene.facts.capability[0] = 0;
	scene_build(&scene);
	return &scene;
}

/* The kernel has traced functions at a nop. */
static void make_traces(void)
{
	static const u8 nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	const struct section *table = module_section(&scene.module, "__mcount_loc");
	u8 *code;
	u64 i;

	for (i = 0; table && table->bytes && i + 8 <= table->size; i += 8) {
		code = module_code(&scene.module, get64(table->bytes + i), sizeof(nop));
		if (code)
			memcpy(scene.window +
				       (module_memory(&scene.module, code) - scene.window),
			       nop, sizeof(nop));
	}
}

static bool at_site(u64 va)
{
	u64 site;
	u32 i;

	for (i = 0; i < scene.module.sites; i++) {
		site = HF_CODE_BASE + HF_SITE_AT(scene.module.site[i]);
		if (va >= site && va < site + 6)
			return true;
	}
	return false;
}

/* The entries of sorted tables may stand in another order, if they say the same. */
static bool in_table(const struct part *part, u64 va)
{
	static const char *const names[] = { "__ex_table", ".orc_unwind", ".orc_unwind_ip",
					     "__mcount_loc" };
	const struct section *table;
	u32 i;

	for (i = 0; i < 4; i++) {
		table = module_section(&scene.module, names[i]);
		if (table && &scene.module.part[table->part] == part && va >= table->va &&
		    va < table->va + table->size)
			return true;
	}
	return false;
}

static void change(u64 at)
{
	const struct part *part = &scene.module.part[at & 1 ? HF_PART_TEXT : HF_PART_RODATA];
	u64 offset;
	u8 *byte;

	if (!part->memory || !part->size)
		return;
	offset = at / 2 % part->size;
	if (at_site(part->va + offset) || in_table(part, part->va + offset))
		return;
	byte = scene.window + (part->memory - scene.window) + offset;
	*byte ^= (u8)(1 << at % 8);
	if (!scene_judge(&scene))
		fuzz_fail("module: byte %#llx of a part may change",
			  (unsigned long long)offset);
	changed++;
}

void module_try(u64 at)
{
	inputs++;
	if (!scene_load(&scene)) {
		make_traces();
		if (!scene_judge(&scene)) {
			approved++;
			change(at);
		}
	} else if (scene.result.refusal == HF_REFUSAL_NONE) {
		fuzz_fail("module: refused without a reason");
	}
}
