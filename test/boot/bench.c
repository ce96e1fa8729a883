// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Holdfast costs: times of loops, to be compared between boots, and instructions, to be
 * counted in a boot where one tick of the time stamp counter is one instruction (QEMU's -icount
 * shift=0).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define LIMIT 300 /* seconds for all rounds of one loop */

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

const struct test_case bench_cases[] = {
	{ "time", bench_time },
	{ "instructions", bench_instructions },
	{ "memory", bench_memory },
	{ NULL, NULL },
};
