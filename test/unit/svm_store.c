// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores to sealed code as exits of SVM: what of them the core is told, and how their instruction
 * ends. All of the guest's addresses lead to the page of its code, so that is also what strings are
 * moved from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "guest.h"

#define PAGE   0x7000ull /* sealed */
#define TARGET (PAGE + 0x120)
#define ALIAS  0xffffc90000005120ull /* where the guest maps it */
#define FROM   0xffff888000000a00ull
#define SOURCE (memory + CODE + 0xa00)
#define TABLES 0x1000ull
#define DF     0x400ull
#define TF     0x100ull
#define LAST   ((RIP | PAGE_MASK) + 1 - DECODE_MAX) /* where all bytes are of one page */
#define RDI    gprs.r[GPR_RDI]
#define RSI    gprs.r[GPR_RSI]
#define RCX    gprs.r[GPR_RCX]

static int setup(void **ctx)
{
	u64 i;

	guest_setup(ctx);
	trial_page = (struct page){ .state = PAGE_SEALED, .kind = HF_KIND_TEXT };
	RDI = ALIAS;
	RSI = FROM;
	for (i = 0; i < 0x400; i++)
		memory[CODE + 0x800 + i] = i * 7 + 1;
	return 0;
}

static void store(const char *code, size_t size, u64 at, enum verdict v)
{
	guest_put_code(code, size);
	assert_int_equal(guest_exit(EXIT_CODE_NPF, NPF_WRITE, at, v), 0);
	assert_int_equal(seen.kind, HF_EXIT_MEMORY);
	assert_int_equal(seen.memory.access, HF_ACCESS_WRITE);
	assert_int_equal(seen.memory.gpa.raw, at);
}

#define STORE(code, at, v) store(code, sizeof(code) - 1, at, v)

static void told(u64 va, u32 width, u32 at, const void *bytes)
{
	assert_int_equal(seen.memory.va.raw, va);
	assert_int_equal(seen.memory.width, width);
	assert_int_equal(seen.memory.at, at);
	assert_memory_equal(seen.memory.bytes, bytes, width);
}

/* Nothing is known of it, and left out it cannot be. */
static void refused(void)
{
	assert_int_equal(seen.memory.width, 0);
	assert_int_equal(seen.memory.va.raw, 0);
	assert_int_equal(vmcb.event_inject, GP);
	guest_stayed();
}

static void plain(void **ctx)
{
	static const struct {
		const char *code;
		size_t size;
		u32 width;
		const char *bytes;
	} table[] = {
		{ "\x88\x07", 2, 1, "\xbb" },		  /* mov %al,(%rdi) */
		{ "\x66\x89\x0f", 3, 2, "\x88\x77" },	  /* mov %cx,(%rdi) */
		{ "\x89\x0f", 2, 4, "\x88\x77\x66\x55" }, /* mov %ecx,(%rdi) */
		{ "\x48\x89\x0f", 3, 8, "\x88\x77\x66\x55\x44\x33\x22\x11" },
		{ "\xc6\x07\xcc", 3, 1, "\xcc" }, /* movb $0xcc,(%rdi) */
		{ "\xc7\x07\x01\x02\x03\x84", 6, 4, "\x01\x02\x03\x84" },
		{ "\x48\xc7\x07\x01\x02\x03\x84", 7, 8, "\x01\x02\x03\x84\xff\xff\xff\xff" },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct gprs before;

		setup(NULL);
		RCX = 0x1122334455667788;
		before = gprs;
		store(table[i].code, table[i].size, TARGET, VERDICT_SKIP);
		told(ALIAS, table[i].width, 0, table[i].bytes);
		guest_advanced(table[i].size);
		/* Slots of two are filled for the decoder. */
		before.r[GPR_RAX] = vmcb.state.rax;
		before.r[GPR_RSP] = vmcb.state.rsp;
		assert_memory_equal(&gprs, &before, sizeof(gprs));
		assert_int_equal(vmcb.state.rax, 0xaaaaaaaabbbbbbbb);
		assert_int_equal(vmcb.state.rsp, 0x5000);
		/* As the core refuses it. */
		setup(NULL);
		store(table[i].code, table[i].size, TARGET, VERDICT_FAULT);
		assert_int_equal(seen.memory.width, table[i].width);
		assert_int_equal(vmcb.event_inject, GP);
		guest_stayed();
	}
}

