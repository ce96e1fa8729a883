// SPDX-License-Identifier: GPL-2.0-only
/* Requests to a service, as a hostile guest makes them, and services that do not behave. */
#include "domain.h"

static u32 entered;	/* runs of the service */
static u64 why;		/* of the last that began a request */
static u32 interrupts;	/* runs that end so before the next is an answer */
static struct cpu *ran; /* where the last one was */

static const struct domain_stop done = { .kind = DOMAIN_DONE };
static const struct domain_stop interrupted = { .kind = DOMAIN_INTERRUPTED };
static const struct domain_stop crashed = { DOMAIN_CRASHED, 0x46, 0x400123, 0x666000 };

static struct hf_service_call *message(struct domain *d)
{
	struct hf_service_call *call = fake_domain_access(d, d->message, HF_ACCESS_WRITE);

	assert_non_null(call);
	return call;
}

/* Inverts what it is given. */
static struct domain_stop invert(struct cpu *cpu, struct domain *d, u64 for_what)
{
	struct hf_service_call *call = message(d);

	entered++;
	ran = cpu;
	if (for_what != FAKE_GO_ON)
		why = for_what;
	if (interrupts) {
		interrupts--;
		call->progress++;
		return interrupted;
	}
	for (u32 i = 0; i < call->size; i++)
		call->payload[i] = (u8)~call->payload[i];
	call->status = 5;
	return done;
}

static struct domain_stop crash(struct cpu *cpu, struct domain *d, u64 for_what)
{
	(void)cpu;
	(void)d;
	why = for_what;
	return crashed;
}

/* What can be read of what was lent is read, and written to if that can be. */
static struct domain_stop probe(struct cpu *cpu, struct domain *d, u64 for_what)
{
	struct hf_service_call *call = message(d);

	(void)cpu;
	(void)for_what;
	if (interrupts) {
		interrupts--;
		return interrupted;
	}
	for (u32 i = 0; i < call->lent_count; i++)
		for (u64 n = 0; n < call->lent[i].npages; n++) {
			struct gpa at = gpa(call->lent[i].gpa + n * PAGE_SIZE);
			u8 *seen = fake_domain_access(d, at, HF_ACCESS_READ);

			assert_non_null(seen);
			assert_null(fake_domain_access(d, at, HF_ACCESS_WRITE));
			assert_null(fake_domain_access(d, at, HF_ACCESS_EXECUTE));
			call->payload[0] = (u8)(call->payload[0] + *seen);
		}
	return done;
}

static void is_inverted(void)
{
	const struct hf_service_call *call = machine_ram(MACHINE_BUFFER);

	assert_int_equal(call->status, 5);
	assert_int_equal(call->token, 0);
	for (u32 i = 0; i < HF_SERVICE_PAYLOAD_MAX; i++)
		assert_int_equal(call->payload[i], (u8)~i);
}

static void request_payload(void)
{
	struct hf_service_call *call = domain_request(1);

	for (u32 i = 0; i < HF_SERVICE_PAYLOAD_MAX; i++)
		call->payload[i] = (u8)i;
}

/* Interrupted once more; its token. */
static u64 paused(struct cpu *cpu)
{
	const struct hf_service_call *call = machine_ram(MACHINE_BUFFER);

	interrupts = 1;
	assert_int_equal(domain_call(cpu), -HF_EINPROGRESS);
	assert_int_not_equal(call->token, 0);
	return call->token;
}

static void a_request_is_answered(void **ctx)
{
	struct cpu *cpu = domain_machine(1, invert);

	(void)ctx;
	for (u32 lock = 0; lock < 2; lock++) {
		request_payload();
		assert_int_equal(domain_call(cpu), 0);
		is_inverted();
		assert_int_equal(why,
				 lock ? HF_DOMAIN_REQUEST | HF_DOMAIN_LOCKED : HF_DOMAIN_BEGIN);
		if (!lock)
			machine_lock(cpu);
	}
	assert_int_equal(entered, 2);
}

