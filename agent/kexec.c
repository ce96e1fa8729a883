// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec and kdump: the hypervisor stops the machine when the kernel is about to jump into another
 * one, so the honest kernel must not get there.
 */
#include <linux/compiler.h>
#include <linux/errno.h>

#include "compat/symbols.h"
#include "kexec.h"

/* What kernel.kexec_load_disabled said. */
static int disabled;

static bool loaded(void *const *image)
{
	return image && READ_ONCE(*image);
}

/* Closed before it looks: who asks later is refused. */
int kexec_close(void)
{
	if (symbols.kexec_load_disabled)
		disabled = xchg(symbols.kexec_load_disabled, 1);
	if (!loaded(symbols.kexec_image) && !loaded(symbols.kexec_crash_image))
		return 0;
	kexec_reopen();
	return -EBUSY;
}

void kexec_reopen(void)
{
	if (symbols.kexec_load_disabled)
		WRITE_ONCE(*symbols.kexec_load_disabled, disabled);
}
