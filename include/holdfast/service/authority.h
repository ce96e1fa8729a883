/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The authority: is this module what its signed file makes of it? Nothing here is a pointer. What
 * the authority may read lies in one window, and is named by its offset there. As a service it has
 * the window in its own memory: what it is lent it copies there, and judges the copy.
 *
 * Recorded before lock: the facts, the keys and revoked hashes, the tables of what the kernel
 * exports, where calls may go. With each request: the file with its signature, and the memory the
 * module was loaded to, which nobody can write to any more. The answer is a yes for the whole of
 * it, or a no with the place.
 */
#ifndef HOLDFAST_SERVICE_AUTHORITY_H
#define HOLDFAST_SERVICE_AUTHORITY_H

#include <holdfast/types.h>

/*
 * Operations; what each has for payload, and what is its status.
 *
 * HF_AUTHORITY_MODULE: struct hf_authority_request, in which no offset counts, nor thunk_count;
 *	answered with struct hf_authority_result. What was brought is judged, and then forgotten. 0:
 *	approved, and from now on the module's exports count; -EEXIST: one of that name is.
 * HF_AUTHORITY_RECORD: struct hf_authority_piece. -EPERM: the machine is locked; -EINVAL;
 *	-ENOSPC: there is no room for so much.
 * HF_AUTHORITY_BRING: the same, but -EPERM
 * HF_AUTHORITY_GONE: the name of a module that was approved, HF_MODULE_NAME bytes. -ENOENT
 */
#define HF_AUTHORITY_MODULE 1u
#define HF_AUTHORITY_RECORD 2u
#define HF_AUTHORITY_BRING  3u
#define HF_AUTHORITY_GONE   4u

/*
 * What the lent pages hold, from their start on. Pieces of the same follow each other; of a part,
 * and of a thunk, a piece is whole pages.
 */
enum hf_authority_what {
	HF_RECORD_FACTS = 1, /* struct hf_authority_facts; all that was recorded is forgotten */
	HF_RECORD_KEYS = 2,  /* struct hf_authority_key, of any number */
	HF_RECORD_HASHES = 3,  /* struct hf_authority_hash, of any number: revoked */
	HF_RECORD_KERNEL = 4,  /* struct hf_authority_exporter, in which no offset counts */
	HF_RECORD_EXPORTS = 5, /* its memory */
	HF_RECORD_ENTRIES = 6, /* its entries, and those of modules that are there */
	HF_RECORD_MODULE = 7, /* struct hf_authority_resident; its read-only data was brought */
	HF_BRING_START = 8,   /* nothing; all that was brought is forgotten */
	HF_BRING_FILE = 9,    /* the file with its signature */
	HF_BRING_PART = 10,   /* @index: enum hf_module_part */
	HF_BRING_THUNKS = 11, /* the next page of ITS thunks, which lies at @va */
};

struct hf_authority_piece {
	uint32_t what; /* enum hf_authority_what */
	uint32_t index;
	uint64_t va;
	uint64_t size; /* bytes */
};

_Static_assert(sizeof(struct hf_authority_piece) == 24, "part of the service ABI");

/*
 * What the service has room for: the largest module of Debian 13, amdgpu, has a file of 29.7 MB,
 * 11.5 MB of memory that is compared, and takes 17.6 MB while it is judged.
 */
#define HF_AUTHORITY_KEYS    32u
#define HF_AUTHORITY_HASHES  1024u
#define HF_AUTHORITY_MODULES 1024u
#define HF_AUTHORITY_ENTRIES 0x040000u /* of the kernel */
#define HF_AUTHORITY_EXPORTS 0x100000u /* bytes, of the kernel */
#define HF_AUTHORITY_POOL    0x400000u /* bytes: exports and entries of modules */
#define HF_AUTHORITY_FILE    0x1d00000u
#define HF_AUTHORITY_IMAGE   0xc00000u
#define HF_AUTHORITY_WORK    0x1200000u

/* Whose rules the loader follows: memory in two parts and 12-byte alternatives, or in seven. */
enum hf_loader {
	HF_LOADER_6_1 = 1,
	HF_LOADER_6_12 = 2,
};

