/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where the kernel patches its own code, and what may stand there. Registered before lock, with
 * the kernel's text_mutex held from collecting on until the lock call has returned, so that
 * nothing is in the middle of a patch.
 *
 * After lock a store to sealed code is made if it is a step of patching a site from one of its
 * values to another: a breakpoint over the first byte, the bytes after it, the first byte. Every
 * other store is a violation (HF_EVENT_MEMORY). Which of a site's values is written is the
 * kernel's choice, and so an attacker's in the kernel.
 *
 * On Arm there is no breakpoint on the way: an instruction is stored whole, in one store.
 *
 * All code is in 2 GiB of the address space: addresses are offsets from where these begin, 31 bits.
 * That is HF_CODE_BASE, the top 2 GiB, unless hf_patching.code_base names another place.
 */
#ifndef HOLDFAST_SITE_H
#define HOLDFAST_SITE_H

#include <holdfast/types.h>

#define HF_CODE_BASE 0xffffffff80000000ull

/*
 * Kinds of sites and their values on x86. On Arm all have 4 bytes but HF_FORM_TRACER: nop, b (jmp),
 * bl (call), ret, mov x0, #0 (2e 2e 2e 31 c0); HF_SITE_JUMP2 is as HF_SITE_JUMP5.
 *
 * HF_SITE_JUMP2	2 bytes: 66 90, or jmp rel8 to the target. Static keys.
 * HF_SITE_JUMP5	5 bytes: 0f 1f 44 00 00, or jmp rel32 to the target
 * HF_SITE_TRACE	5 bytes: 0f 1f 44 00 00, or call rel32 to an entry with
 *			HF_ENTRY_TRAMPOLINE or to a page that a template approves. Subject to
 *			hf_patching.ftrace. Target: 0.
 * HF_SITE_CALL		has an enum hf_form for its target
 */
enum hf_site_kind {
	HF_SITE_JUMP2 = 0,
	HF_SITE_JUMP5 = 1,
	HF_SITE_TRACE = 2,
	HF_SITE_CALL = 3,
};

/*
 * Values of a HF_SITE_CALL. "to F": to any registered entry.
 *
 * HF_FORM_CALL		call rel32 to F, 0f 1f 44 00 00, or 2e 2e 2e 31 c0: static call
 * HF_FORM_TAIL		jmp rel32 to F or to the return thunk, or c3 cc cc cc cc: static
 *			call in tail position, and the trampoline of a static call
 * HF_FORM_BRANCH	6 bytes: 0f 8x rel32 to F, to the return thunk or to jump_return, x as
 *			it is at lock: conditional static call in tail position
 * HF_FORM_PATCHED	call rel32 to F, or 0f 1f 44 00 00: ftrace_call and kin
 * HF_FORM_PATCHED_JUMP	jmp rel32 to F, or 0f 1f 44 00 00
 * HF_FORM_TRACER	8 bytes in front of a function, Arm only: one of hf_patching.tracers. Of any
 *			other value the first of these is stored. Subject to hf_patching.ftrace.
 */
enum hf_form {
	HF_FORM_CALL = 0,
	HF_FORM_TAIL = 1,
	HF_FORM_BRANCH = 2,
	HF_FORM_PATCHED = 3,
	HF_FORM_PATCHED_JUMP = 4,
	HF_FORM_TRACER = 5,
	HF_FORM_COUNT
};

/* Registered in ascending order, over all calls; no two overlap. */
struct hf_site {
	uint64_t bits;
};

_Static_assert(sizeof(struct hf_site) == 8, "part of the hypercall ABI");

/* @at, @target: offsets from HF_CODE_BASE; @target: as the kind says */
#define HF_SITE(at, kind, target) \
	((uint64_t)(at) << 33 | (uint64_t)(kind) << 31 | (uint64_t)(target))
#define HF_SITE_AT(bits)     ((uint32_t)((bits) >> 33))
#define HF_SITE_KIND(bits)   ((uint32_t)((bits) >> 31) & 3u)
#define HF_SITE_TARGET(bits) ((uint32_t)(bits)&0x7fffffffu)

#define HF_SITES_MAX	  131072u
#define HF_SITES_PER_PAGE (HF_PAGE_SIZE / sizeof(struct hf_site))

/*
 * An entry is where calls may go: an offset from HF_CODE_BASE, and this flag where trace sites
 * may call it (ftrace_caller, ftrace_regs_caller, and the trampolines that there are at lock). In
 * ascending order of offsets, over all calls.
 */
#define HF_ENTRY_TRAMPOLINE 0x80000000u
#define HF_ENTRIES_MAX	    98304u
#define HF_ENTRIES_PER_PAGE (HF_PAGE_SIZE / sizeof(uint32_t))

