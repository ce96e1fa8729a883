// SPDX-License-Identifier: GPL-2.0-only
#include <mbedtls/asn1.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>

#include "signature.h"

/* include/linux/module_signature.h: what ends the file, and the structure in front of that. */
static const char marker[] = "~Module signature appended~\n";
#define MARKER_SIZE  (sizeof(marker) - 1)
#define TRAILER_SIZE 12u
#define ID_PKCS7     2u

/* Cryptographic Message Syntax, RFC 5652; algorithms by RFC 5754. */
static const u8 signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const u8 plain_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const u8 sha2[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 };

#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define SET	 (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SET)
#define FIELD_0	 (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_CONTEXT_SPECIFIC)

/* SubjectPublicKeyInfo up to the point, of the two curves (RFC 5480). */
static const u8 p256_prefix[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				  0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				  0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const u8 p384_prefix[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
				  0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
				  0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 };

#define RSA_BITS_MIN 2048u
#define RSA_BITS_MAX 4096u

/* A piece of DER: what is between @at and @end is not read yet. */
struct der {
	u8 *at;
	const u8 *end;
};

/* One signer's signature over the file. */
struct message {
	mbedtls_md_type_t hash;
	const u8 *signature;
	size_t size;
	u8 digest[64];
	u8 digest_size;
};

/* The contents of the next element, which has to have that tag. */
static bool enter(struct der *from, int tag, struct der *inside)
{
	size_t length;

	if (mbedtls_asn1_get_tag(&from->at, from->end, &length, tag))
		return false;
	inside->at = from->at;
	inside->end = from->at + length;
	from->at += length;
	return true;
}

static bool next_is(const struct der *der, int tag)
{
	return der->at < der->end && *der->at == tag;
}

static bool done(const struct der *der)
{
	return der->at == der->end;
}

static bool equals(const struct der *der, const u8 *bytes, size_t size)
{
	return (size_t)(der->end - der->at) == size && !memcmp(der->at, bytes, size);
}

/* SHA-2 by the last byte of its object identifier. */
static bool read_hash(struct der *from, mbedtls_md_type_t *hash)
{
	static const mbedtls_md_type_t hashes[] = { MBEDTLS_MD_NONE, MBEDTLS_MD_SHA256,
						    MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512 };
	struct der algorithm, id;

	if (!enter(from, SEQUENCE, &algorithm) || !enter(&algorithm, MBEDTLS_ASN1_OID, &id))
		return false;
	if ((size_t)(id.end - id.at) != sizeof(sha2) + 1 || memcmp(id.at, sha2, sizeof(sha2)))
		return false;
	if (id.at[sizeof(sha2)] == 0 || id.at[sizeof(sha2)] > 3)
		return false;
	*hash = hashes[id.at[sizeof(sha2)]];
	return true;
}

/* Who signed is not asked: every key is tried. Attributes are not signed by sign-file. */
static bool read_signer(struct der *signers, struct message *message)
{
	struct der signer, skip;
	mbedtls_md_type_t hash;
	int version;

	if (!enter(signers, SEQUENCE, &signer) || !done(signers) ||
	    mbedtls_asn1_get_int(&signer.at, signer.end, &version))
		return false;
	if (!enter(&signer, SEQUENCE, &skip) &&
	    !enter(&signer, MBEDTLS_ASN1_CONTEXT_SPECIFIC, &skip))
		return false;
	if (!read_hash(&signer, &hash) || hash != message->hash ||
	    !enter(&signer, SEQUENCE, &skip) ||
	    !enter(&signer, MBEDTLS_ASN1_OCTET_STRING, &skip) || !done(&signer))
		return false;
	message->signature = skip.at;
	message->size = (size_t)(skip.end - skip.at);
	return true;
}

static bool read_signed_data(struct der *data, struct message *message)
{
	struct der algorithms, content, id, signers, skip;
	int version;

	if (mbedtls_asn1_get_int(&data->at, data->end, &version) ||
	    !enter(data, SET, &algorithms) || !read_hash(&algorithms, &message->hash) ||
	    !done(&algorithms))
		return false;
	/* The data is the file, not in here. */
	if (!enter(data, SEQUENCE, &content) || !enter(&content, MBEDTLS_ASN1_OID, &id) ||
	    !equals(&id, plain_data, sizeof(plain_data)) || !done(&content))
		return false;
	/* Certificates prove nothing by themselves. */
	if (next_is(data, FIELD_0) && !enter(data, FIELD_0, &skip))
		return false;
	return enter(data, SET, &signers) && done(data) && read_signer(&signers, message);
}

static bool read_message(u8 *at, u64 size, struct message *message)
{
	struct der der = { at, at + size }, info, id, content, data;

	return enter(&der, SEQUENCE, &info) && done(&der) &&
	       enter(&info, MBEDTLS_ASN1_OID, &id) &&
	       equals(&id, signed_data, sizeof(signed_data)) &&
	       enter(&info, FIELD_0, &content) && done(&info) &&
	       enter(&content, SEQUENCE, &data) && done(&content) &&
	       read_signed_data(&data, message);
}

static bool digest(struct message *message, const u8 *file, u64 size)
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(message->hash);

	if (!info)
		return false;
	message->digest_size = mbedtls_md_get_size(info);
	return mbedtls_md(info, file, size, message->digest) == 0;
}

