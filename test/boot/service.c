// SPDX-License-Identifier: GPL-2.0-only
/*
 * A service in a domain of its own (test/service/echo.c), which does what it is asked for: also
 * what must end it and nothing else. On a launched machine; the last case locks it.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <holdfast/ctl.h>
#include <holdfast/event.h>
#include <holdfast/hypercall.h>
#include <holdfast/service/call.h>
#include <holdfast/service/domain.h>

#include "../service/echo.h"
#include "guest.h"

#define MILLISECONDS 5000u	/* that one request may take */
#define ROUNDS	     3000000ull /* of computing: many ticks of the kernel's timer */

static struct hf_service_call call;

static int ask(uint32_t operation, uint64_t argument, uint64_t *result)
{
	struct echo *echo = (struct echo *)call.payload;
	int err;

	memset(&call, 0, sizeof(call));
	call.service = ECHO_SERVICE;
	call.operation = operation;
	call.size = sizeof(*echo);
	echo->argument = argument;
	err = ctl_request(&call, NULL, 0);
	*result = echo->result;
	return err;
}

/* False: the case has failed. */
static bool answers(struct verdict *v, uint32_t operation, uint64_t argument, uint64_t wanted)
{
	uint64_t result;
	int err = ask(operation, argument, &result);

	if (!err && result == wanted)
		return true;
	fail(v, "operation %u: %d, answer %llx instead of %llx", operation, err,
	     (unsigned long long)result, (unsigned long long)wanted);
	return false;
}

/* What it must not do ends the request, is an event of this kind, and the service begins anew. */
static bool ends(struct verdict *v, uint32_t operation, uint64_t argument, uint64_t code)
{
	static struct hf_event event;
	long long before = newest_event();
	uint64_t result;
	int err = ask(operation, argument, &result);

	if (err != -EIO) {
		fail(v, "operation %u at %llx: %d, %llx", operation,
		     (unsigned long long)argument, err, (unsigned long long)result);
		return false;
	}
	if (ctl_events(before + 1, &event, 1) != 1 || event.kind != HF_EVENT_SERVICE ||
	    event.asset != (HF_ASSET_SERVICE | ECHO_SERVICE) || event.old != operation ||
	    event.new_value != code) {
		fail(v, "operation %u: event kind %u, asset %x, old %llx, new %llx", operation,
		     event.kind, event.asset, (unsigned long long)event.old,
		     (unsigned long long)event.new_value);
		return false;
	}
	return answers(v, ECHO_COUNT, 0, ECHO_FIRST);
}

static long read_file(char **file)
{
	static char bytes[1 << 20];

	*file = bytes;
	return file_read(ECHO_FILE, bytes, sizeof(bytes));
}

int service_start(void)
{
	char *file;
	long size = read_file(&file);

	return size < 0 ? (int)size : ctl_service(file, size, ECHO_SERVICE, MILLISECONDS);
}

static void load(struct verdict *v)
{
	char *file;
	long size = read_file(&file);
	int err;

	if (size <= 0) {
		fail(v, "no %s: %ld", ECHO_FILE, size);
		return;
	}
	err = ctl_service(file, 64, ECHO_SERVICE, MILLISECONDS);
	if (err != -ENOEXEC) {
		fail(v, "the first 64 bytes of the file: %d", err);
		return;
	}
	err = service_start();
	if (!err && service_start() == -EEXIST)
		pass(v, "%ld bytes", size);
	else
		fail(v, "%d", err);
}

static void echo(struct verdict *v)
{
	uint64_t count;
	size_t i;
	int err = ask(ECHO_COUNT, 0, &count);

	if (err) {
		fail(v, "the first request: %d", err);
		return;
	}
	memset(&call, 0, sizeof(call));
	call.service = ECHO_SERVICE;
	call.operation = ECHO_INVERT;
	call.size = HF_SERVICE_PAYLOAD_MAX;
	for (i = 0; i < HF_SERVICE_PAYLOAD_MAX; i++)
		call.payload[i] = (uint8_t)i;
	err = ctl_request(&call, NULL, 0);
	for (i = 0; !err && i < HF_SERVICE_PAYLOAD_MAX; i++)
		if (call.payload[i] != (uint8_t)~i)
			err = -EILSEQ;
	/* Memory is kept from one request to the next. */
	if (err)
		fail(v, "%d at %zu", err, i);
	else if (answers(v, ECHO_COUNT, 0, count + 2))
		pass(v, "%s", "");
}

static void misbehave(struct verdict *v)
{
	uint64_t code_of_ud = 0x46, code_of_pf = 0x4e, code_of_gp = 0x4d, code_of_call = 0x81;

	/* Its own text, the copy of its data, what its tables do not name, the kernel. */
	if (ends(v, ECHO_CRASH, 0, code_of_ud) &&
	    ends(v, ECHO_WRITE, HF_DOMAIN_IMAGE, code_of_pf) &&
	    ends(v, ECHO_READ, 0, code_of_pf) &&
	    ends(v, ECHO_READ, 0xffffffff81000000ull, code_of_pf) &&
	    ends(v, ECHO_READ, HF_DOMAIN_WINDOW, code_of_pf) &&
	    ends(v, ECHO_READ, 1ull << 63, code_of_gp) &&
	    ends(v, ECHO_PORT, 0x3f8, code_of_gp) &&
	    ends(v, ECHO_CALL, HF_CALL_LOCK, code_of_call))
		pass(v, "%s", "");
}

/*
 * It maps in its own tables what is not its own: pages of the guest's, of the hypervisor's (the
 * first chunk lies somewhere; any page not lent will do), of devices.
 */
