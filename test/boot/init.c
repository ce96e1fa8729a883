// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of a test machine. Brings the machine to the state that the kernel command line asks
 * for, runs the cases it names, reports on a port of its own and switches the machine off.
 *
 * hf.mode=bare		no Holdfast (default)
 * hf.mode=locked	agent loaded, launched, locked
 * hf.mode=allow	the same with the action allow
 * hf.mode=launched	agent loaded, launched, never locked
 * hf.mode=manual	agent loaded, no more: the cases do the rest
 * hf.mode=control	agent loaded, launched where an attack asks for that: proves that
 *			attacks on Holdfast itself work before lock
 * hf.run=A,B,C		the cases to run then, in this order
 * hf.attacks=yes	run the attacks: in bare mode once; in the others before launch, before
 *			lock and after lock, as each attack's control demands
 * hf.only=A,B		of the attacks, only these; an attack that may take the machine with it
 *			runs only so, and its control in a machine of its own, too (bare, control)
 * hf.port=TTY		where to report (default ttyS1)
 * hf.leave=reboot	at the end reboot; otherwise switch off
 * hf.seconds=N		how long each hostile load lasts (default 5)
 * hf.check=yes		the hypervisor checks its own work
 * hf.livepatch-module=yes
 *			load the module with a live patch, which is not enabled yet, first of all
 * hf.guard=apic	launch with the init-guard (default off)
 * hf.exec-control=two-table|off
 *			launch so (default hardware)
 * hf.ftrace=, hf.kprobes=, hf.livepatch=off|before-lock|on
 *			the policies to lock with (default before-lock)
 * hf.launch=boot	the hypervisor has started before the kernel
 * hf.serial=PORT	I/O port the hypervisor copies its events to (default 0x3e8)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "guest.h"

static bool mode_is(const char *mode)
{
	return !strcmp(cmdline_get("mode", "bare"), mode);
}

static void mount_all(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mkdir("/tmp", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	/* The debug file systems of a stock system: the load must look like real life. */
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
}

/* What machine this is: the driver compares it with the machine it meant to start. */
static void report_start(void)
{
	static char cpuinfo[65536];
	struct utsname u;

	uname(&u);
	report_begin();
	report_str("start", u.release);
	report_int("cpus", sysconf(_SC_NPROCESSORS_ONLN));
	report_int("la57", file_read("/proc/cpuinfo", cpuinfo, sizeof(cpuinfo)) > 0 &&
				   strstr(cpuinfo, " la57") != NULL);
	report_str("mode", cmdline_get("mode", "bare"));
	report_end();
}

/* One step of the way to a locked machine, reported as a case. False ends the way. */
static bool step(const char *name, int status, const char *detail)
{
	struct verdict v = { 0 };

	if (status == 0)
		pass(&v, "%s", "");
	else
		fail(&v, "status %d: %s", status, detail);
	case_report(name, &v);
	return status == 0;
}

static bool load_agent(void)
{
	return step("agent-load", module_load(AGENT_MODULE, ""), "finit_module " AGENT_MODULE);
}

static bool launch(void)
{
	static struct outcome o;
	const char *action = mode_is("allow") ? "allow" : "deny";
	const char *serial = cmdline_get("serial", "0x3e8");
	const char *guard = cmdline_get("guard", "off");
	const char *control = cmdline_get("exec-control", "hardware");
	const char *check = strcmp(cmdline_get("check", "no"), "yes") ? NULL : "--self-check";
	int err = holdfast(&o, "launch", "--image", IMAGE, "--action", action, "--serial",
			   serial, "--init-guard", guard, "--exec-control", control, check,
			   NULL);

	return step("launch", err, o.out);
}

static bool lock(void)
{
	static struct outcome o;
	int err = holdfast(&o, "lock", "--ftrace", cmdline_get("ftrace", "before-lock"),
			   "--kprobes", cmdline_get("kprobes", "before-lock"), "--livepatch",
			   cmdline_get("livepatch", "before-lock"), NULL);

	return step("lock", err, o.out);
}

/* Goes as far as the mode says, with the attacks on the way. False: not as far as it should. */
static bool advance(bool attacks)
{
	/* A control that takes the machine with it has a machine of its own. */
	bool controls = attacks && (mode_is("control") || !*cmdline_get("only", ""));

	if (mode_is("bare")) {
		if (attacks)
			attack_phase("bare");
		return true;
	}
	if (!load_agent())
		return false;
	if (mode_is("manual"))
		return true;
	if (controls)
		attack_phase("prelaunch");
	if (mode_is("control") && !attack_waits("prelock"))
		return true;
	if (strcmp(cmdline_get("launch", "agent"), "boot") && !launch())
		return false;
	/* For attacks on it; where none can be hosted they say so. */
	if (attacks)
		service_start();
	if (controls)
		attack_phase("prelock");
	if (mode_is("control") || mode_is("launched"))
		return true;
	if (!lock())
		return false;
	if (attacks)
		attack_phase("locked");
	return true;
}

static void run_cases(char *list)
{
	char *name;

	for (name = strtok(list, ","); name; name = strtok(NULL, ","))
		case_run(name);
}

static void tell_end(void)
{
	report_begin();
	report_raw("end", "true");
	report_end();
}

static void leave(void)
{
	sync();
	/* Emulated UARTs drain at their own pace. */
	usleep(300000);
	reboot(strcmp(cmdline_get("leave", "off"), "reboot") ? RB_POWER_OFF : RB_AUTOBOOT);
	for (;;)
		pause();
}

int main(void)
{
	static char list[4096];
	bool attacks, ready;

	if (getpid() != 1) {
		fprintf(stderr, "this is the PID 1 of a test machine\n");
		return 2;
	}
	mount_all();
	cmdline_read();
	snprintf(list, sizeof(list), "/dev/%s", cmdline_get("port", "ttyS1"));
	if (report_open(list)) {
		printf("holdfast: cannot open %s\n", list);
		leave();
	}
	report_start();

	attacks = !strcmp(cmdline_get("attacks", "no"), "yes");
	if (attacks && attack_open() < 0)
		attacks = false;
	if (!strcmp(cmdline_get("livepatch-module", "no"), "yes"))
		module_load(LIVE_MODULE, "");
	ready = advance(attacks);
	/* Cases that wanted a locked machine say nothing on another one, and are missed. */
	if (ready) {
		snprintf(list, sizeof(list), "%s", cmdline_get("run", ""));
		run_cases(list);
	}
	tell_end();
	leave();
}
