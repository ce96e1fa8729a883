// SPDX-License-Identifier: GPL-2.0-only
/* Which domains there are, and what each has. */
#include <hv/backend.h>
#include <hv/domain.h>
#include <hv/overflow.h>
#include <hv/panic.h>
#include <hv/pool.h>
#include <hv/shootdown.h>

#define TABLE_PAGES	512u
#define TOKEN_INDEX	0xffu /* of a token: the domain's, from 1 on */
#define LEVELS_ABOVE	8u    /* at both ends of a range, those above the lowest */
#define PERM_WRITABLE	(HF_PERM_READ | HF_PERM_WRITE)
#define PERM_EXECUTABLE (HF_PERM_READ | HF_PERM_USER_EXEC)

static struct domain domains[HF_DOMAINS_MAX]; /* owner lock, until counted */
static u32 count;			      /* [a] */

static_assert(HF_DOMAINS_MAX <= TOKEN_INDEX, "a token names its domain");

struct domain *domain_of_service(u32 service)
{
	u32 known = __atomic_load_n(&count, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < known; i++)
		if (domains[i].service == service)
			return &domains[i];
	return NULL;
}

struct domain *domain_of_token(u64 token)
{
	u64 index = (token & TOKEN_INDEX) - 1;

	return index < __atomic_load_n(&count, __ATOMIC_ACQUIRE) ? &domains[index] : NULL;
}

u64 domain_tables(const struct hf_range *ranges, u32 n)
{
	u64 pages = 0;

	for (u32 i = 0; i < n; i++)
		pages += ranges[i].npages / TABLE_PAGES + 2 + LEVELS_ABOVE;
	return pages;
}

/* Memory that is both written and executed would be of use to nobody but an attacker. */
static bool range_valid(const struct hf_range *range)
{
	u64 end;

	return !range_overflow(range->gpa, range->npages, &end) && !range->va &&
	       !range->token && range->kind == HF_KIND_NONE &&
	       (range->permission == HF_PERM_READ || range->permission == PERM_WRITABLE ||
		range->permission == PERM_EXECUTABLE);
}

/* Whether the domain can write the page at @at. */
static bool writable(const struct hf_domain *record, u64 at)
{
	for (u32 i = 0; i < record->range_count; i++) {
		const struct hf_range *range = &record->range[i];

		if (range->permission == PERM_WRITABLE && !(at & PAGE_MASK) &&
		    at - range->gpa < range->npages * PAGE_SIZE)
			return true;
	}
	return false;
}

static bool record_valid(const struct hf_domain *record)
{
	bool lent = record->capabilities & HF_CAPABILITY_LENT;

	if (record->size != sizeof(*record) || record->reserved || !record->service ||
	    !record->ticks || record->capabilities & ~HF_CAPABILITIES ||
	    record->lent_max > (lent ? HF_LENT_PAGES_MAX : 0) || !record->range_count ||
	    record->range_count > HF_DOMAIN_RANGES)
		return false;
	for (u32 i = 0; i < record->range_count; i++)
		if (!range_valid(&record->range[i]))
			return false;
	return writable(record, record->root) && writable(record, record->message);
}

/*
 * Memory for the tables is counted before any is taken: for those of the domain, and as many for
 * blocks of the guest's that are split, which are two at each end of a range in each view. So
 * nothing fails behind the transition, from which there is no way back.
 */
static int hand_over(struct owner_locked owner, struct domain *d,
		     const struct hf_domain *record)
{
	int error;

	if (pool_available() < 2 * domain_tables(record->range, record->range_count))
		return -HF_ENOMEM;
	error = owner_donate(owner, record->range, record->range_count);
	if (error)
		return error;
	for (u32 i = 0; i < record->range_count; i++) {
		const struct hf_range *range = &record->range[i];

		CHECK(!stage2_map(&d->space, gpa(range->gpa), range->npages,
				  range->permission));
	}
	shootdown_settle(owner);
	return 0;
}

int domain_add(struct owner_locked owner, const struct hf_domain *record)
{
	struct domain *d = &domains[count];
	int error = 0;

	if (!record_valid(record))
		return -HF_EINVAL;
	if (domain_of_service(record->service))
		return -HF_EEXIST;
	if (count == HF_DOMAINS_MAX)
		return -HF_ENOSPC;
	/* An attempt that failed leaves them to the next. */
	if (!d->cpu)
		error = backend_domain_init(d);
	if (!error)
		error = hand_over(owner, d, record);
	if (error)
		return error;
	d->service = record->service;
	d->lent_max = record->lent_max;
	d->ticks = record->ticks;
	d->root = gpa(record->root);
	d->message = gpa(record->message);
	d->entry = record->entry;
	d->stack = record->stack;
	d->token = count + 1;
	d->unsound = true;
	__atomic_store_n(&count, count + 1, __ATOMIC_RELEASE);
	return 0;
}
