/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A range of guest pages and what it is: the one record in which memory is
 * named to the hypervisor, by the kernel image at lock, by modules and by
 * services.
 */
#ifndef HOLDFAST_RANGE_H
#define HOLDFAST_RANGE_H

#include <holdfast/types.h>

/* Permissions of the second-level tables; kernel and user execution are separate. */
#define HF_PERM_READ	    0x1u
#define HF_PERM_WRITE	    0x2u
#define HF_PERM_KERNEL_EXEC 0x4u
#define HF_PERM_USER_EXEC   0x8u
#define HF_PERM_ALL	    0xfu

/* What a range holds. The kind decides which permissions are admissible. */
enum hf_kind {
	HF_KIND_NONE = 0,
	HF_KIND_TEXT = 1,	   /* kernel text: read, kernel-execute */
	HF_KIND_RODATA = 2,	   /* kernel rodata, the system call table included: read */
	HF_KIND_RO_AFTER_INIT = 3, /* data written only during boot: read */
	HF_KIND_VECTORS = 4,	   /* exception entry table (x86: the IDT page): read */
	HF_KIND_VDSO = 5,	   /* vDSO image: read, user-execute */
	HF_KIND_MODULE_TEXT = 6,   /* text of a resident module: read, kernel-execute */
	HF_KIND_MODULE_RODATA = 7, /* its read-only data, also after init: read */
	/* Made while running (ftrace trampolines, probe slots, BPF images, return thunks): read,
	 * kernel-execute. */
	HF_KIND_RUNTIME_CODE = 8,
	HF_KIND_STARTUP = 9,   /* what CPUs start from in real mode, never run again: read */
	HF_KIND_FIRMWARE = 10, /* code of EFI runtime services: read, kernel-execute */
	HF_KIND_DATA = 11,     /* kernel data, bss, per-CPU areas: read, write; no code */
	/* The kernel's page tables, as far as they lead to what is sealed: read. Of an entry that
	 * leads to nothing sealed, stores of the whole of it are carried out. */
	HF_KIND_ROOT = 12, /* a root: a CPU may change to any other that is sealed */
	HF_KIND_TABLE = 13,
	HF_KIND_COUNT
};

/*
 * @va:		kernel virtual address of the first page, page aligned. Not used to
 *		reach the memory (gpa is), but part of the record because remap and
 *		relocation checks bind content to the address it is used at.
 * @gpa:	guest-physical address of the first page, page aligned
 * @npages:	1 .. 2^40; va and gpa + npages * 4096 must not wrap
 * @kind:	enum hf_kind
 * @permission:	HF_PERM_*: what the guest keeps; exactly what the kind admits
 * @token:	whom the range belongs to: 0 for the kernel image, else the token
 *		under which a module or service was approved
 */
struct hf_range {
	uint64_t va;
	uint64_t gpa;
	uint64_t npages;
	uint32_t kind;
	uint32_t permission;
	uint64_t token;
};

_Static_assert(sizeof(struct hf_range) == 40, "part of the hypercall ABI");

/* As many records as one HF_CALL_PROTECT page holds. */
#define HF_RANGES_PER_PAGE (HF_PAGE_SIZE / sizeof(struct hf_range))

#endif
