// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is there at lock stays: modules cannot be unloaded, what the kernel frees does not come back
 * as other memory. What comes and goes later is as before.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/filter.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define FILTERS 8

/* Keeps a connection that passes packets beginning with @letter only. */
static int filter_open(int pair[2], char letter)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, letter, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0u),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) ||
	    setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return -errno;
	return 0;
}

static bool filter_works(const int pair[2], char letter)
{
	char other = letter + 1, got = 0;

	/* What a filter drops is an error of nobody, or of the sender. */
	(void)!write(pair[0], &other, 1);
	return write(pair[0], &letter, 1) == 1 && read(pair[1], &got, 1) == 1 && got == letter &&
	       read(pair[1], &got, 1) < 0;
}

static void filter_close(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

/* BPF programs after lock: in new pages, while those that were sealed are given up. */
static bool filters(struct verdict *v, int before[2])
{
	int pair[FILTERS][2], i, err;

	if (!filter_works(before, 'a')) {
		fail(v, "a filter of before lock does not work any more");
		return false;
	}
	for (i = 0; i < FILTERS; i++) {
		err = filter_open(pair[i], 'b' + i);
		if (err || !filter_works(pair[i], 'b' + i)) {
			fail(v, "filter %d after lock: %d", i, err);
			return false;
		}
	}
	filter_close(before);
	for (i = 0; i < FILTERS; i++)
		filter_close(pair[i]);
	/* Freed in the background. */
	usleep(200000);
	return true;
}

static int is_module(const struct dirent *entry)
{
	return strstr(entry->d_name, ".ko") != NULL;
}

static int load(const char *file, char *name, size_t size)
{
	char path[512];
	size_t i;

	snprintf(path, sizeof(path), STOCK_MODULES "/%s", file);
	for (i = 0; i < size - 1 && file[i] && file[i] != '.'; i++)
		name[i] = file[i] == '-' ? '_' : file[i];
	name[i] = '\0';
	return module_load(path, "");
}

static bool modules(struct verdict *v, const char *resident, const char *file)
{
	char name[64];
	int err = module_unload(resident);

	if (err != -EWOULDBLOCK) {
		fail(v, "unloading a module that was there at lock gave %d", err);
		return false;
	}
	err = module_unload("holdfast");
	if (err != -EWOULDBLOCK) {
		fail(v, "unloading the agent gave %d", err);
		return false;
	}
	err = load(file, name, sizeof(name));
	if (!err)
		err = module_unload(name);
	if (err)
		fail(v, "%s, loaded after lock: %d", name, err);
	return !err;
}

/* A page that is executable and nobody's: the lock fails, and says so. */
static bool stray(struct verdict *v, const char *params, const char *sentence)
{
	static struct outcome o;
	int status, err = module_load(ATTACK_MODULE, params);

	if (err) {
		fail(v, "cannot load hf_attack %s: %s", params, strerror(-err));
		return false;
	}
	status = holdfast(&o, "lock", NULL);
	err = module_unload("hf_attack");
	if (err)
		fail(v, "cannot unload hf_attack: %s", strerror(-err));
	else if (!status || !strstr(o.out, sentence))
		fail(v, "lock with %s ended with %d, saying: %s", params, status, o.out);
	return !err && status && strstr(o.out, sentence);
}

static bool lock(struct verdict *v)
{
	static struct outcome o;

	if (holdfast(&o, "launch", "--image", IMAGE, NULL)) {
		fail(v, "launch: %s", o.out);
		return false;
	}
	if (!stray(v, "stray=1", "belongs to nobody") ||
	    !stray(v, "stray=2", "executable and writable"))
		return false;
	if (holdfast(&o, "lock", NULL)) {
		fail(v, "lock: %s", o.out);
		return false;
	}
	return true;
}

/* Needs a machine that is not launched yet. */
static void resident(struct verdict *v)
{
	struct dirent **files;
	int n = scandir(STOCK_MODULES, &files, is_module, alphasort);
	struct hf_info info;
	char name[64];
	int pair[2];

	if (n < 2)
		return fail(v, "only %d stock modules to load", n);
	if (load(files[0]->d_name, name, sizeof(name)) || filter_open(pair, 'a'))
		return fail(v, "no module or no filter before lock");
	if (!lock(v) || !filters(v, pair) || !modules(v, name, files[1]->d_name))
		return;
	if (ctl_info(&info) || info.events != 2)
		return fail(v, "%llu events, not the two of launch and lock",
			    (unsigned long long)info.events);
	pass(v, "%s stayed, later ones came and went, and so did filters", name);
}

const struct test_case resident_cases[] = {
	{ "resident", resident },
	{ NULL, NULL },
};
