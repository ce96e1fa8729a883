/* SPDX-License-Identifier: GPL-2.0-only */
/* The verdict on a module whose file is signed: the order of the rules, and the comparison. */
#ifndef AUTHORITY_JUDGE_H
#define AUTHORITY_JUDGE_H

#include "module.h"

/* @module: file, request, and what was recorded are set. 0, or refused, see the result. */
int judge_module(struct module *module);

/* A part of it: what memory should hold by the file alone. elf_read() has been called. */
int judge_make(struct module *module);

#endif
