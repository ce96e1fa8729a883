// SPDX-License-Identifier: GPL-2.0-only
#include <linux/efi.h>
#include <linux/errno.h>
#include <linux/printk.h>

#include <holdfast/range.h>

#include "compat/symbols.h"
#include "firmware.h"

int firmware_each(int (*fn)(u64 gpa, u64 npages, void *arg), void *arg)
{
	const efi_memory_desc_t *md;
	int ret = 0;

	if (!efi_enabled(EFI_RUNTIME_SERVICES))
		return 0;
	for_each_efi_memory_desc(md)
	{
		if (md->type != EFI_RUNTIME_SERVICES_CODE || !md->num_pages)
			continue;
		ret = fn(md->phys_addr, md->num_pages, arg);
		if (ret)
			break;
	}
	return ret;
}

/* The part of the run under way that is executable, in one range of the memory map. */
static int check_run(const struct walk_run *run, void *arg)
{
	(void)arg;
	return (run->rights & HF_PERM_KERNEL_EXEC) && (run->rights & HF_PERM_WRITE) ? -EPERM : 0;
}

struct visitor {
	walk_fn *fn;
	void *arg;
};

static int pass_code(const struct walk_run *run, void *arg)
{
	const struct visitor *visitor = arg;

	return run->rights & HF_PERM_KERNEL_EXEC ? visitor->fn(run, visitor->arg) : 0;
}

/* The services' page tables map all of it one to one, in the half that is not the kernel's. */
static int walk_range(u64 gpa, u64 npages, void *visitor)
{
	const struct visitor *v = visitor;

	return walk_tables(symbols.efi_mm->pgd, gpa, gpa + (npages << PAGE_SHIFT), v->fn, v->arg);
}

int firmware_code(walk_fn *fn, void *arg)
{
	struct visitor check = { check_run, NULL };
	struct visitor code = { fn, arg };
	struct visitor pass = { pass_code, &code };

	if (!symbols.efi_mm)
		return 0;
	if (firmware_each(walk_range, &check)) {
		pr_warn_once("code of EFI runtime services is not sealed: the firmware has no "
			     "table of memory attributes that says it is read-only\n");
		return 0;
	}
	return firmware_each(walk_range, &pass);
}
