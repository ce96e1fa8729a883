// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>

#include <holdfast/hypercall.h>

#include "call.h"

/* Without a hypervisor the instruction is undefined, caught here. */
long call_make(u32 number, u64 arg0, u64 arg1)
{
	long result = number;

	asm volatile("1:	" ALTERNATIVE("vmcall", "vmmcall",
					      X86_FEATURE_VMMCALL) "\n"
								   "	jmp 3f\n"
								   "2:	mov %[absent], %%rax\n"
								   "3:\n" _ASM_EXTABLE(1b, 2b)
		     : "+a"(result)
		     : "D"(arg0), "S"(arg1), [absent] "i"(-ENODEV)
		     : "memory");
	return result;
}

/* One CPU asks; the others are interrupted where they are. */
int call_lock(void)
{
	return call_early(HF_CALL_LOCK, 0, 0);
}
