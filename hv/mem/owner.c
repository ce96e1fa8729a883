// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who owns each page. What the loader names as memory has a byte a page; all the rest is device
 * memory as far as the second-level tables reach, and absent beyond.
 */
#include <hv/backend.h>
#include <hv/lock.h>
#include <hv/overflow.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/pool.h>
#include <hv/stage2.h>
#include <hv/string.h>

/* A page's byte: a state, or from BYTE_SEALED on a sealed page's kind; and flags. */
#define BYTE_CODE     0x3fu
#define BYTE_SEALED   8u
#define BYTE_DMA      0x40u
#define BYTE_CONFINED 0x80u
/* Of device memory, which nobody asks whether a device may write it. */
#define BYTE_GUARDED BYTE_DMA

static_assert(PAGE_HYPERVISOR < BYTE_SEALED, "states and kinds are told apart");
static_assert(BYTE_SEALED + HF_KIND_COUNT <= BYTE_CODE + 1, "kinds fit into the byte");

#define PERM_DATA (HF_PERM_READ | HF_PERM_WRITE)

#define GUARDS_MAX (HF_IO_APICS_MAX + 4) /* and the local one, and three sleep registers */

/* A record of the loader's memory map; constant after owner_init but for the bytes. */
struct span {
	u64 start;
	u64 end;
	u8 *bytes; /* atomic; written under the owner lock */
};

static struct {
	struct lock lock;
	u32 count;
	struct span span[HF_MEMORY_MAX]; /* ascending, disjoint */
	u32 guards;
	struct {
		u64 start, end;
	} guard[GUARDS_MAX]; /* device memory; constant once tables exist */
	u64 sealed;	     /* pages; atomic; written under the owner lock */
} owner;

/* ---- pages ---- */

static u8 byte_of(enum page_state state, u32 kind, u32 flags)
{
	return (u8)((state == PAGE_SEALED ? BYTE_SEALED + kind : state) | flags);
}

static enum page_state state_of(u8 byte)
{
	u32 code = byte & BYTE_CODE;

	return code < BYTE_SEALED ? code : PAGE_SEALED;
}

static struct page page_of(u8 byte)
{
	u32 code = byte & BYTE_CODE;

	return (struct page){
		.state = state_of(byte),
		.kind = code < BYTE_SEALED ? HF_KIND_NONE : code - BYTE_SEALED,
		.dma = code != PAGE_MMIO && (byte & BYTE_DMA),
		.confined = byte & BYTE_CONFINED,
		.guarded = code == PAGE_MMIO && (byte & BYTE_GUARDED),
	};
}

/* Pages in a row whose byte is the same. */
struct run {
	u8 byte;
	u8 *bytes; /* NULL: not in the memory map */
	u64 npages;
};

/* No record holds @address: up to the next record, or to where the tables end. */
static struct run run_outside(u64 address, u64 end, u64 next)
{
	u64 limit = backend_gpa_limit().raw;
	struct run run = { byte_of(PAGE_ABSENT, 0, 0), NULL, 0 };

	if (address < limit) {
		run.byte = byte_of(PAGE_MMIO, 0, 0);
		end = limit < end ? limit : end;
	}
	for (u32 i = 0; i < owner.guards; i++) {
		if (address >= owner.guard[i].start && address < owner.guard[i].end) {
			run.byte = byte_of(PAGE_MMIO, 0, BYTE_GUARDED);
			end = owner.guard[i].end < end ? owner.guard[i].end : end;
		} else if (address < owner.guard[i].start && owner.guard[i].start < end) {
			end = owner.guard[i].start;
		}
	}
	run.npages = ((next < end ? next : end) - address) / PAGE_SIZE;
	return run;
}

/* The first record that ends behind @address, if there is one. */
static const struct span *span_behind(u64 address)
{
	const struct span *span = owner.span;

	while (span < owner.span + owner.count && span->end <= address)
		span++;
	return span;
}

/* The longest run from @address on that ends at @end or before; both page aligned. */
static struct run run_at(u64 address, u64 end)
{
	const struct span *span = span_behind(address);
	const struct span *last = owner.span + owner.count;
	struct run run;
	u64 most;

	if (span == last || address < span->start)
		return run_outside(address, end, span == last ? end : span->start);
	most = ((span->end < end ? span->end : end) - address) / PAGE_SIZE;
	run.bytes = span->bytes + (address - span->start) / PAGE_SIZE;
	run.byte = __atomic_load_n(run.bytes, __ATOMIC_RELAXED);
	run.npages = 1;
	while (run.npages < most &&
	       __atomic_load_n(run.bytes + run.npages, __ATOMIC_RELAXED) == run.byte)
		run.npages++;
	return run;
}

static void run_set(const struct run *run, u8 byte)
{
	u64 i;

	for (i = 0; i < run->npages; i++)
		__atomic_store_n(run->bytes + i, byte, __ATOMIC_RELAXED);
}

