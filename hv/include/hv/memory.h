/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guards of memory: one file for code, one for data, and what is neither.
 */
#pragma once

#include <hv/exit.h>
#include <hv/owner.h>
#include <hv/types.h>

/* guard/code.c: an access to sealed code that the tables refused. */
enum verdict code_access(struct cpu *cpu, struct exit *exit, struct page page);

/* guard/table.c: the same for page tables of the kernel. */
enum verdict table_access(struct cpu *cpu, struct exit *exit, struct page page);

/* guard/data.c: the same for sealed data, and for pages that are not the guest's at all. */
enum verdict data_access(struct cpu *cpu, struct exit *exit, struct page page);
enum verdict data_hidden(struct cpu *cpu, struct exit *exit, struct page page);
/* The event of an access to memory; @done: HF_ACTION_*. */
void data_record(struct cpu *cpu, const struct exit *exit, u32 asset, u32 done);
