// SPDX-License-Identifier: GPL-2.0-only
#include <mbedtls/asn1.h>

#include "key.h"
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

/* A piece of DER: what is between @at and @end is not read yet. */
struct der {
	u8 *at;
	const u8 *end;
};

/* One signer's signature over the file. */
struct message {
	struct digest digest;
	const u8 *signature;
	size_t size;
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

/* SHA-2 by the last byte of its object identifier. @bytes: of the digest */
static bool read_hash(struct der *from, u32 *bytes)
{
	static const u8 sizes[] = { 0, 32, 48, 64 };
	struct der algorithm, id;

	if (!enter(from, SEQUENCE, &algorithm) || !enter(&algorithm, MBEDTLS_ASN1_OID, &id))
		return false;
	if ((size_t)(id.end - id.at) != sizeof(sha2) + 1 || memcmp(id.at, sha2, sizeof(sha2)))
		return false;
	if (id.at[sizeof(sha2)] == 0 || id.at[sizeof(sha2)] > 3)
		return false;
	*bytes = sizes[id.at[sizeof(sha2)]];
	return true;
}

/* Who signed is not asked: every key is tried. Attributes are not signed by sign-file. */
static bool read_signer(struct der *signers, struct message *message)
{
	struct der signer, skip;
	u32 hash;
	int version;

	if (!enter(signers, SEQUENCE, &signer) || !done(signers) ||
	    mbedtls_asn1_get_int(&signer.at, signer.end, &version))
		return false;
	if (!enter(&signer, SEQUENCE, &skip) &&
	    !enter(&signer, MBEDTLS_ASN1_CONTEXT_SPECIFIC, &skip))
		return false;
	if (!read_hash(&signer, &hash) || hash != message->digest.size ||
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
	    !enter(data, SET, &algorithms) || !read_hash(&algorithms, &message->digest.size) ||
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

static bool hash_revoked(const struct authority *authority, const struct message *message)
{
	const struct hf_authority_hash *hash;
	u32 i;

	for (i = 0; i < authority->revocations; i++) {
		hash = &authority->revoked[i];
		if (hash->size == message->digest.size &&
		    !memcmp(hash->bytes, message->digest.bytes, message->digest.size))
			return true;
	}
	return false;
}

static int try_keys(struct module *module, const struct message *message)
{
	const struct authority *authority = module->authority;
	u32 i;

	for (i = 0; i < authority->keys; i++) {
		if (!key_verifies(&authority->key[i], &message->digest, message->signature,
				  message->size))
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
	if (!read_message(copy, length, &message) || !key_digest(file, at, &message.digest))
		return module_refuse_file(module, HF_REFUSAL_SIGNATURE, at);
	if (hash_revoked(module->authority, &message))
		return module_refuse(module, HF_REFUSAL_REVOKED);
	module->file = file;
	module->file_size = at;
	return try_keys(module, &message);
}