static void what_is_malformed_is_not_entered(void **ctx)
{
	struct cpu *cpu = domain_machine(2, invert);
	const u64 bad[] = { MACHINE_BUFFER + 8, MACHINE_OURS, FAKE_LOW_END, FAKE_LIMIT, ~0ull };

	(void)ctx;
	domain_request(1)->service++;
	assert_int_equal(domain_call(cpu), -HF_ENODEV);
	domain_request(1)->size++;
	assert_int_equal(domain_call(cpu), -HF_EINVAL);
	domain_request(1)->size = ~0u;
	assert_int_equal(domain_call(cpu), -HF_EINVAL);
	domain_request(1)->token = 1;
	assert_int_equal(domain_call(cpu), -HF_EINVAL);
	domain_request(1)->reserved = 1;
	assert_int_equal(domain_call(cpu), -HF_EINVAL);
	domain_request(1)->lent_count = HF_LENT_RANGES + 1;
	assert_int_equal(domain_call(cpu), -HF_EINVAL);
	domain_request(1)->lent_count = ~0u;
	assert_int_equal(domain_call(cpu), -HF_EINVAL);
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(machine_call(cpu, HF_CALL_SERVICE, bad[i], 0), -HF_EFAULT);
	for (u64 token = 0; token < 0x1000; token++) {
		assert_int_equal(
			machine_call(cpu, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER, token),
			-HF_ENOENT);
		assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_CANCEL, token, 0),
				 -HF_ENOENT);
	}
	assert_int_equal(entered, 0);
	request_payload();
	assert_int_equal(domain_call(cpu), 0);
}

static void an_interrupted_one_goes_on_anywhere(void **ctx)
{
	struct cpu *cpu = domain_machine(3, invert);
	const struct hf_service_call *call = machine_ram(MACHINE_BUFFER);
	u64 token;

	(void)ctx;
	request_payload();
	interrupts = 5;
	assert_int_equal(domain_call(cpu), -HF_EINPROGRESS);
	token = call->token;
	assert_int_not_equal(token, 0);
	for (u32 i = 1; i < 5; i++) {
		assert_int_equal(call->progress, i);
		/* There is room for one. */
		assert_int_equal(domain_call(cpu), call->token ? -HF_EINVAL : -HF_EAGAIN);
		assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER,
					      token + 0x100),
				 -HF_ENOENT);
		assert_int_equal(machine_call(cpu_get(i % 3), HF_CALL_SERVICE_RESUME,
					      MACHINE_BUFFER, token),
				 -HF_EINPROGRESS);
		assert_ptr_equal(ran, cpu_get(i % 3));
		assert_int_equal(call->token, token);
	}
	request_payload();
	assert_int_equal(domain_call(cpu), -HF_EAGAIN);
	assert_int_equal(
		machine_call(cpu_get(1), HF_CALL_SERVICE_RESUME, MACHINE_BUFFER, token), 0);
	is_inverted();
	assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER, token),
			 -HF_ENOENT);
	assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_CANCEL, token, 0), -HF_ENOENT);
	/* Tokens do not come twice. */
	request_payload();
	assert_int_not_equal(paused(cpu), token);
}

static u64 worked_on; /* token of the request that is being worked on */

/* While it runs on one CPU, the other tries everything; and locks, which waits for the first. */
static struct domain_stop meanwhile(struct cpu *cpu, struct domain *d, u64 for_what)
{
	struct cpu *other = cpu_get(1);

	(void)cpu;
	(void)for_what;
	if (interrupts) {
		interrupts--;
		return interrupted;
	}
	assert_int_equal(machine_call(other, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER, worked_on),
			 -HF_EAGAIN);
	assert_int_equal(machine_call(other, HF_CALL_SERVICE_CANCEL, worked_on, 0), -HF_EAGAIN);
	assert_int_equal(machine_call(other, HF_CALL_SERVICE_CANCEL, worked_on - 0x100, 0),
			 -HF_ENOENT);
	domain_request(1);
	assert_int_equal(domain_call(other), -HF_EAGAIN);
	machine_lock(other);
	message(d)->status = 9;
	return done;
}

static void one_cpu_at_a_time_and_none_waits(void **ctx)
{
	struct cpu *cpu = domain_machine(2, meanwhile);

	(void)ctx;
	domain_request(1);
	worked_on = paused(cpu);
	assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER, worked_on),
			 0);
	assert_int_equal(((struct hf_service_call *)machine_ram(MACHINE_BUFFER))->status, 9);
	assert_int_equal(cpu_state(cpu), CPU_LOCKED);
}

