/* SPDX-License-Identifier: GPL-2.0-only */
/* General registers of the guest while the hypervisor runs, as the entry code pushes them. */
#pragma once

#include <hv/types.h>

/*
 * In the architecture's numbering, so that a ModRM field indexes it. The slots of RAX and RSP
 * are filled from the hardware's control block by the backend where it needs them, and are not
 * written back.
 */
enum gpr {
	GPR_RAX,
	GPR_RCX,
	GPR_RDX,
	GPR_RBX,
	GPR_RSP,
	GPR_RBP,
	GPR_RSI,
	GPR_RDI,
	GPR_R8,
	GPR_R9,
	GPR_R10,
	GPR_R11,
	GPR_R12,
	GPR_R13,
	GPR_R14,
	GPR_R15,
	GPR_COUNT
};

struct gprs {
	u64 r[GPR_COUNT];
};
