/* SPDX-License-Identifier: GPL-2.0-only */
/* What every fuzzer shares: the two functions libFuzzer calls, and how to report a finding. */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <hv/types.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Say what is wrong and abort: libFuzzer keeps the input as a reproducer. */
#define fuzz_fail(...)                        \
	do {                                  \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr);          \
		abort();                      \
	} while (0)

#endif
