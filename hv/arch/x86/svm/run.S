/* SPDX-License-Identifier: GPL-2.0-only */
/* World switches: kernel to hypervisor once, hypervisor to guest and back for ever. */

#include "offsets.h"

	.text
	.globl	vcpu_run
	.hidden	vcpu_run
	.type	vcpu_run, @function
/*
 * int vcpu_run(struct vcpu *vcpu), on the kernel's stack and page tables, interrupts off.
 *
 * The image is mapped at the same address in both worlds. GIF stays clear (CLGI) whenever the
 * hypervisor runs; VMRUN sets it for the guest.
 */
vcpu_run:
	.irp	r, rbp, rbx, r12, r13, r14, r15
	push	%\r
	.endr
	pushfq
	mov	%rsp, NATIVE_RSP(%rdi)
	clgi
	mov	VCPU_CR3(%rdi), %rax
	mov	VCPU_CR4(%rdi), %rcx
	/* PCIDE may be cleared under any CR3, and clearing PGE drops the kernel's translations. */
	mov	%rcx, %cr4
	mov	%rax, %cr3
	mov	VCPU_STACK_TOP(%rdi), %rsp
	lgdt	VCPU_GDTR(%rdi)
	lidt	VCPU_IDTR(%rdi)
	push	$OFFSET_HOST_CS
	lea	1f(%rip), %rax
	push	%rax
	lretq
1:	mov	$OFFSET_HOST_SS, %eax
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	push	%rax			/* keeps calls below 16-byte aligned */
	push	%rdi

.Lrun:	/* on the stack: vcpu; in the registers: the guest's */
	mov	(%rsp), %rax
	mov	VCPU_VMCB_PA(%rax), %rax
	vmrun	%rax

	/* struct gprs; RAX and RSP are in the VMCB, their slots are room only */
	.irp	r, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rax, rbx, rdx, rcx, rax
	push	%\r
	.endr
	mov	%rsp, %rsi
	mov	GPRS_SIZE(%rsp), %rdi
	call	vcpu_exit
	test	%eax, %eax
	jnz	.Lback
	.irp	r, rax, rcx, rdx, rbx, rax, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	pop	%\r
	.endr
	jmp	.Lrun

.Lback:	/* roll back: the kernel's world as it was; EAX is the error */
	mov	GPRS_SIZE(%rsp), %rdi
	/* PCIDE can be set under PCID 0 only */
	mov	NATIVE_CR3(%rdi), %rcx
	mov	NATIVE_CR4(%rdi), %rdx
	mov	%rcx, %rsi
	and	$~0xfff, %rsi
	mov	%rsi, %cr3
	mov	%rdx, %cr4
	mov	%rcx, %cr3
	/* the kernel's descriptors are mapped from here on */
	lgdt	NATIVE_GDTR(%rdi)
	lidt	NATIVE_IDTR(%rdi)
	movzwl	NATIVE_CS(%rdi), %ecx
	push	%rcx
	lea	2f(%rip), %rcx
	push	%rcx
	lretq
2:	mov	NATIVE_SS(%rdi), %ss
	mov	NATIVE_DS(%rdi), %ds
	mov	NATIVE_ES(%rdi), %es
	mov	NATIVE_RSP(%rdi), %rsp
	stgi
	popfq
	.irp	r, r15, r14, r13, r12, rbx, rbp
	pop	%\r
	.endr
	ret
	.size	vcpu_run, . - vcpu_run

	.globl	domain_enter
	.hidden	domain_enter
	.type	domain_enter, @function
/*
 * void domain_enter(u64 vmcb_pa, struct gprs *gprs). Of the hypervisor's registers VMRUN keeps RAX
 * and RSP alone. struct gprs has them by their numbers (common/gprs.h).
 */
domain_enter:
	.irp	r, rbp, rbx, r12, r13, r14, r15, rsi
	push	%\r
	.endr
	mov	%rdi, %rax
	mov	1*8(%rsi), %rcx
	mov	2*8(%rsi), %rdx
	mov	3*8(%rsi), %rbx
	mov	5*8(%rsi), %rbp
	mov	7*8(%rsi), %rdi
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	mov	\n*8(%rsi), %r\n
	.endr
	mov	6*8(%rsi), %rsi
	vmrun	%rax
	xchg	%rsi, (%rsp)
	mov	%rcx, 1*8(%rsi)
	mov	%rdx, 2*8(%rsi)
	mov	%rbx, 3*8(%rsi)
	mov	%rbp, 5*8(%rsi)
	mov	%rdi, 7*8(%rsi)
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	mov	%r\n, \n*8(%rsi)
	.endr
	pop	6*8(%rsi)
	.irp	r, r15, r14, r13, r12, rbx, rbp
	pop	%\r
	.endr
	ret
	.size	domain_enter, . - domain_enter

/* NMIs are let in where those that made a guest exit are taken, and nowhere else: counted there. */
	.balign	16
	.globl	traps_nmi
	.hidden	traps_nmi
traps_nmi:
	inc	%eax
	iretq

	.section .note.GNU-stack, "", @progbits
