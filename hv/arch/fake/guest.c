// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest on the fake machine. Translations are remembered until the CPU flushes, so that a
 * missing shoot-down lets an access through that must fail. A refusal is never taken from
 * memory: the CPU looks again before it exits, as hardware does.
 */
#include <string.h>
#include <hv/backend.h>
#include <hv/shootdown.h>
#include <hv/startup.h>
#include "fake.h"

/* More often than this nobody retries for a good reason. */
#define RETRIES_MAX 100

static struct fake_translation *slot_of(struct cpu *cpu, struct gpa page)
{
	return &cpu->vcpu->tlb[page.raw / PAGE_SIZE % FAKE_TLB_ENTRIES];
}

u32 fake_translate(struct cpu *cpu, struct gpa page)
{
	struct fake_translation *slot = slot_of(cpu, page);

	if (slot->page != page.raw || !slot->perm) {
		slot->page = page.raw;
		slot->perm = backend_stage2_permission(page);
	}
	return slot->perm;
}

static u32 permission_for(enum hf_access access, u8 cpl)
{
	switch (access) {
	case HF_ACCESS_WRITE:
	case HF_ACCESS_WALK: /* sets accessed and dirty bits */
		return HF_PERM_WRITE;
	case HF_ACCESS_EXECUTE:
		return cpl ? HF_PERM_USER_EXEC : HF_PERM_KERNEL_EXEC;
	default:
		return HF_PERM_READ;
	}
}

static void perform(struct gpa at, enum hf_access access, u64 *value)
{
	/* Device memory does nothing. */
	if (at.raw > FAKE_RAM_BYTES - sizeof(*value) || !value)
		return;
	if (access == HF_ACCESS_WRITE)
		memcpy(fake.ram + at.raw, value, sizeof(*value));
	else if (access == HF_ACCESS_READ)
		memcpy(value, fake.ram + at.raw, sizeof(*value));
}

static int decide(struct cpu *cpu, struct exit *exit)
{
	enum verdict verdict;

	shootdown_exited(cpu);
	verdict = exit_decide(cpu, exit);

	if (verdict == VERDICT_FAULT || verdict == VERDICT_UNDEFINED)
		cpu->vcpu->faults++;
	do
		shootdown_sync(cpu);
	while (startup_sync(cpu));
	fake_enter(cpu);
	return (int)verdict;
}

int fake_guest_access(struct cpu *cpu, struct gpa at, enum hf_access access, u8 cpl, u64 *value)
{
	struct gpa page = gpa(at.raw & ~PAGE_MASK);
	u32 need = permission_for(access, cpl);
	int i, verdict = FAKE_DONE;

	for (i = 0; i < RETRIES_MAX; i++) {
		struct exit exit;

		if ((fake_translate(cpu, page) & need) == need) {
			perform(at, access, value);
			return FAKE_DONE;
		}
		slot_of(cpu, page)->perm = 0;
		if ((fake_translate(cpu, page) & need) == need)
			continue;
		memset(&exit, 0, sizeof(exit));
		exit.kind = HF_EXIT_MEMORY;
		exit.cpl = cpl;
		exit.rip = 0x1000;
		exit.memory.gpa = at;
		exit.memory.access = (u8)access;
		exit.memory.user_exec = access == HF_ACCESS_EXECUTE && cpl;
		exit.memory.width = sizeof(*value);
		verdict = decide(cpu, &exit);
		if (verdict == VERDICT_PERFORM)
			perform(at, access, value);
		if (verdict != VERDICT_RETRY)
			break;
	}
	return verdict;
}

int fake_guest_store(struct cpu *cpu, struct gpa fault, u8 at, const void *bytes, u16 width)
{
	struct exit exit = {
		.kind = HF_EXIT_MEMORY,
		.rip = 0x4000,
		.memory = { .gpa = fault,
			    .va = gva(FAKE_ALIAS + fault.raw - at),
			    .access = HF_ACCESS_WRITE,
			    .width = width,
			    .at = at },
	};

	memcpy(exit.memory.bytes, bytes, width < HF_STORE_MAX ? width : HF_STORE_MAX);
	return decide(cpu, &exit);
}

int fake_guest_register(struct cpu *cpu, u32 reg, u64 value)
{
	struct exit exit = {
		.kind = HF_EXIT_REGISTER,
		.rip = 0x2000,
		.reg = { .id = reg,
			 .unknown = reg == FAKE_OTHER,
			 .hardware = reg >= FAKE_LIVE ? FAKE_HARDWARE + reg : 0,
			 .old = cpu->vcpu->registers[reg],
			 .value = value },
	};
	int verdict = cpu->vcpu->guarded ? decide(cpu, &exit) : FAKE_DONE;

	if (verdict == FAKE_DONE || verdict == VERDICT_PERFORM)
		cpu->vcpu->registers[reg] = exit.reg.value;
	return verdict;
}

int fake_guest_call(struct cpu *cpu, u8 cpl, u64 number, const u64 arg[4], s64 *result)
{
	struct exit exit = { .kind = HF_EXIT_CALL, .cpl = cpl, .rip = 0x3000 };
	int verdict;

	exit.call.number = number;
	memcpy(exit.call.arg, arg, sizeof(exit.call.arg));
	verdict = decide(cpu, &exit);
	*result = exit.call.result;
	return verdict;
}
