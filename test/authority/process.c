// SPDX-License-Identifier: GPL-2.0-only
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libsvc/service.h>

#include "client.h"
#include "process.h"

#define LENT_MAX 0x200000u

static pid_t process; /* 0: there is none */
static int stream;    /* to it; in it, from it */
static bool is_locked;
static u8 received[LENT_MAX];

static bool move(bool out, void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		u8 *at = (u8 *)bytes + done;
		ssize_t n = out ? write(stream, at, size - done)
				: read(stream, at, size - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* ---- in the process ---- */

const void *service_lent(const struct hf_service_call *call)
{
	(void)call;
	return received;
}

#define ALLOW(number)                                        \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* The stream, and memory: the cryptographic library's comes from the C library here. */
static void confine(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_read),
		ALLOW(SYS_write),
		ALLOW(SYS_brk),
		ALLOW(SYS_mmap),
		ALLOW(SYS_munmap),
		ALLOW(SYS_madvise),
		ALLOW(SYS_exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	for (int fd = 0; fd < 64; fd++)
		if (fd != stream)
			close(fd);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(99);
}

static u64 lent_bytes(const struct hf_service_call *call)
{
	u64 pages = 0;

	for (u32 i = 0; i < call->lent_count; i++)
		pages += call->lent[i].npages;
	return pages * HF_PAGE_SIZE;
}

static _Noreturn void serve(void)
{
	static struct hf_service_call call;
	bool locked;

	confine();
	while (move(false, &locked, sizeof(locked)) && move(false, &call, sizeof(call)) &&
	       move(false, received, lent_bytes(&call))) {
		service_answer(&call, locked);
		move(true, &call, sizeof(call));
	}
	_exit(0);
}

/* ---- in the place of the hypervisor ---- */

void process_end(void)
{
	if (!process)
		return;
	kill(process, SIGKILL);
	waitpid(process, NULL, 0);
	close(stream);
	process = 0;
}

void process_begin(void)
{
	int pair[2];

	process_end();
	signal(SIGPIPE, SIG_IGN);
	fflush(NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || (process = fork()) < 0) {
		perror("process");
		exit(2);
	}
	stream = pair[!process];
	close(pair[!!process]);
	if (!process)
		serve();
}

void process_lock(bool locked)
{
	is_locked = locked;
}

int client_ask(struct hf_service_call *call, const void *lent, u64 size)
{
	static u8 nothing[HF_PAGE_SIZE];
	u64 rest = -size & (HF_PAGE_SIZE - 1);

	if (size > LENT_MAX)
		return -HF_EINVAL;
	call->lent_count = 1;
	call->lent[0].npages = (size + rest) / HF_PAGE_SIZE;
	if (move(true, &is_locked, sizeof(is_locked)) && move(true, call, sizeof(*call)) &&
	    move(true, (void *)(uintptr_t)lent, size) && move(true, nothing, rest) &&
	    move(false, call, sizeof(*call)))
		return 0;
	return -HF_EIO;
}
