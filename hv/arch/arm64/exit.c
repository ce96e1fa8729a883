// SPDX-License-Identifier: GPL-2.0-only
/* Exits: decode for the core, carry out its verdict. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include <hv/startup.h>
#include <hv/string.h>

#include "exit.h"
#include "gic.h"
#include "image.h"
#include "psci.h"

/*
 * Our calls: SMCCC, fast, 64 bits, owner "vendor specific hypervisor service"; functions from
 * 0x4800 on. KVM's are counted from 0.
 */
#define CALL_NUMBER 0xc6004800u
#define CALL_MASK   0xffffff00u

/* ---- decoding exits ---- */

static bool from_kernel(void)
{
	u64 mode = sysreg_read(spsr_el2) & SPSR_MODE;

	return mode && !(mode & SPSR_AARCH32);
}

/* HPFAR_EL2.FIPA is bits 47:12 of the address, from bit 4 on. */
static u64 faulting_page(void)
{
	return (sysreg_read(hpfar_el2) & 0x00000ffffffffff0ull) << 8;
}

/* Of whatever level: what is said of it, where a walk of the guest's tables faults, differs. */
static bool is_translation(u64 esr)
{
	u64 fsc = ABORT_FSC(esr);

	return FSC_TYPE(fsc) == FSC_TRANSLATION || fsc == FSC_TRANSLATION_LEVEL_MINUS1;
}

/*
 * On permission faults of the access itself HPFAR_EL2 is not valid (ARM D19.2, HPFAR_EL2): the
 * kernel's tables are asked. They may say something else by now; then what is judged is an access
 * that was not made, which the core answers by what the page's owner is, and the guest tries again.
 */
static bool fault_address(struct cpu *cpu, u64 esr, struct gpa *to)
{
	u64 far = sysreg_read(far_el2);

	*to = gpa(faulting_page() | (far & PAGE_MASK));
	return (esr & ABORT_S1PTW) || FSC_TYPE(ABORT_FSC(esr)) != FSC_PERMISSION ||
	       !backend_guest_translate(cpu, gva(far), to);
}

/* Where the syndrome has the operands of a store: no pair, no write-back, within its own size. */
static void on_store(const struct vcpu *v, struct el2_exit *e)
{
	struct exit_memory *m = &e->exit.memory;
	u64 value = exit_gpr(v, ABORT_SRT(e->esr));
	u16 width = (u16)(1u << ABORT_SAS(e->esr));

	if (!(e->esr & ABORT_ISV) || (e->esr & ABORT_CM) || (m->va.raw & (width - 1u)))
		return;
	m->width = width;
	for (u32 i = 0; i < width; i++)
		m->bytes[i] = (u8)(value >> (8 * i));
	e->next = e->exit.rip + 4;
}

/* A store to a device that the guest only reads. */
static void on_device(struct vcpu *v, struct el2_exit *e)
{
	const struct exit_memory m = e->exit.memory;
	u64 value;

	memcpy(&value, m.bytes, sizeof(value));
	e->exit.kind = HF_EXIT_DEVICE;
	e->exit.device = (struct exit_device){
		.gpa = m.gpa,
		.va = m.va,
		.value = value,
		.width = (u8)m.width,
		.request = DEVICE_MEMORY,
	};
	e->settled = m.width && !e->exit.cpl && gic_store(v->cpu, m.gpa, value, m.width);
}

static void on_abort(struct vcpu *v, struct el2_exit *e)
{
	struct exit_memory *m = &e->exit.memory;
	struct gpa at;

	if (!is_translation(e->esr) && FSC_TYPE(ABORT_FSC(e->esr)) != FSC_PERMISSION &&
	    FSC_TYPE(ABORT_FSC(e->esr)) != FSC_ADDRESS_SIZE)
		return;
	if (is_translation(e->esr) && el2_kicked(v, gpa(faulting_page()))) {
		e->exit.kind = HF_EXIT_KICK;
		return;
	}
	e->exit.kind = HF_EXIT_MEMORY;
	if (!fault_address(v->cpu, e->esr, &at)) {
		e->settled = true; /* its tables have changed: a fault of its own comes */
		return;
	}
	*m = (struct exit_memory){
		.gpa = at,
		.va = gva(sysreg_read(far_el2)),
		.access = HF_ACCESS_READ,
	};
	if (e->esr & ABORT_S1PTW)
		m->access = HF_ACCESS_WALK;
	else if (ESR_EC(e->esr) == EC_FETCH_LOWER)
		m->access = HF_ACCESS_EXECUTE;
	else if (e->esr & ABORT_WNR)
		m->access = HF_ACCESS_WRITE;
	m->user_exec = m->access == HF_ACCESS_EXECUTE && e->exit.cpl;
	if (m->access != HF_ACCESS_WRITE)
		return;
	on_store(v, e);
	if (owner_page(at).guarded)
		on_device(v, e);
}

