/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys that this kernel lets modules be signed with, and what it has revoked. */
#ifndef AGENT_COMPAT_KEYS_H
#define AGENT_COMPAT_KEYS_H

#include <holdfast/service/authority.h>

/* What is not 0 ends it. @record: HF_RECORD_KEYS or HF_RECORD_HASHES, of @size bytes */
typedef int keys_fn(u32 record, const void *bytes, size_t size, void *arg);

/* The built-in and the secondary ring, and the blacklist. -ENOENT: this kernel has none. */
int keys_each(keys_fn *fn, void *arg);

#endif
