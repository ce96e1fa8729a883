// SPDX-License-Identifier: GPL-2.0-only
/* What keys verify, next to the library's own verdict, and what it takes to be a signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>

#include "../../services/authority/key.h"

#define RSA_SIZE 256u
#define CHANGES	 40u /* of each key with each hash */

static mbedtls_ctr_drbg_context random_source;

/* Not random: the same keys and signatures in every run. */
static int no_entropy(void *none, unsigned char *at, size_t size)
{
	(void)none;
	memset(at, 0x5a, size);
	return 0;
}

static u32 pick(u32 below)
{
	u32 value;

	mbedtls_ctr_drbg_random(&random_source, (u8 *)&value, sizeof(value));
	return value % below;
}

/* ---- keys that sign ---- */

struct signer {
	mbedtls_pk_context pk;
	struct hf_authority_key record;
};

static struct signer signers[4]; /* RSA, the two curves, and RSA too short */

static void make_signer(struct signer *signer, enum hf_key_type type, u32 bits)
{
	u8 *at = signer->record.bytes + sizeof(signer->record.bytes);
	mbedtls_ecp_group_id curve = type == HF_KEY_P256 ? MBEDTLS_ECP_DP_SECP256R1
							 : MBEDTLS_ECP_DP_SECP384R1;
	bool rsa = type == HF_KEY_RSA;

	mbedtls_pk_init(&signer->pk);
	assert_int_equal(mbedtls_pk_setup(&signer->pk,
					  mbedtls_pk_info_from_type(rsa ? MBEDTLS_PK_RSA
									: MBEDTLS_PK_ECKEY)),
			 0);
	assert_int_equal(rsa ? mbedtls_rsa_gen_key(mbedtls_pk_rsa(signer->pk),
						   mbedtls_ctr_drbg_random, &random_source,
						   bits, 65537)
			     : mbedtls_ecp_gen_key(curve, mbedtls_pk_ec(signer->pk),
						   mbedtls_ctr_drbg_random, &random_source),
			 0);
	signer->record.type = type;
	signer->record.size =
		(u32)mbedtls_pk_write_pubkey(&at, signer->record.bytes, &signer->pk);
	memmove(signer->record.bytes, at, signer->record.size);
}

static mbedtls_md_type_t hash_of(const struct digest *digest)
{
	return digest->size == 32   ? MBEDTLS_MD_SHA256
	       : digest->size == 48 ? MBEDTLS_MD_SHA384
				    : MBEDTLS_MD_SHA512;
}

static size_t sign(struct signer *signer, const struct digest *digest, u8 *signature,
		   size_t room)
{
	size_t size = 0;

#if MBEDTLS_VERSION_MAJOR >= 3
	assert_int_equal(mbedtls_pk_sign(&signer->pk, hash_of(digest), digest->bytes,
					 digest->size, signature, room, &size,
					 mbedtls_ctr_drbg_random, &random_source),
			 0);
#else
	(void)room;
	assert_int_equal(mbedtls_pk_sign(&signer->pk, hash_of(digest), digest->bytes,
					 digest->size, signature, &size,
					 mbedtls_ctr_drbg_random, &random_source),
			 0);
#endif
	return size;
}

/* ---- the library's verdict ---- */

