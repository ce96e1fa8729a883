/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every proof shares. A proof is a program for CBMC: it includes the real source, gives it
 * any state and any arguments that its assumptions admit, and asserts what must hold
 * afterwards.
 */
#ifndef TEST_PROOF_PROOF_H
#define TEST_PROOF_PROOF_H

#include <hv/types.h>

/* CBMC's own: whatever a path needs, and what is asked of every path. */
void __CPROVER_assume(_Bool condition);
void __CPROVER_assert(_Bool condition, const char *what);

#define assume(condition)     __CPROVER_assume(condition)
#define prove(condition, why) __CPROVER_assert(condition, why)
#define implies(a, b)	      (!(a) || (b))

/* CBMC gives functions of such names, which have no body, any result. */
u8 nondet_u8(void);
u32 nondet_u32(void);
u64 nondet_u64(void);

static inline bool any_bool(void)
{
	return nondet_u8() & 1;
}

/* 0 .. n - 1 */
static inline u32 any_below(u32 n)
{
	u32 value = nondet_u32();

	assume(value < n);
	return value;
}

/* A CHECK that fails is a bug of ours: none does. */
_Noreturn void panic(const char *format, ...)
{
	(void)format;
	prove(false, "no CHECK fails");
	assume(false);
	__builtin_unreachable();
}

#endif
