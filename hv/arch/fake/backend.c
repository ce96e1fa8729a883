// SPDX-License-Identifier: GPL-2.0-only
/* The seam in ordinary memory. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <holdfast/site.h>
#include <hv/backend.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include <hv/shootdown.h>
#include <hv/startup.h>
#include "fake.h"

struct fake fake;

static const struct register_rule rules[FAKE_RULE_COUNT] = {
	[FAKE_RULE_CONTROL_SET] = { "CONTROL.SET", FAKE_CONTROL, RULE_KEEP_SET, 0x00ff },
	[FAKE_RULE_CONTROL_CLEAR] = { "CONTROL.CLEAR", FAKE_CONTROL, RULE_KEEP_CLEAR, 0xff00 },
	[FAKE_RULE_VECTOR] = { "VECTOR", FAKE_VECTOR, RULE_LOCKED, ~0ull },
	[FAKE_RULE_MODE] = { "MODE.ON", FAKE_MODE, RULE_KEEP_SET, 0x1 },
	[FAKE_RULE_CACHE] = { "CACHE", FAKE_CACHE, RULE_KEEP_SET, 0x1 },
	[FAKE_RULE_CACHE_OFF] = { "CACHE.OFF", FAKE_CACHE, RULE_ABSORBED, 0xff00 },
	[FAKE_RULE_LIVE] = { "LIVE", FAKE_LIVE, RULE_LOCKED, 0x00ff },
	[FAKE_RULE_LIVE_OFF] = { "LIVE.OFF", FAKE_LIVE, RULE_ABSORBED, 0xff00 },
	[FAKE_RULE_OURS] = { "OURS", FAKE_OURS, RULE_OURS, ~0ull },
	[FAKE_RULE_ROOT] = { "ROOT", FAKE_ROOT, RULE_ROOT, FAKE_ADDRESS },
};

/* ---- the machine itself ---- */

static void *must(void *memory)
{
	if (!memory) {
		fputs("fake: the host is out of memory\n", stderr);
		abort();
	}
	return memory;
}

void fake_release(void)
{
	if (fake.ram)
		munmap(fake.ram, FAKE_RAM_BYTES);
	free(fake.chunks);
	memset(&fake, 0, sizeof(fake));
}

