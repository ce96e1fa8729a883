// SPDX-License-Identifier: GPL-2.0-only
/* Exits from the guest: who decides about each kind. What no row names is refused and recorded.
 */
#include <hv/backend.h>
#include <hv/call.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/exit.h>
#include <hv/firmware.h>
#include <hv/memory.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/registers.h>
#include <hv/sleep.h>
#include <hv/startup.h>

/* What an access needs, of the permissions of a page. */
static u32 needed(const struct exit_memory *memory)
{
	switch (memory->access) {
	case HF_ACCESS_READ:
		return HF_PERM_READ;
	case HF_ACCESS_WRITE:
		return HF_PERM_WRITE;
	case HF_ACCESS_EXECUTE:
		return memory->user_exec ? HF_PERM_USER_EXEC : HF_PERM_KERNEL_EXEC;
	}
	/* A walker sets accessed and dirty bits. What is unknown needs whatever can be had. */
	return HF_PERM_READ | HF_PERM_WRITE;
}

/*
 * Whether owner map and tables agree about the page. Looked at under the owner lock: a transition
 * under way on another CPU changes one before the other.
 */
static bool consistent(struct cpu *cpu, struct gpa page, u32 need)
{
	struct owner_locked owner = owner_lock(cpu);
	bool map = (owner_permission(owner_page(page)) & need) == need;
	bool tables = (backend_stage2_permission(page) & need) == need;

	owner_unlock(owner);
	return map == tables;
}

/*
 * The tables refused what the owner map allows. Either the CPU used a translation from before
 * the page was opened, or the page was being opened just then, or the tables are wrong; the last
 * is a bug of ours that a guest must not be able to turn into a stop or an endless loop.
 */
static enum verdict allowed_access(struct cpu *cpu, struct exit *exit, u32 need)
{
	if (consistent(cpu, exit->memory.gpa, need)) {
		backend_flush(cpu);
		return VERDICT_RETRY;
	}
	data_record(cpu, exit, HF_ASSET_PLATFORM, HF_ACTION_DENY);
	return VERDICT_FAULT;
}

/*
 * Another CPU looks at the page, and decides before it gives up the lock. A breakpoint that is
 * about to become a jump there leads there already (poke_int3_handler() of Linux).
 */
static enum verdict pending_access(struct cpu *cpu, struct exit *exit, struct page page)
{
	struct owner_locked owner = owner_lock(cpu);
	bool pending = owner_state(exit->memory.gpa) == PAGE_PENDING;

	owner_unlock(owner);
	return pending ? data_access(cpu, exit, page) : VERDICT_RETRY;
}

static enum verdict memory_decide(struct cpu *cpu, struct exit *exit)
{
	struct page page = owner_page(exit->memory.gpa);
	u32 need = needed(&exit->memory), due = owner_permission(page);

	if ((due & need) == need)
		return allowed_access(cpu, exit, need);
	switch (page.state) {
	case PAGE_SEALED:
		if (due & HF_PERM_KERNEL_EXEC)
			return code_access(cpu, exit, page);
		if (page.kind == HF_KIND_ROOT || page.kind == HF_KIND_TABLE)
			return table_access(cpu, exit, page);
		return data_access(cpu, exit, page);
	case PAGE_PENDING:
		return pending_access(cpu, exit, page);
	case PAGE_GUEST:
	case PAGE_MMIO:
	case PAGE_LENT:
		return data_access(cpu, exit, page);
	case PAGE_ABSENT:
	case PAGE_SERVICE:
	case PAGE_HYPERVISOR:
		break;
	}
	return data_hidden(cpu, exit, page);
}

/* An exit of which no more is known than the hardware's code for it. */
static enum verdict refuse(struct cpu *cpu, const struct exit *exit, u8 kind, u32 asset,
			   enum verdict verdict)
{
	const struct hf_event event = {
		.kind = kind,
		.action = verdict == VERDICT_STOP ? HF_ACTION_KILL : HF_ACTION_DENY,
		.asset = asset,
		.new_value = exit->code,
	};

	event_record(cpu, exit, &event);
	return verdict;
}

/*
 * Undefined, as on a CPU that has no such extension. From user mode that is no event: any
 * program could fill the ring. Action "allow" does not apply: there is nothing here to let
 * through.
 */
static enum verdict virt_decide(struct cpu *cpu, const struct exit *exit)
{
	if (exit->cpl != 0)
		return VERDICT_UNDEFINED;
	return refuse(cpu, exit, HF_EVENT_VIRT, HF_ASSET_VIRT, VERDICT_UNDEFINED);
}

/* The value is left out: each byte a driver sends to the port would be an event of its own. */
static enum verdict port_decide(struct cpu *cpu, const struct exit *exit)
{
	const struct hf_event event = {
		.kind = HF_EVENT_PORT,
		.access = exit->port.write ? HF_ACCESS_WRITE : HF_ACCESS_READ,
		.action = HF_ACTION_SKIP,
		.width = exit->port.width,
		.asset = HF_ASSET_PORT | exit->port.port,
		.gpa = exit->port.port,
	};

	if (!exit->port.ours)
		return sleep_port(cpu, exit);
	event_record(cpu, exit, &event);
	return VERDICT_SKIP;
}

/* Not inlined, so that a hypercall does not pay for the registers and stack the rest needs. */
static __noinline enum verdict decide(struct cpu *cpu, struct exit *exit)
{
	switch (exit->kind) {
	case HF_EXIT_CALL:
		return VERDICT_UNDEFINED; /* from user mode */
	case HF_EXIT_MEMORY:
		return memory_decide(cpu, exit);
	case HF_EXIT_REGISTER:
	case HF_EXIT_MSR:
		return registers_write(cpu, exit);
	case HF_EXIT_VIRT:
		return virt_decide(cpu, exit);
	case HF_EXIT_KICK:
		panic_check();
		return VERDICT_RETRY; /* shootdown_sync is on the way back */
	case HF_EXIT_NMI:
		panic_check(); /* a kick may have come with it */
		return VERDICT_PASS;
	case HF_EXIT_WINDOW:
		return VERDICT_RETRY;
	case HF_EXIT_PORT:
		return port_decide(cpu, exit);
	case HF_EXIT_DEVICE:
		return exit->device.request == DEVICE_SLEEP ? sleep_device(cpu, exit)
							    : startup_device(cpu, exit);
	case HF_EXIT_FIRMWARE:
		return firmware_call(cpu, exit);
	case HF_EXIT_SHUTDOWN:
		return refuse(cpu, exit, HF_EVENT_GUEST_FATAL, HF_ASSET_PLATFORM, VERDICT_STOP);
	}
	return refuse(cpu, exit, HF_EVENT_OTHER, HF_ASSET_PLATFORM, VERDICT_FAULT);
}

enum verdict exit_decide(struct cpu *cpu, struct exit *exit)
{
	u32 kind = exit->kind < HF_EXIT_KIND_COUNT ? exit->kind : HF_EXIT_OTHER;

	cpu_count_exit(cpu, kind);
	if (kind != HF_EXIT_CALL || exit->cpl != 0)
		return decide(cpu, exit);
	call_handle(cpu, exit);
	return VERDICT_RESULT;
}
