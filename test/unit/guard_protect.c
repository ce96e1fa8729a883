// SPDX-License-Identifier: GPL-2.0-only
/* What can be registered, and the lock. */
#include <hv/shootdown.h>
#include "machine.h"

static void spoil_nothing(struct hf_range *r)
{
	(void)r;
}

static void gpa_unaligned(struct hf_range *r)
{
	r->gpa += 8;
}

static void va_unaligned(struct hf_range *r)
{
	r->va += 8;
}

static void no_pages(struct hf_range *r)
{
	r->npages = 0;
}

static void gpa_wraps(struct hf_range *r)
{
	r->gpa = ~0ull - PAGE_MASK;
	r->npages = 2;
}

static void va_wraps(struct hf_range *r)
{
	r->va = ~0ull - PAGE_MASK;
	r->npages = 2;
}

static void too_many_pages(struct hf_range *r)
{
	r->va = 0;
	r->npages = (1ull << 40) + 1;
}

static void bytes_wrap(struct hf_range *r)
{
	r->npages = 1ull << 52;
}

static void kind_none(struct hf_range *r)
{
	r->kind = HF_KIND_NONE;
	r->permission = 0;
}

static void kind_unknown(struct hf_range *r)
{
	r->kind = HF_KIND_COUNT;
	r->permission = 0;
}

static void permission_more(struct hf_range *r)
{
	r->permission |= HF_PERM_WRITE;
}

static void permission_less(struct hf_range *r)
{
	r->permission &= ~HF_PERM_KERNEL_EXEC;
}

static void token(struct hf_range *r)
{
	r->token = 1;
}

static void most_pages(struct hf_range *r)
{
	r->gpa = FAKE_HIGH_START;
	r->va = 0;
	r->npages = 1ull << 40;
}

static void hypervisor(struct hf_range *r)
{
	r->gpa = MACHINE_OURS;
}

static void into_hypervisor(struct hf_range *r)
{
	r->gpa = MACHINE_OURS - PAGE_SIZE;
	r->npages = 2;
}

static void hotplug(struct hf_range *r)
{
	r->gpa = FAKE_HOTPLUG_START;
}

static void device(struct hf_range *r)
{
	r->gpa = FAKE_HIGH_START - PAGE_SIZE;
}

static void beyond(struct hf_range *r)
{
	r->gpa = FAKE_LIMIT;
}

static void overlap_start(struct hf_range *r)
{
	r->gpa = MACHINE_TEXT - PAGE_SIZE;
	r->npages = 2;
}

static void overlap_end(struct hf_range *r)
{
	r->gpa = MACHINE_TEXT + (MACHINE_TEXT_PAGES - 1) * PAGE_SIZE;
	r->npages = 2;
}

static void overlap_inside(struct hf_range *r)
{
	r->gpa = MACHINE_TEXT + PAGE_SIZE;
}

static void overlap_around(struct hf_range *r)
{
	r->gpa = MACHINE_TEXT - PAGE_SIZE;
	r->npages = MACHINE_TEXT_PAGES + 2;
}

static void just_before(struct hf_range *r)
{
	r->gpa = MACHINE_TEXT - PAGE_SIZE;
}

static void just_after(struct hf_range *r)
{
	r->gpa = MACHINE_TEXT + MACHINE_TEXT_PAGES * PAGE_SIZE;
}

/* The text of machine_register is there already. */
static void records_are_checked(void **ctx)
{
	static const struct {
		void (*spoil)(struct hf_range *r);
		s64 result;
	} row[] = {
		{ gpa_unaligned, -HF_EINVAL },
		{ va_unaligned, -HF_EINVAL },
		{ no_pages, -HF_EINVAL },
		{ gpa_wraps, -HF_EINVAL },
		{ va_wraps, -HF_EINVAL },
		{ too_many_pages, -HF_EINVAL },
		{ bytes_wrap, -HF_EINVAL },
		{ kind_none, -HF_EINVAL },
		{ kind_unknown, -HF_EINVAL },
		{ permission_more, -HF_EINVAL },
		{ permission_less, -HF_EINVAL },
		{ token, -HF_EINVAL },
		{ most_pages, -HF_EFAULT },
		{ hypervisor, -HF_EFAULT },
		{ into_hypervisor, -HF_EFAULT },
		{ hotplug, -HF_EFAULT },
		{ device, -HF_EFAULT },
		{ beyond, -HF_EFAULT },
		{ overlap_start, -HF_EEXIST },
		{ overlap_end, -HF_EEXIST },
		{ overlap_inside, -HF_EEXIST },
		{ overlap_around, -HF_EEXIST },
		{ just_before, 0 },
		{ just_after, 0 },
		{ spoil_nothing, 0 },
		{ spoil_nothing, -HF_EEXIST },
	};
	struct cpu *cpu = machine(1);
	u64 pages;

	(void)ctx;
	machine_register(cpu);
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		/* The good one in front must not be kept when the second is refused. */
		struct hf_range r[] = {
			machine_range(40 * FAKE_MIB + i * PAGE_SIZE, 1, HF_KIND_RODATA),
			machine_range(MACHINE_FREE, 1, HF_KIND_TEXT),
		};
		s64 result;

		pages = protect_pages(HF_KIND_RODATA);
		row[i].spoil(&r[1]);
		result = machine_protect(cpu, r, 2);
		if (result != row[i].result)
			fail_msg("row %u: %lld", i, (long long)result);
		assert_int_equal(protect_pages(HF_KIND_RODATA), pages + !result);
	}
}

