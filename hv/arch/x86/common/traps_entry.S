/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry stubs of traps.c, 16 bytes each. */

#define VECTOR_NMI 2
#define VECTOR_GP  13
#define VECTOR_SX  30
#define FRAME_RIP  16 /* struct trap_frame */

#define HOST_STACK_SIZE 16384 /* host.h */

/* Vectors whose exceptions push an error code: 8, 10-14, 17, 21, 29, 30 (APM vol. 2, 8.2). */
#define ERROR_CODES 0x60227d00

	.text
	.globl	traps_stubs
	.hidden	traps_stubs
	.balign	16
traps_stubs:
vector = 0
	.rept	32
	.balign	16
	.if	vector == VECTOR_NMI
	jmp	traps_nmi
	.elseif vector == VECTOR_SX
	jmp	traps_reset
	.else
	.if	!(ERROR_CODES >> vector & 1)
	push	$0
	.endif
	push	$vector
	jmp	traps_common
	.endif
	vector = vector + 1
	.endr

/*
 * INIT, turned into an exception (VM_CR.R_INIT): noted in struct host_cpu, whose address is at the
 * top of the stack.
 */
	.balign	16
traps_reset:
	push	%rax
	mov	%rsp, %rax
	or	$(HOST_STACK_SIZE - 1), %rax
	mov	-15(%rax), %rax
	movl	$1, (%rax)
	pop	%rax
	add	$8, %rsp		/* error code */
	iretq

	.balign	16
traps_common:
	cmpq	$VECTOR_GP, (%rsp)
	jne	2f
	/* The instructions of msr.S that may fault; RAX is dead there. */
	.irp	instruction, msr_rdmsr, msr_wrmsr, msr_xsetbv
	lea	\instruction(%rip), %rax
	cmp	%rax, FRAME_RIP(%rsp)
	je	1f
	.endr
	jmp	2f
1:	lea	msr_fault(%rip), %rax
	mov	%rax, FRAME_RIP(%rsp)
	add	$16, %rsp		/* vector and error code */
	iretq
2:	cld
	mov	%rsp, %rdi
	and	$-16, %rsp
	call	traps_fatal
	ud2

	.section .note.GNU-stack, "", @progbits
