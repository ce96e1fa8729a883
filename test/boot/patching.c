// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel patches its own code after lock, in all the ways that the policies allow, and takes
 * every patch back: no event, and afterwards the code is what it was, byte for byte. In bare mode
 * the same cases show that the kernel does so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define TRACING	 "/sys/kernel/tracing"
#define INSTANCE TRACING "/instances/hf"
#define LIMIT	 600 /* seconds: the tracer of all functions on a loaded host */
#define FUNCTION "vfs_read"
#define FLIPS	 10
#define FURTHEST 64 /* bytes into FUNCTION that hold the end of an instruction */

/* --- a case: what is switched on and off, in a child that a refused patch may kill --- */

struct patch {
	const char *what;
	/* Switches it on. 0 or a negative errno; then off, which is called also after a failure. */
	int (*on)(void);
	int (*off)(void);
	int times;
};

static int child_on(const void *patch)
{
	return -((const struct patch *)patch)->on();
}

static int child_off(const void *patch)
{
	return -((const struct patch *)patch)->off();
}

static bool step(struct verdict *v, const struct patch *patch, const char *verb,
		 int (*child)(const void *))
{
	static struct outcome o;

	run_child(&o, LIMIT, child, patch);
	if (o.status == 0 && !o.hung)
		return true;
	fail(v, "switching %s %s: %s: %s", patch->what, verb,
	     o.hung   ? "hangs"
	     : o.died ? "died"
		      : strerror(o.status),
	     o.out);
	return false;
}

/* Each time the code must have changed in between, and be as before in the end. */
static void run_patch(struct verdict *v, const struct patch *patch)
{
	long long before = newest_event();
	long changed = 0, left = 0;
	uint64_t at = 0;
	char what[128];

	if (!text_keep(v))
		return;
	for (int i = 0; i < patch->times; i++) {
		if (!step(v, patch, "on", child_on))
			return;
		changed = text_changed(v, &at);
		if (changed == 0)
			fail(v, "%s does not change the kernel's code", patch->what);
		if (changed <= 0 || !step(v, patch, "off", child_off))
			return;
		left = text_changed(v, &at);
		if (left > 0)
			fail(v,
			     "%ld bytes are not as they were after %s, the first at %" PRIx64,
			     left, patch->what, at);
		if (left)
			return;
	}
	snprintf(what, sizeof(what),
		 "%d times %s, %ld bytes of %" PRIu64 " KiB in %d areas, and back",
		 patch->times, patch->what, changed, text_size() >> 10, text_areas());
	quiet(v, before, what);
}

/* --- static keys and tracepoints --- */

static int key_on(void)
{
	return file_write("/proc/sys/kernel/sched_schedstats", "1");
}

static int key_off(void)
{
	return file_write("/proc/sys/kernel/sched_schedstats", "0");
}

static void patch_key(struct verdict *v)
{
	run_patch(v, &(struct patch){ "a static key", key_on, key_off, FLIPS });
}

/* Tracepoints are keys and static calls. Nothing is recorded meanwhile: some events are many. */
static int events_write(const char *value)
{
	struct dirent **systems;
	int n = scandir(TRACING "/events", &systems, NULL, alphasort);
	char path[512];
	int err = n < 8 ? -ENOENT : file_write(TRACING "/tracing_on", "0");

	for (int i = 0; i < n && !err; i++) {
		snprintf(path, sizeof(path), TRACING "/events/%s/enable", systems[i]->d_name);
		if (systems[i]->d_name[0] != '.' && !access(path, W_OK))
			err = file_write(path, value);
	}
	return err;
}

static int events_on(void)
{
	return events_write("1");
}

static int events_off(void)
{
	return events_write("0");
}

static void patch_events(struct verdict *v)
{
	run_patch(v, &(struct patch){ "all tracepoints", events_on, events_off, 1 });
}

/* --- the kernel's preemption, which static calls decide --- */

#define DEBUGFS "/sys/kernel/debug"
#define PREEMPT DEBUGFS "/sched/preempt"
#define ROUNDS	"20" /* of the load in each mode */

/* PREEMPT lists them, the one in force in brackets. */
static const char *const preempt_modes[] = { "none", "voluntary", "full", NULL };
static const char *preempt_mode; /* to be set next */

static int preempt_set(void)
{
	return file_write(PREEMPT, preempt_mode);
}

