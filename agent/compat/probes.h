/* SPDX-License-Identifier: GPL-2.0-only */
/* Breakpoints of kprobes, and the jumps that they are optimised to. */
#ifndef AGENT_COMPAT_PROBES_H
#define AGENT_COMPAT_PROBES_H

#include <holdfast/site.h>

/*
 * Calls @fn for each probe that is in the code now, but for those that trace a function's start,
 * until it returns other than 0; returns that. Under probes_hold() and with code at rest.
 */
int probes_each(int (*fn)(const struct hf_probe *probe, void *arg), void *arg);

/* Calls @fn for each piece of code that must not be probed, in no order. Likewise. */
int probes_each_forbidden(int (*fn)(unsigned long start, unsigned long end, void *arg),
			  void *arg);

/* No probe comes or goes. */
void probes_hold(void);
void probes_release(void);

/* What a breakpoint that is optimised jumps to. -ENOSPC: too long. */
#define PROBES_TEMPLATES 1
int probes_template(struct hf_template *template);

/*
 * From here on, or until probes_open(), pages with copies of probed instructions take no more of
 * them: the kernel gets itself further pages. With @optimise those that optimised breakpoints jump
 * to have a page each, if none is in use now; otherwise breakpoints are no longer optimised, which
 * would happen in the background. Whether they are. Under probes_hold().
 */
bool probes_close(bool optimise);
void probes_open(void);

#endif
