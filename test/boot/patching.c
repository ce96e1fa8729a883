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

/* --- what is there at lock can be taken back, and set again, where nothing new may come --- */

#define DEBUGFS	 "/sys/kernel/debug"
#define PATIENCE 500 /* times 10 ms: the kernel optimises in the background */

static bool is_optimised(void)
{
	char list[4096];

	return file_read(DEBUGFS "/kprobes/list", list, sizeof(list)) > 0 &&
	       strstr(list, "[OPTIMIZED]");
}

/* A tracer, and a probe that has become a jump. */
static int kept_on(void)
{
	int err = one_on();

	if (!err)
		err = inside_on();
	for (int i = 0; !err && !is_optimised(); i++) {
		if (i == PATIENCE)
			err = -ETIME;
		usleep(10000);
	}
	return err;
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
	int err = probe_off();

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
	{ "trace-all", trace_all },
	{ "trace-one", trace_one },
	{ "trace-graph", trace_graph },
	{ "trace-two", trace_two },
	{ "probe-entry", probe_entry },
	{ "probe-inside", probe_inside },
	{ "patch-kept", patch_kept },
	{ "lock-call-depth", lock_call_depth },
	{ NULL, NULL },
};
