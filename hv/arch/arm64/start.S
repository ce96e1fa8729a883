/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where it begins: the header of an arm64 Image (Linux, Documentation/arch/arm64/booting.rst), and
 * the way, with the MMU off, to where the hypervisor stays.
 */
#include "offsets.h"

	.section .header.head, "a"
	b	start
	.long	0
	.quad	0			/* text_offset; hv.ld goes on */

	.text
	/* An address of the image, wherever it lies. */
	.macro	address reg, symbol
	adrp	\reg, \symbol
	add	\reg, \reg, :lo12:\symbol
	.endm

	/* A known state of EL2: E2H clear, translation off. Clobbers X9. */
	.macro	bare
	msr	daifset, #0xf
	mov	x9, #(1 << 31)		/* HCR_EL2.RW */
	msr	hcr_el2, x9
	ldr	x9, =OFFSET_SCTLR_EL2_RES1
	msr	sctlr_el2, x9
	isb
	.endm

/* X0 is the device tree. */
	.type	start, @function
start:
	mrs	x9, CurrentEL
	cmp	x9, #(2 << 2)
	b.ne	.Lstop			/* at EL1 there is nothing to do, and nobody to tell */
	bare
	/* What the file does not contain is not zero yet; nor may it come from a cache later. */
	address	x9, image_file_end
	address	x10, image_end
1:	dc	civac, x9
	add	x9, x9, #16		/* no line is shorter */
	cmp	x9, x10
	b.lo	1b
	dsb	sy
	address	x9, image_file_end
2:	stp	xzr, xzr, [x9], #16
	cmp	x9, x10
	b.lo	2b
	address	x9, early_stack_end
	mov	sp, x9
	address	x19, image_start
	bl	boot_move		/* to where the image is now; 0: nowhere */
	cbz	x0, .Lstop
	ic	ialluis
	dsb	ish
	isb
	adr	x9, 3f
	sub	x9, x9, x19
	add	x9, x9, x0
	br	x9

3:	address	x9, early_stack_end
	mov	sp, x9
	bl	boot_map
	cbz	w0, .Lstop
	bl	mmu_on
	b	boot_launch

.Lstop:	wfe
	b	.Lstop
	.size	start, . - start

/* What is loaded from memory here is in no cache. */
	.type	mmu_on, @function
mmu_on:
	address	x9, map_registers
	ldp	x10, x11, [x9]
	msr	mair_el2, x10
	msr	tcr_el2, x11
	ldp	x10, x11, [x9, #16]
	msr	ttbr0_el2, x10
	address	x9, vectors
	msr	vbar_el2, x9
	isb
	tlbi	alle2
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el2, x11
	isb
	ret
	.size	mmu_on, . - mmu_on

	.globl	start_secondary
	.hidden	start_secondary
	.type	start_secondary, @function
start_secondary:
	bare
	mov	x19, x0
	bl	mmu_on
	msr	tpidr_el2, x19
	ldr	x9, [x19, #VCPU_STACK_TOP]
	mov	sp, x9
	mov	x0, x19
	b	vcpu_started
	.size	start_secondary, . - start_secondary
	.ltorg

	.bss
	.balign	16
	.skip	8192
early_stack_end:

	.section .note.GNU-stack, "", @progbits
