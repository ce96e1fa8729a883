// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <asm/vdso.h>

#include "symbols.h"
#include "vdso.h"

bool vdso_get(unsigned int i, unsigned long *start, unsigned long *size)
{
	const unsigned long found[VDSO_MAX] = { symbols.vdso_64, symbols.vdso_32,
						symbols.vdso_x32 };
	const struct vdso_image *image;

	if (i >= VDSO_MAX || !found[i])
		return false;
	image = (const struct vdso_image *)found[i];
	*start = (unsigned long)image->data;
	*size = image->size;
	return true;
}
