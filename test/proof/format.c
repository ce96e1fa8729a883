// SPDX-License-Identifier: GPL-2.0-only
/* The formats of AMD's nested tables, hv/arch/x86/svm/npt.c: format.h has what is proved. */
#include "format.h"
#include <hv/arch/x86/svm/npt.c>

static const struct stage2_format *any_format(void)
{
	return any_bool() ? &npt_format : &npt_gmet_format;
}

static u32 told_apart(const struct stage2_format *f)
{
	return f == &npt_gmet_format ? HF_PERM_KERNEL_EXEC : 0;
}
