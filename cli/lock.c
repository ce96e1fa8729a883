// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "names.h"
#include "output.h"

/* What the agent found, as far as an address says something about it. */
static int not_found(const struct options *options, const struct hf_ctl_lock *ctl, int err)
{
	static const struct {
		const char *code, *sentence;
	} reasons[] = {
		[HF_LOCK_NONE] = { "layout", "the agent cannot tell what to protect" },
		[HF_LOCK_LAYOUT] = { "layout", "the kernel image is not laid out as expected" },
		[HF_LOCK_UNKNOWN_CODE] = { "unknown-code", "an executable page belongs to "
							   "nobody the agent knows" },
		[HF_LOCK_WRITABLE_CODE] = { "writable-code",
					    "a page of the kernel is executable and writable" },
		[HF_LOCK_WRITABLE] = { "writable",
				       "what is to be sealed read-only is writable now" },
		[HF_LOCK_MODULE] = { "module",
				     "a module is being loaded or unloaded, try again" },
		[HF_LOCK_TOO_MANY] = { "too-many", "there is more to seal than the hypervisor "
						   "has room for" },
		[HF_LOCK_MOVING] = { "moving",
				     "what is to be sealed keeps changing, try again" },
		[HF_LOCK_SITE] = { "patch-site",
				   "the kernel patches code that belongs to nobody "
				   "the agent knows, or calls such code from there" },
		[HF_LOCK_UNIPROC] = { "uniproc",
				      "the kernel took its lock prefixes out for one "
				      "CPU, and would put them back for a second one; "
				      "boot with noreplace-smp" },
		[HF_LOCK_CALL_DEPTH] = { "call-depth",
					 "the kernel counts call depth, for which it "
					 "patches code in ways that cannot be "
					 "checked; boot without retbleed=stuff" },
		[HF_LOCK_PROBES] = { "probes",
				     "new kprobes and tracers run code that could not be "
				     "executed: launch with --exec-control off, or do "
				     "without --kprobes on and --ftrace on" },
	};
	uint32_t reason = ctl->reason < HF_LOCK_REASON_COUNT ? ctl->reason : HF_LOCK_NONE;
	char what[64] = "";

	_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == HF_LOCK_REASON_COUNT,
		       "a sentence for each");
	if (reason && ctl->va)
		snprintf(what, sizeof(what), " (at %#" PRIx64 ")", ctl->va);
	if (!reason)
		snprintf(what, sizeof(what), " (%s)", strerror(err));
	return output_failure(options, CLI_FAILED, reasons[reason].code, "not locked: %s%s",
			      reasons[reason].sentence, what);
}

static int refused(const struct options *options, const struct hf_ctl_lock *ctl, int err)
{
	uint32_t failed = ctl->failed_call; /* 0 if the hypervisor was not asked */

	if (failed && err == EAGAIN)
		return output_failure(options, CLI_FAILED, "again",
				      "not locked: another lock is under way, try again");
	if (failed)
		return output_failure(options, CLI_FAILED, "refused",
				      "not locked: the hypervisor refused to %s: %s",
				      failed == HF_CALL_LOCK ? "lock"
				      : failed == HF_CALL_PROTECT
					      ? "register the kernel's memory"
					      : "register what the kernel patches",
				      strerror(err));
	if (err == EALREADY)
		return output_failure(options, CLI_FAILED, "already",
				      "Holdfast is locked already");
	if (!ctl->reason && (err == ENODEV || err == EPERM))
		return device_failure(options, "state", -err);
	return not_found(options, ctl, err);
}

static int lock(const struct options *options, int fd)
{
	struct hf_ctl_lock ctl = {
		.size = sizeof(ctl),
		.ftrace = options->ftrace,
		.kprobes = options->kprobes,
		.livepatch = options->livepatch,
	};

	if (options->livepatch == HF_POLICY_ON && options->ftrace != HF_POLICY_ON)
		return output_failure(options, CLI_USAGE, "usage",
				      "a live patch is entered by ftrace: --livepatch on needs "
				      "--ftrace on");
	if (ioctl(fd, HF_CTL_LOCK, &ctl) < 0)
		return refused(options, &ctl, errno);
	if (options->json)
		return output_json(json_pack(
			"{s:s, s:I, s:I}", "state", name_state(HF_STATE_LOCKED), "ranges",
			(json_int_t)ctl.ranges, "pages", (json_int_t)ctl.pages));
	printf("locked: %" PRIu64 " pages in %u ranges\n", ctl.pages, ctl.ranges);
	return CLI_OK;
}

int cli_lock(const struct options *options)
{
	struct hf_ctl_version version;
	int ret, fd = device_open(options, &version);

	if (fd < 0)
		return -fd;
	ret = lock(options, fd);
	close(fd);
	return ret;
}
