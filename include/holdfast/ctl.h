/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * /dev/holdfast: between the command and the agent. Needs CAP_SYS_ADMIN. The
 * agent believes nothing here and the hypervisor believes nothing of the agent
 * after lock, so this interface is convenience, not protection. Fields named reserved are 0 on the
 * way in (-EINVAL otherwise) and on the way out.
 */
#ifndef HOLDFAST_CTL_H
#define HOLDFAST_CTL_H

#include <holdfast/types.h>
#ifdef __KERNEL__
#include <linux/ioctl.h>
#else
#include <sys/ioctl.h>
#endif

#define HF_DEVICE "/dev/holdfast"

/* Always answered, launched or not. */
struct hf_ctl_version {
	uint32_t size;
	uint32_t abi;
	uint32_t state; /* enum hf_state */
	uint32_t reserved;
	char version[32]; /* of the agent */
};

/*
 * @image:	address in the caller of the image file's bytes
 * @image_size:	at most HF_IMAGE_SIZE_MAX
 * @reason:	out: enum hf_reason, also where the call fails
 * @flags:	HF_BOOT_*
 */
struct hf_ctl_launch {
	uint32_t size;
	uint32_t abi;
	uint64_t image;
	uint64_t image_size;
	uint32_t action;
	uint32_t serial_port;
	uint32_t reason;
	uint32_t flags;
};

/* Why the agent could not tell what to seal; the command has a sentence for each. */
enum hf_lock_reason {
	HF_LOCK_NONE = 0,
	HF_LOCK_LAYOUT = 1,	   /* the kernel image is not mapped as expected */
	HF_LOCK_UNKNOWN_CODE = 2,  /* an executable page is nobody's that the agent knows */
	HF_LOCK_WRITABLE_CODE = 3, /* a page is executable and writable */
	HF_LOCK_WRITABLE = 4,	   /* what is to be read-only is writable */
	HF_LOCK_MODULE = 5,	   /* a module is being loaded or unloaded */
	HF_LOCK_TOO_MANY = 6,	   /* more ranges than HF_RANGES_MAX */
	HF_LOCK_MOVING = 7,	   /* what was found did not stay as it was */
	HF_LOCK_SITE = 8,	   /* what is patched, or a call there, is in nobody's code */
	HF_LOCK_UNIPROC = 9,	   /* patched for one CPU, and there could be more */
	HF_LOCK_CALL_DEPTH = 10,   /* the kernel counts call depth */
	HF_LOCK_PROBES = 11, /* new kprobes or tracers, whose code could not be executed */
	HF_LOCK_REASON_COUNT
};

/*
 * @ranges, @pages: out: what was registered
 * @failed_call: out: the call that was refused, 0: none
 * @reason:	out: enum hf_lock_reason, where it was not a call that failed
 * @va:		out: where
 * @ftrace, @kprobes, @livepatch: enum hf_policy
 */
struct hf_ctl_lock {
	uint32_t size;
	uint32_t ranges;
	uint64_t pages;
	uint32_t failed_call;
	uint32_t reason;
	uint64_t va;
	uint8_t ftrace;
	uint8_t kprobes;
	uint8_t livepatch;
	uint8_t reserved[5];
};

/*
 * A query (HF_CALL_INFO .. HF_CALL_PAGES), handed on as it is.
 *
 * @call:	the call's number
 * @arg:	its second argument
 * @buffer:	address in the caller of HF_PAGE_SIZE bytes for the answer
 * The ioctl returns the call's result; its errors are the call's, and -EINVAL for a
 * number that is not a query, -ENODEV before launch.
 */
struct hf_ctl_query {
	uint32_t call;
	uint32_t reserved;
	uint64_t arg;
	uint64_t buffer;
};

/*
 * One step of a walk through the kernel's own page tables: pages that are mapped in a row, to a
 * row of frames, with equal rights, and of the same owner by the kernel's own records.
 *
 * @rights:	HF_PERM_* by the kernel's page tables (kernel mode)
 * @kind:	enum hf_kind that the page should be sealed as; HF_KIND_NONE: of no kind
 */
struct hf_audit_run {
	uint64_t va;
	uint64_t gpa;
	uint64_t npages;
	uint32_t rights;
	uint32_t kind;
};

/*
 * @va:		in: where to go on, page aligned; out: where to go on next, 0 at the end
 * @buffer:	address in the caller of HF_PAGE_SIZE bytes that receive the runs, by ascending
 *		address
 * @count:	in: 0; out: how many
 *
 * Answered also before launch. -ENOENT: the kernel lacks a symbol that the walk needs.
 */
struct hf_ctl_audit {
	uint32_t size;
	uint32_t count;
	uint64_t va;
	uint64_t buffer;
};

#define HF_AUDIT_RUNS (HF_PAGE_SIZE / sizeof(struct hf_audit_run))

/*
 * Before lock: make a domain for a service and load it there. Errors are those of HF_CALL_DOMAIN;
 * -ENOEXEC: not a static ELF file of the shape that holdfast/service/domain.h wants.
 *
 * @image:	address in the caller of the file's bytes; @image_size: at most HF_IMAGE_SIZE_MAX
 * @service, @capabilities, @lent_max: as in struct hf_domain
 * @milliseconds: that one request may take
 */
struct hf_ctl_service {
	uint32_t size;
	uint32_t service;
	uint64_t image;
	uint64_t image_size;
	uint32_t capabilities;
	uint32_t lent_max;
	uint32_t milliseconds;
	uint32_t reserved;
};

/*
 * A request, and the wait for its answer. Errors are those of HF_CALL_SERVICE; -EINTR: the caller
 * was killed meanwhile.
 *
 * @request:	address in the caller of struct hf_service_call; the answer is stored there
 * @lent:	address in the caller of @lent_size bytes, at most HF_LENT_SIZE_MAX, of which the
 *		service is lent a copy. The request's own list is made of that
 */
struct hf_ctl_request {
	uint32_t size;
	uint32_t reserved;
	uint64_t request;
	uint64_t lent;
	uint64_t lent_size;
};

#define HF_LENT_SIZE_MAX 0x200000u

_Static_assert(sizeof(struct hf_ctl_service) == 40, "part of the device ABI");
_Static_assert(sizeof(struct hf_ctl_request) == 32, "part of the device ABI");
_Static_assert(sizeof(struct hf_audit_run) == 32, "part of the device ABI");
_Static_assert(sizeof(struct hf_ctl_audit) == 24, "part of the device ABI");
_Static_assert(sizeof(struct hf_ctl_version) == 48, "part of the device ABI");
_Static_assert(sizeof(struct hf_ctl_launch) == 40, "part of the device ABI");
_Static_assert(sizeof(struct hf_ctl_lock) == 40, "part of the device ABI");
_Static_assert(sizeof(struct hf_ctl_query) == 24, "part of the device ABI");

#define HF_CTL_VERSION _IOR('H', 0x40, struct hf_ctl_version)
#define HF_CTL_LAUNCH  _IOWR('H', 0x41, struct hf_ctl_launch)
#define HF_CTL_LOCK    _IOWR('H', 0x42, struct hf_ctl_lock)
#define HF_CTL_QUERY   _IOW('H', 0x43, struct hf_ctl_query)
#define HF_CTL_AUDIT   _IOWR('H', 0x44, struct hf_ctl_audit)
#define HF_CTL_SERVICE _IOW('H', 0x45, struct hf_ctl_service)
#define HF_CTL_REQUEST _IOW('H', 0x46, struct hf_ctl_request)

#endif