void fake_reset(const struct stage2_format *format)
{
	size_t chunks = FAKE_CHUNKS * HF_CHUNK_SIZE;

	fake_release();
	fake.format = format;
	fake.levels = 4;
	/* Zero and, until touched, free of charge: tests do this a thousand times. */
	fake.ram = mmap(NULL, FAKE_RAM_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(fake.ram == MAP_FAILED ? NULL : fake.ram);
	fake.chunks = must(aligned_alloc(PAGE_SIZE, chunks));
	/* Nothing may rely on fresh pages being zero, or lie unnoticed at address 0. */
	memset(fake.chunks, 0xa5, chunks);
}

struct hf_boot *fake_boot(u32 cpus)
{
	static const struct hf_memory memory[] = {
		{ 0, FAKE_LOW_END / HF_PAGE_SIZE, HF_MEMORY_RAM, 0 },
		{ FAKE_RAM_START, (FAKE_RAM_END - FAKE_RAM_START) / HF_PAGE_SIZE, HF_MEMORY_RAM,
		  0 },
		{ FAKE_HOTPLUG_START, (FAKE_HOTPLUG_END - FAKE_HOTPLUG_START) / HF_PAGE_SIZE,
		  HF_MEMORY_HOTPLUG, 0 },
		{ FAKE_HIGH_START, (FAKE_HIGH_END - FAKE_HIGH_START) / HF_PAGE_SIZE,
		  HF_MEMORY_RAM, 0 },
	};
	/* Neither in order nor adjacent, though virtually they are. */
	static const u64 chunk[FAKE_CHUNKS] = { 48 * FAKE_MIB, 32 * FAKE_MIB };
	static struct hf_boot boot;
	u32 i;

	memset(&boot, 0, sizeof(boot));
	boot.size = sizeof(boot);
	boot.abi = HF_ABI;
	boot.base = (uintptr_t)fake.chunks;
	boot.chunk_count = FAKE_CHUNKS;
	boot.cpu_count = cpus;
	boot.memory_count = ARRAY_SIZE(memory);
	boot.action = HF_ACTION_DENY;
	boot.startup = (struct hf_startup){ .rip = FAKE_ENTRY, .place = FAKE_PLACE };
	memcpy(boot.chunk_gpa, chunk, sizeof(chunk));
	memcpy(boot.memory, memory, sizeof(memory));
	for (i = 0; i < cpus && i < HF_CPUS_MAX; i++)
		boot.cpu_id[i] = 2 * i + 1;
	return &boot;
}

/* ---- what it is ---- */

const char *backend_name(void)
{
	return "fake";
}

u32 backend_features(void)
{
	u32 user = HF_PERM_READ | HF_PERM_USER_EXEC;
	bool split = backend_stage2_admissible(user) == user;

	return fake.features | (split ? HF_FEATURE_EXEC_SPLIT : 0);
}

struct gpa backend_gpa_limit(void)
{
	return gpa(FAKE_LIMIT);
}

const struct register_rule *backend_register_rules(u32 *count)
{
	*count = FAKE_RULE_COUNT;
	return rules;
}

/* ---- launch ---- */

int backend_probe(struct hf_boot *boot)
{
	if (fake.probe_error)
		boot->reason = fake.probe_reason;
	return fake.probe_error;
}

static int map_run(struct gpa start, u64 npages, u32 perm, void *ctx)
{
	struct views *views = ctx;

	return perm ? views_map(views, start, npages, perm) : 0;
}

int backend_init(const struct hf_boot *boot)
{
	int error = fake.init_error;

	(void)boot;
	if (!error)
		error = views_init(&fake.views, fake.format, fake.levels, FAKE_LIMIT,
				   fake.format == &fake_two_format);
	if (!error)
		error = owner_for_each_run(gpa(FAKE_LIMIT), map_run, &fake.views);
	return error;
}

int backend_cpu_init(struct cpu *cpu)
{
	static_assert(sizeof(struct vcpu) <= PAGE_SIZE, "allocated as a page");

	if (fake.cpu_init_fails == cpu->index + 1)
		return -HF_ENOMEM;
	cpu->vcpu = pool_page();
	if (!cpu->vcpu)
		return -HF_ENOMEM;
	fake.vcpu[fake.vcpus++] = cpu->vcpu;
	cpu->vcpu->registers[FAKE_CONTROL] = 0x000f;
	cpu->vcpu->registers[FAKE_VECTOR] = 0xffffffff81000000ull;
	cpu->vcpu->registers[FAKE_MODE] = 0x1;
	cpu->vcpu->registers[FAKE_CACHE] = 0x1201;
	cpu->vcpu->registers[FAKE_ROOT] = FAKE_ROOT_AT;
	cpu->vcpu->registers[FAKE_LIVE] = 0x1234;
	cpu->vcpu->registers[FAKE_OURS] = 0x5678;
	cpu->vcpu->registers[FAKE_OTHER] = 0x9abc;
	return 0;
}

int backend_cpu_enter(struct cpu *cpu)
{
	bool fails = fake.enter_fails == cpu->index + 1;
	int error;

	__atomic_store_n(&cpu->vcpu->guest, !fails, __ATOMIC_SEQ_CST);
	error = launch_arrive(cpu, fails ? -HF_ENODEV : 0);
	if (error)
		__atomic_store_n(&cpu->vcpu->guest, false, __ATOMIC_SEQ_CST);
	return error;
}

/* ---- a CPU ---- */

void backend_cpu_restart(struct cpu *cpu, const struct hf_startup *at)
{
	cpu->vcpu->starts++;
	cpu->vcpu->entry = at->rip;
}

void backend_cpu_lock(struct cpu *cpu)
{
	cpu->vcpu->guarded = true;
}

u64 backend_register_read(struct cpu *cpu, u32 reg)
{
	return cpu->vcpu->registers[reg];
}

void backend_flush(struct cpu *cpu)
{
	cpu->vcpu->flushes++;
	cpu->vcpu->flushed_at = cpu->place;
	cpu->vcpu->flushing = true;
	__atomic_store_n(&cpu->vcpu->merges, __atomic_load_n(&fake.merges, __ATOMIC_SEQ_CST),
			 __ATOMIC_SEQ_CST);
	memset(cpu->vcpu->tlb, 0, sizeof(cpu->vcpu->tlb));
}

void backend_kick(struct cpu *cpu)
{
	__atomic_fetch_add(&fake.kicks, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&cpu->vcpu->kicks, 1, __ATOMIC_SEQ_CST);
	if (!fake.late_kicks)
		fake_deliver_kicks(&cpu, 1);
}

void fake_deliver_kicks(struct cpu *const *cpus, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (!__atomic_exchange_n(&cpus[i]->vcpu->kicks, 0, __ATOMIC_SEQ_CST))
			continue;
		/* As core/shootdown.c asks of a backend: before the epoch is looked at. */
		shootdown_exited(cpus[i]);
		__atomic_store_n(&cpus[i]->kicked, 0, __ATOMIC_SEQ_CST);
		/* Only where they come late is this the CPU's own thread, which may wait. */
		do
			shootdown_sync(cpus[i]);
		while (fake.late_kicks && startup_sync(cpus[i]));
		fake_enter(cpus[i]);
	}
}

