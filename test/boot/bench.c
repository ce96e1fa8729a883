// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Holdfast costs: times of loops, to be compared between boots, and instructions, to be
 * counted in a boot where one tick of the time stamp counter is one instruction (QEMU's -icount
 * shift=0).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define LIMIT 300 /* seconds for all rounds of one loop */

#define SYSLOG_READ_ALL 3 /* syslog(2) */

#define KEY	      "/proc/sys/kernel/sched_schedstats"
#define KEY_ROUNDS    20
#define TRACER	      "/sys/kernel/tracing/current_tracer"
#define TRACER_ROUNDS 1

#define CALLS	    10000
#define CALL_ROUNDS 5

static const struct {
	const char *kind, *count;
} loops[] = {
	{ "fork", "100" },
	{ "syscall", "200000" },
	{ "memory", "8" },
	{ "cpu", "60000" },
};

static void measure(const char *name, const char *of, long long value)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s", name, of);
	report_begin();
	report_str("measure", text);
	report_int("value", value);
	report_end();
}

/* Times every loop, in turn, as often as asked; the driver makes sense of the numbers. */
static void bench_time(struct verdict *v)
{
	static struct outcome o;
	int rounds = atoi(cmdline_get("rounds", "7"));
	size_t i;

	for (; rounds > 0; rounds--) {
		for (i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
			run(&o, LIMIT,
			    (const char *[]){ WORKLOAD, "time", loops[i].kind, loops[i].count,
					      "1", NULL });
			if (o.status || o.hung || atoll(o.out) <= 0)
				return fail(v, "%s: status %d: %s", loops[i].kind, o.status,
					    o.out);
			measure("time.", loops[i].kind, atoll(o.out));
		}
	}
	pass(v, "timed");
}

/* One number from the bench module, which did its work when it was loaded. */
static bool module_value(const char *name, long long *value)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "/sys/module/hf_bench/parameters/%s", name);
	if (file_read(path, text, sizeof(text)) <= 0)
		return false;
	*value = atoll(text);
	return true;
}

static void bench_instructions(struct verdict *v)
{
	long long ticks, instructions, calls, call_ticks;
	struct hf_stats stats;
	int err = module_load(BENCH_MODULE, "");

	if (err)
		return fail(v, "finit_module " BENCH_MODULE ": %s", strerror(-err));
	if (!module_value("loop_ticks", &ticks) ||
	    !module_value("loop_instructions", &instructions) ||
	    !module_value("calls", &calls) || !module_value("call_ticks", &call_ticks))
		return fail(v, "the bench module gives no numbers");
	err = ctl_stats(0, &stats);
	if (err || stats.launch_ticks == 0 || stats.lock_ticks == 0)
		return fail(v, "the hypervisor gives no numbers: %d", err);
	measure("loop.", "ticks", ticks);
	measure("loop.", "instructions", instructions);
	measure("hypercall.", "calls", calls);
	measure("hypercall.", "ticks", call_ticks);
	measure("launch.", "ticks", stats.launch_ticks);
	measure("lock.", "ticks", stats.lock_ticks);
	pass(v, "counted");
}

static void bench_memory(struct verdict *v)
{
	struct hf_info info;
	int err = ctl_info(&info);

	if (err || info.memory_total == 0)
		return fail(v, "the hypervisor does not say what memory it took: %d", err);
	measure("memory.", "bytes", info.memory_total);
	measure("memory.", "used", info.memory_used);
	pass(v, "asked");
}

/* --- patching --- */

/* What is patched: by writing @on to @path, and back by writing @off. */
struct patched {
	const char *name, *path, *on, *off;
	int rounds;
};

/* How many places one round changes there and back. 0: the case has failed. */
static long places_of(struct verdict *v, const struct patched *p)
{
	long sites = 0;
	uint64_t at;

	if (!text_keep(v))
		return 0;
	if (file_write(p->path, p->on))
		fail(v, "cannot write %s", p->path);
	else if (text_changed(v, &at) >= 0)
		sites = text_sites();
	if (!sites || file_write(p->path, p->off) || text_changed(v, &at)) {
		fail(v, "%ld places by %s, and not as they were afterwards", sites, p->path);
		return 0;
	}
	return 2 * sites;
}

