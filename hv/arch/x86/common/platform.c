// SPDX-License-Identifier: GPL-2.0-only
#include <holdfast/hypercall.h>
#include <hv/backend.h>

#include "vcpu.h"

#define LEAF_ADDRESS_SIZE 0x80000008

/* Tables for more cost more than they are worth; what is above does not exist for the guest. */
#define ADDRESS_BITS_MAX 48

struct platform platform;

u32 backend_features(void)
{
	return platform.features;
}

u32 platform_address_bits(void)
{
	return cpuid(LEAF_ADDRESS_SIZE, 0).eax & 0xff;
}

/* The kernel sets the bit wherever there is one, and the lock keeps it. */
void platform_umip(const struct hf_boot *boot)
{
	platform.umip = !(boot->flags & HF_BOOT_UMIP_OFF);
	platform.features |= read_cr4() & CR4_UMIP ? HF_FEATURE_UMIP : 0;
}

struct gpa backend_gpa_limit(void)
{
	u32 bits = platform_address_bits();

	return gpa(BIT(bits < ADDRESS_BITS_MAX ? bits : ADDRESS_BITS_MAX));
}
