// SPDX-License-Identifier: GPL-2.0-only
#include <linux/assoc_array.h>
#include <linux/key.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <crypto/public_key.h>
#include <keys/asymmetric-type.h>

#include "keys.h"
#include "symbols.h"

struct visit {
	keys_fn *fn;
	void *arg;
	u32 flags; /* HF_KEY_* */
};

static u32 type_of(const struct public_key *key)
{
	if (!strcmp(key->pkey_algo, "rsa"))
		return HF_KEY_RSA;
	if (!strcmp(key->pkey_algo, "ecdsa-nist-p256") ||
	    (!strcmp(key->pkey_algo, "ecdsa") && key->keylen == 65))
		return HF_KEY_P256;
	if (!strcmp(key->pkey_algo, "ecdsa-nist-p384") ||
	    (!strcmp(key->pkey_algo, "ecdsa") && key->keylen == 97))
		return HF_KEY_P384;
	return 0;
}

/* Of a kind that the authority does not know: what it has signed is refused. */
static int visit_key(const struct key *key, const struct visit *visit)
{
	const struct public_key *public = key->payload.data[asym_crypto];
	struct hf_authority_key *record;
	u32 type = public ? type_of(public) : 0;
	int ret;

	if (!type || public->keylen > HF_KEY_BYTES_MAX)
		return 0;
	record = kzalloc(sizeof(*record), GFP_KERNEL);
	if (!record)
		return -ENOMEM;
	record->type = type;
	record->flags = visit->flags;
	record->size = public->keylen;
	memcpy(record->bytes, public->key, public->keylen);
	ret = visit->fn(HF_RECORD_KEYS, record, sizeof(*record), visit->arg);
	kfree(record);
	return ret;
}

/* "bin:" and the hash of a file (certs/blacklist.c); those of certificates are not for us. */
static int visit_hash(const struct key *key, const struct visit *visit)
{
	struct hf_authority_hash hash = { 0 };
	size_t digits;

	if (!key->description || strncmp(key->description, "bin:", 4))
		return 0;
	digits = strlen(key->description + 4);
	hash.size = digits / 2;
	if ((hash.size != 32 && hash.size != 48 && hash.size != 64) || digits % 2 ||
	    hex2bin(hash.bytes, key->description + 4, hash.size))
		return 0;
	return visit->fn(HF_RECORD_HASHES, &hash, sizeof(hash), visit->arg);
}

static int visit_object(const void *object, void *arg)
{
	/* Bit 1 of a keyring's pointers tells keyrings from keys (security/keys/keyring.c). */
	const struct key *key = (const void *)((unsigned long)object & ~2ul);
	const struct visit *visit = arg;

	if (!strcmp(key->type->name, "asymmetric"))
		return visit_key(key, visit);
	return visit->flags & HF_KEY_REVOKED ? visit_hash(key, visit) : 0;
}

static int visit_ring(struct key *const *ring, struct visit *visit)
{
	int ret;

	if (!ring || !*ring)
		return 0;
	down_read(&(*ring)->sem);
	ret = symbols.assoc_array_iterate(&(*ring)->keys, visit_object, visit);
	up_read(&(*ring)->sem);
	return ret;
}

int keys_each(keys_fn *fn, void *arg)
{
	struct visit good = { fn, arg, 0 }, revoked = { fn, arg, HF_KEY_REVOKED };
	int ret;

	if (!symbols.assoc_array_iterate || !symbols.builtin_keys)
		return -ENOENT;
	ret = visit_ring(symbols.builtin_keys, &good);
	if (!ret)
		ret = visit_ring(symbols.secondary_keys, &good);
	return ret ? ret : visit_ring(symbols.blacklist, &revoked);
}
