/* SPDX-License-Identifier: GPL-2.0-only */
/* What judgements rest on: recorded before lock, and of modules that were approved. */
#ifndef AUTHORITY_STORE_H
#define AUTHORITY_STORE_H

#include "authority.h"

/* All of these return 0 or a negated HF_E* code. */

/* @bytes: of @piece, in lent memory. Before lock. */
int store_record(const struct hf_authority_piece *piece, const u8 *bytes);

/* As it is now; valid until the next change. */
void store_tell(struct authority *authority);

/* Approved, as @result says; its entries are in @work. -EEXIST, -ENOSPC, -EINVAL. */
int store_add(const struct hf_authority_result *result, const u8 *work);

/* @name: HF_MODULE_NAME bytes. -ENOENT */
int store_remove(const u8 *name);

#endif
