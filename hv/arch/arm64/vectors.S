/* SPDX-License-Identifier: GPL-2.0-only */
/* Exceptions to EL2, and the way back to the guest: ARM D1.3.1. */
#include "offsets.h"

	.text
	.macro	fatal number
	.balign	128
	mov	x0, #\number
	b	vectors_fatal
	.endm

	.macro	exit
	.balign	128
	sub	sp, sp, #GPRS_SIZE
	b	.Lexit
	.endm

	.macro	each operation, base
	\operation	x2, x3, [\base, #16]
	\operation	x4, x5, [\base, #32]
	\operation	x6, x7, [\base, #48]
	\operation	x8, x9, [\base, #64]
	\operation	x10, x11, [\base, #80]
	\operation	x12, x13, [\base, #96]
	\operation	x14, x15, [\base, #112]
	\operation	x16, x17, [\base, #128]
	.endm

	.macro	others operation, base
	\operation	x18, x19, [\base, #144]
	\operation	x20, x21, [\base, #160]
	\operation	x22, x23, [\base, #176]
	\operation	x24, x25, [\base, #192]
	\operation	x26, x27, [\base, #208]
	\operation	x28, x29, [\base, #224]
	.endm

	.balign	2048
	.globl	vectors
	.hidden	vectors
vectors:
	/* From EL2 itself: bugs of ours. */
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	fatal	\n
	.endr
	/* From the guest: what is synchronous. Interrupts go to EL1. */
	exit
	.irp	n, 9, 10, 11
	fatal	\n
	.endr
	/* From EL0 as AArch32: the registers are in those of AArch64 (ARM D1.8.1). */
	exit
	.irp	n, 13, 14, 15
	fatal	\n
	.endr

.Lexit:
	stp	x0, x1, [sp]
	each	stp, sp
	others	stp, sp
	str	x30, [sp, #240]
	mov	x0, sp
	bl	vcpu_exit
	mov	x0, sp
	add	x1, sp, #GPRS_SIZE

/* vcpu_run(gprs, stack_top). Nothing interrupts EL2, so what lies below the stack stays. */
	.globl	vcpu_run
	.hidden	vcpu_run
	.type	vcpu_run, @function
vcpu_run:
	mov	sp, x1
	each	ldp, x0
	others	ldp, x0
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	eret
	dsb	nsh			/* nothing is executed here, not even on trial */
	isb
	.size	vcpu_run, . - vcpu_run

/* vcpu_smc(x): X0 to X17 go to the firmware and come from there. */
	.globl	vcpu_smc
	.hidden	vcpu_smc
	.type	vcpu_smc, @function
vcpu_smc:
	stp	x29, x30, [sp, #-32]!
	str	x19, [sp, #16]
	mov	x19, x0
	each	ldp, x19
	ldp	x0, x1, [x19]
	smc	#0
	stp	x0, x1, [x19]
	each	stp, x19
	ldr	x19, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret
	.size	vcpu_smc, . - vcpu_smc

	.section .note.GNU-stack, "", @progbits