/* Asked at each level of a walk: without the rest of a run. */
static u8 byte_at(u64 address)
{
	const struct span *span = span_behind(address);
	u64 page = address & ~PAGE_MASK;

	if (likely(span < owner.span + owner.count && page >= span->start))
		return __atomic_load_n(&span->bytes[(page - span->start) / PAGE_SIZE],
				       __ATOMIC_RELAXED);
	/* The end of the very last page wraps; no record holds it, and only that counts. */
	return run_outside(page, page + PAGE_SIZE, page + PAGE_SIZE).byte;
}

enum page_state owner_state(struct gpa address)
{
	return state_of(byte_at(address.raw));
}

struct page owner_page(struct gpa address)
{
	return page_of(byte_at(address.raw));
}

struct page owner_run(struct gpa at, u64 most, u64 *npages)
{
	struct run run = run_at(at.raw, at.raw + most * PAGE_SIZE);

	*npages = run.npages;
	return page_of(run.byte);
}

bool owner_all(struct gpa start, u64 npages, enum page_state state)
{
	struct run run;
	u64 at, end;

	if (range_overflow(start.raw, npages, &end))
		return false;
	for (at = start.raw; at < end; at += run.npages * PAGE_SIZE) {
		run = run_at(at, end);
		if (page_of(run.byte).state != state)
			return false;
	}
	return true;
}

u64 owner_sealed(void)
{
	return __atomic_load_n(&owner.sealed, __ATOMIC_RELAXED);
}

/* ---- permissions ---- */

const u8 owner_kinds[] = {
	[HF_KIND_TEXT] = HF_PERM_READ | HF_PERM_KERNEL_EXEC,
	[HF_KIND_RODATA] = HF_PERM_READ,
	[HF_KIND_RO_AFTER_INIT] = HF_PERM_READ,
	[HF_KIND_VECTORS] = HF_PERM_READ,
	[HF_KIND_VDSO] = HF_PERM_READ | HF_PERM_USER_EXEC,
	[HF_KIND_MODULE_TEXT] = HF_PERM_READ | HF_PERM_KERNEL_EXEC,
	[HF_KIND_MODULE_RODATA] = HF_PERM_READ,
	[HF_KIND_RUNTIME_CODE] = HF_PERM_READ | HF_PERM_KERNEL_EXEC,
	[HF_KIND_STARTUP] = HF_PERM_READ,
	[HF_KIND_FIRMWARE] = HF_PERM_READ | HF_PERM_KERNEL_EXEC,
	[HF_KIND_DATA] = PERM_DATA,
	[HF_KIND_ROOT] = HF_PERM_READ,
	[HF_KIND_TABLE] = HF_PERM_READ,
};
static_assert(HF_KIND_TABLE == HF_KIND_COUNT - 1, "every kind has a permission");

u32 owner_permission(struct page page)
{
	switch (page.state) {
	case PAGE_GUEST:
		return page.confined ? OWNER_CONFINED : HF_PERM_ALL;
	case PAGE_ABSENT:
		return page.confined ? OWNER_CONFINED : 0;
	case PAGE_MMIO:
		return page.guarded ? HF_PERM_READ : PERM_DATA;
	case PAGE_SEALED:
		return owner_kind_permission(page.kind);
	case PAGE_PENDING:
	case PAGE_LENT:
		return HF_PERM_READ;
	case PAGE_SERVICE:
	case PAGE_HYPERVISOR:
		break;
	}
	return 0;
}

int owner_for_each_run(struct gpa limit,
		       int (*fn)(struct gpa start, u64 npages, u32 perm, void *ctx), void *ctx)
{
	u64 at, start = 0;
	u32 perm = 0;
	struct run run;
	int error;

	for (at = 0; at < limit.raw; at += run.npages * PAGE_SIZE) {
		u32 next;

		run = run_at(at, limit.raw);
		next = owner_permission(page_of(run.byte));
		if (at > start && next != perm) {
			error = fn(gpa(start), (at - start) / PAGE_SIZE, perm, ctx);
			if (error)
				return error;
			start = at;
		}
		perm = next;
	}
	return at > start ? fn(gpa(start), (at - start) / PAGE_SIZE, perm, ctx) : 0;
}

/* ---- memory map ---- */

