// SPDX-License-Identifier: GPL-2.0-only
/* Compiled to assembly only; hv/build.mk turns the marked lines into offsets.h. */
#include "vcpu.h"

#define OFFSET(name, type, field) \
	asm volatile(".ascii \"=> " #name " %c0\"" : : "i"(offsetof(type, field)))
#define VALUE(name, value) asm volatile(".ascii \"=> " #name " %c0\"" : : "i"(value))

void offsets(void);

void offsets(void)
{
	OFFSET(VCPU_STACK_TOP, struct vcpu, stack_top);
	VALUE(GPRS_SIZE, sizeof(struct gprs));
	VALUE(OFFSET_SCTLR_EL2_RES1, SCTLR_EL2_RES1);
}
