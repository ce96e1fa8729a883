/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions without a bound: forced into every file of the hypervisor (-include). */
#pragma once

#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok gets alloca
