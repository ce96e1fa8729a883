// SPDX-License-Identifier: GPL-2.0-only
/*
 * Patching of sealed code by somebody who means ill. An input is policies, what the sites hold at
 * lock, and a program: stores of any bytes at and around sites, probes, and pages that are made a
 * trampoline or what a probe jumps to, written to, called and jumped to. After each step: every
 * site holds one of its values, or a breakpoint and the end of one; what a trace site calls, or a
 * probe jumps to, is fixed and is the template; no other byte of code has changed, but for
 * breakpoints with kprobes on.
 */
#include <string.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/owner.h>
#include <hv/protect.h>
#include <hv/shootdown.h>
#include "fuzz.h"
#include "machine.h"

#define STEPS_MAX 300u
#define CODE	  ((u32)(16 * FAKE_MIB)) /* offset of code, and where it is in memory */
#define CODE_SIZE 0x2000u
#define BUFFER	  (4 * FAKE_MIB)
#define FUNCTION  (CODE + 0x1000) /* entries, each 0x40; the first is a trampoline */
#define FUNCTIONS 16u
#define LABEL	  (CODE + 0x70)
#define THUNK	  (CODE + 0x1800)
#define RETURN	  (CODE + 0x1900)
#define NOWHERE	  ((u32)-HF_CODE_BASE)	 /* address 0 */
#define TRACER	  ((u32)(24 * FAKE_MIB)) /* the page that becomes a trampoline */
#define LENGTH	  24u
#define CALL_AT	  8u
#define SLOT	  (TRACER + (u32)PAGE_SIZE) /* the page that a probe jumps to */
#define JUMPED	  (CODE + 0x58)		    /* from here */

/* In ascending order; the last is in two pages. */
static const struct {
	u32 at, size, kind, target;
} sites[] = {
	{ CODE + 0x10, 2, HF_SITE_JUMP2, LABEL },
	{ CODE + 0x12, 5, HF_SITE_JUMP5, LABEL },
	{ CODE + 0x20, 5, HF_SITE_TRACE, 0 },
	{ CODE + 0x25, 5, HF_SITE_TRACE, 0 },
	{ CODE + 0x30, 5, HF_SITE_CALL, HF_FORM_CALL },
	{ CODE + 0x38, 5, HF_SITE_CALL, HF_FORM_TAIL },
	{ CODE + 0x40, 6, HF_SITE_CALL, HF_FORM_BRANCH },
	{ CODE + 0x48, 5, HF_SITE_CALL, HF_FORM_PATCHED },
	{ CODE + 0xffd, 5, HF_SITE_CALL, HF_FORM_PATCHED_JUMP },
};
#define SITES ARRAY_SIZE(sites)

static struct {
	const u8 *at;
	size_t left;
} input;
static u8 code[CODE_SIZE]; /* as it was at lock */
static u8 ftrace, kprobes;
static bool returns; /* the kernel has a return thunk, and code that jumps return by */
static u64 programs, made, refused, called, jumped;

static u8 next(void)
{
	if (!input.left)
		return 0;
	input.left--;
	return *input.at++;
}

/* ---- what must hold ---- */

static bool function(u32 to, bool tracer)
{
	return to >= FUNCTION && (to - FUNCTION) % 0x40 == 0 &&
	       (to - FUNCTION) / 0x40 < (tracer ? 1 : FUNCTIONS);
}

static bool tracer_fixed(void)
{
	const u8 *page = fake.ram + TRACER;
	u32 to;

	memcpy(&to, page + CALL_AT + 1, 4);
	to += TRACER + CALL_AT + 5;
	if (page[CALL_AT] != 0xe8 && page[CALL_AT] != 0x0f && page[CALL_AT] != 0xcc)
		return false;
	if (page[CALL_AT] == 0xe8 && !function(to, false))
		return false;
	for (u32 i = 0; i < PAGE_SIZE; i++)
		if ((i < CALL_AT || i >= CALL_AT + 5) && page[i] != (i < LENGTH ? 0x5a : 0xcc))
			return false;
	return owner_state(gpa(TRACER)) == PAGE_SEALED;
}