static int add_span(const struct hf_memory *memory)
{
	struct span *span = &owner.span[owner.count];
	u64 previous = owner.count ? span[-1].end : 0;
	u64 bytes = memory->npages;

	if (range_overflow(memory->gpa, memory->npages, &span->end) || memory->gpa < previous ||
	    span->end > backend_gpa_limit().raw)
		return -HF_EINVAL;
	if (memory->type != HF_MEMORY_RAM && memory->type != HF_MEMORY_HOTPLUG)
		return -HF_EINVAL;
	span->start = memory->gpa;
	span->bytes = pool_pages((bytes + PAGE_SIZE - 1) / PAGE_SIZE);
	if (!span->bytes)
		return -HF_ENOMEM;
	memset(span->bytes,
	       memory->type == HF_MEMORY_RAM ? byte_of(PAGE_GUEST, 0, 0)
					     : byte_of(PAGE_ABSENT, 0, BYTE_CONFINED),
	       bytes);
	owner.count++;
	return 0;
}

/* No table exists yet: backend_init takes the permission from here. */
static int claim_chunk(u64 chunk)
{
	u64 npages = HF_CHUNK_SIZE / PAGE_SIZE;
	struct run run;

	if (!owner_all(gpa(chunk), npages, PAGE_GUEST))
		return -HF_EINVAL;
	for (; npages; npages -= run.npages, chunk += run.npages * PAGE_SIZE) {
		run = run_at(chunk, chunk + npages * PAGE_SIZE);
		run_set(&run, byte_of(PAGE_HYPERVISOR, 0, 0));
	}
	return 0;
}

int owner_init(const struct hf_boot *boot)
{
	int error = 0;
	u32 i;

	owner.count = 0;
	owner.guards = 0;
	owner.sealed = 0;
	if (boot->memory_count > HF_MEMORY_MAX || boot->chunk_count > HF_CHUNKS_MAX)
		return -HF_EINVAL;
	for (i = 0; i < boot->memory_count && !error; i++)
		error = add_span(&boot->memory[i]);
	for (i = 0; i < boot->chunk_count && !error; i++)
		error = claim_chunk(boot->chunk_gpa[i]);
	return error;
}

int owner_guard(struct gpa start, u64 npages)
{
	u64 end;

	if (range_overflow(start.raw, npages, &end) || !owner_all(start, npages, PAGE_MMIO))
		return -HF_EINVAL;
	if (owner.guards == GUARDS_MAX)
		return -HF_ENOMEM;
	owner.guard[owner.guards].start = start.raw;
	owner.guard[owner.guards++].end = end;
	return 0;
}

/* ---- transitions ---- */

struct owner_locked owner_lock(struct cpu *cpu)
{
	lock_acquire(&owner.lock, cpu);
	return (struct owner_locked){ cpu };
}

void owner_unlock(struct owner_locked locked)
{
	(void)locked;
	/* What a transition took away reaches every CPU before the next one begins. */
	CHECK(stage2_settled() == stage2_cuts());
	lock_release(&owner.lock);
}

/*
 * @from, @to:	states; the kind of sealed pages comes from the range
 * @keep:	flags that stay (dma never does: such pages do not move)
 * @set:	flags that are set
 */
struct transition {
	u8 from;
	u8 to;
	u8 keep;
	u8 set;
};

static u8 byte_after(const struct transition *t, const struct hf_range *range, u8 byte)
{
	u32 kind = t->to == PAGE_SEALED ? range->kind : HF_KIND_NONE;

	return byte_of(t->to, kind, (byte & t->keep) | t->set);
}

static bool range_valid(const struct transition *t, const struct hf_range *range)
{
	struct run run;
	u64 at, end;

	if (range_overflow(range->gpa, range->npages, &end))
		return false;
	if (t->to == PAGE_SEALED && !owner_kind_permission(range->kind))
		return false;
	for (at = range->gpa; at < end; at += run.npages * PAGE_SIZE) {
		run = run_at(at, end);
		if (!run.bytes || page_of(run.byte).state != t->from || (run.byte & BYTE_DMA))
			return false;
	}
	return true;
}

bool owner_overlap(const struct hf_range *a, const struct hf_range *b)
{
	return a->gpa < b->gpa + b->npages * PAGE_SIZE &&
	       b->gpa < a->gpa + a->npages * PAGE_SIZE;
}

static int validate(const struct transition *t, const struct hf_range *ranges, u32 count)
{
	u32 i, j;

	for (i = 0; i < count; i++) {
		if (!range_valid(t, &ranges[i]))
			return -HF_EINVAL;
		for (j = 0; j < i; j++)
			if (owner_overlap(&ranges[i], &ranges[j]))
				return -HF_EINVAL;
	}
	return 0;
}

/* Pages of one range may end up with different permissions (flags): a run at a time. */
static int prepare(const struct hf_range *range)
{
	u64 end = range->gpa + range->npages * PAGE_SIZE;
	struct run run;
	u64 at;

	for (at = range->gpa; at < end; at += run.npages * PAGE_SIZE) {
		run = run_at(at, end);
		if (backend_stage2_prepare(gpa(at), run.npages))
			return -HF_ENOMEM;
	}
	return 0;
}

