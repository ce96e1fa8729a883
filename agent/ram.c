// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sizes.h>

#include "compat/symbols.h"
#include "firmware.h"
#include "ram.h"

/* First page frame number above all memory of the map. */
static u64 ram_end_pfn(const struct hf_boot *boot)
{
	const struct hf_memory *last;

	if (!boot->memory_count)
		return 0;
	last = &boot->memory[boot->memory_count - 1];
	return (last->gpa >> PAGE_SHIFT) + last->npages;
}

static int add(struct hf_boot *boot, enum hf_memory_type type, u64 pfn, u64 npages)
{
	struct hf_memory *last = NULL;

	if (boot->memory_count)
		last = &boot->memory[boot->memory_count - 1];
	if (last && (pfn < ram_end_pfn(boot)))
		return -EINVAL;
	if (last && last->type == type && pfn == ram_end_pfn(boot)) {
		last->npages += npages;
		return 0;
	}
	if (boot->memory_count == HF_MEMORY_MAX)
		return -ENOSPC;
	boot->memory[boot->memory_count++] =
		(struct hf_memory){ .gpa = pfn << PAGE_SHIFT, .npages = npages, .type = type };
	return 0;
}

static int add_ram(unsigned long pfn, unsigned long npages, void *boot)
{
	return add(boot, HF_MEMORY_RAM, pfn, npages);
}

/* Puts a range between those held; -EINVAL if it overlaps one. */
static int insert(u64 gpa, u64 npages, void *arg)
{
	struct hf_boot *boot = arg;
	struct hf_memory *at = boot->memory, *end = at + boot->memory_count;

	if (boot->memory_count == HF_MEMORY_MAX)
		return -ENOSPC;
	while (at < end && at->gpa < gpa)
		at++;
	if ((at < end && gpa + (npages << PAGE_SHIFT) > at->gpa) ||
	    (at > boot->memory && at[-1].gpa + (at[-1].npages << PAGE_SHIFT) > gpa))
		return -EINVAL;
	memmove(at + 1, at, (end - at) * sizeof(*at));
	*at = (struct hf_memory){ .gpa = gpa, .npages = npages, .type = HF_MEMORY_RAM };
	boot->memory_count++;
	return 0;
}

/*
 * The walk goes upwards and rounds every range inward to pages. Memory that the
 * firmware announces for hotplug lies above all RAM and the device hole below
 * 4 GiB.
 */
int ram_describe(struct hf_boot *boot)
{
	u64 hotplug, end = *symbols.max_possible_pfn;
	unsigned int i;
	int ret;

	boot->memory_count = 0;
	ret = symbols.walk_system_ram_range(0, PHYS_PFN(BIT_ULL(52)), boot, add_ram);
	if (ret)
		return ret;
	hotplug = max_t(u64, ram_end_pfn(boot), PHYS_PFN(SZ_4G));
	if (end > hotplug)
		ret = add(boot, HF_MEMORY_HOTPLUG, hotplug, end - hotplug);
	/*
	 * Code of EFI runtime services is no System RAM to the kernel, which nevertheless runs
	 * it. As device memory it would never be executable.
	 */
	if (!ret)
		ret = firmware_each(insert, boot);
	for (i = 0; i < boot->memory_count; i++)
		pr_debug("memory at %#llx, %llu pages, type %u\n", boot->memory[i].gpa,
			 boot->memory[i].npages, boot->memory[i].type);
	return ret;
}

u64 ram_hypervisor_bytes(const struct hf_boot *boot)
{
	u64 bytes = HF_MEMORY_FIXED + ram_end_pfn(boot) * HF_MEMORY_PER_PAGE;
	u64 per_ram = HF_MEMORY_PER_RAM * (boot->flags & HF_BOOT_TWO_TABLES ? 2 : 1);
	unsigned int i;

	for (i = 0; i < boot->memory_count; i++)
		if (boot->memory[i].type == HF_MEMORY_RAM)
			bytes += boot->memory[i].npages * per_ram;
	return bytes;
}