static bool trace_value(u32 n, const u8 *b, u32 to)
{
	const u8 *was = code + (sites[n].at - CODE);

	if (ftrace == HF_POLICY_OFF)
		return !memcmp(b, was, 5);
	if (!memcmp(b, "\x0f\x1f\x44\x00\x00", 5))
		return true;
	if (ftrace == HF_POLICY_BEFORE_LOCK)
		return !memcmp(b, was, 5);
	if (b[0] == 0xe8 && to == TRACER) {
		called++;
		return tracer_fixed();
	}
	return b[0] == 0xe8 && function(to, true);
}

static bool call_value(u32 n, const u8 *b, u32 to)
{
	bool nop = !memcmp(b, "\x0f\x1f\x44\x00\x00", 5);

	switch (sites[n].target) {
	case HF_FORM_CALL:
		return nop || !memcmp(b, "\x2e\x2e\x2e\x31\xc0", 5) ||
		       (b[0] == 0xe8 && function(to, false));
	case HF_FORM_TAIL:
		return !memcmp(b, "\xc3\xcc\xcc\xcc\xcc", 5) ||
		       (b[0] == 0xe9 && (function(to, false) || (returns && to == THUNK)));
	case HF_FORM_BRANCH:
		return b[0] == 0x0f && b[1] == code[sites[n].at + 1 - CODE] &&
		       (function(to, false) || (returns && (to == THUNK || to == RETURN)));
	case HF_FORM_PATCHED:
		return nop || (b[0] == 0xe8 && function(to, false));
	}
	return nop || (b[0] == 0xe9 && function(to, false));
}

static bool is_value(u32 n, const u8 *b)
{
	u32 to;

	memcpy(&to, b + sites[n].size - 4, 4);
	to += sites[n].at + sites[n].size;
	switch (sites[n].kind) {
	case HF_SITE_JUMP2:
		return !memcmp(b, "\x66\x90", 2) ||
		       (b[0] == 0xeb && sites[n].at + 2 + b[1] == LABEL);
	case HF_SITE_JUMP5:
		return !memcmp(b, "\x0f\x1f\x44\x00\x00", 5) || (b[0] == 0xe9 && to == LABEL);
	case HF_SITE_TRACE:
		return trace_value(n, b, to);
	}
	return call_value(n, b, to);
}

static void check_site(u32 n)
{
	static const u8 heads[] = { 0x0f, 0x2e, 0x66, 0xc3, 0xe8, 0xe9, 0xeb };
	u8 b[8] = { 0 };

	memcpy(b + 2, fake.ram + sites[n].at, sites[n].size);
	if (b[2] != 0xcc) {
		if (!is_value(n, b + 2))
			fuzz_fail("site %u: holds no value", n);
		return;
	}
	for (u32 i = 0; i < sizeof(heads); i++) {
		b[2] = heads[i];
		/* The end alone is no call: the page may be anything. */
		if (is_value(n, b + 2) || (sites[n].kind == HF_SITE_TRACE && heads[i] == 0xe8 &&
					   ftrace == HF_POLICY_ON))
			return;
	}
	fuzz_fail("site %u: holds a breakpoint and the end of no value", n);
}

static void go(u8 *b, u8 opcode, u32 at, u32 size, u32 to)
{
	b[0] = opcode;
	to -= at + size;
	memcpy(b + size - 4, &to, 4);
}

