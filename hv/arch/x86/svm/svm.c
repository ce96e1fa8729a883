// SPDX-License-Identifier: GPL-2.0-only
/* What all CPUs of the machine share. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include <hv/string.h>

#include "../common/apic.h"
#include "../common/host.h"
#include "../common/sysreg.h"
#include "../common/serial.h"
#include "npt.h"
#include "vcpu.h"

struct svm svm;

static struct stage2 npt;

const char *backend_name(void)
{
	return "svm";
}

/* ---- permission maps ---- */

/*
 * Two bits an MSR, read then write, in three blocks of 2 KiB: APM vol. 2, 15.11. An MSR in no block
 * always exits.
 */
void msrpm_set(u32 msr, bool read, bool write)
{
	u32 block = msr >> 13 == 0 ? 0 : msr >> 13 == 0xc0000000 >> 13 ? 1 : 2;
	u32 bit = (msr & 0x1fff) * 2;
	u8 bits = (read ? 1 : 0) | (write ? 2 : 0);

	__atomic_fetch_or(&svm.msrpm[block * 2048 + bit / 8], bits << (bit % 8),
			  __ATOMIC_RELAXED);
}

static int maps_init(void)
{
	u32 port;

	svm.msrpm = pool_contiguous(2);
	svm.iopm = pool_contiguous(4); /* 12 KiB and a bit: APM vol. 2, 15.10.1 */
	if (!svm.msrpm || !svm.iopm)
		return -HF_ENOMEM;
	svm.msrpm_pa = pool_hpa(svm.msrpm).raw;
	svm.iopm_pa = pool_hpa(svm.iopm).raw;
	/* Reads too: the guest must not see that SVM is on, nor where its host state is kept. */
	msrpm_set(MSR_EFER, true, true);
	msrpm_set(MSR_VM_CR, true, true);
	msrpm_set(MSR_VM_HSAVE_PA, true, true);
	if (svm.serial_port)
		for (port = svm.serial_port; port < svm.serial_port + SERIAL_PORTS; port++)
			svm.iopm[port / 8] |= 1 << (port % 8);
	return 0;
}

/* ---- second-level tables ---- */

static int map_run(struct gpa start, u64 npages, u32 perm, void *unused)
{
	int error = stage2_prepare(&npt, start, npages);

	(void)unused;
	if (!error)
		stage2_protect(&npt, start, npages, perm);
	return error;
}

int backend_stage2_prepare(struct gpa start, u64 npages)
{
	return stage2_prepare(&npt, start, npages);
}

void backend_stage2_protect(struct gpa start, u64 npages, u32 perm)
{
	stage2_protect(&npt, start, npages, perm);
}

void backend_stage2_merge(struct gpa start, u64 npages)
{
	stage2_merge(&npt, start, npages);
}

void backend_stage2_reclaim(void)
{
	stage2_reclaim(&npt);
}

u32 backend_stage2_permission(struct gpa page)
{
	return stage2_permission(&npt, page, NULL);
}

/* The tables' depth is that of the hypervisor's own paging: APM vol. 2, 15.25.3. */
static int npt_init(void)
{
	unsigned int levels = read_cr4() & CR4_LA57 ? 5 : 4;
	int error = stage2_init(&npt, &npt_format, levels, backend_gpa_limit().raw);

	if (error)
		return error;
	svm.npt_root = pool_hpa(npt.root).raw;
	return owner_for_each_run(backend_gpa_limit(), map_run, NULL);
}

int backend_init(const struct hf_boot *boot)
{
	int error;

	sysreg_init();
	restart_init();
	error = host_init();
	if (error)
		return error;
	serial_init(boot->serial_port);
	svm.serial_port = boot->serial_port;
	error = maps_init();
	if (!error)
		error = device_init(boot);
	return error ? error : npt_init();
}

void backend_kick(struct cpu *cpu)
{
	apic_nmi(cpu->id);
}
