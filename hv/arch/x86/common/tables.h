/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's second-level tables, and which of them a CPU uses. */
#pragma once

#include <hv/views.h>

#include "exit.h"

/* At launch, when pool and owner exist: every page of the guest as owner_permission says. @roots:
 * of the tables, in physical memory; where there is one view, twice the same. -ENOMEM. */
int tables_init(const struct stage2_format *format, unsigned int levels, struct hpa *roots);

/* Own CPU, with two views: from the next guest instruction on it uses this one. */
void tables_use(struct vcpu *v, enum view view);
/* The vendor's part of that. */
void tables_load(struct vcpu *v);
/*
 * Own CPU: what the tables in force refuse is a fetch at @at. Where the view of the mode that the
 * CPU is in permits it, the CPU goes over to that view, and the exit is settled.
 */
void tables_on_fetch(struct vcpu *v, struct x86_exit *e, struct gpa at);
