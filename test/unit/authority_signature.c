// SPDX-License-Identifier: GPL-2.0-only
/* Signatures as the kernel's sign-file appends them, made here with keys made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>

#include "../../services/authority/signature.h"

#define FILE_SIZE 5000u
#define WHOLE_MAX 8192u

static mbedtls_ctr_drbg_context random_source;

/* Not random: the same keys and signatures in every run. */
static int no_entropy(void *none, unsigned char *at, size_t size)
{
	(void)none;
	memset(at, 0x5a, size);
	return 0;
}

/* ---- DER, written from its end ---- */

struct writer {
	u8 bytes[2048];
	size_t at;
};

static void raw(struct writer *w, const void *bytes, size_t size)
{
	w->at -= size;
	memcpy(w->bytes + w->at, bytes, size);
}

/* Tag and length for all that was written since @end was the place. */
static void wrap(struct writer *w, u8 tag, size_t end)
{
	size_t size = end - w->at;
	const u8 head[] = { tag, 0x82, (u8)(size >> 8), (u8)size };

	if (size < 128)
		raw(w, (const u8[]){ tag, (u8)size }, 2);
	else
		raw(w, head, 4);
}

/* What may be wrong with a message. */
enum flaw {
	FLAW_NONE,
	FLAW_ATTRIBUTES, /* signed attributes, which sign-file does not write */
	FLAW_CONTENT,	 /* data inside the message */
	FLAW_HASHES,	 /* another hash outside than with the signer */
	FLAW_SIGNERS,	 /* two */
	FLAW_TRAILING,	 /* bytes behind */
};

static void hash_id(struct writer *w, u8 last)
{
	const u8 id[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last };
	size_t end = w->at;

	raw(w, id, sizeof(id));
	wrap(w, 0x30, end);
}

static void signer(struct writer *w, u8 hash, const u8 *signature, size_t size, enum flaw flaw)
{
	static const u8 version[] = { 0x02, 0x01, 0x01 };
	static const u8 issuer[] = { 0x30, 0x05, 0x30, 0x00, 0x02, 0x01, 0x07 };
	static const u8 rsa[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				  0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	size_t end = w->at;

	raw(w, signature, size);
	wrap(w, 0x04, end);
	raw(w, rsa, sizeof(rsa));
	if (flaw == FLAW_ATTRIBUTES)
		raw(w, (const u8[]){ 0xa0, 0x00 }, 2);
	hash_id(w, hash);
	raw(w, issuer, sizeof(issuer));
	raw(w, version, sizeof(version));
	wrap(w, 0x30, end);
}

static void message(struct writer *w, u8 hash, const u8 *signature, size_t size, enum flaw flaw)
{
	static const u8 data[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				   0xf7, 0x0d, 0x01, 0x07, 0x01 };
	static const u8 outer[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				    0xf7, 0x0d, 0x01, 0x07, 0x02 };
	static const u8 inside[] = { 0xa0, 0x03, 0x04, 0x01, 0x00 };
	size_t end = w->at = sizeof(w->bytes), part;

	signer(w, hash, signature, size, flaw);
	if (flaw == FLAW_SIGNERS)
		signer(w, hash, signature, size, flaw);
	wrap(w, 0x31, end);
	part = w->at;
	if (flaw == FLAW_CONTENT)
		raw(w, inside, sizeof(inside));
	raw(w, data, sizeof(data));
	wrap(w, 0x30, part);
	part = w->at;
	hash_id(w, flaw == FLAW_HASHES ? hash % 3 + 1 : hash);
	wrap(w, 0x31, part);
	raw(w, (const u8[]){ 0x02, 0x01, 0x01 }, 3);
	wrap(w, 0x30, end);
	wrap(w, 0xa0, end);
	raw(w, outer, sizeof(outer));
	wrap(w, 0x30, end);
}

/* ---- keys and files ---- */

struct signer_key {
	mbedtls_pk_context pk;
	struct hf_authority_key record;
};

static struct signer_key keys[3];
static u8 file[WHOLE_MAX], memory[65536];

static void make_key(struct signer_key *key, enum hf_key_type type)
{
	u8 *end = key->record.bytes + sizeof(key->record.bytes), *at = end;
	mbedtls_ecp_group_id curve = type == HF_KEY_P256 ? MBEDTLS_ECP_DP_SECP256R1
							 : MBEDTLS_ECP_DP_SECP384R1;
	bool rsa = type == HF_KEY_RSA;

	mbedtls_pk_init(&key->pk);
	assert_int_equal(
		mbedtls_pk_setup(&key->pk, mbedtls_pk_info_from_type(rsa ? MBEDTLS_PK_RSA
									 : MBEDTLS_PK_ECKEY)),
		0);
	assert_int_equal(rsa ? mbedtls_rsa_gen_key(mbedtls_pk_rsa(key->pk),
						   mbedtls_ctr_drbg_random, &random_source,
						   2048, 65537)
			     : mbedtls_ecp_gen_key(curve, mbedtls_pk_ec(key->pk),
						   mbedtls_ctr_drbg_random, &random_source),
			 0);
	key->record.type = type;
	key->record.size = (u32)mbedtls_pk_write_pubkey(&at, key->record.bytes, &key->pk);
	memmove(key->record.bytes, at, key->record.size);
}

static size_t sign(struct signer_key *key, mbedtls_md_type_t type, u8 *signature, size_t room)
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(type);
	size_t size = 0;
	u8 digest[64];

	assert_int_equal(mbedtls_md(info, file, FILE_SIZE, digest), 0);
#if MBEDTLS_VERSION_MAJOR >= 3
	assert_int_equal(mbedtls_pk_sign(&key->pk, type, digest, mbedtls_md_get_size(info),
					 signature, room, &size, mbedtls_ctr_drbg_random,
					 &random_source),
			 0);
#else
	(void)room;
	assert_int_equal(mbedtls_pk_sign(&key->pk, type, digest, mbedtls_md_get_size(info),
					 signature, &size, mbedtls_ctr_drbg_random,
					 &random_source),
			 0);
#endif
	return size;
}

