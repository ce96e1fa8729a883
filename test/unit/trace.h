/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forced into stage2.c for its own test: every store to a table passes through the test, which
 * sees in what order tables are filled, published and broken.
 */
#ifndef TEST_UNIT_TRACE_H
#define TEST_UNIT_TRACE_H

#include <stdint.h>

void trace_store(uint64_t *entry, uint64_t value);

#define __atomic_store_n(entry, value, order) trace_store(entry, value)

#endif
