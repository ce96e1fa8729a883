// SPDX-License-Identifier: GPL-2.0-only
/*
 * The service of the boot tests, in a process in the place of a domain: the message goes to and
 * fro, what is lent behind it; and all the process may do is to read and write that (seccomp). The
 * requests are made of the hypervisor as ever.
 */
#include <poll.h>
#include <signal.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <libsvc/service.h>
#include "../service/echo.h"
#include "domain.h"

#define POLL_MS 20

static pid_t process; /* 0: there is none */
static int stream;    /* to it; in it, from it */
static u8 received[DOMAIN_LENT_MAX * HF_PAGE_SIZE];

/* ---- in the process ---- */

const void *service_lent(const struct hf_service_call *call)
{
	(void)call;
	return received;
}

static bool move_bytes(ssize_t (*fn)(int, void *, size_t), void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = fn(stream, (u8 *)bytes + done, size - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static ssize_t write_bytes(int fd, void *bytes, size_t size)
{
	return write(fd, bytes, size);
}

static size_t lent_bytes(const struct hf_service_call *call)
{
	size_t pages = 0;

	for (u32 i = 0; i < call->lent_count; i++)
		pages += call->lent[i].npages;
	return pages * HF_PAGE_SIZE;
}

static _Noreturn void serve(void)
{
	static struct hf_service_call call;
	bool locked;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		_exit(99);
	while (move_bytes(read, &locked, sizeof(locked)) &&
	       move_bytes(read, &call, sizeof(call)) &&
	       move_bytes(read, received, lent_bytes(&call))) {
		service_answer(&call, locked);
		move_bytes(write_bytes, &call, sizeof(call));
	}
	for (;;)
		syscall(SYS_exit, 0);
}

/* ---- in the place of hardware ---- */

static void end_process(void)
{
	if (!process)
		return;
	kill(process, SIGKILL);
	waitpid(process, NULL, 0);
	close(stream);
	process = 0;
}

static void begin_process(void)
{
	int pair[2];

	end_process();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	process = fork();
	assert_true(process >= 0);
	stream = pair[!process];
	close(pair[!!process]);
	if (!process)
		serve();
}

static bool send_request(struct domain *d, struct hf_service_call *call, bool locked)
{
	bool sent = move_bytes(write_bytes, &locked, sizeof(locked)) &&
		    move_bytes(write_bytes, call, sizeof(*call));

	for (u32 i = 0; i < call->lent_count; i++)
		for (u64 n = 0; n < call->lent[i].npages; n++) {
			struct gpa at = gpa(call->lent[i].gpa + n * PAGE_SIZE);
			void *page = fake_domain_access(d, at, HF_ACCESS_READ);

			assert_non_null(page);
			sent &= move_bytes(write_bytes, page, PAGE_SIZE);
		}
	return sent;
}

static struct domain_stop run_process(struct cpu *cpu, struct domain *d, u64 why)
{
	struct hf_service_call *call = fake_domain_access(d, d->message, HF_ACCESS_WRITE);
	struct pollfd ready;
	struct domain_stop stop = { .kind = DOMAIN_DONE };

	(void)cpu;
	assert_non_null(call);
	if (why != FAKE_GO_ON && !(why & HF_DOMAIN_REQUEST))
		begin_process();
	if (why != FAKE_GO_ON && !send_request(d, call, why & HF_DOMAIN_LOCKED))
		return (struct domain_stop){ .kind = DOMAIN_CRASHED, .code = 1 };
	ready = (struct pollfd){ .fd = stream, .events = POLLIN };
	if (!poll(&ready, 1, POLL_MS))
		stop.kind = DOMAIN_INTERRUPTED;
	else if (!move_bytes(read, call, sizeof(*call)))
		stop = (struct domain_stop){ .kind = DOMAIN_CRASHED, .code = 2 };
	return stop;
}

/* ---- requests ---- */

static s64 ask(struct cpu *cpu, u32 operation, u64 argument, u64 *result)
{
	struct hf_service_call *call = machine_ram(MACHINE_BUFFER);
	struct echo echo = { argument, 0 };
	s64 answer;

	domain_request(operation);
	call->lent_count = operation == ECHO_LENT;
	call->lent[0] = (struct hf_service_lent){ DOMAIN_LENT, 3 };
	memcpy(call->payload, &echo, sizeof(echo));
	for (answer = domain_call(cpu); answer == -HF_EINPROGRESS;)
		answer = machine_call(cpu, HF_CALL_SERVICE_RESUME, MACHINE_BUFFER, call->token);
	memcpy(&echo, call->payload, sizeof(echo));
	*result = echo.result;
	return answer;
}

static void the_same_service_in_a_process(void **ctx)
{
	struct hf_domain record = domain_record();
	struct cpu *cpu = machine(1);
	u64 result;

	(void)ctx;
	record.ticks = 20; /* the fake's clock counts how often it is looked at */
	assert_int_equal(domain_make(cpu, &record), 0);
	fake.on_domain = run_process;
	signal(SIGPIPE, SIG_IGN);
	for (u64 i = 0; i < 3; i++) {
		assert_int_equal(ask(cpu, ECHO_COUNT, 0, &result), 0);
		assert_int_equal(result, ECHO_FIRST + i);
	}
	assert_int_equal(ask(cpu, ECHO_COMPUTE, 1000, &result), 0);
	assert_int_equal(result, echo_compute(1000));
	memset(machine_ram(DOMAIN_LENT), 0, 3 * PAGE_SIZE);
	*(u8 *)machine_ram(DOMAIN_LENT + 3 * PAGE_SIZE - 1) = 42;
	assert_int_equal(ask(cpu, ECHO_LENT, 0, &result), 0);
	assert_int_equal(result, 42);
	assert_int_equal(ask(cpu, ECHO_LOCKED, 0, &result), 0);
	assert_int_equal(result, 0);
	machine_lock(cpu);
	assert_int_equal(ask(cpu, ECHO_LOCKED, 0, &result), 0);
	assert_int_equal(result, 1);
	for (u32 operation = ECHO_CRASH; operation <= ECHO_LOOP; operation++) {
		u64 events = event_newest();

		assert_int_equal(ask(cpu, operation, 0, &result), -HF_EIO);
		assert_quiet(events + 1);
		assert_int_equal(machine_event().kind, HF_EVENT_SERVICE);
		assert_int_equal(machine_event().new_value, operation == ECHO_LOOP ? 0 : 2);
		assert_int_equal(ask(cpu, ECHO_COUNT, 0, &result), 0);
		assert_int_equal(result, ECHO_FIRST);
	}
	end_process();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(the_same_service_in_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
