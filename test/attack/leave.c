// SPDX-License-Identifier: GPL-2.0-only
#include <linux/acpi.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/mm.h>

#include "leave.h"

extern const u8 leave_real_begin[], leave_real_end[], leave_long_begin[], leave_long_end[];

/* The report port is ttyS1: 0x2f8 its data, 0x2fd its state, 0x20 there is room. */
asm(".pushsection .rodata\n"
    ".macro leave_print_and_stop\n"
    "	cld\n"
    "1:	lodsb\n"
    "	test %al, %al\n"
    "	jz 3f\n"
    "	mov %al, %bl\n"
    "	mov $0x2fd, %dx\n"
    "2:	in %dx, %al\n"
    "	test $0x20, %al\n"
    "	jz 2b\n"
    "	mov $0x2f8, %dx\n"
    "	mov %bl, %al\n"
    "	out %al, %dx\n"
    "	jmp 1b\n"
    "3:	mov %cx, %dx\n"
    "	mov %bp, %ax\n"
    "	out %ax, %dx\n"
    "4:	hlt\n"
    "	jmp 4b\n"
    ".endm\n"
    "	.balign 4\n"
    "leave_real_begin:\n"
    "	.code16\n"
    "	cli\n"
    "	mov %cs, %ax\n"
    "	mov %ax, %ds\n"
    "	mov leave_real_end - leave_real_begin, %cx\n"
    "	mov leave_real_end - leave_real_begin + 2, %bp\n"
    "	mov $leave_real_end - leave_real_begin + 4, %si\n"
    "	leave_print_and_stop\n"
    "	.balign 4\n"
    "leave_real_end:\n"
    "	.code64\n"
    "leave_long_begin:\n"
    "	cli\n"
    "	lea leave_long_end(%rip), %rsi\n"
    "	mov (%rsi), %cx\n"
    "	mov 2(%rsi), %bp\n"
    "	add $4, %rsi\n"
    "	leave_print_and_stop\n"
    "	.balign 4\n"
    "leave_long_end:\n"
    ".popsection\n");

const struct leave_code leave_real = { leave_real_begin, leave_real_end };
const struct leave_code leave_long = { leave_long_begin, leave_long_end };

int leave_write(u8 *to, const struct leave_code *code, const char *what)
{
	struct leave_args *args = (void *)(to + (code->end - code->begin));
	u8 off_a, off_b;

	static_assert(offsetof(struct leave_args, text) == 4, "as the code has it");
	if (ACPI_FAILURE(acpi_get_sleep_type_data(ACPI_STATE_S5, &off_a, &off_b)))
		return -ENODEV;
	memcpy(to, code->begin, code->end - code->begin);
	args->port = acpi_gbl_FADT.xpm1a_control_block.address;
	args->off = off_a << 10 | 1 << 13;
	scnprintf(args->text, sizeof(args->text), "\n{\"left\": \"%s\"}\n", what);
	return 0;
}
