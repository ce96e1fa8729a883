/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Events: what was attempted and what was done about it.
 *
 * The ring is in hypervisor memory and read by HF_CALL_EVENTS. The first
 * HF_EVENT_CAPACITY events are kept for good, later ones only counted: an
 * attacker can fill the ring but not wash away how it began. An event equal to
 * the newest one (same kind, access, RIP, asset, address and new value) raises that
 * one's repeat count instead of taking a slot.
 */
#ifndef HOLDFAST_EVENT_H
#define HOLDFAST_EVENT_H

#include <holdfast/types.h>

#define HF_EVENT_VERSION  1u
#define HF_EVENT_CAPACITY 1024u

enum hf_event_kind {
	HF_EVENT_NONE = 0,
	HF_EVENT_LAUNCHED = 1,	  /* one per launch; new = number of CPUs */
	HF_EVENT_LOCKED = 2,	  /* one per lock; new = number of sealed pages */
	HF_EVENT_MEMORY = 3,	  /* a second-level table refused an access */
	HF_EVENT_REGISTER = 4,	  /* a pinned or locked register: old and new value */
	HF_EVENT_VIRT = 5,	  /* a virtualization instruction; new = the exit's code */
	HF_EVENT_HYPERCALL = 6,	  /* a refused call: old = number, new = result */
	HF_EVENT_PORT = 7,	  /* an I/O port the hypervisor owns: gpa = port */
	HF_EVENT_GUEST_FATAL = 8, /* the guest cannot go on (x86: shutdown) */
	HF_EVENT_OTHER = 9,	  /* an exit of no other kind: refused; new = the exit's code */
	/* An attempt to reset, start or stop a CPU some other way than is foreseen: gpa = the
	 * register written, new = the value. */
	HF_EVENT_STARTUP = 10,
	/* Kernel code was left at a breakpoint while it was being patched, and has been put back as
	 * it was before (holdfast/site.h): va = where, new = the bytes put back. */
	HF_EVENT_PATCH = 11,
	/* A service ended without an answer: va = its instruction, gpa = the address it ran into,
	 * old = the operation, new = the exit's code, 0: it worked for too long. */
	HF_EVENT_SERVICE = 12,
	HF_EVENT_KIND_COUNT
};

enum hf_access {
	HF_ACCESS_NONE = 0,
	HF_ACCESS_READ = 1,
	HF_ACCESS_WRITE = 2,
	HF_ACCESS_EXECUTE = 3,
	HF_ACCESS_WALK = 4, /* by the CPU's own walk of the guest's page tables */
};

enum hf_action {
	HF_ACTION_NONE = 0,  /* nothing to decide: a note */
	HF_ACTION_DENY = 1,  /* refused, a fault injected, recorded */
	HF_ACTION_SKIP = 2,  /* omitted without a fault, recorded */
	HF_ACTION_ALLOW = 3, /* let pass, recorded */
	HF_ACTION_KILL = 4,  /* machine stopped, recorded */
};

/*
 * Asset ids: class in the top byte, number in the rest. HF_CALL_ASSET gives the
 * name. Registers are numbered by the backend; everything else is common.
 */
#define HF_ASSET_CLASS(id)	((id) >> 24)
#define HF_ASSET_NONE		0u
#define HF_ASSET_MEMORY		0x01000000u /* | enum hf_kind */
#define HF_ASSET_REGISTER	0x02000000u /* | number of the backend's rule */
#define HF_ASSET_REGISTER_OTHER 0x02ffffffu /* a register no rule names; gpa = which */
#define HF_ASSET_HYPERVISOR	0x03000000u /* the hypervisor's own memory */
#define HF_ASSET_VIRT		0x04000000u /* the virtualization extension */
#define HF_ASSET_HYPERCALL	0x05000000u /* the call interface */
#define HF_ASSET_PORT		0x06000000u /* | port number */
#define HF_ASSET_ABSENT		0x07000000u /* guest-physical addresses that are nobody's */
#define HF_ASSET_PLATFORM	0x08000000u /* the machine as a whole, and what docs/abi.md lists */
#define HF_ASSET_DEVICES	0x08000004u /* of those: memory access by devices */
#define HF_ASSET_RESTART	0x08000005u /* of those: restart of a CPU */
#define HF_ASSET_SLEEP		0x08000006u /* of those: sleep */
#define HF_ASSET_SERVICE	0x09000000u /* | number of the service */

/*
 * @size:	sizeof(struct hf_event)
 * @version:	HF_EVENT_VERSION
 * @cpu:	the hypervisor's CPU number, 0-based
 * @sequence:	1, 2, 3 ... without gaps, also where slots ran out
 * @tsc:	the CPU's time stamp counter when the event was first seen
 * @kind:	enum hf_event_kind
 * @access:	enum hf_access
 * @cpl:	x86 privilege level 0..3 of the code that tried; Arm: 0 is EL1, 3 is EL0
 * @action:	enum hf_action, what was done
 * @width:	bytes accessed, 0 where the hardware does not tell
 * @asset:	asset id
 * @repeat:	how often the same was seen again, saturating
 * @rip:	instruction pointer (Arm: PC)
 * @va:		guest-virtual address, 0 where the hardware does not tell
 * @gpa:	guest-physical address, port, register no rule names, or 0
 * @cr3:	root of the guest's page tables (Arm: TTBR)
 * @old:	value before, for registers
 * @new_value:	value that was to be written, where known: of memory at most the first 8 bytes
 * @last_tsc:	TSC of the latest repetition, 0 if there was none
 */
struct hf_event {
	uint16_t size;
	uint16_t version;
	uint32_t cpu;
	uint64_t sequence;
	uint64_t tsc;
	uint8_t kind;
	uint8_t access;
	uint8_t cpl;
	uint8_t action;
	uint16_t width;
	uint16_t reserved0;
	uint32_t asset;
	uint32_t repeat;
	uint64_t rip;
	uint64_t va;
	uint64_t gpa;
	uint64_t cr3;
	uint64_t old;
	uint64_t new_value;
	uint64_t last_tsc;
	uint64_t reserved[4];
};

_Static_assert(sizeof(struct hf_event) == 128, "fixed for ever: readers index by it");

#define HF_EVENTS_PER_PAGE (HF_PAGE_SIZE / sizeof(struct hf_event))

#endif
