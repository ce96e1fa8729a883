/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places in this module's text that the kernel may patch, known to it like its own: the module is
 * there at lock. Nobody runs them, so that they may hold anything for a while.
 */
#ifndef HF_ATTACK_SITE_H
#define HF_ATTACK_SITE_H

#include "attack.h"

#define SITE_BREAKPOINT 0xcc
#define SITE_CALL	0xe8
#define SITE_JUMP	0xe9
#define SITE_MANY	520 /* sites at site_many, more than Holdfast lets stand at a breakpoint */

/* Jump labels at multiples of 8, but for site_across. As jumps they lead to what comes 8 bytes
 * later, those of site_many behind the last of them: a ud2. */
void site_jump(void);	/* five bytes */
void site_near(void);	/* two */
void site_across(void); /* five, of which two lie in one page, three in the next */
void site_many(void);	/* SITE_MANY of them, of five bytes, in 8 each */

/* A five-byte NOP that is no site, and may be probed. */
void site_none(void);

/* A function's call of the function tracer, not traced; a static call, and its trampoline. */
u8 *site_traced(void);
u8 *site_called(void);
u8 *site_trampoline(void);

/* What is at va, eight bytes, and the same with size of them replaced. */
u64 site_word(const u8 *va);
u64 site_with(const u8 *va, const void *bytes, size_t size);

/* The same for a call or a jump to target, and for the jump to the label of site_jump and its kin.
 */
u64 site_transfer(const u8 *va, u8 opcode, const void *target);
u64 site_genuine(const u8 *va);

/* A writable mapping of our own of size bytes from va on (at most two pages); ends with close. */
u8 *site_open(const u8 *va, size_t size);
void site_close(u8 *alias);

/* Size bytes by one instruction, 1, 4 and 8 by a plain one. Yields the trap. */
int site_store(u8 *dst, const u8 *src, size_t size);

/* One store of a patch: size bytes of the new value from at on; a breakpoint where size is 0. */
struct site_step {
	u8 at, size;
};

/* What a patch should be: breakpoint, then all but the first byte, then the first byte. */
extern const struct site_step site_in_order[3];

/* Patch the word at va, until a step is refused: its trap. */
int site_patch(const u8 *va, u64 value, const struct site_step *steps, unsigned int count);

/* The same as an attack: what came before the step that was refused is taken back. */
enum attack_outcome site_attack(struct attempt *t, void *va, u64 value,
				const struct site_step *steps, unsigned int count);

/* Patch back to value, in order. */
int site_restore(const u8 *va, u64 value);

/* For struct attack: a breakpoint that a refused patch left, all else being as before, is closed
 * first. */
int site_look(struct attempt *t, u64 *is);
int site_undo(struct attempt *t);

#endif
