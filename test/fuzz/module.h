/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzers of module files share. */
#ifndef TEST_FUZZ_MODULE_H
#define TEST_FUZZ_MODULE_H

#include "../authority/scene.h"
#include "fuzz.h"

extern const char *const module_fuzzer;

/* The scene, made anew: loader and facts by the first two bytes of the input. */
struct scene *module_scene(const u8 *data, size_t size);
/*
 * Has the file in the window judged, in memory that is as it makes it. Once approved, no bit of
 * that may change but at a patch site: one at @at is tried.
 */
void module_try(u64 at);

#endif
