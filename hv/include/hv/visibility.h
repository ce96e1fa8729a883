/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forced into every file of the hypervisor: also what is only declared is in the image, so that
 * every reference is relative and needs no relocation.
 */
#pragma once

#pragma GCC visibility push(hidden)
