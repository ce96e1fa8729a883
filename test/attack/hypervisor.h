/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the hypervisor is, as its agent tells root. */
#ifndef HF_ATTACK_HYPERVISOR_H
#define HF_ATTACK_HYPERVISOR_H

#define HYPERVISOR_RUNS 64

struct hypervisor_memory {
	unsigned int count; /* 0: not launched */
	struct {
		unsigned long pfn, pages;
	} run[HYPERVISOR_RUNS];
};

/* 0, or a negative errno where no agent is loaded. */
int hypervisor_find(struct hypervisor_memory *memory);

struct attempt;

/*
 * Have the agent launch: with the action "allow", which an attacker would like to have. What the
 * agent answered; -ENXIO: it could not be asked.
 */
long hypervisor_launch(struct attempt *t);

/* At unloading: end what an attack keeps running. */
void hypervisor_exit(void);

#endif
