/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hypervisor image and how a loader starts it (late launch; an image that
 * starts from firmware has its own header as well).
 *
 * The image is position independent. The loader
 * 1. checks the header (magic, abi, sizes) against the file it read;
 * 2. takes chunks of physically contiguous memory, HF_CHUNK_SIZE each and so
 *    aligned, maps them one after the other into one virtual range, executable,
 *    zeroes them and copies the file to the start;
 * 3. fills in struct hf_boot and calls the entry with HF_ENTRY_INIT on one CPU;
 * 4. calls the entry with HF_ENTRY_CPU on every CPU at once, interrupts off.
 * The entry is a C function of the platform's standard calling convention:
 *
 *	int64_t entry(uint32_t op, struct hf_boot *boot, uint32_t cpu);
 *
 * HF_ENTRY_INIT: touches nothing but the chunks and hf_boot.reason.
 * HF_ENTRY_CPU: returns 0 on every CPU, in guest mode, or the same error on every
 * CPU with all CPU state as before. The point of no return is inside, after
 * every CPU has run its first instruction as a guest.
 * After an error the loader may free the chunks. After success they are gone.
 */
#ifndef HOLDFAST_IMAGE_H
#define HOLDFAST_IMAGE_H

#include <holdfast/types.h>

#define HF_IMAGE_MAGIC	  0x54534146444c4f48ull /* the bytes "HOLDFAST" in little-endian order */
#define HF_IMAGE_SIZE_MAX (2u << 20)

enum hf_backend {
	HF_BACKEND_SVM = 1,
	HF_BACKEND_VMX = 2,
	HF_BACKEND_EL2 = 3,
};

/* At the start of the file. Offsets and sizes in bytes. */
struct hf_image_header {
	uint64_t magic;
	uint32_t abi;	      /* HF_ABI */
	uint32_t backend;     /* enum hf_backend */
	uint64_t file_size;   /* of the whole file */
	uint64_t memory_size; /* with zero-initialized data; a multiple of HF_PAGE_SIZE */
	uint64_t entry;	      /* offset of the entry function */
	uint64_t reserved;
	char version[32]; /* NUL terminated */
};

_Static_assert(sizeof(struct hf_image_header) == 80, "part of the image ABI");

#define HF_CHUNK_SHIFT	22
#define HF_CHUNK_SIZE	(1ull << HF_CHUNK_SHIFT)
#define HF_CHUNKS_MAX	256u
#define HF_CPUS_MAX	256u
#define HF_MEMORY_MAX	128u
#define HF_IO_APICS_MAX 16u

enum hf_memory_type {
	HF_MEMORY_RAM = 1,
	HF_MEMORY_HOTPLUG = 2, /* may become RAM later: never kernel-executable */
};

/* Anything no record names is device memory. */
struct hf_memory {
	uint64_t gpa;
	uint64_t npages;
	uint32_t type; /* enum hf_memory_type */
	uint32_t reserved;
};

/*
 * Memory the hypervisor needs for a machine, in bytes: image and tables; for each page up to the
 * end of the memory map; and for each page of RAM, so that no sealing can run out of tables
 * (a 4 KiB table for each 2 MiB; with HF_BOOT_TWO_TABLES twice).
 */
#define HF_MEMORY_FIXED	   (7ull << 20)
#define HF_MEMORY_PER_PAGE 1ull
#define HF_MEMORY_PER_RAM  8ull

/* hf_boot.flags */
/* x86: writes to interrupt controllers are looked at, so that INIT and SIPI are caught where the
 * CPU does not intercept INIT. */
#define HF_BOOT_INIT_GUARD 1u
#define HF_BOOT_SELF_CHECK 2u /* check the hypervisor's own work at each exit; slow */
/* Execute control: not at all, instead of where the CPU tells kernel from user execution. */
#define HF_BOOT_EXEC_OFF 4u
/* ... or by a set of tables for each, whatever the CPU offers: two exits a system call. Not both.
 */
#define HF_BOOT_TWO_TABLES 8u
/* x86, CPUs without UMIP: programs may go on reading table registers after lock. */
#define HF_BOOT_UMIP_OFF 16u
#define HF_BOOT_FLAGS	 31u /* all */

/*
 * Where a CPU that is started again (x86: SIPI; Arm: CPU_ON) begins, in the kernel's own
 * world: its 64-bit entry for secondary CPUs. All zero: none is known, a CPU taken down stays so.
 *
 * @rip:	virtual address of the entry
 * @root:	of page tables that map the entry and @stack (x86: CR3)
 * @stack:	top of a stack of at least 64 bytes, shared by all: CPUs start one at a time
 * @place:	what the kernel names as the place to start when it starts a CPU (x86: the page
 *		number in the SIPI); naming another is refused
 */
struct hf_startup {
	uint64_t rip;
	uint64_t root;
	uint64_t stack;
	uint64_t place;
};

