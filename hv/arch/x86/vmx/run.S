/* SPDX-License-Identifier: GPL-2.0-only */
/* World switches: kernel to guest once, guest to hypervisor and back for ever. */

#include "offsets.h"

#define CR0_WP	    0x10000
#define CR4_CET	    0x800000
#define NMI_COUNT   24		/* host.h: above the stack, seen from .Lgprs */
#define STACK_MASK  (16384 - 1) /* host.h */

	/* struct gprs; RSP is in the control structure, its slot is room only */
	.macro	push_gprs
	.irp	r, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rax, rbx, rdx, rcx, rax
	push	%\r
	.endr
	.endm

	.text
	.globl	vcpu_run
	.hidden	vcpu_run
	.type	vcpu_run, @function
/*
 * int vcpu_run(struct vcpu *vcpu), on the kernel's stack and page tables, interrupts off.
 *
 * The processor itself goes from the kernel's world to the guest, and from there to the
 * hypervisor's: no NMI finds anything between two worlds.
 */
vcpu_run:
	.irp	r, rbp, rbx, r12, r13, r14, r15
	push	%\r
	.endr
	pushfq
	mov	%rsp, NATIVE_RSP(%rdi)
	vmlaunch
	mov	$OFFSET_REFUSED, %eax
.Lreturn:
	popfq
	.irp	r, r15, r14, r13, r12, rbx, rbp
	pop	%\r
	.endr
	ret
	.size	vcpu_run, . - vcpu_run

	.globl	vcpu_entry
	.hidden	vcpu_entry
	.type	vcpu_entry, @function
vcpu_entry:	/* on the stack: vcpu; in the registers: the guest's */
	push_gprs
	mov	%rsp, %rsi
	mov	GPRS_SIZE(%rsp), %rdi
	call	vcpu_exit
.Lleave:
	test	%eax, %eax
	jnz	.Lback
	.irp	r, rax, rcx, rdx, rbx
	pop	%\r
	.endr
	add	$8, %rsp
	.irp	r, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	pop	%\r
	.endr
.Llook:	/* an NMI from here on starts again from here: none is overlooked */
	cmpl	$0, NMI_COUNT(%rsp)
	jne	.Lagain
.Lresume:
	vmresume
	mov	(%rsp), %rdi
	call	vcpu_refused

.Lagain:
	push_gprs
	mov	%rsp, %rsi
	mov	GPRS_SIZE(%rsp), %rdi
	call	vcpu_again
	jmp	.Lleave

.Lback:	/* roll back: the kernel's world as it was; EAX is the error */
	mov	GPRS_SIZE(%rsp), %rdi
	/* PCIDE can be set under PCID 0 only; with CET on, WP could not be cleared */
	mov	NATIVE_CR3(%rdi), %rcx
	mov	NATIVE_CR4(%rdi), %rdx
	or	$OFFSET_CR4_VMXE, %rdx
	mov	%rcx, %rsi
	and	$~0xfff, %rsi
	mov	%rsi, %cr3
	mov	%rdx, %rsi
	and	$~CR4_CET, %rsi
	mov	%rsi, %cr4
	mov	%rcx, %cr3
	/* the kernel's descriptors are mapped from here on, and have the same selectors as ours */
	lgdt	NATIVE_GDTR(%rdi)
	lidt	NATIVE_IDTR(%rdi)
	movzwl	NATIVE_CS(%rdi), %ecx
	push	%rcx
	lea	1f(%rip), %rcx
	push	%rcx
	lretq
1:	mov	NATIVE_SS(%rdi), %ss
	mov	NATIVE_DS(%rdi), %ds
	mov	NATIVE_ES(%rdi), %es
	lldt	NATIVE_LDTR(%rdi)
	/* the kernel's TSS says of itself that it is loaded, in a table that is read-only */
	movzwl	NATIVE_TR(%rdi), %ecx
	add	NATIVE_GDTR + 2(%rdi), %rcx
	mov	%cr0, %rsi
	mov	%rsi, %r8
	and	$~CR0_WP, %r8
	mov	%r8, %cr0
	andb	$~2, 5(%rcx)
	ltr	NATIVE_TR(%rdi)
	mov	%rsi, %cr0
	mov	%rdx, %cr4
	mov	NATIVE_RSP(%rdi), %rsp
	jmp	.Lreturn
	.size	vcpu_entry, . - vcpu_entry

/*
 * An NMI while the hypervisor runs is counted, above the stack (host.h). Between the look at the
 * count and the entry it goes back to the look, or it would wait for the next exit.
 */
	.balign	16
	.globl	traps_nmi
	.hidden	traps_nmi
traps_nmi:
	push	%rax
	mov	%rsp, %rax
	or	$STACK_MASK, %rax
	incl	-7(%rax)
	lea	.Lresume(%rip), %rax
	cmp	%rax, 8(%rsp)
	ja	1f
	lea	.Llook(%rip), %rax
	cmp	%rax, 8(%rsp)
	jb	1f
	mov	%rax, 8(%rsp)
1:	pop	%rax
	iretq

	.section .note.GNU-stack, "", @progbits
