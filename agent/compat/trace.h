/* SPDX-License-Identifier: GPL-2.0-only */
/* Function tracing: what ftrace patches. */
#ifndef AGENT_COMPAT_TRACE_H
#define AGENT_COMPAT_TRACE_H

#include <holdfast/site.h>

/*
 * Calls @fn for each call of a tracer, in the kernel's own trampolines and in those that it made
 * for one tracer each, until it returns other than 0; returns that. Under trace_hold().
 */
int trace_each_call(int (*fn)(unsigned long va, void *arg), void *arg);

/*
 * What the kernel makes for one tracer each. @which: of TRACE_TEMPLATES. -ENOSPC: too long.
 */
#define TRACE_TEMPLATES 2
int trace_template(unsigned int which, struct hf_template *template);

/* No tracer comes or goes. */
void trace_hold(void);
void trace_release(void);

#endif
