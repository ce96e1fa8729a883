// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <holdfast/event.h>
#include <holdfast/image.h>

#include "compat/symbols.h"
#include "cpu.h"
#include "inject.h"
#include "launch.h"
#include "memory.h"
#include "nmi.h"
#include "ram.h"
#include "sleep.h"
#include "startup.h"

typedef int64_t entry_fn(uint32_t op, struct hf_boot *boot, uint32_t cpu);

/* @image: the file's bytes, beginning with the header; ours, the caller cannot change them */
struct launch {
	const struct hf_image_header *image;
	struct hf_boot *boot;
	entry_fn *entry;
};

static enum hf_reason image_check(const struct hf_image_header *image, u64 size)
{
	if (image->magic != HF_IMAGE_MAGIC)
		return HF_REASON_BAD_IMAGE;
	/* Beyond the ABI number nothing of a foreign header is known. */
	if (image->abi != HF_ABI)
		return HF_REASON_ABI;
	if (image->file_size != size || image->memory_size < size ||
	    image->memory_size % HF_PAGE_SIZE || image->memory_size > HF_MEMORY_FIXED)
		return HF_REASON_BAD_IMAGE;
	if (image->entry < sizeof(*image) || image->entry >= size)
		return HF_REASON_BAD_IMAGE;
	if (!memchr(image->version, '\0', sizeof(image->version)))
		return HF_REASON_BAD_IMAGE;
	return HF_REASON_NONE;
}

/* Copied once, then judged. To be freed with kvfree(). */
static int image_read(struct hf_ctl_launch *ctl, const struct hf_image_header **out)
{
	void *image = NULL;

	if (ctl->image_size < sizeof(struct hf_image_header) ||
	    ctl->image_size > HF_IMAGE_SIZE_MAX) {
		ctl->reason = HF_REASON_BAD_IMAGE;
		return -EINVAL;
	}
	if (inject_allows())
		image = kvmalloc(ctl->image_size, GFP_KERNEL);
	if (!image) {
		ctl->reason = HF_REASON_NO_MEMORY;
		return -ENOMEM;
	}
	if (copy_from_user(image, u64_to_user_ptr(ctl->image), ctl->image_size)) {
		kvfree(image);
		return -EFAULT;
	}
	ctl->reason = image_check(image, ctl->image_size);
	if (ctl->reason != HF_REASON_NONE) {
		kvfree(image);
		return -EINVAL;
	}
	*out = image;
	return 0;
}

static struct hf_boot *boot_new(struct hf_ctl_launch *ctl)
{
	struct hf_boot *boot = NULL;
	int ret;

	if (inject_allows())
		boot = kzalloc(sizeof(*boot), GFP_KERNEL);
	if (!boot) {
		ctl->reason = HF_REASON_NO_MEMORY;
		return ERR_PTR(-ENOMEM);
	}
	ret = ram_describe(boot);
	if (ret) {
		ctl->reason = HF_REASON_BAD_MEMORY_MAP;
		kfree(boot);
		return ERR_PTR(ret);
	}
	boot->size = sizeof(*boot);
	boot->abi = HF_ABI;
	boot->action = ctl->action;
	boot->serial_port = ctl->serial_port;
	boot->flags = ctl->flags;
	sleep_describe(boot);
	boot->inject_alloc = READ_ONCE(inject_hv_alloc);
	boot->inject_cpu = READ_ONCE(inject_cpu);
	ctl->reason = startup_describe(boot);
	if (ctl->reason != HF_REASON_NONE) {
		kfree(boot);
		return ERR_PTR(-ENODEV);
	}
	return boot;
}

/* What the image answers, made an error number of ours whatever it is. */
static int entry_result(int64_t result)
{
	if (result >= 0)
		return 0;
	return result < -MAX_ERRNO ? -EIO : result;
}

/* On every CPU at once, interrupts off. */
static int enter_cpu(void *arg)
{
	struct launch *launch = arg;

	return entry_result(launch->entry(HF_ENTRY_CPU, launch->boot, cpu_index()));
}

/* Last step, and the only one after which there is no way back: see the image's entry. */
static int enter(struct launch *launch, struct hf_ctl_launch *ctl)
{
	struct hf_boot *boot = launch->boot;
	int ret;

	/*
	 * A CPU that goes offline comes back through INIT: none may, from here on, unless the
	 * hypervisor turns out to see that (see launch_run).
	 */
	cpu_hotplug_disable();
	cpus_read_lock();
	ctl->reason = cpu_check(launch->image->backend);
	if (ctl->reason != HF_REASON_NONE) {
		ret = ctl->reason == HF_REASON_VIRT_IN_USE ? -EBUSY : -ENODEV;
		goto out;
	}
	cpu_describe(boot);
	ret = entry_result(launch->entry(HF_ENTRY_INIT, boot, 0));
	if (!ret)
		ret = symbols.stop_machine_cpuslocked(enter_cpu, launch, cpu_online_mask);
	if (ret)
		ctl->reason = boot->reason;
out:
	cpus_read_unlock();
	if (ret)
		cpu_hotplug_enable();
	return ret;
}

static int launch_with_memory(struct launch *launch, struct hf_ctl_launch *ctl)
{
	int ret;

	memory_describe(launch->boot);
	memcpy(memory_base(), launch->image, launch->image->file_size);
	launch->entry = (entry_fn *)((uintptr_t)memory_base() + launch->image->entry);
	ret = memory_hide();
	if (ret) {
		ctl->reason = HF_REASON_NO_MEMORY;
		return ret;
	}
	ret = enter(launch, ctl);
	if (ret)
		memory_unhide();
	return ret;
}

/* Only a module launches it, and that module stays. */
bool launch_present(void)
{
	return false;
}

int launch_run(struct hf_ctl_launch *ctl)
{
	struct launch launch = {};
	int ret;

	if ((ctl->action != HF_ACTION_DENY && ctl->action != HF_ACTION_ALLOW) ||
	    ctl->serial_port > 0xffff - 7 || (ctl->flags & ~HF_BOOT_FLAGS)) {
		ctl->reason = HF_REASON_BAD_OPTION;
		return -EINVAL;
	}
	inject_start();
	ret = image_read(ctl, &launch.image);
	if (ret)
		return ret;
	launch.boot = boot_new(ctl);
	if (IS_ERR(launch.boot)) {
		ret = PTR_ERR(launch.boot);
		goto free_image;
	}
	ret = memory_take(ram_hypervisor_bytes(launch.boot));
	if (!ret) {
		ret = nmi_expect();
		if (ret)
			memory_give_back();
	}
	if (ret) {
		ctl->reason = HF_REASON_NO_MEMORY;
		goto free_boot;
	}
	ret = launch_with_memory(&launch, ctl);
	if (ret) {
		nmi_forget();
		memory_give_back();
	} else {
		memory_part();
		if (startup_allow_hotplug())
			cpu_hotplug_enable();
	}
free_boot:
	kfree(launch.boot);
free_image:
	kvfree(launch.image);
	return ret;
}
