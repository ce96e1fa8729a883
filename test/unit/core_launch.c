// SPDX-License-Identifier: GPL-2.0-only
/* Launch: all CPUs or none, and a reason for each way to fail. */
#include "machine.h"

static void launches(void **ctx)
{
	struct hf_event event;
	struct hf_info *info;

	(void)ctx;
	fake_reset(&fake_format);
	assert_int_equal(launch_state(), HF_STATE_ABSENT);
	machine(4);
	info = machine_ram(MACHINE_BUFFER);
	assert_int_equal(cpu_count(), 4);
	assert_int_equal(cpu_count_in(CPU_STARTING), 4);
	for (u32 i = 0; i < 4; i++) {
		assert_true(cpu_get(i)->vcpu->guest);
		assert_int_equal(cpu_get(i)->index, i);
		assert_int_equal(cpu_get(i)->id, 2 * i + 1);
		/* More than nothing, and no absolute time: the fake clock has barely begun. */
		assert_in_range(cpu_get(i)->stats.launch_ticks, 1, 1000);
	}
	assert_null(cpu_get(4));
	assert_int_equal(event_newest(), 1);
	event = machine_event();
	assert_int_equal(event.kind, HF_EVENT_LAUNCHED);
	assert_int_equal(event.new_value, 4);
	assert_int_equal(machine_call(cpu_get(3), HF_CALL_INFO, MACHINE_BUFFER, 0), 0);
	assert_int_equal(info->cpus, 4);
	assert_int_equal(info->action, HF_ACTION_DENY);
}

/* Values the core still needs when the loader has reused its record. */
static void boot_record_is_copied(void **ctx)
{
	struct hf_info *info;
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(2);
	boot->action = HF_ACTION_ALLOW;
	boot->serial_port = 0x2f8;
	machine_launch(boot);
	memset(boot, 0xee, sizeof(*boot));
	assert_int_equal(machine_call(cpu_get(0), HF_CALL_INFO, MACHINE_BUFFER, 0), 0);
	info = machine_ram(MACHINE_BUFFER);
	assert_int_equal(info->serial_port, 0x2f8);
	assert_int_equal(info->action, HF_ACTION_ALLOW);
	for (size_t i = 0; i < sizeof(*boot); i++)
		assert_int_equal(((u8 *)boot)[i], 0xee);
}

/* ---- a boot record that is wrong ---- */

static void wrong_abi(struct hf_boot *boot)
{
	boot->abi++;
}

static void wrong_size(struct hf_boot *boot)
{
	boot->size--;
}

static void no_cpu(struct hf_boot *boot)
{
	boot->cpu_count = 0;
}

static void many_cpus(struct hf_boot *boot)
{
	boot->cpu_count = HF_CPUS_MAX + 1;
}

static void same_cpu_twice(struct hf_boot *boot)
{
	boot->cpu_id[2] = boot->cpu_id[0];
}

static void no_memory_map(struct hf_boot *boot)
{
	boot->memory_count = 0;
}

static void long_memory_map(struct hf_boot *boot)
{
	boot->memory_count = HF_MEMORY_MAX + 1;
}

static void bad_memory_map(struct hf_boot *boot)
{
	boot->memory[1].gpa++;
}

static void chunk_is_no_memory(struct hf_boot *boot)
{
	boot->chunk_gpa[0] = FAKE_HIGH_END;
}

static void chunk_unaligned(struct hf_boot *boot)
{
	boot->chunk_gpa[1] += PAGE_SIZE;
}

static void action_none(struct hf_boot *boot)
{
	boot->action = HF_ACTION_NONE;
}

static void action_kill(struct hf_boot *boot)
{
	boot->action = HF_ACTION_KILL;
}

static void two_controls(struct hf_boot *boot)
{
	boot->flags = HF_BOOT_EXEC_OFF | HF_BOOT_TWO_TABLES;
}

static void no_sleep_register(struct hf_boot *boot)
{
	boot->sleep_count = 1;
}

static void sleep_register_at(struct hf_boot *boot, u64 address)
{
	boot->sleep_count = 1;
	boot->sleep[0] = (struct hf_sleep){
		.address = address, .space = HF_SPACE_MEMORY, .width = 2, .mask = 1, .match = 1
	};
}

