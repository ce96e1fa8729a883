/* SPDX-License-Identifier: GPL-2.0-only */
/* What is protected and how: answers to the query calls. */
#pragma once

#include <holdfast/hypercall.h>
#include <hv/types.h>

void status_info(struct hf_info *info);
/* -ENOENT past the last. */
int status_protection(u64 index, struct hf_protection *protection);
int status_asset(u64 id, struct hf_asset *asset);
