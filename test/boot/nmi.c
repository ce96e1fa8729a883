// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMIs: none is lost, and none that is too many is taken for one. They come from outside (the
 * driver is asked for each, and presses the button of the board) and from other CPUs, while
 * shoot-downs send NMIs of their own. The kernel's own counters are believed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define ROUNDS	  200
#define BACKTRACE 20
#define PARTS	  4
#define PATIENCE  1000 /* times 10 ms: an NMI that has not come by then is lost */
#define CPUS_MAX  8

/* How many NMIs each CPU has had: the line of /proc/interrupts. */
static bool nmi_counts(long *counts, long cpus)
{
	static char text[65536];
	char *at = file_read("/proc/interrupts", text, sizeof(text)) > 0 ? strstr(text, "NMI:")
									 : NULL;

	if (!at || cpus > CPUS_MAX)
		return false;
	at += 4;
	for (long i = 0; i < cpus; i++)
		counts[i] = strtol(at, &at, 10);
	return true;
}

static long nmi_count(long cpu)
{
	long counts[CPUS_MAX];

	return nmi_counts(counts, cpu + 1) ? counts[cpu] : -1;
}

/* Waits until @cpu has had @count; how many it has had. */
static long await(long cpu, long count)
{
	long now = nmi_count(cpu);

	for (int i = 0; i < PATIENCE && now < count; i++) {
		usleep(10000);
		now = nmi_count(cpu);
	}
	return now;
}

/* How many all CPUs have had since @before. */
static long nmis_since(const long *before, long cpus)
{
	long counts[CPUS_MAX], total = 0;

	if (!nmi_counts(counts, cpus))
		return -1;
	for (long i = 0; i < cpus; i++)
		total += counts[i] - before[i];
	return total;
}

/* --- from outside: the board's NMI goes to the first CPU --- */

static void ask(void)
{
	report_begin();
	report_str("ask", "nmi");
	report_end();
}

/* @lost of ROUNDS did not come; false if one came that nobody asked for. */
static bool count_asked(int *lost, struct verdict *v)
{
	long before = nmi_count(0), now = before;

	*lost = 0;
	for (int i = 0; i < ROUNDS; i++) {
		long due = now + 1;

		ask();
		now = await(0, due);
		*lost += now < due;
		if (now > due) {
			fail(v, "%ld NMIs for one, in round %d", now - due + 1, i);
			return false;
		}
	}
	/* A second one would have come late. */
	usleep(500000);
	now = nmi_count(0);
	if (now - before == ROUNDS - *lost)
		return true;
	fail(v, "%ld NMIs for %d", now - before, ROUNDS - *lost);
	return false;
}

static unsigned long symbol(const char *name)
{
	char line[512], found[256], type;
	unsigned long address, result = 0;
	FILE *f = fopen("/proc/kallsyms", "re");

	while (f && !result && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx %c %255s", &address, &type, found) == 3 &&
		    !strcmp(found, name))
			result = address;
	if (f)
		fclose(f);
	return result;
}

/* The kernel's text or, of its read-only data, a part: sealed pages, which open once. */
struct pages {
	unsigned long start, end;
};

static struct pages text(void)
{
	return (struct pages){ symbol("_stext"), symbol("_etext") & ~4095ul };
}

static struct pages rodata(int part, int parts)
{
	unsigned long start = symbol("__start_rodata");
	unsigned long size = ((symbol("__end_rodata") - start) / parts) & ~4095ul;

	return (struct pages){ start + part * size, start + (part + 1) * size };
}

/* They are opened one by one by @cpu, @gap microseconds apart, until the module is unloaded. */
static bool shoot(int cpu, struct pages pages, int gap, struct verdict *v)
{
	char params[128];
	int err;

	snprintf(params, sizeof(params), "cpu=%d gap=%d start=0x%lx end=0x%lx", cpu, gap,
		 pages.start, pages.end);
	err = module_load(SHOOT_MODULE, params);
	if (err)
		fail(v, "cannot load %s: %s", SHOOT_MODULE, strerror(-err));
	return !err;
}

static int shot(void)
{
	char text[32] = "";

	file_read("/sys/module/hf_shoot/parameters/pages", text, sizeof(text));
	return atoi(text);
}

/* Kicks of all CPUs so far. */
static long kicks(void)
{
	struct exit_counts counts;

	return ctl_exits(&counts) ? -1 : (long)counts.kind[HF_EXIT_KICK];
}

static void outside(struct verdict *v)
{
	int lost;

	if (!count_asked(&lost, v))
		return;
	if (lost)
		return fail(v, "%d of %d lost", lost, ROUNDS);
	pass(v, "%d of %d", ROUNDS, ROUNDS);
}

/* The CPU that gets the NMIs is the one that demands: it is in the hypervisor when they come. */
static void inside(struct verdict *v)
{
	long kicked = kicks();
	int lost, pages;

	if (!shoot(0, text(), 2000, v))
		return;
	if (count_asked(&lost, v)) {
		pages = shot();
		kicked = kicks() - kicked;
		if (lost || pages < ROUNDS || kicked < ROUNDS)
			fail(v, "%d of %d lost, %d pages opened, %ld kicks", lost, ROUNDS,
			     pages, kicked);
		else
			pass(v, "%d of %d, while %d pages were opened with %ld kicks", ROUNDS,
			     ROUNDS, pages, kicked);
	}
	module_unload("hf_shoot");
}

/* --- from another CPU: the kernel asks each CPU for a backtrace --- */

/* What the kernel says: a CPU that was asked for a backtrace, whether it has one to show or not;
 * and one that was given an NMI without a source. */
static const char answered[] = "NMI backtrace for cpu ", unknown[] = "for unknown reason ";

