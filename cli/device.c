// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "output.h"

static int open_failure(const struct options *options)
{
	if (errno == EACCES || errno == EPERM)
		return output_failure(options, CLI_DENIED, "not-permitted",
				      HF_DEVICE ": root (CAP_SYS_ADMIN) is needed");
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return output_failure(options, CLI_ABSENT, "no-agent",
				      HF_DEVICE " does not exist: load the agent first "
						"(insmod holdfast.ko)");
	return output_failure(options, CLI_FAILED, "device", HF_DEVICE ": %s", strerror(errno));
}

static int check_version(const struct options *options, int fd, struct hf_ctl_version *version)
{
	memset(version, 0, sizeof(*version));
	if (ioctl(fd, HF_CTL_VERSION, version) < 0)
		return open_failure(options);
	if (version->size != sizeof(*version) || version->abi != HF_ABI)
		return output_failure(options, CLI_FAILED, "abi",
				      "the agent is of another version (ABI %u) than this "
				      "command (ABI %u): install both from one build",
				      version->abi, HF_ABI);
	return CLI_OK;
}

int device_open(const struct options *options, struct hf_ctl_version *version)
{
	int fd = open(HF_DEVICE, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -open_failure(options);
	ret = check_version(options, fd, version);
	if (ret == CLI_OK)
		return fd;
	close(fd);
	return -ret;
}

int device_open_launched(const struct options *options, struct hf_info *info)
{
	struct hf_ctl_version version;
	int err, fd = device_open(options, &version);

	if (fd < 0)
		return fd;
	err = device_get(fd, HF_CALL_INFO, 0, info, sizeof(*info));
	if (err >= 0)
		return fd;
	close(fd);
	return -device_failure(options, "information", err);
}

int device_query(int fd, uint32_t call, uint64_t arg, void *answer)
{
	struct hf_ctl_query query = {
		.call = call,
		.arg = arg,
		.buffer = (uintptr_t)answer,
	};
	int ret = ioctl(fd, HF_CTL_QUERY, &query);

	return ret < 0 ? -errno : ret;
}

int device_get(int fd, uint32_t call, uint64_t arg, void *out, size_t size)
{
	char page[HF_PAGE_SIZE];
	int ret = device_query(fd, call, arg, page);

	if (ret >= 0)
		memcpy(out, page, size);
	return ret;
}

int device_failure(const struct options *options, const char *what, int err)
{
	if (err == -ENODEV)
		return output_failure(options, CLI_ABSENT, "not-launched",
				      "Holdfast is not launched: 'holdfast launch' does that");
	if (err == -EPERM)
		return output_failure(options, CLI_DENIED, "not-permitted",
				      "root (CAP_SYS_ADMIN) is needed");
	return output_failure(options, CLI_FAILED, "query", "cannot read %s: %s", what,
			      strerror(-err));
}
