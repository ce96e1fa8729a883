/* SPDX-License-Identifier: GPL-2.0-only */
/* The signature behind a module file, as the kernel's sign-file appends it. */
#ifndef AUTHORITY_SIGNATURE_H
#define AUTHORITY_SIGNATURE_H

#include "module.h"

/*
 * Sets the module's file to what is signed, once one of the keys verifies it: all else of the file
 * is looked at afterwards.
 */
int signature_verify(struct module *module, const u8 *file, u64 size);

#endif
