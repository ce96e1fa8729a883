// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <holdfast/image.h>

#include "device.h"
#include "names.h"
#include "output.h"

/* More than any hypervisor has; bounds what a forged answer can cost. */
#define PROTECTIONS_MAX 256u

static json_t *features_json(uint32_t features)
{
	json_t *list = json_array();
	const char *name;
	uint32_t i, flag;

	for (i = 0; (name = name_feature(i, &flag)); i++)
		if (features & flag)
			json_array_append_new(list, json_string(name));
	return list;
}

static json_t *protections_json(const struct hf_protection *protections, uint32_t count)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:I, s:s, s:s}", "name",
						protections[i].name, "asset",
						(json_int_t)protections[i].asset, "enforcement",
						name_enforcement(protections[i].enforcement),
						"reason", protections[i].reason));
	return list;
}

/* As it was asked for; what is in force is a protection's to say. */
static const char *exec_control(const struct hf_info *info)
{
	if (info->flags & HF_BOOT_TWO_TABLES)
		return "two-table";
	return info->flags & HF_BOOT_EXEC_OFF ? "off" : "hardware";
}

static int print_json(const struct hf_info *info, const char *agent,
		      const struct hf_protection *protections, uint32_t count)
{
	json_t *memory = json_pack("{s:I, s:I}", "total", (json_int_t)info->memory_total,
				   "used", (json_int_t)info->memory_used);

	return output_json(json_pack(
		"{s:s, s:s, s:I, s:I, s:o, s:I, s:I, s:I, "
		"s:I, s:o, s:s, s:s, s:s, s:b, s:o, s:s, s:s, s:s}",
		"state", name_state(info->state), "action", name_action(info->action), "cpus",
		(json_int_t)info->cpus, "cpus_locked", (json_int_t)info->cpus_locked, "memory",
		memory, "sealed_pages", (json_int_t)info->sealed_pages, "events",
		(json_int_t)info->events, "events_lost", (json_int_t)info->events_lost,
		"serial_port", (json_int_t)info->serial_port, "features",
		features_json(info->features), "init_guard",
		info->flags & HF_BOOT_INIT_GUARD ? "apic" : "off", "exec_control",
		exec_control(info), "umip", info->flags & HF_BOOT_UMIP_OFF ? "off" : "on",
		"self_check", !!(info->flags & HF_BOOT_SELF_CHECK), "protections",
		protections_json(protections, count), "backend", info->backend, "version",
		info->version, "agent_version", agent));
}

static void print_summary(const struct hf_info *info)
{
	const char *name;
	uint32_t i, flag;

	printf("Holdfast %s (%s): %s, violations are %s\n", info->version, info->backend,
	       name_state(info->state),
	       info->action == HF_ACTION_ALLOW ? "recorded only" : "denied");
	printf("  CPUs          %u, of these locked: %u\n", info->cpus, info->cpus_locked);
	printf("  memory        %.1f MiB taken, %.1f MiB of it used\n",
	       info->memory_total / 1048576.0, info->memory_used / 1048576.0);
	printf("  sealed        %" PRIu64 " pages\n", info->sealed_pages);
	printf("  events        %" PRIu64 ", of these not kept: %" PRIu64 "\n", info->events,
	       info->events_lost);
	if (info->serial_port)
		printf("  events go to  serial port %#x\n", info->serial_port);
	if (info->flags & HF_BOOT_INIT_GUARD)
		printf("  init-guard    apic: writes to interrupt controllers are looked at\n");
	printf("  exec-control  %s%s\n", exec_control(info),
	       info->features & HF_FEATURE_EXEC_SPLIT ? "" : ", not in force");
	if (info->flags & HF_BOOT_UMIP_OFF)
		printf("  umip          off: only as far as the CPU has it\n");
	if (info->flags & HF_BOOT_SELF_CHECK)
		printf("  self-check    on: slower than in normal use\n");
	printf("  CPU features ");
	for (i = 0; (name = name_feature(i, &flag)); i++)
		if (info->features & flag)
			printf(" %s", name);
	printf("%s\n", info->features ? "" : " none of the optional ones");
}

static void print_protections(const struct hf_protection *protections, uint32_t count)
{
	uint32_t i;

	printf("\n%-40s %-10s %s\n", "protection", "enforced", "note");
	for (i = 0; i < count; i++) {
		const char *how = name_enforcement(protections[i].enforcement);

		if (protections[i].enforcement == HF_ENFORCED_NOT)
			how = "not";
		printf("%-40s %-10s %s\n", protections[i].name, how, protections[i].reason);
	}
}

/* Strings are made printable here, once. Count of protections, or a negative errno. */
static int get_protections(int fd, struct hf_protection *protections, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct hf_protection raw;
		int err = device_get(fd, HF_CALL_PROTECTION, i, &raw, sizeof(raw));

		if (err < 0)
			return err;
		protections[i] = raw;
		output_text(protections[i].name, raw.name, sizeof(raw.name));
		output_text(protections[i].reason, raw.reason, sizeof(raw.reason));
	}
	return count;
}

static int print_launched(const struct options *options, int fd, const char *agent)
{
	static struct hf_protection protections[PROTECTIONS_MAX];
	struct hf_info raw, info;
	int count, err = device_get(fd, HF_CALL_INFO, 0, &raw, sizeof(raw));

	if (err < 0)
		return device_failure(options, "information", err);
	info = raw;
	output_text(info.backend, raw.backend, sizeof(raw.backend));
	output_text(info.version, raw.version, sizeof(raw.version));
	if (info.protections > PROTECTIONS_MAX)
		info.protections = PROTECTIONS_MAX;
	count = get_protections(fd, protections, info.protections);
	if (count < 0)
		return device_failure(options, "protections", count);
	if (options->json)
		return print_json(&info, agent, protections, count);
	print_summary(&info);
	print_protections(protections, count);
	return CLI_OK;
}

/* Nothing is protected, and that is an answer: exit status 3 says it to scripts. */
static int print_absent(const struct options *options, const char *agent)
{
	if (options->json) {
		json_t *status = json_pack("{s:s, s:[], s:s}", "state",
					   name_state(HF_STATE_ABSENT), "protections",
					   "agent_version", agent);

		return output_json(status) == CLI_OK ? CLI_ABSENT : CLI_FAILED;
	}
	printf("Holdfast is not launched: nothing is protected (agent %s is loaded)\n", agent);
	return CLI_ABSENT;
}

int cli_status(const struct options *options)
{
	struct hf_ctl_version version;
	char agent[sizeof(version.version)];
	int ret, fd = device_open(options, &version);

	if (fd < 0)
		return -fd;
	output_text(agent, version.version, sizeof(agent));
	if (version.state == HF_STATE_ABSENT)
		ret = print_absent(options, agent);
	else
		ret = print_launched(options, fd, agent);
	close(fd);
	return ret;
}
