/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine whose kernel patches itself: sites of every kind and form, in text and in a module,
 * whose pages lie in another order in memory than in the kernel's address space.
 */
#ifndef TEST_UNIT_SITES_H
#define TEST_UNIT_SITES_H

#include <hv/site.h>
#include "machine.h"

/* Offsets from HF_CODE_BASE; of text they are guest-physical addresses as well. */
#define SITES_TEXT	((u32)MACHINE_TEXT)
#define SITES_MODULE	0x40000000u
#define SITES_PAGES	4u
#define SITES_LABEL	(SITES_TEXT + 0x60)
#define SITES_THUNK	(SITES_TEXT + 0x9000)
#define SITES_RETURN	(SITES_TEXT + 0x30000)
#define SITES_FUNCTION	(SITES_TEXT + 0x10000) /* entries, each 0x40 */
#define SITES_FUNCTIONS 64u
#define SITES_NOPROBE	(SITES_TEXT + 0x1030)  /* 16 bytes */
#define SITES_TRACER	(SITES_TEXT + 0x20000) /* and 0x100 behind: trampolines */

/* Page @n of the module is at this guest-physical address. */
static inline u64 sites_module_gpa(u32 n)
{
	return MACHINE_FREE + ((SITES_PAGES - n) * 3 + 1) * PAGE_SIZE;
}

static inline u64 sites_gpa(u32 at)
{
	u32 n = (at - SITES_MODULE) / PAGE_SIZE;

	return at < SITES_MODULE ? at : sites_module_gpa(n) + at % PAGE_SIZE;
}

static inline void sites_get(u32 at, u8 *bytes, u32 size)
{
	for (u32 i = 0; i < size; i++)
		bytes[i] = *(u8 *)machine_ram(sites_gpa(at + i));
}

static inline void sites_put(u32 at, const void *bytes, u32 size)
{
	for (u32 i = 0; i < size; i++)
		*(u8 *)machine_ram(sites_gpa(at + i)) = ((const u8 *)bytes)[i];
}

static const u8 sites_nop2[] = { 0x66, 0x90 };
static const u8 sites_nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
static const u8 sites_zero[] = { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 };
static const u8 sites_ret[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc };

struct sites_value {
	u8 bytes[SITE_MAX];
};

static inline struct sites_value sites_fixed(const u8 *bytes, u32 size)
{
	struct sites_value v = { { 0 } };

	memcpy(v.bytes, bytes, size);
	return v;
}

/* An instruction of these first bytes and a displacement of 4. */
static inline struct sites_value sites_go(u32 at, const char *opcode, u32 to)
{
	u32 n = (u32)strlen(opcode), displacement = to - (at + n + 4);
	struct sites_value v;

	memcpy(v.bytes, opcode, n);
	memcpy(v.bytes + n, &displacement, 4);
	return v;
}

/* A row of @n values of a site, the last not one of its; and how long they are. */
struct sites_row {
	u32 at, kind, target, size;
	u32 count;
	struct sites_value value[5];
};

#define SITES_ROWS 8u

static inline struct sites_value sites_short(u32 at, u32 to)
{
	return (struct sites_value){ { 0xeb, (u8)(to - (at + 2)) } };
}

#define SITES_FIXED(v) sites_fixed(v, sizeof(v))

/* Sites that go to one place, or to trampolines. */
static inline struct sites_row sites_plain(u32 n)
{
	u32 f = SITES_FUNCTION, t = SITES_TEXT;

	switch (n) {
	case 0:
		return (struct sites_row){ t + 0x10,
					   HF_SITE_JUMP2,
					   SITES_LABEL,
					   2,
					   2,
					   { SITES_FIXED(sites_nop2),
					     sites_short(t + 0x10, SITES_LABEL),
					     sites_short(t + 0x10, SITES_LABEL + 1) } };
	case 1:
		return (struct sites_row){ t + 0x12,
					   HF_SITE_JUMP5,
					   SITES_LABEL,
					   5,
					   2,
					   { SITES_FIXED(sites_nop5),
					     sites_go(t + 0x12, "\xe9", SITES_LABEL),
					     sites_go(t + 0x12, "\xe9", f) } };
	}
	return (struct sites_row){ t + 0x17,
				   HF_SITE_TRACE,
				   0,
				   5,
				   3,
				   { SITES_FIXED(sites_nop5),
				     sites_go(t + 0x17, "\xe8", SITES_TRACER),
				     sites_go(t + 0x17, "\xe8", SITES_TRACER + 0x100),
				     sites_go(t + 0x17, "\xe8", f) } };
}

