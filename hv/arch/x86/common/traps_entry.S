/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry stubs of traps.c, 16 bytes each. */

#define VECTOR_NMI 2

	.text
	.globl	traps_stubs
	.hidden	traps_stubs
	.balign	16
traps_stubs:
vector = 0
	.rept	32
	.balign	16
	.if	vector == VECTOR_NMI
	iretq
	.else
	/* These push an error code themselves: APM vol. 2, table 8-1. */
	.ifeq	(vector - 8) * (vector - 10) * (vector - 11) * (vector - 12) * (vector - 13) * (vector - 14) * (vector - 17) * (vector - 21) * (vector - 29) * (vector - 30)
	.else
	push	$0
	.endif
	push	$vector
	jmp	traps_common
	.endif
	vector = vector + 1
	.endr

	.balign	16
traps_common:
	cld
	mov	%rsp, %rdi
	and	$-16, %rsp
	call	traps_fatal
	ud2

	.section .note.GNU-stack, "", @progbits
