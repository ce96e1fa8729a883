/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent's device, and through it the hypervisor's answers. */
#ifndef CLI_DEVICE_H
#define CLI_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include <holdfast/ctl.h>
#include <holdfast/hypercall.h>

#include "cli.h"

/*
 * Opens the device and checks that the agent speaks our version of the contract.
 * Returns a descriptor >= 0, or a negative enum cli_exit after having said why.
 */
int device_open(const struct options *options, struct hf_ctl_version *version);

/* As device_open(), and a hypervisor answers: its first answer is in @info. */
int device_open_launched(const struct options *options, struct hf_info *info);

/* One query, HF_CALL_INFO .. HF_CALL_PAGES. The call's result; @answer is a page. */
int device_query(int fd, uint32_t call, uint64_t arg, void *answer);

/* Says that query @what failed with @err (negative errno). Returns an enum cli_exit. */
int device_failure(const struct options *options, const char *what, int err);

/* A query whose answer is a struct @out of @size bytes. The call's result. */
int device_get(int fd, uint32_t call, uint64_t arg, void *out, size_t size);

#endif