/* What waits for the CPU is not kept waiting. */
static void no_entry_while_something_waits(void **ctx)
{
	struct cpu *cpu = domain_machine(1, invert);

	(void)ctx;
	request_payload();
	cpu->pending |= CPU_NMI;
	assert_int_equal(domain_call(cpu), -HF_EINPROGRESS);
	assert_int_equal(entered, 0);
	cpu->pending &= ~CPU_NMI;
	assert_int_equal(
		machine_call(cpu, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER,
			     ((struct hf_service_call *)machine_ram(MACHINE_BUFFER))->token),
		0);
}

static void a_crash_refuses_and_is_an_event(void **ctx)
{
	struct cpu *cpu = domain_machine(2, invert);
	u64 events = event_newest();

	(void)ctx;
	request_payload();
	assert_int_equal(domain_call(cpu), 0);
	fake.on_domain = crash;
	domain_request(77);
	assert_int_equal(domain_call(cpu), -HF_EIO);
	assert_int_equal(why, HF_DOMAIN_REQUEST);
	assert_quiet(events + 1);
	assert_int_equal(machine_event().kind, HF_EVENT_SERVICE);
	assert_int_equal(machine_event().action, HF_ACTION_DENY);
	assert_int_equal(machine_event().asset, HF_ASSET_SERVICE | DOMAIN_SERVICE);
	assert_int_equal(machine_event().va, 0x400123);
	assert_int_equal(machine_event().gpa, 0x666000);
	assert_int_equal(machine_event().old, 77);
	assert_int_equal(machine_event().new_value, 0x46);
	/* It is there for the next, from the beginning. */
	fake.on_domain = invert;
	request_payload();
	assert_int_equal(domain_call(cpu), 0);
	is_inverted();
	assert_int_equal(why, HF_DOMAIN_BEGIN);
}

static void an_endless_one_ends(void **ctx)
{
	struct cpu *cpu = domain_machine(2, invert);
	u64 events = event_newest(), token, runs = 1;
	s64 result;

	(void)ctx;
	domain_request(3);
	interrupts = ~0u;
	assert_int_equal(domain_call(cpu), -HF_EINPROGRESS);
	token = ((struct hf_service_call *)machine_ram(MACHINE_BUFFER))->token;
	do {
		result = machine_call(cpu_get(runs % 2), HF_CALL_SERVICE_RESUME, MACHINE_BUFFER,
				      token);
		runs++;
	} while (result == -HF_EINPROGRESS && runs <= 2 * DOMAIN_TICKS);
	assert_int_equal(result, -HF_EIO);
	assert_in_range(runs, DOMAIN_TICKS / 4, DOMAIN_TICKS + 1);
	assert_quiet(events + 1);
	assert_int_equal(machine_event().kind, HF_EVENT_SERVICE);
	assert_int_equal(machine_event().new_value, 0);
	interrupts = 0;
	request_payload();
	assert_int_equal(domain_call(cpu), 0);
	assert_int_equal(why, HF_DOMAIN_BEGIN);
}

static void a_cancelled_one_is_forgotten(void **ctx)
{
	struct cpu *cpu = domain_machine(2, invert);
	u64 token;

	(void)ctx;
	request_payload();
	assert_int_equal(domain_call(cpu), 0);
	domain_request(1);
	token = paused(cpu);
	assert_int_equal(machine_call(cpu_get(1), HF_CALL_SERVICE_CANCEL, token, 0), 0);
	assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_CANCEL, token, 0), -HF_ENOENT);
	assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER, token),
			 -HF_ENOENT);
	request_payload();
	assert_int_equal(domain_call(cpu), 0);
	assert_int_equal(why, HF_DOMAIN_BEGIN);
}

/* ---- pages that are lent ---- */

