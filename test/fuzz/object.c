// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input changes a good module file, anywhere: two bytes for the facts, then changes of 4 bytes
 * each, the offset from the end of the file in two, and two to store there.
 */
#include "module.h"

const char *const module_fuzzer = "object";

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct scene *scene = module_scene(data, size);
	u64 offset, at = 0;
	size_t i;

	/* Headers come last in the file: offsets count from there. */
	for (i = 2; i + 4 <= size; i += 4) {
		offset = 2 + get16(data + i) % (scene->file_size - 2);
		memcpy(scene->window + scene->file_size - offset, data + i + 2, 2);
		at = at * 31 + get32(data + i);
	}
	module_try(at);
	return 0;
}
