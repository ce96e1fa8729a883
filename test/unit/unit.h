/* SPDX-License-Identifier: GPL-2.0-only */
/* What every unit test includes: cmocka, the fake machine, random numbers. */
#ifndef TEST_UNIT_UNIT_H
#define TEST_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <hv/arch/fake/fake.h>
#include <hv/types.h>

/* Start the sequence anew, from HF_SEED or 1, and say which; @what names the test. */
void unit_seed(const char *what);
u64 unit_random(void);
/* 0 .. n - 1 */
u64 unit_below(u64 n);

/* A fake machine with pool, owner and tables as launch_init would leave them. */
struct hf_boot *unit_memory(const struct stage2_format *format);

/* One page of the image, so that page 0 of the pool is not free. */
#define UNIT_IMAGE PAGE_SIZE

#endif
