// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit's questions, to an agent and a hypervisor that answer as the contract says and as it
 * does not: the kernel in between may be hostile.
 */
#include <errno.h>
#include <string.h>
#include "unit.h"
#include "../../cli/device.h"
#include "../../cli/survey.h"

#define PAGES_MAX 3 /* answers of either */

/* What is answered: one array for each request, and how many of it. */
static struct {
	struct hf_page_run memory[PAGES_MAX][4];
	int memory_count[PAGES_MAX]; /* or a negative errno */
	unsigned int memory_asked;
	u64 memory_at[PAGES_MAX];
	struct hf_audit_run kernel[PAGES_MAX][4];
	u32 kernel_count[PAGES_MAX];
	u64 kernel_next[PAGES_MAX];
	int kernel_error;
	unsigned int kernel_asked;
	u64 kernel_at[PAGES_MAX];
} reply;

int device_query(int fd, uint32_t call, uint64_t arg, void *answer)
{
	unsigned int i = reply.memory_asked++;

	assert_int_equal(fd, 7);
	assert_int_equal(call, HF_CALL_PAGES);
	assert_in_range(i, 0, PAGES_MAX - 1);
	memset(answer, 0x5a, HF_PAGE_SIZE);
	memcpy(answer, reply.memory[i], sizeof(reply.memory[i]));
	reply.memory_at[i] = arg;
	return reply.memory_count[i];
}

int ioctl(int fd, unsigned long request, ...)
{
	unsigned int i = reply.kernel_asked++;
	struct hf_ctl_audit *ctl;
	va_list args;

	va_start(args, request);
	ctl = va_arg(args, struct hf_ctl_audit *);
	va_end(args);
	assert_int_equal(fd, 7);
	assert_int_equal(request, HF_CTL_AUDIT);
	assert_int_equal(ctl->size, sizeof(*ctl));
	assert_int_equal(ctl->count, 0);
	assert_in_range(i, 0, PAGES_MAX - 1);
	if (reply.kernel_error) {
		errno = reply.kernel_error;
		return -1;
	}
	memcpy((void *)(uintptr_t)ctl->buffer, reply.kernel[i], sizeof(reply.kernel[i]));
	reply.kernel_at[i] = ctl->va;
	ctl->count = reply.kernel_count[i];
	ctl->va = reply.kernel_next[i];
	return 0;
}

#define KERNEL 0xffffffff80000000ull

/* Answers in order: two runs of the kernel in two requests, 16 pages of memory in two. */
static void honest(void)
{
	memset(&reply, 0, sizeof(reply));
	reply.kernel[0][0] = (struct hf_audit_run){ KERNEL, 0x1000, 2, HF_PERM_READ, 0 };
	reply.kernel_count[0] = 1;
	reply.kernel_next[0] = KERNEL + 0x10000;
	reply.kernel[1][0] =
		(struct hf_audit_run){ -(u64)HF_PAGE_SIZE, 0x5000, 1, HF_PERM_READ, 0 };
	reply.kernel_count[1] = 1;
	reply.memory[0][0] =
		(struct hf_page_run){ .gpa = 0, .npages = 4, .state = HF_PAGE_GUEST };
	reply.memory[0][1] =
		(struct hf_page_run){ .gpa = 0x4000, .npages = 4, .state = HF_PAGE_DEVICE };
	reply.memory_count[0] = 2;
	reply.memory[1][0] =
		(struct hf_page_run){ .gpa = 0x8000, .npages = 4, .state = HF_PAGE_DEVICE };
	reply.memory[1][1] =
		(struct hf_page_run){ .gpa = 0xc000, .npages = 4, .state = HF_PAGE_GUEST };
	reply.memory_count[1] = 2;
	reply.memory_count[2] = -EINVAL;
}

static void take(int expected)
{
	struct survey survey;

	assert_int_equal(survey_take(7, &survey), expected);
	survey_free(&survey);
}

static void honest_answers(void **ctx)
{
	struct survey survey;

	(void)ctx;
	honest();
	assert_int_equal(survey_take(7, &survey), 0);
	assert_int_equal(survey.kernel_count, 2);
	assert_int_equal(survey.kernel[1].va, -(u64)HF_PAGE_SIZE);
	assert_int_equal(reply.kernel_at[0], 0);
	assert_int_equal(reply.kernel_at[1], KERNEL + 0x10000);
	/* Cut in two by the end of an reply, whole again. */
	assert_int_equal(survey.memory_count, 3);
	assert_int_equal(survey.memory[1].npages, 8);
	assert_int_equal(survey_end(&survey), 0x10000);
	assert_int_equal(reply.memory_at[1], 0x8000);
	assert_int_equal(reply.memory_at[2], 0x10000);
	for (u64 at = 0; at < 0x10000; at += HF_PAGE_SIZE) {
		const struct hf_page_run *run = survey_find(&survey, at);

		assert_true(run->gpa <= at && at < run->gpa + run->npages * HF_PAGE_SIZE);
	}
	survey_free(&survey);
}

static void errors_are_handed_on(void **ctx)
{
	(void)ctx;
	honest();
	reply.kernel_error = ENOENT;
	take(-ENOENT);
	honest();
	reply.memory_count[1] = -ENODEV;
	take(-ENODEV);
	/* No memory at all is no end. */
	honest();
	reply.memory_count[0] = -EINVAL;
	take(-EINVAL);
}

#define FORGED(member, value)           \
	do {                            \
		honest();               \
		reply.member = (value); \
		take(-EBADMSG);         \
	} while (0)

static void forged_answers(void **ctx)
{
	(void)ctx;
	FORGED(memory_count[0], 0);
	FORGED(memory_count[0], 171);
	FORGED(memory[0][0].gpa, 0x1000);
	FORGED(memory[0][0].npages, 0);
	FORGED(memory[0][0].npages, 1ull << 52);
	FORGED(memory[0][0].npages, ~0ull);
	FORGED(memory[0][1].gpa, 0);
	FORGED(memory[0][1].state, HF_PAGE_HYPERVISOR + 1);
	FORGED(memory[0][1].kind, HF_KIND_COUNT);
	FORGED(memory[0][1].permission, 0x10);
	FORGED(memory[0][1].due, 0x80);
	FORGED(memory[1][0].gpa, 0);
	FORGED(kernel_count[0], HF_AUDIT_RUNS + 1);
	FORGED(kernel_next[1], KERNEL); /* back to where it was */
	FORGED(kernel[0][0].npages, 0);
	FORGED(kernel[0][0].npages, ~0ull);
	FORGED(kernel[0][0].npages, 17); /* beyond where the next answer begins */
	FORGED(kernel[0][0].va, KERNEL + 1);
	FORGED(kernel[0][0].gpa, 1);
	FORGED(kernel[0][0].gpa, -(u64)HF_PAGE_SIZE);
	FORGED(kernel[0][0].rights, 0x10);
	FORGED(kernel[0][0].kind, HF_KIND_COUNT);
	FORGED(kernel[1][0].va, KERNEL);
	FORGED(kernel[1][0].npages, 2); /* wraps */
	FORGED(kernel_count[1], 2);	/* something after the last page */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(honest_answers),
		cmocka_unit_test(errors_are_handed_on),
		cmocka_unit_test(forged_answers),
	};

	return cmocka_run_group_tests_name("cli_survey", tests, NULL, NULL);
}
