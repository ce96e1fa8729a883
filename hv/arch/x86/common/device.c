// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores to device memory that is read-only in the nested tables: decoded, judged and made here. It
 * is that of interrupt controllers, which can reset and start CPUs (init-guard), and of registers
 * that put the machine to sleep.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/owner.h>

#include "ioapic.h"
#include "exit.h"

#define APIC_WIDTH 4 /* of the registers of interrupt controllers */

int device_init(const struct hf_boot *boot)
{
	int error;
	u32 msr;

	if (!(boot->flags & HF_BOOT_INIT_GUARD))
		return 0;
	if ((rdmsr(MSR_APIC_BASE) & PTE_ADDR) != APIC_SPACE_START)
		return -HF_EINVAL;
	/* Stores behind the page may be taken for messages of a device: any interrupt at all. */
	error = owner_guard(gpa(APIC_SPACE_START), APIC_SPACE_SIZE / PAGE_SIZE);
	if (!error)
		error = ioapic_init(boot);
	if (error)
		return error;
	for (msr = MSR_X2APIC; msr < MSR_X2APIC + 0x100; msr++)
		if (apic_offset_of_msr(msr))
			intercept_msr(msr, false, true);
	platform.init_guard = true;
	platform.features |= HF_FEATURE_RESTART;
	return 0;
}

void device_cpu_init(struct vcpu *v)
{
	if (platform.init_guard)
		v->name = apic_name();
}

/* ---- decoding ---- */

/* The CPUs that the command @low reaches. */
static void find_targets(const struct vcpu *v, u32 low, u32 destination,
			 struct exit_device *device)
{
	const struct vcpu *other;

	device->place = low & 0xff;
	for (u32 i = 0; i < cpu_count(); i++) {
		other = cpu_get(i)->vcpu;
		if (apic_reaches(low, destination, &v->name, &other->name))
			device->targets[i / 64] |= BIT(i % 64);
	}
}

static void on_apic(struct vcpu *v, u32 offset, struct exit_device *device)
{
	device->request = apic_request(offset, device->value, v->name.id);
	if (offset == APIC_ICR_LOW)
		find_targets(v, device->value, apic_destination(), device);
}

/* The operand must be where the fault was: the bytes may have been changed since. */
static bool decode_store(struct vcpu *v, struct x86_exit *e)
{
	struct gwalk walk = instruction_paging(v->state);
	struct exit_device *device = &e->exit.device;
	const struct instruction *i = instruction_decode(v);
	struct gpa to;

	if (!i || i->operation != OP_STORE || gwalk_translate(&walk, i->address, &to) ||
	    to.raw != device->gpa.raw || (to.raw & PAGE_MASK) + i->width > PAGE_SIZE)
		return false;
	device->va = i->address;
	device->width = i->width;
	device->value = i->value;
	e->next_rip = v->state->rip + i->length;
	return true;
}

static bool at_apic(struct gpa at)
{
	return platform.init_guard && at.raw - APIC_SPACE_START < APIC_SPACE_SIZE;
}

/* What cannot be told from something harmful is left as "other", which is refused. */
void device_on_store(struct vcpu *v, struct x86_exit *e, struct gpa at)
{
	struct exit_device *device = &e->exit.device;
	int number = ioapic_at(at);
	bool known;

	e->exit.kind = HF_EXIT_DEVICE;
	*device = (struct exit_device){ .gpa = at, .request = DEVICE_OTHER };
	known = decode_store(v, e);
	if (number < 0 && !at_apic(at))
		device->request = DEVICE_SLEEP;
	else if (!known || device->width != APIC_WIDTH || at.raw % APIC_WIDTH)
		return;
	else if (number >= 0)
		device->request = ioapic_request(v->cpu, number, at, device->value, &e->index);
	/* In x2APIC mode the page has no registers: what a store there means, nobody says. */
	else if (at.raw - APIC_SPACE_START < PAGE_SIZE && !v->name.x2apic)
		on_apic(v, at.raw - APIC_SPACE_START, device);
}

bool device_on_msr(struct vcpu *v, struct x86_exit *e)
{
	struct exit_device *device = &e->exit.device;
	u32 msr = v->gprs->r[GPR_RCX];
	u32 offset = apic_offset_of_msr(msr);

	if (!platform.init_guard || !offset)
		return false;
	e->exit.kind = HF_EXIT_DEVICE;
	*device = (struct exit_device){
		.value = (u32)v->state->rax | v->gprs->r[GPR_RDX] << 32,
		.width = sizeof(u64),
		.request = apic_request(offset, v->state->rax, v->name.id),
	};
	if (msr == MSR_X2APIC_ICR)
		find_targets(v, device->value, device->value >> 32, device);
	return true;
}

/* ---- carrying out ---- */

bool device_perform(struct vcpu *v, const struct x86_exit *e)
{
	const struct exit_device *device = &e->exit.device;
	u32 offset = device->gpa.raw - APIC_SPACE_START;
	int number = ioapic_at(device->gpa);

	if (device->request == DEVICE_SLEEP) {
		host_store(device->gpa, device->value, device->width);
		return true;
	}
	if (!device->gpa.raw)
		return !msr_write(v->gprs->r[GPR_RCX], device->value);
	if (number >= 0) {
		ioapic_write(v->cpu, number, device->gpa, device->value, e->index);
		return true;
	}
	apic_write(offset, device->value);
	if (offset == APIC_LDR || offset == APIC_DFR)
		v->name = apic_name();
	return true;
}
