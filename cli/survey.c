// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "device.h"
#include "survey.h"

/* Of either list: more than any machine has; bounds what a forged answer can cost. */
#define RUNS_MAX (1u << 20)
/* No address space is larger. */
#define NPAGES_MAX (1ull << 52)

/* Room for one page of answers more. The list, which may have moved, or NULL. */
static void *grown(void *list, size_t count, size_t more, size_t size)
{
	return count + more > RUNS_MAX ? NULL : realloc(list, (count + more) * size);
}

/* ---- second-level tables ---- */

static bool memory_valid(const struct hf_page_run *run, uint64_t at)
{
	return run->gpa == at && run->npages && run->npages < NPAGES_MAX &&
	       run->state <= HF_PAGE_HYPERVISOR && run->kind < HF_KIND_COUNT &&
	       !((run->permission | run->due) & ~HF_PERM_ALL);
}

static bool memory_alike(const struct hf_page_run *a, const struct hf_page_run *b)
{
	return a->state == b->state && a->kind == b->kind && a->permission == b->permission &&
	       a->due == b->due;
}

/* Runs that one answer cut in two become one again. -EBADMSG. */
static int memory_add(struct survey *survey, const struct hf_page_run *run)
{
	struct hf_page_run *next = survey->memory + survey->memory_count;

	if (!memory_valid(run, survey_end(survey)))
		return -EBADMSG;
	if (survey->memory_count && memory_alike(&next[-1], run)) {
		next[-1].npages += run->npages;
		return 0;
	}
	*next = *run;
	survey->memory_count++;
	return 0;
}

/* 1: there is more; 0: this was the end; or a negative errno. */
static int memory_step(int fd, struct survey *survey)
{
	struct hf_page_run page[HF_PAGE_SIZE / sizeof(struct hf_page_run) + 1];
	uint64_t at = survey_end(survey);
	int i, error = 0, count = device_query(fd, HF_CALL_PAGES, at, page);
	void *list;

	if (count == -EINVAL && at)
		return 0;
	if (count < 0)
		return count;
	if (count == 0 || count > (int)HF_PAGE_RUNS)
		return -EBADMSG;
	list = grown(survey->memory, survey->memory_count, count, sizeof(page[0]));
	if (!list)
		return -ENOMEM;
	survey->memory = list;
	for (i = 0; i < count && !error; i++)
		error = memory_add(survey, &page[i]);
	return error ? error : 1;
}

uint64_t survey_end(const struct survey *survey)
{
	const struct hf_page_run *last;

	if (!survey->memory_count)
		return 0;
	last = &survey->memory[survey->memory_count - 1];
	return last->gpa + last->npages * HF_PAGE_SIZE;
}

const struct hf_page_run *survey_find(const struct survey *survey, uint64_t gpa)
{
	size_t low = 0, high = survey->memory_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (survey->memory[middle].gpa <= gpa)
			low = middle;
		else
			high = middle;
	}
	return &survey->memory[low];
}

/* ---- the kernel's tables ---- */

/* @from: where the request began; @next: where the following one begins, 0 for nowhere */
static bool kernel_valid(const struct hf_audit_run *run, uint64_t from, uint64_t next)
{
	uint64_t bytes = run->npages * HF_PAGE_SIZE;

	return run->npages && run->npages < NPAGES_MAX && !(run->va % HF_PAGE_SIZE) &&
	       !(run->gpa % HF_PAGE_SIZE) && run->va >= from &&
	       run->va + bytes - 1 >= run->va && (!next || run->va + bytes - 1 < next) &&
	       run->gpa + bytes - 1 >= run->gpa && run->kind < HF_KIND_COUNT &&
	       !(run->rights & ~HF_PERM_ALL);
}

/* Appends one answer, that to a request @from. */
static int kernel_add(struct survey *survey, const struct hf_ctl_audit *ctl,
		      const struct hf_audit_run *runs, uint64_t from)
{
	uint32_t i;
	void *list;

	if (!ctl->count)
		return 0;
	list = grown(survey->kernel, survey->kernel_count, ctl->count, sizeof(*runs));
	if (!list)
		return -ENOMEM;
	survey->kernel = list;
	for (i = 0; i < ctl->count; i++) {
		if (!kernel_valid(&runs[i], from, ctl->va))
			return -EBADMSG;
		survey->kernel[survey->kernel_count++] = runs[i];
		from = runs[i].va + runs[i].npages * HF_PAGE_SIZE;
		/* After the very last page nothing can follow. */
		if (!from && i + 1 < ctl->count)
			return -EBADMSG;
	}
	return 0;
}

static int kernel_step(int fd, struct survey *survey, uint64_t *at)
{
	struct hf_audit_run page[HF_AUDIT_RUNS];
	struct hf_ctl_audit ctl = {
		.size = sizeof(ctl),
		.va = *at,
		.buffer = (uintptr_t)page,
	};
	int error;

	if (ioctl(fd, HF_CTL_AUDIT, &ctl) < 0)
		return -errno;
	if (ctl.count > HF_AUDIT_RUNS || (ctl.va && ctl.va <= *at))
		return -EBADMSG;
	error = kernel_add(survey, &ctl, page, *at);
	*at = ctl.va;
	return error;
}

int survey_take(int fd, struct survey *survey)
{
	uint64_t at = 0;
	int more, error;

	memset(survey, 0, sizeof(*survey));
	do {
		error = kernel_step(fd, survey, &at);
	} while (!error && at);
	if (error)
		return error;
	do {
		more = memory_step(fd, survey);
	} while (more > 0);
	return more;
}

void survey_free(struct survey *survey)
{
	free(survey->kernel);
	free(survey->memory);
}
