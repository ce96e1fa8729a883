// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleep is a call of the firmware, which the hypervisor refuses and does not announce. Hibernation
 * would bring back an image that nobody has checked.
 */
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "sleep.h"

static int refuse(struct notifier_block *block, unsigned long action, void *unused)
{
	if (action != PM_HIBERNATION_PREPARE && action != PM_RESTORE_PREPARE)
		return NOTIFY_DONE;
	return notifier_from_errno(-EPERM);
}

/* First of all, so that there is nothing for the others to undo. */
static struct notifier_block sleep_notifier = { .notifier_call = refuse, .priority = INT_MAX };

int sleep_refuse(void)
{
	return register_pm_notifier(&sleep_notifier);
}

void sleep_permit(void)
{
	unregister_pm_notifier(&sleep_notifier);
}
