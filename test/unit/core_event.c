// SPDX-License-Identifier: GPL-2.0-only
/* The ring of events: order, equal ones, capacity, and the line on the console. */
#include <hv/lock.h>
#include "machine.h"

static struct hf_event note(u64 value)
{
	return (struct hf_event){
		.kind = HF_EVENT_MEMORY,
		.access = HF_ACCESS_WRITE,
		.action = HF_ACTION_DENY,
		.width = 8,
		.asset = HF_ASSET_MEMORY | HF_KIND_TEXT,
		.va = 0x1111,
		.gpa = 0x2222,
		.old = 0x3333,
		.new_value = value,
	};
}

static void record(struct cpu *cpu, u64 value)
{
	const struct exit exit = { .cpl = 0, .rip = 0x4444, .root = 0x5555 };
	struct hf_event event = note(value);

	event_record(cpu, &exit, &event);
}

static void fields(void **ctx)
{
	const struct exit exit = { .cpl = 3, .rip = 0x4444, .root = 0x5555 };
	struct hf_event event = note(0x6666), got;
	u64 before, after;

	(void)ctx;
	machine(3);
	/* Not the caller's to say. */
	event.sequence = 99;
	event.cpu = 99;
	event.cpl = 1;
	before = backend_clock();
	event_record(cpu_get(2), &exit, &event);
	after = backend_clock();
	got = machine_event();
	assert_int_equal(got.size, sizeof(got));
	assert_int_equal(got.version, HF_EVENT_VERSION);
	assert_int_equal(got.sequence, 2);
	assert_in_range(got.tsc, before, after);
	assert_int_equal(got.cpu, 2);
	assert_int_equal(got.cpl, 3);
	assert_int_equal(got.kind, HF_EVENT_MEMORY);
	assert_int_equal(got.access, HF_ACCESS_WRITE);
	assert_int_equal(got.action, HF_ACTION_DENY);
	assert_int_equal(got.width, 8);
	assert_int_equal(got.asset, HF_ASSET_MEMORY | HF_KIND_TEXT);
	assert_int_equal(got.repeat, 0);
	assert_int_equal(got.rip, 0x4444);
	assert_int_equal(got.va, 0x1111);
	assert_int_equal(got.gpa, 0x2222);
	assert_int_equal(got.cr3, 0x5555);
	assert_int_equal(got.old, 0x3333);
	assert_int_equal(got.new_value, 0x6666);
	assert_int_equal(got.last_tsc, 0);
}

static void equal_ones_are_counted(void **ctx)
{
	struct cpu *cpu = machine(2);
	size_t console;

	(void)ctx;
	record(cpu, 1);
	console = fake.console_length;
	for (int i = 0; i < 5; i++)
		record(i & 1 ? cpu : cpu_get(1), 1); /* the CPU does not make it another */
	assert_quiet(2);
	assert_int_equal(machine_event().repeat, 5);
	assert_true(machine_event().last_tsc > machine_event().tsc);
	assert_int_equal(machine_event().cpu, 0);
	assert_int_equal(fake.console_length, console);
}

/* Each field of the key, changed alone, makes another event; any other field does not. */
static void what_makes_events_equal(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct hf_event event[8];
	struct exit exit = { .rip = 1 };

	(void)ctx;
	for (u32 i = 0; i < ARRAY_SIZE(event); i++)
		event[i] = note(1);
	event[1].kind = HF_EVENT_REGISTER;
	event[2].access = HF_ACCESS_READ;
	event[3].asset = HF_ASSET_HYPERVISOR;
	event[4].va++;
	event[5].gpa++;
	event[6].new_value++;
	for (u32 i = 0; i < ARRAY_SIZE(event); i++) {
		u64 newest;

		event_record(cpu, &exit, &event[0]);
		newest = event_newest();
		event_record(cpu, &exit, &event[i]);
		assert_int_equal(event_newest() - newest, i >= 1 && i <= 6);
		/* Only the newest is compared with. */
		event_record(cpu, &exit, &event[6]);
	}
	event_record(cpu, &exit, &event[0]);
	exit.rip++;
	event_record(cpu, &exit, &event[0]);
	assert_int_equal(machine_event().rip, 2);
	assert_int_equal(machine_event().repeat, 0);
	event[7].old++;
	event[7].width++;
	event[7].action = HF_ACTION_ALLOW;
	event_record(cpu, &exit, &event[7]);
	assert_int_equal(machine_event().repeat, 1);
}