/* @guest: the guest has them, and the service nothing; else the other way round. */
static void check_lent(struct cpu *cpu, bool guest)
{
	struct domain *d = domain_of_service(DOMAIN_SERVICE);

	for (u64 n = 0; n < 4; n++) {
		struct gpa at = gpa(DOMAIN_LENT + n * PAGE_SIZE);
		u64 value = n + 1;

		assert_int_equal(owner_state(at), guest ? PAGE_GUEST : PAGE_LENT);
		assert_int_equal(fake_guest_access(cpu, at, HF_ACCESS_READ, 0, &value),
				 FAKE_DONE);
		assert_int_equal(fake_guest_access(cpu, at, HF_ACCESS_WRITE, 0, &value),
				 guest ? FAKE_DONE : VERDICT_FAULT);
		assert_int_equal(stage2_permission(&d->space, at, NULL),
				 guest ? 0 : HF_PERM_READ);
	}
}

static void lend_four(void)
{
	struct hf_service_call *call = domain_request(1);

	call->lent_count = 2;
	call->lent[0] = (struct hf_service_lent){ DOMAIN_LENT, 1 };
	call->lent[1] = (struct hf_service_lent){ DOMAIN_LENT + PAGE_SIZE, 3 };
	for (u64 n = 0; n < 4; n++)
		*(u64 *)machine_ram(DOMAIN_LENT + n * PAGE_SIZE) = n + 1;
}

static void lent_for_as_long_as_it_takes(void **ctx)
{
	struct cpu *cpu = domain_machine(2, probe);
	u64 used, token;

	(void)ctx;
	lend_four();
	assert_int_equal(domain_call(cpu), 0);
	used = pool_used();
	for (u32 way = 0; way < 3; way++) {
		fake.on_domain = probe;
		lend_four();
		token = paused(cpu);
		check_lent(cpu_get(way % 2), false);
		if (way == 0) {
			assert_int_equal(machine_call(cpu_get(1), HF_CALL_SERVICE_RESUME,
						      MACHINE_BUFFER, token),
					 0);
			assert_int_equal(((u8 *)machine_ram(MACHINE_BUFFER))[offsetof(
						 struct hf_service_call, payload)],
					 10);
		} else if (way == 1) {
			assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_CANCEL, token, 0),
					 0);
		} else {
			fake.on_domain = crash;
			assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_RESUME,
						      MACHINE_BUFFER, token),
					 -HF_EIO);
		}
		check_lent(cpu, true);
		check_lent(cpu_get(1), true);
		assert_int_equal(pool_used(), used);
	}
}

/* Refused as a whole: what else was to be lent stays as it is. */
static void lent_refused(struct cpu *cpu, u64 gpa, u64 npages)
{
	struct hf_service_call *call = domain_request(1);

	call->lent_count = 2;
	call->lent[0] = (struct hf_service_lent){ DOMAIN_LENT, 1 };
	call->lent[1] = (struct hf_service_lent){ gpa, npages };
	assert_int_equal(domain_call(cpu), -HF_EINVAL);
	check_lent(cpu, true);
}

static void only_what_is_the_guests_is_lent(void **ctx)
{
	struct cpu *cpu = domain_machine(1, probe);

	(void)ctx;
	machine_lock(cpu);
	lent_refused(cpu, MACHINE_OURS, 1);
	lent_refused(cpu, MACHINE_TEXT, 1);
	lent_refused(cpu, DOMAIN_CODE, 1);
	lent_refused(cpu, DOMAIN_MESSAGE, 1);
	lent_refused(cpu, FAKE_LOW_END, 1);
	lent_refused(cpu, FAKE_HOTPLUG_START, 1);
	lent_refused(cpu, FAKE_LIMIT, 1);
	lent_refused(cpu, DOMAIN_LENT, 1); /* twice */
	lent_refused(cpu, DOMAIN_LENT + 8, 1);
	lent_refused(cpu, DOMAIN_LENT + PAGE_SIZE, 0);
	lent_refused(cpu, DOMAIN_LENT + PAGE_SIZE, DOMAIN_LENT_MAX);
	lent_refused(cpu, DOMAIN_LENT + PAGE_SIZE, ~0ull);
	lent_refused(cpu, DOMAIN_LENT + PAGE_SIZE, 1ull << 52);
	lent_refused(cpu, ~PAGE_MASK, 1);
}