/* What the kernel decided at boot about code of modules. */
#define HF_FACT_UNIPROCESSOR	 0x01u /* locks are patched out */
#define HF_FACT_RETPOLINE	 0x02u /* indirect branches go through thunks */
#define HF_FACT_RETPOLINE_LFENCE 0x04u /* or have an LFENCE in front */
#define HF_FACT_RETURN_THUNK	 0x08u /* returns go through the thunk */
#define HF_FACT_CALL_DEPTH	 0x10u /* calls are counted: not supported */
#define HF_FACT_ITS		 0x20u /* indirect branches go round the ITS bug */

#define HF_CAPABILITY_WORDS 32u
#define HF_PV_OPS_MAX	    128u
#define HF_VERMAGIC_MAX	    128u
#define HF_MODULE_NAME	    56u

/*
 * @capability:		x86 feature words as alternatives ask for them (boot_cpu_data), bug
 *			words behind them; @capability_count of them
 * @return_thunk:	x86_return_thunk. @its_return_thunk: its value where that is only for
 *			returns in the lower half of a cache line; 0: there is none
 * @indirect_thunks:	__x86_indirect_thunk_array, 32 bytes for each register
 * @pv_ops:		address of pv_ops and, in @pv_op, its first @pv_count words
 * @pv_nop, @pv_bug:	_paravirt_nop and paravirt_BUG, later nop_func and BUG_func
 * @percpu_start:	where per-CPU data of modules may lie: the reserved part of the first
 *			chunk, as offsets that the CPU adds to its base
 * @module_start:	where modules may lie
 * @vermagic:		as in the modinfo of a module made for this kernel, NUL-terminated
 */
struct hf_authority_facts {
	uint32_t size;
	uint32_t loader; /* enum hf_loader */
	uint32_t flags;	 /* HF_FACT_* */
	uint32_t capability_count;
	uint32_t capability[HF_CAPABILITY_WORDS];
	uint64_t return_thunk;
	uint64_t its_return_thunk;
	uint64_t indirect_thunks;
	uint64_t pv_ops;
	uint64_t pv_op[HF_PV_OPS_MAX];
	uint32_t pv_count;
	uint32_t reserved;
	uint64_t pv_nop;
	uint64_t pv_bug;
	uint64_t percpu_start;
	uint64_t percpu_end;
	uint64_t module_start;
	uint64_t module_end;
	uint8_t vermagic[HF_VERMAGIC_MAX];
};

_Static_assert(sizeof(struct hf_authority_facts) == 1384, "part of the service ABI");

/*
 * Keys as the kernel keeps them: of RSA the RSAPublicKey structure (DER), of ECDSA the point, not
 * compressed. A key that is revoked stays listed: what it signed is refused by that name.
 */
enum hf_key_type {
	HF_KEY_RSA = 1,
	HF_KEY_P256 = 2,
	HF_KEY_P384 = 3,
};

#define HF_KEY_REVOKED	 1u
#define HF_KEY_BYTES_MAX 1024u

struct hf_authority_key {
	uint32_t type;	/* enum hf_key_type */
	uint32_t flags; /* HF_KEY_* */
	uint32_t size;	/* of what is used of @bytes */
	uint32_t reserved;
	uint8_t bytes[HF_KEY_BYTES_MAX];
};

_Static_assert(sizeof(struct hf_authority_key) == 1040, "part of the service ABI");

/* The hash of a file, without its signature, that no signature makes good. */
struct hf_authority_hash {
	uint32_t size; /* 32, 48 or 64: SHA-256, SHA-384, SHA-512 */
	uint32_t reserved;
	uint8_t bytes[64];
};

_Static_assert(sizeof(struct hf_authority_hash) == 72, "part of the service ABI");

/* Memory of the guest that the service may read: @size bytes at @va are at @at in the window. */
struct hf_authority_memory {
	uint64_t va;
	uint64_t at;
	uint64_t size;
};

_Static_assert(sizeof(struct hf_authority_memory) == 24, "part of the service ABI");

/*
 * What the kernel, or an approved module, offers to modules: its tables of exported symbols (those
 * of the two licences), the sealed memory that these and their names lie in, and the part of
 * per-CPU data that is taken.
 *
 * @entries_at:	where static calls may go: @entry_count entries as in site.h, u32, ascending
 */