/* Of this size: the template, a copy, which may have other probes behind the jump, and back. */
static bool slot_holds(u32 size)
{
	const u8 *page = fake.ram + SLOT;
	u8 back[5];

	go(back, 0xe9, SLOT + LENGTH + size, 5, JUMPED + size);
	for (u32 i = 0; i < size; i++)
		if (page[LENGTH + i] != code[JUMPED + i - CODE] &&
		    (i < 5 || page[LENGTH + i] != 0xcc))
			return false;
	for (u32 i = 0; i < PAGE_SIZE; i++)
		if ((i < LENGTH || i >= LENGTH + size + 5) &&
		    page[i] != (i < LENGTH ? 0x6b : 0xcc))
			return false;
	return !memcmp(page + LENGTH + size, back, 5);
}

static bool slot_fixed(void)
{
	for (u32 size = 5; size <= HF_COPY_MAX; size++)
		if (slot_holds(size))
			return owner_state(gpa(SLOT)) == PAGE_SEALED;
	return false;
}

/* Whether the end of the jump is there. */
static bool check_jump(void)
{
	const u8 *now = fake.ram + JUMPED;
	u8 jump[5];

	go(jump, 0xe9, JUMPED, 5, SLOT);
	if (memcmp(now + 1, jump + 1, 4))
		return false;
	jumped++;
	if ((now[0] != 0xcc && now[0] != 0xe9) || kprobes != HF_POLICY_ON || !slot_fixed())
		fuzz_fail("site: a jump to what is none of its pages");
	return true;
}

static void check(void)
{
	bool jump = check_jump();
	u32 n = 0;

	for (u32 at = CODE; at < CODE + CODE_SIZE; at++) {
		u8 now = fake.ram[at];

		if (jump && at >= JUMPED && at < JUMPED + 5)
			continue;
		while (n < SITES && at >= sites[n].at + sites[n].size)
			n++;
		if (n < SITES && at >= sites[n].at)
			continue;
		if (now != code[at - CODE] && !(kprobes == HF_POLICY_ON && now == 0xcc))
			fuzz_fail("site: %x has changed", at);
	}
	for (n = 0; n < SITES; n++)
		check_site(n);
}

/* ---- the machine ---- */

static s64 call(u64 number, u64 count)
{
	const u64 arg[4] = { BUFFER, count, 0, 0 };
	s64 result;

	fake_guest_call(cpu_get(0), 0, number, arg, &result);
	return result;
}

/* Bytes that may be a value of site @n: the input says which, and where they go. */
static void propose(u32 n, u8 *b)
{
	static const char *const fixed[] = { "\x0f\x1f\x44\x00\x00", "\x2e\x2e\x2e\x31\xc0",
					     "\xc3\xcc\xcc\xcc\xcc", "\x66\x90" };
	const u32 to[] = { LABEL, THUNK, RETURN, TRACER, TRACER + 1, FUNCTION + 1, NOWHERE };
	u8 how = next();
	u32 where = how & 8 ? FUNCTION + 0x40 * (next() % (FUNCTIONS + 1))
			    : to[next() % ARRAY_SIZE(to)];

	memset(b, 0, 8);
	if (sites[n].size == 2) {
		memcpy(b,
		       how & 1 ? (u8[]){ 0xeb, (u8)(LABEL - sites[n].at - 2) }
			       : (const u8 *)fixed[3],
		       2);
	} else if (sites[n].size == 6) {
		go(b, 0x0f, sites[n].at, 6, where);
		b[1] = how & 1 ? 0x84 : 0x85;
	} else if (how & 4) {
		go(b, how & 1 ? 0xe8 : 0xe9, sites[n].at, 5, where);
	} else {
		memcpy(b, fixed[(how & 3) % 3], 5);
	}
}

static void make_tracer(void)
{
	u8 *page = fake.ram + TRACER;

	if (owner_state(gpa(TRACER)) != PAGE_GUEST)
		return;
	memset(page, 0x5a, LENGTH);
	go(page + CALL_AT, 0xe8, TRACER + CALL_AT, 5, FUNCTION + 0x40 * (next() % 16));
}

