// SPDX-License-Identifier: GPL-2.0-only
/* What surprises the audit, against what the hypervisor means to give. */
#include <hv/owner.h>
#include "unit.h"
#include "../../cli/judge.h"

#define R  HF_PERM_READ
#define RW (HF_PERM_READ | HF_PERM_WRITE)
#define RX (HF_PERM_READ | HF_PERM_KERNEL_EXEC)

static const struct judge_machine unlocked, plain = { .locked = true },
					    split = { .locked = true, .split = true };

static struct hf_audit_run mapped(u32 rights, u32 kind)
{
	return (struct hf_audit_run){ .npages = 1, .rights = rights, .kind = kind };
}

static struct hf_page_run page(u32 state, u32 kind, u32 permission)
{
	return (struct hf_page_run){ .npages = 1,
				     .state = (u8)state,
				     .kind = (u8)kind,
				     .permission = (u8)permission,
				     .due = (u8)permission };
}

static enum judge of(const struct judge_machine *machine, u32 rights, u32 wanted, u32 state,
		     u32 kind, u32 permission)
{
	struct hf_audit_run m = mapped(rights, wanted);
	struct hf_page_run p = page(state, kind, permission);

	return judge_mapping(machine, &m, &p);
}

static void rows(void **ctx)
{
	static const struct {
		u32 rights, wanted, state, kind, permission;
		enum judge plain, split, unlocked;
	} row[] = {
		/* Memory as any: the direct map of heap, of sealed pages, of devices. */
		{ RW, HF_KIND_NONE, HF_PAGE_GUEST, 0, HF_PERM_ALL, 0, 0, 0 },
		{ RW, HF_KIND_NONE, HF_PAGE_SEALED, HF_KIND_TEXT, RX, 0, 0, 0 },
		{ RW, HF_KIND_NONE, HF_PAGE_DEVICE, 0, RW, 0, 0, 0 },
		{ RW, HF_KIND_NONE, HF_PAGE_LENT, 0, R, 0, 0, 0 },
		/* The image in its place. */
		{ RX, HF_KIND_TEXT, HF_PAGE_SEALED, HF_KIND_TEXT, RX, 0, 0, 0 },
		{ R, HF_KIND_RODATA, HF_PAGE_SEALED, HF_KIND_RODATA, R, 0, 0, 0 },
		{ RX, HF_KIND_STARTUP, HF_PAGE_SEALED, HF_KIND_STARTUP, R, 0, 0, 0 },
		{ RW, HF_KIND_DATA, HF_PAGE_SEALED, HF_KIND_DATA, RW, 0, 0, 0 },
		/* Not sealed, or as something else, or led to another page. */
		{ RX, HF_KIND_TEXT, HF_PAGE_GUEST, 0, HF_PERM_ALL, JUDGE_UNSEALED,
		  JUDGE_UNSEALED, 0 },
		{ R, HF_KIND_RODATA, HF_PAGE_SEALED, HF_KIND_TEXT, RX, JUDGE_UNSEALED,
		  JUDGE_UNSEALED, 0 },
		{ R, HF_KIND_RODATA, HF_PAGE_DEVICE, 0, RW, JUDGE_UNSEALED, JUDGE_UNSEALED, 0 },
		{ RW, HF_KIND_DATA, HF_PAGE_GUEST, 0, HF_PERM_ALL, JUDGE_UNSEALED,
		  JUDGE_UNSEALED, 0 },
		/* What comes after lock as well, in guest memory. */
		{ RX, HF_KIND_MODULE_TEXT, HF_PAGE_GUEST, 0, HF_PERM_ALL, JUDGE_LATER,
		  JUDGE_LATER, 0 },
		{ R, HF_KIND_MODULE_RODATA, HF_PAGE_GUEST, 0, HF_PERM_ALL, JUDGE_LATER,
		  JUDGE_LATER, 0 },
		{ RX, HF_KIND_RUNTIME_CODE, HF_PAGE_GUEST, 0, HF_PERM_ALL, JUDGE_LATER,
		  JUDGE_LATER, 0 },
		{ RX, HF_KIND_MODULE_TEXT, HF_PAGE_DEVICE, 0, RW, JUDGE_UNSEALED,
		  JUDGE_UNSEALED, 0 },
		/* Code that nobody sealed, unless the second level keeps it from running. */
		{ RX, HF_KIND_NONE, HF_PAGE_GUEST, 0, HF_PERM_ALL, JUDGE_EXECUTABLE,
		  JUDGE_EXECUTABLE, 0 },
		{ RX, HF_KIND_NONE, HF_PAGE_GUEST, 0, RW | HF_PERM_USER_EXEC, 0, 0, 0 },
		{ RX, HF_KIND_NONE, HF_PAGE_SEALED, HF_KIND_VDSO, RX | HF_PERM_USER_EXEC,
		  JUDGE_EXECUTABLE, JUDGE_EXCESS, 0 },
		{ RX, HF_KIND_NONE, HF_PAGE_SEALED, HF_KIND_VDSO, R | HF_PERM_USER_EXEC, 0, 0,
		  0 },
		/* Sealed with more than the kind may keep. */
		{ RX, HF_KIND_TEXT, HF_PAGE_SEALED, HF_KIND_TEXT, RX | HF_PERM_WRITE,
		  JUDGE_EXCESS, JUDGE_EXCESS, 0 },
		{ R, HF_KIND_RODATA, HF_PAGE_SEALED, HF_KIND_RODATA, RW, JUDGE_EXCESS,
		  JUDGE_EXCESS, 0 },
		{ RW, HF_KIND_DATA, HF_PAGE_SEALED, HF_KIND_DATA, RW | HF_PERM_USER_EXEC,
		  JUDGE_EXCESS, JUDGE_EXCESS, 0 },
		/* Nobody's: it may be memory one day, or never. */
		{ RW, HF_KIND_NONE, HF_PAGE_ABSENT, 0, RW | HF_PERM_USER_EXEC, 0, 0, 0 },
		{ RW, HF_KIND_NONE, HF_PAGE_ABSENT, 0, 0, JUDGE_ABSENT, JUDGE_ABSENT,
		  JUDGE_ABSENT },
		{ R, HF_KIND_NONE, HF_PAGE_HYPERVISOR, 0, 0, JUDGE_HYPERVISOR, JUDGE_HYPERVISOR,
		  JUDGE_HYPERVISOR },
		{ RX, HF_KIND_TEXT, HF_PAGE_SERVICE, 0, 0, JUDGE_HYPERVISOR, JUDGE_HYPERVISOR,
		  JUDGE_HYPERVISOR },
	};

	(void)ctx;
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		const struct judge_machine *machine[] = { &plain, &split, &unlocked };
		const enum judge expected[] = { row[i].plain, row[i].split, row[i].unlocked };

		for (u32 j = 0; j < ARRAY_SIZE(machine); j++) {
			enum judge is = of(machine[j], row[i].rights, row[i].wanted,
					   row[i].state, row[i].kind, row[i].permission);

			if (is != expected[j])
				fail_msg("row %u on machine %u: %u, not %u", i, j, is,
					 expected[j]);
		}
	}
}