static void strings(void **ctx)
{
	static const struct {
		const char *code;
		size_t size;
		u32 step;
		bool repeat;
	} table[] = {
		{ "\xa4", 1, 1, false },
		{ "\x66\xa5", 2, 2, false },
		{ "\xa5", 1, 4, false },
		{ "\x48\xa5", 2, 8, false },
		{ "\xf3\xa4", 2, 1, true },
		{ "\xf3\x66\xa5", 3, 2, true },
		{ "\xf3\xa5", 2, 4, true },
		{ "\xf3\x48\xa5", 3, 8, true },
		{ "\x66\xf3\x48\xa5", 4, 8, true },
		{ "\x3e\xf3\xa4", 3, 1, true },
	};
	size_t i;
	u64 count;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		for (count = 0; count <= 17; count++) {
			u64 steps = table[i].repeat ? count : 1;
			u64 width = steps * table[i].step;

			setup(NULL);
			RCX = count;
			store(table[i].code, table[i].size, TARGET, VERDICT_SKIP);
			if (!width || width > HF_STORE_MAX) {
				refused();
				assert_true(RDI == ALIAS && RSI == FROM && RCX == count);
				continue;
			}
			told(ALIAS, width, 0, SOURCE);
			guest_advanced(table[i].size);
			assert_int_equal(RDI, ALIAS + width);
			assert_int_equal(RSI, FROM + width);
			assert_int_equal(RCX, table[i].repeat ? 0 : count);
			/* Not made: not a register has moved. */
			setup(NULL);
			RCX = count;
			store(table[i].code, table[i].size, TARGET, VERDICT_FAULT);
			told(ALIAS, width, 0, SOURCE);
			assert_true(RDI == ALIAS && RSI == FROM && RCX == count);
			guest_stayed();
		}
}

/* The number of steps is a register's: no product of it may wrap. */
static void counts(void **ctx)
{
	static const u64 count[] = { 3,		 1ull << 32, (1ull << 32) + 1,
				     1ull << 61, 1ull << 63, (1ull << 61) + 1,
				     ~0ull };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(count); i++) {
		setup(NULL);
		RCX = count[i];
		STORE("\xf3\x48\xa5", TARGET, VERDICT_SKIP);
		refused();
	}
}

static void other_forms(void **ctx)
{
	static const char *const code[] = {
		"\x87\x07",	    /* xchg %eax,(%rdi) */
		"\xf0\x0f\xb1\x07", /* lock cmpxchg %eax,(%rdi) */
		"\x0f\x11\x07",	    /* movups %xmm0,(%rdi) */
		"\xf3\x0f\x7f\x07", /* movdqu %xmm0,(%rdi) */
		"\x0f\xc3\x07",	    /* movnti %eax,(%rdi) */
		"\xf3\xaa",	    /* rep stos */
		"\x67\xa4",	    "\xf3\x67\xa4", "\x64\xa4", "\x65\xf3\xa4", "\xf2\xa4",
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(code); i++) {
		setup(NULL);
		RCX = 1;
		store(code[i], strlen(code[i]), TARGET, VERDICT_SKIP);
		refused();
	}
}

/* What the instruction says is not what stored, or not from where it would be read. */
static void states(void **ctx)
{
	u64 none = 0;

	(void)ctx;
	RCX = 5;
	vmcb.state.rflags = DF;
	STORE("\xf3\xa4", TARGET, VERDICT_SKIP);
	refused();
	setup(NULL);
	vmcb.state.cpl = 3;
	STORE("\x89\x0f", TARGET, VERDICT_SKIP);
	refused();
	setup(NULL);
	vmcb.state.cs.attributes = 0;
	STORE("\x89\x0f", TARGET, VERDICT_SKIP);
	refused();
	/* An event's frame is pushed. */
	setup(NULL);
	vmcb.exit_interrupt = 0x80000020;
	STORE("\x89\x0f", TARGET, VERDICT_FAULT);
	refused();
	/* Neither here nor there is a source. */
	setup(NULL);
	RSI = 0x7f0000000000;
	memcpy(memory + TABLES + (RSI >> 39 & 511) * 8, &none, sizeof(none));
	STORE("\xa4", TARGET, VERDICT_SKIP);
	refused();
	/* The flag means nothing to a MOV. */
	setup(NULL);
	vmcb.state.rflags = DF;
	STORE("\x89\x0f", TARGET, VERDICT_SKIP);
	assert_int_equal(seen.memory.width, 4);
	guest_advanced(2);
}

