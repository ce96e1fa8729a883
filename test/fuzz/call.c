// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that does anything. An input is a machine and a program for it: calls with any
 * arguments and pages of any contents, accesses, register writes and exits of every kind, on
 * several CPUs, kicks that arrive late, tables that run out. After each step what must hold is
 * checked (model.h), and that the step ended as its contract says; a step is bounded, so
 * whoever hangs is found by -timeout.
 */
#include <string.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/shootdown.h>
#include "domain.h"
#include "fuzz.h"
#include "machine.h"
#include "model.h"

#define STEPS_MAX 200u
/* Turns of waiting loops in one step. */
#define RELAXES_MAX 100000u

/* ---- the input ---- */

static struct {
	const u8 *at;
	size_t left;
} input;

static u8 next(void)
{
	if (!input.left)
		return 0;
	input.left--;
	return *input.at++;
}

static u64 next_bytes(unsigned int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | next();
	return value;
}

static struct cpu *next_cpu(void)
{
	return cpu_get(next() % MACHINE_CPUS);
}

/* An address near a border, or any. */
static u64 next_address(void)
{
	static const u64 places[] = {
		0,
		FAKE_LOW_END - PAGE_SIZE,
		FAKE_LOW_END,
		FAKE_RAM_START,
		4 * FAKE_MIB,
		16 * FAKE_MIB,
		16 * FAKE_MIB + 511 * PAGE_SIZE,
		20 * FAKE_MIB,
		24 * FAKE_MIB,
		32 * FAKE_MIB - PAGE_SIZE,
		32 * FAKE_MIB,
		48 * FAKE_MIB,
		52 * FAKE_MIB - PAGE_SIZE,
		FAKE_HOTPLUG_START - PAGE_SIZE,
		FAKE_HOTPLUG_START,
		FAKE_HOTPLUG_END - PAGE_SIZE,
		FAKE_HIGH_START,
		FAKE_HIGH_END - PAGE_SIZE,
		FAKE_HIGH_END,
		FAKE_LIMIT - PAGE_SIZE,
		FAKE_LIMIT,
		1ull << 48,
		1ull << 52,
		0 - PAGE_SIZE,
	};
	u8 which = next();

	if (which & 0x80)
		return next_bytes(8);
	return places[(which & 0x1f) % ARRAY_SIZE(places)] + (which >> 5) * PAGE_SIZE +
	       (next() % 16) * PAGE_SIZE;
}

/* The same, or often a page of a few that are the guest's and nothing else is done with. */
static u64 next_free(void)
{
	u8 which = next();

	return which & 0xc0 ? 24 * FAKE_MIB + which % 64 * PAGE_SIZE : next_address();
}

/* ---- a step ends as its contract says ---- */

static bool one_of(s64 result, const s64 *codes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (result == codes[i])
			return true;
	return false;
}

#define ONE_OF(result, ...)                          \
	one_of(result, (const s64[]){ __VA_ARGS__ }, \
	       sizeof((const s64[]){ __VA_ARGS__ }) / sizeof(s64))

/* Nobody else is calling: -EAGAIN would be wrong. @locked: before the call. */
static bool documented(u64 number, s64 result, bool locked)
{
	if (number >= HF_CALL_BASE && number < HF_CALL_LIVE && locked)
		return result == -HF_EPERM;
	switch (number) {
	case HF_CALL_PROTECT:
		return ONE_OF(result, 0, -HF_EINVAL, -HF_EFAULT, -HF_EEXIST, -HF_ENOSPC);
	case HF_CALL_LOCK:
		return ONE_OF(result, 0, -HF_EINVAL, -HF_ENOMEM);
	case HF_CALL_PATCHING:
	case HF_CALL_ENTRIES:
	case HF_CALL_SITES:
	case HF_CALL_TEMPLATE:
	case HF_CALL_PROBES:
		return ONE_OF(result, 0, -HF_EINVAL, -HF_EFAULT, -HF_EEXIST, -HF_ENOSPC);
	case HF_CALL_NOOP:
	case HF_CALL_FORGET:
	case HF_CALL_NMI: /* nothing here kicks */
		return result == 0;
	case HF_CALL_INFO:
		return ONE_OF(result, 0, -HF_EFAULT);
	case HF_CALL_EVENTS:
		return result == -HF_EFAULT ||
		       (result >= 0 && result <= (s64)HF_EVENTS_PER_PAGE);
	case HF_CALL_STATS:
	case HF_CALL_PROTECTION:
	case HF_CALL_ASSET:
		return ONE_OF(result, 0, -HF_ENOENT, -HF_EFAULT);
	case HF_CALL_PAGES:
		return ONE_OF(result, -HF_EINVAL, -HF_EFAULT) ||
		       (result > 0 && result <= (s64)HF_PAGE_RUNS);
	case HF_CALL_DOMAIN:
		return ONE_OF(result, 0, -HF_EINVAL, -HF_EEXIST, -HF_ENOSPC, -HF_ENOMEM,
			      -HF_EFAULT);
	case HF_CALL_SERVICE:
		return ONE_OF(result, 0, -HF_EINPROGRESS, -HF_ENODEV, -HF_EAGAIN, -HF_EINVAL,
			      -HF_EFAULT, -HF_ENOMEM, -HF_EIO);
	case HF_CALL_SERVICE_RESUME:
		return ONE_OF(result, 0, -HF_EINPROGRESS, -HF_ENOENT, -HF_EFAULT, -HF_EIO);
	case HF_CALL_SERVICE_CANCEL:
		return ONE_OF(result, 0, -HF_ENOENT);
	default:
		return result == -HF_ENOSYS;
	}
}

