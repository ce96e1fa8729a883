/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forced into every file of the machine under the fuzzer: whatever it remembers lies in two
 * sections of its own, so that machine.c can put it back as it was.
 */
#pragma clang section bss = "machine_bss" data = "machine_data"
