/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls of code that lies in no module, so that no exception table can catch its faults. */
#ifndef HF_ATTACK_EXECUTE_H
#define HF_ATTACK_EXECUTE_H

#include <linux/types.h>

#include "attack.h"

/* Code that returns 0x4846. */
extern const u8 execute_code[];

#define EXECUTE_CODE_SIZE 6
#define EXECUTE_ANSWER	  0x4846

/*
 * Call code(a, b) in the size bytes from code on. Yields the trap (#GP and #UD are caught,
 * others kill the thread) or TRAP_NONE with the value returned in *answer. Where resume is not
 * NULL, execution goes on there after a trap, with interrupts as they were; otherwise code must
 * not have moved the stack pointer.
 */
int execute_call(void *code, size_t size, u64 a, u64 b, void *resume, u64 *answer);

/*
 * Jump to one instruction in the middle of a function, with a in RDI, and come back behind it, by
 * single steps; interrupts are off. It moves no stack pointer and jumps nowhere.
 */
int execute_instruction(void *instruction, size_t size, u64 a);

/* An attempt to run a copy of execute_code at @va. */
enum attack_outcome execute_attack(struct attempt *t, void *va);

int execute_init(void);
void execute_exit(void);

#endif
