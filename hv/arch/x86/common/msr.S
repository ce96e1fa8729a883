/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * msr_read, msr_write and xcr_write of x86.h, System V convention. traps_entry.S knows the
 * instructions that may fault, and lets them go on at msr_fault.
 */

#define HF_EINVAL 22

	.text
	.globl	msr_read, msr_write, xcr_write, msr_rdmsr, msr_wrmsr, msr_xsetbv, msr_fault
	.hidden	msr_read, msr_write, xcr_write, msr_rdmsr, msr_wrmsr, msr_xsetbv, msr_fault
msr_read:
	mov	%edi, %ecx
msr_rdmsr:
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, (%rsi)
	xor	%eax, %eax
	ret

msr_write:
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
msr_wrmsr:
	wrmsr
	xor	%eax, %eax
	ret

xcr_write:
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
msr_xsetbv:
	xsetbv
	xor	%eax, %eax
	ret

msr_fault:
	mov	$-HF_EINVAL, %eax
	ret

	.section .note.GNU-stack, "", @progbits
