/* SPDX-License-Identifier: GPL-2.0-only */
/* What a service defines, and what it can ask of the place it runs in: a domain, or a process. */
#ifndef LIBSVC_SERVICE_H
#define LIBSVC_SERVICE_H

#include <holdfast/service/call.h>
#include <stdbool.h>

/*
 * The service's. Answer the request, in its place: status and payload. @locked: the machine was,
 * when the request began; whoever asks can be anybody then.
 */
void service_answer(struct hf_service_call *call, bool locked);

/*
 * Where the pages that were lent are, one range behind the other, to be read until the request is
 * answered. NULL: they are more than there is room for.
 */
const void *service_lent(const struct hf_service_call *call);

#endif
