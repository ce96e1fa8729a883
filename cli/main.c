// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <holdfast/event.h>
#include <holdfast/image.h>
#include <holdfast/site.h>

#include "cli.h"
#include "output.h"

static const char usage[] =
	"usage: holdfast [--json] COMMAND [OPTION...]\n"
	"\n"
	"  launch    start the hypervisor below the running kernel\n"
	"            --image FILE         image (default /usr/lib/holdfast/hv-svm.img or "
	"-vmx)\n"
	"            --action deny|allow  what is done about violations (default deny)\n"
	"            --serial PORT        copy events to this I/O port, such as 0x2f8\n"
	"            --init-guard off|apic  catch INIT at the interrupt controllers\n"
	"            --exec-control hardware|two-table|off\n"
	"                                 only verified code runs in kernel mode: where the "
	"CPU\n"
	"                                 can tell (default), at a price, not\n"
	"            --umip on|off        programs cannot read table registers after lock, "
	"also\n"
	"                                 where the CPU lacks UMIP (default on)\n"
	"            --self-check         have the hypervisor check its own work; slow\n"
	"  lock      seal the kernel; there is no way back but a reboot\n"
	"            --ftrace, --kprobes, --livepatch off|before-lock|on\n"
	"                                 what may go on patching code (default before-lock);\n"
	"                                 livepatch on needs ftrace on\n"
	"  status    what is protected, and how it is enforced\n"
	"  events    what was attempted and what was done about it\n"
	"            --follow             go on as events come in\n"
	"  stats     how often each CPU left the kernel for the hypervisor\n"
	"  audit     compare what is protected with what should be, page by page\n"
	"            --later              code that came after lock is no surprise\n"
	"  version   versions of command, agent and hypervisor\n"
	"\n"
	"  --json    one JSON document on standard output\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no agent or not launched,\n"
	"4 not permitted. See holdfast(8).\n";

/* Options a subcommand accepts, as bits. */
enum accepts {
	ACCEPTS_LAUNCH = 1,
	ACCEPTS_FOLLOW = 2,
	ACCEPTS_LATER = 4,
	ACCEPTS_LOCK = 8,
};

struct command {
	const char *name;
	int (*run)(const struct options *options);
	unsigned int accepts;
};

static const struct command commands[] = {
	{ "launch", cli_launch, ACCEPTS_LAUNCH },
	{ "lock", cli_lock, ACCEPTS_LOCK },
	{ "status", cli_status, 0 },
	{ "events", cli_events, ACCEPTS_FOLLOW },
	{ "stats", cli_stats, 0 },
	{ "audit", cli_audit, ACCEPTS_LATER },
	{ "version", cli_version, 0 },
};

static int wrong(const struct options *options, const char *what, const char *value)
{
	return output_failure(options, CLI_USAGE, "usage", "%s '%s' (see holdfast --help)",
			      what, value);
}

static int parse_action(struct options *options, const char *value)
{
	if (!strcmp(value, "deny"))
		options->action = HF_ACTION_DENY;
	else if (!strcmp(value, "allow"))
		options->action = HF_ACTION_ALLOW;
	else
		return wrong(options, "unknown action", value);
	return CLI_OK;
}

/* A 16550 has eight registers: the last one must be a port as well. */
static int parse_port(struct options *options, const char *value)
{
	unsigned long port;
	char *end;

	errno = 0;
	port = strtoul(value, &end, 0);
	if (errno || end == value || *end || port == 0 || port > 0xfff8 || strchr(value, '-'))
		return wrong(options, "not an I/O port", value);
	options->serial_port = port;
	return CLI_OK;
}

static int parse_init_guard(struct options *options, const char *value)
{
	if (!strcmp(value, "apic"))
		options->flags |= HF_BOOT_INIT_GUARD;
	else if (!strcmp(value, "off"))
		options->flags &= ~HF_BOOT_INIT_GUARD;
	else
		return wrong(options, "unknown init-guard", value);
	return CLI_OK;
}

static int parse_exec_control(struct options *options, const char *value)
{
	options->flags &= ~(HF_BOOT_EXEC_OFF | HF_BOOT_TWO_TABLES);
	if (!strcmp(value, "off"))
		options->flags |= HF_BOOT_EXEC_OFF;
	else if (!strcmp(value, "two-table"))
		options->flags |= HF_BOOT_TWO_TABLES;
	else if (strcmp(value, "hardware"))
		return wrong(options, "unknown exec-control", value);
	return CLI_OK;
}

