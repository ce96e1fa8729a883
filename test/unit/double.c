// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <hv/arch/fake/fake.h>
#include <hv/backend.h>
#include <hv/launch.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include <hv/startup.h>
#include "double.h"

u64 double_polls;

_Noreturn void panic(const char *format, ...)
{
	va_list args;

	if (!fake.expect_halt) {
		va_start(args, format);
		vfprintf(stderr, format, args);
		va_end(args);
		fputc('\n', stderr);
	}
	backend_halt();
}

void shootdown_poll(struct cpu *cpu)
{
	(void)cpu;
	__atomic_fetch_add(&double_polls, 1, __ATOMIC_RELAXED);
}

u64 shootdown_epoch = 1; /* newer than any CPU's, for ever */

void shootdown_answer(struct cpu *cpu)
{
	backend_flush(cpu);
}

void shootdown_entered(struct cpu *cpu, bool flushing)
{
	(void)cpu;
	(void)flushing;
}

bool startup_sync(struct cpu *cpu)
{
	(void)cpu;
	return false;
}

int launch_arrive(struct cpu *cpu, int error)
{
	(void)cpu;
	return error;
}
