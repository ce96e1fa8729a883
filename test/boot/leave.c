// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways out of the machine that the honest kernel knows: closed to it from launch on, with a clear
 * error, and everything goes on. What an attacker makes of them is in test/attack; that reboot and
 * power-off work, the end of each boot shows (hf.leave=, init.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* ---- a sleep register in memory: machines with hardware-reduced ACPI ---- */

#define FADT	       "/sys/firmware/acpi/tables/FACP"
#define FADT_SLEEP     244 /* sleep control: ACPI 6.5, table 5.9 and 5.2.3.2 */
#define FADT_END       268
#define SPACE_MEMORY   0
#define SLEEP_TYPE(n)  ((n) << 2)
#define SLEEP_ENABLE   0x20
#define TYPE_POWER_OFF 5 /* of this machine; that it works the end of the boot shows */

/* One access to memory by a process of its own. */
struct access {
	uint64_t at;
	enum {
		READ,
		STORE,
		STORE_WORD,
		STORE_STRING
	} how;
	uint16_t value;
};

/* An instruction of x86; other machines have no such case. */
static void store_string(void *to, uint8_t value)
{
#ifdef __x86_64__
	unsigned long one = 1;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(one) : "a"(value) : "memory");
#else
	(void)to;
	(void)value;
	abort();
#endif
}

static int child_access(const void *arg)
{
	const struct access *a = arg;
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, a->at & ~0xfffl);
	void *to = page + (a->at & 0xfff);

	if (page == MAP_FAILED)
		return 1;
	switch (a->how) {
	case READ:
		return *(volatile uint8_t *)to ? 2 : 0;
	case STORE:
		*(volatile uint8_t *)to = a->value;
		break;
	case STORE_WORD:
		*(volatile uint16_t *)to = a->value;
		break;
	case STORE_STRING:
		store_string(to, a->value);
	}
	return 0;
}

/* Whether the last event is that of this store. */
static bool recorded(uint64_t number, const struct access *a)
{
	struct hf_event event;

	return ctl_events(number, &event, 1) == 1 && event.asset == HF_ASSET_SLEEP &&
	       event.gpa == a->at && event.action == HF_ACTION_DENY;
}

/* Does it; refused it must be with one event, otherwise without. */
static bool accesses(struct verdict *v, struct access a, bool refused)
{
	static struct outcome o;
	struct hf_info before, after;

	if (ctl_info(&before)) {
		fail(v, "the hypervisor does not answer");
		return false;
	}
	run_child(&o, CLI_LIMIT, child_access, &a);
	if (!ctl_info(&after) && o.status == (refused ? 128 + SIGSEGV : 0) &&
	    after.events == before.events + refused && (!refused || recorded(after.events, &a)))
		return true;
	fail(v, "access %u of %#x: status %d, %llu events", a.how, a.value, o.status,
	     (unsigned long long)(after.events - before.events));
	return false;
}

static void sleep_memory(struct verdict *v)
{
	static char fadt[4096];
	uint64_t at;
	uint16_t type;

	if (file_read(FADT, fadt, sizeof(fadt)) < FADT_END || fadt[FADT_SLEEP] != SPACE_MEMORY)
		return fail(v, "this machine has no sleep register in memory");
	memcpy(&at, fadt + FADT_SLEEP + 4, sizeof(at));
	if (!accesses(v, (struct access){ at, READ, 0 }, false) ||
	    !accesses(v, (struct access){ at, STORE, SLEEP_TYPE(3) }, false) ||
	    !accesses(v, (struct access){ at + 2, STORE, 0 }, false) ||
	    !accesses(v, (struct access){ at, STORE_WORD, 0 }, false) ||
	    !accesses(v, (struct access){ at, STORE_STRING, 0 }, true))
		return;
	for (type = 0; type < 8; type++)
		if (type != TYPE_POWER_OFF &&
		    (!accesses(v, (struct access){ at, STORE, SLEEP_ENABLE | SLEEP_TYPE(type) },
			       true) ||
		     !accesses(
			     v,
			     (struct access){ at, STORE_WORD, SLEEP_ENABLE | SLEEP_TYPE(type) },
			     true)))
			return;
	pass(v, "every type but power-off is refused, all else is done, at %#llx",
	     (unsigned long long)at);
}

const struct test_case leave_cases[] = {
	{ "kexec-loaded", kexec_loaded },
	{ "kexec-refused", kexec_refused },
	{ "sleep-refused", sleep_refused },
	{ "sleep-memory", sleep_memory },
	{ NULL, NULL },
};
