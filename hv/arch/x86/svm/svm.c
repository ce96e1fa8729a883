// SPDX-License-Identifier: GPL-2.0-only
/* What all CPUs of the machine share. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include <hv/string.h>

#include "../common/apic.h"
#include "../common/exit.h"
#include "../common/host.h"
#include "../common/msrs.h"
#include "../common/serial.h"
#include "../common/sysreg.h"
#include "../common/tables.h"
#include "npt.h"
#include "vcpu.h"

struct svm svm;

const char *backend_name(void)
{
	return "svm";
}

/* ---- permission maps ---- */

#define MSRPM_BLOCK	2048ull /* bytes */
#define MSRPM_BLOCKS	3u
#define MSRPM_ALL_WRITE 0xaa

/*
 * Two bits an MSR, read then write, in three blocks of 2 KiB: APM vol. 2, 15.11. An MSR in no block
 * always exits. Yields the number of its first bit; false: in no block.
 */
static bool msrpm_bit(u32 msr, u64 *bit)
{
	static const u32 first[MSRPM_BLOCKS] = { 0, 0xc0000000, 0xc0010000 };

	for (u32 i = 0; i < MSRPM_BLOCKS; i++) {
		if (msr - first[i] >= MSRPM_BLOCK * 4)
			continue;
		*bit = i * MSRPM_BLOCK * 8 + (msr - first[i]) * 2ull;
		return true;
	}
	return false;
}

void intercept_msr(u32 msr, bool read, bool write)
{
	u8 bits = (read ? 1 : 0) | (write ? 2 : 0);
	u64 bit;

	if (!msrpm_bit(msr, &bit))
		return;
	svm.msrpm[bit / 8] |= bits << (bit % 8);
	svm.msrpm_locked[bit / 8] |= bits << (bit % 8);
}

static void lock_msrs(void)
{
	const struct msr_range *free;
	u32 count, msr;
	u64 bit;

	memset(svm.msrpm_locked, MSRPM_ALL_WRITE, MSRPM_BLOCKS * MSRPM_BLOCK);
	free = msrs_free_ranges(&count);
	for (u32 i = 0; i < count; i++)
		for (msr = free[i].first; msr <= free[i].last; msr++)
			if (msrpm_bit(msr, &bit))
				svm.msrpm_locked[bit / 8] &= (u8) ~(2u << (bit % 8));
}

static int maps_init(const struct hf_boot *boot)
{
	svm.msrpm = pool_contiguous(2);
	svm.msrpm_locked = pool_contiguous(2);
	platform.iopm = pool_contiguous(4); /* 12 KiB and a bit: APM vol. 2, 15.10.1 */
	if (!svm.msrpm || !svm.msrpm_locked || !platform.iopm)
		return -HF_ENOMEM;
	svm.msrpm_pa = pool_hpa(svm.msrpm).raw;
	svm.msrpm_locked_pa = pool_hpa(svm.msrpm_locked).raw;
	svm.iopm_pa = pool_hpa(platform.iopm).raw;
	lock_msrs();
	/* Reads too: the guest must not see that SVM is on, nor where its host state is kept. */
	intercept_msr(MSR_EFER, true, true);
	intercept_msr(MSR_VM_CR, true, true);
	intercept_msr(MSR_VM_HSAVE_PA, true, true);
	port_init(boot);
	return 0;
}

/* ---- second-level tables ---- */

/* The tables' depth is that of the hypervisor's own paging: APM vol. 2, 15.25.3. */
static int npt_init(void)
{
	bool gmet = (platform.features & HF_FEATURE_EXEC_SPLIT) && !platform.two_tables;

	svm.nested_control = NESTED_PAGING | (gmet ? NESTED_GMET : 0);
	return tables_init(gmet ? &npt_gmet_format : &npt_format, read_cr4() & CR4_LA57 ? 5 : 4,
			   svm.npt_root);
}

int backend_init(const struct hf_boot *boot)
{
	int error;

	sysreg_init(0);
	restart_init();
	error = host_init();
	if (error)
		return error;
	serial_init(boot->serial_port);
	platform.serial_port = boot->serial_port;
	platform.self_check = boot->flags & HF_BOOT_SELF_CHECK;
	error = maps_init(boot);
	if (!error)
		error = device_init(boot);
	return error ? error : npt_init();
}
