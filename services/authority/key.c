// SPDX-License-Identifier: GPL-2.0-only
/*
 * RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2) and ECDSA (SEC 1, 4.1.4), with the library's hashes, numbers
 * and curves. Its interface for keys would bring 50 more of its files into the service: parsers,
 * ciphers, sources of randomness, which ask for an operating system.
 */
#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>
#include <mbedtls/version.h>

#include "key.h"

/* Their names up to 2.28. */
#if MBEDTLS_VERSION_MAJOR < 3
#define mbedtls_sha256 mbedtls_sha256_ret
#define mbedtls_sha512 mbedtls_sha512_ret
#endif

#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)

#define RSA_BITS_MIN	  2048u
#define RSA_BITS_MAX	  4096u
#define RSA_EXPONENT_BITS 64u /* more is slow, and nobody has it */
#define POINT_MAX	  (1 + 2 * 48u)

bool key_digest(const u8 *at, u64 size, struct digest *digest)
{
	if (digest->size == 32)
		return !mbedtls_sha256(at, size, digest->bytes, 0);
	return !mbedtls_sha512(at, size, digest->bytes, digest->size == 48);
}

/* ---- numbers ---- */

enum {
	RSA_N,
	RSA_E,
	RSA_S,
	RSA_M,
	RSA_NUMBERS
};

enum {
	EC_R,
	EC_S,
	EC_HASH,
	EC_U,
	EC_V,
	EC_X,
	EC_NUMBERS
};

static void begin(mbedtls_mpi *number, u32 count)
{
	while (count--)
		mbedtls_mpi_init(&number[count]);
}

static void end(mbedtls_mpi *number, u32 count)
{
	while (count--)
		mbedtls_mpi_free(&number[count]);
}

/* A sequence of two numbers, and nothing else. */
static bool read_two(const u8 *bytes, u64 size, mbedtls_mpi *first, mbedtls_mpi *second)
{
	u8 *at = (u8 *)(uintptr_t)bytes; /* the library does not write to it */
	const u8 *behind = bytes + size;
	size_t length;

	return !mbedtls_asn1_get_tag(&at, behind, &length, SEQUENCE) && at + length == behind &&
	       !mbedtls_asn1_get_mpi(&at, behind, first) &&
	       !mbedtls_asn1_get_mpi(&at, behind, second) && at == behind;
}

/* ---- RSA ---- */

static bool read_rsa(const struct hf_authority_key *key, mbedtls_mpi *n, mbedtls_mpi *e)
{
	if (!read_two(key->bytes, key->size, n, e))
		return false;
	return mbedtls_mpi_bitlen(n) >= RSA_BITS_MIN && mbedtls_mpi_bitlen(n) <= RSA_BITS_MAX &&
	       mbedtls_mpi_get_bit(n, 0) && mbedtls_mpi_cmp_int(e, 3) >= 0 &&
	       mbedtls_mpi_bitlen(e) <= RSA_EXPONENT_BITS && mbedtls_mpi_get_bit(e, 0);
}

/* What a signature of @digest has inside, in @size bytes: it is compared as a whole, not parsed. */
static void encode(const struct digest *digest, u8 *at, u64 size)
{
	/* DigestInfo up to the digest, for SHA-256. */
	u8 info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
		      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
	u64 padding = size - sizeof(info) - digest->size;

	info[1] = (u8)(17 + digest->size);
	info[14] = (u8)(digest->size / 16 - 1);
	info[18] = (u8)digest->size;
	memset(at, 0xff, padding);
	at[0] = 0;
	at[1] = 1;
	at[padding - 1] = 0;
	memcpy(at + padding, info, sizeof(info));
	memcpy(at + padding + sizeof(info), digest->bytes, digest->size);
}

static bool rsa_verifies(const struct hf_authority_key *key, const struct digest *digest,
			 const u8 *signature, u64 size)
{
	u8 found[RSA_BITS_MAX / 8], allowed[RSA_BITS_MAX / 8];
	mbedtls_mpi n[RSA_NUMBERS];
	bool good;

	begin(n, RSA_NUMBERS);
	good = read_rsa(key, &n[RSA_N], &n[RSA_E]) && size == mbedtls_mpi_size(&n[RSA_N]) &&
	       !mbedtls_mpi_read_binary(&n[RSA_S], signature, size) &&
	       mbedtls_mpi_cmp_mpi(&n[RSA_S], &n[RSA_N]) < 0 &&
	       !mbedtls_mpi_exp_mod(&n[RSA_M], &n[RSA_S], &n[RSA_E], &n[RSA_N], NULL) &&
	       !mbedtls_mpi_write_binary(&n[RSA_M], found, size);
	end(n, RSA_NUMBERS);
	if (!good)
		return false;
	encode(digest, allowed, size);
	return !memcmp(found, allowed, size);
}

