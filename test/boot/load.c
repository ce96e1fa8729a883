// SPDX-License-Identifier: GPL-2.0-only
/* Everyday work, which must cause no violation and no exit. */
#include "guest.h"

const struct test_case load_cases[] = {
	{ NULL, NULL },
};
