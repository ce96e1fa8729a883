/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forced into every file of the hypervisor: also what is only declared is in the image, so that
 * every reference is relative and needs no relocation.
 */
#ifndef HV_VISIBILITY_H
#define HV_VISIBILITY_H

#pragma GCC visibility push(hidden)

#endif
