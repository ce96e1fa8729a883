/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's CPUs. Callers hold the CPU hotplug lock. */
#ifndef AGENT_CPU_H
#define AGENT_CPU_H

#include <holdfast/image.h>

/* HF_REASON_NONE if an image of @backend may be started on all CPUs. */
enum hf_reason cpu_check(enum hf_backend backend);

/* Fills cpu_count and cpu_id, in ascending order of Linux' CPU numbers. */
void cpu_describe(struct hf_boot *boot);

/* Index into cpu_id of the CPU that runs this; it cannot migrate meanwhile. */
unsigned int cpu_index(void);

#endif
