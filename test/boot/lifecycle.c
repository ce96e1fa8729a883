// SPDX-License-Identifier: GPL-2.0-only
/*
 * Launch and lock in every wrong order, with every wrong input and on every wrong machine: a
 * clear error, everything rolled back, the machine unharmed. All cases but the last leave the
 * machine as a failed launch should leave it, so that one boot runs them all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <holdfast/event.h>
#include <holdfast/hypercall.h>
#include <holdfast/image.h>

#include "guest.h"

#define PARAMETERS "/sys/module/holdfast/parameters/"
#define SERIAL	   0x3e8
#define LEAK	   (4 << 10) /* KiB of free memory that may come and go by itself */
#define ROUNDS	   3

static uint8_t image[HF_IMAGE_SIZE_MAX + 1];
static long image_size;

static bool image_get(struct verdict *v)
{
	image_size = file_read(IMAGE, (char *)image, sizeof(image));
	if (image_size < (long)sizeof(struct hf_image_header)) {
		fail(v, "no image " IMAGE ": %ld", image_size);
		return false;
	}
	return true;
}

/* Does the machine still work, is it still not launched, is all memory usable? */
static bool unharmed(struct verdict *v)
{
	static struct outcome o;
	int state = ctl_state();

	if (state != HF_STATE_ABSENT) {
		fail(v, "after the failure the state is %d", state);
		return false;
	}
	run(&o, CLI_LIMIT, (const char *[]){ WORKLOAD, "once", "fork", "5", NULL });
	if (o.status == 0 && !o.hung)
		return true;
	fail(v, "after the failure the machine is harmed: status %d: %s", o.status, o.out);
	return false;
}

/* A launch with these bytes must fail for this reason. */
static bool refused(struct verdict *v, const char *what, long size, uint32_t action,
		    uint32_t port, uint32_t expected)
{
	uint32_t reason = HF_REASON_NONE;
	int err = ctl_launch(image, size, action, port, &reason);

	if (err == 0 || reason != expected) {
		fail(v, "%s: launch gave %d for reason %u, not %u", what, err, reason,
		     expected);
		return false;
	}
	return unharmed(v);
}

static bool refused_now(struct verdict *v, const char *what, uint32_t expected)
{
	return refused(v, what, image_size, HF_ACTION_DENY, SERIAL, expected);
}

/* The command must fail as well, and say why. */
static bool command_refused(struct verdict *v, const char *what, const char *path)
{
	static struct outcome o;
	int status = holdfast(&o, "launch", "--image", path, NULL);

	if (status <= 0 || strlen(o.out) < 10) {
		fail(v, "%s: holdfast launch ended with %d, saying: %s", what, status, o.out);
		return false;
	}
	o.out[strcspn(o.out, "\n")] = '\0';
	pass(v, "%s", o.out);
	return unharmed(v);
}

/* --- the wrong order --- */

static void lock_before_launch(struct verdict *v)
{
	static struct outcome o;
	int status = holdfast(&o, "lock", NULL);

	if (status <= 0 || strlen(o.out) < 10)
		return fail(v, "holdfast lock ended with %d, saying: %s", status, o.out);
	o.out[strcspn(o.out, "\n")] = '\0';
	pass(v, "%s", o.out);
	unharmed(v);
}

/* --- the wrong image --- */

static bool bad_header(struct verdict *v)
{
	struct hf_image_header *h = (void *)image;
	struct hf_image_header good = *h;
	bool ok;

	h->magic ^= 1;
	ok = refused_now(v, "wrong magic", HF_REASON_BAD_IMAGE);
	*h = good;
	h->backend = HF_BACKEND_EL2;
	ok = ok && refused_now(v, "foreign backend", HF_REASON_NO_VIRT);
	*h = good;
	h->file_size++;
	ok = ok && refused_now(v, "wrong file size", HF_REASON_BAD_IMAGE);
	*h = good;
	h->memory_size = ~0ull;
	ok = ok && refused_now(v, "huge memory size", HF_REASON_BAD_IMAGE);
	*h = good;
	h->entry = ~0ull;
	ok = ok && refused_now(v, "entry outside", HF_REASON_BAD_IMAGE);
	*h = good;
	return ok;
}

