/* SPDX-License-Identifier: GPL-2.0-only */
/* A service in a process in the place of a domain: all it can do is to use one stream. */
#ifndef TEST_AUTHORITY_PROCESS_H
#define TEST_AUTHORITY_PROCESS_H

#include <stdbool.h>

/* Begins anew, with nothing of what was before. */
void process_begin(void);
/* What the service is told of the machine from then on. */
void process_lock(bool locked);
void process_end(void);

#endif
