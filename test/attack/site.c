// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ftrace.h>
#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/static_call.h>
#include <linux/string.h>
#include <linux/stringify.h>
#include <linux/vmalloc.h>

#include "memory.h"
#include "paging.h"
#include "site.h"

#define WORD sizeof(u64)

/* ---- the sites ---- */

/* Only the tables name it. */
static struct static_key_false site_key __used = STATIC_KEY_FALSE_INIT;

#define NOP2 ".byte 0x66, 0x90\n\t"
#define NOP5 ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"
#define NOP3 ".byte 0x0f, 0x1f, 0x00\n\t"
#define NOP6 ".byte 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"

/* An entry of the jump table (struct jump_entry) for the NOP at 771, which leads to 772. */
#define LABEL                                                \
	".pushsection __jump_table, \"aw\"\n\t.balign 8\n\t" \
	".long 771b - ., 772f - .\n\t.quad site_key - .\n\t" \
	".popsection\n\t"

#define FUNCTION(name, align, body)                                                       \
	asm(".pushsection .text, \"ax\"\n\t" align "\n\t.globl " #name "\n\t.type " #name \
	    ", @function\n" #name ":\n\t" ANNOTATE_NOENDBR "\n" body                      \
	    "ud2\n\t.balign 8, 0xcc\n\t.size " #name ", . - " #name "\n\t.popsection")

#define EIGHTH ".balign 8, 0xcc"

FUNCTION(site_none, EIGHTH, NOP5);
FUNCTION(site_jump, EIGHTH, "771:\t" NOP5 NOP3 LABEL "772:\t");
FUNCTION(site_near, EIGHTH, "771:\t" NOP2 NOP6 LABEL "772:\t");
FUNCTION(site_across, ".balign 4096, 0xcc\n\t.skip 4094, 0xcc",
	 "771:\t" NOP5 NOP3 LABEL "772:\t");

/* Each falls through to the next. */
FUNCTION(site_many, EIGHTH,
	 ".rept " __stringify(SITE_MANY) "\n771:\t" NOP5 NOP3 LABEL ".endr\n772:\t");

static noinline int callee(void)
{
	return 0;
}

DEFINE_STATIC_CALL(site_call, callee);

/* Traced by nobody, called by nobody. */
static noinline __used int caller(void)
{
	return static_call(site_call)() + 1;
}

u8 *site_traced(void)
{
	unsigned long (*location)(unsigned long ip) = attack_symbol("ftrace_location");

	return location ? (u8 *)location((unsigned long)caller) : NULL;
}

u8 *site_called(void)
{
	struct static_call_site *site = THIS_MODULE->static_call_sites;
	unsigned int i;
	long key;

	for (i = 0; i < THIS_MODULE->num_static_call_sites; i++, site++) {
		key = ((long)&site->key + site->key) & ~(long)STATIC_CALL_SITE_FLAGS;
		if (key == (long)&STATIC_CALL_KEY(site_call))
			return (u8 *)&site->addr + site->addr;
	}
	return NULL;
}

u8 *site_trampoline(void)
{
	return (u8 *)STATIC_CALL_TRAMP_ADDR(site_call);
}

/* ---- values ---- */

u64 site_word(const u8 *va)
{
	u64 word = 0;

	if (va)
		memcpy(&word, va, sizeof(word));
	return word;
}

u64 site_with(const u8 *va, const void *bytes, size_t size)
{
	u64 word = site_word(va);

	memcpy(&word, bytes, size);
	return word;
}

u64 site_transfer(const u8 *va, u8 opcode, const void *target)
{
	u8 bytes[5] = { opcode };
	s32 offset = (const u8 *)target - (va + sizeof(bytes));

	memcpy(bytes + 1, &offset, sizeof(offset));
	return site_with(va, bytes, sizeof(bytes));
}

u64 site_genuine(const u8 *va)
{
	const u8 *many = (const u8 *)site_many, *end;

	/* Not an address of the function's inside to whoever checks the object. */
	OPTIMIZER_HIDE_VAR(many);
	end = many + SITE_MANY * WORD;
	return site_transfer(va, SITE_JUMP, va >= many && va < end ? end : va + WORD);
}

/* ---- stores ---- */

u8 *site_open(const u8 *va, size_t size)
{
	struct page *pages[2];
	unsigned int i, count = PFN_UP(offset_in_page(va) + size);
	unsigned long pfn;
	u8 *alias;

	if (!va || count > ARRAY_SIZE(pages))
		return NULL;
	for (i = 0; i < count; i++) {
		pfn = paging_pfn(va + i * PAGE_SIZE);
		if (!pfn)
			return NULL;
		pages[i] = pfn_to_page(pfn);
	}
	alias = vmap(pages, count, VM_MAP, PAGE_KERNEL);
	return alias ? alias + offset_in_page(va) : NULL;
}

void site_close(u8 *alias)
{
	vunmap((void *)((unsigned long)alias & PAGE_MASK));
}

int site_store(u8 *dst, const u8 *src, size_t size)
{
	int trap;

	if (size == 1)
		return memory_store_byte(dst, src);
	if (size == 4)
		return TRAP_OF("movl %1, (%2)", "r"(*(const u32 *)src), "r"(dst));
	if (size == 8)
		return memory_store_quad(dst, src);
	asm volatile("1:\trep movsb\n\tmovl $-1, %%eax\n2:\n\t" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=&a"(trap), "+D"(dst), "+S"(src), "+c"(size)
		     :
		     : "memory");
	return trap;
}

const struct site_step site_in_order[3] = { { 0, 0 }, { 1, 4 }, { 0, 1 } };

int site_patch(const u8 *va, u64 value, const struct site_step *steps, unsigned int count)
{
	static const u8 breakpoint = SITE_BREAKPOINT;
	const u8 *bytes = (const u8 *)&value;
	u8 *alias = site_open(va, WORD);
	int trap = TRAP_NONE;
	unsigned int i;

	if (!alias)
		return X86_TRAP_PF;
	for (i = 0; i < count && trap == TRAP_NONE; i++)
		trap = steps[i].size ? site_store(alias + steps[i].at, bytes + steps[i].at,
						  steps[i].size)
				     : site_store(alias, &breakpoint, 1);
	site_close(alias);
	return trap;
}

/* Stores only what differs: where nothing does, nothing. */
int site_restore(const u8 *va, u64 value)
{
	struct site_step steps[3] = { { 0, 0 }, { 1, 0 }, { 0, 1 } };
	u64 word = site_word(va), differ = (word ^ value) >> BITS_PER_BYTE;
	unsigned int first;

	if (word == value)
		return TRAP_NONE;
	if (!differ) {
		steps[1] = steps[2];
		return site_patch(va, value, steps, 2);
	}
	first = __ffs64(differ) / BITS_PER_BYTE;
	steps[1].at = 1 + first;
	steps[1].size = __fls(differ) / BITS_PER_BYTE - first + 1;
	return site_patch(va, value, steps, 3);
}

enum attack_outcome site_attack(struct attempt *t, void *va, u64 value,
				const struct site_step *steps, unsigned int count)
{
	int err = memory_target_at(t, va, WORD, value);

	if (err) {
		attack_note(t, "no target: %d", err);
		return ATTACK_ERROR;
	}
	t->trap = site_patch(va, value, steps, count);
	if (t->trap == TRAP_NONE)
		return ATTACK_SUCCEEDED;
	site_restore(va, t->was);
	return ATTACK_REFUSED;
}

int site_look(struct attempt *t, u64 *is)
{
	int err = memory_look(t, is);

	if (err || (*is ^ t->was) >> BITS_PER_BYTE || (u8)*is != SITE_BREAKPOINT)
		return err;
	attack_note(t, "a breakpoint was left");
	site_restore(t->va, t->was);
	return memory_look(t, is);
}

int site_undo(struct attempt *t)
{
	return site_restore(t->va, t->was) == TRAP_NONE ? 0 : -EPERM;
}
