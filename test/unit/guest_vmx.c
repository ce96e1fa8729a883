// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/x86/common/sysreg.h>
#include <hv/backend.h>
#include <hv/guest.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include <hv/startup.h>
#include "guest_vmx.h"

struct vmx vmx;
struct platform platform;

struct vmx_cpu cpu_of_vmx;
struct vcpu vcpu;
struct cpu cpu;
struct gprs gprs;
u64 stack[2];
u8 memory[MEMORY_SIZE];
enum verdict verdict;
struct exit seen;
u32 decided, flushes, resets, xcr, fetches;
bool crosses;
jmp_buf stopped;

/* ---- what the backend calls ---- */

enum verdict exit_decide(struct cpu *c, struct exit *e)
{
	assert_ptr_equal(c, &cpu);
	assert_int_equal(c->place, CPU_INSIDE);
	seen = *e;
	decided++;
	if (verdict == VERDICT_RESULT)
		e->call.result = -38;
	return verdict;
}

u64 shootdown_epoch;

void shootdown_answer(struct cpu *c)
{
	(void)c;
}

void startup_reset(struct cpu *c, bool start)
{
	(void)c;
	resets += start;
}

void vmx_flush(void)
{
	flushes++;
}

void backend_flush(struct cpu *c)
{
	c->vcpu->vmx->flush = true;
}

int xcr_write(u32 number, u64 value)
{
	xcr = number;
	return value & 1 ? 0 : -HF_EINVAL;
}

int guest_read(struct gpa from, void *to, size_t size)
{
	if (from.raw + size > sizeof(memory))
		return -HF_EFAULT;
	memcpy(to, memory + from.raw, size);
	return 0;
}

int guest_store(struct gpa to, const void *from, size_t size)
{
	if (to.raw + size > sizeof(memory))
		return -HF_EFAULT;
	memcpy(memory + to.raw, from, size);
	return 0;
}

/* The other view permits it: nothing is left to decide. */
void tables_on_fetch(struct vcpu *v, struct x86_exit *e, struct gpa at)
{
	assert_int_equal(e->exit.memory.access, HF_ACCESS_EXECUTE);
	assert_int_equal(at.raw, e->exit.memory.gpa.raw);
	assert_ptr_equal(v, &vcpu);
	fetches++;
	if (crosses) {
		e->exit.kind = HF_EXIT_VIEW;
		e->settled = true;
	}
}

void panic_check(void)
{
}

_Noreturn void panic(const char *format, ...)
{
	(void)format;
	longjmp(stopped, 1);
}

_Noreturn void backend_halt(void)
{
	longjmp(stopped, 2);
}

/* ---- a guest ---- */

static void map(void)
{
	u64 table, entry;
	size_t i;

	for (table = TABLES; table < CODE; table += PAGE_SIZE)
		for (i = 0; i < 512; i++) {
			entry = (table + PAGE_SIZE) | 3;
			memcpy(memory + table + i * sizeof(entry), &entry, sizeof(entry));
		}
}

int guest_setup(void **ctx)
{
	const struct cpuid all = { ~0u, ~0u, ~0u, ~0u };

	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_leaf(1, all);
	fake_cpu_set_leaf(7, all);
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x80000021 });
	fake_cpu_set_leaf(0x80000001, (struct cpuid){ 0 });
	fake_cpu_set_leaf(0x80000021, (struct cpuid){ 0 });
	sysreg_init(0);
	fake_cpu_set_msr(MSR_LSTAR, 0x1234);
	fake_cpu_set_msr(0x3a, 5);
	memset(memory, 0, sizeof(memory));
	map();
	fake_cpu_vmwrite(F_RIP, RIP);
	fake_cpu_vmwrite(F_RSP, 0x5000);
	fake_cpu_vmwrite(0x6802, TABLES);
	fake_cpu_vmwrite(F_GUEST_CR0, CR0);
	fake_cpu_vmwrite(F_SHADOW_CR0, CR0);
	fake_cpu_vmwrite(F_GUEST_CR4, CR4 | 0x2000);
	fake_cpu_vmwrite(F_SHADOW_CR4, CR4);
	fake_cpu_vmwrite(0x2806, EFER);
	fake_cpu_vmwrite(F_CODE_RIGHTS, 0xa09b); /* 64-bit */
	fake_cpu_vmwrite(F_SS_RIGHTS, 0xc093);
	fake_cpu_vmwrite(F_LENGTH, 3);
	fake_cpu_vmwrite(F_BLOCKED, 1);
	vmx = (struct vmx){ .cr0_fixed = 0x80000021, .cr4_fixed = 0x2000 };
	platform = (struct platform){ .umip = true };
	cpu_of_vmx = (struct vmx_cpu){ 0 };
	cpu = (struct cpu){ .vcpu = &vcpu };
	vcpu = (struct vcpu){ .vmx = &cpu_of_vmx,
			      .state = &cpu_of_vmx.state,
			      .event = &cpu_of_vmx.event,
			      .interrupted = &cpu_of_vmx.interrupted,
			      .shadow = &cpu_of_vmx.shadow,
			      .cr4 = CR4_OSXSAVE,
			      .cpu = &cpu };
	vcpu.host.stack_top = (u64)stack;
	stack[1] = 0;
	memset(&gprs, 0, sizeof(gprs));
	memset(&seen, 0, sizeof(seen));
	decided = flushes = resets = xcr = 0;
	verdict = VERDICT_RETRY;
	return 0;
}

void guest_leave(u32 reason, u64 info, enum verdict v)
{
	fake_cpu_vmwrite(0x4402, reason);
	fake_cpu_vmwrite(F_INFO, info);
	fake_cpu_vmwrite(F_EVENT, 0); /* an exit clears it */
	verdict = v;
	assert_int_equal(vcpu_exit(&vcpu, &gprs), 0);
	assert_int_equal(cpu.place, CPU_LEAVING);
}

void guest_put_code(const char *bytes, size_t size)
{
	memcpy(memory + CODE + (RIP & PAGE_MASK), bytes, size);
}

void guest_stayed(void)
{
	assert_int_equal(fake_cpu_vmread(F_RIP), RIP);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 1);
}

void guest_advanced(u64 length)
{
	assert_int_equal(fake_cpu_vmread(F_RIP), RIP + length);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 0);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
}
