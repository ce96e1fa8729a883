/* SPDX-License-Identifier: GPL-2.0-only */
/* The nops that the kernel fills with, and how it replaces those it finds. */
#ifndef AUTHORITY_NOPS_H
#define AUTHORITY_NOPS_H

#include <holdfast/service/authority.h>
#include <libsvc/bytes.h>

#define NOPS_CALL 5u /* bytes of a call or jump, and of the nop in its place */

extern const u8 nops_2[2];
extern const u8 nops_5[NOPS_CALL];

/* Fills as add_nops() does: as few as there can be, the last one as long as what is left. */
void nops_fill(u8 *at, u64 size);
/*
 * Replaces the nops in the first @size bytes (optimize_nops()). The earlier kernel decodes what
 * is behind them as well: there are @readable bytes in all.
 */
void nops_optimise(enum hf_loader loader, u8 *at, u64 size, u64 readable);

#endif