static void records_of_one_page_overlap(void **ctx)
{
	struct hf_range r[] = {
		machine_range(MACHINE_FREE, 2, HF_KIND_TEXT),
		machine_range(MACHINE_RODATA, 1, HF_KIND_RODATA),
		machine_range(MACHINE_FREE + PAGE_SIZE, 1, HF_KIND_RODATA),
	};
	struct cpu *cpu = machine(1);

	(void)ctx;
	assert_int_equal(machine_protect(cpu, r, 3), -HF_EEXIST);
	assert_int_equal(protect_pages(HF_KIND_TEXT), 0);
	assert_int_equal(machine_protect(cpu, r, 2), 0);
}

static void counts_of_records(void **ctx)
{
	struct hf_range r[HF_RANGES_PER_PAGE];
	struct cpu *cpu = machine(1);
	u64 at = FAKE_HIGH_START; /* as many pages as there can be records */
	u32 held;

	(void)ctx;
	assert_int_equal(machine_protect(cpu, r, 0), -HF_EINVAL);
	assert_int_equal(
		machine_call(cpu, HF_CALL_PROTECT, MACHINE_BUFFER, HF_RANGES_PER_PAGE + 1),
		-HF_EINVAL);
	assert_int_equal(machine_call(cpu, HF_CALL_PROTECT, MACHINE_BUFFER, ~0ull), -HF_EINVAL);
	assert_int_equal(machine_call(cpu, HF_CALL_PROTECT, MACHINE_BUFFER + 8, 1), -HF_EFAULT);
	assert_int_equal(machine_call(cpu, HF_CALL_PROTECT, MACHINE_OURS, 1), -HF_EFAULT);
	for (held = 0; held + HF_RANGES_PER_PAGE <= HF_RANGES_MAX; held += HF_RANGES_PER_PAGE) {
		for (u32 i = 0; i < HF_RANGES_PER_PAGE; i++, at += PAGE_SIZE)
			r[i] = machine_range(at, 1, HF_KIND_TEXT);
		assert_int_equal(machine_protect(cpu, r, HF_RANGES_PER_PAGE), 0);
	}
	for (u32 i = 0; i < HF_RANGES_PER_PAGE; i++, at += PAGE_SIZE)
		r[i] = machine_range(at, 1, HF_KIND_TEXT);
	assert_int_equal(machine_protect(cpu, r, HF_RANGES_MAX - held + 1), -HF_ENOSPC);
	assert_int_equal(machine_protect(cpu, r, HF_RANGES_MAX - held), 0);
	assert_int_equal(machine_protect(cpu, &r[HF_RANGES_MAX - held], 1), -HF_ENOSPC);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
	assert_int_equal(owner_sealed(), HF_RANGES_MAX);
}

/* ---- lock ---- */

static void locks(void **ctx)
{
	struct cpu *cpu = machine(4);
	u64 value = 0x1234;

	(void)ctx;
	/* Remembered translations that permit writing must be gone afterwards. */
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(fake_guest_access(cpu_get(i), gpa(MACHINE_TEXT),
						   HF_ACCESS_WRITE, 0, &value),
				 FAKE_DONE);
	machine_lock(cpu);
	assert_int_equal(cpu_count_in(CPU_LOCKED), 4);
	for (u32 i = 0; i < 4; i++) {
		assert_true(cpu_get(i)->vcpu->guarded);
		assert_int_equal(cpu_get(i)->recorded[FAKE_CONTROL], 0x000f);
		assert_int_equal(fake_guest_access(cpu_get(i), gpa(MACHINE_TEXT),
						   HF_ACCESS_WRITE, 0, &value),
				 VERDICT_FAULT);
		assert_int_equal(fake_guest_register(cpu_get(i), FAKE_VECTOR, 0),
				 VERDICT_FAULT);
	}
	assert_int_equal(owner_sealed(), MACHINE_SEALED);
	assert_true(cpu->stats.lock_ticks);
	assert_int_equal(cpu_get(1)->stats.lock_ticks, 0);
}

