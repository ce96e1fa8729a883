// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everyday work, which must cause no event, and none of what a process does in steady state an
 * exit. In bare mode the same cases show that the work itself is sound.
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define CYCLES	   20  /* of loading and unloading */
#define WORK_LIMIT 240 /* seconds: what a thousand fork and exec may take on a loaded host */

/* Is there a hypervisor to ask? In bare mode there is none. */
static bool bare(void)
{
	return !strcmp(cmdline_get("mode", "bare"), "bare");
}

long long newest_event(void)
{
	struct hf_info info;
	int err;

	if (bare())
		return 0;
	err = ctl_info(&info);
	return err ? err : (long long)info.events;
}

/* Says what the first event after @before was. */
static void describe_event(long long before, char *buf, size_t size)
{
	struct hf_event e;
	char name[48] = "?";

	if (ctl_events(before + 1, &e, 1) != 1) {
		snprintf(buf, size, "a repetition of an earlier event");
		return;
	}
	ctl_asset(e.asset, name, sizeof(name));
	snprintf(buf, size, "kind %u access %u asset %s rip %llx va %llx gpa %llx new %llx",
		 e.kind, e.access, name, (unsigned long long)e.rip, (unsigned long long)e.va,
		 (unsigned long long)e.gpa, (unsigned long long)e.new_value);
}

void quiet(struct verdict *v, long long before, const char *what)
{
	long long after = newest_event();
	char text[256];

	if (before < 0 || after < 0)
		return fail(v, "the hypervisor does not answer: %lld, %lld", before, after);
	if (after != before) {
		describe_event(before, text, sizeof(text));
		return fail(v, "%lld events during %s, the first: %s", after - before, what,
			    text);
	}
	pass(v, "%s%s", what, bare() ? "" : ", no event");
}

static void work(struct verdict *v, const char *kind, const char *count, const char *what)
{
	static struct outcome o;
	long long before = newest_event();

	run(&o, WORK_LIMIT, (const char *[]){ WORKLOAD, "once", kind, count, NULL });
	if (o.status != 0 || o.hung)
		return fail(v, "%s: %s status %d: %s", what, o.hung ? "hung," : "", o.status,
			    o.out);
	quiet(v, before, what);
}

static void load_fork(struct verdict *v)
{
	work(v, "fork", "1000", "1,000 fork and exec");
}

static void load_stress(struct verdict *v)
{
	static struct outcome o;
	const char *seconds = cmdline_get("stress", "5");
	long long before = newest_event();

	run(&o, 60 + 4 * atoi(seconds), (const char *[]){ WORKLOAD, "stress", seconds, NULL });
	o.out[strcspn(o.out, "\n")] = '\0';
	if (o.status != 0 || o.hung)
		return fail(v, "status %d%s: %s", o.status, o.hung ? ", hung" : "", o.out);
	quiet(v, before, o.out);
}

/* --- stock modules --- */

static int stock_module(const struct dirent *entry)
{
	return strstr(entry->d_name, ".ko") != NULL;
}

static bool module_cycle(const char *file, struct verdict *v)
{
	char path[512], name[64];
	int err;

	snprintf(path, sizeof(path), STOCK_MODULES "/%s", file);
	module_name(file, name, sizeof(name));
	err = module_load(path, "");
	if (err) {
		fail(v, "cannot load %s: %s", file, strerror(-err));
		return false;
	}
	err = module_unload(name);
	if (err) {
		fail(v, "cannot unload %s: %s", name, strerror(-err));
		return false;
	}
	return true;
}

static void load_modules(struct verdict *v)
{
	struct dirent **files;
	int n = scandir(STOCK_MODULES, &files, stock_module, alphasort);
	long long before = newest_event();
	char what[64];
	int cycle, i;

	if (n < 4)
		return fail(v, "only %d stock modules to load", n);
	for (cycle = 0; cycle < CYCLES; cycle++)
		for (i = 0; i < n; i++)
			if (!module_cycle(files[i]->d_name, v))
				return;
	snprintf(what, sizeof(what), "%d cycles of %d stock modules", CYCLES, n);
	quiet(v, before, what);
}

/* --- CPUs that come and go --- */

#define CPU1	     "/sys/devices/system/cpu/cpu1/online"
#define HOTPLUGS     20
#define HOTPLUG_FORK "2000"

/* Takes CPU 1 down and up, again and again; errno of what fails. */
static int child_hotplug(const void *unused)
{
	int i, err = 0;

	(void)unused;
	for (i = 0; i < HOTPLUGS && !err; i++) {
		err = file_write(CPU1, "0");
		if (!err)
			err = file_write(CPU1, "1");
	}
	return -err;
}

static int child_fork(const void *unused)
{
	static struct outcome o;

	(void)unused;
	run(&o, WORK_LIMIT, (const char *[]){ WORKLOAD, "once", "fork", HOTPLUG_FORK, NULL });
	return o.status || o.hung;
}

