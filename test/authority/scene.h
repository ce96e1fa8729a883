/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel and a module, both made up: what the authority is asked about in tests that need no
 * capture. The module has one place for every rule.
 */
#ifndef TEST_AUTHORITY_SCENE_H
#define TEST_AUTHORITY_SCENE_H

#include "../../services/authority/judge.h"
#include "builder.h"

#define SCENE_EXPORT	0xffffffff81200000ull /* of "exported" */
#define SCENE_FUNCTION	0xffffffff81300040ull /* where static calls may go */
#define SCENE_TRACER	0xffffffff81400080ull /* a trampoline */
#define SCENE_THUNK	0xffffffff81500000ull /* of returns */
#define SCENE_INDIRECT	0xffffffff81600000ull
#define SCENE_PV_OPS	0xffffffff82000000ull
#define SCENE_PV_TARGET 0xffffffff81700000ull
#define SCENE_PV_NOP	0xffffffff81700100ull
#define SCENE_PV_BUG	0xffffffff81700200ull
#define SCENE_MODULES	0xffffffffc0000000ull
#define SCENE_THUNKS	0xffffffffc8000000ull /* the page of ITS thunks */

#define SCENE_FILE     32768u
#define SCENE_PART_MAX (16u << 10)
#define SCENE_PRESENT  3u /* a feature that the CPU has */
#define SCENE_ABSENT   4u

/* Places in .text. */
enum scene_place {
	SCENE_AT_TRACE = 0,
	SCENE_AT_CALL = 5,
	SCENE_AT_RETPOLINE = 10,
	SCENE_AT_ALTERNATIVE = 15,
	SCENE_AT_JUMP = 23,
	SCENE_AT_STATIC = 28,
	SCENE_AT_RETURN = 33,
	SCENE_AT_ENDBR = 38,
	SCENE_AT_LOCK = 42,
	SCENE_AT_TARGET = 46,
	SCENE_TEXT = 48,
};

struct scene {
	u8 window[SCENE_FILE + 4096 + HF_PART_COUNT * SCENE_PART_MAX + HF_PAGE_SIZE];
	struct builder builder;
	u64 file_size;
	struct hf_authority_facts facts;
	struct hf_authority_exporter exporter;
	struct authority authority;
	struct hf_authority_request request;
	struct hf_authority_result result;
	struct arena arena;
	struct module module;
	u8 memory[1u << 20]; /* of @arena, which clears it */
};

/* Everything but the file. */
void scene_open(struct scene *scene, enum hf_loader loader);
/* The module with all its places, in @scene->builder; its file in the window. */
void scene_build(struct scene *scene);
void scene_write(struct scene *scene);
/*
 * Loads it: sizes by its file, memory as the file makes it. 0, or what the authority says on the
 * way.
 */
int scene_load(struct scene *scene);
/* Judges what is in memory. */
int scene_judge(struct scene *scene);
/* Memory of a part; of the page of ITS thunks. */
u8 *scene_part(struct scene *scene, enum hf_module_part part);
u8 *scene_thunks(struct scene *scene);

#endif
