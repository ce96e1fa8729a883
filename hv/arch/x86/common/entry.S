/* SPDX-License-Identifier: GPL-2.0-only */
/* Image header and the entry function (holdfast/image.h). */
#include "offsets.h"

	/* hv.ld puts the sizes and the entry in between: they are its to know. */
	.section .header.head, "a"
	.quad	0x54534146444c4f48	/* HF_IMAGE_MAGIC */
	.long	OFFSET_IMAGE_ABI
	.long	OFFSET_IMAGE_BACKEND

	.section .header.tail, "a"
1:	.asciz	HF_VERSION
	.org	1b + 32

	.text
	.globl	image_entry
	.hidden	image_entry
	.type	image_entry, @function
/*
 * int64_t image_entry(uint32_t op, struct hf_boot *boot, uint32_t cpu), System V convention.
 * Pushes struct entry_frame and hands it on as the fourth argument.
 */
image_entry:
	endbr64
	.irp	r, rbp, rbx, r12, r13, r14, r15
	push	%\r
	.endr
	mov	%rsp, %rcx
	sub	$8, %rsp		/* the convention wants 16-byte alignment at calls */
	call	image_main
	add	$8, %rsp
	.irp	r, r15, r14, r13, r12, rbx, rbp
	pop	%\r
	.endr
	ret
	.size	image_entry, . - image_entry

	.section .note.GNU-stack, "", @progbits
