// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <hv/arch/fake/fake.h>
#include <holdfast/service/domain.h>
#include "domain.h"
#include "fuzz.h"
#include "model.h"

/* A request that has begun and not ended. */
struct request {
	u32 service; /* 0: none */
	u64 token;
	struct hf_service_call call;
};

static struct request requests[HF_DOMAINS_MAX];
static struct hf_service_call asked; /* by the call under way */
static bool fresh;		     /* which has begun a request */
static u8 how;
static u64 where;

void domain_will(u8 end, u64 page)
{
	how = end;
	where = page & ~PAGE_MASK;
}

static struct request *request_of(u32 service)
{
	for (u32 i = 0; i < HF_DOMAINS_MAX; i++)
		if (requests[i].service == service)
			return &requests[i];
	return NULL;
}

static void lend(const struct request *r, u32 service)
{
	for (u32 i = 0; i < r->call.lent_count; i++)
		model_lent(r->call.lent[i].gpa, r->call.lent[i].npages, service);
}

static void begun(void)
{
	struct request *r = request_of(0);

	if (!r || request_of(asked.service))
		fuzz_fail("domain: service %u has two requests", asked.service);
	*r = (struct request){ .service = asked.service, .call = asked };
	lend(r, r->service);
	fresh = true;
}

static void ended(struct request *r)
{
	lend(r, 0);
	r->service = 0;
}

/* It reaches what the model says, and no more. */
static struct domain_stop work(struct cpu *cpu, struct domain *d, u64 why)
{
	static const enum domain_stop_kind kinds[] = { DOMAIN_DONE, DOMAIN_INTERRUPTED,
						       DOMAIN_INTERRUPTED, DOMAIN_CRASHED };
	bool reads = fake_domain_access(d, gpa(where), HF_ACCESS_READ);
	bool writes = fake_domain_access(d, gpa(where), HF_ACCESS_WRITE);

	(void)cpu;
	if (why != FAKE_GO_ON)
		begun();
	if (reads && model_service(where) != d->service && model_lent_to(where) != d->service)
		fuzz_fail("domain: %llx is read", (unsigned long long)where);
	if (writes && model_service(where) != d->service)
		fuzz_fail("domain: %llx is written", (unsigned long long)where);
	return (struct domain_stop){ kinds[how % ARRAY_SIZE(kinds)], 1, 2, 3 };
}

void domain_forget_all(void)
{
	memset(requests, 0, sizeof(requests));
	fake.on_domain = work;
}

void domain_before(u64 number, const u64 arg[4])
{
	memset(&asked, 0, sizeof(asked));
	fresh = false;
	if (number == HF_CALL_SERVICE && !(arg[0] & PAGE_MASK) && model_is_buffer(arg[0], true))
		memcpy(&asked, fake.ram + arg[0], sizeof(asked));
}

u64 domain_token(u8 which)
{
	const struct request *r = &requests[which % HF_DOMAINS_MAX];

	return r->service ? r->token : which;
}

static struct request *request_of_token(u64 token)
{
	for (u32 i = 0; i < HF_DOMAINS_MAX; i++)
		if (requests[i].service && requests[i].token == token)
			return &requests[i];
	return NULL;
}

/* A request that something pending on the CPU has kept from being entered has begun as well. */
static void after_begin(const u64 arg[4], s64 result)
{
	struct request *r = request_of(asked.service);

	if (!asked.service)
		return;
	if (result == -HF_EAGAIN && !r)
		fuzz_fail("domain: service %u has no request", asked.service);
	if (result == -HF_EINPROGRESS && !r)
		begun();
	r = request_of(asked.service);
	if (result == -HF_EINPROGRESS)
		r->token = ((struct hf_service_call *)(fake.ram + arg[0]))->token;
	else if (fresh)
		ended(r);
}

void domain_after(u64 number, const u64 arg[4], s64 result)
{
	struct request *r =
		request_of_token(number == HF_CALL_SERVICE_RESUME ? arg[1] : arg[0]);

	switch (number) {
	case HF_CALL_DOMAIN:
		if (!result)
			model_donated((const struct hf_domain *)(fake.ram + arg[0]));
		break;
	case HF_CALL_SERVICE:
		after_begin(arg, result);
		break;
	case HF_CALL_SERVICE_RESUME:
	case HF_CALL_SERVICE_CANCEL:
		if (!r != (result == -HF_ENOENT))
			fuzz_fail("domain: token answered with %lld", (long long)result);
		if (r && result != -HF_EINPROGRESS)
			ended(r);
	}
}
