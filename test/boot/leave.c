// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways out of the machine that the honest kernel knows: closed to it from launch on, with a clear
 * error, and everything goes on. What an attacker makes of them is in test/attack; that reboot and
 * power-off work, the end of each boot shows (hf.leave=, init.c).
 */
#include <errno.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <holdfast/event.h>
#include <holdfast/hypercall.h>
#include <holdfast/image.h>

#include "guest.h"

#define ANY_PA 0x4000000ul /* where a kernel would go that is loaded and never started */

/* A page of memory the kernel has set aside for kdump; 0: none. */
static unsigned long crash_memory(void)
{
	static char text[16384];
	char *at, *line;

	if (file_read("/proc/iomem", text, sizeof(text)) <= 0)
		return 0;
	at = strstr(text, " : Crash kernel");
	if (!at)
		return 0;
	*at = '\0';
	line = strrchr(text, '\n');
	return strtoul(line ? line + 1 : text, NULL, 16);
}

/* Has a page of nothing loaded as another kernel. 0 or a negative errno. */
static int kexec_load(unsigned long flags)
{
	static char page[4096];
	struct kexec_segment segment = { .buf = page, .bufsz = 16, .memsz = sizeof(page) };
	unsigned long at = flags & KEXEC_ON_CRASH ? crash_memory() : ANY_PA;

	segment.mem = (void *)at;
	if (!at)
		return -ENOENT;
	return syscall(SYS_kexec_load, at, 1ul, &segment, flags) ? -errno : 0;
}

static int kexec_unload(unsigned long flags)
{
	return syscall(SYS_kexec_load, 0ul, 0ul, NULL, flags) ? -errno : 0;
}

/* A launch without an image must fail for this reason. */
static bool launch_fails(struct verdict *v, const char *what, uint32_t expected)
{
	uint32_t reason = HF_REASON_NONE;
	int err = ctl_launch(NULL, 0, HF_ACTION_DENY, 0, &reason);

	if (err && reason == expected && ctl_state() == HF_STATE_ABSENT)
		return true;
	fail(v, "%s: launch gave %d for reason %u, not %u", what, err, reason, expected);
	return false;
}

static bool loaded_is_noticed(struct verdict *v, const char *what, unsigned long flags)
{
	static struct outcome o;
	int err = kexec_load(flags);

	if (err) {
		fail(v, "%s: cannot load: %s", what, strerror(-err));
		return false;
	}
	if (!launch_fails(v, what, HF_REASON_KEXEC))
		return false;
	if (holdfast(&o, "launch", "--image", IMAGE, NULL) <= 0 || !strstr(o.out, "kexec")) {
		fail(v, "%s: holdfast launch says: %s", what, o.out);
		return false;
	}
	/* The operator can do what the command says: nothing is closed after a failure. */
	err = kexec_unload(flags);
	if (err) {
		fail(v, "%s: cannot unload: %s", what, strerror(-err));
		return false;
	}
	return launch_fails(v, what, HF_REASON_BAD_IMAGE);
}

static void kexec_loaded(struct verdict *v)
{
	if (loaded_is_noticed(v, "kexec", 0) && loaded_is_noticed(v, "kdump", KEXEC_ON_CRASH))
		pass(v, "launch is refused while a kernel is loaded, for kexec or for kdump");
}

/* Does the machine still work, and has nothing been recorded since? */
static bool went_on(struct verdict *v, uint64_t events)
{
	static struct outcome o;
	struct hf_info info;

	run(&o, CLI_LIMIT, (const char *[]){ WORKLOAD, "once", "fork", "50", NULL });
	if (o.status || o.hung) {
		fail(v, "the machine is harmed: status %d: %s", o.status, o.out);
		return false;
	}
	if (!ctl_info(&info) && info.events == events)
		return true;
	fail(v, "%llu events since", (unsigned long long)(info.events - events));
	return false;
}

static void kexec_refused(struct verdict *v)
{
	struct hf_info info;
	int err;

	if (ctl_info(&info))
		return fail(v, "the hypervisor does not answer");
	err = kexec_load(0);
	if (err != -EPERM)
		return fail(v, "loading a kernel gave %d", err);
	/* Nothing to jump into. */
	err = syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		      LINUX_REBOOT_CMD_KEXEC, NULL)
		      ? -errno
		      : 0;
	if (err != -EINVAL)
		return fail(v, "reboot by kexec gave %d", err);
	if (went_on(v, info.events))
		pass(v, "no kernel can be loaded");
}

static void sleep_refused(struct verdict *v)
{
	char states[64], tried[64] = "", *state, *rest;
	struct hf_info info;
	int err;

	if (ctl_info(&info) || file_read("/sys/power/state", states, sizeof(states)) <= 0)
		return fail(v, "no hypervisor, or no /sys/power/state");
	if (!strstr(states, "mem") || !strstr(states, "disk"))
		return fail(v, "this machine cannot sleep: %s", states);
	for (state = strtok_r(states, " \n", &rest); state;
	     state = strtok_r(NULL, " \n", &rest)) {
		err = file_write("/sys/power/state", state);
		if (err != -EPERM)
			return fail(v, "sleep '%s' gave %d", state, err);
		snprintf(tried + strlen(tried), sizeof(tried) - strlen(tried), " %s", state);
	}
	if (went_on(v, info.events))
		pass(v, "refused with EPERM, no event:%s", tried);
}

const struct test_case leave_cases[] = {
	{ "kexec-loaded", kexec_loaded },
	{ "kexec-refused", kexec_refused },
	{ "sleep-refused", sleep_refused },
	{ NULL, NULL },
};
