// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the attacks of the attack module. /proc/hf_attack lists them, one JSON object per line,
 * and runs the one whose name is written to it; /proc/hf_attack_result then says what came of
 * it. The write happens in a child: an attack that is refused may well kill the thread that
 * made it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define LIST   "/proc/hf_attack"
#define RESULT "/proc/hf_attack_result"
#define SLACK  25 /* seconds that an attack may take beyond its load, on a busy host */
#define MAX    256

struct attack {
	char name[64];
	char control[16];
	char absent[16]; /* what this CPU lacks to show it; "": nothing */
	char closed_by[48];
	bool alone;	/* may take the machine with it: runs only where it is named */
	long long cpus; /* that it needs */
};

static struct attack attacks[MAX];
static int count;
/* The newest event reported so far; its repeat count may still grow. */
static struct hf_event newest;

/* Copies the string behind "key": out of one line of JSON. Escapes do not occur in what is
 * asked for here (names and controls). */
static void json_string(const char *json, const char *key, char *buf, size_t size)
{
	char quoted[32];
	const char *at;
	size_t n = 0;

	buf[0] = '\0';
	snprintf(quoted, sizeof(quoted), "\"%s\"", key);
	at = strstr(json, quoted);
	if (!at)
		return;
	at = strchr(at + strlen(quoted), '"');
	if (!at)
		return;
	for (at++; *at && *at != '"' && n < size - 1; at++)
		buf[n++] = *at;
	buf[n] = '\0';
}

static bool wanted(const struct attack *a)
{
	const char *only = cmdline_get("only", "");
	size_t n = strlen(a->name);
	const char *at;

	if (a->cpus > sysconf(_SC_NPROCESSORS_ONLN))
		return false;
	if (!*only)
		return !a->alone;
	for (at = strstr(only, a->name); at; at = strstr(at + 1, a->name))
		if ((at == only || at[-1] == ',') && (at[n] == ',' || at[n] == '\0'))
			return true;
	return false;
}

static int read_list(void)
{
	static char text[65536];
	char *line, *save;
	long n = file_read(LIST, text, sizeof(text));

	if (n < 0)
		return n;
	for (line = strtok_r(text, "\n", &save); line && count < MAX;
	     line = strtok_r(NULL, "\n", &save)) {
		struct attack *a = &attacks[count];

		json_string(line, "name", a->name, sizeof(a->name));
		json_string(line, "control", a->control, sizeof(a->control));
		json_string(line, "absent", a->absent, sizeof(a->absent));
		json_string(line, "closed_by", a->closed_by, sizeof(a->closed_by));
		a->cpus = 1;
		json_number(line, "cpus", &a->cpus);
		a->alone = strstr(line, "\"own_vm\":true") != NULL;
		report_begin();
		report_raw("offer", line);
		report_end();
		if (wanted(a))
			count++;
	}
	return count;
}

/* Of hostile loads, in seconds. */
static const char *seconds(void)
{
	return cmdline_get("seconds", "5");
}

int attack_open(void)
{
	struct verdict v = { 0 };
	char params[32];
	int err;

	snprintf(params, sizeof(params), "seconds=%s", seconds());
	err = module_load(ATTACK_MODULE, params);

	if (err)
		fail(&v, "finit_module " ATTACK_MODULE ": %s", strerror(-err));
	else if ((err = read_list()) < 0)
		fail(&v, LIST ": %s", strerror(-err));
	else if (err == 0)
		fail(&v, LIST " offers no attack");
	else if (err == MAX)
		fail(&v, LIST " offers more attacks than there is room for");
	else
		pass(&v, "%d attacks", err);
	case_report("attack-load", &v);
	return v.ok ? count : -1;
}

static int child_attack(const void *arg)
{
	const struct attack *a = arg;

	return -file_write(LIST, a->name);
}

static void report_event(const struct hf_event *e)
{
	char asset[48] = "";

	ctl_asset(e->asset, asset, sizeof(asset));
	report_begin();
	report_int("event", e->sequence);
	report_int("kind", e->kind);
	report_int("access", e->access);
	report_int("action", e->action);
	report_int("cpu", e->cpu);
	report_int("cpl", e->cpl);
	report_int("asset", e->asset);
	report_str("name", asset);
	report_int("repeat", e->repeat);
	report_hex("rip", e->rip);
	report_hex("va", e->va);
	report_hex("gpa", e->gpa);
	report_hex("old", e->old);
	report_hex("new", e->new_value);
	report_end();
}

