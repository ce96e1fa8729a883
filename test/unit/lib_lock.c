// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <string.h>
#include <hv/lock.h>
#include <hv/print.h>
#include "double.h"
#include "unit.h"

#define THREADS 4
#define ROUNDS	20000

static struct lock lock;
static volatile u64 counter; /* not atomic: the lock must protect it */

static void *count(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		lock_acquire(&lock, arg);
		counter = counter + 1;
		lock_release(&lock);
	}
	return NULL;
}

static void excludes(void **ctx)
{
	pthread_t thread[THREADS];
	int i;

	(void)ctx;
	counter = 0;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, count, NULL), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(counter, THREADS * ROUNDS);
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

#define LINES 500

static void *print_lines(void *arg)
{
	int i;

	for (i = 0; i < LINES; i++)
		print_line(NULL, "%s", (const char *)arg);
	return NULL;
}

/* Lines of different CPUs do not mix. */
static void whole_lines(void **ctx)
{
	char *text[] = { "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbb" };
	pthread_t thread[ARRAY_SIZE(text)];
	size_t length = strlen(text[0]);
	const char *at;
	size_t i;

	(void)ctx;
	fake_reset(&fake_format);
	for (i = 0; i < ARRAY_SIZE(text); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, print_lines, text[i]), 0);
	for (i = 0; i < ARRAY_SIZE(text); i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(fake.console_length, ARRAY_SIZE(text) * LINES * (length + 1));
	for (at = fake.console; *at; at += length + 1) {
		assert_memory_equal(at, *at == 'a' ? text[0] : text[1], length);
		assert_int_equal(at[length], '\n');
	}
	fake_release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polls),
		cmocka_unit_test(excludes),
		cmocka_unit_test(whole_lines),
	};

	return cmocka_run_group_tests_name("lib_lock", tests, NULL, NULL);
}
