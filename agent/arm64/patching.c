// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's patching of itself is not described here yet: every store to its code is refused. */
#include <holdfast/hypercall.h>

#include "call.h"
#include "compat/probes.h"
#include "patching.h"

void patching_hold(void)
{
}

void patching_release(void)
{
}

/* Breakpoints do not become jumps here: nobody need be told that they no longer do. */
bool probes_close(bool optimise)
{
	return optimise;
}

void probes_open(void)
{
}

int patching_find(struct patching *patching, const struct ranges *ranges)
{
	return 0;
}

/* The policies are told, so that they can be asked for. */
int patching_register(struct patching *patching, u32 *call)
{
	unsigned int given = 0;

	*call = HF_CALL_PATCHING;
	return call_give(*call, &patching->policy, sizeof(patching->policy), 1, &given);
}
