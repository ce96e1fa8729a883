/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Launched fake machines, ready in memory: one for each table format and action. An input gets one
 * exactly as it was after launch; no process is started for it.
 */
#ifndef TEST_FUZZ_MACHINE_H
#define TEST_FUZZ_MACHINE_H

#include <hv/arch/fake/fake.h>

#define MACHINE_CPUS 3u

/* What the fuzzer did, in a line. Defined by each, called at its end. */
void machine_report(void);
/* Be machine number @which (any number), freshly launched; the action it was launched with. */
u32 machine_become(u32 which);

#endif