static size_t wrap_point(const struct hf_authority_key *key, u8 *bytes)
{
	static const u8 p256[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				   0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				   0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
	static const u8 p384[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
				   0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
				   0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 };
	size_t size = key->type == HF_KEY_P256 ? sizeof(p256) : sizeof(p384);

	memcpy(bytes, key->type == HF_KEY_P256 ? p256 : p384, size);
	memcpy(bytes + size, key->bytes, key->size);
	return size + key->size;
}

static bool library(const struct hf_authority_key *key, const struct digest *digest,
		    const u8 *signature, size_t size)
{
	u8 bytes[HF_KEY_BYTES_MAX + 64];
	mbedtls_pk_context pk;
	size_t length = key->size;
	bool good;

	if (key->type == HF_KEY_RSA)
		memcpy(bytes, key->bytes, length);
	else
		length = wrap_point(key, bytes);
	mbedtls_pk_init(&pk);
	good = !mbedtls_pk_parse_public_key(&pk, bytes, length) &&
	       !mbedtls_pk_verify(&pk, hash_of(digest), digest->bytes, digest->size, signature,
				  size);
	mbedtls_pk_free(&pk);
	return good;
}

/* ---- tests ---- */

/* RFC 6979, A.2.5, "sample" with SHA-256: made by nobody here. */
static void test_vector(void **none)
{
	static const struct hf_authority_key key = {
		.type = HF_KEY_P256,
		.size = 65,
		.bytes = { 0x04, 0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31, 0xc9, 0x61,
			   0xeb, 0x74, 0xc6, 0x35, 0x6d, 0x68, 0xc0, 0x49, 0xb8, 0x92, 0x3b,
			   0x61, 0xfa, 0x6c, 0xe6, 0x69, 0x62, 0x2e, 0x60, 0xf2, 0x9f, 0xb6,
			   0x79, 0x03, 0xfe, 0x10, 0x08, 0xb8, 0xbc, 0x99, 0xa4, 0x1a, 0xe9,
			   0xe9, 0x56, 0x28, 0xbc, 0x64, 0xf2, 0xf1, 0xb2, 0x0c, 0x2d, 0x7e,
			   0x9f, 0x51, 0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22, 0x99 },
	};
	static const u8 signature[] = { 0x30, 0x46, 0x02, 0x21, 0x00, 0xef, 0xd4, 0x8b, 0x2a,
					0xac, 0xb6, 0xa8, 0xfd, 0x11, 0x40, 0xdd, 0x9c, 0xd4,
					0x5e, 0x81, 0xd6, 0x9d, 0x2c, 0x87, 0x7b, 0x56, 0xaa,
					0xf9, 0x91, 0xc3, 0x4d, 0x0e, 0xa8, 0x4e, 0xaf, 0x37,
					0x16, 0x02, 0x21, 0x00, 0xf7, 0xcb, 0x1c, 0x94, 0x2d,
					0x65, 0x7c, 0x41, 0xd4, 0x36, 0xc7, 0xa1, 0xb6, 0xe2,
					0x9f, 0x65, 0xf3, 0xe9, 0x00, 0xdb, 0xb9, 0xaf, 0xf4,
					0x06, 0x4d, 0xc4, 0xab, 0x2f, 0x84, 0x3a, 0xcd, 0xa8 };
	struct digest digest = { .size = 32 };

	(void)none;
	assert_true(key_digest((const u8 *)"sample", 6, &digest));
	assert_true(key_verifies(&key, &digest, signature, sizeof(signature)));
	assert_true(key_digest((const u8 *)"simple", 6, &digest));
	assert_false(key_verifies(&key, &digest, signature, sizeof(signature)));
}

/* Anything changed: good here if it is good there. */
static void compare(const struct signer *signer, struct digest digest, const u8 *signature,
		    size_t size)
{
	struct hf_authority_key key = signer->record;
	u8 *copy = test_malloc(size + 1);

	memcpy(copy, signature, size);
	copy[size] = 0;
	switch (pick(4)) {
	case 0:
		copy[pick((u32)size)] ^= (u8)(1 << pick(8));
		break;
	case 1:
		digest.bytes[pick(64)] ^= (u8)(1 << pick(8));
		break;
	case 2:
		key.bytes[pick(key.size)] ^= (u8)(1 << pick(8));
		break;
	default:
		size += pick(2) ? 1 : -1ul;
	}
	assert_int_equal(key_verifies(&key, &digest, copy, size),
			 library(&key, &digest, copy, size));
	test_free(copy);
}

static void test_library(void **none)
{
	u32 i, hash, change;
	struct digest digest;
	u8 signature[1024];
	size_t size;

	(void)none;
	for (i = 0; i < 3; i++)
		for (hash = 0; hash < 3; hash++) {
			digest.size = 32 + 16 * hash;
			mbedtls_ctr_drbg_random(&random_source, digest.bytes, 64);
			size = sign(&signers[i], &digest, signature, sizeof(signature));
			assert_true(key_verifies(&signers[i].record, &digest, signature, size));
			for (change = 0; change < CHANGES; change++)
				compare(&signers[i], digest, signature, size);
		}
}

/* The block that @signer's private key turns into a signature, and the verdict on that. */
static bool block_verifies(const u8 *block, const struct digest *digest)
{
	u8 signature[RSA_SIZE];

	assert_int_equal(mbedtls_rsa_private(mbedtls_pk_rsa(signers[0].pk),
					     mbedtls_ctr_drbg_random, &random_source, block,
					     signature),
			 0);
	return key_verifies(&signers[0].record, digest, signature, RSA_SIZE);
}

/* Padding that a parser might take for good. */
static void test_padding(void **none)
{
	static const u8 info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
	static const u8 bare[] = { 0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
				   0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20 };
	struct digest digest = { .size = 32, .bytes = { 1, 2, 3 } };
	u8 block[RSA_SIZE], good[RSA_SIZE];
	u32 at = RSA_SIZE - 32 - sizeof(info);

	(void)none;
	memset(good, 0xff, sizeof(good));
	good[0] = 0;
	good[1] = 1;
	good[at - 1] = 0;
	memcpy(good + at, info, sizeof(info));
	memcpy(good + at + sizeof(info), digest.bytes, 32);
	assert_true(block_verifies(good, &digest));

	memcpy(block, good, sizeof(block));
	block[1] = 2;
	assert_false(block_verifies(block, &digest));
	/* Short padding, the rest behind the digest. */
	memcpy(block, good, sizeof(block));
	block[10] = 0;
	memcpy(block + 11, good + at, RSA_SIZE - at);
	assert_false(block_verifies(block, &digest));
	/* A byte of padding that is not ff. */
	memcpy(block, good, sizeof(block));
	block[at - 2] = 0xfe;
	assert_false(block_verifies(block, &digest));
	/* The hash's name without its (empty) parameters. */
	memcpy(block, good, sizeof(block));
	block[at - 1] = block[at] = 0xff;
	block[at + 1] = 0;
	memcpy(block + at + 2, bare, sizeof(bare));
	assert_false(block_verifies(block, &digest));
	/* Another hash's name. */
	memcpy(block, good, sizeof(block));
	block[at + 14] = 2;
	assert_false(block_verifies(block, &digest));
}

static void test_rsa_keys(void **none)
{
	struct hf_authority_key key = signers[3].record;
	struct digest digest = { .size = 32 };
	u8 signature[RSA_SIZE];
	size_t size = sign(&signers[3], &digest, signature, sizeof(signature));

	(void)none;
	/* Good, but too short. */
	assert_true(library(&key, &digest, signature, size));
	assert_false(key_verifies(&key, &digest, signature, size));
	/* An exponent of 1: whoever writes the block signs. */
	key = signers[0].record;
	assert_memory_equal(key.bytes + key.size - 5, "\x02\x03\x01\x00\x01", 5);
	memcpy(key.bytes + key.size - 3, "\0\0\1", 3);
	memset(signature, 0xff, sizeof(signature));
	memcpy(signature + RSA_SIZE - 32 - 20,
	       "\0\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\0\x04\x20",
	       20);
	memset(signature + RSA_SIZE - 32, 0, 32);
	signature[0] = 0;
	signature[1] = 1;
	assert_false(key_verifies(&key, &digest, signature, RSA_SIZE));
}

/* The same number modulo the modulus is another signature. */
static void test_rsa_range(void **none)
{
	struct digest digest = { .size = 32 };
	u8 signature[RSA_SIZE], *n = signers[0].record.bytes;
	u32 carry = 1, i;

	(void)none;
	/* The sequence's head, the integer's, and a zero. */
	n += 4 + 4 + 1;
	while (carry) {
		digest.bytes[0]++;
		assert_int_equal(sign(&signers[0], &digest, signature, sizeof(signature)),
				 RSA_SIZE);
		assert_true(key_verifies(&signers[0].record, &digest, signature, RSA_SIZE));
		for (carry = 0, i = RSA_SIZE; i--; carry >>= 8) {
			carry += (u32)signature[i] + n[i];
			signature[i] = (u8)carry;
		}
		assert_true(digest.bytes[0] < 255);
	}
	assert_false(key_verifies(&signers[0].record, &digest, signature, RSA_SIZE));
}

/* "0 3006 0201 r 0201 s" with small numbers, and the order itself. */
static void test_ec_range(void **none)
{
	static const u8 order[] = { 0x02, 0x21, 0x00, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00,
				    0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				    0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
				    0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
	static const u8 one[] = { 0x02, 0x01, 0x01 }, zero[] = { 0x02, 0x01, 0x00 };
	const struct {
		const u8 *bytes;
		u8 size;
	} number[] = { { order, sizeof(order) }, { one, sizeof(one) }, { zero, sizeof(zero) } };
	struct digest digest = { .size = 32 };
	u8 bytes[128], size;
	u32 i, k;

	(void)none;
	for (i = 0; i < 3; i++)
		for (k = 0; k < 3; k++) {
			size = (u8)(number[i].size + number[k].size);
			bytes[0] = 0x30;
			bytes[1] = size;
			memcpy(bytes + 2, number[i].bytes, number[i].size);
			memcpy(bytes + 2 + number[i].size, number[k].bytes, number[k].size);
			assert_false(
				key_verifies(&signers[1].record, &digest, bytes, 2u + size));
		}
}

static void test_points(void **none)
{
	struct hf_authority_key key = signers[1].record;
	struct digest digest = { .size = 32 };
	u8 signature[128];
	size_t size = sign(&signers[1], &digest, signature, sizeof(signature));

	(void)none;
	assert_true(key_verifies(&key, &digest, signature, size));
	/* Compressed; at infinity; not on the curve; one byte more. */
	key.bytes[0] = 2 + (key.bytes[64] & 1);
	key.size = 33;
	assert_false(key_verifies(&key, &digest, signature, size));
	key.bytes[0] = 0;
	key.size = 1;
	assert_false(key_verifies(&key, &digest, signature, size));
	key = signers[1].record;
	memset(key.bytes + 1, 0, 64);
	assert_false(key_verifies(&key, &digest, signature, size));
	key = signers[1].record;
	key.size++;
	assert_false(key_verifies(&key, &digest, signature, size));
}

static int setup(void **none)
{
	(void)none;
	mbedtls_ctr_drbg_init(&random_source);
	assert_int_equal(mbedtls_ctr_drbg_seed(&random_source, no_entropy, NULL, NULL, 0), 0);
	make_signer(&signers[0], HF_KEY_RSA, RSA_SIZE * 8);
	make_signer(&signers[1], HF_KEY_P256, 0);
	make_signer(&signers[2], HF_KEY_P384, 0);
	make_signer(&signers[3], HF_KEY_RSA, 1024);
	return 0;
}

static int teardown(void **none)
{
	u32 i;

	(void)none;
	for (i = 0; i < 4; i++)
		mbedtls_pk_free(&signers[i].pk);
	mbedtls_ctr_drbg_free(&random_source);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),	  cmocka_unit_test(test_library),
		cmocka_unit_test(test_padding),	  cmocka_unit_test(test_rsa_keys),
		cmocka_unit_test(test_rsa_range), cmocka_unit_test(test_ec_range),
		cmocka_unit_test(test_points),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
