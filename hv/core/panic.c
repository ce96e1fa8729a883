// SPDX-License-Identifier: GPL-2.0-only
/* The end, for bugs of our own: say what and where, stop the machine, keep memory for a dump.
 */
#include <hv/backend.h>
#include <hv/panic.h>
#include <hv/print.h>

static void __printf(1, 2) say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_unlocked(format, args);
	va_end(args);
}

_Noreturn void panic(const char *format, ...)
{
	static u32 panicking; /* [a] */
	va_list args;

	/* Only the first speaks: what fails in its wake would bury the cause. */
	if (!__atomic_exchange_n(&panicking, 1, __ATOMIC_SEQ_CST)) {
		say("holdfast: panic: ");
		va_start(args, format);
		print_unlocked(format, args);
		va_end(args);
		say("\n");
	}
	backend_halt();
}
