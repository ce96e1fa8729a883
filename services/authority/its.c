// SPDX-License-Identifier: GPL-2.0-only
/*
 * arch/x86/kernel/alternative.c: its_allocate_thunk(). The loader takes a page when the last one is
 * full, fills it with breakpoints, and puts thunks into the upper halves of its cache lines, one
 * behind the other: which thunk a branch gets follows from the order of the table.
 */
#include "insn.h"
#include "its.h"
#include "layout.h"

#define LINE 64u
#define HALF 32u

/* Does it lie in the half where the bug is? */
static bool lower_half(u64 va)
{
	return va % LINE < HALF;
}

/* "jmp *reg" and a breakpoint. */
static u32 size_of(u32 reg)
{
	return 3 + reg / 8;
}

static int open_page(struct module *module, const u8 *entry)
{
	struct part *page = &module->thunk[module->thunks];
	struct hf_authority_memory memory;

	memcpy(&memory, entry, sizeof(memory));
	if (memory.size != HF_PAGE_SIZE ||
	    !within(memory.at, memory.size, module->authority->window_size))
		return module_refuse(module, HF_REFUSAL_REQUEST);
	page->va = memory.va;
	page->size = memory.size;
	page->memory = module->authority->window + memory.at;
	if (!layout_free(module, page))
		return module_refuse(module, HF_REFUSAL_LAYOUT);
	page->expected = arena_take(module->arena, HF_PAGE_SIZE, 1);
	if (!page->expected)
		return module_no_memory(module);
	memset(page->expected, INSN_INT3, HF_PAGE_SIZE);
	module->thunks++;
	return 0;
}

int its_open(struct module *module)
{
	const struct hf_authority_request *request = module->request;
	u64 size = (u64)request->thunk_count * sizeof(struct hf_authority_memory);
	int ret = 0;
	u32 i;

	if (!request->thunk_count)
		return 0;
	if (request->thunk_count > HF_THUNK_PAGES_MAX ||
	    !within(request->thunks_at, size, module->authority->window_size))
		return module_refuse(module, HF_REFUSAL_REQUEST);
	module->thunk = arena_take(module->arena, request->thunk_count, sizeof(*module->thunk));
	if (!module->thunk)
		return module_no_memory(module);
	for (i = 0; i < request->thunk_count && !ret; i++)
		ret = open_page(module, module->authority->window + request->thunks_at +
						i * sizeof(struct hf_authority_memory));
	return ret;
}

bool its_wants(const struct module *module, u64 va, u32 reg)
{
	/* By its last byte. */
	return module->facts->flags & HF_FACT_ITS && lower_half(va + 1 + reg / 8);
}

u64 its_thunk(struct module *module, u32 reg)
{
	u32 size = size_of(reg), at = module->thunk_offset, n = 0;
	u8 *bytes;

	if (!module->thunks_used || at + size - 1 >= HF_PAGE_SIZE) {
		if (module->thunks_used == module->thunks)
			return 0;
		module->thunks_used++;
		at = HALF;
	}
	if (lower_half(at + size - 1))
		at = (at + LINE - 1) / LINE * LINE + HALF;
	module->thunk_offset = at + size;
	bytes = module->thunk[module->thunks_used - 1].expected + at;
	if (reg >= 8)
		bytes[n++] = 0x41;
	bytes[n++] = 0xff;
	bytes[n++] = (u8)(0xe0 + (reg & 7));
	bytes[n] = INSN_INT3;
	return module->thunk[module->thunks_used - 1].va + at;
}

int its_close(struct module *module)
{
	return module->thunks_used == module->thunks ? 0
						     : module_refuse(module, HF_REFUSAL_LAYOUT);
}
