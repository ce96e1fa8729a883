// SPDX-License-Identifier: GPL-2.0-only
/* What is to be sealed, and the lock itself. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/overflow.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/pool.h>
#include <hv/protect.h>
#include <hv/registers.h>
#include <hv/shootdown.h>
#include <hv/string.h>

#define NPAGES_MAX (1ull << 40)

/* HF_RANGES_MAX. Owner lock; constant once locked. No two overlap in guest-physical memory. */
static struct hf_range *ranges;
static u32 held;
/* Owner lock. The range that code_range found last: the next is often the same. */
static u32 last_code;

static u32 locking; /* [a] a CPU is in protect_lock, or one has succeeded there */
static u32 locked;  /* [a] never cleared */
static u32 action;  /* constant after launch */

int protect_init(u32 with)
{
	action = with;
	ranges = pool_pages((HF_RANGES_MAX * sizeof(*ranges) + PAGE_SIZE - 1) / PAGE_SIZE);
	return ranges ? 0 : -HF_ENOMEM;
}

u32 protect_action(void)
{
	return action;
}

bool protect_locked(void)
{
	return __atomic_load_n(&locked, __ATOMIC_SEQ_CST);
}

/*
 * A reader without the owner lock may see the records half way through an addition: before lock
 * that is a number out of date, after lock there are no additions.
 */
u64 protect_pages(enum hf_kind kind)
{
	u64 pages = 0;

	for (u32 i = 0; i < held; i++)
		if (ranges[i].kind == kind)
			pages += ranges[i].npages;
	return pages;
}

static const struct hf_range *code_range(u64 address, bool virtual)
{
	for (u32 i = 0; i < held; i++, last_code = last_code + 1 < held ? last_code + 1 : 0) {
		const struct hf_range *r = &ranges[last_code];

		if (address - (virtual ? r->va : r->gpa) < r->npages * PAGE_SIZE &&
		    owner_kind_permission(r->kind) & HF_PERM_KERNEL_EXEC)
			return r;
	}
	return NULL;
}

bool protect_code_gpa(struct gva va, struct gpa *to)
{
	const struct hf_range *r = code_range(va.raw, true);

	*to = gpa(r ? r->gpa + (va.raw - r->va) : 0);
	return r;
}

bool protect_code_va(struct gpa at, struct gva *to)
{
	const struct hf_range *r = code_range(at.raw, false);

	*to = gva(r ? r->va + (at.raw - r->gpa) : 0);
	return r;
}

static int check_range(const struct hf_range *range)
{
	u64 end;

	if (range->npages > NPAGES_MAX || range_overflow(range->gpa, range->npages, &end) ||
	    range_overflow(range->va, range->npages, &end))
		return -HF_EINVAL;
	if (range->kind == HF_KIND_NONE || range->kind >= HF_KIND_COUNT ||
	    range->permission != owner_kind_permission(range->kind))
		return -HF_EINVAL;
	/* Nothing but the kernel image is approved before lock. */
	return range->token ? -HF_EINVAL : 0;
}

/* Whether @range overlaps one of @others; checked: no end wraps. */
static bool overlaps(const struct hf_range *range, const struct hf_range *others, u64 count)
{
	for (u64 i = 0; i < count; i++)
		if (owner_overlap(range, &others[i]))
			return true;
	return false;
}

/*
 * Disjoint first: the pages looked at one by one in the second loop are then no more than the
 * machine has, however many records name them.
 */
static int check_ranges(const struct hf_range *new, u64 count)
{
	int error;

	for (u64 i = 0; i < count; i++) {
		error = check_range(&new[i]);
		if (error)
			return error;
		if (overlaps(&new[i], new, i) || overlaps(&new[i], ranges, held))
			return -HF_EEXIST;
	}
	if (count > HF_RANGES_MAX - held)
		return -HF_ENOSPC;
	for (u64 i = 0; i < count; i++)
		if (!owner_all(gpa(new[i].gpa), new[i].npages, PAGE_GUEST))
			return -HF_EFAULT;
	return 0;
}

int protect_closed(void)
{
	if (protect_locked())
		return -HF_EPERM;
	return __atomic_load_n(&locking, __ATOMIC_SEQ_CST) ? -HF_EAGAIN : 0;
}

int protect_add(struct cpu *cpu, const struct hf_range *new, u64 count)
{
	struct owner_locked owner;
	int error = protect_closed();

	if (error)
		return error;
	owner = owner_lock(cpu);
	/* Waiting may have taken as long as a whole lock. */
	error = protect_closed();
	if (!error)
		error = check_ranges(new, count);
	if (!error) {
		memcpy(&ranges[held], new, count * sizeof(*new));
		held += count;
	}
	owner_unlock(owner);
	return error;
}

void protect_forget(void)
{
	held = 0;
	last_code = 0;
}

bool protect_confines(void)
{
	return !(backend_stage2_admissible(OWNER_CONFINED) & HF_PERM_KERNEL_EXEC);
}

/* Everything that can fail comes before the first change. */
static int seal(struct owner_locked owner)
{
	int error;

	if (!protect_pages(HF_KIND_TEXT))
		return -HF_EINVAL;
	error = owner_seal(owner, ranges, held);
	if (error)
		return error;
	if (protect_confines())
		owner_confine(owner);
	/* Before the demand: who answers it must find the machine locked. */
	__atomic_store_n(&locked, 1, __ATOMIC_SEQ_CST);
	/* A CPU taken down or being started meanwhile pins its registers when it comes back. */
	shootdown_settle(owner);
	return 0;
}

int protect_lock(struct cpu *cpu)
{
	u64 start = backend_clock();
	struct hf_event event = { .kind = HF_EVENT_LOCKED, .asset = HF_ASSET_PLATFORM };
	struct owner_locked owner;
	int error;

	if (__atomic_exchange_n(&locking, 1, __ATOMIC_SEQ_CST))
		return protect_locked() ? -HF_EPERM : -HF_EAGAIN;
	owner = owner_lock(cpu);
	error = seal(owner);
	event.new_value = owner_sealed();
	owner_unlock(owner);
	if (error) {
		__atomic_store_n(&locking, 0, __ATOMIC_SEQ_CST);
		return error;
	}
	__atomic_store_n(&cpu->stats.lock_ticks, backend_clock() - start, __ATOMIC_RELAXED);
	event_record(cpu, NULL, &event);
	return 0;
}

void protect_sync(struct cpu *cpu)
{
	if (!protect_locked() || cpu_state(cpu) != CPU_STARTING)
		return;
	registers_record(cpu);
	backend_cpu_lock(cpu);
	CHECK(cpu_move(cpu, CPU_LOCKED) == 0);
}