struct said {
	bool answered[CPUS_MAX]; /* may do so twice: Linux asks itself without an NMI */
	long unknown;
};

/* The kernel's log, at its end. */
static int log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log >= 0)
		lseek(log, 0, SEEK_END);
	return log;
}

/* From where @log is to its end; adds to @said. False: some of it has been overwritten. */
static bool listen(int log, struct said *said)
{
	char record[8192], *at;
	ssize_t length;

	while ((length = read(log, record, sizeof(record) - 1)) > 0) {
		record[length] = 0;
		at = strstr(record, answered);
		if (at)
			said->answered[atoi(at + strlen(answered)) % CPUS_MAX] = true;
		said->unknown += strstr(record, unknown) != NULL;
	}
	return errno == EAGAIN;
}

static long answers(const struct said *said)
{
	long count = 0;

	for (long cpu = 0; cpu < CPUS_MAX; cpu++)
		count += said->answered[cpu];
	return count;
}

/* What the kernel says while it asks all CPUs: until all have answered, or ten seconds long. */
static bool ask_once(struct said *said)
{
	int log = log_open(), turns = 0;
	bool heard;

	if (log < 0)
		return false;
	file_write("/proc/sysrq-trigger", "l");
	do {
		heard = listen(log, said);
	} while (heard && answers(said) < sysconf(_SC_NPROCESSORS_ONLN) && ++turns < 20 &&
		 !usleep(10000));
	close(log);
	return heard;
}

/* One to each CPU but the one that asks, which answers as well. Each is asked by its bit in a mask,
 * so that an NMI that nobody sent gives no answer. */
static bool ask_for_backtraces(struct verdict *v)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	file_write("/proc/sys/kernel/sysrq", "1");
	for (int i = 0; i < BACKTRACE; i++) {
		struct said said = { 0 };

		if (!ask_once(&said)) {
			fail(v, "cannot read the kernel's log");
			return false;
		}
		if (answers(&said) != cpus || said.unknown) {
			fail(v, "%ld of %ld CPUs answered in round %d, %ld NMIs had no source",
			     answers(&said), cpus, i, said.unknown);
			return false;
		}
	}
	pass(v, "%ld NMIs from CPU to CPU", BACKTRACE * (cpus - 1));
	return true;
}

/*
 * As many as were sent, and no other. With the init-guard each goes with a kick; a CPU that was on
 * its way out finds the NMI before the kick, which then comes alone: one more, without a word.
 */
static void backtrace(struct verdict *v)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), before[CPUS_MAX];
	long due = BACKTRACE * (cpus - 1), kicked = kicks(), came;

	if (!nmi_counts(before, cpus))
		return fail(v, "cannot read the counters of NMIs");
	if (!ask_for_backtraces(v))
		return;
	usleep(500000);
	came = nmis_since(before, cpus);
	kicked = kicks() - kicked;
	if (came < due || came > due + kicked)
		fail(v, "%ld NMIs for %ld, with %ld kicks", came, due, kicked);
}

/*
 * The CPU that gets the NMIs is kicked all the time. Those that meet a kick are given to the kernel
 * with it, but as one without a source, as these are, it cannot be told from a kick that met none:
 * how many the kernel did not speak of.
 */
static void kicked(struct verdict *v)
{
	long kicked = kicks();
	struct said said = { 0 };
	bool heard;
	int log, pages;

	if (!shoot(1, text(), 2000, v))
		return;
	log = log_open();
	heard = log >= 0;
	for (int i = 0; i < ROUNDS && heard; i++) {
		long due = said.unknown + 1;

		ask();
		for (int turn = 0; turn < 30 && heard && said.unknown < due; turn++) {
			usleep(10000);
			heard = listen(log, &said);
		}
	}
	pages = shot();
	module_unload("hf_shoot");
	kicked = kicks() - kicked;
	if (!heard)
		fail(v, "cannot read the kernel's log");
	else if (said.unknown > ROUNDS || pages < ROUNDS || kicked < ROUNDS)
		fail(v, "%ld NMIs for %d, %d pages, %ld kicks", said.unknown, ROUNDS, pages,
		     kicked);
	else
		pass(v, "%ld of %d spoken of, while %d pages were opened with %ld kicks",
		     said.unknown, ROUNDS, pages, kicked);
	close(log);
}

/* Until there have been @due kicks, or it has been done often enough for them. */
static bool ask_until(long due, struct verdict *v)
{
	bool answered_all = ask_for_backtraces(v);

	for (int i = 1; i < PARTS && answered_all && kicks() < due; i++)
		answered_all = ask_for_backtraces(v);
	return answered_all;
}

/*
 * While each CPU is kicked by the others: each answers, and of the NMIs that the kicks bring along
 * the kernel hears no reason to complain.
 */
static void routed(struct verdict *v)
{
	long kicked = kicks(), total = 0;
	bool answered_all = true;

	for (int round = 0; round < PARTS && answered_all; round++) {
		if (!shoot(round % 2, rodata(round, PARTS), 20, v))
			return;
		answered_all = ask_until(kicked + ROUNDS * (round + 1) / PARTS, v);
		total += shot();
		module_unload("hf_shoot");
	}
	if (!answered_all)
		return;
	kicked = kicks() - kicked;
	if (kicked < ROUNDS)
		return fail(v, "only %ld kicks, %ld pages", kicked, total);
	pass(v, "all, while %ld pages were opened with %ld kicks", total, kicked);
}

const struct test_case nmi_cases[] = {
	{ "nmi-outside", outside },	{ "nmi-inside", inside }, { "nmi-kicked", kicked },
	{ "nmi-backtrace", backtrace }, { "nmi-routed", routed }, { NULL, NULL },
};