static bool reads_page(u64 number)
{
	return number == HF_CALL_PROTECT ||
	       (number > HF_CALL_LOCK && number <= HF_CALL_DOMAIN && number != HF_CALL_FORGET);
}

static bool answers_in_page(u64 number)
{
	return number > HF_CALL_NOOP && number <= HF_CALL_PAGES;
}

static void check_call(u64 number, const u64 arg[4], s64 result, bool locked)
{
	bool page = reads_page(number) || answers_in_page(number);

	if (!documented(number, result, locked))
		fuzz_fail("call: %llx answers %lld", (unsigned long long)number,
			  (long long)result);
	if (result >= 0 && page &&
	    ((arg[0] & PAGE_MASK) || !model_is_buffer(arg[0], answers_in_page(number))))
		fuzz_fail("call: %llx took %llx for a buffer", (unsigned long long)number,
			  (unsigned long long)arg[0]);
	if (result)
		return;
	if (number == HF_CALL_PROTECT)
		model_registered((const struct hf_range *)(fake.ram + arg[0]), (u32)arg[1]);
	if (number == HF_CALL_FORGET)
		model_forgot();
	if (number == HF_CALL_LOCK)
		model_locked();
}

/* ---- steps ---- */

static void call(struct cpu *cpu, u64 number, const u64 arg[4])
{
	bool locked = model_is_locked();
	s64 result = 0;

	domain_before(number, arg);
	domain_will(next(), next_free());
	if (fake_guest_call(cpu, 0, number, arg, &result) != VERDICT_RESULT)
		fuzz_fail("call: %llx is not answered", (unsigned long long)number);
	check_call(number, arg, result, locked);
	domain_after(number, arg, result);
}

static void step_call(void)
{
	struct cpu *cpu = next_cpu();
	u8 which = next();
	u64 number = which & 0x80 ? next_bytes(8) : HF_CALL_BASE + (which & 0x7f);
	u64 arg[4] = { next_address(), next_bytes(1), 0, 0 };
	s64 result = 0;

	if (arg[1] & 0x80)
		arg[1] = next_bytes(8);
	if (which != 0x7f) {
		call(cpu, number, arg);
		return;
	}
	/* From user mode nobody answers. */
	if (fake_guest_call(cpu, 3, HF_CALL_BASE + next(), arg, &result) != VERDICT_UNDEFINED)
		fuzz_fail("call: user mode is answered");
}

/* A record that is right but for what the input breaks. */
static struct hf_range next_range(void)
{
	u8 broken = next();
	struct hf_range range = { .kind = next() % (HF_KIND_COUNT + 1) };

	range.gpa = next_address();
	range.npages = next();
	range.va = 0xffffffff80000000ull + range.gpa;
	range.permission = owner_kind_permission(range.kind);
	if (broken & 1)
		range.npages = next_bytes(8);
	if (broken & 2)
		range.permission = (u32)next_bytes(4);
	if (broken & 4)
		range.kind = (u32)next_bytes(4);
	if (broken & 8)
		range.va = next_bytes(8);
	if (broken & 16)
		range.token = next_bytes(8);
	return range;
}

/* The guest fills its page, as far as it may write there. */
static void write_page(u64 at, const void *bytes, size_t size)
{
	if (model_due(at) & HF_PERM_WRITE)
		memcpy(fake.ram + at, bytes, size);
}

static void write_ranges(u64 at, u32 count)
{
	struct hf_range ranges[8];
	u32 i;

	for (i = 0; i < count; i++)
		ranges[i] = next_range();
	write_page(at, ranges, count * sizeof(*ranges));
}

/* Contents of a page: records, or bytes of the input. */
static void step_page(void)
{
	u64 at = 4 * FAKE_MIB + (next() % 4) * PAGE_SIZE;
	u8 count = next(), bytes[128];
	u32 i;

	if (!(count & 0x80)) {
		write_ranges(at, count % 8);
		return;
	}
	count &= 0x7f;
	for (i = 0; i < count; i++)
		bytes[i] = next();
	write_page(at, bytes, count);
}

