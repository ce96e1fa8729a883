/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains: where services live, each in memory and second-level tables of its own, and what
 * becomes of requests to them. A domain has one request at a time:
 *
 *	IDLE    -> RUNNING	request_begin, or nothing comes of it and it is IDLE again
 *	RUNNING -> PAUSED	interrupted; request_resume makes it RUNNING again, on any CPU
 *	RUNNING -> IDLE		answered, refused; cancelled, which begins in PAUSED
 *
 * Whoever has made it RUNNING is the only one to touch the rest.
 */
#pragma once

#include <holdfast/domain.h>
#include <holdfast/service/call.h>
#include <hv/owner.h>
#include <hv/stage2.h>
#include <hv/types.h>

enum domain_state {
	DOMAIN_IDLE,
	DOMAIN_RUNNING,
	DOMAIN_PAUSED,
};

/* Constant once it can be found, but for what stands behind @state. */
struct domain {
	u32 service;
	u32 lent_max;
	u64 ticks;
	struct gpa root, message;
	u64 entry, stack;
	struct domain_cpu *cpu; /* the backend's part: registers */
	struct stage2 space;	/* owner lock */
	u32 state;		/* [a] enum domain_state */
	u32 operation;		/* of the request */
	u64 token;		/* [a] of the request; of the last one while there is none */
	u64 used;		/* ticks, by the request */
	bool unsound;		/* no answer has ended what memory was left by */
	u32 lent_count;
	struct hf_range lent[HF_LENT_RANGES];
};

/* Before lock. Errors as HF_CALL_DOMAIN documents them; @record is the hypervisor's copy. */
int domain_add(struct owner_locked owner, const struct hf_domain *record);
/* NULL: there is none. */
struct domain *domain_of_service(u32 service);
/* The one whose request has, or had, this token. */
struct domain *domain_of_token(u64 token);
/* Pages of the pool that tables for these ranges may take: enough, not exact. */
u64 domain_tables(const struct hf_range *ranges, u32 n);

/* Results as HF_CALL_SERVICE and its kin document them. @locked: the machine is */
s64 request_begin(struct cpu *cpu, u64 page, bool locked);
s64 request_resume(struct cpu *cpu, u64 page, u64 token);
s64 request_cancel(struct cpu *cpu, u64 token);