static void repeat_saturates(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_event *ring = NULL, got;
	u8 *at;

	(void)ctx;
	record(cpu, 0x123456789abcdefull);
	/* There is no other way to see 2^32 repetitions than to find the slot and set it. */
	for (at = fake.chunks; at < fake.chunks + FAKE_CHUNKS * HF_CHUNK_SIZE && !ring;
	     at += sizeof(*ring)) {
		struct hf_event *e = (struct hf_event *)at;

		if (e->size == sizeof(*e) && e->new_value == 0x123456789abcdefull)
			ring = e;
	}
	assert_non_null(ring);
	ring->repeat = UINT32_MAX - 1;
	for (int i = 0; i < 3; i++)
		record(cpu, 0x123456789abcdefull);
	got = machine_event();
	assert_int_equal(got.repeat, UINT32_MAX);
}

static void capacity(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_event event[2];
	size_t console;

	(void)ctx;
	for (u64 i = 2; i <= HF_EVENT_CAPACITY; i++)
		record(cpu, i);
	assert_quiet(HF_EVENT_CAPACITY);
	assert_int_equal(event_lost(), 0);
	console = fake.console_length;
	for (u64 i = 1; i <= 100; i++)
		record(cpu, HF_EVENT_CAPACITY + i);
	record(cpu, HF_EVENT_CAPACITY + 100); /* equal to one that has no slot */
	assert_quiet(HF_EVENT_CAPACITY + 100);
	assert_int_equal(event_lost(), 100);
	assert_int_equal(fake.console_length, console);
	/* The first are as they were. */
	for (u64 i = 2; i <= HF_EVENT_CAPACITY; i++) {
		assert_int_equal(event_read(cpu, i, event, 1), 1);
		assert_int_equal(event[0].sequence, i);
		assert_int_equal(event[0].new_value, i);
		assert_int_equal(event[0].repeat, 0);
	}
	assert_int_equal(event_read(cpu, HF_EVENT_CAPACITY, event, 2), 1);
	assert_int_equal(event_read(cpu, HF_EVENT_CAPACITY + 1, event, 2), 0);
}

/* The last one with a slot is no longer the newest: an event equal to it is a new one. */
static void repeats_do_not_reach_back(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_event last;

	(void)ctx;
	for (u64 i = 2; i <= HF_EVENT_CAPACITY + 1; i++)
		record(cpu, i);
	record(cpu, HF_EVENT_CAPACITY);
	assert_int_equal(event_lost(), 2);
	assert_int_equal(event_read(cpu, HF_EVENT_CAPACITY, &last, 1), 1);
	assert_int_equal(last.repeat, 0);
}

static void reading(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_event event[HF_EVENTS_PER_PAGE + 1];

	(void)ctx;
	for (u64 i = 2; i <= 100; i++)
		record(cpu, i);
	memset(event, 0xee, sizeof(event));
	assert_int_equal(event_read(cpu, 1, event, HF_EVENTS_PER_PAGE), HF_EVENTS_PER_PAGE);
	for (u32 i = 0; i < HF_EVENTS_PER_PAGE; i++)
		assert_int_equal(event[i].sequence, i + 1);
	assert_int_equal(event[HF_EVENTS_PER_PAGE].size, 0xeeee);
	assert_int_equal(event_read(cpu, 99, event, HF_EVENTS_PER_PAGE), 2);
	assert_int_equal(event_read(cpu, 101, event, HF_EVENTS_PER_PAGE), 0);
	assert_int_equal(event_read(cpu, 0, event, HF_EVENTS_PER_PAGE), 0);
	assert_int_equal(event_read(cpu, ~0ull, event, HF_EVENTS_PER_PAGE), 0);
}

