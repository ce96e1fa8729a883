// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of the firmware. A CPU that it starts begins without translation, in code of the kernel's
 * that puts its registers in order. So after lock it begins where CPUs have begun before, and
 * nowhere else: what was started then was started by a kernel that was benign, and kernels have one
 * such place.
 */
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/firmware.h>
#include <hv/protect.h>

#define PLACES 4

/* [a] 0: free. Filled in ascending order, and constant once locked. */
static u64 places[PLACES];

static bool take(u64 *slot, u64 place)
{
	u64 was = 0;

	return __atomic_compare_exchange_n(slot, &was, place, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST) ||
	       was == place;
}

/* Before lock any place will do; those that find no slot will not do later. */
static bool may_start(u64 place)
{
	bool locked = protect_locked();

	for (u32 i = 0; i < PLACES; i++)
		if (__atomic_load_n(&places[i], __ATOMIC_SEQ_CST) == place && place)
			return true;
	for (u32 i = 0; !locked && i < PLACES; i++)
		if (take(&places[i], place))
			break;
	return !locked;
}

static enum verdict refuse(struct cpu *cpu, const struct exit *exit)
{
	const struct exit_firmware *firmware = &exit->firmware;
	const struct hf_event event = {
		.kind = firmware->place ? HF_EVENT_STARTUP : HF_EVENT_HYPERCALL,
		.action = HF_ACTION_DENY,
		.asset = firmware->place ? HF_ASSET_RESTART : HF_ASSET_HYPERCALL,
		.gpa = firmware->place,
		.old = firmware->number,
	};

	/* Before lock kernels ask for what may be there. */
	if (protect_locked())
		event_record(cpu, exit, &event);
	return VERDICT_FAULT;
}

/* Whatever the action: a CPU that is lost to the hypervisor is not the guest's to have. */
enum verdict firmware_call(struct cpu *cpu, const struct exit *exit)
{
	switch (exit->firmware.request) {
	case FIRMWARE_PASS:
	case FIRMWARE_STOP:
		return VERDICT_PERFORM;
	case FIRMWARE_START:
		if (may_start(exit->firmware.place))
			return VERDICT_PERFORM;
		break;
	}
	return refuse(cpu, exit);
}