/* A file of FILE_SIZE bytes with its signature; returns the length of both. */
static u64 make_file(struct signer_key *key, mbedtls_md_type_t type, enum flaw flaw)
{
	u8 trailer[12] = { [2] = 2 }, signature[1024];
	u32 i, hash = type == MBEDTLS_MD_SHA256 ? 1 : type == MBEDTLS_MD_SHA384 ? 2 : 3;
	struct writer w;
	size_t size;

	for (i = 0; i < FILE_SIZE; i++)
		file[i] = (u8)(i * 7 + i / 256);
	size = sign(key, type, signature, sizeof(signature));
	message(&w, (u8)hash, signature, size, flaw);
	size = sizeof(w.bytes) - w.at;
	memcpy(file + FILE_SIZE, w.bytes + w.at, size);
	if (flaw == FLAW_TRAILING)
		file[FILE_SIZE + size++] = 0;
	trailer[10] = (u8)(size >> 8);
	trailer[11] = (u8)size;
	memcpy(file + FILE_SIZE + size, trailer, sizeof(trailer));
	memcpy(file + FILE_SIZE + size + 12, "~Module signature appended~\n", 28);
	return FILE_SIZE + size + 12 + 28;
}

/* The refusal, HF_REFUSAL_NONE for none. @size: of the file and its signature. */
static u32 verdict(const struct hf_authority_key *key, u32 count,
		   const struct hf_authority_hash *revoked, u64 size)
{
	struct authority authority = {
		.key = key, .keys = count, .revoked = revoked, .revocations = revoked ? 1 : 0
	};
	struct arena arena = { memory, sizeof(memory), 0, 0 };
	struct hf_authority_result result = { 0 };
	struct module module = { .authority = &authority, .result = &result, .arena = &arena };
	u8 *copy = test_malloc(size);
	int ret;

	/* Of its own, so that a byte too far is seen. */
	memcpy(copy, file, size);
	ret = signature_verify(&module, copy, size);
	test_free(copy);
	assert_int_equal(ret == 0, result.refusal == HF_REFUSAL_NONE);
	if (!ret)
		assert_int_equal(module.file_size, FILE_SIZE);
	return result.refusal;
}

static const mbedtls_md_type_t hashes[] = { MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384,
					    MBEDTLS_MD_SHA512 };

/* ---- tests ---- */

static void test_good(void **none)
{
	u32 key, hash;
	u64 size;

	(void)none;
	for (key = 0; key < 3; key++)
		for (hash = 0; hash < 3; hash++) {
			size = make_file(&keys[key], hashes[hash], FLAW_NONE);
			assert_int_equal(verdict(&keys[key].record, 1, NULL, size),
					 HF_REFUSAL_NONE);
			/* By another key, by none. */
			assert_int_equal(verdict(&keys[(key + 1) % 3].record, 1, NULL, size),
					 HF_REFUSAL_KEY);
			assert_int_equal(verdict(NULL, 0, NULL, size), HF_REFUSAL_KEY);
		}
}

