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

/* @failed: the call the hypervisor refused, 0 if it was not asked */
static int refused(const struct options *options, uint32_t failed, int err)
{
	if (failed && err == EAGAIN)
		return output_failure(options, CLI_FAILED, "again",
				      "not locked: another lock is under way, try again");
	if (failed)
		return output_failure(options, CLI_FAILED, "refused",
				      "not locked: the hypervisor refused to %s: %s",
				      failed == HF_CALL_PROTECT ? "register the kernel's memory"
								: "lock",
				      strerror(err));
	if (err == EALREADY)
		return output_failure(options, CLI_FAILED, "already",
				      "Holdfast is locked already");
	if (err == ENODEV || err == EPERM)
		return device_failure(options, "state", -err);
	return output_failure(
		options, CLI_FAILED, "layout",
		"not locked: the agent cannot tell what to protect (%s); the kernel "
		"log tells more",
		strerror(err));
}

static int lock(const struct options *options, int fd)
{
	struct hf_ctl_lock ctl = { .size = sizeof(ctl) };

	if (ioctl(fd, HF_CTL_LOCK, &ctl) < 0)
		return refused(options, ctl.failed_call, errno);
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
