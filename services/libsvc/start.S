/* SPDX-License-Identifier: GPL-2.0-only */
/* How a service begins each request in a domain: holdfast/service/domain.h. */

#define PRISTINE 0x00400000 /* HF_DOMAIN_PRISTINE; domain.c compares */
#define MESSAGE	 0x00e01000 /* HF_DOMAIN_MESSAGE */

	.text
	.globl	_start
	.type	_start, @function
_start:
	mov	%edi, %r12d
	test	$1, %r12d		/* HF_DOMAIN_BEGIN? */
	jnz	1f
	lea	service_data(%rip), %rdi
	lea	service_bss(%rip), %rcx
	sub	%rdi, %rcx
	lea	PRISTINE(%rdi), %rsi
	rep movsb
	lea	service_end(%rip), %rcx
	sub	%rdi, %rcx
	xor	%eax, %eax
	rep stosb
1:	mov	$MESSAGE, %edi
	mov	%r12d, %esi
	shr	%esi			/* HF_DOMAIN_LOCKED? */
	call	service_answer
	xor	%eax, %eax		/* HF_DOMAIN_DONE */
	vmmcall
	ud2
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