/* What the kernel may do with a mechanism after lock. */
enum hf_policy {
	HF_POLICY_OFF = 0, /* nothing: no store is genuine */
	/* Remove what was there at lock, and set it again to what it was. */
	HF_POLICY_BEFORE_LOCK = 1,
	HF_POLICY_ON = 2,
};

/* Code from @start up to, but without, @end, offsets from HF_CODE_BASE. */
struct hf_code_range {
	uint32_t start;
	uint32_t end;
};

#define HF_NOPROBE_MAX 502u
#define HF_TRACERS_MAX 4u

/*
 * @ftrace:		enum hf_policy: of HF_SITE_TRACE
 * @kprobes:		of breakpoints anywhere else
 * @livepatch:		kept for status: a live patch uses trace sites and cannot be told from
 *			a tracer by what it writes, so @ftrace decides
 * @return_thunk:	address that returns jump to (x86_return_thunk), 0: they do not
 * @jump_return:	address of __static_call_return, 0: there is none
 * @noprobe:		@noprobe_count ranges, ascending, where no breakpoint is set, also
 *			with kprobes on
 * @code_base:		first address of the 2 GiB that hold all code, of which the other
 *			addresses are offsets: page aligned, in the upper half; 0: HF_CODE_BASE
 * @tracers:		what a site of HF_FORM_TRACER may hold, first a tracer that calls all others
 *			there are (ftrace_list_ops); 0: nothing
 */
struct hf_patching {
	uint32_t size;
	uint8_t ftrace;
	uint8_t kprobes;
	uint8_t livepatch;
	uint8_t reserved0;
	uint64_t return_thunk;
	uint64_t jump_return;
	uint32_t noprobe_count;
	uint32_t reserved1;
	uint64_t code_base;
	uint64_t tracers[HF_TRACERS_MAX];
	struct hf_code_range noprobe[HF_NOPROBE_MAX];
};

_Static_assert(sizeof(struct hf_patching) == 4088, "part of the hypercall ABI");

/*
 * Trampolines that the kernel makes of a template after lock, in a page of their own. The page is
 * fixed before it is looked at, and approved if its first @length bytes equal @bytes but for the
 * fields; what follows in the page is overwritten with breakpoints. An approved page is given
 * back at the first write to it when no site calls it, and no probe jumps to it, any more.
 *
 * With @goes_back it is what a probe jumps to: behind @length bytes there is a copy of the 5 to
 * HF_COPY_MAX bytes from the probe's place on, as they were before it, and a jump to what follows
 * them. In the copy one displacement that counts from the instruction's own address is corrected
 * for its new place.
 */
enum hf_field_type {
	HF_FIELD_ANY = 0,    /* data, @size bytes */
	HF_FIELD_CALL = 1,   /* 5 bytes: values of HF_FORM_PATCHED, which can be patched */
	HF_FIELD_RETURN = 2, /* 5 bytes: jmp rel32 to the return thunk, or c3 cc cc cc cc */
	/* 5 bytes: call rel32 to the offset from HF_CODE_BASE in the last four of @bytes there */
	HF_FIELD_TARGET = 3,
};

struct hf_field {
	uint16_t offset;
	uint8_t size;
	uint8_t type; /* enum hf_field_type */
};

#define HF_TEMPLATES_MAX  4u
#define HF_TEMPLATE_BYTES 2048u
#define HF_FIELDS_MAX	  8u
#define HF_COPY_MAX	  20u

/* @length: at most HF_TEMPLATE_BYTES. @fields: @field_count of them, ascending, disjoint. */
struct hf_template {
	uint32_t size;
	uint16_t length;
	uint8_t field_count;
	uint8_t goes_back; /* 0 or 1 */
	struct hf_field fields[HF_FIELDS_MAX];
	uint8_t bytes[HF_TEMPLATE_BYTES];
};

_Static_assert(sizeof(struct hf_template) == 2088, "part of the hypercall ABI");

/*
 * A breakpoint that was set before lock at a place that is no site.
 *
 * @va:		its address
 * @original:	the bytes that were there before
 * @optimised:	1: a jump of 5 bytes is there now; 0: a breakpoint of 1, and only the first
 *		byte of @original is used
 */
struct hf_probe {
	uint64_t va;
	uint8_t original[5];
	uint8_t optimised;
	uint8_t reserved[2];
};

_Static_assert(sizeof(struct hf_probe) == 16, "part of the hypercall ABI");

#define HF_PROBES_MAX	   4096u
#define HF_PROBES_PER_PAGE (HF_PAGE_SIZE / sizeof(struct hf_probe))

/*
 * A site that is left at a breakpoint while this many others are begun, or 512 are at one, is
 * put back to the value it had (HF_EVENT_PATCH). Linux has at most 256 at once, for moments.
 */
#define HF_PATCH_BOUND 65536u

#endif
