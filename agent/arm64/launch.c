// SPDX-License-Identifier: GPL-2.0-only
/* The hypervisor starts before Linux: here is only to see whether it has. */
#include <linux/errno.h>

#include <holdfast/hypercall.h>
#include <holdfast/image.h>

#include "call.h"
#include "launch.h"

bool launch_present(void)
{
	return call_make(HF_CALL_NOOP, 0, 0) == 0;
}

int launch_run(struct hf_ctl_launch *ctl)
{
	ctl->reason = HF_REASON_BOOT_ONLY;
	return -ENODEV;
}
