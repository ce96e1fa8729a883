// SPDX-License-Identifier: GPL-2.0-only
/*
 * All loads at once while CPUs go offline and come back every few seconds: no work may be lost, no
 * event be caused, and the CPUs that came back must be as locked as before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define EVERY 2 /* seconds between two changes, about */

static int cpu_set(int cpu, const char *online)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return file_write(path, online);
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Every CPU but the first, in turn, away and back. The number of rounds, or a negative errno. */
static int hotplug_for(int seconds, int cpus)
{
	time_t end = now() + seconds;
	int cpu = 0, rounds = 0, err;

	do {
		cpu = cpu % (cpus - 1) + 1;
		err = cpu_set(cpu, "0");
		sleep(EVERY);
		if (!err)
			err = cpu_set(cpu, "1");
		if (err)
			return err;
		rounds++;
	} while (now() < end);
	return rounds;
}

/* Are all CPUs there, and all that are there locked? */
static bool all_back(struct verdict *v, int cpus)
{
	struct hf_info info;
	int err;

	if (sysconf(_SC_NPROCESSORS_ONLN) != cpus) {
		fail(v, "%ld CPUs are online, not %d", sysconf(_SC_NPROCESSORS_ONLN), cpus);
		return false;
	}
	if (!strcmp(cmdline_get("mode", "bare"), "bare"))
		return true;
	err = ctl_info(&info);
	if (!err && info.cpus_locked == info.cpus && info.cpus == (unsigned int)cpus)
		return true;
	fail(v, "of %u CPUs %u are locked: %d", info.cpus, info.cpus_locked, err);
	return false;
}

static int child_stress(const void *seconds)
{
	execl(WORKLOAD, WORKLOAD, "stress", (const char *)seconds, (char *)NULL);
	return 127;
}

static void hotplug_load(struct verdict *v)
{
	const char *seconds = cmdline_get("stress", "5");
	int status, rounds, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	long long before = newest_event();
	char what[64];
	pid_t pid;

	if (cpus < 2)
		return fail(v, "one CPU: none can go offline");
	pid = fork();
	if (pid == 0)
		_exit(child_stress(seconds));
	if (pid < 0)
		return fail(v, "cannot fork");
	rounds = hotplug_for(atoi(seconds), cpus);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return fail(v, "the loads ended with status %#x", status);
	if (rounds <= 0)
		return fail(v, "a CPU cannot go or come back: %s", strerror(-rounds));
	if (!all_back(v, cpus))
		return;
	snprintf(what, sizeof(what), "loads, and CPUs %d times offline and online", rounds);
	quiet(v, before, what);
}

const struct test_case hotplug_cases[] = {
	{ "hotplug-load", hotplug_load },
	{ NULL, NULL },
};
