/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A domain: where the hypervisor hosts a service, in memory that neither the guest nor another
 * service reaches. The loader parses the service's file, lays the memory out, page tables
 * included, and hands it over; the hypervisor looks at none of it.
 */
#ifndef HOLDFAST_DOMAIN_H
#define HOLDFAST_DOMAIN_H

#include <holdfast/range.h>
#include <holdfast/types.h>

#define HF_DOMAINS_MAX 4u

/* What a domain may do beside answering. */
#define HF_CAPABILITY_LENT (1u << 0) /* read guest pages that a request lends it */
#define HF_CAPABILITIES	   (HF_CAPABILITY_LENT)

/* Of the guest's pages that a request can lend. */
#define HF_LENT_PAGES_MAX 512u

#define HF_DOMAIN_RANGES 96u

/*
 * @service:	HF_SERVICE_*, by which requests name it; not 0
 * @capabilities: HF_CAPABILITY_*
 * @lent_max:	pages that one request may lend, HF_LENT_PAGES_MAX at most; 0 without the
 *		capability
 * @range_count: 1 .. HF_DOMAIN_RANGES
 * @ticks:	how long one request may take, by the CPU's counter (x86: TSC); not 0
 * @root:	guest-physical address of its page tables, in a range
 * @entry, @stack: its addresses: where each request begins, and the stack pointer then
 * @message:	guest-physical address of the page for requests, in a range it can write
 * @range:	all it will ever have. Only @gpa, @npages and @permission count, the rest is 0;
 *		read, read and write, or read and user-execute
 */
struct hf_domain {
	uint32_t size;
	uint32_t service;
	uint32_t capabilities;
	uint32_t lent_max;
	uint32_t range_count;
	uint32_t reserved;
	uint64_t ticks;
	uint64_t root;
	uint64_t entry;
	uint64_t stack;
	uint64_t message;
	struct hf_range range[HF_DOMAIN_RANGES];
};

_Static_assert(sizeof(struct hf_domain) == 64 + 96 * 40,
	       "part of the hypercall ABI, in a page");

#endif
