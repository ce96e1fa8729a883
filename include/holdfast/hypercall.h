/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Calls from the guest kernel to the hypervisor.
 *
 * x86: VMMCALL (AMD) or VMCALL (Intel), number in RAX, arguments in RDI, RSI,
 * RDX, RCX, result in RAX, all other registers kept. Arm: SMCCC fast call in the
 * vendor hypervisor range (docs/abi.md).
 *
 * Rules for every call:
 * - From user mode the instruction is undefined (#UD): the guest's user space
 *   cannot tell that anybody answers.
 * - A buffer is one whole page: its guest-physical address, page aligned, of RAM
 *   in state "guest" (never sealed, never the hypervisor's). It is copied once,
 *   judged from the copy, and written once.
 * - Unused arguments are ignored. Work is bounded by one page of input.
 * - Refused before-lock calls after lock return -EPERM and are events.
 */
#ifndef HOLDFAST_HYPERCALL_H
#define HOLDFAST_HYPERCALL_H

#include <holdfast/domain.h>
#include <holdfast/event.h>
#include <holdfast/range.h>
#include <holdfast/site.h>
#include <holdfast/types.h>

/* In the upper half so that no other hypervisor's numbering collides ("HF"). */
#define HF_CALL_BASE 0x48460000u

/*
 * Before lock. These numbers come first and die at lock.
 *
 * HF_CALL_PROTECT(ranges, count): register `count` records (1 ..
 *	HF_RANGES_PER_PAGE) of the page `ranges` to be sealed at lock. All or
 *	nothing. -EINVAL: a record is malformed, wraps, or its permission is not
 *	its kind's; -EFAULT: buffer, or a page of a record is not guest-owned RAM;
 *	-EEXIST: overlaps another record; -ENOSPC: HF_RANGES_MAX records are held;
 *	-EAGAIN: a lock is under way.
 *
 * HF_CALL_LOCK(): seal every registered range, record and pin the registers of
 *	every CPU, and return when no CPU can act on an older translation or
 *	setting. -EINVAL: no text was registered; -ENOMEM: tables could not be
 *	reserved (nothing has changed then); -EAGAIN: a lock is under way.
 */
#define HF_CALL_PROTECT (HF_CALL_BASE + 0x00)
#define HF_CALL_LOCK	(HF_CALL_BASE + 0x01)

/*
 * Before lock: where the kernel patches itself (holdfast/site.h), after HF_CALL_PROTECT of the
 * code and in this order. Each names the page its records are in and how many; all of a page is
 * registered or nothing. -EINVAL: malformed, not ascending, not in registered code that may be
 * executed in kernel mode, or memory does not hold what the record says; -EFAULT: buffer;
 * -ENOSPC: the table is full; -EAGAIN: a lock is under way.
 *
 * HF_CALL_PATCHING(page): struct hf_patching. Before the rest; -EEXIST the second time.
 * HF_CALL_ENTRIES(page, count): uint32_t, 1 .. HF_ENTRIES_PER_PAGE.
 * HF_CALL_SITES(page, count): struct hf_site, 1 .. HF_SITES_PER_PAGE.
 * HF_CALL_TEMPLATE(page): struct hf_template.
 * HF_CALL_PROBES(page, count): struct hf_probe, 1 .. HF_PROBES_PER_PAGE.
 *
 * HF_CALL_FORGET(): of all these calls and HF_CALL_PROTECT, as if none had been made: how a lock
 *	begins, since one before it may have failed half way. -EAGAIN: a lock is under way.
 */
#define HF_CALL_PATCHING (HF_CALL_BASE + 0x02)
#define HF_CALL_ENTRIES	 (HF_CALL_BASE + 0x03)
#define HF_CALL_SITES	 (HF_CALL_BASE + 0x04)
#define HF_CALL_TEMPLATE (HF_CALL_BASE + 0x05)
#define HF_CALL_PROBES	 (HF_CALL_BASE + 0x06)
#define HF_CALL_FORGET	 (HF_CALL_BASE + 0x07)

/*
 * Before lock.
 *
 * HF_CALL_DOMAIN(page): struct hf_domain: its memory becomes the service's for good. -EINVAL: the
 *	record is malformed, or a page is not the guest's; -EEXIST: the service has a domain;
 *	-ENOSPC: there are HF_DOMAINS_MAX; -ENOMEM; -ENODEV: this CPU or image cannot host any.
 */
#define HF_CALL_DOMAIN (HF_CALL_BASE + 0x08)
#define HF_CALL_LIVE   (HF_CALL_BASE + 0x40) /* from here on: before and after lock */

/*
 * Before and after lock. Queries: `page` is the buffer that receives the answer.
 *
 * HF_CALL_NOOP(): 0. For measuring the way in and out.
 * HF_CALL_INFO(page): struct hf_info.
 * HF_CALL_EVENTS(page, first): up to HF_EVENTS_PER_PAGE events from sequence number
 *	`first` (1-based) on; the number of events copied, 0 if there are none.
 * HF_CALL_STATS(page, cpu): struct hf_stats; -ENOENT: no such CPU.
 * HF_CALL_PROTECTION(page, index): struct hf_protection number `index` of
 *	hf_info.protections; -ENOENT past the end.
 * HF_CALL_ASSET(page, id): struct hf_asset; -ENOENT: no such asset.
 * HF_CALL_PAGES(page, gpa): up to HF_PAGE_RUNS struct hf_page_run, in ascending order and without
 *	gaps from page aligned `gpa` on, looking at no more than 1 GiB; how many. For audits.
 *	-EINVAL: `gpa` is not aligned or is past the end of what the tables translate.
 *
 * A query whose other argument is in order returns -EFAULT if `page` is not a page of guest-owned
 * RAM.
 */
#define HF_CALL_NOOP	   (HF_CALL_LIVE + 0x00)
#define HF_CALL_INFO	   (HF_CALL_LIVE + 0x01)
#define HF_CALL_EVENTS	   (HF_CALL_LIVE + 0x02)
#define HF_CALL_STATS	   (HF_CALL_LIVE + 0x03)
#define HF_CALL_PROTECTION (HF_CALL_LIVE + 0x04)
#define HF_CALL_ASSET	   (HF_CALL_LIVE + 0x05)
#define HF_CALL_PAGES	   (HF_CALL_LIVE + 0x06)

/*
 * HF_CALL_NMI(): for a kernel that finds no source of an NMI. 1: one of those that this CPU was
 *	given may have none, since a kick looks like an NMI and can hide one; said once for each
 *	kick, of the newest three. 0: each had a source.
 */
#define HF_CALL_NMI (HF_CALL_LIVE + 0x07)

/*
 * Services (holdfast/service/call.h has the page's layout).
 *
 * HF_CALL_SERVICE(page): begin the request in the page. 0: the page holds the answer.
 *	-EINPROGRESS: interrupted, hf_service_call.token is filled in. -ENODEV: no such
 *	service; -EAGAIN: it has a request, of this CPU or another; -EINVAL: malformed, a page
 *	that is lent is not the guest's, or more are than the service may have; -EFAULT:
 *	buffer; -ENOMEM; -EIO: it crashed or worked for too long, which is an event.
 * HF_CALL_SERVICE_RESUME(page, token): go on, on any CPU. Results as above, and -ENOENT:
 *	no such token; -EAGAIN: another CPU is resuming it.
 * HF_CALL_SERVICE_CANCEL(token): forget the request. 0, -ENOENT, -EAGAIN.
 *
 * Any interrupt of the guest's ends a run of the service: with interrupts off and one pending, none
 * gets anywhere. An error but -EINPROGRESS and -EAGAIN ends the request.
 */
#define HF_CALL_SERVICE	       (HF_CALL_LIVE + 0x10)
#define HF_CALL_SERVICE_RESUME (HF_CALL_LIVE + 0x11)
#define HF_CALL_SERVICE_CANCEL (HF_CALL_LIVE + 0x12)

#define HF_RANGES_MAX 8192u

enum hf_state {
	HF_STATE_ABSENT = 0,   /* not launched: only the agent answers */
	HF_STATE_LAUNCHED = 1, /* running below the kernel, nothing protected yet but itself */
	HF_STATE_LOCKED = 2,
};

/* What the CPU offers, as far as a protection depends on it. */
#define HF_FEATURE_DECODE_ASSIST (1u << 0) /* the CPU hands over operands of an exit */
#define HF_FEATURE_NEXT_RIP	 (1u << 1) /* ... and the next instruction's address */
#define HF_FEATURE_EXEC_SPLIT	 (1u << 2) /* kernel and user execution are told apart */
#define HF_FEATURE_FLUSH_ASID	 (1u << 3) /* a flush can be limited to the guest */
#define HF_FEATURE_RESTART	 (1u << 4) /* a CPU taken down can only come back as a guest */
#define HF_FEATURE_NO_GATE	 (1u << 5) /* no gate of address bit 20, or the CPUs ignore it */
#define HF_FEATURE_RULED_ONLY	 (1u << 6) /* writes of registers without a rule are not seen */
#define HF_FEATURE_UMIP		 (1u << 7) /* programs cannot read table registers */

/* @features: HF_FEATURE_*; memory in bytes, all of it taken from the guest at launch */
struct hf_info {
	uint32_t size;
	uint32_t abi;
	uint32_t state;	 /* enum hf_state */
	uint32_t action; /* HF_ACTION_DENY or HF_ACTION_ALLOW */
	uint32_t cpus;
	uint32_t cpus_locked;
	uint32_t protections; /* how many HF_CALL_PROTECTION knows */
	uint32_t features;
	uint64_t memory_total;
	uint64_t memory_used;
	uint64_t sealed_pages;
	uint64_t events;      /* sequence number of the newest event */
	uint64_t events_lost; /* of those, how many found no slot */
	uint32_t serial_port; /* events are copied to it; 0: none */
	uint32_t flags;	      /* HF_BOOT_*, as launched */
	char backend[16];     /* "svm", ... NUL terminated, as are all strings here */
	char version[32];     /* of the image */
};

_Static_assert(sizeof(struct hf_info) == 128, "part of the hypercall ABI");

/* Why a CPU left the guest; index into hf_stats.exits. */
enum hf_exit_kind {
	HF_EXIT_CALL = 0,	  /* hypercall */
	HF_EXIT_MEMORY = 1,	  /* second-level fault */
	HF_EXIT_REGISTER = 2,	  /* write of a guarded control register or table register */
	HF_EXIT_MSR = 3,	  /* read or write of a guarded model-specific register */
	HF_EXIT_VIRT = 4,	  /* virtualization instruction */
	HF_EXIT_KICK = 5,	  /* another CPU's hypervisor asked for it, or may have */
	HF_EXIT_NMI = 6,	  /* the guest's own NMI, handed on */
	HF_EXIT_PORT = 7,	  /* an I/O port the hypervisor owns */
	HF_EXIT_SHUTDOWN = 8,	  /* the guest cannot go on */
	HF_EXIT_OTHER = 9,	  /* anything else: refused and recorded */
	HF_EXIT_DEVICE = 10,	  /* write to a device's registers that are looked at */
	HF_EXIT_WINDOW = 11,	  /* the guest has ended handling an NMI */
	HF_EXIT_INSTRUCTION = 12, /* one that leaves the guest whatever we do (Intel: CPUID) */
	HF_EXIT_VIEW = 13,	  /* another mode's tables, where there are two */
	HF_EXIT_FIRMWARE = 14,	  /* call of the firmware */
	HF_EXIT_KIND_COUNT
};

struct hf_stats {
	uint32_t size;
	uint32_t cpu;
	uint64_t total;
	uint64_t exits[16];    /* by enum hf_exit_kind, the rest 0 */
	uint64_t launch_ticks; /* TSC ticks in the image until the CPU went on as a guest */
	uint64_t lock_ticks;   /* TSC ticks of the lock call, on the CPU that made it */
};

_Static_assert(sizeof(struct hf_stats) == 160, "part of the hypercall ABI");

enum hf_enforcement {
	HF_ENFORCED_NOT = 0,	  /* see reason */
	HF_ENFORCED_HARDWARE = 1, /* second-level tables, intercepts; gaps are other entries */
	HF_ENFORCED_FALLBACK = 2, /* by other means, see reason for what that costs or leaves */
	HF_ENFORCED_AT_LOCK = 3,  /* will be, once locked */
};

struct hf_protection {
	uint32_t size;
	uint32_t asset;
	uint32_t enforcement; /* enum hf_enforcement */
	uint32_t reserved;
	char name[48];
	char reason[128]; /* empty where enforced by hardware without a but */
};

_Static_assert(sizeof(struct hf_protection) == 192, "part of the hypercall ABI");

struct hf_asset {
	uint32_t size;
	uint32_t id;
	char name[48];
};

_Static_assert(sizeof(struct hf_asset) == 56, "part of the hypercall ABI");

/* Whose a page is, as hf_page_run.state says. */
enum hf_page_state {
	HF_PAGE_ABSENT = 0,
	HF_PAGE_DEVICE = 1,
	HF_PAGE_GUEST = 2,
	HF_PAGE_SEALED = 3,
	HF_PAGE_PENDING = 4,
	HF_PAGE_LENT = 5,
	HF_PAGE_SERVICE = 6,
	HF_PAGE_HYPERVISOR = 7,
};

/*
 * Pages in a row that are alike.
 *
 * @kind:	enum hf_kind, of sealed pages
 * @permission:	HF_PERM_* that the second-level tables give now
 * @due:	HF_PERM_* that they should give by whose the pages are; differs from
 *		@permission only if something is wrong
 */
struct hf_page_run {
	uint64_t gpa;
	uint64_t npages;
	uint8_t state; /* enum hf_page_state */
	uint8_t kind;
	uint8_t permission;
	uint8_t due;
	uint32_t reserved;
};

_Static_assert(sizeof(struct hf_page_run) == 24, "part of the hypercall ABI");

#define HF_PAGE_RUNS (HF_PAGE_SIZE / sizeof(struct hf_page_run))

#endif
