// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another kernel in this one's place: by kexec, and by kdump after a panic. It is a few
 * instructions long and says that it runs.
 */
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/panic.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>

#include "attack.h"
#include "leave.h"

#define KERNEL_PA   0x100000ul /* the old kernel is gone when this is written */
#define CRASH_ORDER 9

/* The system call takes both from user memory. */
static int to_user(unsigned long user, unsigned long destination)
{
	struct kexec_segment segment = {
		.buf = (void __user *)user,
		.bufsz = PAGE_SIZE / 2,
		.mem = destination,
		.memsz = PAGE_SIZE,
	};
	u8 *code = (u8 *)get_zeroed_page(GFP_KERNEL);
	int err = code ? leave_write(code, &leave_long, "another kernel, without Holdfast")
		       : -ENOMEM;

	if (!err && copy_to_user((void __user *)user, code, PAGE_SIZE / 2))
		err = -EFAULT;
	if (!err &&
	    copy_to_user((void __user *)(user + PAGE_SIZE / 2), &segment, sizeof(segment)))
		err = -EFAULT;
	free_page((unsigned long)code);
	return err;
}

/* kexec_load(2), with what forbids it taken away. */
static int load(struct attempt *t, unsigned long destination, unsigned long flags)
{
	long (*kexec_load)(const struct pt_regs *regs) = attack_symbol("__x64_sys_kexec_load");
	int *disabled = attack_symbol("kexec_load_disabled");
	unsigned long user = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	struct pt_regs regs = {
		.di = destination,
		.si = 1,
		.dx = user + PAGE_SIZE / 2,
		.r10 = flags,
	};
	int err = -ENOENT;

	if (kexec_load && disabled && !IS_ERR_VALUE(user)) {
		*disabled = 0;
		err = to_user(user, destination);
	}
	if (!err)
		err = kexec_load(&regs);
	attack_note(t, "load: %d", err);
	return err;
}

static enum attack_outcome kexec_now(struct attempt *t)
{
	int (*jump)(void) = attack_symbol("kernel_kexec");

	if (!jump || load(t, KERNEL_PA, 0))
		return ATTACK_ERROR;
	attack_note(t, "kexec came back: %d", jump());
	return ATTACK_ERROR;
}

/* Memory that was not set aside for it serves as well. */
static enum attack_outcome kdump_now(struct attempt *t)
{
	struct resource *reserved = attack_symbol("crashk_res");
	struct page *pages = alloc_pages(GFP_KERNEL, CRASH_ORDER);

	if (!reserved || !pages)
		return ATTACK_ERROR;
	reserved->start = page_to_phys(pages);
	reserved->end = reserved->start + (PAGE_SIZE << CRASH_ORDER) - 1;
	if (load(t, reserved->end + 1 - PAGE_SIZE, KEXEC_ON_CRASH))
		return ATTACK_ERROR;
	panic("for kdump");
}

static const struct attack kexec_attacks[] = {
	{
		.name = "kexec",
		.title = "load another kernel and jump into it",
		.gives = "the machine without Holdfast",
		.asset = "IDTR",
		.control = ATTACK_BARE,
		.own_vm = true,
		.stops = true,
		.run = kexec_now,
	},
	{
		.name = "kdump",
		.title = "load another kernel for a crash, and crash",
		.gives = "the machine without Holdfast",
		.asset = "IDTR",
		.control = ATTACK_BARE,
		.own_vm = true,
		.stops = true,
		.run = kdump_now,
	},
};

const struct attack_table kexec_table = { kexec_attacks, ARRAY_SIZE(kexec_attacks) };
