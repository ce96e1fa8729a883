/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CPU that INIT takes away, and brought back: the kernel would wait for a lost one for ever,
 * and taking it out of service first patches kernel text, which is refused after lock.
 */
#ifndef HF_ATTACK_RESUME_H
#define HF_ATTACK_RESUME_H

#include <linux/types.h>

/*
 * Take cpu, the last one, out of the scheduler's hands, its state saved. 0 or errno. Until
 * resume_return nothing else runs on the CPU of the caller, because it might wait for the
 * other.
 */
int resume_hold(unsigned int cpu);

/* Whether the CPU that resume_hold took runs no more. */
bool resume_stopped(void);

/*
 * Let the CPU that resume_hold took go on. lost: it has been reset since, and is started again
 * by the kernel's own start-up code, as it is if it does not go on by itself. 0 or -ETIMEDOUT.
 */
int resume_return(bool lost);

#endif