static void reach_out(struct verdict *v)
{
	static const uint64_t pages[] = { 0x1000, 0x1000000, 0xfee00000 };
	uint64_t code_of_npf = 0x400;
	size_t i;

	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (!ends(v, ECHO_REACH, pages[i], code_of_npf))
			return;
	pass(v, "%s", "");
}

static void endless(struct verdict *v)
{
	if (ends(v, ECHO_LOOP, 0, 0))
		pass(v, "%s", "");
}

/* The guest computes on the same CPU meanwhile: interrupts of the service, and whose registers are
 * whose. */
static void compute(struct verdict *v)
{
	uint64_t wanted = echo_compute(ROUNDS), mine = echo_compute(ROUNDS / 10);
	cpu_set_t one;
	pid_t child;
	int i, status;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	child = fork();
	if (!child) {
		for (i = 0; i < 40; i++)
			if (echo_compute(ROUNDS / 10) != mine)
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < 4; i++)
		if (!answers(v, ECHO_COMPUTE, ROUNDS, wanted))
			break;
	waitpid(child, &status, 0);
	if (i < 4)
		return;
	if (status)
		fail(v, "what the guest computed meanwhile is wrong (%x)", status);
	else
		pass(v, "%s", "");
}

/* Where no service is hosted nothing comes to this. */
#ifdef __x86_64__
static inline void vector_set(const uint64_t *pattern)
{
	__asm__ volatile("vmovdqu (%0), %%ymm15" : : "r"(pattern) : "memory", "xmm15");
}

static inline void vector_get(uint64_t *pattern)
{
	__asm__ volatile("vmovdqu %%ymm15, (%0)" : : "r"(pattern) : "memory");
}
#else
static inline void vector_set(const uint64_t *pattern)
{
	(void)pattern;
	abort();
}

static inline void vector_get(uint64_t *pattern)
{
	memset(pattern, 0, sizeof(uint64_t));
	abort();
}
#endif

/* The guest's upper half of a register, held over the call, and what the service finds there. */
static void vector(struct verdict *v)
{
	static const uint64_t pattern[4] = { 1, 2, 0x1122334455667788, 0x99aabbccddeeff00 };
	uint64_t after[4] = { 0 }, seen = 0;
	int i, err;

	for (i = 0; i < 3; i++) {
		vector_set(pattern);
		err = ask(ECHO_VECTOR, 0, &seen);
		vector_get(after);
		if (err || seen || memcmp(after, pattern, sizeof(after))) {
			fail(v, "%d: the service saw %llx, the guest has %llx", err,
			     (unsigned long long)seen, (unsigned long long)after[2]);
			return;
		}
	}
	pass(v, "%s", "");
}

static void lent(struct verdict *v)
{
	static uint8_t bytes[3 * HF_PAGE_SIZE];
	struct echo *echo = (struct echo *)call.payload;
	uint64_t sum = 0;
	int err;

	for (size_t i = 0; i < sizeof(bytes); i++)
		sum += bytes[i] = (uint8_t)(i * 7 + i / 4096);
	memset(&call, 0, sizeof(call));
	call.service = ECHO_SERVICE;
	call.operation = ECHO_LENT;
	call.size = sizeof(*echo);
	err = ctl_request(&call, bytes, sizeof(bytes));
	if (err || echo->result != sum) {
		fail(v, "%d, sum %llx instead of %llx", err, (unsigned long long)echo->result,
		     (unsigned long long)sum);
		return;
	}
	call.operation = ECHO_LENT_WRITE;
	err = ctl_request(&call, bytes, sizeof(bytes));
	if (err != -EIO)
		fail(v, "written to: %d", err);
	/* In its own tables they are still mapped. */
	else if (ends(v, ECHO_READ, HF_DOMAIN_WINDOW, 0x400))
		pass(v, "%s", "");
}

/* A CPU that has no XSAVE: whose registers are whose could not be kept apart. */
static void none(struct verdict *v)
{
	int err = service_start();
	uint64_t result;

	if (err == -ENODEV && ask(ECHO_COUNT, 0, &result) == -ENODEV)
		pass(v, "%s", "");
	else
		fail(v, "%d", err);
}

/* On whatever CPU, while the other locks: that waits for no service. */
static bool lock_meanwhile(struct verdict *v)
{
	static struct outcome o;
	uint64_t wanted = echo_compute(5 * ROUNDS), result;
	pid_t child = fork();
	int status, err;

	if (!child)
		_exit(ask(ECHO_COMPUTE, 5 * ROUNDS, &result) || result != wanted);
	usleep(20000);
	err = holdfast(&o, "lock", NULL);
	waitpid(child, &status, 0);
	if (!err && !status)
		return true;
	fail(v, "what was computed meanwhile: %x; lock: %d %.200s", status, err, o.out);
	return false;
}

static void locked(struct verdict *v)
{
	long long before;

	if (!answers(v, ECHO_LOCKED, 0, 0) || !lock_meanwhile(v) ||
	    !answers(v, ECHO_LOCKED, 0, 1))
		return;
	before = newest_event();
	echo(v);
	if (!v->ok)
		return;
	lent(v);
	if (v->ok && ctl_service(ECHO_FILE, 1, ECHO_SERVICE + 1, 1) != -EPERM)
		fail(v, "%s", "a service can be added after lock");
	else if (v->ok)
		pass(v, "%lld events", newest_event() - before);
}

const struct test_case service_cases[] = {
	{ "service-load", load },
	{ "service-echo", echo },
	{ "service-misbehave", misbehave },
	{ "service-endless", endless },
	{ "service-compute", compute },
	{ "service-vector", vector },
	{ "service-lent", lent },
	{ "service-reach", reach_out },
	{ "service-locked", locked },
	{ "service-none", none },
	{ NULL, NULL },
};
