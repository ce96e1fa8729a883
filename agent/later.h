/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel would run after lock and nobody has verified. */
#ifndef AGENT_LATER_H
#define AGENT_LATER_H

#include <linux/types.h>

/* Whether the lock will leave nothing but sealed code executable in kernel mode, and deny the
 * rest. Asks the hypervisor; -ENOMEM. */
int later_confined(bool *confined);

/* Before a lock that does: a notifier, which lets everything pass. */
int later_prepare(void);
/* Locked: from now on the honest kernel does not try. */
void later_close(void);
/* As before: the lock has failed. */
void later_permit(void);

#endif
