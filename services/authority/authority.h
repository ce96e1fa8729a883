/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a module in memory what its signed file makes of it? A library: it holds no state, takes
 * memory from nobody but the caller (the cryptographic library: from calloc), and every number of
 * the file, the request and the guest is foreign to it.
 */
#ifndef AUTHORITY_AUTHORITY_H
#define AUTHORITY_AUTHORITY_H

#include <holdfast/service/authority.h>
#include <libsvc/bytes.h>

#include "arena.h"

/*
 * What was recorded before lock, and what came with approved modules. All that @at fields name
 * lies in @window.
 *
 * @exporter:	the kernel first
 */
struct authority {
	const u8 *window;
	u64 window_size;
	const struct hf_authority_facts *facts;
	const struct hf_authority_key *key;
	u32 keys;
	const struct hf_authority_hash *revoked;
	u32 revocations;
	const struct hf_authority_exporter *exporter;
	u32 exporters;
};

/*
 * Judges one module. Returns @result->status. On 0 the sites (struct hf_site of site.h, as u64)
 * and entries are in @arena: sites_at and entries_at of @result are offsets there.
 */
int authority_module(const struct authority *authority,
		     const struct hf_authority_request *request, struct arena *arena,
		     struct hf_authority_result *result);

#endif
