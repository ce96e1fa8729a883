/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's calls of the firmware: SMCCC (ARM DEN 0028) and PSCI (ARM DEN 0022). */
#pragma once

#include <hv/types.h>

#include "exit.h"

/* The 32 bits by which the core knows the CPU with this MPIDR: Aff3, Aff2, Aff1, Aff0. */
u32 psci_cpu_id(u64 mpidr);

/* A call that is none of ours. */
void psci_on_call(struct vcpu *v, struct el2_exit *e);
/* The core lets it through: make the call, or what takes its place. */
void psci_perform(struct vcpu *v, const struct el2_exit *e);
/* The core does not: the caller gets an error. */
void psci_refuse(struct vcpu *v, const struct el2_exit *e);