/* What the hypervisor leaves of a kind is fine in its place, whatever the kernel's tables say; one
 * permission more never is, where the CPU can tell. */
static void kinds(void **ctx)
{
	(void)ctx;
	for (u32 kind = HF_KIND_TEXT; kind < HF_KIND_COUNT; kind++) {
		u32 due = owner_kind_permission(kind);

		for (u32 rights = 0; rights <= HF_PERM_ALL; rights++) {
			assert_int_equal(of(&split, rights, kind, HF_PAGE_SEALED, kind, due),
					 JUDGE_FINE);
			for (u32 bit = 1; bit <= HF_PERM_USER_EXEC; bit <<= 1)
				if (!(due & bit))
					assert_int_equal(of(&split, rights, kind,
							    HF_PAGE_SEALED, kind, due | bit),
							 JUDGE_EXCESS);
		}
	}
}

static void memory(void **ctx)
{
	(void)ctx;
	for (u32 permission = 0; permission <= HF_PERM_ALL; permission++)
		for (u32 due = 0; due <= HF_PERM_ALL; due++) {
			struct hf_page_run run = page(HF_PAGE_GUEST, HF_KIND_NONE, permission);

			run.due = (u8)due;
			assert_int_equal(judge_memory(&run),
					 permission == due ? JUDGE_FINE : JUDGE_PERMISSION);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(kinds),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests_name("cli_judge", tests, NULL, NULL);
}
