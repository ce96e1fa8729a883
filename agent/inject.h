/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test hook: makes a launch or a lock fail at a chosen place, by module parameters that
 * only root can set. Every launch, and every lock, counts from one again.
 */
#ifndef AGENT_INJECT_H
#define AGENT_INJECT_H

#include <linux/types.h>

/* For struct hf_boot: the hypervisor does its own counting. 0: none. */
extern unsigned int inject_hv_alloc;
extern unsigned int inject_cpu;

void inject_start(void);

/* Asked before everything that may run out of memory; false: behave as if it had. */
bool inject_allows(void);

/* Asked before each call of a lock (HF_CALL_*); false: behave as if it had been refused. */
bool inject_allows_call(u32 number);

#endif
