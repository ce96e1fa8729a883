// SPDX-License-Identifier: GPL-2.0-only
/*
 * holdfast audit: what the kernel has mapped, as whose, and what the hypervisor lets it do there.
 * The answers are put together here and judged by judge.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "judge.h"
#include "names.h"
#include "output.h"
#include "survey.h"

#define SHOWN 50u /* surprises told one by one */

/* Owners: the states, then the kinds of sealed pages. */
#define OWNERS	    (HF_PAGE_HYPERVISOR + 1 + HF_KIND_COUNT)
#define PERMISSIONS (HF_PERM_ALL + 1)

/*
 * Pages in a row that something is to be said about: @page.npages of them, the first one at
 * @page.gpa, and at @mapped.va unless @mapped.npages is 0.
 */
struct finding {
	enum judge what;
	struct hf_audit_run mapped;
	struct hf_page_run page;
};

struct audit {
	struct judge_machine machine;
	struct survey survey;
	/* Pages by owner; of addresses, by the kernel's rights, then the hypervisor's. */
	uint64_t mapped[OWNERS][PERMISSIONS][PERMISSIONS];
	uint64_t memory[OWNERS][PERMISSIONS];
	uint64_t pages[JUDGE_COUNT];
	struct finding finding[SHOWN + 1]; /* the last: the newest of those not shown */
	uint64_t surprises;
	bool later_is_fine;
};

static struct audit audit;

static bool is_surprise(enum judge what)
{
	return what != JUDGE_FINE && !(what == JUDGE_LATER && audit.later_is_fine);
}

/* Where the pages of a finding are: by address, if they have one, as frames may be in any order. */
static uint64_t place_of(const struct finding *f)
{
	return f->mapped.npages ? f->mapped.va : f->page.gpa;
}

/* Neighbours with the same finding are one. */
static bool continues(const struct finding *f, const struct finding *last)
{
	return f->what == last->what && f->mapped.kind == last->mapped.kind &&
	       f->mapped.rights == last->mapped.rights && f->page.state == last->page.state &&
	       f->page.kind == last->page.kind && f->page.permission == last->page.permission &&
	       f->page.due == last->page.due && !f->mapped.npages == !last->mapped.npages &&
	       place_of(f) == place_of(last) + last->page.npages * HF_PAGE_SIZE;
}

static struct finding *slot(uint64_t surprise)
{
	return &audit.finding[surprise < SHOWN ? surprise : SHOWN];
}

static void note(const struct finding *f)
{
	audit.pages[f->what] += f->page.npages;
	if (!is_surprise(f->what))
		return;
	if (audit.surprises && continues(f, slot(audit.surprises - 1)))
		slot(audit.surprises - 1)->page.npages += f->page.npages;
	else
		*slot(audit.surprises++) = *f;
}

static unsigned int shown(void)
{
	return audit.surprises < SHOWN ? (unsigned int)audit.surprises : SHOWN;
}

static unsigned int owner_of(const struct hf_page_run *page)
{
	return page->state == HF_PAGE_SEALED ? HF_PAGE_HYPERVISOR + 1u + page->kind
					     : page->state;
}

/* ---- looking ---- */

static void look_at_memory(const struct hf_page_run *page)
{
	const struct finding f = { judge_memory(page), { 0 }, *page };

	audit.memory[owner_of(page)][page->permission] += page->npages;
	note(&f);
}

/* What the second-level tables say at @gpa, for at most so many pages. Past their end: nothing. */
static struct hf_page_run page_at(uint64_t gpa, uint64_t npages)
{
	struct hf_page_run page = { .gpa = gpa, .npages = npages, .state = HF_PAGE_ABSENT };
	uint64_t left;

	if (gpa >= survey_end(&audit.survey))
		return page;
	page = *survey_find(&audit.survey, gpa);
	left = page.npages - (gpa - page.gpa) / HF_PAGE_SIZE;
	page.gpa = gpa;
	page.npages = npages < left ? npages : left;
	return page;
}

static void look_at_mapping(const struct hf_audit_run *run)
{
	uint64_t done = 0;

	while (done < run->npages) {
		struct finding f = { .mapped = *run };

		f.page = page_at(run->gpa + done * HF_PAGE_SIZE, run->npages - done);
		f.mapped.va += done * HF_PAGE_SIZE;
		f.what = judge_mapping(&audit.machine, run, &f.page);
		audit.mapped[owner_of(&f.page)][run->rights][f.page.permission] +=
			f.page.npages;
		note(&f);
		done += f.page.npages;
	}
}

static void look(void)
{
	size_t i;

	for (i = 0; i < audit.survey.memory_count; i++)
		look_at_memory(&audit.survey.memory[i]);
	for (i = 0; i < audit.survey.kernel_count; i++)
		look_at_mapping(&audit.survey.kernel[i]);
}

/* ---- telling ---- */

/* "r-x-": read, write, execution by the kernel, by user mode. */
static const char *permission_text(uint32_t permission, char text[5])
{
	memcpy(text, "rwxu", 5);
	for (int i = 0; i < 4; i++)
		if (!(permission & 1u << i))
			text[i] = '-';
	return text;
}

/* Of a word for the owner and, if sealed, one for the kind. */
static const char *owner_text(unsigned int owner, char text[32])
{
	if (owner <= HF_PAGE_HYPERVISOR)
		snprintf(text, 32, "%s", name_page(owner));
	else
		snprintf(text, 32, "sealed %s", name_kind(owner - HF_PAGE_HYPERVISOR - 1));
	return text;
}