static void console_line(void **ctx)
{
	const struct exit exit = { .cpl = 0, .rip = 0xffffffff81e0a2b6ull };
	const struct hf_event event = {
		.kind = HF_EVENT_REGISTER,
		.access = HF_ACCESS_WRITE,
		.action = HF_ACTION_DENY,
		.asset = HF_ASSET_REGISTER | FAKE_RULE_VECTOR,
		.va = 0x10,
		.gpa = 0x20,
		.old = 0xffffffff81000000ull,
		.new_value = 0xbad,
	};

	(void)ctx;
	machine(1);
	event_record(cpu_get(0), &exit, &event);
	assert_string_equal(
		fake.console,
		"holdfast: event seq=1 kind=launched action=none asset=0x08000000 "
		"name=\"machine\" access=none cpl=0 cpu=0 rip=0x0 va=0x0 gpa=0x0 old=0x0 "
		"new=0x1\n"
		"holdfast: event seq=2 kind=register action=deny asset=0x02000002 "
		"name=\"VECTOR\" access=write cpl=0 cpu=0 rip=0xffffffff81e0a2b6 va=0x10 "
		"gpa=0x20 old=0xffffffff81000000 new=0xbad\n");
}

/* Whatever a backend decodes, the line can be printed. */
static void console_line_of_nonsense(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_event event = note(0);

	(void)ctx;
	event.access = 0xff;
	event.asset = 0xffffffff;
	event_record(cpu, NULL, &event);
	assert_non_null(strstr(fake.console, "name=\"\" access=? "));
}

/* From all CPUs at once: no number twice, no line torn. */
static void record_many(struct cpu *cpu)
{
	for (u64 i = 0; i < 200; i++) {
		record(cpu, (u64)cpu->index << 32 | i);
		fake_deliver_kicks(&cpu, 1);
	}
}

static void simultaneous(void **ctx)
{
	static machine_fn *const fn[] = { record_many, record_many, record_many };
	struct hf_event event;
	u64 next[3] = { 0 };
	u32 lines = 0;
	char *line, *rest;

	(void)ctx;
	machine(3);
	machine_threads(fn, 3);
	assert_quiet(601);
	for (u64 i = 2; i <= 601; i++) {
		assert_int_equal(event_read(cpu_get(0), i, &event, 1), 1);
		assert_int_equal(event.sequence, i);
		assert_int_equal(event.new_value & 0xffffffff, next[event.cpu]++);
	}
	for (line = strtok_r(fake.console, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (fake.console_length == FAKE_CONSOLE_MAX - 1 && !*rest)
			break; /* the fake keeps no more */
		assert_memory_equal(line, "holdfast: event seq=", 20);
		assert_non_null(strstr(line, " new=0x"));
		lines++;
	}
	assert_true(lines > 100);
}

/* Far beyond the capacity: every number is given once. */
static void record_very_many(struct cpu *cpu)
{
	for (u64 i = 0; i < 300000; i++) {
		record(cpu, (u64)cpu->index << 32 | i);
		fake_deliver_kicks(&cpu, 1);
	}
}

static void simultaneous_beyond_capacity(void **ctx)
{
	static machine_fn *const fn[] = { record_very_many, record_very_many,
					  record_very_many };

	(void)ctx;
	machine(3);
	machine_threads(fn, 3);
	assert_quiet(1 + 3 * 300000);
	assert_int_equal(event_lost(), 1 + 3 * 300000 - HF_EVENT_CAPACITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(fields),
		machine_test(equal_ones_are_counted),
		machine_test(what_makes_events_equal),
		machine_test(repeat_saturates),
		machine_test(capacity),
		machine_test(repeats_do_not_reach_back),
		machine_test(reading),
		machine_test(console_line),
		machine_test(console_line_of_nonsense),
		machine_test(simultaneous),
		machine_test(simultaneous_beyond_capacity),
	};

	return cmocka_run_group_tests_name("core_event", tests, NULL, NULL);
}
