// SPDX-License-Identifier: GPL-2.0-only
/*
 * Execution by the kernel is controlled, and by user space is not: what programs do with code of
 * their own goes on, and what the kernel would run and nobody has verified is refused before it
 * does.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <linux/filter.h>

#include "guest.h"

#define SIZE	4096
#define ROUNDS	1000
#define SECONDS 120

#define SYSLOG_READ_ALL 3 /* syslog(2) */

/* mov $value, %eax; ret */
static void put_code(unsigned char *at, int value)
{
	at[0] = 0xb8;
	memcpy(at + 1, &value, sizeof(value));
	at[5] = 0xc3;
}

static int run_code(const void *at)
{
	int (*code)(void);

	memcpy(&code, &at, sizeof(code));
	return code();
}

/* As a dynamic loader does: written first, then made code. */
static bool written_then_run(void)
{
	unsigned char *page =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool ok = page != MAP_FAILED;

	if (!ok)
		return false;
	put_code(page, 1);
	ok = !mprotect(page, SIZE, PROT_READ | PROT_EXEC) && run_code(page) == 1;
	munmap(page, SIZE);
	return ok;
}

/* As compilers at run time do: in one mapping that may both, or in two. */
static bool rewritten(unsigned char *writable, const unsigned char *executable)
{
	bool ok = writable != MAP_FAILED && executable != MAP_FAILED;
	int i;

	for (i = 0; i < ROUNDS && ok; i++) {
		put_code(writable + i % 64 * 64, i);
		ok = run_code(executable + i % 64 * 64) == i;
	}
	return ok;
}

static bool compiled(void)
{
	int fd = memfd_create("code", 0), both = PROT_READ | PROT_WRITE | PROT_EXEC;

	return fd >= 0 && !ftruncate(fd, SIZE) &&
	       rewritten(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
			 mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0)) &&
	       rewritten(mmap(NULL, SIZE, both, MAP_SHARED, fd, 0),
			 mmap(NULL, SIZE, both, MAP_SHARED, fd, 0));
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static bool signalled(void)
{
	struct timespec now;
	int i;

	signal(SIGUSR1, on_signal);
	for (i = 0; i < ROUNDS && !raise(SIGUSR1); i++)
		if (clock_gettime(CLOCK_MONOTONIC, &now)) /* in the vDSO */
			return false;
	return signals == ROUNDS;
}

__attribute__((noinline)) static void marked(void)
{
	__asm__ volatile("nop");
}

/* A breakpoint of a debugger's, in a page of this program's file. */
static bool debugged(void)
{
	long word, at = (long)marked & ~7l, shift = ((long)marked & 7) * 8;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		kill(getpid(), SIGSTOP);
		marked();
		_exit(7);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return false;
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
	if (errno ||
	    ptrace(PTRACE_POKETEXT, pid, at, (word & ~(0xffl << shift)) | 0xccl << shift))
		return false;
	ptrace(PTRACE_CONT, pid, 0, 0);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTRAP)
		return false;
	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid;
}

#ifdef __x86_64__

#include <cpuid.h>

#define LAST	  0xfffff000ul /* page that 32-bit code can address */
#define USER32_CS 0x23	       /* arch/x86/include/asm/segment.h of Linux */

static unsigned int vendor; /* as CPUID says in EBX */

/* It has been executed; at 0, where addresses start again, nothing is. */
static void on_end(int number, siginfo_t *info, void *context)
{
	const ucontext_t *c = context;

	(void)number;
	_exit((unsigned int)c->uc_mcontext.gregs[REG_RBX] == vendor && !info->si_addr ? 7 : 1);
}