/* Records and the call that registers them, so that inputs come by a locked machine. */
static void step_protect(void)
{
	u64 arg[4] = { 4 * FAKE_MIB, 1 + next() % 8, 0, 0 };

	write_ranges(arg[0], (u32)arg[1]);
	call(next_cpu(), HF_CALL_PROTECT, arg);
}

static void step_lock(void)
{
	const u64 arg[4] = { 0 };

	fake.prepare_fails = next() % 16;
	call(next_cpu(), HF_CALL_LOCK, arg);
	fake.prepare_fails = 0;
}

static void step_domain(void)
{
	struct hf_domain record = { .size = sizeof(record), .service = 1 + next() % 5 };
	const u64 arg[4] = { 4 * FAKE_MIB, 0, 0, 0 };
	u8 broken = next();

	record.capabilities = HF_CAPABILITY_LENT;
	record.lent_max = next() % 16;
	record.ticks = 1 + next();
	record.range_count = 1 + next() % 3;
	for (u32 i = 0; i < record.range_count; i++) {
		static const u8 perms[] = { HF_PERM_READ | HF_PERM_WRITE, HF_PERM_READ,
					    HF_PERM_READ | HF_PERM_USER_EXEC };

		record.range[i].gpa = next_free();
		record.range[i].npages = 1 + next() % 2;
		record.range[i].permission = perms[i];
	}
	record.root = record.range[0].gpa;
	record.message = record.root;
	if (broken & 0x80)
		((u8 *)&record)[next() % 128] ^= broken;
	write_page(arg[0], &record, sizeof(record));
	call(next_cpu(), HF_CALL_DOMAIN, arg);
}

static void step_service(void)
{
	struct hf_service_call request = { .service = 1 + next() % 5, .operation = next() };
	u64 arg[4] = { 4 * FAKE_MIB, 0, 0, 0 };
	u8 which = next();

	if (which & 0x40)
		arg[0] = next_address();
	request.lent_count = next() % 4;
	for (u32 i = 0; i < request.lent_count; i++)
		request.lent[i] = (struct hf_service_lent){ next_free(), next() % 4 };
	arg[1] = domain_token(next());
	if (which % 4 == 0) {
		call(next_cpu(), HF_CALL_SERVICE_RESUME, arg);
	} else if (which % 4 == 1) {
		arg[0] = arg[1];
		call(next_cpu(), HF_CALL_SERVICE_CANCEL, arg);
	} else {
		if (arg[0] < FAKE_RAM_BYTES - PAGE_SIZE)
			write_page(arg[0], &request, sizeof(request));
		call(next_cpu(), HF_CALL_SERVICE, arg);
	}
}

static u32 needed(u32 access, u8 cpl)
{
	switch (access) {
	case HF_ACCESS_READ:
		return HF_PERM_READ;
	case HF_ACCESS_EXECUTE:
		return cpl ? HF_PERM_USER_EXEC : HF_PERM_KERNEL_EXEC;
	default:
		return HF_PERM_WRITE;
	}
}

static void step_access(void)
{
	struct cpu *cpu = next_cpu();
	u64 at = next_address() & ~7ull;
	u32 access = HF_ACCESS_READ + next() % 4;
	u8 cpl = next() & 3;
	u64 value = next();
	u32 need = needed(access, cpl);
	bool free_entry = access == HF_ACCESS_WRITE && model_is_free_entry(at);
	int verdict = fake_guest_access(cpu, gpa(at), access, cpl, &value);
	bool may;

	model_exit(at, need == HF_PERM_KERNEL_EXEC);
	may = (backend_stage2_admissible(model_due(at)) & need) == need;
	if (free_entry) {
		if (verdict != VERDICT_SKIP)
			fuzz_fail("store to entry %llx: verdict %d", (unsigned long long)at,
				  verdict);
		return;
	}
	if (verdict != FAKE_DONE && verdict != VERDICT_FAULT)
		fuzz_fail("access: verdict %d", verdict);
	if ((verdict == FAKE_DONE) != may)
		fuzz_fail("access %u of %llx, cpl %u: verdict %d", access,
			  (unsigned long long)at, cpl, verdict);
	model_check_page(at & ~PAGE_MASK);
}

static void step_register(void)
{
	struct cpu *cpu = next_cpu();
	u32 reg = next() % FAKE_REGISTERS;
	u8 how = next();
	u64 value = how & 1 ? next_bytes(8) : cpu->vcpu->registers[reg] ^ BIT(how >> 1 & 63);

	fake_guest_register(cpu, reg, value);
}