static void test_every_byte_counts(void **none)
{
	u64 size = make_file(&keys[1], MBEDTLS_MD_SHA256, FLAW_NONE), i;

	(void)none;
	for (i = 0; i < FILE_SIZE; i += 61) {
		file[i] ^= 1;
		assert_int_equal(verdict(&keys[1].record, 1, NULL, size), HF_REFUSAL_KEY);
		file[i] ^= 1;
	}
	/* Any cut through the signature. */
	for (i = 1; i < size - FILE_SIZE; i++)
		assert_int_not_equal(verdict(&keys[1].record, 1, NULL, size - i),
				     HF_REFUSAL_NONE);
	assert_int_equal(verdict(&keys[1].record, 1, NULL, size), HF_REFUSAL_NONE);
}

static void test_flaws(void **none)
{
	enum flaw flaw;

	(void)none;
	for (flaw = FLAW_ATTRIBUTES; flaw <= FLAW_TRAILING; flaw++)
		assert_int_equal(verdict(&keys[0].record, 1, NULL,
					 make_file(&keys[0], MBEDTLS_MD_SHA512, flaw)),
				 HF_REFUSAL_SIGNATURE);
}

/* Every byte behind the file, each to some other values: in bounds, and no other file. */
static void test_signature_bytes(void **none)
{
	u64 size = make_file(&keys[2], MBEDTLS_MD_SHA384, FLAW_NONE), i;
	u32 by, passed = 0;

	(void)none;
	for (i = FILE_SIZE; i < size; i++)
		for (by = 1; by < 256; by <<= 1) {
			file[i] ^= (u8)by;
			passed += verdict(&keys[2].record, 1, NULL, size) == HF_REFUSAL_NONE;
			file[i] ^= (u8)by;
		}
	/* Who signed, and the algorithm's name: neither is believed, so neither is asked. */
	assert_in_range(passed, 1, 8 * 40);
}

static void test_revoked(void **none)
{
	struct hf_authority_hash hash = { .size = 32 };
	struct hf_authority_key key = keys[0].record;
	u64 size = make_file(&keys[0], MBEDTLS_MD_SHA256, FLAW_NONE);

	(void)none;
	mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), file, FILE_SIZE, hash.bytes);
	assert_int_equal(verdict(&key, 1, &hash, size), HF_REFUSAL_REVOKED);
	hash.bytes[31] ^= 1;
	assert_int_equal(verdict(&key, 1, &hash, size), HF_REFUSAL_NONE);
	key.flags = HF_KEY_REVOKED;
	assert_int_equal(verdict(&key, 1, NULL, size), HF_REFUSAL_REVOKED);
}

/* A record that is malformed is no key, and no bytes of it are read that are not its own. */
static void test_bad_keys(void **none)
{
	u64 size = make_file(&keys[0], MBEDTLS_MD_SHA256, FLAW_NONE);
	struct hf_authority_key key = keys[0].record;

	(void)none;
	key.size = HF_KEY_BYTES_MAX + 1;
	assert_int_equal(verdict(&key, 1, NULL, size), HF_REFUSAL_KEY);
	key = keys[0].record;
	key.type = HF_KEY_P384;
	assert_int_equal(verdict(&key, 1, NULL, size), HF_REFUSAL_KEY);
	key.type = 0;
	assert_int_equal(verdict(&key, 1, NULL, size), HF_REFUSAL_KEY);
	key = keys[0].record;
	key.size--;
	assert_int_equal(verdict(&key, 1, NULL, size), HF_REFUSAL_KEY);
}

static int setup(void **none)
{
	(void)none;
	mbedtls_ctr_drbg_init(&random_source);
	assert_int_equal(mbedtls_ctr_drbg_seed(&random_source, no_entropy, NULL, NULL, 0), 0);
	make_key(&keys[0], HF_KEY_RSA);
	make_key(&keys[1], HF_KEY_P256);
	make_key(&keys[2], HF_KEY_P384);
	return 0;
}

static int teardown(void **none)
{
	u32 i;

	(void)none;
	for (i = 0; i < 3; i++)
		mbedtls_pk_free(&keys[i].pk);
	mbedtls_ctr_drbg_free(&random_source);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_flaws),	cmocka_unit_test(test_signature_bytes),
		cmocka_unit_test(test_revoked), cmocka_unit_test(test_bad_keys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
