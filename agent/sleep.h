/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef AGENT_SLEEP_H
#define AGENT_SLEEP_H

#include <holdfast/image.h>

/* Record the stores that put this machine to sleep; none where the kernel runs without ACPI. */
void sleep_describe(struct hf_boot *boot);

/* From now on the honest kernel does not try: suspend and hibernation fail with -EPERM. */
int sleep_refuse(void);

/* As before: the launch has failed. */
void sleep_permit(void);

#endif
