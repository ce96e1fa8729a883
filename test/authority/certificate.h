/* SPDX-License-Identifier: GPL-2.0-only */
/* X.509 certificates, as the key that the kernel, and so the authority, keeps of them. */
#ifndef TEST_AUTHORITY_CERTIFICATE_H
#define TEST_AUTHORITY_CERTIFICATE_H

#include <holdfast/service/authority.h>
#include <libsvc/bytes.h>

/* @subject: of at most @room bytes. False: no certificate, or of a key that is not supported. */
bool certificate_read(const u8 *der, u64 size, struct hf_authority_key *key, char *subject,
		      u64 room);

#endif