static bool read_point(mbedtls_pk_context *context, const struct hf_authority_key *key,
		       const u8 *prefix, size_t prefix_size)
{
	u8 bytes[128];

	if (key->size > sizeof(bytes) - prefix_size)
		return false;
	memcpy(bytes, prefix, prefix_size);
	memcpy(bytes + prefix_size, key->bytes, key->size);
	return !mbedtls_pk_parse_public_key(context, bytes, prefix_size + key->size);
}

static bool read_key(mbedtls_pk_context *context, const struct hf_authority_key *key)
{
	size_t bits;

	if (key->size > sizeof(key->bytes))
		return false;
	if (key->type == HF_KEY_P256)
		return read_point(context, key, p256_prefix, sizeof(p256_prefix));
	if (key->type == HF_KEY_P384)
		return read_point(context, key, p384_prefix, sizeof(p384_prefix));
	if (key->type != HF_KEY_RSA ||
	    mbedtls_pk_parse_public_key(context, key->bytes, key->size) ||
	    mbedtls_pk_get_type(context) != MBEDTLS_PK_RSA)
		return false;
	bits = mbedtls_pk_get_bitlen(context);
	return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
}

static bool verifies(const struct hf_authority_key *key, const struct message *message)
{
	mbedtls_pk_context context;
	bool good;

	mbedtls_pk_init(&context);
	good = read_key(&context, key) &&
	       !mbedtls_pk_verify(&context, message->hash, message->digest,
				  message->digest_size, message->signature, message->size);
	mbedtls_pk_free(&context);
	return good;
}

static bool hash_revoked(const struct authority *authority, const struct message *message)
{
	const struct hf_authority_hash *hash;
	u32 i;

	for (i = 0; i < authority->revocations; i++) {
		hash = &authority->revoked[i];
		if (hash->size == message->digest_size &&
		    !memcmp(hash->bytes, message->digest, message->digest_size))
			return true;
	}
	return false;
}

static int try_keys(struct module *module, const struct message *message)
{
	const struct authority *authority = module->authority;
	u32 i;

	for (i = 0; i < authority->keys; i++) {
		if (!verifies(&authority->key[i], message))
			continue;
		if (authority->key[i].flags & HF_KEY_REVOKED)
			return module_refuse(module, HF_REFUSAL_REVOKED);
		return 0;
	}
	return module_refuse(module, HF_REFUSAL_KEY);
}

/* Where the signature lies in the file; 0: there is none that is well formed. */
static u64 find_signature(const u8 *file, u64 size, u64 *length)
{
	static const u8 zero[3];
	const u8 *trailer;
	u64 left;

	if (size < MARKER_SIZE + TRAILER_SIZE)
		return 0;
	left = size - MARKER_SIZE - TRAILER_SIZE;
	trailer = file + left;
	if (memcmp(trailer + TRAILER_SIZE, marker, MARKER_SIZE))
		return 0;
	/* Algorithm and hash are in the message; so is who signed. */
	if (trailer[0] || trailer[1] || trailer[2] != ID_PKCS7 || trailer[3] || trailer[4] ||
	    memcmp(trailer + 5, zero, sizeof(zero)))
		return 0;
	*length = __builtin_bswap32(get32(trailer + 8));
	return *length < left ? left - *length : 0;
}

int signature_verify(struct module *module, const u8 *file, u64 size)
{
	struct message message = { 0 };
	u64 length = 0, at = find_signature(file, size, &length);
	u8 *copy;

	if (!at)
		return module_refuse_file(module, HF_REFUSAL_SIGNATURE, size);
	copy = arena_take(module->arena, length, 1);
	if (!copy)
		return module_no_memory(module);
	memcpy(copy, file + at, length);
	if (!read_message(copy, length, &message) || !digest(&message, file, at))
		return module_refuse_file(module, HF_REFUSAL_SIGNATURE, at);
	if (hash_revoked(module->authority, &message))
		return module_refuse(module, HF_REFUSAL_REVOKED);
	module->file = file;
	module->file_size = at;
	return try_keys(module, &message);
}