/* CPUID as the last of what 32-bit code can address: it exits on Intel, and is done for it. */
static void run_to_the_end(void)
{
	static char room[65536]; /* 32-bit code has no 64-bit stack */
	const struct sigaction end = { .sa_sigaction = on_end,
				       .sa_flags = SA_SIGINFO | SA_ONSTACK };
	const stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };
	unsigned char *page = mmap((void *)LAST, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	unsigned int eax, ecx, edx;

	if (page == MAP_FAILED || sigaltstack(&stack, NULL) || sigaction(SIGSEGV, &end, NULL))
		_exit(2);
	memcpy(page + SIZE - 2, "\x0f\xa2", 2);
	__cpuid(0, eax, vendor, ecx, edx);
	__asm__ volatile("push %0\n\tpush %1\n\tlretq"
			 :
			 : "r"((long)USER32_CS), "r"(LAST + SIZE - 2), "a"(0), "b"(0));
}

/* On Intel alone CPUID is the hypervisor's to do. (QEMU does not begin anew at 0.) */
static bool wrapped(void)
{
	unsigned int eax, ebx = 0, ecx, edx;
	int status = 0;
	pid_t pid;

	if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx) || ebx != signature_INTEL_ebx)
		return true;
	pid = fork();
	if (pid == 0)
		run_to_the_end();
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 7;
}

#else

static bool wrapped(void)
{
	return true;
}

#endif

static int child_code(const void *unused)
{
	(void)unused;
	if (!written_then_run())
		return 1;
	if (!compiled())
		return 2;
	if (!signalled())
		return 3;
	if (!debugged())
		return 4;
	return wrapped() ? 0 : 5;
}

static void user_code(struct verdict *v)
{
	static struct outcome o;
	long long before = newest_event();

	run_child(&o, SECONDS, child_code, NULL);
	if (o.hung || o.died || o.status)
		return fail(v, "step %d failed", o.status);
	quiet(v, before,
	      "code of programs: loaded, compiled, signals, a debugger's breakpoint, to the "
	      "end");
}

/* A dynamically linked program, whose own work is to make code; it checks what that does. */
static void user_jit(struct verdict *v)
{
	static struct outcome o;
	const char *seconds = cmdline_get("seconds", "5");
	long long before = newest_event();

	run(&o, SECONDS + strtoul(seconds, NULL, 10),
	    (const char *[]){ JIT, JIT_SCRIPT, seconds, NULL });
	if (o.hung || o.died || o.status)
		return fail(v, "status %d: %.512s", o.status, o.out);
	o.out[strcspn(o.out, "\n")] = '\0';
	quiet(v, before, o.out);
}

/* The modules are stock: nothing is wrong with them but that they come late. */
static void modules_refused(struct verdict *v)
{
	static char log[1 << 20];
	long long before = newest_event();
	int err = module_load(LIVE_MODULE, "");

	if (err != -EPERM)
		return fail(v, "loading a module: %s", err ? strerror(-err) : "done");
	if (klogctl(SYSLOG_READ_ALL, log, sizeof(log) - 1) <= 0 ||
	    !strstr(log, "module hf_livepatch refused"))
		return fail(v, "the kernel's log does not say why a module was refused");
	quiet(v, before, "a module is refused, and the log says why");
}

/* A program that comes late: the kernel interprets it. */
static void bpf_interpreted(struct verdict *v)
{
	/* Takes the first byte only. */
	struct sock_filter one[] = { { BPF_RET | BPF_K, 0, 0, 1 } };
	const struct sock_fprog filter = { 1, one };
	long long before = newest_event();
	char got[8], jit[16] = "";
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) ||
	    setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)))
		return fail(v, "cannot attach a filter: %s", strerror(errno));
	if (write(pair[0], "12345678", 8) != 8 || read(pair[1], got, 8) != 1)
		return fail(v, "the filter does not what it should");
	if (file_read("/proc/sys/net/core/bpf_jit_enable", jit, sizeof(jit)) <= 0 ||
	    jit[0] != '0')
		return fail(v, "BPF programs are still compiled: %s", jit);
	quiet(v, before, "a filter runs interpreted");
}

const struct test_case confine_cases[] = {
	{ "user-code", user_code },
	{ "user-jit", user_jit },
	{ "modules-refused", modules_refused },
	{ "bpf-interpreted", bpf_interpreted },
	{ NULL, NULL },
};
