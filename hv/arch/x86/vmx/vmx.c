// SPDX-License-Identifier: GPL-2.0-only
/* What all CPUs of the machine share. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/pool.h>
#include <hv/string.h>

#include "../common/msrs.h"
#include "../common/serial.h"
#include "../common/sysreg.h"
#include "../common/tables.h"
#include "ept.h"
#include "mtrr.h"
#include "probe.h"
#include "vmx.h"

struct vmx vmx;

const char *backend_name(void)
{
	return "vmx";
}

/* ---- permission maps ---- */

#define MSR_HIGH      0xc0000000u
#define MSR_RANGE     0x2000u /* MSRs in each part */
#define MSR_MAP_HIGH  1024u   /* bytes: where the part of the high ones begins */
#define MSR_MAP_WRITE 2048u   /* and where those of writes do */

/*
 * A bit an MSR: reads of low ones, of high ones, writes of low, of high: SDM vol. 3, 25.6.9. An MSR
 * in no part always exits. Yields the number of its bit among reads; false: in no part.
 */
static bool msr_bit(u32 msr, u32 *bit)
{
	if (msr < MSR_RANGE)
		*bit = msr;
	else if (msr - MSR_HIGH < MSR_RANGE)
		*bit = MSR_MAP_HIGH * 8 + msr - MSR_HIGH;
	else
		return false;
	return true;
}

void intercept_msr(u32 msr, bool read, bool write)
{
	u32 bit;

	if (!msr_bit(msr, &bit))
		return;
	for (u32 i = 0; i < 2; i++) {
		u8 *map = (i ? vmx.msr_map_locked : vmx.msr_map) + bit / 8;

		map[0] |= (u8)read << bit % 8;
		map[MSR_MAP_WRITE] |= (u8)write << bit % 8;
	}
}

static void lock_msrs(void)
{
	const struct msr_range *free;
	u32 count, msr, bit;

	memset(vmx.msr_map_locked + MSR_MAP_WRITE, 0xff, PAGE_SIZE - MSR_MAP_WRITE);
	free = msrs_free_ranges(&count);
	for (u32 i = 0; i < count; i++)
		for (msr = free[i].first; msr <= free[i].last; msr++)
			if (msr_bit(msr, &bit))
				vmx.msr_map_locked[MSR_MAP_WRITE + bit / 8] &=
					(u8) ~(1u << bit % 8);
}

static int maps_init(const struct hf_boot *boot)
{
	vmx.msr_map = pool_page();
	vmx.msr_map_locked = pool_page();
	platform.iopm = pool_contiguous(2); /* SDM vol. 3, 25.6.4 */
	if (!vmx.msr_map || !vmx.msr_map_locked || !platform.iopm)
		return -HF_ENOMEM;
	vmx.msr_map_pa = pool_hpa(vmx.msr_map).raw;
	vmx.msr_map_locked_pa = pool_hpa(vmx.msr_map_locked).raw;
	vmx.io_map_pa = pool_hpa(platform.iopm).raw;
	lock_msrs();
	/* Reads too: the guest is told that firmware has switched VMX off. */
	intercept_msr(MSR_FEATURE_CTL, true, true);
	intercept_msr(MSR_EFER, false, true);
	/* What takes addresses that EPT does not translate, or that mean others to us. */
	for (u32 msr = 0; msr < MSR_RANGE; msr++)
		if (msrs_register(msr) == REG_RTIT || msrs_register(msr) == REG_PATCH_LOADER)
			intercept_msr(msr, false, true);
	port_init(boot);
	return 0;
}

/* ---- second-level tables ---- */

static int ept_tables_init(void)
{
	const struct stage2_format *format = vmx.secondary & SECONDARY_MODES ? &ept_modes_format
									     : &ept_format;
	struct hpa roots[VIEWS];
	int error = mtrr_init();

	if (!error)
		error = tables_init(format, EPT_LEVELS, roots);
	for (u32 i = 0; i < VIEWS && !error; i++)
		vmx.ept_pointer[i] = ept_pointer(roots[i]);
	return error;
}

int backend_init(const struct hf_boot *boot)
{
	int error;

	sysreg_init(probe_cr4());
	error = host_init();
	if (error)
		return error;
	serial_init(boot->serial_port);
	platform.serial_port = boot->serial_port;
	platform.self_check = boot->flags & HF_BOOT_SELF_CHECK;
	error = maps_init(boot);
	if (!error)
		error = device_init(boot);
	return error ? error : ept_tables_init();
}