/* States first: a fault on the new permission must find the new state. */
static void commit(const struct transition *t, const struct hf_range *range)
{
	u64 end = range->gpa + range->npages * PAGE_SIZE;
	struct run run;
	u64 at;

	for (at = range->gpa; at < end; at += run.npages * PAGE_SIZE) {
		u8 byte;

		run = run_at(at, end);
		byte = byte_after(t, range, run.byte);
		run_set(&run, byte);
		backend_stage2_protect(gpa(at), run.npages, owner_permission(page_of(byte)));
	}
	if (t->from == PAGE_SEALED)
		__atomic_fetch_sub(&owner.sealed, range->npages, __ATOMIC_RELAXED);
	if (t->to == PAGE_SEALED)
		__atomic_fetch_add(&owner.sealed, range->npages, __ATOMIC_RELAXED);
}

static int transfer(const struct transition *t, const struct hf_range *ranges, u32 count)
{
	int error = validate(t, ranges, count);
	u32 i;

	for (i = 0; i < count && !error; i++)
		error = prepare(&ranges[i]);
	if (error)
		return error;
	for (i = 0; i < count; i++)
		commit(t, &ranges[i]);
	for (i = 0; i < count; i++)
		backend_stage2_merge(gpa(ranges[i].gpa), ranges[i].npages);
	return 0;
}

/* A function of its own for each row of the table. */
#define TRANSITION(name, ...)                                                             \
	int owner_##name(struct owner_locked l, const struct hf_range *ranges, u32 count) \
	{                                                                                 \
		static const struct transition t = { __VA_ARGS__ };                       \
                                                                                          \
		(void)l;                                                                  \
		return transfer(&t, ranges, count);                                       \
	}

/*
 * What was sealed and is released stays without kernel-execute: the guest may write code there
 * that nobody verified. "Open" gives up enforcement altogether, "admit" that of execution.
 */
TRANSITION(claim, PAGE_GUEST, PAGE_HYPERVISOR, BYTE_CONFINED, 0)
TRANSITION(seal, PAGE_GUEST, PAGE_SEALED, BYTE_CONFINED, 0)
TRANSITION(check_begin, PAGE_GUEST, PAGE_PENDING, BYTE_CONFINED, 0)
TRANSITION(check_pass, PAGE_PENDING, PAGE_SEALED, BYTE_CONFINED, 0)
TRANSITION(check_fail, PAGE_PENDING, PAGE_GUEST, BYTE_CONFINED, 0)
TRANSITION(check_undo, PAGE_SEALED, PAGE_GUEST, BYTE_CONFINED, 0)
TRANSITION(lend, PAGE_GUEST, PAGE_LENT, BYTE_CONFINED, 0)
TRANSITION(return, PAGE_LENT, PAGE_GUEST, BYTE_CONFINED, 0)
TRANSITION(donate, PAGE_GUEST, PAGE_SERVICE, BYTE_CONFINED, 0)
TRANSITION(release, PAGE_SEALED, PAGE_GUEST, BYTE_CONFINED, BYTE_CONFINED)
TRANSITION(add, PAGE_ABSENT, PAGE_GUEST, BYTE_CONFINED, BYTE_CONFINED)
TRANSITION(open, PAGE_SEALED, PAGE_GUEST, 0, 0)
TRANSITION(admit, PAGE_GUEST, PAGE_GUEST, 0, 0)

static void set_confined(u64 at, u64 end)
{
	struct run run;

	for (; at < end; at += run.npages * PAGE_SIZE) {
		run = run_at(at, end);
		run_set(&run, run.byte | BYTE_CONFINED);
	}
}

static int confine_run(struct gpa start, u64 npages, u32 perm, void *unused)
{
	(void)unused;
	if (perm != HF_PERM_ALL)
		return 0;
	set_confined(start.raw, start.raw + npages * PAGE_SIZE);
	backend_stage2_protect(start, npages, OWNER_CONFINED);
	backend_stage2_merge(start, npages);
	return 0;
}

/*
 * Nothing has to be prepared: a block that loses something held pages with all permissions, which
 * none but those of one run have.
 */
void owner_confine(struct owner_locked l)
{
	(void)l;
	owner_for_each_run(backend_gpa_limit(), confine_run, NULL);
	for (u32 i = 0; i < owner.count; i++)
		set_confined(owner.span[i].start, owner.span[i].end);
}

int owner_set_dma(struct owner_locked l, struct gpa start, u64 npages, bool dma)
{
	struct run run;
	u64 at, end;

	(void)l;
	if (range_overflow(start.raw, npages, &end) || !owner_all(start, npages, PAGE_GUEST))
		return -HF_EINVAL;
	for (at = start.raw; at < end; at += run.npages * PAGE_SIZE) {
		run = run_at(at, end);
		run_set(&run, (u8)(dma ? run.byte | BYTE_DMA : run.byte & ~BYTE_DMA));
	}
	return 0;
}
