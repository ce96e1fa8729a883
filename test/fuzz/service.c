// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input is what the authority is asked as a service, before lock and after it: each answer is
 * one of those documented, nothing is approved, and after lock nothing that was recorded changes.
 */
#include <libsvc/service.h>

#include "../../services/authority/room.h"
#include "../../services/authority/store.h"
#include "fuzz.h"

#define LENT_PAGES 4u
#define REQUESTS   64u

/* One request, as the input has it; the payload follows. Lent pages repeat what is behind that. */
struct asked {
	u8 operation;
	u8 size;
	u8 npages; /* that are said to be lent */
	u8 lock;   /* 1 in 8: the machine is locked from now on */
};

static u8 lent[LENT_PAGES * HF_PAGE_SIZE];
static unsigned long long inputs, asked, done;

const void *service_lent(const struct hf_service_call *call)
{
	return call->lent_count ? lent : NULL;
}

static void tell(void)
{
	printf("service: %llu inputs, %llu requests, %llu of them done\n", inputs, asked, done);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(tell);
}

/* What the rest does not undo: no key, nothing that is known of the kernel. */
static void begin(void)
{
	static struct hf_service_call call = { .operation = HF_AUTHORITY_RECORD, .size = 24 };
	const struct hf_authority_piece facts = { HF_RECORD_FACTS, 0, 0, sizeof(room.facts) };
	const struct hf_authority_piece start = { .what = HF_BRING_START };

	call.lent_count = 1;
	call.lent[0].npages = LENT_PAGES;
	call.operation = HF_AUTHORITY_RECORD;
	memcpy(call.payload, &facts, sizeof(facts));
	memset(lent, 0, sizeof(lent));
	service_answer(&call, false);
	call.operation = HF_AUTHORITY_BRING;
	memcpy(call.payload, &start, sizeof(start));
	service_answer(&call, false);
}

/* What judgements rest on, but for what goes. */
struct known {
	u64 keys;
	u64 hashes;
	struct hf_authority_facts facts;
	struct hf_authority_exporter kernel;
};

static struct known known(void)
{
	struct authority told;

	store_tell(&told);
	return (struct known){ told.keys, told.revocations, *told.facts, told.exporter[0] };
}

static void answered(const struct hf_service_call *call)
{
	switch (call->status) {
	case 0:
		done++;
		if (call->operation == HF_AUTHORITY_MODULE)
			fuzz_fail("service: a module is approved by no key");
		return;
	case -HF_EPERM:
	case -HF_ENOENT:
	case -HF_ENOMEM:
	case -HF_EEXIST:
	case -HF_EINVAL:
	case -HF_ENOSPC:
	case -HF_ENOSYS:
		return;
	}
	fuzz_fail("service: the answer is %d", call->status);
}

/* Of the input's beginning; how much of it that was. */
static size_t take(struct hf_service_call *call, bool *locked, const u8 *data, size_t size)
{
	struct asked request;
	size_t rest = size - sizeof(request);

	memcpy(&request, data, sizeof(request));
	data += sizeof(request);
	memset(call, 0, sizeof(*call));
	*locked |= request.lock % 8 == 1;
	call->operation = request.operation % 6;
	call->size = request.size < rest ? request.size : (u32)rest;
	call->lent_count = 1;
	call->lent[0].npages = request.npages % (LENT_PAGES + 1);
	memcpy(call->payload, data, call->size);
	data += call->size;
	rest -= call->size;
	for (size_t at = 0; at < sizeof(lent) && rest; at += rest)
		memcpy(lent + at, data, rest < sizeof(lent) - at ? rest : sizeof(lent) - at);
	return size - rest;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct hf_service_call call;
	struct known before, after;
	bool locked = false;
	size_t taken;

	begin();
	inputs++;
	for (u32 i = 0; i < REQUESTS && size >= sizeof(struct asked); i++) {
		taken = take(&call, &locked, data, size);
		data += taken;
		size -= taken;
		before = known();
		service_answer(&call, locked);
		after = known();
		if (locked && memcmp(&before, &after, sizeof(before)))
			fuzz_fail("service: something was recorded after lock");
		asked++;
		answered(&call);
	}
	return 0;
}