/* What the contract says about the exit's end; the rest may end in anything but a stop. */
static bool proper(const struct exit *exit, enum verdict verdict)
{
	switch (exit->kind) {
	case HF_EXIT_CALL:
		return verdict == (exit->cpl ? VERDICT_UNDEFINED : VERDICT_RESULT);
	case HF_EXIT_MEMORY:
		/* A store of what is there, at a site. */
		return verdict == VERDICT_FAULT || verdict == VERDICT_RETRY ||
		       (verdict == VERDICT_SKIP && exit->memory.access == HF_ACCESS_WRITE);
	case HF_EXIT_REGISTER:
	case HF_EXIT_MSR:
		return verdict == VERDICT_FAULT || verdict == VERDICT_PERFORM ||
		       verdict == VERDICT_SKIP;
	case HF_EXIT_VIRT:
		return verdict == VERDICT_UNDEFINED;
	case HF_EXIT_SHUTDOWN:
		return verdict == VERDICT_STOP;
	default:
		return verdict != VERDICT_STOP;
	}
}

/* An exit as a backend could report it, whatever the guest's own state is. */
static void step_exit(void)
{
	struct cpu *cpu = next_cpu();
	struct exit exit = { .kind = next() % 16, .cpl = next() & 3, .rip = next() };
	enum verdict verdict;

	switch (exit.kind) {
	case HF_EXIT_MEMORY:
		exit.memory.gpa = gpa(next_address());
		exit.memory.access = next();
		exit.memory.user_exec = exit.memory.access == HF_ACCESS_EXECUTE && exit.cpl;
		exit.memory.width = next();
		break;
	case HF_EXIT_REGISTER:
	case HF_EXIT_MSR:
		exit.reg.id = (u32)next_bytes(next() % 5);
		exit.reg.unknown = next() & 1;
		exit.reg.value = next_bytes(8);
		break;
	case HF_EXIT_CALL:
		exit.call.number = HF_CALL_LIVE + next();
		exit.call.arg[0] = next_address();
		exit.call.arg[1] = next();
		break;
	default:
		exit.port.port = (u16)next_bytes(2);
		exit.port.write = next() & 1;
		exit.port.width = 1 << next() % 3;
		exit.port.ours = next() & 1;
		exit.code = next();
	}
	domain_before(exit.kind == HF_EXIT_CALL && !exit.cpl ? exit.call.number : 0,
		      exit.call.arg);
	shootdown_exited(cpu);
	verdict = exit_decide(cpu, &exit);
	fake_enter(cpu);
	if (exit.kind == HF_EXIT_CALL && !exit.cpl)
		domain_after(exit.call.number, exit.call.arg, exit.call.result);
	if (!proper(&exit, verdict))
		fuzz_fail("exit of kind %u: verdict %d", exit.kind, verdict);
	if (exit.kind == HF_EXIT_MEMORY)
		model_exit(exit.memory.gpa.raw,
			   exit.memory.access == HF_ACCESS_EXECUTE && !exit.memory.user_exec);
}

/* A CPU in the guest takes its kick some time while the other waits. */
static void deliver(void)
{
	struct cpu *cpus[MACHINE_CPUS];
	u32 i;

	if (fake.relaxes > RELAXES_MAX)
		fuzz_fail("call: waits without end");
	for (i = 0; i < MACHINE_CPUS; i++)
		cpus[i] = cpu_get(i);
	fake_deliver_kicks(cpus, MACHINE_CPUS);
}

static void step_late(void)
{
	fake.late_kicks = next() & 1;
	fake.on_relax = deliver;
}

static void step(void)
{
	fake.relaxes = 0;
	switch (next() % 11) {
	case 0:
	case 1:
		step_call();
		break;
	case 2:
		step_page();
		break;
	case 3:
		step_protect();
		break;
	case 4:
		step_lock();
		break;
	case 5:
		step_access();
		break;
	case 6:
		step_register();
		break;
	case 7:
		step_exit();
		break;
	case 8:
		step_late();
		break;
	case 9:
		step_domain();
		break;
	case 10:
		step_service();
		break;
	}
	model_check();
}

/* ---- libFuzzer ---- */

static u64 programs, locks, steps;

void machine_report(void)
{
	fprintf(stderr, "call: %llu programs, %llu of them locked the machine, %llu steps\n",
		(unsigned long long)programs, (unsigned long long)locks,
		(unsigned long long)steps);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u64 protects;
	u32 i;

	input.at = data;
	input.left = size;
	model_begin(machine_become(next()));
	domain_forget_all();
	protects = fake.protects;
	for (i = 0; i < STEPS_MAX && input.left; i++)
		step();
	if (fake.protects != protects)
		model_check_all();
	programs++;
	steps += i;
	locks += model_is_locked();
	return 0;
}