static const char *preempt_now(void)
{
	char list[128], mode[32];

	if (file_read(PREEMPT, list, sizeof(list)) > 0)
		for (const char *const *m = preempt_modes; *m; m++) {
			snprintf(mode, sizeof(mode), "(%s)", *m);
			if (strstr(list, mode))
				return *m;
		}
	return NULL;
}

/* The code of another mode than that of the start is another. Returns by how many bytes it differs;
 * -1 after a failure. */
static long preempt_try(struct verdict *v, const char *mode, const char *started)
{
	const struct patch patch = { mode, preempt_set, NULL, 1 };
	static struct outcome o;
	uint64_t at = 0;
	long changed;

	preempt_mode = mode;
	if (!step(v, &patch, "on", child_on))
		return -1;
	run(&o, LIMIT, (const char *[]){ WORKLOAD, "once", "fork", ROUNDS, NULL });
	if (o.status || o.hung) {
		fail(v, "with preemption %s a load ends with %d: %s", mode, o.status, o.out);
		return -1;
	}
	changed = text_changed(v, &at);
	if (changed < 0 || !changed == (mode == started))
		return changed;
	fail(v, "preemption %s, after %s: %ld bytes changed, the first at %" PRIx64, mode,
	     started, changed, at);
	return -1;
}

static void preempt_modes_all(struct verdict *v)
{
	long long before = newest_event();
	const char *started;
	long changed = 0;
	char what[128];

	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	started = preempt_now();
	if (!started)
		return fail(v, "the kernel does not say how it is preempted");
	if (!text_keep(v))
		return;
	for (const char *const *m = preempt_modes; *m; m++) {
		long bytes = preempt_try(v, *m, started);

		if (bytes < 0)
			return;
		changed = bytes > changed ? bytes : changed;
	}
	if (preempt_try(v, started, started) < 0)
		return;
	snprintf(what, sizeof(what), "preemption in every mode, up to %ld bytes, and %s again",
		 changed, started);
	quiet(v, before, what);
}

/* --- ftrace --- */

