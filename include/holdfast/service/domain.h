/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a service finds around itself in a domain of the hypervisor's, and the one thing it asks
 * for.
 *
 * It runs at the lowest privilege, on page tables of its own that the loader has made; whatever
 * else these say, nothing is there but what the domain was given. Each request begins at the
 * entry point with cleared registers (x86: rdi as below, rsp the top of the stack, and so is the
 * base of FS, where the compiler looks for what is a thread's own; vector and x87 state as after
 * reset), and with the request in the message (service/call.h). In between it can be interrupted at
 * any place, and goes on there. Any exception ends it.
 *
 * x86: VMMCALL or VMCALL with HF_DOMAIN_DONE in RAX: the message holds the answer. Does not return.
 */
#ifndef HOLDFAST_SERVICE_DOMAIN_H
#define HOLDFAST_SERVICE_DOMAIN_H

#include <holdfast/types.h>

/* Why it is entered (x86: in rdi). After a request that was refused or cancelled in the middle
 * memory is as it was then: the service begins anew. */
#define HF_DOMAIN_BEGIN	  0u /* make everything as it was loaded, then answer */
#define HF_DOMAIN_REQUEST 1u /* memory is as the last answer left it: answer */
#define HF_DOMAIN_LOCKED  2u /* flag: when the request began the machine was locked */

#define HF_DOMAIN_DONE 0u

/*
 * Between loader and service; the hypervisor knows nothing of it. Of writable segments there is a
 * read-only copy, as loaded, HF_DOMAIN_PRISTINE above. The page table for the window is mapped at
 * HF_DOMAIN_TABLE, so that the service can map there what it is lent. What is a thread's own is at
 * HF_DOMAIN_STACK_TOP. A writable segment between HF_DOMAIN_KEPT and HF_DOMAIN_KEPT_END, in blocks
 * of 2 MiB and without bytes in the file, is the service's memory for what outlasts a beginning
 * anew: zero when it is loaded, and its own affair from then on.
 */
#define HF_DOMAIN_IMAGE	       0x00400000u /* the image is linked between here ... */
#define HF_DOMAIN_IMAGE_END    0x00800000u /* ... and here */
#define HF_DOMAIN_PRISTINE     0x00400000u
#define HF_DOMAIN_STACK_TOP    0x00e00000u
#define HF_DOMAIN_MESSAGE      0x00e01000u
#define HF_DOMAIN_TABLE	       0x00e02000u
#define HF_DOMAIN_WINDOW       0x01000000u
#define HF_DOMAIN_WINDOW_PAGES 512u
#define HF_DOMAIN_KEPT	       0x02000000u
#define HF_DOMAIN_KEPT_END     0x0a000000u

#endif