static void sleep_register_in_ram(struct hf_boot *boot)
{
	sleep_register_at(boot, boot->memory[0].gpa);
}

static void sleep_register_across_pages(struct hf_boot *boot)
{
	sleep_register_at(boot, FAKE_LIMIT - PAGE_SIZE - 1);
}

static void no_chunk(struct hf_boot *boot)
{
	boot->chunk_count = 0;
}

static void many_chunks(struct hf_boot *boot)
{
	boot->chunk_count = HF_CHUNKS_MAX + 1;
}

static void base_unaligned(struct hf_boot *boot)
{
	boot->base += 8;
}

static const struct {
	void (*spoil)(struct hf_boot *boot);
	int error;
	u32 reason;
} wrong[] = {
	{ wrong_abi, -HF_EINVAL, HF_REASON_ABI },
	{ wrong_size, -HF_EINVAL, HF_REASON_ABI },
	{ no_cpu, -HF_EINVAL, HF_REASON_TOO_MANY_CPUS },
	{ many_cpus, -HF_EINVAL, HF_REASON_TOO_MANY_CPUS },
	{ same_cpu_twice, -HF_EINVAL, HF_REASON_BAD_OPTION },
	{ no_memory_map, -HF_EINVAL, HF_REASON_BAD_MEMORY_MAP },
	{ long_memory_map, -HF_EINVAL, HF_REASON_BAD_MEMORY_MAP },
	{ bad_memory_map, -HF_EINVAL, HF_REASON_BAD_MEMORY_MAP },
	{ chunk_is_no_memory, -HF_EINVAL, HF_REASON_BAD_MEMORY_MAP },
	{ chunk_unaligned, -HF_EINVAL, HF_REASON_BAD_MEMORY_MAP },
	{ action_none, -HF_EINVAL, HF_REASON_BAD_OPTION },
	{ action_kill, -HF_EINVAL, HF_REASON_BAD_OPTION },
	{ two_controls, -HF_EINVAL, HF_REASON_BAD_OPTION },
	{ no_sleep_register, -HF_EINVAL, HF_REASON_BAD_OPTION },
	{ sleep_register_in_ram, -HF_EINVAL, HF_REASON_BAD_OPTION },
	{ sleep_register_across_pages, -HF_EINVAL, HF_REASON_BAD_OPTION },
	{ no_chunk, -HF_ENOMEM, HF_REASON_NO_MEMORY },
	{ many_chunks, -HF_ENOMEM, HF_REASON_NO_MEMORY },
	{ base_unaligned, -HF_EINVAL, HF_REASON_BAD_IMAGE },
};

/* 0: refused as it should be. */
static int launch_wrong(u32 i)
{
	struct hf_boot *boot;

	fake_reset(&fake_format);
	boot = fake_boot(3);
	boot->reason = 0xdead;
	wrong[i].spoil(boot);
	if (launch_init(boot, UNIT_IMAGE) != wrong[i].error)
		return 1;
	if (boot->reason != wrong[i].reason)
		return 2;
	/* No CPU may enter what was never set up. */
	if (launch_cpu(boot, 0) != -HF_EBUSY || launch_state() != HF_STATE_ABSENT)
		return 3;
	return 0;
}

static void boot_record_is_checked(void **ctx)
{
	(void)ctx;
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		int code = machine_child(launch_wrong, i);

		if (code)
			fail_msg("row %u: %d", i, code);
	}
}

static void image_is_checked(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(1);
	assert_int_equal(launch_init(boot, FAKE_CHUNKS * HF_CHUNK_SIZE + PAGE_SIZE),
			 -HF_ENOMEM);
	assert_int_equal(boot->reason, HF_REASON_NO_MEMORY);
}

/* ---- the backend fails ---- */

static void probe_reason_is_kept(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	fake.probe_error = -HF_ENODEV;
	fake.probe_reason = HF_REASON_VIRT_DISABLED;
	boot = fake_boot(1);
	assert_int_equal(launch_init(boot, UNIT_IMAGE), -HF_ENODEV);
	assert_int_equal(boot->reason, HF_REASON_VIRT_DISABLED);
}

