/* SPDX-License-Identifier: GPL-2.0-only */
/* Doubles of what lies above hv/lib and hv/mem, for tests of those layers alone. */
#ifndef TEST_UNIT_DOUBLE_H
#define TEST_UNIT_DOUBLE_H

#include <hv/types.h>

/* How often somebody waiting has polled for shoot-downs. */
extern u64 double_polls; /* atomic */

#endif