/* The instruction itself is the next of a trapped SMC, and not of an HVC: ARM D1.3.6. */
static void on_call(struct vcpu *v, struct el2_exit *e)
{
	const u64 *x = v->gprs->x;
	struct exit_call *call = &e->exit.call;

	e->next = e->exit.rip + (ESR_EC(e->esr) == EC_SMC ? 4 : 0);
	if (ESR_ISS(e->esr) & 0xffff)
		return; /* SMCCC leaves all but #0 to others: there are none */
	if (((u32)x[0] & CALL_MASK) != CALL_NUMBER) {
		psci_on_call(v, e);
		return;
	}
	e->exit.kind = HF_EXIT_CALL;
	call->number = HF_CALL_BASE + ((u32)x[0] & ~CALL_MASK);
	for (u32 i = 0; i < 4; i++)
		call->arg[i] = x[i + 1];
}

static void decode_exit(struct vcpu *v, struct el2_exit *e)
{
	switch (ESR_EC(e->esr)) {
	case EC_HVC:
	case EC_SMC:
		on_call(v, e);
		break;
	case EC_SYSREG:
		sysreg_on_write(v, e);
		break;
	case EC_FETCH_LOWER:
	case EC_DATA_LOWER:
		on_abort(v, e);
		break;
	}
}

/* ---- carrying out ---- */

static void advance(const struct el2_exit *e)
{
	sysreg_write(elr_el2, e->next);
	/* A single step ends behind what was done for the guest: ARM D2.12.4. */
	sysreg_write(spsr_el2, sysreg_read(spsr_el2) & ~SPSR_SS);
}

static void refuse(struct vcpu *v, const struct el2_exit *e)
{
	if (e->exit.kind == HF_EXIT_MEMORY || e->exit.kind == HF_EXIT_DEVICE) {
		inject_abort(e);
	} else if (e->exit.kind == HF_EXIT_FIRMWARE) {
		psci_refuse(v, e);
		advance(e);
	} else {
		inject_undefined();
	}
}

static void carry_out(struct vcpu *v, const struct el2_exit *e, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_RETRY:
		return;
	case VERDICT_RESULT:
		v->gprs->x[0] = (u64)e->exit.call.result;
		advance(e);
		return;
	case VERDICT_PERFORM:
		if (e->exit.kind == HF_EXIT_FIRMWARE)
			psci_perform(v, e);
		else
			sysreg_perform(e);
		advance(e);
		return;
	case VERDICT_SKIP:
		if (e->next) {
			advance(e);
			return;
		}
		break;
	case VERDICT_STOP:
		backend_halt();
	case VERDICT_PASS:
	case VERDICT_FAULT:
	case VERDICT_UNDEFINED:
		break;
	}
	refuse(v, e);
}

/*
 * The trial: the first thing the machine does as a guest is to fail to reach the hypervisor. That
 * proves that it is a guest, that stage 2 is on, and that our memory is hidden.
 */
static void finish_trial(struct vcpu *v, struct gprs *gprs)
{
	u64 esr = sysreg_read(esr_el2);
	bool refused = ESR_EC(esr) == EC_FETCH_LOWER && is_translation(esr) &&
		       owner_page(gpa(faulting_page())).state == PAGE_HYPERVISOR;
	int error = launch_arrive(v->cpu, refused ? 0 : -HF_ENODEV);

	if (error)
		panic("the first guest instruction was not refused: syndrome %llx",
		      (unsigned long long)esr);
	v->trial = false;
	sysreg_write(elr_el2, el2.kernel.pc);
	*gprs = (struct gprs){ .x = { el2.kernel.x0 } };
}

/* The last thing before the guest goes on. */
static void leave(struct vcpu *v)
{
	shootdown_sync(v->cpu);
	if (unlikely(__atomic_load_n(&v->cpu->pending, __ATOMIC_SEQ_CST) & CPU_CHECK))
		shootdown_entered(v->cpu, v->flushed);
}

void vcpu_exit(struct gprs *gprs)
{
	struct vcpu *v = vcpu_self();
	struct el2_exit e = { .esr = sysreg_read(esr_el2) };

	v->gprs = gprs;
	if (unlikely(v->trial)) {
		finish_trial(v, gprs);
		return;
	}
	shootdown_exited(v->cpu);
	v->flushed = false;
	e.exit.kind = HF_EXIT_OTHER;
	e.exit.cpl = from_kernel() ? 0 : 3;
	e.exit.rip = sysreg_read(elr_el2);
	e.exit.root = sysreg_read(ttbr0_el1);
	e.exit.code = e.esr;
	decode_exit(v, &e);
	if (!e.settled)
		carry_out(v, &e, exit_decide(v->cpu, &e.exit));
	else
		cpu_count_exit(v->cpu, e.exit.kind);
	if (e.settled && e.next)
		advance(&e);
	leave(v);
}

_Noreturn void vcpu_started(struct vcpu *v)
{
	struct gprs gprs = { .x = { v->entry.x0 } };
	u64 pc = v->entry.pc;

	__atomic_store_n(&v->claimed, 0, __ATOMIC_RELEASE);
	shootdown_exited(v->cpu);
	startup_begin(v->cpu);
	vcpu_reset(v);
	sysreg_write(elr_el2, pc);
	v->flushed = true; /* nothing has been translated here */
	leave(v);
	vcpu_run(&gprs, v->stack_top);
}

_Noreturn void vectors_fatal(u64 number)
{
	panic("exception %llu syndrome %llx at image+%llx address %llx",
	      (unsigned long long)number, (unsigned long long)sysreg_read(esr_el2),
	      (unsigned long long)(sysreg_read(elr_el2) - (u64)image_start),
	      (unsigned long long)sysreg_read(far_el2));
}
