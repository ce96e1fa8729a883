/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of an attack on memory: a target, a door (how it becomes writable) and a store. */
#ifndef HF_ATTACK_MEMORY_H
#define HF_ATTACK_MEMORY_H

#include "attack.h"

#define MEMORY_BLOCK 16 /* bytes that the widest store writes */

/* Choose what to attack: fills va, size, pfn, was and wanted. 0 or negative errno. */
typedef int (*memory_target)(struct attempt *t);

/* Write the start of block to dst with one kind of instruction. Yields the trap. */
typedef int (*memory_store)(u8 *dst, const u8 *block);

/* Make the target writable, store to it, shut the door again. Yields the trap. */
typedef int (*memory_door)(struct attempt *t, memory_store store, const u8 *block);

enum attack_outcome memory_attack(struct attempt *t, memory_target target, memory_door door,
				  memory_store store);

/* Padding in the kernel's text: 0xcc, never executed. */
int memory_target_text(struct attempt *t);
int memory_target_syscall(struct attempt *t);
int memory_target_rodata(struct attempt *t);

/* For targets anywhere in kernel memory. */
int memory_target_at(struct attempt *t, void *va, unsigned int size, u64 wanted);

int memory_store_byte(u8 *dst, const u8 *block);
int memory_store_quad(u8 *dst, const u8 *block);

int memory_door_vmap(struct attempt *t, memory_store store, const u8 *block);

/* The target's other address, its entry there made writable. */
int memory_door_direct_map(struct attempt *t, memory_store store, const u8 *block);

/* For memory that the kernel leaves writable. */
int memory_door_none(struct attempt *t, memory_store store, const u8 *block);

/* Write kernel text through a second mapping: what must go on being refused. */
enum attack_outcome memory_write_text(struct attempt *t);

/* For struct attack. */
int memory_look(struct attempt *t, u64 *is);
int memory_undo(struct attempt *t);

#endif
