// SPDX-License-Identifier: GPL-2.0-only
/*
 * For libraries that are compiled for a C library: names in parts of them that nothing here calls.
 * Who does call them ends the request. (services/build.mk names them.)
 */
#include <stddef.h>

_Noreturn void service_absent(void);
_Noreturn void __stack_chk_fail(void);
void *__memset_chk(void *to, int value, size_t size, size_t room);

void service_absent(void)
{
	__builtin_trap();
}

void __stack_chk_fail(void)
{
	__builtin_trap();
}

void *__memset_chk(void *to, int value, size_t size, size_t room)
{
	if (size > room)
		__builtin_trap();
	return __builtin_memset(to, value, size);
}
