/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of assets, asked for once each. */
#ifndef CLI_ASSET_H
#define CLI_ASSET_H

#include <stdint.h>

/* Valid until the next call. Where the hypervisor knows no name: the number. */
const char *asset_name(int fd, uint32_t id);

#endif
