/* SPDX-License-Identifier: GPL-2.0-only */
/* The holdfast command: its options, exit codes and subcommands. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

/* Documented in holdfast(8): scripts depend on them. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* refused or went wrong */
	CLI_USAGE = 2,	/* the command line is wrong; nothing was done */
	CLI_ABSENT = 3, /* no agent, or no hypervisor launched */
	CLI_DENIED = 4, /* the caller lacks CAP_SYS_ADMIN */
};

/* @image: NULL: the default places; @action: enum hf_action */
struct options {
	bool json;
	bool follow;
	bool later; /* code that came after lock is no surprise */
	const char *image;
	uint32_t action;
	uint32_t serial_port;
	uint32_t flags;			    /* HF_BOOT_* */
	uint8_t ftrace, kprobes, livepatch; /* enum hf_policy */
};

/* Each carries out one subcommand and returns an enum cli_exit. */
int cli_launch(const struct options *options);
int cli_lock(const struct options *options);
int cli_status(const struct options *options);
int cli_events(const struct options *options);
int cli_stats(const struct options *options);
int cli_audit(const struct options *options);
int cli_version(const struct options *options);

#endif
