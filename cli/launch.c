// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <holdfast/image.h>

#include "device.h"
#include "names.h"
#include "output.h"
#include "reason.h"

#define CPUID_VMX (1u << 5) /* leaf 1, ecx */

/* Of AMD's extension and Intel's: by default that of the CPU. */
static const char *const default_images[][2] = {
	{ "/usr/lib/holdfast/hv-svm.img", "/lib/holdfast/hv-svm.img" },
	{ "/usr/lib/holdfast/hv-vmx.img", "/lib/holdfast/hv-vmx.img" },
};

/* Other architectures' hypervisor is there before the kernel: none of these. */
static bool has_vmx(void)
{
#ifdef __x86_64__
	unsigned int eax, ebx, ecx = 0, edx;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_VMX);
#else
	return false;
#endif
}

/* The image given, or the first default that is there. Sets @path. Descriptor or -1. */
static int open_image(const struct options *options, const char **path)
{
	const char *const *images = default_images[has_vmx()];
	size_t i;
	int fd = -1;

	if (options->image) {
		*path = options->image;
		return open(*path, O_RDONLY | O_CLOEXEC);
	}
	for (i = 0; i < 2 && fd < 0; i++) {
		if (i && errno != ENOENT)
			break;
		*path = images[i];
		fd = open(*path, O_RDONLY | O_CLOEXEC);
	}
	return fd;
}

/* Reads to the end of file or @max bytes. Bytes read, or -1. */
static ssize_t read_all(int fd, char *buffer, size_t max)
{
	size_t size = 0;

	while (size < max) {
		ssize_t n = read(fd, buffer + size, max - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		size += n;
	}
	return size;
}

/* To be freed by the caller. NULL after having said why. One byte too many shows a file too
 * large. */
static char *read_image(const struct options *options, size_t *size)
{
	const char *path = NULL;
	char *image = NULL;
	ssize_t n = -1;
	int fd = open_image(options, &path);

	if (fd >= 0) {
		image = malloc(HF_IMAGE_SIZE_MAX + 1);
		n = image ? read_all(fd, image, HF_IMAGE_SIZE_MAX + 1) : -1;
	}
	if (n < 0) {
		output_failure(options, CLI_FAILED, "no-image", "hypervisor image %s: %s", path,
			       strerror(errno));
		free(image);
		image = NULL;
	}
	if (fd >= 0)
		close(fd);
	*size = n;
	return image;
}

static int refused(const struct options *options, uint32_t number, int err)
{
	struct reason reason = reason_of(number);

	if (err == EPERM)
		return output_failure(options, CLI_DENIED, "not-permitted",
				      "root (CAP_SYS_ADMIN) is needed");
	if (number == HF_REASON_NONE)
		return output_failure(options, CLI_FAILED, reason.word, "not launched: %s",
				      strerror(err));
	return output_failure(options, CLI_FAILED, reason.word, "not launched: %s",
			      reason.sentence);
}

static int launch(const struct options *options, int fd, const char *image, size_t size)
{
	struct hf_ctl_launch ctl = {
		.size = sizeof(ctl),
		.abi = HF_ABI,
		.image = (uintptr_t)image,
		.image_size = size,
		.action = options->action,
		.serial_port = options->serial_port,
		.flags = options->flags,
	};

	if (ioctl(fd, HF_CTL_LAUNCH, &ctl) < 0)
		return refused(options, ctl.reason, errno);
	if (options->json)
		return output_json(json_pack("{s:s, s:s}", "state",
					     name_state(HF_STATE_LAUNCHED), "action",
					     name_action(options->action)));
	printf("launched: violations after lock will be %s\n",
	       options->action == HF_ACTION_ALLOW ? "recorded only" : "denied");
	return CLI_OK;
}

int cli_launch(const struct options *options)
{
	struct hf_ctl_version version;
	size_t size;
	char *image;
	int ret, fd = device_open(options, &version);

	if (fd < 0)
		return -fd;
	image = read_image(options, &size);
	ret = image ? launch(options, fd, image, size) : CLI_FAILED;
	free(image);
	close(fd);
	return ret;
}
