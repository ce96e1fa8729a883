/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains and requests as the calls say they are, and what runs in them: for model.h. */
#ifndef TEST_FUZZ_DOMAIN_H
#define TEST_FUZZ_DOMAIN_H

#include <hv/types.h>

void domain_forget_all(void);
/* Before and after a call, whoever makes it. */
void domain_before(u64 number, const u64 arg[4]);
void domain_after(u64 number, const u64 arg[4], s64 result);
/* A token that there is, if there is one. */
u64 domain_token(u8 which);
/* What the domain does next: the way its run ends, and a page that it tries to reach. */
void domain_will(u8 end, u64 page);

#endif
