// SPDX-License-Identifier: GPL-2.0-only
/*
 * holdfast audit: nothing surprises it on a locked machine, and it sees what ought to surprise
 * it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define TEXT_MIN   1000	 /* pages; no kernel has less text */
#define SETTLE	   60	 /* seconds */
#define KERNEL_MIN 50000 /* pages the kernel has mapped of the smallest machine */

static struct outcome o;

/* Sum of "pages" of the rows of JSON list @list that contain @word. */
static long long pages_of(const char *list, const char *word)
{
	char key[32];
	const char *at, *end, *row;
	long long sum = 0, pages;

	snprintf(key, sizeof(key), "\"%s\":[", list);
	at = strstr(o.out, key);
	end = at ? strchr(at, ']') : NULL;
	while (at && end && (row = strchr(at, '{')) && row < end) {
		char text[256] = "";
		size_t length = strcspn(row, "}");

		snprintf(text, sizeof(text), "%.*s", (int)length, row);
		if (strstr(text, word) && json_number(text, "pages", &pages))
			sum += pages;
		at = row + length;
	}
	return sum;
}

/* One audit; the number of surprises, or -1 after a verdict. */
static long long surprises(struct verdict *v, const char *option)
{
	int status = holdfast(&o, "audit", "--json", option, NULL);
	long long count;

	if (!json_number(o.out, "surprises", &count)) {
		fail(v, "holdfast audit ended with %d, saying: %s", status, o.out);
		return -1;
	}
	if ((status == 0) != (count == 0)) {
		fail(v, "holdfast audit ended with %d for %lld surprises", status, count);
		return -1;
	}
	return count;
}

static void tell(void)
{
	report_begin();
	report_str("said", "audit");
	report_str("text", o.out);
	report_end();
}

/* On a machine that has just been locked. */
static void audit(struct verdict *v)
{
	struct hf_info before, after;
	long long count, text, mapped, own;

	if (ctl_info(&before))
		return fail(v, "the hypervisor does not answer");
	count = surprises(v, NULL);
	if (count < 0)
		return;
	tell();
	text = pages_of("kernel", "\"text\"");
	mapped = pages_of("kernel", "\"pages\"");
	own = pages_of("memory", "\"hypervisor\"");
	if (count)
		return fail(v, "%lld surprises: %s", count, strstr(o.out, "\"found\""));
	if (text < TEXT_MIN || mapped < KERNEL_MIN)
		return fail(v, "only %lld pages looked at, %lld of them text", mapped, text);
	if (own * HF_PAGE_SIZE != (long long)before.memory_total)
		return fail(v, "%lld pages are the hypervisor's, of %llu bytes", own,
			    (unsigned long long)before.memory_total);
	if (ctl_info(&after) || after.events != before.events)
		return fail(v, "the audit caused an event");
	if (holdfast(&o, "audit", NULL) || !strstr(o.out, "sealed text"))
		return fail(v, "holdfast audit says: %s", o.out);
	pass(v, "%lld pages of the kernel's address space, no surprise", mapped);
}

/* The audit found @pages pages that are @what. */
static bool found(struct verdict *v, const char *what, long long pages)
{
	long long seen = pages_of("found", what);

	if (seen == pages || (pages < 0 && seen > 0))
		return true;
	fail(v, "%lld pages are found to be %s: %s", seen, what, strstr(o.out, "\"found\""));
	return false;
}

/* Memory of a module that goes is taken from the page tables some time later. */
static bool settled(struct verdict *v)
{
	long long count = -1;

	for (int i = 0; i < SETTLE; i++) {
		count = surprises(v, NULL);
		if (count <= 0)
			break;
		sleep(1);
	}
	if (count > 0)
		fail(v, "%lld surprises are left: %s", count, strstr(o.out, "\"found\""));
	return count == 0;
}

/* What an attacker leaves behind: test/attack/plant.c. The module itself came after lock, too. */
static bool planted(struct verdict *v)
{
	long long all, fewer;

	all = surprises(v, NULL);
	if (all < 0 || !found(v, "\"unsealed-code\"", 1) ||
	    !found(v, "\"hypervisor-mapped\"", 1) || !found(v, "\"absent-mapped\"", 1) ||
	    !found(v, "\"not-sealed-later\"", -1))
		return false;
	fewer = surprises(v, "--later");
	if (fewer == 3 && all > fewer && found(v, "\"not-sealed-later\"", 0))
		return true;
	if (fewer >= 0)
		fail(v, "%lld surprises, %lld of them without modules", all, fewer);
	return false;
}

static bool plant(struct verdict *v, const char *what)
{
	char hypervisor[64] = "", parameters[80];
	int err;

	file_read("/sys/module/holdfast/parameters/hv_pages", hypervisor, sizeof(hypervisor));
	hypervisor[strcspn(hypervisor, ":\n")] = '\0';
	snprintf(parameters, sizeof(parameters), "%s=0x%s", what, hypervisor);
	err = module_load(PLANT_MODULE, parameters);
	if (err)
		fail(v, "cannot load " PLANT_MODULE " %s: %s", parameters, strerror(-err));
	return !err;
}

static bool uproot(struct verdict *v)
{
	int err = module_unload("hf_plant");

	if (err)
		fail(v, "cannot unload hf_plant: %s", strerror(-err));
	return !err;
}

/* Not sealed, and of a kind that comes after lock: that is all. */
static bool ordinary(struct verdict *v)
{
	long long without, with = surprises(v, "--later");

	if (with < 0)
		return false;
	without = surprises(v, NULL);
	if (!with && without > 0 && pages_of("found", "\"not-sealed-later\"") > 0)
		return true;
	if (without >= 0)
		fail(v, "a module makes %lld surprises, with --later %lld", without, with);
	return false;
}

/* A module like any other, then one that leaves traces; after each all is well again. */
static void audit_finds(struct verdict *v)
{
	bool ok;

	if (!settled(v) || !plant(v, "nothing"))
		return;
	ok = ordinary(v);
	if (!uproot(v) || !ok || !settled(v) || !plant(v, "hypervisor"))
		return;
	ok = planted(v);
	if (uproot(v) && ok && settled(v))
		pass(v, "code, hypervisor memory and absent memory that somebody mapped are "
			"found");
}

/* Under action allow the attacks opened sealed pages: that is one, of text at least. */
static void audit_open(struct verdict *v)
{
	if (surprises(v, "--later") < 0 || !found(v, "\"text\"", -1))
		return;
	if (!found(v, "\"not-sealed\"", -1))
		return;
	pass(v, "%lld pages are not sealed any more", pages_of("found", "\"not-sealed\""));
}

const struct test_case audit_cases[] = {
	{ "audit", audit },
	{ "audit-finds", audit_finds },
	{ "audit-open", audit_open },
	{ NULL, NULL },
};
