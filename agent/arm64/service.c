// SPDX-License-Identifier: GPL-2.0-only
/* The hypervisor of this architecture hosts no services yet. */
#include <linux/errno.h>

#include "authority.h"
#include "service.h"

int service_load(const struct hf_ctl_service *ctl)
{
	(void)ctl;
	return -ENODEV;
}

int service_call(const struct hf_ctl_request *ctl)
{
	(void)ctl;
	return -ENODEV;
}

int authority_record(const u32 *entry, unsigned int count)
{
	(void)entry;
	(void)count;
	return 0;
}

void authority_begin(void)
{
}
