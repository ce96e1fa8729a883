// SPDX-License-Identifier: GPL-2.0-only
#include <hv/exit.h>
#include <hv/lock.h>
#include <hv/owner.h>

#include "host.h"
#include "ioapic.h"

/* 82093AA data sheet, 3.0: an index register, and a window onto the register it names. */
#define OFFSET_INDEX	    0x00
#define OFFSET_WINDOW	    0x10
#define OFFSET_END	    0x40 /* end of interrupt, from version 0x20 on */
#define INDEX_MASK	    0xffu
#define REDIRECTION	    0x10u /* first of the entries, two registers each */
#define REDIRECTION_MODE(v) ((v) >> 8 & 7)

/* Fixed, lowest priority, NMI and external interrupts: all but SMI, INIT and what is reserved. */
#define MODES_ALLOWED 0x93u

/* Constant after launch but for what the registers hold. */
static struct {
	u64 gpa;
	volatile u32 *registers;
} ioapic[HF_IO_APICS_MAX];
static u32 count;

/* No other lock is taken inside. */
static struct lock lock;

int ioapic_init(const struct hf_boot *boot)
{
	volatile u32 *page;
	u64 at;
	int error;

	if (boot->io_apic_count > HF_IO_APICS_MAX)
		return -HF_EINVAL;
	for (count = 0; count < boot->io_apic_count; count++) {
		at = boot->io_apic[count];
		error = owner_guard(gpa(at & ~PAGE_MASK), 1);
		if (error)
			return error;
		page = host_map_device(at & ~PAGE_MASK);
		if (!page)
			return -HF_ENOMEM;
		ioapic[count].gpa = at;
		ioapic[count].registers = page + (at & PAGE_MASK) / sizeof(u32);
	}
	return 0;
}

int ioapic_at(struct gpa at)
{
	int best = -1;

	/* More than one can share a page: the nearest below. */
	for (u32 i = 0; i < count; i++)
		if ((ioapic[i].gpa ^ at.raw) < PAGE_SIZE && ioapic[i].gpa <= at.raw &&
		    (best < 0 || ioapic[best].gpa < ioapic[i].gpa))
			best = (int)i;
	return best;
}

static u8 window_request(u32 index, u32 value)
{
	/* The lower register of an entry says how an interrupt is delivered. */
	if (index < REDIRECTION || (index - REDIRECTION) % 2)
		return DEVICE_STORE;
	return MODES_ALLOWED >> REDIRECTION_MODE(value) & 1 ? DEVICE_STORE : DEVICE_OTHER;
}

u8 ioapic_request(struct cpu *cpu, int number, struct gpa at, u32 value, u32 *index)
{
	switch (at.raw - ioapic[number].gpa) {
	case OFFSET_INDEX:
	case OFFSET_END:
		return DEVICE_STORE;
	case OFFSET_WINDOW:
		lock_acquire(&lock, cpu);
		*index = ioapic[number].registers[OFFSET_INDEX] & INDEX_MASK;
		lock_release(&lock);
		return window_request(*index, value);
	}
	return DEVICE_OTHER;
}

void ioapic_write(struct cpu *cpu, int number, struct gpa at, u32 value, u32 index)
{
	volatile u32 *registers = ioapic[number].registers;
	u64 offset = at.raw - ioapic[number].gpa;
	u32 other;

	lock_acquire(&lock, cpu);
	other = registers[OFFSET_INDEX];
	/* Another CPU may have turned the window to another register since. */
	if (offset == OFFSET_WINDOW)
		registers[OFFSET_INDEX] = index;
	registers[offset / sizeof(u32)] = value;
	if (offset == OFFSET_WINDOW)
		registers[OFFSET_INDEX] = other;
	lock_release(&lock);
}
