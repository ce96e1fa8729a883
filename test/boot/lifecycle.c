// SPDX-License-Identifier: GPL-2.0-only
/* Launch and lock in every wrong order and on every wrong machine. */
#include "guest.h"

const struct test_case lifecycle_cases[] = {
	{ NULL, NULL },
};
