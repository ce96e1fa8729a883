// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <hv/lock.h>
#include <hv/print.h>
#include "double.h"
#include "unit.h"

#define THREADS 2
#define ROUNDS	20000
#define BURST	100

static struct lock lock;
static volatile u64 counter; /* not atomic: the lock must protect it */

static u64 arrived; /* atomic */

/*
 * Both threads leave here at nearly the same moment, or there would be no race to lose. Beside
 * other programs each time can cost them a turn of the scheduler, milliseconds: so not too many
 * times.
 */
static void meet(u64 round)
{
	int spins = 0;

	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < (round + 1) * THREADS)
		if (++spins % 1000 == 0)
			sched_yield();
}

static void *count(void *arg)
{
	u64 i, n;

	for (i = 0; i < ROUNDS; i++) {
		meet(i);
		for (n = 0; n < BURST; n++) {
			lock_acquire(&lock, arg);
			counter = counter + 1;
			lock_release(&lock);
		}
	}
	return NULL;
}

static void excludes(void **ctx)
{
	pthread_t thread[THREADS];
	int i;

	(void)ctx;
	counter = arrived = 0;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, count, NULL), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(counter, THREADS * ROUNDS * BURST);
	assert_int_equal(lock.held, 0);
}

static void *wait_for(void *arg)
{
	lock_acquire(&lock, arg);
	counter = counter + 1;
	lock_release(&lock);
	return NULL;
}

/* Whoever waits answers shoot-downs, again and again, and does not get in meanwhile. */
static void polls(void **ctx)
{
	pthread_t thread;
	struct cpu *cpu = NULL;

	(void)ctx;
	fake_reset(&fake_format);
	counter = 0;
	lock_acquire(&lock, cpu);
	assert_int_equal(double_polls, 0); /* nobody waited */
	assert_int_equal(pthread_create(&thread, NULL, wait_for, cpu), 0);
	while (__atomic_load_n(&double_polls, __ATOMIC_RELAXED) < 100 ||
	       __atomic_load_n(&fake.relaxes, __ATOMIC_RELAXED) < 100)
		sched_yield();
	assert_int_equal(counter, 0);
	lock_release(&lock);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(counter, 1);
	fake_release();
}

#define LINES 1000

static void *print_lines(void *arg)
{
	int i;

	for (i = 0; i < LINES; i++) {
		meet((u64)i);
		print_line(NULL, "%s", (const char *)arg);
	}
	return NULL;
}

static void print_together(char *const text[THREADS])
{
	pthread_t thread[THREADS];
	size_t length = strlen(text[0]);
	const char *at;
	int i;

	fake_reset(&fake_format);
	arrived = 0;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, print_lines, text[i]), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(fake.console_length, THREADS * LINES * (length + 1));
	for (at = fake.console; *at; at += length + 1) {
		assert_memory_equal(at, *at == 'a' ? text[0] : text[1], length);
		assert_int_equal(at[length], '\n');
	}
	fake_release();
}

/* Lines of different CPUs do not mix. The console holds only so many: many times. */
static void whole_lines(void **ctx)
{
	char *text[THREADS] = { "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
				"bbbbbbbbbbbbbbbbbbbbbbbbbbbb" };
	int i;

	(void)ctx;
	for (i = 0; i < 10; i++)
		print_together(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polls),
		cmocka_unit_test(excludes),
		cmocka_unit_test(whole_lines),
	};

	alarm(600); /* a lock that never opens is a failure, not a hang */
	return cmocka_run_group_tests_name("lib_lock", tests, NULL, NULL);
}
