// SPDX-License-Identifier: GPL-2.0-only
#include <hv/backend.h>
#include <hv/launch.h>

#include "image.h"

/* One entry of .rela.dyn (ELF-64 gABI, "Relocation"). */
struct rela {
	u64 offset;
	u64 info;
	s64 addend;
};

#define R_X86_64_RELATIVE 8

extern const struct rela image_rela[], image_rela_end[];

static const struct entry_frame *frames[HF_CPUS_MAX];

const struct entry_frame *image_frame(u32 index)
{
	return frames[index];
}

/*
 * The image is linked at 0 and runs where the loader put it. Pointers in tables are the only
 * thing to mend; the linker script refuses any other kind of relocation to come with them.
 */
static bool relocate(void)
{
	u64 base = (u64)image_start;
	const struct rela *r;

	for (r = image_rela; r < image_rela_end; r++) {
		if (r->info != R_X86_64_RELATIVE)
			return false;
		*(u64 *)(base + r->offset) = base + r->addend;
	}
	return true;
}

static s64 init(struct hf_boot *boot)
{
	/* Another time it changes nothing, and launch_init refuses. */
	if (!relocate()) {
		boot->reason = HF_REASON_BAD_IMAGE;
		return -HF_EINVAL;
	}
	return launch_init(boot, image_end - image_start);
}

s64 image_main(u32 op, struct hf_boot *boot, u32 cpu, const struct entry_frame *frame)
{
	switch (op) {
	case HF_ENTRY_INIT:
		return init(boot);
	case HF_ENTRY_CPU:
		/* A wrong number has no frame; launch_cpu ends the launch for all because of it. */
		if (cpu < HF_CPUS_MAX)
			frames[cpu] = frame;
		return launch_cpu(boot, cpu);
	default:
		return -HF_EINVAL;
	}
}
