/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of hv/core and hv/guard: a launched fake machine, each test case in a process of
 * its own, because the core keeps its state in the memory of an image that is launched once.
 */
#ifndef TEST_UNIT_MACHINE_H
#define TEST_UNIT_MACHINE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/protect.h>
#include "unit.h"

/* A case that takes longer hangs: some take seconds, and the host may have other things to do. */
#define MACHINE_SECONDS 600

#define MACHINE_BUFFER	   (4 * FAKE_MIB) /* page of guest RAM for calls */
#define MACHINE_TEXT	   (16 * FAKE_MIB)
#define MACHINE_TEXT_PAGES 600ull /* more than a 2 MiB block, so that one must be split */
#define MACHINE_RODATA	   (20 * FAKE_MIB)
#define MACHINE_RO_INIT	   (21 * FAKE_MIB)
#define MACHINE_VECTORS	   (22 * FAKE_MIB)
#define MACHINE_VDSO	   (23 * FAKE_MIB)
#define MACHINE_FREE	   (24 * FAKE_MIB) /* never sealed */
#define MACHINE_OURS	   (32 * FAKE_MIB) /* a chunk of fake_boot */

/* Run @fn(@arg) in a child; its exit code, or 256 + the signal that ended it. */
static inline int machine_child(int (*fn)(u32 arg), u32 arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		alarm(MACHINE_SECONDS);
		exit(fn(arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* cmocka's functions jump to the frame of a running test: the child runs a group of one. */
static inline void machine_forked(void **state)
{
	CMUnitTestFunction fn = (CMUnitTestFunction)*state;
	const struct CMUnitTest one[] = { { "case", fn, NULL, NULL, NULL } };
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		alarm(MACHINE_SECONDS);
		/* What failed goes to stderr. */
		if (!freopen("/dev/null", "w", stdout))
			exit(99);
		exit(cmocka_run_group_tests(one, NULL, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("the case's process ended with status 0x%x", (unsigned int)status);
}

#define machine_test(fn)                                      \
	{                                                     \
#fn, machine_forked, NULL, NULL, (void *)(fn) \
	}

struct machine_entry {
	struct hf_boot *boot;
	u32 index;
	int result;
	pthread_t thread;
};

static inline void *machine_enter(void *arg)
{
	struct machine_entry *entry = arg;

	entry->result = launch_cpu(entry->boot, entry->index);
	return NULL;
}

/* HF_ENTRY_CPU on every CPU at once; results by index. */
static inline void machine_enter_all(struct hf_boot *boot, struct machine_entry *entries,
				     u32 count)
{
	for (u32 i = 0; i < count; i++) {
		entries[i].boot = boot;
		entries[i].index = i;
		entries[i].result = 1;
		assert_int_equal(
			pthread_create(&entries[i].thread, NULL, machine_enter, &entries[i]),
			0);
	}
	for (u32 i = 0; i < count; i++)
		pthread_join(entries[i].thread, NULL);
}

static inline void machine_launch(struct hf_boot *boot)
{
	struct machine_entry entries[HF_CPUS_MAX];

	assert_int_equal(launch_init(boot, UNIT_IMAGE), 0);
	machine_enter_all(boot, entries, boot->cpu_count);
	for (u32 i = 0; i < boot->cpu_count; i++)
		assert_int_equal(entries[i].result, 0);
	assert_int_equal(launch_state(), HF_STATE_LAUNCHED);
}

/* Of the tables of machines that are launched from now on. */
static const struct stage2_format *machine_format = &fake_format;

/* A launched machine of @cpus CPUs; the first of them. */
static inline struct cpu *machine_action(u32 cpus, u32 action)
{
	struct hf_boot *boot;

	fake_reset(machine_format);
	boot = fake_boot(cpus);
	boot->action = action;
	boot->flags = HF_BOOT_SELF_CHECK;
	fake.audited = true;
	machine_launch(boot);
	/* It belongs to the loader, which may do with it what it likes. */
	memset(boot, 0xee, sizeof(*boot));
	return cpu_get(0);
}

static inline struct cpu *machine(u32 cpus)
{
	return machine_action(cpus, HF_ACTION_DENY);
}

/* ---- several CPUs at once; kicks reach a CPU only where its own thread takes them ---- */

/* What a thread that plays a CPU does. */
typedef void machine_fn(struct cpu *cpu);

struct machine_thread {
	struct cpu *cpu;
	machine_fn *fn;
	u32 *running; /* [a] */
	pthread_t thread;
};

static inline void *machine_thread(void *arg)
{
	struct machine_thread *t = arg;

	t->fn(t->cpu);
	__atomic_sub_fetch(t->running, 1, __ATOMIC_SEQ_CST);
	/* As a guest that does nothing. */
	while (__atomic_load_n(t->running, __ATOMIC_SEQ_CST)) {
		fake_deliver_kicks(&t->cpu, 1);
		sched_yield();
	}
	return NULL;
}

/* Run fn[i] as CPU i, at the same time, until all have returned. */
static inline void machine_threads(machine_fn *const *fn, u32 count)
{
	struct machine_thread threads[8];
	u32 running = count;

	assert_true(count <= ARRAY_SIZE(threads));
	fake.late_kicks = true;
	for (u32 i = 0; i < count; i++) {
		threads[i] = (struct machine_thread){ cpu_get(i), fn[i], &running, 0 };
		assert_int_equal(
			pthread_create(&threads[i].thread, NULL, machine_thread, &threads[i]),
			0);
	}
	for (u32 i = 0; i < count; i++)
		pthread_join(threads[i].thread, NULL);
	fake.late_kicks = false;
}

/* A hypercall by the kernel on @cpu; its result. */
static inline s64 machine_call(struct cpu *cpu, u64 number, u64 arg0, u64 arg1)
{
	const u64 arg[4] = { arg0, arg1, 0xdead, 0xbeef };
	s64 result = 0x7777;

	assert_int_equal(fake_guest_call(cpu, 0, number, arg, &result), VERDICT_RESULT);
	return result;
}

/* What the guest finds at @at of its memory. */
static inline void *machine_ram(u64 at)
{
	return fake.ram + at;
}

static inline struct hf_range machine_range(u64 gpa, u64 npages, u32 kind)
{
	return (struct hf_range){
		.va = 0xffffffff80000000ull + gpa,
		.gpa = gpa,
		.npages = npages,
		.kind = kind,
		.permission = owner_kind_permission(kind),
	};
}

static inline s64 machine_protect(struct cpu *cpu, const struct hf_range *ranges, u64 count)
{
	memcpy(machine_ram(MACHINE_BUFFER), ranges, count * sizeof(*ranges));
	return machine_call(cpu, HF_CALL_PROTECT, MACHINE_BUFFER, count);
}

/* Registers a range of each kind. */
static inline void machine_register(struct cpu *cpu)
{
	const struct hf_range ranges[] = {
		machine_range(MACHINE_TEXT, MACHINE_TEXT_PAGES, HF_KIND_TEXT),
		machine_range(MACHINE_RODATA, 3, HF_KIND_RODATA),
		machine_range(MACHINE_RO_INIT, 2, HF_KIND_RO_AFTER_INIT),
		machine_range(MACHINE_VECTORS, 1, HF_KIND_VECTORS),
		machine_range(MACHINE_VDSO, 1, HF_KIND_VDSO),
	};

	assert_int_equal(machine_protect(cpu, ranges, ARRAY_SIZE(ranges)), 0);
}

#define MACHINE_SEALED (MACHINE_TEXT_PAGES + 3 + 2 + 1 + 1)

static inline void machine_lock(struct cpu *cpu)
{
	machine_register(cpu);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
	assert_int_equal(launch_state(), HF_STATE_LOCKED);
}

/* The newest event. */
static inline struct hf_event machine_event(void)
{
	struct hf_event event;

	assert_int_equal(event_read(cpu_get(0), event_newest(), &event, 1), 1);
	assert_int_equal(event.sequence, event_newest());
	return event;
}

/* No event has come since @newest was the newest. */
#define assert_quiet(newest) assert_int_equal(event_newest(), newest)

#endif
