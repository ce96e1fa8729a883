// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor's own words, asked for through the device and not through the command: the
 * command is under test as well, and a query here costs a known number of hypercalls and
 * nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <holdfast/ctl.h>
#include <holdfast/hypercall.h>

#include "guest.h"

static uint8_t page[HF_PAGE_SIZE] __attribute__((aligned(HF_PAGE_SIZE)));

static int request(unsigned long command, void *arg)
{
	int fd = open(HF_DEVICE, O_RDWR | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	result = ioctl(fd, command, arg);
	if (result < 0)
		result = -errno;
	close(fd);
	return result;
}

int ctl_state(void)
{
	struct hf_ctl_version ctl = { 0 };
	int err = request(HF_CTL_VERSION, &ctl);

	return err ? err : (int)ctl.state;
}

int ctl_launch(const void *image, size_t size, uint32_t action, uint32_t port, uint32_t *reason)
{
	struct hf_ctl_launch ctl = {
		.size = sizeof(ctl),
		.abi = HF_ABI,
		.image = (uintptr_t)image,
		.image_size = size,
		.action = action,
		.serial_port = port,
	};
	int err = request(HF_CTL_LAUNCH, &ctl);

	*reason = ctl.reason;
	return err;
}

int ctl_service(const void *image, size_t size, uint32_t service, uint32_t milliseconds)
{
	struct hf_ctl_service ctl = {
		.size = sizeof(ctl),
		.service = service,
		.image = (uintptr_t)image,
		.image_size = size,
		.capabilities = HF_CAPABILITY_LENT,
		.lent_max = HF_LENT_PAGES_MAX,
		.milliseconds = milliseconds,
	};

	return request(HF_CTL_SERVICE, &ctl);
}

int ctl_request(struct hf_service_call *call, const void *lent, size_t lent_size)
{
	struct hf_ctl_request ctl = {
		.size = sizeof(ctl),
		.request = (uintptr_t)call,
		.lent = (uintptr_t)lent,
		.lent_size = lent_size,
	};

	return request(HF_CTL_REQUEST, &ctl);
}

/* One query; the answer is in page. The call's result. */
static int query(uint32_t call, uint64_t arg)
{
	struct hf_ctl_query q = {
		.call = call,
		.arg = arg,
		.buffer = (uintptr_t)page,
	};

	return request(HF_CTL_QUERY, &q);
}

int ctl_info(struct hf_info *info)
{
	int err = query(HF_CALL_INFO, 0);

	if (!err)
		memcpy(info, page, sizeof(*info));
	return err;
}

int ctl_stats(uint32_t cpu, struct hf_stats *stats)
{
	int err = query(HF_CALL_STATS, cpu);

	if (!err)
		memcpy(stats, page, sizeof(*stats));
	return err;
}

static int sum_exits(struct exit_counts *counts)
{
	struct hf_stats s;
	struct hf_info info;
	uint32_t cpu, kind;
	int err = ctl_info(&info);

	memset(counts, 0, sizeof(*counts));
	for (cpu = 0; !err && cpu < info.cpus; cpu++) {
		err = ctl_stats(cpu, &s);
		for (kind = 0; !err && kind < HF_EXIT_KIND_COUNT; kind++) {
			counts->total += s.exits[kind];
			counts->kind[kind] += s.exits[kind];
		}
		if (!err)
			counts->sum_of_totals += s.total;
	}
	return err;
}

/*
 * The calls are made on CPU 0: made now here and now there, the reading itself would count once
 * more or less, by whether a CPU was read before or after it was used.
 */
int ctl_exits(struct exit_counts *counts)
{
	cpu_set_t first, all;
	int err;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_getaffinity(0, sizeof(all), &all) ||
	    sched_setaffinity(0, sizeof(first), &first))
		return -errno;
	err = sum_exits(counts);
	sched_setaffinity(0, sizeof(all), &all);
	return err;
}

int ctl_events(uint64_t first, struct hf_event *events, int max)
{
	int count = 0;

	while (count < max) {
		int n = query(HF_CALL_EVENTS, first + count);

		if (n < 0)
			return n;
		if (n > max - count)
			n = max - count;
		if (n == 0)
			break;
		memcpy(events + count, page, n * sizeof(*events));
		count += n;
	}
	return count;
}

int ctl_protection(uint32_t index, struct hf_protection *protection)
{
	int err = query(HF_CALL_PROTECTION, index);

	if (!err)
		memcpy(protection, page, sizeof(*protection));
	return err;
}

int ctl_asset(uint32_t id, char *name, size_t size)
{
	int err = query(HF_CALL_ASSET, id);
	const struct hf_asset *asset = (const void *)page;

	if (err || size == 0)
		return err;
	strncpy(name, asset->name, size - 1);
	name[size - 1] = '\0';
	return 0;
}
