// SPDX-License-Identifier: GPL-2.0-only
#include <hv/panic.h>

#include "host.h"
#include "image.h"

#define VECTORS	     32
#define STUB_SIZE    16
#define GATE_PRESENT 0x8e00ull /* 64-bit interrupt gate, APM vol. 2, 4.8.4 */

/* As entry code leaves the stack: error code, or the 0 pushed in its place, behind the vector. */
struct trap_frame {
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

/* VECTORS stubs of STUB_SIZE bytes in traps_entry.S. */
extern const u8 traps_stubs[];

static_assert(offsetof(struct trap_frame, rip) == 16, "traps_entry.S");
static_assert(HOST_STACK_SIZE == 16384 && offsetof(struct host_cpu, reset) == 0,
	      "traps_entry.S");

static u64 idt[VECTORS][2];

void traps_init(void)
{
	u32 vector;

	for (vector = 0; vector < VECTORS; vector++) {
		u64 to = (u64)traps_stubs + (u64)vector * STUB_SIZE;

		idt[vector][0] = (to & 0xffff) | HOST_CS << 16 | GATE_PRESENT << 32 |
				 (to >> 16 & 0xffff) << 48;
		idt[vector][1] = to >> 32;
	}
}

struct table_register traps_idtr(void)
{
	return (struct table_register){ sizeof(idt) - 1, (u64)idt };
}

_Noreturn void traps_fatal(const struct trap_frame *frame);

_Noreturn void traps_fatal(const struct trap_frame *frame)
{
	panic("exception %llu error %llx at image+%llx cr2 %llx",
	      (unsigned long long)frame->vector, (unsigned long long)frame->error,
	      (unsigned long long)(frame->rip - (u64)image_start),
	      (unsigned long long)read_cr2());
}
