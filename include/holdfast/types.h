/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Fixed-width integers and result codes, the same for the hypervisor, the
 * guest kernel, user space and services.
 */
#ifndef HOLDFAST_TYPES_H
#define HOLDFAST_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

/*
 * Version of everything below include/holdfast. The image, the agent and the
 * command must agree on it exactly; a mismatch is refused at launch.
 */
#define HF_ABI 6u

/* All ranges are counted in pages of this size, on every architecture. */
#define HF_PAGE_SHIFT 12
#define HF_PAGE_SIZE  4096u

/*
 * Result codes. Calls return 0 or a positive count on success and one of these,
 * negated, on failure. The numbers are Linux's (include/uapi/asm-generic/errno*.h)
 * so that a Linux guest can hand them on; they are fixed here because the
 * contract does not depend on Linux.
 */
#define HF_EPERM       1   /* not in this state: dead after lock, or not yet alive */
#define HF_ENOENT      2   /* no such asset, protection, CPU or event */
#define HF_EIO	       5   /* the service crashed, or worked for too long */
#define HF_EAGAIN      11  /* another CPU is in the way; the same call may succeed later */
#define HF_ENOMEM      12  /* the hypervisor's fixed memory is used up */
#define HF_EFAULT      14  /* a buffer is not a whole page of RAM owned by the guest */
#define HF_EBUSY       16  /* something else (KVM, an earlier launch) holds the hardware */
#define HF_EEXIST      17  /* a range overlaps one that is registered already */
#define HF_ENODEV      19  /* the CPU or the image lacks what the call needs */
#define HF_EINVAL      22  /* an argument is malformed, unaligned, too large or wraps */
#define HF_ENOSPC      28  /* a table of fixed size is full */
#define HF_ENOSYS      38  /* no call of that number */
#define HF_EINPROGRESS 115 /* the service was interrupted: resume with the token */

#endif
