/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests of hv/domain: a machine with a domain whose service a test plays. */
#ifndef TEST_UNIT_DOMAIN_H
#define TEST_UNIT_DOMAIN_H

#include <hv/domain.h>
#include <hv/pool.h>
#include <hv/shootdown.h>
#include <holdfast/service/domain.h>
#include "machine.h"

#define DOMAIN_SERVICE	0x7e57u
#define DOMAIN_CODE	(MACHINE_FREE + 0x100000) /* 2 pages */
#define DOMAIN_DATA	(MACHINE_FREE + 0x110000) /* 4 pages: tables, message, stack */
#define DOMAIN_MESSAGE	(DOMAIN_DATA + PAGE_SIZE)
#define DOMAIN_LENT	(MACHINE_FREE + 0x300000) /* the guest's */
#define DOMAIN_TICKS	1000u
#define DOMAIN_LENT_MAX 8u

static inline struct hf_domain domain_record(void)
{
	return (struct hf_domain){
		.size = sizeof(struct hf_domain),
		.service = DOMAIN_SERVICE,
		.capabilities = HF_CAPABILITY_LENT,
		.lent_max = DOMAIN_LENT_MAX,
		.range_count = 2,
		.ticks = DOMAIN_TICKS,
		.root = DOMAIN_DATA,
		.entry = 0x400000,
		.stack = 0x500000,
		.message = DOMAIN_MESSAGE,
		.range = { { .gpa = DOMAIN_CODE,
			     .npages = 2,
			     .permission = HF_PERM_READ | HF_PERM_USER_EXEC },
			   { .gpa = DOMAIN_DATA,
			     .npages = 4,
			     .permission = HF_PERM_READ | HF_PERM_WRITE } },
	};
}

static inline s64 domain_make(struct cpu *cpu, const struct hf_domain *record)
{
	memcpy(machine_ram(MACHINE_BUFFER), record, sizeof(*record));
	return machine_call(cpu, HF_CALL_DOMAIN, MACHINE_BUFFER, 0);
}

/* Of @cpus CPUs; a domain is there, its service is @on_domain. The first CPU. */
static inline struct cpu *
domain_machine(u32 cpus, struct domain_stop (*on_domain)(struct cpu *, struct domain *, u64))
{
	struct hf_domain record = domain_record();
	struct cpu *cpu = machine(cpus);

	fake.on_domain = on_domain;
	assert_int_equal(domain_make(cpu, &record), 0);
	return cpu;
}

/* The request in the buffer, cleared but for this. */
static inline struct hf_service_call *domain_request(u32 operation)
{
	struct hf_service_call *call = machine_ram(MACHINE_BUFFER);

	memset(call, 0, sizeof(*call));
	call->service = DOMAIN_SERVICE;
	call->operation = operation;
	call->size = HF_SERVICE_PAYLOAD_MAX;
	return call;
}

static inline s64 domain_call(struct cpu *cpu)
{
	return machine_call(cpu, HF_CALL_SERVICE, MACHINE_BUFFER, 0);
}

#endif