static void only_code(void **ctx)
{
	static const u32 kinds[] = { HF_KIND_RODATA, HF_KIND_RO_AFTER_INIT, HF_KIND_VECTORS,
				     HF_KIND_VDSO, HF_KIND_MODULE_RODATA };
	static const enum page_state states[] = { PAGE_ABSENT,	  PAGE_MMIO, PAGE_GUEST,
						  PAGE_PENDING,	  PAGE_LENT, PAGE_SERVICE,
						  PAGE_HYPERVISOR };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		setup(NULL);
		trial_page.kind = kinds[i];
		STORE("\x89\x0f", TARGET, VERDICT_SKIP);
		refused();
		assert_int_equal(reads, 0);
	}
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		setup(NULL);
		trial_page = (struct page){ .state = states[i] };
		STORE("\x89\x0f", TARGET, VERDICT_SKIP);
		refused();
		assert_int_equal(reads, 0);
	}
	setup(NULL);
	trial_page.kind = HF_KIND_MODULE_TEXT;
	STORE("\x89\x0f", TARGET, VERDICT_SKIP);
	assert_int_equal(seen.memory.width, 4);
	/* No access but a write. */
	setup(NULL);
	guest_put_code("\x89\x0f", 2);
	guest_exit(EXIT_CODE_NPF, NPF_WRITE | NPF_WALK, TARGET, VERDICT_FAULT);
	guest_exit(EXIT_CODE_NPF, NPF_WRITE | NPF_FETCH, TARGET, VERDICT_FAULT);
	guest_exit(EXIT_CODE_NPF, 0, TARGET, VERDICT_FAULT);
	assert_int_equal(reads, 0);
}

/* Each offset of operand and fault: only what the processor can have meant is taken. */
static void places(void **ctx)
{
	static const struct {
		const char *code;
		size_t size;
		u32 width;
	} table[] = { { "\x88\x0f", 2, 1 },
		      { "\x48\x89\x0f", 3, 8 },
		      { "\xf3\x48\xa5", 3, 16 } };
	u64 to, fault;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		for (to = 0xfe8; to < 0x1018; to++)
			for (fault = 0; fault < PAGE_SIZE; fault += fault == 0x20 ? 0xfc0 : 1) {
				u64 va = ALIAS / PAGE_SIZE * PAGE_SIZE + to;
				bool first = fault == to % PAGE_SIZE;
				bool second = !fault && to < PAGE_SIZE &&
					      to + table[i].width > PAGE_SIZE;

				setup(NULL);
				RDI = va;
				RCX = 2;
				store(table[i].code, table[i].size, PAGE + fault, VERDICT_SKIP);
				if (!first && !second) {
					refused();
					continue;
				}
				assert_int_equal(seen.memory.va.raw, va);
				assert_int_equal(seen.memory.width, table[i].width);
				assert_int_equal(seen.memory.at, first ? 0 : PAGE_SIZE - to);
				guest_advanced(table[i].size);
			}
}

/* The source may cross a page: both parts are found, each byte once. */
static void sources(void **ctx)
{
	u64 i;

	(void)ctx;
	memory[CODE + PAGE_SIZE - 2] = 1;
	memory[CODE + PAGE_SIZE - 1] = 2;
	memory[CODE] = 3;
	memory[CODE + 1] = 4;
	RSI = 0xffff888000000ffe;
	STORE("\xa5", TARGET, VERDICT_SKIP);
	told(ALIAS, 4, 0, "\x01\x02\x03\x04");
	assert_int_equal(RSI, 0xffff888000001002);
	/* And may be anywhere: the end of the address space, or a page that is not there. */
	for (i = 1; i < 8; i++) {
		u64 none = 0;

		setup(NULL);
		RSI = -i;
		memcpy(memory + TABLES, &none, sizeof(none));
		STORE("\x48\xa5", TARGET, VERDICT_SKIP);
		refused();
	}
}

static void single_step(void **ctx)
{
	(void)ctx;
	vmcb.state.rflags = TF;
	RCX = 5;
	STORE("\xf3\xa4", TARGET, VERDICT_SKIP);
	assert_int_equal(vmcb.state.rip, RIP + 2);
	assert_int_equal(vmcb.interrupt_shadow, 0);
	assert_int_equal(vmcb.event_inject, 0x80000301);
	assert_int_equal(vmcb.state.dr6, 1u << 14);
	assert_int_equal(RCX, 0);
	/* An NMI that waits goes in behind the store, or behind the step's exception. */
	setup(NULL);
	cpu.pending = CPU_NMI;
	STORE("\xa4", TARGET, VERDICT_SKIP);
	assert_int_equal(vmcb.state.rip, RIP + 1);
	assert_int_equal(vmcb.event_inject, 0x80000202);
	setup(NULL);
	cpu.pending = CPU_NMI;
	vmcb.state.rflags = TF;
	STORE("\xa4", TARGET, VERDICT_SKIP);
	assert_int_equal(vmcb.event_inject, 0x80000301);
	assert_int_equal(cpu.pending, CPU_NMI);
}

