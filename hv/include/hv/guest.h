/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies from and to guest memory: the only way to it. A guest pointer is never dereferenced,
 * and nothing is read twice: callers judge the copy.
 */
#pragma once

#include <hv/types.h>

/*
 * @size bytes at @from, within one page of RAM that the guest may read (guest, sealed, pending,
 * lent). -EFAULT for anything else: device memory, our own, a service's, absent.
 */
int guest_read(struct gpa from, void *to, size_t size);

/* The same into a page in state "guest": never into one that is sealed, lent or pending. */
int guest_write(struct gpa to, const void *from, size_t size);

/* The same for an instruction of the kernel's: also into sealed data, which it may write. */
int guest_store(struct gpa to, const void *from, size_t size);

/* The same into code: kernel-executable pages that are sealed, being checked, or were sealed
 * (action "allow"). For the guards of code, which have judged the bytes. */
int guest_patch(struct gpa to, const void *from, size_t size);
