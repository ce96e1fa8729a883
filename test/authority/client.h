/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who asks the authority where it is a service: what a library is told by pointers is brought to it
 * in requests.
 */
#ifndef TEST_AUTHORITY_CLIENT_H
#define TEST_AUTHORITY_CLIENT_H

#include <holdfast/service/call.h>

#include "../../services/authority/authority.h"

/*
 * The way to the service: the request, and @size bytes that it is lent. 0 and an answer in @call;
 * or a negated HF_E* code, which no answer goes with.
 */
int client_ask(struct hf_service_call *call, const void *lent, u64 size);

/* All of these: what client_ask() or the service says that is not 0. */

/* @a: all that is recorded. Of the kernel's memory only what exports need. */
int client_record(const struct authority *a);
/* The file and memory that @request names in the window of @a. */
int client_bring(const struct authority *a, const struct hf_authority_request *request);
/* What was brought; @result is set if there was an answer. */
int client_judge(const struct hf_authority_request *request,
		 struct hf_authority_result *result);
int client_gone(const char *name);
/* Any piece. */
int client_piece(u32 operation, const struct hf_authority_piece *piece, const void *bytes);

#endif
