/* SPDX-License-Identifier: GPL-2.0-only */
/* All that an audit looks at, asked for once: the kernel's page tables and the hypervisor's. */
#ifndef CLI_SURVEY_H
#define CLI_SURVEY_H

#include <stddef.h>
#include <stdint.h>

#include <holdfast/ctl.h>
#include <holdfast/hypercall.h>

/*
 * @kernel:	what the kernel has mapped, by ascending address, disjoint
 * @memory:	guest-physical memory from 0 on, without gaps, to the end of what the
 *		second-level tables translate
 */
struct survey {
	struct hf_audit_run *kernel;
	struct hf_page_run *memory;
	size_t kernel_count;
	size_t memory_count;
};

/* Both lists; 0 or a negative errno. -EBADMSG: an answer contradicts the contract. */
int survey_take(int fd, struct survey *survey);
void survey_free(struct survey *survey);

/* Guest-physical addresses below this have a run. */
uint64_t survey_end(const struct survey *survey);
/* The run that holds @gpa, which is below survey_end. */
const struct hf_page_run *survey_find(const struct survey *survey, uint64_t gpa);

#endif