static void store(u32 at, const u8 *bytes, u32 width)
{
	u32 left = PAGE_SIZE - at % PAGE_SIZE;
	u8 fault = left < width && next() & 1 ? (u8)left : 0;
	int verdict = fake_guest_store(cpu_get(next() % MACHINE_CPUS), gpa(at + fault), fault,
				       bytes, (u16)width);

	if (verdict != VERDICT_SKIP && verdict != VERDICT_FAULT && verdict != VERDICT_RETRY)
		fuzz_fail("site: verdict %d", verdict);
	made += verdict == VERDICT_SKIP;
	refused += verdict == VERDICT_FAULT;
}

/* Of any size, and perhaps with an error. */
static void make_slot(void)
{
	u8 *page = fake.ram + SLOT, size = next() % 24, error = next();

	if (owner_state(gpa(SLOT)) != PAGE_GUEST)
		return;
	memset(page, 0x6b, LENGTH);
	memcpy(page + LENGTH, code + (JUMPED - CODE), size);
	go(page + LENGTH + size, 0xe9, SLOT + LENGTH + size, 5, JUMPED + size);
	if (error & 1)
		page[(error >> 1) % (LENGTH + size + 5)] ^= next();
}

static void step_jump(u32 how)
{
	const u8 *was = code + (JUMPED - CODE);
	u8 jump[5];

	go(jump, 0xe9, JUMPED, 5, how & 8 ? SLOT : TRACER);
	switch (how & 7) {
	case 0:
	case 1:
		return store(JUMPED, (const u8 *)"\xcc", 1);
	case 2:
	case 3:
		return store(JUMPED + 1, jump + 1, 4);
	case 4:
		return store(JUMPED, jump, 1);
	case 5:
		return store(JUMPED + 1, was + 1, 4);
	case 6:
		return store(JUMPED, was, 1);
	}
	/* As the kernel would. */
	store(JUMPED, (const u8 *)"\xcc", 1);
	store(JUMPED + 1, jump + 1, 4);
	store(JUMPED, jump, 1);
}

static void describe(void)
{
	struct hf_patching *patching = (void *)(fake.ram + BUFFER);
	struct hf_template *template = (void *)(fake.ram + BUFFER);

	memset(patching, 0, PAGE_SIZE);
	patching->size = sizeof(*patching);
	patching->ftrace = ftrace;
	patching->kprobes = kprobes;
	patching->return_thunk = returns ? HF_CODE_BASE + THUNK : 0;
	patching->jump_return = returns ? HF_CODE_BASE + RETURN : 0;
	call(HF_CALL_PATCHING, 0);
	memset(template, 0, PAGE_SIZE);
	template->size = sizeof(*template);
	template->length = LENGTH;
	template->field_count = 1;
	template->fields[0] = (struct hf_field){ CALL_AT, 5, HF_FIELD_CALL };
	memset(template->bytes, 0x5a, LENGTH);
	call(HF_CALL_TEMPLATE, 0);
	template->field_count = 0;
	template->goes_back = 1;
	memset(template->bytes, 0x6b, LENGTH);
	call(HF_CALL_TEMPLATE, 0);
}