static void locked_event(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	machine_lock(cpu_get(1));
	assert_quiet(2);
	assert_int_equal(machine_event().kind, HF_EVENT_LOCKED);
	assert_int_equal(machine_event().cpu, 1);
	assert_int_equal(machine_event().new_value, MACHINE_SEALED);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), -HF_EPERM);
	assert_int_equal(owner_sealed(), MACHINE_SEALED);
}

static void no_text(void **ctx)
{
	const struct hf_range r = machine_range(MACHINE_RODATA, 1, HF_KIND_RODATA);
	struct cpu *cpu = machine(2);

	(void)ctx;
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), -HF_EINVAL);
	assert_int_equal(machine_protect(cpu, &r, 1), 0);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), -HF_EINVAL);
	assert_int_equal(launch_state(), HF_STATE_LAUNCHED);
	assert_int_equal(owner_sealed(), 0);
	assert_quiet(1);
}

/* Each reservation of tables fails once; nothing has changed then, and the next try succeeds.
 */
static int prepare_fails(u32 n)
{
	struct cpu *cpu = machine(2);
	s64 result;

	machine_register(cpu);
	fake.prepare_fails = n;
	result = machine_call(cpu, HF_CALL_LOCK, 0, 0);
	if (!result)
		return 1;
	if (result != -HF_ENOMEM || launch_state() != HF_STATE_LAUNCHED || owner_sealed() ||
	    cpu_count_in(CPU_LOCKED) || cpu->vcpu->guarded || event_newest() != 1)
		return 2;
	if (owner_page(gpa(MACHINE_TEXT)).state != PAGE_GUEST)
		return 3;
	fake.prepare_fails = 0;
	if (machine_call(cpu, HF_CALL_LOCK, 0, 0) || owner_sealed() != MACHINE_SEALED)
		return 4;
	return 0;
}

static void each_reservation_fails(void **ctx)
{
	u32 n = 0;
	int code;

	(void)ctx;
	do {
		code = machine_child(prepare_fails, ++n);
		if (code > 1)
			fail_msg("reservation %u: %d", n, code);
	} while (!code);
	assert_int_equal(n - 1, 5); /* one a range */
}

/* A page changed hands between registration and lock. */
static void page_taken_before_lock(void **ctx)
{
	const struct hf_range taken = machine_range(MACHINE_RODATA, 1, HF_KIND_NONE);
	struct cpu *cpu = machine(1);
	struct owner_locked owner;

	(void)ctx;
	machine_register(cpu);
	shootdown_exited(cpu);
	owner = owner_lock(cpu);
	assert_int_equal(owner_lend(owner, &taken, 1), 0);
	shootdown_settle(owner);
	owner_unlock(owner);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), -HF_EINVAL);
	assert_int_equal(launch_state(), HF_STATE_LAUNCHED);
	assert_int_equal(owner_page(gpa(MACHINE_TEXT)).state, PAGE_GUEST);
}

static void page_of_a_device(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct owner_locked owner;

	(void)ctx;
	machine_register(cpu);
	owner = owner_lock(cpu);
	assert_int_equal(owner_set_dma(owner, gpa(MACHINE_RODATA), 1, true), 0);
	owner_unlock(owner);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), -HF_EINVAL);
	assert_int_equal(owner_sealed(), 0);
}

/* Kicks arrive late: until then the call has not returned, though the seal is in force. */
static u32 relaxes_until_kicks;

static void deliver_late(void)
{
	struct cpu *others[] = { cpu_get(1), cpu_get(2) };

	assert_int_equal(cpu_state(cpu_get(0)), CPU_LOCKED);
	assert_int_equal(cpu_state(cpu_get(2)), CPU_STARTING);
	assert_int_equal(owner_page(gpa(MACHINE_TEXT)).state, PAGE_SEALED);
	assert_int_equal(event_newest(), 1);
	/* What the others do meanwhile is not guarded yet: legal, nothing was reported. */
	assert_int_equal(fake_guest_register(cpu_get(2), FAKE_MODE, 3), FAKE_DONE);
	if (--relaxes_until_kicks)
		return;
	fake.on_relax = NULL;
	fake_deliver_kicks(others, 2);
}

