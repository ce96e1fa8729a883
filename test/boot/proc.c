// SPDX-License-Identifier: GPL-2.0-only
/* Files, programs and modules, as PID 1 needs them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

long file_read(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			close(fd);
			return n;
		}
		len += n;
	}
	buf[len] = '\0';
	close(fd);
	return len;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Collects output until the child ends or its time is up. A child that the kernel killed in an
 * oops holds no pipe open; one that hangs in the kernel does, hence the limit. */
static void follow(struct outcome *o, unsigned int limit, pid_t pid, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	double end = now() + limit;
	size_t len = 0;
	char sink[512];
	int status;
	ssize_t n;
	pid_t got;

	for (;;) {
		got = waitpid(pid, &status, WNOHANG);
		while (p.fd >= 0 && poll(&p, 1, got == 0 ? 20 : 0) > 0) {
			bool room = len < sizeof(o->out) - 1;

			n = room ? read(fd, o->out + len, sizeof(o->out) - 1 - len)
				 : read(fd, sink, sizeof(sink));
			if (n <= 0)
				p.fd = -1;
			else if (room)
				len += n;
			if (now() > end)
				break;
		}
		if (got != 0)
			break;
		if (now() > end) {
			o->hung = true;
			kill(pid, SIGKILL);
			usleep(200000);
			waitpid(pid, &status, WNOHANG);
			break;
		}
		if (p.fd < 0)
			usleep(5000);
	}
	o->out[len] = '\0';
	if (got != pid)
		return;
	o->died = WIFSIGNALED(status);
	o->status = o->died ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void run_child(struct outcome *o, unsigned int limit, int (*fn)(const void *), const void *arg)
{
	int fds[2];
	pid_t pid;

	memset(o, 0, sizeof(*o));
	o->status = -1;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return;
	pid = fork();
	if (pid == 0) {
		fcntl(fds[1], F_SETFL, 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		/*
		 * Whoever is killed in the middle of the kernel's patcher keeps its page tables
		 * loaded until the next switch of tasks, and the kernel asks for this list as
		 * threads end: it would fault there for ever (docs/architecture.md,
		 * Self-patching).
		 */
		syscall(SYS_set_robust_list, NULL, sizeof(struct robust_list_head));
		_exit(fn(arg));
	}
	close(fds[1]);
	if (pid > 0)
		follow(o, limit, pid, fds[0]);
	close(fds[0]);
}

static int exec_program(const void *arg)
{
	char *const *argv = (char *const *)arg;

	execv(argv[0], argv);
	return 127;
}

void run(struct outcome *o, unsigned int limit, const char *const argv[])
{
	run_child(o, limit, exec_program, argv);
}

int module_load(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, params, 0))
		err = -errno;
	close(fd);
	return err;
}

int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

void module_name(const char *file, char *name, size_t size)
{
	size_t i;

	for (i = 0; i < size - 1 && file[i] && file[i] != '.'; i++)
		name[i] = file[i] == '-' ? '_' : file[i];
	name[i] = '\0';
}

/* The driver numbered the files in the order of their dependencies: 03-some-name.ko. */
int modules_load(const char *folder, char *path, size_t size)
{
	struct dirent **files;
	int i, err = 0, n = scandir(folder, &files, NULL, alphasort);

	snprintf(path, size, "%s", folder);
	if (n < 0)
		return -errno;
	for (i = 0; i < n && !err; i++) {
		if (files[i]->d_name[0] == '.')
			continue;
		snprintf(path, size, "%s/%s", folder, files[i]->d_name);
		err = module_load(path, "");
		if (err == -EEXIST)
			err = 0;
	}
	return err;
}

int modules_unload(const char *folder)
{
	struct dirent **files;
	char name[64];
	int err = 0, n = scandir(folder, &files, NULL, alphasort);

	while (n-- > 0 && !err) {
		if (files[n]->d_name[0] == '.')
			continue;
		module_name(files[n]->d_name + 3, name, sizeof(name));
		err = module_unload(name);
	}
	return err;
}