static void backend_init_fails(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	fake.init_error = -HF_ENODEV;
	boot = fake_boot(1);
	assert_int_equal(launch_init(boot, UNIT_IMAGE), -HF_ENODEV);
	assert_int_equal(boot->reason, HF_REASON_PLATFORM);
}

static int cpu_init_fails(u32 cpu)
{
	struct hf_boot *boot;

	fake_reset(&fake_format);
	fake.cpu_init_fails = cpu;
	boot = fake_boot(4);
	return launch_init(boot, UNIT_IMAGE) != -HF_ENOMEM ||
	       boot->reason != HF_REASON_NO_MEMORY;
}

static void each_cpu_init_fails(void **ctx)
{
	(void)ctx;
	for (u32 i = 1; i <= 4; i++)
		assert_int_equal(machine_child(cpu_init_fails, i), 0);
}

/* 0: failed as it should; 1: went well, there are fewer allocations; else: wrong. */
static int allocation_fails(u32 n)
{
	struct hf_boot *boot;
	int error;

	fake_reset(&fake_format);
	boot = fake_boot(3);
	boot->inject_alloc = n;
	error = launch_init(boot, UNIT_IMAGE);
	if (!error)
		return 1;
	if (error != -HF_ENOMEM || boot->reason != HF_REASON_NO_MEMORY)
		return 2;
	return launch_cpu(boot, 0) == -HF_EBUSY ? 0 : 3;
}

static void each_allocation_fails(void **ctx)
{
	u32 n = 0;
	int code;

	(void)ctx;
	do {
		code = machine_child(allocation_fails, ++n);
		if (code > 1)
			fail_msg("allocation %u: %d", n, code);
	} while (!code);
	/* The ring, 4 records of the memory map, 2 pages and a vcpu a CPU, the tables. */
	assert_true(n > 1 + 4 + 3 * 3 + 1);
	print_message("%u allocations\n", n - 1);
}

/* ---- a CPU fails ---- */

/* 0: all CPUs got the same error, none is a guest, and the reason is there. */
static int rolled_back(struct hf_boot *boot, struct machine_entry *entries, int error)
{
	if (boot->reason != HF_REASON_CPU_FAILED || launch_state() != HF_STATE_ABSENT)
		return 1;
	for (u32 i = 0; i < cpu_count(); i++) {
		if (entries[i].result != error)
			return 2;
		if (cpu_get(i)->vcpu->guest || cpu_state(cpu_get(i)) != CPU_ABSENT)
			return 3;
	}
	return event_newest() ? 4 : 0;
}

static int cpu_enter_fails(u32 cpu)
{
	struct machine_entry entries[4];
	struct hf_boot *boot;

	fake_reset(&fake_format);
	fake.enter_fails = cpu;
	boot = fake_boot(4);
	if (launch_init(boot, UNIT_IMAGE))
		return 9;
	machine_enter_all(boot, entries, 4);
	return rolled_back(boot, entries, -HF_ENODEV);
}

static int cpu_injected(u32 cpu)
{
	struct machine_entry entries[4];
	struct hf_boot *boot;

	fake_reset(&fake_format);
	boot = fake_boot(4);
	boot->inject_cpu = cpu;
	if (launch_init(boot, UNIT_IMAGE))
		return 9;
	machine_enter_all(boot, entries, 4);
	return rolled_back(boot, entries, -HF_ENODEV);
}

static void each_cpu_fails(void **ctx)
{
	(void)ctx;
	for (u32 i = 1; i <= 4; i++) {
		assert_int_equal(machine_child(cpu_enter_fails, i), 0);
		assert_int_equal(machine_child(cpu_injected, i), 0);
	}
	/* No such CPU: nothing fails. */
	assert_int_equal(machine_child(cpu_injected, 5), 1);
}

/* A loader that names a CPU twice or one that is not there must not hang the others. */
static int wrong_index(u32 index)
{
	struct machine_entry good, bad;
	struct hf_boot *boot;

	fake_reset(&fake_format);
	boot = fake_boot(2);
	if (launch_init(boot, UNIT_IMAGE))
		return 9;
	good = (struct machine_entry){ .boot = boot, .index = 0 };
	bad = (struct machine_entry){ .boot = boot, .index = index };
	pthread_create(&good.thread, NULL, machine_enter, &good);
	while (cpu_state(cpu_get(0)) != CPU_STARTING)
		sched_yield();
	machine_enter(&bad);
	pthread_join(good.thread, NULL);
	if (!bad.result || good.result != bad.result)
		return 1;
	return boot->reason == HF_REASON_CPU_FAILED && launch_state() == HF_STATE_ABSENT ? 0
											 : 2;
}

