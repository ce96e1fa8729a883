/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HF_ATTACK_FEATURE_H
#define HF_ATTACK_FEATURE_H

#include <linux/types.h>

/*
 * Has the machine what an attack is about? "EFI", "edu" (QEMU's teaching device), "display",
 * "services" (the hypervisor can host them), or a feature of the CPU: asked of CPUID itself,
 * because the kernel may have been told not to use it. A name that is not known is not there.
 */
bool feature_present(const char *name);

#endif
