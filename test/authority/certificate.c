// SPDX-License-Identifier: GPL-2.0-only
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "certificate.h"

static u32 type_of(const mbedtls_pk_context *pk)
{
	if (mbedtls_pk_get_type(pk) == MBEDTLS_PK_RSA)
		return HF_KEY_RSA;
	if (mbedtls_pk_get_type(pk) != MBEDTLS_PK_ECKEY)
		return 0;
	return mbedtls_pk_get_bitlen(pk) == 256	  ? HF_KEY_P256
	       : mbedtls_pk_get_bitlen(pk) == 384 ? HF_KEY_P384
						  : 0;
}

/* What the library calls a public key without its kind is what the kernel keeps. */
static bool take_key(mbedtls_pk_context *pk, struct hf_authority_key *key)
{
	u8 bytes[HF_KEY_BYTES_MAX], *at = bytes + sizeof(bytes);
	int size = mbedtls_pk_write_pubkey(&at, bytes, pk);

	memset(key, 0, sizeof(*key));
	key->type = type_of(pk);
	if (size <= 0 || !key->type)
		return false;
	key->size = (u32)size;
	memcpy(key->bytes, at, key->size);
	return true;
}

bool certificate_read(const u8 *der, u64 size, struct hf_authority_key *key, char *subject,
		      u64 room)
{
	mbedtls_x509_crt crt;
	bool good;

	mbedtls_x509_crt_init(&crt);
	good = !mbedtls_x509_crt_parse_der(&crt, der, size) && take_key(&crt.pk, key) &&
	       mbedtls_x509_dn_gets(subject, room, &crt.subject) > 0;
	mbedtls_x509_crt_free(&crt);
	return good;
}
