// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input is code, and tables of what the kernel does to it, in a file that is well formed: two
 * bytes for the facts, then changes of 4 bytes each: section, offset, and two bytes to store in
 * its contents or, with the top bit of the section set, in an addend that refers to another place.
 */
#include "module.h"

const char *const module_fuzzer = "rules";

static void change(struct builder *builder, const u8 *edit)
{
	struct builder_section *section;

	section = &builder->section[1 + (edit[0] & 127u) % (builder->sections - 1)];
	if (edit[0] & 128 && section->relas)
		put64(section->rela[edit[1] % section->relas] + 16,
		      (u64)(s64)(int16_t)get16(edit + 2));
	else if (section->size > 2)
		memcpy(section->bytes + edit[1] % (section->size - 1), edit + 2, 2);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct scene *scene = module_scene(data, size);
	u64 at = 0;
	size_t i;

	for (i = 2; i + 4 <= size; i += 4) {
		change(&scene->builder, data + i);
		at = at * 31 + get32(data + i);
	}
	scene_write(scene);
	module_try(at);
	return 0;
}