struct hf_authority_exporter {
	struct hf_authority_memory memory;
	uint64_t symbols[2]; /* addresses of struct kernel_symbol, 12 bytes each, by name */
	uint64_t count[2];
	uint64_t percpu;
	uint64_t percpu_size;
	uint64_t entries_at;
	uint64_t entry_count;
};

_Static_assert(sizeof(struct hf_authority_exporter) == 88, "part of the service ABI");

/* A module from before lock: sealed as it is. Of @exporter no offset counts, nor its entries. */
struct hf_authority_resident {
	struct hf_authority_exporter exporter;
	uint8_t name[HF_MODULE_NAME];
};

_Static_assert(sizeof(struct hf_authority_resident) == 144, "part of the service ABI");

/* Parts of a module, numbered as enum mod_mem_type of Linux since 6.4. */
enum hf_module_part {
	HF_PART_TEXT = 0,
	HF_PART_DATA = 1,
	HF_PART_RODATA = 2,
	HF_PART_RO_AFTER_INIT = 3,
	HF_PART_INIT_TEXT = 4,
	HF_PART_INIT_DATA = 5,
	HF_PART_INIT_RODATA = 6,
	HF_PART_COUNT
};

/*
 * @part:	whole pages; size 0: there is none. Of parts that are written to, only va and size
 *		count
 * @percpu:	where the module's per-CPU data was put, 0: it has none
 * @thunks_at:	the pages of ITS thunks that the loader made for it: @thunk_count of struct
 *		hf_authority_memory, one page each, in the order it took them
 */
struct hf_authority_request {
	uint32_t size;
	uint32_t thunk_count;
	uint64_t file_at;
	uint64_t file_size;
	uint64_t percpu;
	uint64_t thunks_at;
	struct hf_authority_memory part[HF_PART_COUNT];
};

_Static_assert(sizeof(struct hf_authority_request) == 208, "part of the service ABI");

#define HF_THUNK_PAGES_MAX 64u

/* What a no is about. */
enum hf_refusal {
	HF_REFUSAL_NONE = 0,
	HF_REFUSAL_REQUEST,    /* the request or what was recorded is malformed */
	HF_REFUSAL_MODE,       /* call-depth tracking, live patches */
	HF_REFUSAL_SIGNATURE,  /* there is none, or it is malformed */
	HF_REFUSAL_KEY,	       /* no key verifies it */
	HF_REFUSAL_REVOKED,    /* the hash or the key is revoked */
	HF_REFUSAL_FILE,       /* the ELF file is malformed */
	HF_REFUSAL_VERSION,    /* made for another kernel */
	HF_REFUSAL_LAYOUT,     /* the memory is not that of this file */
	HF_REFUSAL_SYMBOL,     /* a symbol is unknown, or is exported already */
	HF_REFUSAL_RELOCATION, /* one that the loader would not make */
	HF_REFUSAL_TABLE,      /* a table of patch sites is malformed */
	HF_REFUSAL_BYTES,      /* memory is not what the file makes of it */
	HF_REFUSAL_COUNT
};

#define HF_FOUND_BYTES	16u
#define HF_SECTION_NONE 0xffffffffu
#define HF_PART_THUNKS	0x100u

/*
 * @status:	0: approved; or a negated HF_E* code
 * @refusal:	enum hf_refusal
 * @section:	its number in the file, where the place is in one; else HF_SECTION_NONE
 * @part:	enum hf_module_part, where the place is in memory; or HF_PART_THUNKS, of whose pages
 *		@offset counts the bytes
 * @offset:	in the section, in the part without one, else in the file
 * @found:	what is there in memory, from @offset on; @allowed: what should be
 * @bytes:	compared, padding included
 * @site_count:	of struct hf_site, ascending, at @sites_at in the service's own memory
 * @exporter:	what later modules may use; its entries, too, are in the service's own memory
 */
struct hf_authority_result {
	uint32_t size;
	int32_t status;
	uint32_t refusal;
	uint32_t section;
	uint32_t part;
	uint32_t site_count;
	uint64_t offset;
	uint8_t found[HF_FOUND_BYTES];
	uint8_t allowed[HF_FOUND_BYTES];
	uint64_t bytes;
	uint64_t sites_at;
	struct hf_authority_exporter exporter;
	uint8_t name[HF_MODULE_NAME];
};

_Static_assert(sizeof(struct hf_authority_result) == 224, "part of the service ABI");

#endif
