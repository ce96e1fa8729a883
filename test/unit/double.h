/* SPDX-License-Identifier: GPL-2.0-only */
/* Doubles of what lies above hv/lib and hv/mem, for tests of those layers alone. */
#ifndef TEST_UNIT_DOUBLE_H
#define TEST_UNIT_DOUBLE_H

#include <hv/types.h>

/* How often somebody waiting has polled for shoot-downs. */
extern u64 double_polls; /* atomic */
/* Shoot-downs demanded: there are no CPUs to answer. */
extern u64 double_shootdowns;
/* Whether tables waited for the last one to end. */
extern bool double_limbo;

#endif
