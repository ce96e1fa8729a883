// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <holdfast/image.h>

#include "device.h"
#include "names.h"
#include "output.h"

static json_t *cpu_json(const struct hf_stats *stats)
{
	json_t *exits = json_object();
	uint32_t kind;

	for (kind = 0; kind < HF_EXIT_KIND_COUNT; kind++)
		json_object_set_new(exits, name_exit(kind),
				    json_integer((json_int_t)stats->exits[kind]));
	return json_pack("{s:I, s:I, s:o, s:I, s:I}", "cpu", (json_int_t)stats->cpu, "total",
			 (json_int_t)stats->total, "exits", exits, "launch_ticks",
			 (json_int_t)stats->launch_ticks, "lock_ticks",
			 (json_int_t)stats->lock_ticks);
}

static int print_json(const struct hf_stats *stats, uint32_t cpus)
{
	json_t *list = json_array();
	uint64_t total = 0;
	uint32_t cpu;

	for (cpu = 0; cpu < cpus; cpu++) {
		total += stats[cpu].total;
		json_array_append_new(list, cpu_json(&stats[cpu]));
	}
	return output_json(json_pack("{s:o, s:I}", "cpus", list, "total", (json_int_t)total));
}

static bool occurs(const struct hf_stats *stats, uint32_t cpus, uint32_t kind)
{
	uint32_t cpu;

	for (cpu = 0; cpu < cpus; cpu++)
		if (stats[cpu].exits[kind])
			return true;
	return false;
}

/* A column for each kind that occurs at all. */
static int print_table(const struct hf_stats *stats, uint32_t cpus)
{
	bool shown[HF_EXIT_KIND_COUNT];
	uint64_t total = 0;
	uint32_t cpu, kind;

	printf("%4s %12s", "cpu", "exits");
	for (kind = 0; kind < HF_EXIT_KIND_COUNT; kind++) {
		shown[kind] = occurs(stats, cpus, kind);
		if (shown[kind])
			printf(" %10s", name_exit(kind));
	}
	printf(" %14s %14s\n", "launch ticks", "lock ticks");
	for (cpu = 0; cpu < cpus; cpu++) {
		printf("%4u %12" PRIu64, stats[cpu].cpu, stats[cpu].total);
		for (kind = 0; kind < HF_EXIT_KIND_COUNT; kind++)
			if (shown[kind])
				printf(" %10" PRIu64, stats[cpu].exits[kind]);
		printf(" %14" PRIu64 " %14" PRIu64 "\n", stats[cpu].launch_ticks,
		       stats[cpu].lock_ticks);
		total += stats[cpu].total;
	}
	printf("%4s %12" PRIu64 "\n", "all", total);
	return CLI_OK;
}

int cli_stats(const struct options *options)
{
	static struct hf_stats stats[HF_CPUS_MAX];
	struct hf_info info;
	uint32_t cpu;
	int err = 0, fd = device_open_launched(options, &info);

	if (fd < 0)
		return -fd;
	if (info.cpus > HF_CPUS_MAX)
		info.cpus = HF_CPUS_MAX;
	for (cpu = 0; cpu < info.cpus && err >= 0; cpu++)
		err = device_get(fd, HF_CALL_STATS, cpu, &stats[cpu], sizeof(stats[cpu]));
	close(fd);
	if (err < 0)
		return device_failure(options, "statistics", err);
	return options->json ? print_json(stats, info.cpus) : print_table(stats, info.cpus);
}