void fake_enter(struct cpu *cpu)
{
	/* Only where kicks come late is this the CPU's own thread, which may wait. */
	do
		shootdown_sync(cpu);
	while (fake.late_kicks && startup_sync(cpu));
	if (!fake.audited)
		return;
	shootdown_entered(cpu, cpu->vcpu->flushing);
	cpu->vcpu->flushing = false;
}

/* ---- second-level tables ---- */

int backend_stage2_prepare(struct gpa start, u64 npages)
{
	fake.prepares++;
	if (fake.prepare_fails && !--fake.prepare_fails)
		return -HF_ENOMEM;
	return views_prepare(&fake.views, start, npages);
}

void backend_stage2_protect(struct gpa start, u64 npages, u32 perm)
{
	fake.protects++;
	if (fake.on_protect)
		fake.on_protect(start, perm);
	views_protect(&fake.views, start, npages, perm);
}

void backend_stage2_merge(struct gpa start, u64 npages)
{
	__atomic_fetch_add(&fake.merges, 1, __ATOMIC_SEQ_CST);
	views_merge(&fake.views, start, npages);
}

/* A CPU that has not flushed may still walk what is given back. */
void backend_stage2_reclaim(void)
{
	u32 i;

	for (i = 0; i < fake.vcpus && (fake.views.view[0].limbo || fake.views.view[1].limbo);
	     i++) {
		if (!__atomic_load_n(&fake.vcpu[i]->guest, __ATOMIC_SEQ_CST) ||
		    __atomic_load_n(&fake.vcpu[i]->merges, __ATOMIC_SEQ_CST) == fake.merges)
			continue;
		fprintf(stderr, "fake: CPU %u may use tables that are reclaimed\n", i);
		abort();
	}
	views_reclaim(&fake.views);
}

u32 backend_stage2_permission(struct gpa page)
{
	u64 unused;

	return views_run(&fake.views, page, &unused);
}

u32 backend_stage2_run(struct gpa page, u64 *npages)
{
	return views_run(&fake.views, page, npages);
}

u32 backend_stage2_admissible(u32 perm)
{
	return fake.views.count ? views_admissible(&fake.views, perm)
				: fake.format->admissible(perm);
}

/* ---- guest memory ---- */

/* What is no RAM, nor a service's, must have been refused before it comes here. */
static u8 *ram_at(struct gpa at, size_t size)
{
	enum page_state state = owner_page(at).state;

	if (at.raw >= FAKE_RAM_BYTES || size > PAGE_SIZE - (at.raw & PAGE_MASK) ||
	    state == PAGE_ABSENT || state == PAGE_MMIO || state == PAGE_HYPERVISOR) {
		fprintf(stderr, "fake: %zu bytes at %llx are not guest RAM\n", size,
			(unsigned long long)at.raw);
		abort();
	}
	return fake.ram + at.raw;
}

void backend_guest_read(struct gpa from, void *to, size_t size)
{
	memcpy(to, ram_at(from, size), size);
}

void backend_guest_write(struct gpa to, const void *from, size_t size)
{
	memcpy(ram_at(to, size), from, size);
}

/* Code is where the tests say it is: by fake.mapped, else from HF_CODE_BASE on. */
int backend_guest_translate(struct cpu *cpu, struct gva va, struct gpa *to)
{
	(void)cpu;
	*to = gpa(va.raw - HF_CODE_BASE);
	if (fake.mapped && !((fake.mapped ^ va.raw) & ~PAGE_MASK))
		*to = gpa(fake.mapped_to + (va.raw & PAGE_MASK));
	return to->raw < FAKE_RAM_BYTES ? 0 : -HF_EFAULT;
}

bool backend_table_entry(u64 entry, struct gpa *to, u32 *row)
{
	*row = entry & FAKE_ENTRY_ROW ? 4 : 1;
	*to = gpa(entry & FAKE_ADDRESS);
	return entry & FAKE_ENTRY_VALID;
}

/* ---- the rest ---- */

u64 backend_clock(void)
{
	static u64 clock;

	return __atomic_add_fetch(&clock, 1, __ATOMIC_RELAXED);
}

void backend_relax(void)
{
	__atomic_fetch_add(&fake.relaxes, 1, __ATOMIC_RELAXED);
	/* Millions of turns that yield would take hours beside other programs. */
	if (fake.on_relax)
		fake.on_relax();
	else
		sched_yield();
}

void backend_console(char c)
{
	if (fake.console_length < FAKE_CONSOLE_MAX - 1)
		fake.console[fake.console_length++] = c;
}

_Noreturn void backend_halt(void)
{
	if (fake.expect_halt)
		longjmp(fake.halt, 1);
	fprintf(stderr, "fake: the machine stopped; console:\n%s\n", fake.console);
	abort();
}