static void put(u64 rip, const char *bytes, size_t size)
{
	memcpy(memory + CODE + (rip & PAGE_MASK), bytes, size);
}

/* Reads of one exit: four levels and the bytes; the same again for the source, of which the last
 * level is all that is read of a page that was read last time. */
static void reads_of(u64 rip, u32 expected)
{
	u32 before = reads;

	vmcb.state.rip = rip;
	RCX = 4;
	RDI = ALIAS;
	assert_int_equal(guest_exit(EXIT_CODE_NPF, NPF_WRITE, TARGET, VERDICT_FAULT), 0);
	assert_int_equal(reads - before, expected);
}

/* The kernel's own sealed text is fetched once, all other code each time. */
static void kept(void **ctx)
{
	static const struct page other[] = {
		{ .state = PAGE_GUEST },
		{ .state = PAGE_PENDING },
		{ .state = PAGE_SEALED, .kind = HF_KIND_MODULE_TEXT },
		{ .state = PAGE_SEALED, .kind = HF_KIND_RODATA },
	};
	size_t i;

	(void)ctx;
	guest_put_code("\xf3\xa4", 2);
	put(RIP + 0x20, "\x88\x0f", 2);
	code_page = (struct page){ .state = PAGE_SEALED, .kind = HF_KIND_TEXT };
	reads_of(RIP, 10);
	reads_of(RIP, 2);
	assert_int_equal(seen.memory.width, 4);
	/* With the registers of now. */
	RSI = FROM + 3;
	reads_of(RIP, 2);
	assert_memory_equal(seen.memory.bytes, SOURCE + 3, 4);
	/* One place is remembered. */
	reads_of(RIP + 0x20, 5);
	assert_int_equal(seen.memory.width, 1);
	reads_of(RIP + 0x20, 0);
	reads_of(RIP, 7);
	for (i = 0; i < ARRAY_SIZE(other); i++) {
		code_page = other[i];
		reads_of(RIP + 0x20, 5);
		reads_of(RIP + 0x20, 5);
		put(RIP + 0x20, "\x89\x0f", 2);
		reads_of(RIP + 0x20, 5);
		assert_int_equal(seen.memory.width, 4);
		put(RIP + 0x20, "\x88\x0f", 2);
	}
	/* What was fetched since is not taken for it. */
	code_page = (struct page){ .state = PAGE_SEALED, .kind = HF_KIND_TEXT };
	reads_of(RIP, 7);
	assert_int_equal(seen.memory.width, 4);
	/* Not by halves: bytes that may be of two pages. */
	put(LAST, "\x88\x0f\x88\x0f", 4);
	reads_of(LAST, 5);
	reads_of(LAST, 0);
	put(LAST + 1, "\x88\x0f", 2);
	reads_of(LAST + 1, 10);
	reads_of(LAST + 1, 10);
	assert_int_equal(seen.memory.width, 1);
}

/* No exit leaves anything that a later one is completed by. */
static void nothing_left(void **ctx)
{
	(void)ctx;
	RCX = 5;
	STORE("\xf3\xa4", TARGET, VERDICT_SKIP);
	assert_int_equal(RCX, 0);
	vmcb.state.rip = RIP;
	RCX = 5;
	STORE("\x88\x0f", (RDI & PAGE_MASK) | PAGE, VERDICT_SKIP);
	guest_advanced(2);
	assert_true(RCX == 5 && RDI == ALIAS + 5 && RSI == FROM + 5);
	/* Skipped without anything decoded, as the core does not ask: a fault. */
	vmcb.state.rip = RIP;
	trial_page.kind = HF_KIND_RODATA;
	guest_exit(EXIT_CODE_NPF, NPF_WRITE, TARGET, VERDICT_SKIP);
	assert_int_equal(vmcb.event_inject, GP);
	assert_int_equal(vmcb.state.rip, RIP);
	assert_true(RCX == 5 && RDI == ALIAS + 5 && RSI == FROM + 5);
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(plain),	   test(strings),   test(counts),	test(other_forms),
		test(states),	   test(only_code), test(places),	test(sources),
		test(single_step), test(kept),	    test(nothing_left),
	};

	return cmocka_run_group_tests_name("svm_store", tests, NULL, NULL);
}
