// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleep: a machine that wakes up starts in firmware, without the hypervisor. The hypervisor
 * refuses the store that asks for it; the kernel would die of that refusal half way down, so it is
 * stopped before it begins. And the gate of address bit 20, whose stores are refused in the same
 * way.
 */
#include <linux/acpi.h>
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "sleep.h"

/* ACPI 6.5, 4.8.3.2.1: PM1 control. 4.8.3.7: sleep control. */
#define PM1_TYPE_SHIFT	 10
#define PM1_ENABLE	 BIT(13)
#define SLEEP_TYPE_SHIFT 2
#define SLEEP_ENABLE	 BIT(5)
#define TYPES		 8
#define NO_TYPE		 TYPES

/* System control port A, and the keyboard controller's port of commands. */
#define PORT_A	      0x92
#define PORT_A_GATE   BIT(1)
#define PORT_KEYBOARD 0x64

static u8 space_of(const struct acpi_generic_address *where)
{
	switch (where->space_id) {
	case ACPI_ADR_SPACE_SYSTEM_IO:
		return HF_SPACE_PORT;
	case ACPI_ADR_SPACE_SYSTEM_MEMORY:
		return HF_SPACE_MEMORY;
	}
	return HF_SPACE_OTHER;
}

/* A register in RAM is none: the hypervisor refuses the launch, and here is why. */
static void warn_of_ram(const struct acpi_generic_address *where)
{
	if (space_of(where) == HF_SPACE_MEMORY && page_is_ram(PHYS_PFN(where->address)))
		pr_warn("firmware says that a sleep register is at %#llx, which is RAM\n",
			where->address);
}

static void add(struct hf_boot *boot, const struct acpi_generic_address *where, u8 width,
		u32 mask, u32 match)
{
	if (!where->address || WARN_ON_ONCE(boot->sleep_count == HF_SLEEP_MAX))
		return;
	boot->sleep[boot->sleep_count++] = (struct hf_sleep){
		.address = where->address,
		.mask = mask,
		.match = match,
		.space = space_of(where),
		.width = width,
	};
}

/* Every sleep type but that of power-off, also those that the firmware does not announce. */
static void add_types(struct hf_boot *boot, const struct acpi_generic_address *where, u8 width,
		      unsigned int shift, u32 enable, u8 power_off)
{
	u32 type;

	warn_of_ram(where);
	for (type = 0; type < TYPES; type++)
		if (type != power_off)
			add(boot, where, width, (TYPES - 1) << shift | enable,
			    type << shift | enable);
}

/*
 * The gate of address bit 20 is open where the port's bit is set. Commands of the keyboard
 * controller that shut it: write the output port, shut, pulse the output port with bit 1 low (as
 * it is not in 0xfe, which resets the machine). Linux, once it runs, uses none of them.
 */
static void add_gate(struct hf_boot *boot)
{
	static const struct hf_sleep gate[] = {
		{ PORT_A, PORT_A_GATE, 0, HF_SPACE_PORT, 1, 1 },
		{ PORT_KEYBOARD, 0xff, 0xd1, HF_SPACE_PORT, 1, 1 },
		{ PORT_KEYBOARD, 0xff, 0xdd, HF_SPACE_PORT, 1, 1 },
		{ PORT_KEYBOARD, 0xf2, 0xf0, HF_SPACE_PORT, 1, 1 },
	};

	static_assert(3 * TYPES + 1 + ARRAY_SIZE(gate) <= HF_SLEEP_MAX,
		      "three registers, S4BIOS and the gate");
	memcpy(boot->sleep, gate, sizeof(gate));
	boot->sleep_count = ARRAY_SIZE(gate);
}

void sleep_describe(struct hf_boot *boot)
{
	const struct acpi_table_fadt *fadt = &acpi_gbl_FADT;
	const struct acpi_generic_address smi = {
		.space_id = ACPI_ADR_SPACE_SYSTEM_IO,
		.address = fadt->smi_command,
	};
	u8 off_a, off_b;

	add_gate(boot);
	if (acpi_disabled)
		return;
	/* A firmware that cannot power off: nothing to let through. */
	if (ACPI_FAILURE(acpi_get_sleep_type_data(ACPI_STATE_S5, &off_a, &off_b)))
		off_a = off_b = NO_TYPE;
	add_types(boot, &fadt->xpm1a_control_block, 2, PM1_TYPE_SHIFT, PM1_ENABLE, off_a);
	add_types(boot, &fadt->xpm1b_control_block, 2, PM1_TYPE_SHIFT, PM1_ENABLE, off_b);
	add_types(boot, &fadt->sleep_control, 1, SLEEP_TYPE_SHIFT, SLEEP_ENABLE, off_a);
	if (fadt->s4_bios_request)
		add(boot, &smi, 1, 0xff, fadt->s4_bios_request);
}

static int refuse(struct notifier_block *block, unsigned long action, void *unused)
{
	if (action != PM_SUSPEND_PREPARE && action != PM_HIBERNATION_PREPARE &&
	    action != PM_RESTORE_PREPARE)
		return NOTIFY_DONE;
	pr_warn("sleep refused: the machine would wake up unprotected\n");
	return notifier_from_errno(-EPERM);
}

/* First of all, so that there is nothing for the others to undo. */
static struct notifier_block sleep_notifier = { .notifier_call = refuse, .priority = INT_MAX };

int sleep_refuse(void)
{
	return register_pm_notifier(&sleep_notifier);
}

void sleep_permit(void)
{
	unregister_pm_notifier(&sleep_notifier);
}