/* One of each, the bytes of the last in two pages of the module. */
static inline struct sites_row sites_row(u32 n)
{
	u32 f = SITES_FUNCTION, t = SITES_TEXT, m = SITES_MODULE + 2 * PAGE_SIZE - 3;
	u32 g = f + 0x40 * (SITES_FUNCTIONS - 1);

	if (n < 3)
		return sites_plain(n);
	switch (n) {
	case 3:
		return (struct sites_row){ t + 0x20,
					   HF_SITE_CALL,
					   HF_FORM_CALL,
					   5,
					   4,
					   { sites_go(t + 0x20, "\xe8", f),
					     SITES_FIXED(sites_nop5), SITES_FIXED(sites_zero),
					     sites_go(t + 0x20, "\xe8", g),
					     sites_go(t + 0x20, "\xe8", g + 1) } };
	case 4:
		return (struct sites_row){ t + 0x28,
					   HF_SITE_CALL,
					   HF_FORM_TAIL,
					   5,
					   4,
					   { sites_go(t + 0x28, "\xe9", f),
					     SITES_FIXED(sites_ret),
					     sites_go(t + 0x28, "\xe9", SITES_THUNK),
					     sites_go(t + 0x28, "\xe9", g),
					     sites_go(t + 0x28, "\xe9", SITES_RETURN) } };
	case 5:
		return (struct sites_row){ t + 0x18000,
					   HF_SITE_CALL,
					   HF_FORM_BRANCH,
					   6,
					   4,
					   { sites_go(t + 0x18000, "\x0f\x84", f),
					     sites_go(t + 0x18000, "\x0f\x84", SITES_THUNK),
					     sites_go(t + 0x18000, "\x0f\x84", SITES_RETURN),
					     sites_go(t + 0x18000, "\x0f\x84", g),
					     sites_go(t + 0x18000, "\x0f\x85", f) } };
	case 6:
		return (struct sites_row){
			t + 0x18010,
			HF_SITE_CALL,
			HF_FORM_PATCHED,
			5,
			3,
			{ sites_go(t + 0x18010, "\xe8", f), SITES_FIXED(sites_nop5),
			  sites_go(t + 0x18010, "\xe8", g), SITES_FIXED(sites_zero) }
		};
	}
	return (struct sites_row){ m,
				   HF_SITE_CALL,
				   HF_FORM_PATCHED_JUMP,
				   5,
				   3,
				   { SITES_FIXED(sites_nop5), sites_go(m, "\xe9", f),
				     sites_go(m, "\xe9", g), sites_go(m, "\xe8", f) } };
}

/* ---- registration ---- */

static inline s64 sites_patching(struct cpu *cpu, u8 ftrace, u8 kprobes)
{
	struct hf_patching *p = machine_ram(MACHINE_BUFFER);

	memset(p, 0, PAGE_SIZE);
	p->size = sizeof(*p);
	p->ftrace = ftrace;
	p->kprobes = kprobes;
	p->return_thunk = HF_CODE_BASE + SITES_THUNK;
	p->jump_return = HF_CODE_BASE + SITES_RETURN;
	p->noprobe_count = 1;
	p->noprobe[0] = (struct hf_code_range){ SITES_NOPROBE, SITES_NOPROBE + 16 };
	return machine_call(cpu, HF_CALL_PATCHING, MACHINE_BUFFER, 0);
}

static inline s64 sites_entries(struct cpu *cpu, const u32 *entries, u64 count)
{
	memcpy(machine_ram(MACHINE_BUFFER), entries, count * sizeof(*entries));
	return machine_call(cpu, HF_CALL_ENTRIES, MACHINE_BUFFER, count);
}

static inline s64 sites_add(struct cpu *cpu, const u64 *bits, u64 count)
{
	memcpy(machine_ram(MACHINE_BUFFER), bits, count * sizeof(*bits));
	return machine_call(cpu, HF_CALL_SITES, MACHINE_BUFFER, count);
}

static inline u64 sites_bits(const struct sites_row *row)
{
	return HF_SITE(row->at, row->kind, row->target);
}

/* Code, policies and entries; each site holds its first value. */
static inline void sites_register(struct cpu *cpu, u8 ftrace, u8 kprobes)
{
	u32 entries[SITES_FUNCTIONS + 2];
	struct hf_range ranges[SITES_PAGES];
	u32 i;

	for (i = 0; i < SITES_PAGES; i++) {
		ranges[i] = machine_range(sites_module_gpa(i), 1, HF_KIND_MODULE_TEXT);
		ranges[i].va = HF_CODE_BASE + SITES_MODULE + i * PAGE_SIZE;
	}
	machine_register(cpu);
	assert_int_equal(machine_protect(cpu, ranges, SITES_PAGES), 0);
	assert_int_equal(sites_patching(cpu, ftrace, kprobes), 0);
	for (i = 0; i < SITES_FUNCTIONS; i++)
		entries[i] = SITES_FUNCTION + 0x40 * i;
	entries[i] = SITES_TRACER | HF_ENTRY_TRAMPOLINE;
	entries[i + 1] = (SITES_TRACER + 0x100) | HF_ENTRY_TRAMPOLINE;
	assert_int_equal(sites_entries(cpu, entries, i + 2), 0);
	for (i = 0; i < SITES_ROWS; i++) {
		struct sites_row row = sites_row(i);

		sites_put(row.at, row.value[0].bytes, row.size);
	}
}

static inline struct cpu *sites_prepare(u32 cpus, u32 action, u8 ftrace, u8 kprobes)
{
	struct cpu *cpu = machine_action(cpus, action);

	sites_register(cpu, ftrace, kprobes);
	return cpu;
}

static inline void sites_lock(struct cpu *cpu)
{
	u64 bits[SITES_ROWS];

	for (u32 i = 0; i < SITES_ROWS; i++) {
		struct sites_row row = sites_row(i);

		bits[i] = sites_bits(&row);
	}
	assert_int_equal(sites_add(cpu, bits, SITES_ROWS), 0);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
}

static inline struct cpu *sites_machine(u32 cpus, u32 action, u8 ftrace, u8 kprobes)
{
	struct cpu *cpu = sites_prepare(cpus, action, ftrace, kprobes);

	sites_lock(cpu);
	return cpu;
}

/* A store whose byte @fault is the one that faults. */
static inline int sites_store_at(struct cpu *cpu, u32 at, const void *bytes, u16 width,
				 u8 fault)
{
	return fake_guest_store(cpu, gpa(sites_gpa(at + fault)), fault, bytes, width);
}

static inline int sites_store(struct cpu *cpu, u32 at, const void *bytes, u16 width)
{
	return sites_store_at(cpu, at, bytes, width, 0);
}

#endif