static void nothing_is_lent_without_the_capability(void **ctx)
{
	struct hf_domain record = domain_record();
	struct cpu *cpu = machine(1);

	(void)ctx;
	record.capabilities = 0;
	record.lent_max = 0;
	assert_int_equal(domain_make(cpu, &record), 0);
	fake.on_domain = probe;
	lend_four();
	assert_int_equal(domain_call(cpu), -HF_EINVAL);
	check_lent(cpu, true);
	domain_request(1);
	assert_int_equal(domain_call(cpu), 0);
}

/* The page for the answer goes away meanwhile: the request ends, and gives back what it had. */
static void an_answer_that_nobody_takes(void **ctx)
{
	struct cpu *cpu = domain_machine(1, probe);
	struct hf_service_call *call;
	u64 token;

	(void)ctx;
	lend_four();
	call = machine_ram(MACHINE_BUFFER);
	call->lent[0].gpa = MACHINE_BUFFER;
	interrupts = 1;
	assert_int_equal(domain_call(cpu), -HF_EFAULT);
	check_lent(cpu, true);
	lend_four();
	token = paused(cpu);
	assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_RESUME, MACHINE_OURS, token),
			 -HF_EFAULT);
	check_lent(cpu, true);
	assert_int_equal(machine_call(cpu, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER, token),
			 -HF_ENOENT);
}

static void without_memory_nothing_is_lent(void **ctx)
{
	struct cpu *cpu = domain_machine(1, probe);
	void *pages[4096] = { NULL };
	u32 taken = 0;
	s64 result;

	(void)ctx;
	while (pool_available())
		pages[taken++] = pool_page();
	for (;;) {
		lend_four();
		result = domain_call(cpu);
		check_lent(cpu, true);
		if (!result)
			break;
		assert_int_equal(result, -HF_ENOMEM);
		assert_true(taken);
		pool_free(pages[--taken]);
	}
}

/* Random requests, good and bad, on three CPUs in turn. */
static void hostile_requests(void **ctx)
{
	struct cpu *cpu = domain_machine(3, probe);
	const u64 edges[] = { DOMAIN_LENT,  DOMAIN_LENT + PAGE_SIZE,
			      DOMAIN_CODE,  MACHINE_BUFFER,
			      MACHINE_OURS, MACHINE_TEXT,
			      ~0ull,	    FAKE_LIMIT };
	u64 token = 0;

	(void)ctx;
	machine_lock(cpu);
	for (u32 round = 0; round < 20000; round++) {
		struct hf_service_call *call = domain_request((u32)unit_below(4));
		struct cpu *on = cpu_get((u32)unit_below(3));

		interrupts = (u32)unit_below(3);
		fake.on_domain = unit_below(8) ? probe : crash;
		call->lent_count = (u32)unit_below(5);
		for (u32 i = 0; i < call->lent_count; i++)
			call->lent[i] = (struct hf_service_lent){
				edges[unit_below(unit_below(4) ? 2 : ARRAY_SIZE(edges))],
				unit_below(4),
			};
		switch (unit_below(4)) {
		case 0:
			machine_call(on, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER, token);
			break;
		case 1:
			machine_call(on, HF_CALL_SERVICE_CANCEL, token, 0);
			break;
		default:
			if (domain_call(on) == -HF_EINPROGRESS)
				token = call->token;
		}
		if (domain_of_service(DOMAIN_SERVICE)->state == DOMAIN_IDLE)
			check_lent(on, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(a_request_is_answered),
		machine_test(what_is_malformed_is_not_entered),
		machine_test(an_interrupted_one_goes_on_anywhere),
		machine_test(one_cpu_at_a_time_and_none_waits),
		machine_test(no_entry_while_something_waits),
		machine_test(a_crash_refuses_and_is_an_event),
		machine_test(an_endless_one_ends),
		machine_test(a_cancelled_one_is_forgotten),
		machine_test(lent_for_as_long_as_it_takes),
		machine_test(only_what_is_the_guests_is_lent),
		machine_test(nothing_is_lent_without_the_capability),
		machine_test(an_answer_that_nobody_takes),
		machine_test(without_memory_nothing_is_lent),
		machine_test(hostile_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
