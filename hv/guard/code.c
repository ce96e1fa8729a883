// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guard of code, of whatever kind. It cannot be written and nothing authenticates a change yet: a
 * patch by the kernel itself (static keys, ftrace, kprobes) is a violation like any other, and the
 * patching thread gets the fault.
 */
#include <hv/memory.h>

enum verdict code_access(struct cpu *cpu, struct exit *exit, struct page page)
{
	return data_access(cpu, exit, page);
}
