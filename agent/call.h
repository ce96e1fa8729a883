/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls to the hypervisor, as <holdfast/hypercall.h> defines them. */
#ifndef AGENT_CALL_H
#define AGENT_CALL_H

#include <linux/types.h>

/* The call's result, or -ENODEV where nobody answers. */
long call_make(u32 number, u64 arg0, u64 arg1);

/* A call of a lock. -EIO: made to fail by a test. */
long call_early(u32 number, u64 arg0, u64 arg1);
/* HF_CALL_LOCK. May sleep. */
int call_lock(void);

/*
 * Hands over @count records of @size bytes, as many calls as they fill pages; each call gets a
 * page and how many are in it. @given grows by those that were taken. -ENOMEM, or the result of
 * the call_early() that failed.
 */
int call_give(u32 number, const void *records, size_t size, unsigned int count,
	      unsigned int *given);

#endif
