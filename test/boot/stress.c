// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loads stress-ng calls cpu, vm, fork, pipe, timer, signal and switch, each in a process of
 * its own, all at once. Each checks its own results, so that damage done to the kernel or to a
 * process shows, and each must get something done.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

#define VM_BYTES (16u << 20)

static uint64_t end_ns;

static int more(void)
{
	return now_ns() < end_ns;
}

/* Primes below 10,000 by trial division: 1,229. */
static long load_cpu(void)
{
	long rounds = 0;
	int n, d, primes;

	for (; more(); rounds++) {
		for (primes = 1, n = 3; n < 10000; n += 2) {
			for (d = 3; d * d <= n && n % d; d += 2)
				;
			primes += d * d > n;
		}
		if (primes != 1229)
			return -1;
	}
	return rounds;
}

static long load_vm(void)
{
	uint64_t seed = 0;
	long rounds = 0;
	size_t i, n = VM_BYTES / sizeof(uint64_t);

	for (; more(); rounds++, seed++) {
		uint64_t *m = mmap(NULL, VM_BYTES, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (m == MAP_FAILED)
			return -1;
		for (i = 0; i < n; i++)
			m[i] = i * 0x9e3779b97f4a7c15u + seed;
		mprotect(m, VM_BYTES, PROT_READ);
		for (i = 0; i < n; i++)
			if (m[i] != i * 0x9e3779b97f4a7c15u + seed)
				return -1;
		mremap(m, VM_BYTES, VM_BYTES / 2, 0);
		munmap(m, VM_BYTES / 2);
	}
	return rounds;
}

static long load_fork(void)
{
	long rounds = 0;
	int status;
	pid_t pid;

	for (; more(); rounds++) {
		pid = fork();
		if (pid == 0)
			_exit(rounds & 127);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != (rounds & 127))
			return -1;
	}
	return rounds;
}

static long load_pipe(void)
{
	char out[4096], in[4096];
	long rounds = 0;
	int fds[2];

	if (pipe(fds))
		return -1;
	for (; more(); rounds++) {
		memset(out, rounds, sizeof(out));
		if (write(fds[1], out, sizeof(out)) != sizeof(out) ||
		    read(fds[0], in, sizeof(in)) != sizeof(in) || memcmp(in, out, sizeof(in)))
			return -1;
	}
	return rounds;
}

static volatile sig_atomic_t timer_ticks;

static void on_timer(int sig)
{
	(void)sig;
	timer_ticks++;
}

static long load_timer(void)
{
	struct itimerspec each = { { 0, 1000000 }, { 0, 1000000 } }; /* 1 ms */
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	timer_t timer;

	signal(SIGRTMIN, on_timer);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &each, NULL))
		return -1;
	while (more())
		usleep(1000);
	timer_delete(timer);
	return timer_ticks;
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static long load_signal(void)
{
	long rounds = 0;

	signal(SIGUSR1, on_signal);
	while (more()) {
		rounds++;
		raise(SIGUSR1);
		if (signals != rounds)
			return -1;
	}
	return rounds;
}

/* Two processes hand one byte to and fro: every hand-over is a switch. */
static long load_switch(void)
{
	int there[2], back[2];
	long rounds = 0;
	char c = 1;
	pid_t pid;

	if (pipe(there) || pipe(back))
		return -1;
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
			sched_yield();
		_exit(0);
	}
	for (; more(); rounds++)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1 || c != 1)
			return -1;
	close(there[1]);
	waitpid(pid, NULL, 0);
	return rounds;
}

static const struct {
	const char *name;
	long (*run)(void);
} loads[] = {
	{ "cpu", load_cpu },	   { "vm", load_vm },	    { "fork", load_fork },
	{ "pipe", load_pipe },	   { "timer", load_timer }, { "signal", load_signal },
	{ "switch", load_switch },
};

#define LOADS (sizeof(loads) / sizeof(loads[0]))

/* Each load says in a pipe what it has done: a load that dies says nothing. */
int stress(int seconds)
{
	int fds[LOADS][2];
	int bad = 0;
	size_t i;

	end_ns = now_ns() + seconds * 1000000000ull;
	for (i = 0; i < LOADS; i++) {
		if (pipe(fds[i]))
			die("pipe");
		if (fork() == 0) {
			long rounds = loads[i].run();

			_exit(write(fds[i][1], &rounds, sizeof(rounds)) != sizeof(rounds));
		}
		close(fds[i][1]);
	}
	for (i = 0; i < LOADS; i++) {
		long rounds = -1;

		if (read(fds[i][0], &rounds, sizeof(rounds)) != sizeof(rounds))
			rounds = -1;
		printf("%s%s %ld", i ? ", " : "", loads[i].name, rounds);
		bad |= rounds <= 0;
	}
	printf("\n");
	while (wait(NULL) > 0)
		;
	return bad;
}
