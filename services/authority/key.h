/* SPDX-License-Identifier: GPL-2.0-only */
/* Public keys, as the kernel keeps them, and what they verify. */
#ifndef AUTHORITY_KEY_H
#define AUTHORITY_KEY_H

#include <holdfast/service/authority.h>
#include <libsvc/bytes.h>

/* Of SHA-2: @size says which, 32, 48 or 64 bytes. */
struct digest {
	u8 bytes[64];
	u32 size;
};

/* The digest of @size bytes at @at; @digest->size is set. */
bool key_digest(const u8 *at, u64 size, struct digest *digest);
/* Is that the holder's signature? False, too, where the key is malformed, or is none of ours. */
bool key_verifies(const struct hf_authority_key *key, const struct digest *digest,
		  const u8 *signature, u64 size);

#endif
