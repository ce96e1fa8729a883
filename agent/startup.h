/* SPDX-License-Identifier: GPL-2.0-only */
/* How the kernel starts CPUs, and what of the firmware's list of CPUs it uses. */
#ifndef AGENT_STARTUP_H
#define AGENT_STARTUP_H

#include <holdfast/image.h>

/*
 * HF_REASON_NONE if every CPU that firmware lists is one of the kernel's, online, and no other can
 * come later. The caller holds the CPU hotplug lock.
 */
enum hf_reason startup_check(void);

/* Fills startup and io_apic. */
enum hf_reason startup_describe(struct hf_boot *boot);

/* After launch: may CPUs be taken down and started again? May sleep. */
bool startup_allow_hotplug(void);

#endif