static void bad_image(struct verdict *v)
{
	if (!image_get(v) || !bad_header(v))
		return;
	if (!refused(v, "empty image", 0, HF_ACTION_DENY, 0, HF_REASON_BAD_IMAGE) ||
	    !refused(v, "cut header", 79, HF_ACTION_DENY, 0, HF_REASON_BAD_IMAGE) ||
	    !refused(v, "cut image", image_size - 1, HF_ACTION_DENY, 0, HF_REASON_BAD_IMAGE) ||
	    !refused(v, "huge image", sizeof(image), HF_ACTION_DENY, 0, HF_REASON_BAD_IMAGE))
		return;
	if (command_refused(v, "no image", "/nowhere"))
		command_refused(v, "program as image", WORKLOAD);
}

static void version_mismatch(struct verdict *v)
{
	static const char path[] = "/tmp/other.img";
	struct hf_image_header *h = (void *)image;
	int fd;

	if (!image_get(v))
		return;
	h->abi = HF_ABI + 1;
	if (!refused_now(v, "other ABI", HF_REASON_ABI))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, image, image_size) != image_size)
		return fail(v, "cannot write %s", path);
	close(fd);
	command_refused(v, "other ABI", path);
	unlink(path);
}

static void bad_option(struct verdict *v)
{
	if (!image_get(v) ||
	    !refused(v, "action kill", image_size, HF_ACTION_KILL, 0, HF_REASON_BAD_OPTION) ||
	    !refused(v, "action 99", image_size, 99, 0, HF_REASON_BAD_OPTION) ||
	    !refused(v, "port 0x10000", image_size, HF_ACTION_DENY, 0x10000,
		     HF_REASON_BAD_OPTION))
		return;
	pass(v, "actions and ports out of range are refused");
}

/* --- the wrong machine --- */

static void no_virt(struct verdict *v)
{
	if (image_get(v) && refused_now(v, "no extension", HF_REASON_NO_VIRT))
		command_refused(v, "no extension", IMAGE);
}

static void no_nested_paging(struct verdict *v)
{
	if (image_get(v) && refused_now(v, "no nested paging", HF_REASON_NO_NESTED_PAGING))
		command_refused(v, "no nested paging", IMAGE);
}

static void cpu_offline(struct verdict *v)
{
	static const char online[] = "/sys/devices/system/cpu/cpu1/online";
	bool ok;

	if (!image_get(v))
		return;
	if (file_write(online, "0"))
		return fail(v, "cannot take CPU 1 offline");
	ok = refused_now(v, "CPU 1 offline", HF_REASON_CPU_OFFLINE) &&
	     command_refused(v, "CPU 1 offline", IMAGE);
	if (file_write(online, "1"))
		return fail(v, "cannot bring CPU 1 back after the failure");
	if (ok)
		unharmed(v);
}

/* On a machine that has more CPUs than the kernel was told to use. */
static void cpu_missing(struct verdict *v)
{
	if (image_get(v) && refused_now(v, "a CPU left out", HF_REASON_CPU_MISSING))
		command_refused(v, "a CPU left out", IMAGE);
}

/* On a machine with sockets for CPUs that can be plugged in. */
static void cpu_slots(struct verdict *v)
{
	if (image_get(v) && refused_now(v, "free CPU sockets", HF_REASON_CPU_SLOTS))
		command_refused(v, "free CPU sockets", IMAGE);
}

/* After launch, before lock: where the hypervisor sees INIT, CPUs may go and come back. */
static void hotplug_early(struct verdict *v)
{
	static const char online[] = "/sys/devices/system/cpu/cpu1/online";
	bool guard = !strcmp(cmdline_get("guard", "off"), "apic");
	static struct outcome o;
	struct hf_info info;
	int i, err = 0;

	if (holdfast(&o, "launch", "--image", IMAGE, "--serial", "0x3e8", "--init-guard",
		     cmdline_get("guard", "off"), NULL))
		return fail(v, "launch: %s", o.out);
	for (i = 0; i < 5 && !err; i++) {
		err = file_write(online, "0");
		if (!err)
			err = file_write(online, "1");
	}
	if (!guard)
		return err == -EBUSY ? pass(v, "without init-guard no CPU can be taken down")
				     : fail(v, "taking CPU 1 down: %d, not -EBUSY", err);
	if (err)
		return fail(v, "taking CPU 1 down and up: %d", err);
	/* To the kernel a CPU is away while the machine is locked; to the hypervisor it halts. */
	if (file_write(online, "0") || holdfast(&o, "lock", NULL))
		return fail(v, "lock with CPU 1 down: %s", o.out);
	if (ctl_info(&info) || info.cpus_locked != info.cpus)
		return fail(v, "%u of %u CPUs are locked", info.cpus_locked, info.cpus);
	if (file_write(online, "1") || ctl_info(&info) || info.cpus_locked != info.cpus)
		return fail(v, "%u of %u CPUs are locked after CPU 1 came back",
			    info.cpus_locked, info.cpus);
	pass(v, "5 times before lock, once across it");
}