/* Of all CPUs; -1: the hypervisor does not say. Without one there are none. */
static long long exits(void)
{
	struct exit_counts counts;

	if (!strcmp(cmdline_get("mode", "bare"), "bare"))
		return 0;
	return ctl_exits(&counts) ? -1 : (long long)counts.total;
}

static long long nanoseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* The time that passes, and of it what the kernel works for this process: in between it waits. */
static int patch_round(const struct patched *p)
{
	long long passed = nanoseconds(CLOCK_MONOTONIC);
	long long worked = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
	int err = file_write(p->path, p->on);

	if (!err)
		err = file_write(p->path, p->off);
	worked = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - worked;
	passed = nanoseconds(CLOCK_MONOTONIC) - passed;
	measure(p->name, ".passed", passed);
	measure(p->name, ".worked", worked);
	return err;
}

static void bench_patching(struct verdict *v, const struct patched *p)
{
	long places = places_of(v, p);
	long long asking, before, after;
	int err = 0;

	if (!places)
		return;
	/* Asking costs exits, too. */
	asking = exits();
	before = exits();
	for (int i = 0; i < p->rounds && !err; i++)
		err = patch_round(p);
	after = exits();
	if (err || asking < 0 || before < 0 || after < 0)
		return fail(v, "flipping %s: %s", p->path, strerror(-err));
	measure(p->name, ".places", places);
	measure(p->name, ".exits", (after - before - (before - asking)) / p->rounds);
	pass(v, "%ld places there and back, %d times", places / 2, p->rounds);
}

static void bench_key(struct verdict *v)
{
	bench_patching(v, &(struct patched){ "key", KEY, "1", "0", KEY_ROUNDS });
}

static void bench_tracer(struct verdict *v)
{
	bench_patching(v,
		       &(struct patched){ "tracer", TRACER, "function", "nop", TRACER_ROUNDS });
}

/* --- system calls --- */

/* The shortest there is: what each costs is what it costs to get into the kernel and back. */
static void bench_syscall(struct verdict *v)
{
	long long asking = exits(), before = exits(), after;

	for (int round = 0; round < CALL_ROUNDS; round++) {
		long long worked = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);

		for (int i = 0; i < CALLS; i++)
			syscall(SYS_getppid);
		worked = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - worked;
		measure("syscall.", "worked", worked);
	}
	after = exits();
	if (asking < 0 || before < 0 || after < 0)
		return fail(v, "the hypervisor does not tell exits");
	measure("syscall.", "calls", CALLS);
	measure("syscall.", "exits", after - before - (before - asking));
	pass(v, "%d calls, %d times", CALLS, CALL_ROUNDS);
}

/* What the agent has told the kernel's log about the registry of places. */
static void bench_registry(struct verdict *v)
{
	static char log[1u << 20];
	unsigned int sites = 0, entries = 0;
	const char *line = NULL;
	int size = klogctl(SYSLOG_READ_ALL, log, sizeof(log) - 1);

	for (char *at = size > 0 ? log : NULL; at && (at = strstr(at, "holdfast: ")); at++)
		if (sscanf(at, "holdfast: %u sites, %u entries", &sites, &entries) == 2)
			line = at;
	if (!line)
		return fail(v, "the agent has not said how many places it registered");
	measure("registry.", "sites", sites);
	measure("registry.", "bytes",
		sites * sizeof(struct hf_site) + entries * sizeof(uint32_t));
	pass(v, "%u sites, %u entries", sites, entries);
}

const struct test_case bench_cases[] = {
	{ "time", bench_time },		{ "instructions", bench_instructions },
	{ "memory", bench_memory },	{ "key", bench_key },
	{ "tracer", bench_tracer },	{ "syscall", bench_syscall },
	{ "registry", bench_registry }, { NULL, NULL },
};