static int parse_umip(struct options *options, const char *value)
{
	if (!strcmp(value, "off"))
		options->flags |= HF_BOOT_UMIP_OFF;
	else if (!strcmp(value, "on"))
		options->flags &= ~HF_BOOT_UMIP_OFF;
	else
		return wrong(options, "unknown umip", value);
	return CLI_OK;
}

static int parse_policy(const struct options *options, const char *value, uint8_t *policy)
{
	static const char *const words[] = {
		[HF_POLICY_OFF] = "off",
		[HF_POLICY_BEFORE_LOCK] = "before-lock",
		[HF_POLICY_ON] = "on",
	};
	uint32_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(value, words[i]))
			continue;
		*policy = (uint8_t)i;
		return CLI_OK;
	}
	return wrong(options, "unknown policy", value);
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* So that failures of the parser itself are in JSON where that is wanted. */
static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ "follow", no_argument, NULL, 'f' },
	{ "image", required_argument, NULL, 'i' },
	{ "action", required_argument, NULL, 'a' },
	{ "serial", required_argument, NULL, 's' },
	{ "init-guard", required_argument, NULL, 'g' },
	{ "exec-control", required_argument, NULL, 'x' },
	{ "umip", required_argument, NULL, 'u' },
	{ "self-check", no_argument, NULL, 'c' },
	{ "later", no_argument, NULL, 'l' },
	{ "ftrace", required_argument, NULL, 'F' },
	{ "kprobes", required_argument, NULL, 'K' },
	{ "livepatch", required_argument, NULL, 'L' },
	{ NULL, 0, NULL, 0 },
};

/* @given: out: what of enum accepts occurred; @command: out: set where an option is one */
static int parse_options(int argc, char **argv, struct options *options, unsigned int *given,
			 const struct command **command)
{
	int option, ret = CLI_OK;

	opterr = 0;
	while (ret == CLI_OK &&
	       (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (strchr("iasgxuc", option))
			*given |= ACCEPTS_LAUNCH;
		if (strchr("FKL", option))
			*given |= ACCEPTS_LOCK;
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(fflush(stdout) ? CLI_FAILED : CLI_OK);
		case 'v':
			*command = find_command("version");
			break;
		case 'f':
			options->follow = true;
			*given |= ACCEPTS_FOLLOW;
			break;
		case 'i':
			options->image = optarg;
			break;
		case 'a':
			ret = parse_action(options, optarg);
			break;
		case 's':
			ret = parse_port(options, optarg);
			break;
		case 'g':
			ret = parse_init_guard(options, optarg);
			break;
		case 'x':
			ret = parse_exec_control(options, optarg);
			break;
		case 'u':
			ret = parse_umip(options, optarg);
			break;
		case 'l':
			options->later = true;
			*given |= ACCEPTS_LATER;
			break;
		case 'c':
			options->flags |= HF_BOOT_SELF_CHECK;
			break;
		case 'F':
			ret = parse_policy(options, optarg, &options->ftrace);
			break;
		case 'K':
			ret = parse_policy(options, optarg, &options->kprobes);
			break;
		case 'L':
			ret = parse_policy(options, optarg, &options->livepatch);
			break;
		case ':':
			ret = wrong(options, "a value is missing after", argv[optind - 1]);
			break;
		default:
			ret = wrong(options, "unknown option", argv[optind - 1]);
			break;
		}
	}
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = {
		.json = wants_json(argc, argv),
		.action = HF_ACTION_DENY,
		.ftrace = HF_POLICY_BEFORE_LOCK,
		.kprobes = HF_POLICY_BEFORE_LOCK,
		.livepatch = HF_POLICY_BEFORE_LOCK,
	};
	const struct command *command = NULL;
	unsigned int given = 0;
	int ret = parse_options(argc, argv, &options, &given, &command);

	if (ret != CLI_OK)
		return ret;
	if (!command && optind == argc) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	if (!command) {
		command = find_command(argv[optind]);
		if (!command)
			return wrong(&options, "unknown command", argv[optind]);
		optind++;
	}
	if (optind < argc)
		return wrong(&options, "unexpected argument", argv[optind]);
	if (given & ~command->accepts)
		return wrong(&options, "an option given is not one of command", command->name);
	ret = command->run(&options);
	if ((fflush(stdout) || ferror(stdout)) && ret == CLI_OK)
		ret = output_failure(&options, CLI_FAILED, "output",
				     "cannot write to standard output");
	return ret;
}
