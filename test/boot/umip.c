// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program can read of table registers on a CPU without UMIP: everything before lock, and
 * after it nothing that tells an address. Launches and locks by itself.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "guest.h"

#ifdef __x86_64__ /* others have no such instructions */
#include <cpuid.h>

#define SECONDS	   30
#define LEAF7_UMIP (1u << 2) /* ecx; APM vol. 3, appendix E.3 */

struct table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static int sgdt(void)
{
	struct table t = { 0, 0 };

	__asm__ volatile("sgdt %0" : "=m"(t));
	return !t.base;
}

static int sidt(void)
{
	struct table t = { 0, 0 };

	__asm__ volatile("sidt %0" : "=m"(t));
	return !t.base;
}

/* Linux has none but for programs that ask for one: the selector is 0. */
static int sldt(void)
{
	unsigned long value;

	__asm__ volatile("sldt %0" : "=r"(value));
	return value != 0;
}

static int str(void)
{
	unsigned long value;

	__asm__ volatile("str %0" : "=r"(value));
	return !value;
}

/* CR0.PE, which no kernel is without. */
static int smsw(void)
{
	unsigned long value;

	__asm__ volatile("smsw %0" : "=r"(value));
	return !(value & 1);
}

static const struct {
	const char *name;
	int (*read)(void); /* 0: it told something */
} instructions[] = {
	{ "sgdt", sgdt }, { "sidt", sidt }, { "sldt", sldt }, { "str", str }, { "smsw", smsw },
};

#define COUNT (sizeof(instructions) / sizeof(instructions[0]))

static int child(const void *arg)
{
	return ((int (*const *)(void))arg)[0]();
}

/* A bit for each instruction that told something; -1: one of them did something else. */
static int readable(struct verdict *v)
{
	static struct outcome o;
	int bits = 0;
	size_t i;

	for (i = 0; i < COUNT; i++) {
		run_child(&o, SECONDS, child, &instructions[i].read);
		if (!o.died && !o.hung && !o.status) {
			bits |= 1 << i;
		} else if (o.status != 128 + SIGSEGV) {
			fail(v, "%s: status %d", instructions[i].name, o.status);
			return -1;
		}
	}
	return bits;
}

static bool has(unsigned int leaf, unsigned int bits)
{
	unsigned int eax, ebx, ecx = 0, edx;

	return __get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx) && (ecx & bits);
}

static bool protect(struct verdict *v, const char *umip)
{
	static struct outcome o;

	if (holdfast(&o, "launch", "--image", IMAGE, "--serial", "0x3e8", "--umip", umip,
		     "--self-check", NULL)) {
		fail(v, "launch: %s", o.out);
		return false;
	}
	if (holdfast(&o, "lock", NULL)) {
		fail(v, "lock: %s", o.out);
		return false;
	}
	return true;
}

static void expect(struct verdict *v, const char *umip, int left)
{
	static struct outcome o;
	const int all = (1 << COUNT) - 1;
	long long before;
	int bits;

	if (has(7, LEAF7_UMIP))
		return fail(v, "this CPU has UMIP");
	bits = readable(v);
	if (bits != all)
		return bits < 0 ? (void)0 : fail(v, "readable without Holdfast: %x", bits);
	if (!protect(v, umip))
		return;
	before = newest_event();
	bits = readable(v);
	if (bits != left)
		return bits < 0 ? (void)0 : fail(v, "readable: %x, not %x", bits, left);
	run(&o, CLI_LIMIT, (const char *[]){ WORKLOAD, "once", "fork", "50", NULL });
	if (o.status || o.hung)
		return fail(v, "the machine is harmed: status %d: %s", o.status, o.out);
	quiet(v, before, "instructions that read table registers, in programs");
}

/* Intel has no exit for SMSW: what it tells is the same on every kernel, CR0. */
static void tables_hidden(struct verdict *v)
{
	expect(v, "on", has(0x80000001, 1u << 2) ? 0 : 1 << (COUNT - 1));
}

static void tables_shown(struct verdict *v)
{
	expect(v, "off", (1 << COUNT) - 1);
}

#endif

const struct test_case umip_cases[] = {
#ifdef __x86_64__
	{ "tables-hidden", tables_hidden },
	{ "tables-shown", tables_shown },
#endif
	{ NULL, NULL },
};