static void print_tables(void)
{
	char owner[32], rights[5], permission[5];

	printf("%-24s %-7s %-13s %10s\n", "kernel address space", "kernel", "second level",
	       "pages");
	for (unsigned int i = 0; i < OWNERS; i++)
		for (unsigned int j = 0; j < PERMISSIONS; j++)
			for (unsigned int k = 0; k < PERMISSIONS; k++)
				if (audit.mapped[i][j][k])
					printf("%-24s %-7s %-13s %10" PRIu64 "\n",
					       owner_text(i, owner), permission_text(j, rights),
					       permission_text(k, permission),
					       audit.mapped[i][j][k]);
	printf("\n%-24s %-7s %-13s %10s\n", "memory", "", "second level", "pages");
	for (unsigned int i = 0; i < OWNERS; i++)
		for (unsigned int k = 0; k < PERMISSIONS; k++)
			if (audit.memory[i][k])
				printf("%-24s %-7s %-13s %10" PRIu64 "\n", owner_text(i, owner),
				       "", permission_text(k, permission), audit.memory[i][k]);
}

static void print_finding(const struct finding *f)
{
	char owner[32], rights[5], permission[5], due[5];

	printf("%s: %" PRIu64 " pages at %#" PRIx64, name_judge(f->what), f->page.npages,
	       f->page.gpa);
	if (f->mapped.npages)
		printf(", in the kernel at %#" PRIx64 " %s", f->mapped.va,
		       permission_text(f->mapped.rights, rights));
	if (f->mapped.kind != HF_KIND_NONE)
		printf(" as %s", name_kind(f->mapped.kind));
	printf(": %s, second level %s, due %s\n", owner_text(owner_of(&f->page), owner),
	       permission_text(f->page.permission, permission),
	       permission_text(f->page.due, due));
}

static void print_text(void)
{
	print_tables();
	printf("\n");
	for (unsigned int i = 0; i < shown(); i++)
		print_finding(&audit.finding[i]);
	if (audit.surprises > SHOWN)
		printf("and %" PRIu64 " more\n", audit.surprises - SHOWN);
	if (!audit.machine.locked)
		printf("not locked: seals are not looked for\n");
	if (audit.pages[JUDGE_LATER])
		printf("%" PRIu64 " pages of modules and the like are not sealed\n",
		       audit.pages[JUDGE_LATER]);
	printf("%" PRIu64 " surprises\n", audit.surprises);
}

static json_t *row_json(unsigned int owner, uint32_t permission, uint64_t pages)
{
	char text[5];
	bool sealed = owner > HF_PAGE_HYPERVISOR;

	return json_pack("{s:s, s:s, s:s, s:I}", "owner",
			 name_page(sealed ? (uint32_t)HF_PAGE_SEALED : owner), "kind",
			 name_kind(sealed ? owner - HF_PAGE_HYPERVISOR - 1u : HF_KIND_NONE),
			 "second_level", permission_text(permission, text), "pages",
			 (json_int_t)pages);
}

static json_t *mapped_json(void)
{
	json_t *list = json_array(), *row;
	char rights[5];

	for (unsigned int i = 0; i < OWNERS; i++)
		for (unsigned int j = 0; j < PERMISSIONS; j++)
			for (unsigned int k = 0; k < PERMISSIONS; k++)
				if (audit.mapped[i][j][k]) {
					row = row_json(i, k, audit.mapped[i][j][k]);
					permission_text(j, rights);
					json_object_set_new(row, "kernel", json_string(rights));
					json_array_append_new(list, row);
				}
	return list;
}

static json_t *memory_json(void)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < OWNERS; i++)
		for (unsigned int k = 0; k < PERMISSIONS; k++)
			if (audit.memory[i][k])
				json_array_append_new(list, row_json(i, k, audit.memory[i][k]));
	return list;
}

static json_t *finding_json(const struct finding *f)
{
	json_t *row = row_json(owner_of(&f->page), f->page.permission, f->page.npages);
	char rights[5], due[5];

	json_object_set_new(row, "what", json_string(name_judge(f->what)));
	json_object_set_new(row, "gpa", output_hex(f->page.gpa));
	json_object_set_new(row, "due", json_string(permission_text(f->page.due, due)));
	if (!f->mapped.npages)
		return row;
	json_object_set_new(row, "va", output_hex(f->mapped.va));
	json_object_set_new(row, "kernel",
			    json_string(permission_text(f->mapped.rights, rights)));
	json_object_set_new(row, "wanted", json_string(name_kind(f->mapped.kind)));
	return row;
}

static int print_json(void)
{
	json_t *found = json_array();

	for (unsigned int i = 0; i < shown(); i++)
		json_array_append_new(found, finding_json(&audit.finding[i]));
	return output_json(json_pack("{s:I, s:I, s:b, s:o, s:o, s:o}", "surprises",
				     (json_int_t)audit.surprises, "later_pages",
				     (json_int_t)audit.pages[JUDGE_LATER], "locked",
				     (int)audit.machine.locked, "found", found, "kernel",
				     mapped_json(), "memory", memory_json()));
}

int cli_audit(const struct options *options)
{
	struct hf_info info;
	int ret = CLI_OK, err, fd = device_open_launched(options, &info);

	if (fd < 0)
		return -fd;
	audit.machine.locked = info.state == HF_STATE_LOCKED;
	audit.machine.split = info.features & HF_FEATURE_EXEC_SPLIT;
	audit.later_is_fine = options->later;
	err = survey_take(fd, &audit.survey);
	close(fd);
	if (err == -EBADMSG)
		ret = output_failure(options, CLI_FAILED, "query",
				     "the answers contradict the contract: they are forged or "
				     "the parts are of different versions");
	else if (err)
		ret = device_failure(options, "the page tables", err);
	if (ret == CLI_OK) {
		look();
		if (options->json)
			ret = print_json();
		else
			print_text();
	}
	survey_free(&audit.survey);
	return ret == CLI_OK && audit.surprises ? CLI_FAILED : ret;
}