/* With forks going on on whatever CPUs there are. */
static void load_hotplug(struct verdict *v)
{
	static struct outcome o;
	long long before = newest_event();
	struct hf_info info = { 0 };
	int status = -1;
	pid_t load;

	load = fork();
	if (load == 0)
		_exit(child_fork(NULL));
	run_child(&o, WORK_LIMIT, child_hotplug, NULL);
	if (load < 0 || waitpid(load, &status, 0) != load || status)
		return fail(v, "the load failed beside: %x", status);
	if (o.status != 0 || o.hung)
		return fail(v, "taking CPU 1 down and up %s: %s", o.hung ? "hung" : "failed",
			    strerror(o.status));
	if (!bare() && (ctl_info(&info) || info.cpus_locked != info.cpus))
		return fail(v, "%u CPUs of %u are locked afterwards", info.cpus_locked,
			    info.cpus);
	quiet(v, before, "20 times CPU 1 down and up, with forks");
}

/* Runs one attack of the attack module on CPU 1; negative errno. */
static int child_attack_cpu1(const void *name)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(1, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		return errno;
	return -file_write("/proc/hf_attack", name);
}

/* What is forbidden on every CPU is forbidden on one that was started again. */
static void load_hotplug_attack(struct verdict *v)
{
	static const char *const names[] = { "wp-clear", "smep-clear", "text-vmap" };
	static struct outcome o;
	char result[4096];
	long long before;
	size_t i;

	if (file_write(CPU1, "0") || file_write(CPU1, "1"))
		return fail(v, "cannot take CPU 1 down and up");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		before = newest_event();
		run_child(&o, WORK_LIMIT, child_attack_cpu1, names[i]);
		if (o.hung || file_read("/proc/hf_attack_result", result, sizeof(result)) <= 0)
			return fail(v, "%s gave no result", names[i]);
		if (!strstr(result, names[i]) || !strstr(result, "\"refused\""))
			return fail(v, "%s on CPU 1: %s", names[i], result);
		/*
		 * While a CPU is brought up, rules force and say nothing: that has to be over.
		 * (An event equal to the newest would not be a new one.)
		 */
		if (newest_event() == before)
			return fail(v, "%s on CPU 1: refused, and no event tells", names[i]);
	}
	pass(v, "wp-clear, smep-clear, text-vmap refused on the CPU that came back");
}

/* --- steady state --- */

static const struct {
	const char *kind, *count, *measure;
} steady_work[] = {
	{ "fork", "1000", "steady.fork.unavoidable" },
	{ "pipe", "10000", "steady.pipe.unavoidable" },
	{ "memory", "20", "steady.memory.unavoidable" },
	{ "syscall", "200000", "steady.syscall.unavoidable" },
};

#ifdef __aarch64__
/* Address spaces are switched by a write of TTBR1_EL1, which is guarded. */
#define UNAVOIDABLE HF_EXIT_REGISTER
#define NAMED	    "switches of address space"
#else
/* Instructions that leave the guest whatever the hypervisor does. */
#define UNAVOIDABLE HF_EXIT_INSTRUCTION
#define NAMED	    "CPUID and kin"
#endif

/*
 * Exits while one kind of work is done, beyond those of the two questions themselves. Apart from
 * them those that are @unavoidable.
 */
static bool steady_exits(const char *kind, const char *count, long long *exits,
			 long long *unavoidable, struct verdict *v)
{
	static struct outcome o;
	struct exit_counts before, after;
	struct hf_info info;
	int err = ctl_info(&info);

	if (!err)
		err = ctl_exits(&before);
	run(&o, WORK_LIMIT, (const char *[]){ WORKLOAD, "once", kind, count, NULL });
	if (!err)
		err = ctl_exits(&after);
	if (err || o.status != 0 || o.hung) {
		fail(v, "%s: status %d%s, hypervisor %d: %s", kind, o.status,
		     o.hung ? ", hung" : "", err, o.out);
		return false;
	}
	/* Every question costs calls; counters that do not show them count nothing. */
	if (after.total != after.sum_of_totals ||
	    after.kind[HF_EXIT_CALL] - before.kind[HF_EXIT_CALL] < 1 + info.cpus) {
		fail(v, "%s: the counters do not add up", kind);
		return false;
	}
	*unavoidable = after.kind[UNAVOIDABLE] - before.kind[UNAVOIDABLE];
	*exits = after.total - before.total - (1 + info.cpus) - *unavoidable;
	return true;
}

static void load_steady(struct verdict *v)
{
	long long exits, unavoidable, sum = 0;
	char text[512] = "";
	size_t i, len = 0;

	for (i = 0; i < sizeof(steady_work) / sizeof(steady_work[0]); i++) {
		if (!steady_exits(steady_work[i].kind, steady_work[i].count, &exits,
				  &unavoidable, v))
			return;
		len += snprintf(text + len, sizeof(text) - len, "%s%s %s: %lld (%lld)",
				i ? ", " : "", steady_work[i].count, steady_work[i].kind, exits,
				unavoidable);
		report_begin();
		report_str("measure", steady_work[i].measure);
		report_int("value", unavoidable);
		report_end();
		sum += exits;
	}
	report_begin();
	report_str("measure", "steady.exits");
	report_int("value", sum);
	report_end();
	if (sum != 0)
		return fail(v, "exits in steady state: %s", text);
	pass(v, "exits: %s; in brackets of " NAMED, text);
}

const struct test_case load_cases[] = {
	{ "fork", load_fork },
	{ "modules", load_modules },
	{ "stress", load_stress },
	{ "cpu-cycle", load_hotplug },
	{ "cpu-cycle-attack", load_hotplug_attack },
	{ "steady", load_steady },
	{ NULL, NULL },
};