static bool kvm_load(struct verdict *v)
{
	char path[512];
	int err = modules_load(KVM_MODULES, path, sizeof(path));

	if (err)
		fail(v, "cannot load %s: %s", path, strerror(-err));
	return err == 0;
}

#define KVM_CREATE_VM _IO(0xae, 0x01) /* linux/kvm.h */

static void kvm_in_use(struct verdict *v)
{
	int kvm, vm, err;
	bool ok;

	if (!image_get(v) || !kvm_load(v))
		return;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0) {
		fail(v, "cannot create a KVM guest: %s", strerror(errno));
	} else {
		ok = refused_now(v, "a KVM guest", HF_REASON_VIRT_IN_USE) &&
		     command_refused(v, "a KVM guest", IMAGE);
		close(vm);
		if (ok)
			unharmed(v);
	}
	close(kvm);
	/* Since 6.12 KVM holds the extension as long as it is loaded. */
	err = modules_unload(KVM_MODULES);
	if (v->ok && err)
		fail(v, "cannot unload KVM: %s", strerror(-err));
}

/* --- failures on the way --- */

static void parameter(const char *name, unsigned int value)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%u", value);
	file_write(path, text);
}

static long long free_memory(void)
{
	static char text[8192];
	const char *at;

	file_write("/proc/sys/vm/drop_caches", "3");
	if (file_read("/proc/meminfo", text, sizeof(text)) <= 0)
		return -1;
	at = strstr(text, "MemFree:");
	return at ? atoll(at + strlen("MemFree:")) : -1;
}

/*
 * Fails allocation 1, 2, 3, ... by the parameter @name. inject_cpu=1 is set all the while: the
 * launch that gets as far as failing for that has made all its allocations. Returns how many
 * there are, or -1.
 */
static int inject_each(struct verdict *v, const char *name)
{
	uint32_t reason;
	int n, err;

	for (n = 1; n < 100000; n++) {
		parameter(name, n);
		err = ctl_launch(image, image_size, HF_ACTION_DENY, SERIAL, &reason);
		if (err && reason == HF_REASON_CPU_FAILED)
			break;
		if (!err || reason != HF_REASON_NO_MEMORY) {
			fail(v, "%s=%d: launch gave %d for reason %u", name, n, err, reason);
			return -1;
		}
		if (!unharmed(v))
			return -1;
	}
	parameter(name, 0);
	if (n > 1)
		return n - 1;
	fail(v, "%s failed nothing", name);
	return -1;
}

static bool inject_cpus(struct verdict *v, int cpus)
{
	int cpu;

	for (cpu = 1; cpu <= cpus; cpu++) {
		parameter("inject_cpu", cpu);
		if (!refused_now(v, "failing CPU", HF_REASON_CPU_FAILED))
			return false;
	}
	return true;
}

/* Memory that was hidden from the kernel and not given back in order shows when it is used. */
static bool memory_usable(struct verdict *v)
{
	static struct outcome o;

	run(&o, CLI_LIMIT, (const char *[]){ WORKLOAD, "fill", "80", NULL });
	if (o.status == 0 && !o.hung)
		return true;
	fail(v, "memory is not usable any more: status %d: %s", o.status, o.out);
	return false;
}

/*
 * One round of failures: all allocations, then all CPUs. The numbers go to @agent and @hypervisor.
 */
static bool inject_round(struct verdict *v, int cpus, int *agent, int *hypervisor)
{
	parameter("inject_cpu", 1);
	*agent = inject_each(v, "inject_alloc");
	if (*agent < 0)
		return false;
	*hypervisor = inject_each(v, "inject_hv_alloc");
	if (*hypervisor < 0 || !inject_cpus(v, cpus))
		return false;
	parameter("inject_cpu", 0);
	return true;
}

static void inject(struct verdict *v)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int agent = 0, hypervisor = 0, round;
	long long before = 0, after = 0;

	if (!image_get(v))
		return;
	/* Once before measuring: what the first launch sets up for good is no leak. */
	parameter("inject_cpu", 1);
	if (!refused_now(v, "failing CPU", HF_REASON_CPU_FAILED))
		return;
	/* The kernel takes memory of its own now and then; a leak takes as much in every round. */
	for (round = 0; round < ROUNDS; round++) {
		before = free_memory();
		if (!inject_round(v, cpus, &agent, &hypervisor))
			return;
		after = free_memory();
		if (before >= 0 && before - after <= LEAK)
			break;
	}
	if (round == ROUNDS)
		return fail(v, "free memory went from %lld to %lld KiB, round after round",
			    before, after);
	if (memory_usable(v))
		pass(v,
		     "failed each of %d allocations of the agent, %d of the hypervisor, %d "
		     "CPUs",
		     agent, hypervisor, cpus);
}