static void wrong_index_ends_the_launch(void **ctx)
{
	(void)ctx;
	assert_int_equal(machine_child(wrong_index, 0), 0);
	assert_int_equal(machine_child(wrong_index, 2), 0);
	assert_int_equal(machine_child(wrong_index, UINT32_MAX), 0);
}

/* ---- order ---- */

static void cpu_before_init(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(1);
	assert_int_equal(launch_cpu(boot, 0), -HF_EBUSY);
	assert_int_equal(boot->reason, HF_REASON_NONE);
}

static void init_twice(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(2);
	assert_int_equal(launch_init(boot, UNIT_IMAGE), 0);
	assert_int_equal(launch_init(boot, UNIT_IMAGE), -HF_EBUSY);
	assert_int_equal(boot->reason, HF_REASON_ALREADY);
}

static void init_again_after_failure(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(2);
	boot->abi++;
	assert_int_equal(launch_init(boot, UNIT_IMAGE), -HF_EINVAL);
	boot->abi--;
	assert_int_equal(launch_init(boot, UNIT_IMAGE), -HF_EBUSY);
}

static void cpu_after_launch(void **ctx)
{
	static struct hf_boot boot;

	(void)ctx;
	machine(2);
	assert_int_equal(launch_cpu(&boot, 0), -HF_EBUSY);
	assert_int_equal(launch_cpu(&boot, 2), -HF_EBUSY);
	assert_int_equal(boot.reason, 0);
	assert_int_equal(launch_state(), HF_STATE_LAUNCHED);
	assert_int_equal(cpu_count_in(CPU_STARTING), 2);
}

static void as_many_cpus_as_there_can_be(void **ctx)
{
	(void)ctx;
	machine(HF_CPUS_MAX);
	assert_int_equal(cpu_count_in(CPU_STARTING), HF_CPUS_MAX);
	assert_null(cpu_add(0));
}

static void cpu_states(void **ctx)
{
	static const enum cpu_state all[] = { CPU_ABSENT, CPU_PARKED, CPU_STARTING,
					      CPU_LOCKED };
	static const bool allowed[4][4] = {
		[CPU_ABSENT][CPU_STARTING] = true, [CPU_STARTING][CPU_LOCKED] = true,
		[CPU_STARTING][CPU_ABSENT] = true, [CPU_LOCKED][CPU_PARKED] = true,
		[CPU_STARTING][CPU_PARKED] = true, [CPU_PARKED][CPU_STARTING] = true,
	};
	struct cpu cpu = { 0 };

	(void)ctx;
	for (u32 from = 0; from < 4; from++) {
		for (u32 to = 0; to < 4; to++) {
			cpu.state = all[from];
			cpu.epoch = 77;
			assert_int_equal(cpu_move(&cpu, all[to]),
					 allowed[from][to] ? 0 : -HF_EPERM);
			assert_int_equal(cpu_state(&cpu), allowed[from][to] ? to : from);
			/* Who starts has answered nothing; nobody else forgets. */
			assert_int_equal(cpu.epoch,
					 allowed[from][to] && to == CPU_STARTING ? 0 : 77);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(launches),
		machine_test(boot_record_is_copied),
		machine_test(boot_record_is_checked),
		machine_test(image_is_checked),
		machine_test(probe_reason_is_kept),
		machine_test(backend_init_fails),
		machine_test(each_cpu_init_fails),
		machine_test(each_allocation_fails),
		machine_test(each_cpu_fails),
		machine_test(wrong_index_ends_the_launch),
		machine_test(cpu_before_init),
		machine_test(init_twice),
		machine_test(init_again_after_failure),
		machine_test(cpu_after_launch),
		machine_test(as_many_cpus_as_there_can_be),
		machine_test(cpu_states),
	};

	return cmocka_run_group_tests_name("core_launch", tests, NULL, NULL);
}
