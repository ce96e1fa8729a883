/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Launch: all CPUs become guests together or none does.
 */
#pragma once

#include <holdfast/image.h>
#include <hv/types.h>

/* HF_ENTRY_INIT: probe, memory, CPUs, backend. 0 or a negated code with boot->reason set. */
int launch_init(struct hf_boot *boot, u64 image_size);

/* HF_ENTRY_CPU: enter this CPU. */
int launch_cpu(struct hf_boot *boot, u32 index);

/*
 * Called by the backend on each CPU after its first guest instruction (error 0), or instead of
 * it (error < 0). Waits until all CPUs have called. 0: go on as a guest, this is the point of no
 * return; negative: undo.
 */
int launch_arrive(struct cpu *cpu, int error);

/* enum hf_state. */
u32 launch_state(void);
/* Of the boot record; constant. */
u32 launch_serial_port(void);
u32 launch_flags(void); /* HF_BOOT_* */
