// SPDX-License-Identifier: GPL-2.0-only
/* What Holdfast costs. */
#include "guest.h"

const struct test_case bench_cases[] = {
	{ NULL, NULL },
};
