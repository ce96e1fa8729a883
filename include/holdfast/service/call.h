/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * One request to a service: the page handed to HF_CALL_SERVICE, and the message a
 * sandboxed process receives where services live outside the hypervisor. The
 * layout holds no pointer and no CPU state, so a request can be carried from one
 * CPU to another, or over a socket.
 *
 * The hypervisor copies the page in once when a call begins and out once when it
 * ends; while -EINPROGRESS is returned the guest's copy means nothing but for
 * the token.
 */
#ifndef HOLDFAST_SERVICE_CALL_H
#define HOLDFAST_SERVICE_CALL_H

#include <holdfast/types.h>

/* Well-known services. */
#define HF_SERVICE_AUTHORITY 1u

#define HF_SERVICE_PAYLOAD_MAX (HF_PAGE_SIZE - 40u - HF_LENT_RANGES * 16u)

/*
 * Pages of the guest's that the service reads while the request lasts: nobody can write to them
 * until it ends.
 */
#define HF_LENT_RANGES 64u

struct hf_service_lent {
	uint64_t gpa;
	uint64_t npages;
};

/*
 * @size:	bytes of payload in use, at most HF_SERVICE_PAYLOAD_MAX
 * @service:	HF_SERVICE_*
 * @operation:	numbered by the service's own header
 * @status:	out: 0 or positive, or a negated HF_E* code
 * @token:	out: names the interrupted request, never 0; in: to resume it.
 *		Unguessable by contract only for other guests; one guest's CPUs share it.
 * @progress:	out: service-defined units done, so that a caller can see it moves
 * @lent:	in: the first @lent_count of them. A process is handed such memory, shared
 */
struct hf_service_call {
	uint32_t size;
	uint32_t service;
	uint32_t operation;
	int32_t status;
	uint64_t token;
	uint64_t progress;
	uint32_t lent_count;
	uint32_t reserved;
	struct hf_service_lent lent[HF_LENT_RANGES];
	uint8_t payload[HF_SERVICE_PAYLOAD_MAX];
};

_Static_assert(sizeof(struct hf_service_call) == HF_PAGE_SIZE, "one page, copied once");

#endif