/* What was in the file goes, as with the shell's >. */
static int file_replace(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (*value && write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int instance_write(const char *instance, const char *file, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", instance, file);
	return file_replace(path, value);
}

/* @instance: folder of a buffer with a tracer of its own; @filter: of functions; "" for all */
static int tracer_start(const char *instance, const char *name, const char *filter)
{
	char line[256];
	int err = instance_write(instance, "set_ftrace_filter", filter);

	if (!err)
		err = instance_write(instance, "current_tracer", name);
	/* Something to trace. */
	return err ? err : file_read("/proc/self/stat", line, sizeof(line)) <= 0;
}

/* In this order: without a filter it would trace all functions. */
static int tracer_stop(const char *instance)
{
	int err = instance_write(instance, "current_tracer", "nop");

	return err ? err : instance_write(instance, "set_ftrace_filter", "");
}

static int all_on(void)
{
	return tracer_start(TRACING, "function", "");
}

static int one_on(void)
{
	return tracer_start(TRACING, "function", FUNCTION);
}

static int graph_on(void)
{
	return tracer_start(TRACING, "function_graph", FUNCTION);
}

static int tracer_off(void)
{
	return tracer_stop(TRACING);
}

static void trace_all(struct verdict *v)
{
	run_patch(v, &(struct patch){ "tracing all functions", all_on, tracer_off, 1 });
}

static void trace_one(struct verdict *v)
{
	run_patch(v, &(struct patch){ "tracing " FUNCTION, one_on, tracer_off, FLIPS });
}

static void trace_graph(struct verdict *v)
{
	run_patch(v, &(struct patch){ "graphing " FUNCTION, graph_on, tracer_off, FLIPS });
}

/* With two tracers a function calls the kernel's own trampoline, with one a copy made for it. */
static int two_on(void)
{
	int err = one_on();

	if (!err && mkdir(INSTANCE, 0755))
		err = -errno;
	return err ? err : tracer_start(INSTANCE, "function", FUNCTION);
}

static int two_off(void)
{
	int err = tracer_off();

	if (!err)
		err = tracer_stop(INSTANCE);
	return err || !rmdir(INSTANCE) ? err : -errno;
}

static void trace_two(struct verdict *v)
{
	run_patch(v, &(struct patch){ "tracing " FUNCTION " twice", two_on, two_off, FLIPS });
}

/* --- kprobes --- */

/* Sets a breakpoint @from .. FURTHEST bytes into the function, where the kernel lets it. */
static int probe_on(int from)
{
	char command[64], profile[512];
	int err = -EILSEQ;

	for (int at = from; at < FURTHEST && err == -EILSEQ; at++) {
		snprintf(command, sizeof(command), "p:hf " FUNCTION "+%d", at);
		err = file_write(TRACING "/kprobe_events", command);
	}
	if (!err)
		err = file_write(TRACING "/events/kprobes/hf/enable", "1");
	if (!err && file_read(TRACING "/kprobe_profile", profile, sizeof(profile)) <= 0)
		err = -EIO;
	/* The read that ends the file has gone through the function by then. */
	if (!err && file_read(TRACING "/kprobe_profile", profile, sizeof(profile)) <= 0)
		err = -EIO;
	return err							    ? err
	       : strtol(profile + strcspn(profile, "0123456789"), NULL, 10) ? 0
									    : -ENODATA;
}

static int entry_on(void)
{
	return probe_on(0);
}

/* Behind what tracers use: an endbr64 and a call. */
static int inside_on(void)
{
	return probe_on(9);
}

static int probe_off(void)
{
	int err = file_write(TRACING "/events/kprobes/hf/enable", "0");

	return err ? err : file_write(TRACING "/kprobe_events", "-:hf");
}

static void probe_entry(struct verdict *v)
{
	run_patch(v, &(struct patch){ "a probe at " FUNCTION, entry_on, probe_off, FLIPS });
}

static void probe_inside(struct verdict *v)
{
	run_patch(v, &(struct patch){ "a probe in " FUNCTION, inside_on, probe_off, FLIPS });
}

/* --- probes that become jumps, which happens in the background --- */

#define DEBUGFS	   "/sys/kernel/debug"
#define PATIENCE   500 /* times 10 ms: the kernel optimises in the background */
#define JUMP	   0xe9
#define MANY	   "vfs_" /* functions of these names get a probe each */
#define MANY_MAX   64
#define MANY_LEAST 16 /* of them that the kernel makes jumps */

struct probes {
	int set, jumps, pending; /* pending: to become a jump */
};

/* The list says what is wanted, the code what is there. 0 or a negative errno. */
static int probes_count(struct probes *probes)
{
	FILE *list = fopen(DEBUGFS "/kprobes/list", "r");
	int err = list ? 0 : -errno;
	char line[256];

	memset(probes, 0, sizeof(*probes));
	while (!err && fgets(line, sizeof(line), list)) {
		bool wanted = strstr(line, "[OPTIMIZED]");
		uint8_t byte;

		err = text_byte(strtoull(line, NULL, 16), &byte);
		probes->set++;
		probes->jumps += !err && byte == JUMP;
		probes->pending += wanted && byte != JUMP;
	}
	if (list)
		fclose(list);
	return err;
}

/* Until at least so many are jumps and none is pending; where @least is 0, until all are gone. */
static int probes_settle(int least)
{
	struct probes probes;
	int err;

	for (int i = 0; i < PATIENCE; i++) {
		err = probes_count(&probes);
		if (err)
			return err;
		if (least ? probes.jumps >= least && !probes.pending : !probes.set)
			return 0;
		usleep(10000);
	}
	fprintf(stderr, "%d probes, %d jumps, %d pending; ", probes.set, probes.jumps,
		probes.pending);
	return -ETIME;
}

/* How often the first probe has been met; a negative errno. */
static long probe_hits(void)
{
	char profile[512];

	if (file_read(TRACING "/kprobe_profile", profile, sizeof(profile)) <= 0)
		return -EIO;
	return strtol(profile + strcspn(profile, "0123456789"), NULL, 10);
}

static int jump_on(void)
{
	int err = inside_on();
	long hits;

	if (!err)
		err = probes_settle(1);
	if (err)
		return err;
	hits = probe_hits();
	return hits < 0 ? hits : probe_hits() > hits ? 0 : -ENODATA;
}

static int jump_off(void)
{
	int err = probe_off();

	return err ? err : probes_settle(0);
}

static void probe_optimised(struct verdict *v)
{
	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	run_patch(v, &(struct patch){ "a probe made a jump", jump_on, jump_off, FLIPS });
}

/* Behind what tracers use. -EILSEQ: the kernel lets no place near have one. */
static int many_add(const char *function, int number)
{
	char command[320];
	int err = -EILSEQ;

	for (int at = 9; at < FURTHEST && err == -EILSEQ; at++) {
		snprintf(command, sizeof(command), "p:hf%d %s+%d", number, function, at);
		err = file_write(TRACING "/kprobe_events", command);
	}
	return err;
}

/* Copied are instructions of all kinds, and those that name memory by where they are. */
static int many_on(void)
{
	FILE *list = fopen(TRACING "/available_filter_functions", "r");
	char line[256];
	int set = 0;

	if (!list)
		return -errno;
	while (set < MANY_MAX && fgets(line, sizeof(line), list)) {
		line[strcspn(line, " \n")] = '\0';
		if (!strncmp(line, MANY, strlen(MANY)) && !many_add(line, set))
			set++;
	}
	fclose(list);
	if (file_write(TRACING "/events/kprobes/enable", "1"))
		return -EIO;
	return probes_settle(MANY_LEAST);
}

static int many_off(void)
{
	int err = file_write(TRACING "/events/kprobes/enable", "0");

	if (!err)
		err = file_replace(TRACING "/kprobe_events", "");
	return err ? err : probes_settle(0);
}

static void probe_many(struct verdict *v)
{
	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	run_patch(v, &(struct patch){ "probes in " MANY "* made jumps", many_on, many_off, 2 });
}

/* --- what is there at lock can be taken back, and set again, where nothing new may come --- */

/* A tracer, and a probe that has become a jump. */
static int kept_on(void)
{
	int err = one_on();

	return err ? err : jump_on();
}

static int kept_switch(const char *value)
{
	int err = file_write("/proc/sys/kernel/ftrace_enabled", value);

	return err ? err : file_write(TRACING "/events/kprobes/hf/enable", value);
}

static int kept_again(void)
{
	int err = kept_switch("0");

	return err ? err : kept_switch("1");
}

static int kept_off(void)
{
	int err = jump_off();

	return err ? err : tracer_stop(TRACING);
}

static void patch_kept(struct verdict *v)
{
	struct patch kept = { "a tracer and a probe of before lock", kept_on, kept_off, 1 };
	struct patch again = { "a tracer and a probe again", kept_again, NULL, 1 };
	static struct outcome o;
	long long before;
	uint64_t at = 0;

	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	if (holdfast(&o, "launch", "--image", IMAGE, "--serial", "0x3e8", NULL))
		return fail(v, "launch: %s", o.out);
	if (!text_keep(v) || !step(v, &kept, "on", child_on))
		return;
	if (holdfast(&o, "lock", NULL))
		return fail(v, "lock: %s", o.out);
	before = newest_event();
	for (int i = 0; i < FLIPS; i++)
		if (!step(v, &again, "off and on", child_on))
			return;
	if (!step(v, &kept, "off", child_off))
		return;
	if (text_changed(v, &at))
		return fail(v, "the code is not as it was before all, from %" PRIx64 " on", at);
	quiet(v, before, "a tracer and a probe of before lock, off, on and away");
}

/* --- live patches of hf_livepatch.ko: of the function behind /proc/version --- */

#define LIVE_PATCH   "/sys/module/hf_livepatch/parameters/patch"
#define LIVE_FOLDER  "/sys/kernel/livepatch/hf_livepatch"
#define LIVE_SECONDS 120 /* until every thread has come by */

static bool live_works(void)
{
	char version[512];

	return file_read("/proc/version", version, sizeof(version)) > 0 &&
	       !strcmp(version, "live patched\n");
}

static bool live_moving(void)
{
	char moving[16];

	return file_read(LIVE_FOLDER "/transition", moving, sizeof(moving)) > 0 &&
	       moving[0] != '0';
}

/* Until no thread is between the two functions any more. A patch that is disabled is gone then. */
static int live_wait(int err, bool works)
{
	for (int i = 0; !err; i++) {
		if (!live_moving() && !access(LIVE_FOLDER, F_OK) == works &&
		    live_works() == works)
			return 0;
		if (i == LIVE_SECONDS * 100)
			err = -ETIME;
		usleep(10000);
	}
	return err;
}

static int live_on(void)
{
	return live_wait(file_write(LIVE_PATCH, "version_proc_show"), true);
}

static int live_off(void)
{
	return live_wait(file_write(LIVE_FOLDER "/enabled", "0"), false);
}

static const struct patch live_patch = { "a live patch", live_on, live_off, 2 };

static void livepatch_on(struct verdict *v)
{
	run_patch(v, &live_patch);
}

/* A live patch that is there at lock, with these policies. The code before that is kept. */
static bool live_lock(struct verdict *v, const char *ftrace, const char *livepatch)
{
	static struct outcome o;
	int err = module_load(LIVE_MODULE, "");

	if (err)
		fail(v, "cannot load " LIVE_MODULE ": %s", strerror(-err));
	else if (holdfast(&o, "launch", "--image", IMAGE, "--serial", "0x3e8", NULL))
		fail(v, "launch: %s", o.out);
	else if (text_keep(v) && step(v, &live_patch, "on", child_on)) {
		if (!holdfast(&o, "lock", "--ftrace", ftrace, "--livepatch", livepatch, NULL))
			return true;
		fail(v, "lock: %s", o.out);
	}
	return false;
}

/* Asks the module's thread for what must be refused: nobody but that thread dies of it. */
static bool live_refused(struct verdict *v, const char *what, const char *value)
{
	long long before = newest_event();
	int err = file_write(LIVE_PATCH, value);

	for (int i = 0; !err && newest_event() == before; i++) {
		if (i == LIVE_SECONDS * 100)
			err = -ETIME;
		usleep(10000);
	}
	if (err)
		fail(v, "%s makes no event: %s", what, strerror(-err));
	return !err;
}

/* What was enabled at lock works on, can be taken back, and come again. Of another function none
 * can. */
static void livepatch_before_lock(struct verdict *v)
{
	long long before;
	uint64_t at = 0;

	if (!live_lock(v, "before-lock", "before-lock"))
		return;
	before = newest_event();
	if (!live_works())
		return fail(v, "the live patch does not work after lock");
	if (!step(v, &live_patch, "off", child_off) || !step(v, &live_patch, "on", child_on) ||
	    !step(v, &live_patch, "off", child_off))
		return;
	if (text_changed(v, &at))
		return fail(v, "the code is not as it was before all, from %" PRIx64 " on", at);
	if (newest_event() != before)
		return fail(v, "%lld events", newest_event() - before);
	if (live_refused(v, "another live patch", "loadavg_proc_show"))
		pass(v, "one of before lock goes and comes back, another one is refused");
}

/* What was enabled at lock works on, and its code stays. */
static void livepatch_off(struct verdict *v)
{
	uint64_t at = 0;

	if (!live_lock(v, "off", "off"))
		return;
	if (!live_works())
		return fail(v, "the live patch does not work after lock");
	if (!live_refused(v, "taking the live patch back", "-"))
		return;
	if (text_changed(v, &at) < 5)
		return fail(v, "the live patch is gone");
	pass(v, "taking back a live patch of before lock is refused");
}

/* --- a kernel that patches in a way that cannot be checked --- */

static void lock_call_depth(struct verdict *v)
{
	static struct outcome o;

	if (holdfast(&o, "launch", "--image", IMAGE, "--serial", "0x3e8", NULL))
		return fail(v, "launch: %s", o.out);
	if (holdfast(&o, "--json", "lock", NULL) <= 0 || !strstr(o.out, "\"call-depth\""))
		return fail(v, "lock gave %d: %s", o.status, o.out);
	if (ctl_state() != HF_STATE_LAUNCHED)
		return fail(v, "the state is %d, not launched", ctl_state());
	run_patch(v, &(struct patch){ "a static key", key_on, key_off, 1 });
}

const struct test_case patching_cases[] = {
	{ "patch-key", patch_key },
	{ "patch-events", patch_events },
	{ "preempt-mode", preempt_modes_all },
	{ "trace-all", trace_all },
	{ "trace-one", trace_one },
	{ "trace-graph", trace_graph },
	{ "trace-two", trace_two },
	{ "probe-entry", probe_entry },
	{ "probe-inside", probe_inside },
	{ "probe-optimised", probe_optimised },
	{ "probe-many", probe_many },
	{ "patch-kept", patch_kept },
	{ "livepatch-on", livepatch_on },
	{ "livepatch-before-lock", livepatch_before_lock },
	{ "livepatch-off", livepatch_off },
	{ "lock-call-depth", lock_call_depth },
	{ NULL, NULL },
};
