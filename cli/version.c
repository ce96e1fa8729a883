// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "output.h"

/* Versions as far as they can be had: "" where not. */
static void find(char *agent, char *image, char *backend)
{
	struct hf_ctl_version version = { 0 };
	struct hf_info info;
	int fd = open(HF_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	if (ioctl(fd, HF_CTL_VERSION, &version) == 0)
		output_text(agent, version.version, sizeof(version.version));
	if (device_get(fd, HF_CALL_INFO, 0, &info, sizeof(info)) >= 0) {
		output_text(image, info.version, sizeof(info.version));
		output_text(backend, info.backend, sizeof(info.backend));
	}
	close(fd);
}

/* Never fails for want of an agent: the question is also what is there. */
int cli_version(const struct options *options)
{
	char agent[32] = "", image[32] = "", backend[16] = "";

	find(agent, image, backend);
	if (options->json)
		return output_json(json_pack(
			"{s:s, s:i, s:s?, s:s?, s:s?}", "command", HF_VERSION, "abi",
			(int)HF_ABI, "agent", agent[0] ? agent : NULL, "image",
			image[0] ? image : NULL, "backend", backend[0] ? backend : NULL));
	printf("holdfast %s (ABI %u)\n", HF_VERSION, HF_ABI);
	printf("agent    %s\n", agent[0] ? agent : "not loaded, or not permitted to ask");
	if (image[0])
		printf("image    %s (%s)\n", image, backend);
	else
		printf("image    not launched\n");
	return CLI_OK;
}
