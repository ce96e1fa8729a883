// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module files from standard input are signed by one of the certificates named, and with one bit
 * changed they are not. Each file: its size (8 bytes), that of its name (8 bytes), name, bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../services/authority/signature.h"
#include "certificate.h"

#define KEYS	 16u
#define NAME_MAX 256u
#define FILE_MAX (128u << 20)

static struct hf_authority_key key[KEYS];
static char subject[KEYS][256];
static unsigned long signs[KEYS], refused, changed;
static u32 keys;

static int verify(const u8 *file, u64 size, const struct hf_authority_key *with, u32 count)
{
	static u8 memory[1u << 16];
	struct authority authority = { .key = with, .keys = count };
	struct arena arena = { memory, sizeof(memory), 0, 0 };
	struct hf_authority_result result = { 0 };
	struct module module = { .authority = &authority, .result = &result, .arena = &arena };

	return signature_verify(&module, file, size);
}

static void read_certificate(const char *path)
{
	static u8 der[8192];
	FILE *file = fopen(path, "rb");
	size_t size = file ? fread(der, 1, sizeof(der), file) : 0;

	if (file)
		fclose(file);
	if (keys == KEYS ||
	    !certificate_read(der, size, &key[keys], subject[keys], sizeof(subject[keys])))
		fprintf(stderr, "signed: %s: no certificate of a key that is known\n", path);
	else
		keys++;
}

/* False: the input is at its end, which must be between files. */
static bool read_file(u8 *file, u64 *size, char *name)
{
	u64 length[2];
	size_t got = fread(length, 1, sizeof(length), stdin);

	if (!got)
		return false;
	if (got != sizeof(length) || length[0] > FILE_MAX || length[1] >= NAME_MAX ||
	    fread(name, 1, length[1], stdin) != length[1] ||
	    fread(file, 1, length[0], stdin) != length[0]) {
		fprintf(stderr, "signed: the input is cut short\n");
		exit(2);
	}
	name[length[1]] = 0;
	*size = length[0];
	return true;
}

static void try(u8 *file, u64 size, const char *name)
{
	u64 at = size / 2;
	u32 i;

	for (i = 0; i < keys && verify(file, size, &key[i], 1); i++)
		;
	if (i == keys) {
		refused++;
		printf("signed: %s: by none of the keys\n", name);
		return;
	}
	signs[i]++;
	file[at] ^= (u8)(1 << size % 8);
	if (!verify(file, size, key, keys)) {
		changed++;
		printf("signed: %s: with a bit changed at %#llx, too\n", name,
		       (unsigned long long)at);
	}
}

int main(int argc, char **argv)
{
	u8 *file = malloc(FILE_MAX);
	unsigned long good = 0;
	char name[NAME_MAX];
	u64 size;
	u32 i;

	for (i = 1; i < (u32)argc; i++)
		read_certificate(argv[i]);
	while (file && read_file(file, &size, name))
		try(file, size, name);
	for (i = 0; i < keys; i++) {
		printf("signed: %6lu by %s\n", signs[i], subject[i]);
		good += signs[i];
	}
	printf("signed: %lu modules, %lu refused, %lu with a bit changed not\n", good + refused,
	       refused, changed);
	free(file);
	return refused || changed || !good;
}