/* Code, entries, sites as the input has them if they are taken, else with nops. */
static void begin(void)
{
	struct hf_range *range = (void *)(fake.ram + BUFFER);
	u32 *entry = (void *)(fake.ram + BUFFER);
	u64 *bits = (void *)(fake.ram + BUFFER);
	u8 b[8];

	*range = (struct hf_range){ .va = HF_CODE_BASE + CODE,
				    .gpa = CODE,
				    .npages = CODE_SIZE / PAGE_SIZE,
				    .kind = HF_KIND_TEXT,
				    .permission = owner_kind_permission(HF_KIND_TEXT) };
	if (call(HF_CALL_PROTECT, 1))
		fuzz_fail("site: no code");
	ftrace = next();
	returns = !(ftrace & 4);
	ftrace = (ftrace & 3) % 3;
	kprobes = next() % 3;
	describe();
	for (u32 i = 0; i < FUNCTIONS; i++)
		entry[i] = (FUNCTION + 0x40 * i) | (i ? 0 : HF_ENTRY_TRAMPOLINE);
	if (call(HF_CALL_ENTRIES, FUNCTIONS))
		fuzz_fail("site: no entries");
	for (u32 i = 0; i < CODE_SIZE; i++)
		fake.ram[CODE + i] = (u8)(0x90 + i % 7);
	for (u32 n = 0; n < SITES; n++) {
		propose(n, b);
		memcpy(fake.ram + sites[n].at, b, sites[n].size);
		*bits = HF_SITE(sites[n].at, sites[n].kind, sites[n].target);
		if (!call(HF_CALL_SITES, 1))
			continue;
		/* One that each of the form has. */
		if (sites[n].size == 2) {
			memcpy(b, (u8[]){ 0x66, 0x90 }, 2);
		} else if (sites[n].size == 6) {
			go(b, 0x0f, sites[n].at, 6, FUNCTION);
			b[1] = 0x85;
		} else if (sites[n].kind == HF_SITE_CALL && sites[n].target == HF_FORM_TAIL) {
			go(b, 0xe9, sites[n].at, 5, FUNCTION);
		} else {
			memcpy(b, (u8[]){ 0x0f, 0x1f, 0x44, 0x00, 0x00 }, 5);
		}
		memcpy(fake.ram + sites[n].at, b, sites[n].size);
		*bits = HF_SITE(sites[n].at, sites[n].kind, sites[n].target);
		if (call(HF_CALL_SITES, 1))
			fuzz_fail("site %u: not taken", n);
	}
	memcpy(code, fake.ram + CODE, CODE_SIZE);
	if (call(HF_CALL_LOCK, 0))
		fuzz_fail("site: no lock");
}

/* ---- steps ---- */

static void step(void)
{
	u8 how = next(), b[HF_STORE_MAX] = { 0 };
	u32 n = (how >> 4) % SITES, at = sites[n].at, size = sites[n].size;
	u64 value = 0;

	switch (how & 7) {
	case 0: /* as the kernel would */
		propose(n, b);
		store(at, (const u8 *)"\xcc", 1);
		store(at + 1, b + 1, size - 1);
		check();
		store(at, b, 1);
		break;
	case 1:
		store(at, (const u8 *)"\xcc", 1);
		break;
	case 2:
		propose(n, b);
		store(at + 1, b + 1, size - 1);
		break;
	case 3:
		propose(n, b);
		store(at, b, 1);
		break;
	case 4:
		how & 8 ? make_slot() : make_tracer();
		break;
	case 5:
		fake_guest_access(cpu_get(n % MACHINE_CPUS),
				  gpa((how & 8 ? SLOT : TRACER) + 8 * (next() % 512)),
				  HF_ACCESS_WRITE, 0, &value);
		break;
	case 6: /* the call in the trampoline, or the probe's jump */
		if (how & 8)
			return step_jump(how >> 4);
		propose(7, b);
		if (owner_state(gpa(TRACER)) == PAGE_SEALED)
			store(TRACER + CALL_AT + (how >> 7), b + (how >> 7),
			      how & 0x40 ? 1 : 4);
		break;
	default:
		at += next() % 16 - 4;
		size = next() % 17;
		for (u32 i = 0; i < size; i++)
			b[i] = next();
		store(at, b, size);
	}
}

/* ---- libFuzzer ---- */

void machine_report(void)
{
	fprintf(stderr,
		"site: %llu programs, %llu stores made, %llu refused, %llu looks at a called "
		"page, %llu at one jumped to\n",
		(unsigned long long)programs, (unsigned long long)made,
		(unsigned long long)refused, (unsigned long long)called,
		(unsigned long long)jumped);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u32 i;

	input.at = data;
	input.left = size;
	machine_become(2u * (next() % 4u));
	begin();
	for (i = 0; i < STEPS_MAX && input.left; i++) {
		step();
		check();
	}
	programs++;
	return 0;
}
