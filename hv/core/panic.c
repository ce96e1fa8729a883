// SPDX-License-Identifier: GPL-2.0-only
/* The end, for bugs of our own: say what and where, stop the machine, keep memory for a dump. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/panic.h>
#include <hv/print.h>

static u32 panicking; /* [a] */

/* Whoever still runs as a guest leaves it, into panic_check. Which CPU this is may be unknown. */
static void kick_all(void)
{
	for (u32 i = 0; i < cpu_count(); i++) {
		struct cpu *cpu = cpu_get(i);

		if (cpu_state(cpu) != CPU_STARTING && cpu_state(cpu) != CPU_LOCKED)
			continue;
		__atomic_store_n(&cpu->kicked, KICK_SENT, __ATOMIC_SEQ_CST);
		backend_kick(cpu);
	}
}

void panic_check(void)
{
	if (unlikely(__atomic_load_n(&panicking, __ATOMIC_RELAXED)))
		backend_halt();
}

_Noreturn void panic(const char *format, ...)
{
	va_list args;

	/* Only the first speaks: what fails in its wake would bury the cause. */
	if (!__atomic_exchange_n(&panicking, 1, __ATOMIC_SEQ_CST)) {
		va_start(args, format);
		print_panic(format, args);
		va_end(args);
		kick_all();
	}
	backend_halt();
}
