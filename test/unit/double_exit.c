// SPDX-License-Identifier: GPL-2.0-only
/* What exits call where no device is guarded, no page sealed, and no CPU restarted. */
#include <hv/arch/x86/common/exit.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/shootdown.h>
#include <hv/startup.h>

void shootdown_entered(struct cpu *c, bool flushing)
{
	(void)c;
	(void)flushing;
}

bool startup_sync(struct cpu *c)
{
	(void)c;
	return false;
}

u64 backend_register_read(struct cpu *c, u32 reg)
{
	(void)c;
	(void)reg;
	return 0;
}

struct page owner_page(struct gpa address)
{
	(void)address;
	return (struct page){ 0 };
}

const u8 owner_kinds[HF_KIND_COUNT];

void device_on_store(struct vcpu *v, struct x86_exit *e, struct gpa at)
{
	(void)v;
	(void)e;
	(void)at;
}

bool device_on_msr(struct vcpu *v, struct x86_exit *e)
{
	(void)v;
	(void)e;
	return false;
}

bool device_perform(struct vcpu *v, const struct x86_exit *e)
{
	(void)v;
	(void)e;
	return false;
}

void device_cpu_init(struct vcpu *v)
{
	(void)v;
}

int launch_arrive(struct cpu *c, int error)
{
	(void)c;
	return error;
}
