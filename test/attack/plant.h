/* SPDX-License-Identifier: GPL-2.0-only */
/* Traces in the page tables that an audit must find. */
#ifndef HF_ATTACK_PLANT_H
#define HF_ATTACK_PLANT_H

/* 0 or a negative errno. */
int plant_all(void);
void plant_remove(void);

#endif
