/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a launch was refused, and what to do about it. */
#ifndef CLI_REASON_H
#define CLI_REASON_H

#include <stdint.h>

/* @word: for programs, stable; @sentence: for people. Never NULL. */
struct reason {
	const char *word;
	const char *sentence;
};

/* @number: enum hf_reason */
struct reason reason_of(uint32_t number);

#endif