/*
 * A lock fails at this call: HF_CALL_*, or the first, second, ... A module comes and goes between
 * attempts, so that what is to be sealed is not the same twice.
 */
static bool lock_fails(struct verdict *v, unsigned int attempt, unsigned int call)
{
	static struct outcome o;
	int err = attempt % 2 ? module_unload("hf_livepatch") : module_load(LIVE_MODULE, "");

	if (err) {
		fail(v, "a module: %s", strerror(-err));
		return false;
	}
	parameter("inject_call", call);
	err = holdfast(&o, "--json", "lock", "--kprobes", "on", NULL);
	parameter("inject_call", 0);
	if (err > 0 && strstr(o.out, "\"refused\"") && ctl_state() == HF_STATE_LAUNCHED)
		return true;
	fail(v, "inject_call=%#x: lock gave %d, state %d: %s", call, err, ctl_state(), o.out);
	return false;
}

/* What failed has left nothing: neither places that are not there any more, nor its policies. */
static void lock_late(struct verdict *v)
{
	static const unsigned int calls[] = {
		HF_CALL_FORGET, HF_CALL_PROTECT, 20, 90, HF_CALL_TEMPLATE, HF_CALL_LOCK,
	};
	static struct outcome o;
	unsigned int i;

	if (holdfast(&o, "launch", "--image", IMAGE, "--serial", "0x3e8", NULL))
		return fail(v, "launch: %s", o.out);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!lock_fails(v, i, calls[i]))
			return;
	if (holdfast(&o, "lock", NULL) || ctl_state() != HF_STATE_LOCKED)
		return fail(v, "lock after %u that failed: %s", i, o.out);
	if (holdfast(&o, "status", NULL) || strstr(o.out, "breakpoint can be set"))
		return fail(v, "the policy is that of a lock that failed: %s", o.out);
	run(&o, CLI_LIMIT, (const char *[]){ WORKLOAD, "once", "fork", "50", NULL });
	if (o.status || o.hung)
		return fail(v, "the machine is harmed: status %d: %s", o.status, o.out);
	pass(v, "locked after %u locks that failed", i);
}

/* --- and after all that, the right way, once --- */

static void launch_and_lock(struct verdict *v)
{
	static struct outcome o;
	uint32_t reason = HF_REASON_NONE;
	int err;

	if (!image_get(v))
		return;
	if (holdfast(&o, "launch", "--image", IMAGE, "--serial", "0x3e8", NULL))
		return fail(v, "launch: %s", o.out);
	err = ctl_launch(image, image_size, HF_ACTION_DENY, SERIAL, &reason);
	if (!err || reason != HF_REASON_ALREADY)
		return fail(v, "second launch gave %d for reason %u", err, reason);
	if (holdfast(&o, "launch", "--image", IMAGE, NULL) <= 0)
		return fail(v, "the second holdfast launch succeeded");
	if (module_unload("holdfast") == 0)
		return fail(v, "the agent could be unloaded after launch");
	if (holdfast(&o, "lock", NULL))
		return fail(v, "lock: %s", o.out);
	if (holdfast(&o, "lock", NULL) <= 0)
		return fail(v, "the second holdfast lock succeeded");
	if (ctl_state() != HF_STATE_LOCKED)
		return fail(v, "the state is %d, not locked", ctl_state());
	run(&o, CLI_LIMIT, (const char *[]){ WORKLOAD, "once", "fork", "50", NULL });
	if (o.status || o.hung)
		return fail(v, "the machine is harmed: status %d: %s", o.status, o.out);
	pass(v, "launched and locked once, refused the second time");
}

const struct test_case lifecycle_cases[] = {
	{ "lock-before-launch", lock_before_launch },
	{ "bad-image", bad_image },
	{ "version-mismatch", version_mismatch },
	{ "bad-option", bad_option },
	{ "no-virt", no_virt },
	{ "no-nested-paging", no_nested_paging },
	{ "cpu-offline", cpu_offline },
	{ "cpu-missing", cpu_missing },
	{ "cpu-slots", cpu_slots },
	{ "hotplug-early", hotplug_early },
	{ "kvm-in-use", kvm_in_use },
	{ "inject", inject },
	{ "lock-late", lock_late },
	{ "launch-and-lock", launch_and_lock },
	{ NULL, NULL },
};
