// SPDX-License-Identifier: GPL-2.0-only
/* The cases by name, and those that test the harness itself. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

static const struct test_case *const tables[] = {
	self_cases,    lifecycle_cases, load_cases,	bench_cases,	 resident_cases,
	command_cases, leave_cases,	efi_cases,	hotplug_cases,	 audit_cases,
	kcore_cases,   nmi_cases,	patching_cases, capture_cases,	 traps_cases,
	confine_cases, service_cases,	umip_cases,	authority_cases,
};

void pass(struct verdict *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->detail, sizeof(v->detail), fmt, ap);
	va_end(ap);
	v->ok = true;
}

void fail(struct verdict *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->detail, sizeof(v->detail), fmt, ap);
	va_end(ap);
	v->ok = false;
}

void case_report(const char *name, const struct verdict *v)
{
	report_begin();
	report_str("case", name);
	report_str("status", v->ok ? "pass" : "fail");
	report_str("detail", v->detail);
	report_end();
}

void case_run(const char *name)
{
	struct verdict v = { .ok = false, .detail = "no case has this name" };
	const struct test_case *c;
	size_t i;

	report_begin();
	report_str("begin", name);
	report_end();
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (c = tables[i]; c->name; c++) {
			if (strcmp(c->name, name))
				continue;
			snprintf(v.detail, sizeof(v.detail), "the case gave no verdict");
			c->run(&v);
		}
	}
	case_report(name, &v);
}

/* --- the harness itself: each of these must make a boot fail, in its own way --- */

static void self_fail(struct verdict *v)
{
	fail(v, "as it should");
}

static void self_silent(struct verdict *v)
{
	(void)v;
}

static void self_hang(struct verdict *v)
{
	(void)v;
	for (;;)
		pause();
}

static void self_panic(struct verdict *v)
{
	file_write("/proc/sys/kernel/sysrq", "1");
	file_write("/proc/sysrq-trigger", "c");
	pass(v, "the kernel survived its own crash");
}

static void self_reset(struct verdict *v)
{
	file_write("/proc/sys/kernel/sysrq", "1");
	file_write("/proc/sysrq-trigger", "b");
	pass(v, "the machine survived its own reset");
}

static int child_segv(const void *arg)
{
	(void)arg;
	raise(SIGSEGV);
	return 0;
}

static int child_sleep(const void *arg)
{
	(void)arg;
	sleep(60);
	return 0;
}

/* A child that dies or hangs must be seen to, and PID 1 must live. */
static void self_children(struct verdict *v)
{
	static struct outcome o;

	run_child(&o, CLI_LIMIT, child_segv, NULL);
	if (!o.died || o.status != 128 + SIGSEGV)
		return fail(v, "a killed child gave status %d", o.status);
	run_child(&o, 1, child_sleep, NULL);
	if (!o.hung)
		return fail(v, "a hanging child was not noticed");
	pass(v, "a killed and a hanging child were noticed");
}

const struct test_case self_cases[] = {
	{ "self-fail", self_fail },
	{ "self-silent", self_silent },
	{ "self-hang", self_hang },
	{ "self-panic", self_panic },
	{ "self-reset", self_reset },
	{ "self-children", self_children },
	{ NULL, NULL },
};
