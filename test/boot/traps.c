// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug exceptions: the hypervisor takes them first and hands them on. None may be lost, none come
 * twice, and each must be found where it happened.
 */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#ifdef __x86_64__ /* on others they are nobody's but the kernel's */

#include <cpuid.h>

#define ENDED  7   /* exit status of who has done all its work */
#define STORES 200 /* to what is watched */
#define STEPS  600 /* at least: no store takes less than three */

/* Local breakpoint 0: stores of four bytes. APM vol. 2, 13.1.1.4. */
#define DR7_WATCH 0xd0001ul

static volatile unsigned int watched;

static int worker(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
		return 1;
	for (unsigned int i = 1; i <= STORES; i++)
		watched = i;
	return ENDED;
}

static pid_t start(struct verdict *v)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(worker());
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		return pid;
	fail(v, "no process to trace");
	return -1;
}

/* Goes on until the next stop. False: it has ended, as is to be told by *ended. */
static bool next_trap(pid_t pid, int request, bool *ended)
{
	int status;

	*ended = false;
	if (ptrace(request, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
		return false;
	*ended = WIFEXITED(status) && WEXITSTATUS(status) == ENDED;
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

static bool watch(pid_t pid)
{
	const size_t registers = offsetof(struct user, u_debugreg);

	return !ptrace(PTRACE_POKEUSER, pid, registers, &watched) &&
	       !ptrace(PTRACE_POKEUSER, pid, registers + 7 * sizeof(long), DR7_WATCH);
}

/* Each stop comes behind its store: what was stored counts them. */
static bool watchpoint(struct verdict *v)
{
	unsigned long stops = 0, wrong = 0;
	pid_t pid = start(v);
	bool ended;

	if (pid < 0)
		return false;
	if (!watch(pid)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		fail(v, "no watchpoint can be set");
		return false;
	}
	while (next_trap(pid, PTRACE_CONT, &ended)) {
		stops++;
		wrong += (unsigned int)ptrace(PTRACE_PEEKDATA, pid, &watched, NULL) != stops;
	}
	if (!ended || stops != STORES || wrong)
		fail(v, "%lu stops at %d stores, %lu at the wrong one", stops, STORES, wrong);
	return ended && stops == STORES && !wrong;
}

static bool single_steps(struct verdict *v)
{
	struct user_regs_struct now, last = { 0 };
	unsigned long steps = 0, still = 0;
	pid_t pid = start(v);
	bool ended;

	if (pid < 0)
		return false;
	while (next_trap(pid, PTRACE_SINGLESTEP, &ended)) {
		still += ptrace(PTRACE_GETREGS, pid, NULL, &now) || now.rip == last.rip;
		last = now;
		steps++;
	}
	if (!ended || steps < STEPS || still)
		fail(v, "%lu steps, %lu of them nowhere", steps, still);
	return ended && steps >= STEPS && !still;
}

static volatile sig_atomic_t trapped;

static void on_trap(int number)
{
	(void)number;
	trapped++;
}

/* QEMU, whose CPUs are AMD's here, takes INT1 for one of its own debugger's. */
static bool has_int1(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == signature_INTEL_ebx;
}

/* The debug exception that is an instruction: once each, and behind it. */
static bool instruction(struct verdict *v)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTRAP, on_trap);
		for (int i = 0; i < STORES; i++)
			__asm__ volatile(".byte 0xf1");
		_exit(trapped == STORES ? ENDED : 1);
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == ENDED)
		return true;
	fail(v, "INT1 traps not as often as it is executed");
	return false;
}

static bool is_bare(void)
{
	return !strcmp(cmdline_get("mode", "bare"), "bare");
}

/* Those that the hypervisor has taken; 0 where there is none. Negative errno. */
static long long taken(void)
{
	struct exit_counts counts;
	int err;

	if (is_bare())
		return 0;
	err = ctl_exits(&counts);
	return err ? err : (long long)counts.kind[HF_EXIT_KICK];
}

static void traps(struct verdict *v)
{
	long long before = newest_event(), first, last;
	bool int1 = has_int1();

	first = taken();
	if (!watchpoint(v) || !single_steps(v) || (int1 && !instruction(v)))
		return;
	last = taken();
	if (first < 0 || last < 0 || (!is_bare() && last - first < (1 + int1) * STORES + STEPS))
		return fail(v, "the hypervisor took %lld, then %lld", first, last);
	quiet(v, before, "a watchpoint, single steps, INT1");
}

#endif

const struct test_case traps_cases[] = {
#ifdef __x86_64__
	{ "traps", traps },
#endif
	{ NULL, NULL },
};
