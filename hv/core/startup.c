// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that the guest takes down and starts again.
 *
 * cpu->pending says what is wanted of a CPU. Others set it and kick the CPU, which looks at it on
 * its way back to the guest, after shootdown_sync: CPU_DOWN takes it down, and it waits, answering
 * shoot-downs, until CPU_START is there as well. A start that finds the CPU running is ignored, as
 * hardware does. Only the CPU itself clears CPU_DOWN, when it follows both, at once.
 *
 * Why this gives an attacker nothing: he chooses when a CPU starts, but not where, nor in which
 * mode, and what was recorded at lock is in force from its first instruction on.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/panic.h>
#include <hv/protect.h>
#include <hv/shootdown.h>
#include <hv/startup.h>

static struct hf_startup entry; /* constant after launch */

void startup_init(const struct hf_startup *at)
{
	entry = *at;
}

/* ---- requests ---- */

/* In this order: a start followed in between is one from before. */
static void take_down(struct cpu *by, struct cpu *target)
{
	__atomic_fetch_and(&target->pending, ~CPU_START, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&target->pending, CPU_DOWN, __ATOMIC_SEQ_CST);
	/* The one who asks looks at its own on the way back. */
	if (target != by)
		shootdown_kick(target);
}

static u32 pending_of(const struct cpu *cpu)
{
	return __atomic_load_n(&cpu->pending, __ATOMIC_SEQ_CST);
}

static bool replace(struct cpu *cpu, u32 pending, u32 by)
{
	return __atomic_compare_exchange_n(&cpu->pending, &pending, by, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static void start_up(struct cpu *target)
{
	u32 pending;

	do
		pending = pending_of(target);
	while ((pending & CPU_DOWN) && !replace(target, pending, pending | CPU_START));
}

static struct cpu *target_of(const struct exit_device *device, u32 index)
{
	return device->targets[index / 64] >> index % 64 & 1 ? cpu_get(index) : NULL;
}

static bool names_a_cpu(const struct exit_device *device)
{
	for (u32 i = 0; i < cpu_count(); i++)
		if (target_of(device, i))
			return true;
	return false;
}

static enum verdict refuse(struct cpu *cpu, const struct exit *exit)
{
	bool memory = exit->device.request == DEVICE_MEMORY;
	const struct hf_event event = {
		.kind = memory ? HF_EVENT_MEMORY : HF_EVENT_STARTUP,
		.access = HF_ACCESS_WRITE,
		.action = HF_ACTION_DENY,
		.width = exit->device.width,
		.asset = memory ? HF_ASSET_DEVICES : HF_ASSET_RESTART,
		.va = exit->device.va.raw,
		.gpa = exit->device.gpa.raw,
		.new_value = exit->device.value,
	};

	event_record(cpu, exit, &event);
	return VERDICT_FAULT;
}

static void ask(struct cpu *by, struct cpu *target, u8 request)
{
	switch (request) {
	case DEVICE_RESET:
		take_down(by, target);
		break;
	case DEVICE_START:
		start_up(target);
		break;
	case DEVICE_NMI: /* in software, so that it and a kick cannot be mistaken for each other */
		shootdown_nmi(target);
		break;
	}
}

/* Who answers to nobody's name may be a CPU that was never entered. */
static enum verdict ask_all(struct cpu *cpu, const struct exit *exit)
{
	const struct exit_device *device = &exit->device;
	struct cpu *target;

	if (!names_a_cpu(device) ||
	    (device->request == DEVICE_START && (!entry.rip || device->place != entry.place)))
		return refuse(cpu, exit);
	for (u32 i = 0; i < cpu_count(); i++) {
		target = target_of(device, i);
		if (target)
			ask(cpu, target, device->request);
	}
	return VERDICT_SKIP;
}

/* Whatever the action: a CPU that is lost to the hypervisor is not the guest's to have. */
enum verdict startup_device(struct cpu *cpu, struct exit *exit)
{
	/* Only the kernel drives interrupt controllers. */
	if (exit->cpl != 0)
		return refuse(cpu, exit);
	switch (exit->device.request) {
	case DEVICE_STORE:
		return VERDICT_PERFORM;
	case DEVICE_NOTHING:
		return VERDICT_SKIP;
	case DEVICE_RESET:
	case DEVICE_START:
	case DEVICE_NMI:
		return ask_all(cpu, exit);
	}
	return refuse(cpu, exit);
}

/* ---- the CPU concerned ---- */

void startup_begin(struct cpu *cpu)
{
	CHECK(cpu_move(cpu, CPU_STARTING) == 0);
	/* Before lock no rule is in force that it could bend. */
	cpu->waking = protect_locked() ? CPU_WAKING : CPU_AWAKE;
	/* Linux asks about none of those that a CPU gets on its way down (exc_nmi). */
	cpu->doubts = 0;
	__atomic_fetch_and(&cpu->pending, ~(CPU_NMI | CPU_DOUBT), __ATOMIC_SEQ_CST);
}

static void go_on(struct cpu *cpu)
{
	startup_begin(cpu);
	backend_cpu_restart(cpu, &entry);
}

static void wait_for_start(struct cpu *cpu)
{
	u32 pending = pending_of(cpu);

	while (!(pending & CPU_START) ||
	       !replace(cpu, pending, pending & ~(CPU_DOWN | CPU_START))) {
		shootdown_poll(cpu);
		backend_relax();
		pending = pending_of(cpu);
	}
}

bool startup_sync(struct cpu *cpu)
{
	if (!(pending_of(cpu) & CPU_DOWN))
		return false;
	CHECK(cpu_move(cpu, CPU_PARKED) == 0);
	wait_for_start(cpu);
	go_on(cpu);
	return true;
}

void startup_reset(struct cpu *cpu, bool start)
{
	take_down(cpu, cpu);
	if (start && entry.rip)
		start_up(cpu);
}
