/* SPDX-License-Identifier: GPL-2.0-only */
/* The file: an ELF object of this machine, nothing of which is taken on trust. */
#ifndef AUTHORITY_ELF_H
#define AUTHORITY_ELF_H

#include "module.h"

#define ELF_PROGBITS 1u
#define ELF_SYMTAB   2u
#define ELF_STRTAB   3u
#define ELF_RELA     4u
#define ELF_NOBITS   8u
#define ELF_REL	     9u

#define ELF_WRITE	   0x1u
#define ELF_ALLOC	   0x2u
#define ELF_EXECUTE	   0x4u
#define ELF_COMPRESSED	   0x800u
#define ELF_RELA_LIVEPATCH 0x00100000u

#define ELF_SYMBOL_SIZE 24u
#define ELF_RELA_SIZE	24u

/*
 * Reads sections and symbols; symbols have the values of the file. Of sections that are loaded no
 * two have the same name, for the loader takes the first or the last of them, as it happens.
 */
int elf_read(struct module *module);

#endif