static void success_waits_for_every_cpu(void **ctx)
{
	struct cpu *cpu = machine(3);

	(void)ctx;
	machine_register(cpu);
	fake.late_kicks = true;
	fake.on_relax = deliver_late;
	relaxes_until_kicks = 50;
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
	assert_int_equal(relaxes_until_kicks, 0);
	assert_int_equal(cpu_count_in(CPU_LOCKED), 3);
	assert_int_equal(cpu_get(2)->recorded[FAKE_MODE], 3);
	assert_int_equal(fake_guest_register(cpu_get(2), FAKE_MODE, 2), VERDICT_FAULT);
}

/* Two CPUs lock at once, while a third registers. */
static s64 race_result[3];

static void race_lock(struct cpu *cpu)
{
	race_result[cpu->index] = machine_call(cpu, HF_CALL_LOCK, 0, 0);
}

static void race_add(struct cpu *cpu)
{
	const struct hf_range r = machine_range(MACHINE_FREE, 1, HF_KIND_RODATA);

	race_result[cpu->index] = machine_protect(cpu, &r, 1);
}

static bool refused(s64 result)
{
	return result == -HF_EPERM || result == -HF_EAGAIN;
}

static int race(u32 round)
{
	static machine_fn *const fn[] = { race_lock, race_lock, race_add };

	(void)round;
	machine(3);
	machine_register(cpu_get(0));
	machine_threads(fn, 3);
	if (!race_result[0] == !race_result[1])
		return 1;
	if (!refused(race_result[0] ? race_result[0] : race_result[1]))
		return 2;
	if (race_result[2] && !refused(race_result[2]))
		return 3;
	if (owner_sealed() != MACHINE_SEALED + !race_result[2])
		return 4;
	return launch_state() == HF_STATE_LOCKED && cpu_count_in(CPU_LOCKED) == 3 ? 0 : 5;
}

static void two_lock_at_once(void **ctx)
{
	(void)ctx;
	for (u32 i = 0; i < 40; i++)
		assert_int_equal(machine_child(race, i), 0);
}

/* While a lock waits for a CPU, the ranges are sealed: the calls that led there are dead. */
static s64 second_lock, second_add, forgotten;

static void call_again(void)
{
	const struct hf_range r = machine_range(MACHINE_FREE, 1, HF_KIND_RODATA);
	struct cpu *others[] = { cpu_get(1) };

	fake.on_relax = NULL;
	second_lock = protect_lock(cpu_get(1));
	second_add = protect_add(cpu_get(1), &r, 1);
	forgotten = machine_call(cpu_get(1), HF_CALL_FORGET, 0, 0);
	fake_deliver_kicks(others, 1);
}

static void no_way_in_during_lock(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	machine_register(cpu);
	fake.late_kicks = true;
	fake.on_relax = call_again;
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
	assert_int_equal(second_lock, -HF_EPERM);
	assert_int_equal(second_add, -HF_EPERM);
	assert_int_equal(forgotten, -HF_EPERM);
	assert_int_equal(owner_sealed(), MACHINE_SEALED);
}

/* A registration waits for the owner lock, and meanwhile the machine is locked. */
static struct owner_locked held_before;
static s64 overtaking;

static void lock_meanwhile(void)
{
	fake.on_relax = NULL;
	owner_unlock(held_before);
	overtaking = machine_call(cpu_get(0), HF_CALL_LOCK, 0, 0);
}

static void registration_overtaken_by_lock(void **ctx)
{
	const struct hf_range r = machine_range(MACHINE_FREE, 1, HF_KIND_RODATA);
	struct cpu *cpu = machine(2);

	(void)ctx;
	machine_register(cpu);
	held_before = owner_lock(cpu);
	fake.on_relax = lock_meanwhile;
	assert_int_equal(protect_add(cpu_get(1), &r, 1), -HF_EPERM);
	assert_int_equal(overtaking, 0);
	assert_int_equal(protect_pages(HF_KIND_RODATA), 3);
	assert_int_equal(owner_sealed(), MACHINE_SEALED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(records_are_checked),
		machine_test(records_of_one_page_overlap),
		machine_test(counts_of_records),
		machine_test(locks),
		machine_test(locked_event),
		machine_test(no_text),
		machine_test(each_reservation_fails),
		machine_test(page_taken_before_lock),
		machine_test(page_of_a_device),
		machine_test(success_waits_for_every_cpu),
		machine_test(two_lock_at_once),
		machine_test(no_way_in_during_lock),
		machine_test(registration_overtaken_by_lock),
	};

	return cmocka_run_group_tests_name("guard_protect", tests, NULL, NULL);
}
