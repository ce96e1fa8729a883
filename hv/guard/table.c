// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guard of the kernel's page tables. An entry that leads to a sealed page, be that a table or what
 * is mapped, stays as it is: so what a sealed address is mapped to stays, from the root down. Other
 * entries, which the kernel needs for what else lies there, may say what they like.
 */
#include <hv/backend.h>
#include <hv/memory.h>

/* Whether one of the @row entries among which @at is leads to sealed memory. */
static bool is_kept(struct gpa at, u32 row)
{
	u64 entry, first = at.raw & ~(row * sizeof(entry) - 1);
	struct gpa to;
	u32 unused;

	for (u32 i = 0; i < row; i++) {
		backend_guest_read(gpa(first + i * sizeof(entry)), &entry, sizeof(entry));
		if (backend_table_entry(entry, &to, &unused) && owner_state(to) == PAGE_SEALED)
			return true;
	}
	return false;
}

/*
 * Kernels write an entry by one store, and the CPUs that walk the table must see it so. Nobody
 * changes meanwhile what is kept.
 */
enum verdict table_access(struct cpu *cpu, struct exit *exit, struct page page)
{
	const struct exit_memory *m = &exit->memory;
	struct gpa to;
	u64 value;
	u32 row;

	if (m->access != HF_ACCESS_WRITE || m->width != sizeof(value) || m->at ||
	    m->gpa.raw % sizeof(value))
		return data_access(cpu, exit, page);
	__builtin_memcpy(&value, m->bytes, sizeof(value));
	backend_table_entry(value, &to, &row);
	if (is_kept(m->gpa, row))
		return data_access(cpu, exit, page);
	backend_guest_write(m->gpa, &value, sizeof(value));
	return VERDICT_SKIP;
}
