// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everyday work for the test machine.
 *
 *	workload once KIND COUNT		do it
 *	workload time KIND COUNT ROUNDS		do it ROUNDS times, print nanoseconds of each
 *	workload fill PERCENT			write to so much of the free memory, and read it
 *again workload stress SECONDS			all of stress.c at once
 *
 * KIND: fork (fork, exec of a static program, wait), pipe (one byte there and back), memory
 *(map 4 MiB, touch, read, unmap), syscall (getppid), cpu (integer arithmetic).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

#define MAPPED (4u << 20) /* bytes */

static const char *self;

void die(const char *what)
{
	perror(what);
	exit(1);
}

static void do_fork(long count)
{
	while (count--) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			execl(self, self, "nothing", (char *)NULL);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			die("fork and exec");
	}
}

static void pipe_echo(int in, int out)
{
	char c;

	while (read(in, &c, 1) == 1)
		if (write(out, &c, 1) != 1)
			_exit(1);
	_exit(0);
}

static void do_pipe(long count)
{
	int there[2], back[2], status;
	char c = 0, got;
	pid_t pid;

	if (pipe(there) || pipe(back))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close(there[1]);
		close(back[0]);
		pipe_echo(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	for (; count--; c++)
		if (write(there[1], &c, 1) != 1 || read(back[0], &got, 1) != 1 || got != c)
			die("pipe ping-pong");
	close(there[1]);
	close(back[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("pipe partner");
}

static void do_memory(long count)
{
	uint64_t sum = 0;
	size_t i;

	while (count--) {
		uint64_t *m = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (m == MAP_FAILED)
			die("mmap");
		for (i = 0; i < MAPPED / sizeof(*m); i += 64)
			m[i] = i;
		for (i = 0; i < MAPPED / sizeof(*m); i += 8)
			sum += m[i];
		munmap(m, MAPPED);
	}
	if (sum == 1)
		puts("");
}

static void do_syscall(long count)
{
	while (count--)
		syscall(SYS_getppid);
}

static void do_cpu(long count)
{
	uint64_t x = 1;

	for (count *= 1000; count; count--)
		x = x * 6364136223846793005u + (x >> 33);
	if (x == 0)
		puts("");
}

static const struct {
	const char *name;
	void (*run)(long count);
} kinds[] = {
	{ "fork", do_fork },	   { "pipe", do_pipe }, { "memory", do_memory },
	{ "syscall", do_syscall }, { "cpu", do_cpu },
};

static void run_kind(const char *name, long count)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(kinds[i].name, name)) {
			kinds[i].run(count);
			return;
		}
	}
	fprintf(stderr, "workload: no kind %s\n", name);
	exit(2);
}

static int fill(int percent)
{
	size_t i,
		n = (size_t)sysconf(_SC_AVPHYS_PAGES) * percent / 100 * 4096 / sizeof(uint64_t);
	uint64_t *m = mmap(NULL, n * sizeof(*m), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		die("mmap");
	for (i = 0; i < n; i++)
		m[i] = ~i;
	for (i = 0; i < n; i++) {
		if (m[i] != ~i) {
			fprintf(stderr, "memory does not keep what is written\n");
			return 1;
		}
	}
	return 0;
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long round, rounds;
	uint64_t begin;

	self = argv[0];
	if (argc == 2 && !strcmp(argv[1], "nothing"))
		return 0;
	if (argc == 4 && !strcmp(argv[1], "once")) {
		run_kind(argv[2], atol(argv[3]));
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "time")) {
		rounds = atol(argv[4]);
		for (round = 0; round < rounds; round++) {
			begin = now_ns();
			run_kind(argv[2], atol(argv[3]));
			printf("%llu\n", (unsigned long long)(now_ns() - begin));
		}
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "fill"))
		return fill(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "stress"))
		return stress(atoi(argv[2]));
	fprintf(stderr, "workload: see the head of workload.c\n");
	return 2;
}
