/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the kernel image's read-only data ends: behind its text, up to the roots of page tables. */
#ifndef AGENT_ARM64_IMAGE_H
#define AGENT_ARM64_IMAGE_H

unsigned long image_rodata_end(void);

#endif