/* Where a register is. */
enum hf_space {
	HF_SPACE_PORT = 0,   /* an I/O port */
	HF_SPACE_MEMORY = 1, /* a guest-physical address, of device memory */
	HF_SPACE_OTHER = 2,  /* where it cannot be guarded; status says so */
};

/*
 * A store that would put the machine to sleep, or shut the gate of address bit 20, refused after
 * lock: one of @width bytes or any that covers them, to @address in @space, whose bits of @mask
 * equal @match.
 */
struct hf_sleep {
	uint64_t address;
	uint32_t mask;
	uint32_t match;
	uint8_t space; /* enum hf_space */
	uint8_t width; /* of the register, in bytes: 1, 2 or 4; within one page */
	uint8_t gate;  /* 1: not sleep, but the gate of address bit 20 */
	uint8_t reserved[5];
};

#define HF_SLEEP_MAX 32u

enum hf_entry_op {
	HF_ENTRY_INIT = 0,
	HF_ENTRY_CPU = 1,
};

/* Why a launch failed; the command has a sentence for each. */
enum hf_reason {
	HF_REASON_NONE = 0,
	HF_REASON_ABI = 1,	     /* image and agent are of different versions */
	HF_REASON_NO_VIRT = 2,	     /* CPU lacks the virtualization extension */
	HF_REASON_VIRT_DISABLED = 3, /* firmware switched it off */
	HF_REASON_VIRT_IN_USE = 4,   /* KVM or another hypervisor runs */
	HF_REASON_NO_NESTED_PAGING = 5,
	HF_REASON_MEMORY_ENCRYPTION = 6, /* SME is active: physical addresses carry a key bit */
	HF_REASON_NO_MEMORY = 7,	 /* not enough memory */
	HF_REASON_BAD_MEMORY_MAP = 8,
	HF_REASON_TOO_MANY_CPUS = 9,
	HF_REASON_CPU_FAILED = 10,  /* a CPU could not enter guest mode */
	HF_REASON_CPU_OFFLINE = 11, /* a CPU that is present is not online */
	HF_REASON_ALREADY = 12,	    /* launched already */
	HF_REASON_BAD_IMAGE = 13,   /* not an image, or truncated */
	HF_REASON_BAD_OPTION = 14,
	HF_REASON_NO_SYMBOL = 15,   /* the kernel lacks something the agent needs */
	HF_REASON_PLATFORM = 16,    /* a CPU mode this image does not support */
	HF_REASON_CPU_MISSING = 17, /* the kernel leaves one out, or cannot know */
	HF_REASON_CPU_SLOTS = 18,   /* CPUs could be plugged in later */
	HF_REASON_KEXEC = 19,	    /* another kernel is loaded for kexec or kdump */
	HF_REASON_BOOT_ONLY = 20,   /* here it starts before the kernel, or not at all */
	HF_REASON_COUNT
};

/*
 * Filled by the loader, which keeps it; the hypervisor copies what it needs.
 *
 * @base:		virtual address of the first chunk, the same on every CPU
 * @chunk_gpa:		guest-physical address of each chunk
 * @cpu_id:		the hardware's name of each CPU (x86: APIC id; Arm: MPIDR)
 * @action:		HF_ACTION_DENY or HF_ACTION_ALLOW (holdfast/event.h)
 * @serial_port:	x86 I/O port of a 16550 to copy events to; 0: none
 * @inject_alloc:	test hook: fail this hypervisor allocation (1-based); 0: none
 * @inject_cpu:		test hook: fail the entry of this CPU (1-based); 0: none
 * @reason:		out: enum hf_reason
 * @flags:		HF_BOOT_*
 * @startup:		see struct hf_startup
 * @sleep:		@sleep_count records
 * @io_apic:		x86: guest-physical address of each I/O APIC, for HF_BOOT_INIT_GUARD
 * @entering:		how many CPUs are entered at launch, the first of them; 0: all. The others
 *			do not run, and are entered when the guest starts them (boot launch)
 */
struct hf_boot {
	uint32_t size;
	uint32_t abi;
	uint64_t base;
	uint32_t chunk_count;
	uint32_t cpu_count;
	uint32_t memory_count;
	uint32_t action;
	uint32_t serial_port;
	uint32_t inject_alloc;
	uint32_t inject_cpu;
	uint32_t reason;
	uint64_t chunk_gpa[HF_CHUNKS_MAX];
	uint32_t cpu_id[HF_CPUS_MAX];
	struct hf_memory memory[HF_MEMORY_MAX];
	uint32_t flags;
	uint32_t sleep_count;
	struct hf_startup startup;
	struct hf_sleep sleep[HF_SLEEP_MAX];
	uint32_t io_apic_count;
	uint32_t entering;
	uint64_t io_apic[HF_IO_APICS_MAX];
};

#endif