/* ---- ECDSA ---- */

/* Is it in [1, order - 1]? */
static bool in_range(const mbedtls_ecp_group *group, const mbedtls_mpi *number)
{
	return mbedtls_mpi_cmp_int(number, 1) >= 0 &&
	       mbedtls_mpi_cmp_mpi(number, &group->N) < 0;
}

/* By what to multiply the generator and the key: hash / s and r / s. */
static bool factors(const mbedtls_ecp_group *group, mbedtls_mpi *n)
{
	return !mbedtls_mpi_inv_mod(&n[EC_X], &n[EC_S], &group->N) &&
	       !mbedtls_mpi_mul_mpi(&n[EC_U], &n[EC_HASH], &n[EC_X]) &&
	       !mbedtls_mpi_mod_mpi(&n[EC_U], &n[EC_U], &group->N) &&
	       !mbedtls_mpi_mul_mpi(&n[EC_V], &n[EC_R], &n[EC_X]) &&
	       !mbedtls_mpi_mod_mpi(&n[EC_V], &n[EC_V], &group->N);
}

/* The sum's first coordinate, modulo the order; none where the sum is at infinity. */
static bool add(mbedtls_ecp_group *group, const mbedtls_ecp_point *point, u64 width,
		mbedtls_mpi *n)
{
	u8 bytes[POINT_MAX];
	mbedtls_ecp_point sum;
	size_t length;
	bool good;

	mbedtls_ecp_point_init(&sum);
	good = !mbedtls_ecp_muladd(group, &sum, &n[EC_U], &group->G, &n[EC_V], point) &&
	       !mbedtls_ecp_point_write_binary(group, &sum, MBEDTLS_ECP_PF_UNCOMPRESSED,
					       &length, bytes, sizeof(bytes)) &&
	       length == 1 + 2 * width &&
	       !mbedtls_mpi_read_binary(&n[EC_X], bytes + 1, width) &&
	       !mbedtls_mpi_mod_mpi(&n[EC_X], &n[EC_X], &group->N);
	mbedtls_ecp_point_free(&sum);
	return good;
}

/* @width: bytes of a coordinate, and of the order. */
static bool ec_verifies(mbedtls_ecp_group *group, const mbedtls_ecp_point *point, u64 width,
			const struct digest *digest, const u8 *signature, u64 size)
{
	mbedtls_mpi n[EC_NUMBERS];
	bool good;

	begin(n, EC_NUMBERS);
	good = read_two(signature, size, &n[EC_R], &n[EC_S]) && in_range(group, &n[EC_R]) &&
	       in_range(group, &n[EC_S]) &&
	       /* Of a longer digest the first bytes count. */
	       !mbedtls_mpi_read_binary(&n[EC_HASH], digest->bytes,
					digest->size < width ? digest->size : width) &&
	       factors(group, n) && add(group, point, width, n) &&
	       !mbedtls_mpi_cmp_mpi(&n[EC_X], &n[EC_R]);
	end(n, EC_NUMBERS);
	return good;
}

static bool on_curve(const struct hf_authority_key *key, const struct digest *digest,
		     const u8 *signature, u64 size)
{
	bool small = key->type == HF_KEY_P256;
	u64 width = small ? 32 : 48;
	mbedtls_ecp_group group;
	mbedtls_ecp_point point;
	bool good;

	if (key->size != 1 + 2 * width || key->bytes[0] != 4)
		return false;
	mbedtls_ecp_group_init(&group);
	mbedtls_ecp_point_init(&point);
	good = !mbedtls_ecp_group_load(&group, small ? MBEDTLS_ECP_DP_SECP256R1
						     : MBEDTLS_ECP_DP_SECP384R1) &&
	       !mbedtls_ecp_point_read_binary(&group, &point, key->bytes, key->size) &&
	       !mbedtls_ecp_check_pubkey(&group, &point) &&
	       ec_verifies(&group, &point, width, digest, signature, size);
	mbedtls_ecp_point_free(&point);
	mbedtls_ecp_group_free(&group);
	return good;
}

bool key_verifies(const struct hf_authority_key *key, const struct digest *digest,
		  const u8 *signature, u64 size)
{
	if (key->size > sizeof(key->bytes))
		return false;
	switch (key->type) {
	case HF_KEY_RSA:
		return rsa_verifies(key, digest, signature, size);
	case HF_KEY_P256:
	case HF_KEY_P384:
		return on_curve(key, digest, signature, size);
	default:
		return false;
	}
}