/* Reports the events that have come since the last call: new ones, and the newest one again if
 * it was repeated. They belong to the attack that is reported next. */
static void report_events(void)
{
	static struct hf_event events[HF_EVENT_CAPACITY];
	uint64_t first = newest.sequence ? newest.sequence : 1;
	int i, n = ctl_events(first, events, HF_EVENT_CAPACITY);

	for (i = 0; i < n; i++) {
		if (events[i].sequence == newest.sequence && events[i].repeat == newest.repeat)
			continue;
		/* A flood says nothing after its first lines; the numbers are in sequence. */
		if (i < 16 || i == n - 1)
			report_event(&events[i]);
	}
	if (n > 0)
		newest = events[n - 1];
}

/* Events since the last call, those included that found the ring full. */
static long long count_events(void)
{
	static uint64_t before;
	struct hf_info info;
	long long n;

	if (ctl_info(&info))
		return 0;
	n = info.events - before;
	before = info.events;
	return n;
}

/* Not tried, and said so: what cannot be shown on this CPU is neither refused nor open. */
static void report_absent(const struct attack *a, const char *phase)
{
	char text[64];

	snprintf(text, sizeof(text), "the machine has no %s", a->absent);
	report_begin();
	report_str("attack", a->name);
	report_str("phase", phase);
	report_str("outcome", "absent");
	report_str("detail", text);
	report_end();
}

static void run_attack(const struct attack *a, const char *phase)
{
	static struct outcome o;
	static char result[4096];
	char outcome[32], detail[512];
	const char *why = "";
	bool launched = strcmp(phase, "bare") && strcmp(phase, "prelaunch");

	report_begin();
	report_str("try", a->name);
	report_str("phase", phase);
	report_end();
	run_child(&o, SLACK + 2 * atoi(seconds()), child_attack, a);
	if (file_read(RESULT, result, sizeof(result)) <= 0)
		result[0] = '\0';
	json_string(result, "name", detail, sizeof(detail));
	json_string(result, "outcome", outcome, sizeof(outcome));
	/* A result of another attack, or none: this one never got as far as its own. */
	if (strcmp(detail, a->name) || !outcome[0]) {
		snprintf(outcome, sizeof(outcome), "error");
		why = "the module has no result for it";
	}
	json_string(result, "detail", detail, sizeof(detail));
	if (o.hung) {
		snprintf(outcome, sizeof(outcome), "error");
		why = "did not return";
	} else if (!o.died && o.status != 0 && strcmp(outcome, "refused")) {
		why = strerror(o.status);
	}
	if (launched)
		report_events();
	report_begin();
	report_str("attack", a->name);
	report_str("phase", phase);
	report_str("outcome", outcome);
	report_str("detail", *why ? why : detail);
	report_raw("died", o.died ? "true" : "false");
	if (launched)
		report_int("events", count_events());
	report_end();
}

bool attack_waits(const char *phase)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(attacks[i].control, phase))
			return true;
	return false;
}

/* Which of the protections that attacks name are in force: where they are not, these are open. */
static void report_protections(void)
{
	struct hf_protection p;
	uint32_t i;
	int j;

	for (i = 0; !ctl_protection(i, &p); i++) {
		for (j = 0; j < count && strncmp(attacks[j].closed_by, p.name, sizeof(p.name));
		     j++)
			;
		if (j == count)
			continue;
		report_begin();
		report_str("protection", attacks[j].closed_by);
		report_int("enforcement", p.enforcement);
		report_end();
	}
}

void attack_phase(const char *phase)
{
	bool all = !strcmp(phase, "locked");
	int i;

	if (all) {
		report_protections();
		report_events();
		count_events();
	}
	for (i = 0; i < count; i++) {
		if (!all && strcmp(attacks[i].control, phase))
			continue;
		if (*attacks[i].absent)
			report_absent(&attacks[i], phase);
		else
			run_attack(&attacks[i], phase);
	}
}
