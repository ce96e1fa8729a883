// SPDX-License-Identifier: GPL-2.0-only
/* A CPU that is started again, in the guest's 64-bit world. */
#include <hv/backend.h>
#include <hv/cpu.h>

#include "exit.h"
#include "sysreg.h"

#define CODE_ATTRIBUTES 0xa9b /* APM vol. 2, 4.8: 64-bit code, present, accessed */
#define DATA_ATTRIBUTES 0xc93
#define RFLAGS_RESET	RFLAGS_FIXED
#define DR6_RESET	0xffff0ff0ull /* APM vol. 2, table 14-1 */
#define DR7_RESET	0x400ull

static u64 recorded(struct cpu *cpu, u32 reg)
{
	return cpu->registers_recorded ? cpu->recorded[reg] : backend_register_read(cpu, reg);
}

/*
 * As the kernel's own start-up code hands a CPU over, but with what was recorded in force already.
 * Descriptor tables and the task register stay, and with them handlers of exceptions.
 */
void restart_state(struct vcpu *v, const struct hf_startup *at)
{
	struct state *state = v->state;
	struct cpu *cpu = v->cpu;

	*v->gprs = (struct gprs){ 0 };
	state->rax = 0;
	state->rip = at->rip;
	state->rsp = at->stack;
	state->rflags = RFLAGS_RESET;
	state->cr0 = recorded(cpu, REG_CR0);
	state->cr3 = at->root;
	state->cr4 = recorded(cpu, REG_CR4);
	state->efer = recorded(cpu, REG_EFER);
	state->dr6 = DR6_RESET;
	state->dr7 = DR7_RESET;
	state->cs = (struct segment){ v->native.cs, CODE_ATTRIBUTES, ~0u, 0 };
	state->ss = (struct segment){ v->native.ss, DATA_ATTRIBUTES, ~0u, 0 };
	state->ds = (struct segment){ 0 };
	state->es = (struct segment){ 0 };
	state->cpl = 0;
	*v->shadow = 0;
	*v->interrupted = 0;
	*v->event = 0;
}
