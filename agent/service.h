/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Services: loads them into domains of the hypervisor's, before lock, and forwards requests. What a
 * domain is made of: holdfast/domain.h and holdfast/service/domain.h.
 */
#ifndef AGENT_SERVICE_H
#define AGENT_SERVICE_H

#include <holdfast/ctl.h>

/* Under the device's lock, launched. -ENOEXEC: not such a file; else as HF_CALL_DOMAIN. */
int service_load(const struct hf_ctl_service *ctl);

struct page;

/* Launched: the request in @page. Results as below. */
int service_ask(struct page *page);

/* Launched. The result of HF_CALL_SERVICE, never -EINPROGRESS; -EINTR: cancelled by a signal. */
int service_call(const struct hf_ctl_request *ctl);

#endif
