/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words for the contract's numbers, in human text and in JSON alike. A number
 * that this version does not know is "unknown".
 */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <stdint.h>

const char *name_state(uint32_t state);
const char *name_action(uint32_t action);
const char *name_event(uint32_t kind);
const char *name_access(uint32_t access);
const char *name_exit(uint32_t kind);
const char *name_enforcement(uint32_t enforcement);
const char *name_page(uint32_t state);
const char *name_kind(uint32_t kind);
const char *name_judge(uint32_t what);

/* The features one by one: name, and @flag in hf_info.features. NULL past the last one. */
const char *name_feature(uint32_t index, uint32_t *flag);

#endif
