#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make test: unit tests, then every boot of the table below. Ends with `N passed, N failed`.

  suite.py [--full] [--intel | --arm] [--list] [--no-unit] [BOOT...]

--full: every kernel, number of CPUs, depth of paging and CPU model, with loads of a minute. Hours,
but a run that is interrupted leaves what it has in build/full, and the next one goes on from there.
--intel: nothing but the boots in Bochs, and a compiler at run time for a minute.
--arm: nothing but the boots of arm64.
"""

import argparse
import itertools
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import attacks as attack_list
import command
import configs
import fleet
import kept
import matrix
import place
import selftest
from configs import Config
from models import MODELS


class Spec:
    """One boot and what must come of it. Every case in run must be reported, once, as passed."""

    def __init__(self, name, mode, run="", attacks=None, fails=None, config=None, words=(),
                 further="", launches=False, confines=False, **machine):
        self.name = name
        self.mode = mode
        self.run = [case for case in run.split(",") if case]
        self.attacks = attacks          # None: none; "": all that share a machine; or names
        self.fails = fails              # a boot that must fail: what its problem must contain
        self.config = config
        self.confines = confines        # attacks that this closes must not be open
        self.launches = launches        # mode control: the control of an attack comes after launch
        # Of the kernel's command line: what PID 1 reads, and what the kernel does.
        self.further = " ".join(filter(None, (place.more_words(**dict(words)), further)))
        self.machine = dict(config.machine() if config else {}, **machine)

    def expected(self):
        """Names of the cases that the boot must report."""
        steps = {"bare": [], "manual": ["agent-load"],
                 "control": ["agent-load"] + ["launch"] * self.launches,
                 "launched": ["agent-load", "launch"],
                 "locked": ["agent-load"] + ["launch"] * (self.machine.get("arch") != "arm64") +
                           ["lock"],
                 "allow": ["agent-load", "launch", "lock"]}[self.mode]
        return (["attack-load"] if self.attacks is not None else []) + steps + self.run


# No case that patches what all CPUs run: see patching_boot.
QUIET = "audit,fork,modules,stress,traps,command"
PATCHES = ("patch-key,patch-events,preempt-mode,trace-one,trace-two,trace-graph,probe-entry,"
           "probe-inside,probe-optimised,probe-many,livepatch-on,trace-all")
PATCHES_ARM = "patch-key,patch-events,trace-one,trace-two,trace-graph"
# One of each, where the machine is what counts.
PATCHES_FEW = "patch-key,trace-one,trace-two,probe-inside"
WRONG = "lock-before-launch,bad-image,version-mismatch,bad-option"
SERVICE = ("service-load,service-echo,service-vector,service-misbehave,service-reach,service-endless,"
           "service-compute,service-lent,service-locked")
AUTHORITY = ("authority-load,authority-lock,authority-unsigned,authority-forged,authority-told,"
             "authority-resident,authority-stock")
# A few of each kind, where a whole round of attacks would show no more.
FEW = "text-wp,text-vmap,rodata-pte,idt-write,smep-clear,lstar-change,vmrun,clgi,firmware-write"
# Code that nobody has verified; where that is refused, and what is refused as everywhere.
EXECUTE = ("execute-heap,execute-vmalloc,execute-modules,execute-init,execute-user,"
           "execute-user-pte,execute-user-direct,remap-text")
CONFINED = "user-code,user-jit,modules-refused,bpf-interpreted"
FEW_INTEL = "text-wp,text-vmap,rodata-pte,idt-write,smep-clear,lstar-change,vmxon"
# What must be refused even where tracers and probes may be set after lock.
ALL_ON = {"ftrace": "on", "kprobes": "on", "livepatch": "on"}
FOREIGN = ("site-bytes,site-foreign,site-across,site-head,site-tail,site-whole,site-half,"
           "site-mixed,site-beyond,site-entry,site-left,site-race,site-source,call-middle,"
           "call-tramp,call-zero,trace-jump,trace-data,trace-byte,trace-middle,trace-function,"
           "trace-alias,trace-user,trace-race,slot-data,slot-byte,slot-call,slot-copy,slot-back,"
           "slot-alias")

# Seconds of each hostile load, in make test and make test-full.
SHORT, LONG = 5, 60

# The emulator never delivers the INIT intercept: the guard of the APIC takes its place. The
# hypervisor's checks of itself are on, too. Both cost exits: boots that count have neither.
GUARDED = {"guard": "apic", "check": "yes"}
PATCHING = dict(GUARDED, **ALL_ON, **{"livepatch-module": "yes"})


def harness_boots():
    """The harness must see a failure where there is one."""
    return [
        Spec("self-case", "bare", "self-fail", fails="case self-fail"),
        Spec("self-silent", "bare", "self-silent", fails="case self-silent"),
        Spec("self-unknown", "bare", "no-such-case", fails="case no-such-case"),
        Spec("self-panic", "bare", "self-panic", fails="kernel is lost", cpus=2),
        Spec("self-reset", "bare", "self-reset", fails="before the end of its report"),
        Spec("self-hang", "bare", "self-hang", fails="hang", limit=20),
        Spec("self-children", "bare", "self-children"),
    ]


def timed(seconds):
    """Arguments of a Spec for boots with loads of so many seconds."""
    return {"words": dict(GUARDED, seconds=seconds, stress=seconds), "limit": 300 + 10 * seconds}


def attack_boots(config, seconds, run="fork", **words):
    """Attacks, on every machine."""
    options = timed(seconds)
    options["words"].update(words)
    yield Spec("bare-" + config.name, "bare", attacks="", config=config, **timed(seconds))
    yield Spec("locked-" + config.name, "locked", run, attacks="", config=config, **options)


def load_boots(config, seconds):
    """What must cause no event, or no exit, on every machine. The long loads once: where there is
    more than one CPU, while these go and come."""
    yield Spec("quiet-" + config.name, "locked", QUIET, config=config,
               **timed(seconds if config.cpus == 1 else SHORT))
    if config.cpus > 1:
        yield Spec("hotplug-" + config.name, "locked", "hotplug-load", config=config,
                   **timed(seconds))
    yield Spec("steady-" + config.name, "locked", "steady", config=config)


def other_boots(kernel, seconds):
    """What one machine of each kernel is enough for."""
    config = Config(kernel, 2, True)
    yield Spec("audit-" + config.name, "locked", "audit-finds,kcore", config=config)
    yield Spec("allow-" + config.name, "allow", "fork,audit-open", attacks="", config=config,
               words=GUARDED)
    yield Spec("nmi-" + config.name, "allow", "nmi-outside,nmi-inside,nmi-backtrace,nmi-routed",
               config=config, words=GUARDED)
    yield Spec("nmi-unguarded-" + config.name, "allow", "nmi-routed", config=config,
               words={"check": "yes"})
    yield Spec("cycle-" + config.name, "locked", "cpu-cycle,cpu-cycle-attack,fork",
               attacks="smep-clear", config=config, words=GUARDED)
    yield Spec("service-" + config.name, "launched", SERVICE, config=config, words=GUARDED)
    yield Spec("authority-" + config.name, "launched", AUTHORITY, config=config, words=GUARDED)
    yield Spec("unjudged-" + config.name, "bare",
               "authority-stock,authority-unsigned,authority-forged", config=config)
    yield Spec("patched-" + kernel, "manual", "patch-kept", config=config, one_thread=True)
    yield Spec("livepatch-" + kernel, "manual", "livepatch-before-lock", config=config,
               one_thread=True)
    yield Spec("wrong-" + config.name, "manual",
               WRONG + ",cpu-offline,kvm-in-use,kexec-loaded,inject,launch-and-lock",
               config=config, further="crashkernel=32M")
    yield Spec("two-table-" + config.name, "locked", "fork,audit,command,cpu-cycle," + CONFINED,
               attacks=EXECUTE, config=config, confines=True, limit=400 + 10 * seconds,
               words=dict(GUARDED, seconds=seconds, **{"exec-control": "two-table"}))
    efi = dict(config=config, attacks=FEW + ",firmware-write", words=GUARDED, firmware=place.OVMF)
    yield Spec("efi-bare-" + config.name, "bare", "efi", **efi)
    yield Spec("efi-locked-" + config.name, "locked", "efi,fork", **efi)


def patching_boot(config, patches=PATCHES):
    """Two threads of QEMU 7.2 can go on with an instruction that one of them has patched meanwhile,
    also without Holdfast. A place in the way of everybody, patched thousands of times, finds it."""
    return Spec("patching-" + config.name, "locked", patches + ",fork", config=config,
                one_thread=True, words=PATCHING, limit=600)


def patching_boots(full):
    """The kernel patches its code, and somebody else tries to."""
    for config in configs.PATCHING_ALL if full else configs.PATCHING_SOME:
        yield patching_boot(config)
        yield Spec("tracing-" + config.name, "locked", "fork", attacks=FOREIGN, config=config,
                   words=dict(GUARDED, **ALL_ON))
    if not full:
        yield patching_boot(Config("6.1", 2, False, "Opteron_G3"), PATCHES_FEW)
        return
    for kernel in configs.KERNELS:
        yield Spec("livepatch-off-" + kernel, "manual", "livepatch-off",
                   config=Config(kernel, 2, True))


def single_boots(full):
    """What is not repeated on every machine."""
    for kernel in configs.KERNELS:
        yield from other_boots(kernel, LONG if full else SHORT)
    yield from patching_boots(full)
    for config in (Config("6.12", 1, False, "EPYC"), Config("6.1", 4, False)):
        yield Spec("service-" + config.name, "launched", SERVICE, config=config, words=GUARDED)
    yield Spec("service-none", "launched", "service-none", words=GUARDED,
               config=Config("6.1", 2, False, "Opteron_G3"))
    yield Spec("wrong-calls", "manual", "lock-call-depth",
               config=Config("6.12", 2, False, "EPYC"), further=place.CALL_DEPTH_WORDS)
    # On CPUs without UMIP.
    for case in ("tables-hidden", "tables-shown"):
        yield Spec(case, "manual", case, config=Config("6.12", 2, False, "EPYC"))
    yield Spec("tables-hidden-old", "manual", "tables-hidden",
               config=Config("6.1", 2, False, "Opteron_G3"))
    yield Spec("wrong-1cpu", "manual", WRONG + ",inject,launch-and-lock", cpus=1, la57=False)
    yield Spec("wrong-missing", "manual", "cpu-missing", cpus=1, smp="2", further="nr_cpus=1")
    yield Spec("wrong-unlisted", "manual", "cpu-missing", cpus=1, smp="2",
               further="nr_cpus=1 acpi=off reboot=k hf.leave=reboot")
    yield Spec("wrong-slots", "manual", "cpu-slots", cpus=2, smp="2,maxcpus=4")
    for kernel in configs.KERNELS if full else configs.KERNELS[-1:]:
        yield Spec("wrong-late-" + kernel, "manual", "lock-late,audit,patch-key",
                   config=Config(kernel, 2, True), one_thread=True)
    yield Spec("hotplug-off", "manual", "hotplug-early", cpus=2)
    yield Spec("hotplug-early", "manual", "hotplug-early", cpus=2, words=GUARDED)
    yield Spec("leave", "locked", "sleep-refused,kexec-refused", cpus=2)
    yield Spec("leave-memory", "locked", "sleep-memory", board=place.SLEEP_IN_MEMORY,
               further=place.SLEEP_IN_MEMORY_WORDS)
    # Every way to reboot that the emulator honours: firmware, keyboard controller, triple fault, PCI.
    for cpus, ways in ((1, "at"), (2, "aktp")):
        for way in ways:
            yield Spec("reboot-%dcpu-%s" % (cpus, way), "locked", cpus=cpus,
                       further="reboot=%s hf.leave=reboot" % way)
    yield Spec("resident", "manual", "resident", cpus=2)
    # QEMU takes CPUID leaves away with SVM that user space needs where LA57 is on: bare kernels
    # run no static program there either.
    yield Spec("no-svm", "manual", "no-virt", cpu="svm=off", la57=False)
    yield Spec("no-npt", "manual", "no-nested-paging", cpu="npt=off")


def intel_boots(full, seconds):
    """On Intel's extension: what a machine of AMD's shows, too. With two CPUs Bochs is slow: a few
    attacks, and what two CPUs are needed for."""
    for config in configs.INTEL_ALL if full else (configs.INTEL,):
        # Many attacks come as code of their own in some page, and are to show more than that.
        yield from attack_boots(config, seconds, "fork,modules", **{"exec-control": "off"})
        yield Spec("confined-" + config.name, "locked", "fork", attacks=EXECUTE + "," + FEW_INTEL,
                   config=config, confines=True, **timed(seconds))
        yield Spec("quiet-" + config.name, "locked",
                   "audit,fork,command,patch-key,stress,traps," + CONFINED, config=config,
                   **timed(seconds))
        yield Spec("steady-" + config.name, "locked", "steady", config=config)
    config = configs.INTEL_SMP
    if not full:
        yield Spec("bare-" + config.name, "bare", attacks=FEW_INTEL, config=config,
                   **timed(seconds))
        yield Spec("locked-" + config.name, "locked", "fork", attacks=FEW_INTEL, config=config,
                   **timed(seconds))
    yield Spec("cycle-" + config.name, "locked", "cpu-cycle,fork", config=config)
    # Of the NMIs that nmi-outside and nmi-inside need Bochs has none.
    nmi = dict(run="nmi-backtrace,nmi-routed", config=config)
    yield Spec("nmi-unguarded-" + config.name, "allow", words={"check": "yes"}, **nmi)
    if full:
        yield Spec("nmi-" + config.name, "allow", words=GUARDED, **nmi)
    config = configs.INTEL
    yield Spec("two-table-" + config.name, "locked", "fork,user-code", attacks=EXECUTE,
               config=config, confines=True,
               words=dict(GUARDED, seconds=seconds, **{"exec-control": "two-table"}))
    for case in ("tables-hidden", "tables-shown"):
        yield Spec("%s-%s" % (case, config.name), "manual", case, config=config)
    yield Spec("wrong-" + config.name, "manual", WRONG + ",kvm-in-use,inject,launch-and-lock",
               config=config, limit=600)
    yield Spec("no-vmx", "manual", "no-virt", config=config, cpu="vmx=off")


def jit_boot():
    """For a minute, as all loads in make test-full."""
    return Spec("jit-" + configs.INTEL.name, "locked", "user-jit", config=configs.INTEL,
                **timed(LONG))


# What make test-full has besides the machine of make test: another CPU or interrupt controller, more
# of them, more memory than 32 bits address.
ARM_MACHINES = {
    "": {},
    "-neoverse-n1": {"model": "neoverse-n1"},
    "-cortex-a57": {"model": "cortex-a57"},
    "-gic2": {"gic": 2},
    "-4cpu": {"cpus": 4},
    "-6gib": {"memory": "6G"},
}


def arm_boots(full, seconds):
    """arm64: the hypervisor has started before the kernel."""
    for kernel in configs.KERNELS:
        machine = {"kernel": kernel, "cpus": 2, "arch": "arm64"}
        yield Spec("arm-steady-" + kernel, "locked", "steady", check=False, limit=300, **machine)
        yield Spec("arm-patching-" + kernel, "locked",
                   PATCHES_ARM + (",trace-all,fork" if full else ",fork"), limit=600,
                   words={"ftrace": "on"}, one_thread=True, **machine)
        yield Spec("arm-hotplug-" + kernel, "locked", "hotplug-load", limit=300 + 10 * seconds,
                   words={"seconds": seconds, "stress": seconds}, **machine)
    for suffix, kernel in itertools.product(list(ARM_MACHINES) if full else [""], configs.KERNELS):
        machine = dict({"kernel": kernel, "cpus": 2, "arch": "arm64", "attacks": "",
                        "limit": 300}, **ARM_MACHINES[suffix])
        yield Spec("arm-bare-" + kernel + suffix, "bare", **machine)
        yield Spec("arm-locked-" + kernel + suffix, "locked", "fork", **machine)


def stages(machines, seconds, full):
    """Lists of boots. The table of attacks first: of a run that is cut short it says most."""
    yield harness_boots() + [spec for config in machines for spec in attack_boots(config, seconds)]
    yield [spec for config in machines for spec in load_boots(config, seconds)]
    yield list(single_boots(full))
    yield list(intel_boots(full, seconds))
    yield list(arm_boots(full, seconds))


class Score:
    """Counts, and says at once what failed."""

    def __init__(self):
        self.passed = 0
        self.failures = []  # texts

    @property
    def failed(self):
        return len(self.failures)

    def note(self, good, name, detail=""):
        if good:
            self.passed += 1
        else:
            self.failures.append("%s: %s" % (name, detail))
            print("  FAIL " + self.failures[-1], flush=True)
        return good


def unit_tests(score):
    """Runs the unit tests and counts what cmocka says."""
    print("unit tests", flush=True)
    # Not as a part of the make that runs this, whose job server is not ours to use.
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
    process = subprocess.Popen(["make", "--no-print-directory", "-j%d" % fleet.capacity(),
                                "unit-test"], cwd=place.TOP, env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    passed, failed, program = set(), set(), ""
    for line in process.stdout:
        print("  " + line.rstrip(), flush=True)
        heading = re.match(r"== (\S+)", line)
        result = re.match(r"\[ +(OK|FAILED) +\] (\w+)$", line)
        if heading:
            program = heading.group(1)
        elif result:
            # cmocka names a failed test twice: where it fails and in its summary.
            (passed if result.group(1) == "OK" else failed).add((program, result.group(2)))
    if process.wait() != 0 and not failed:
        failed.add("a program died, or could not be built")
    if not passed and not failed:
        failed.add("no test was run")
    for name in sorted(map(str, failed)):
        score.note(False, "unit test %s" % name)
    score.passed += len(passed)


def case_results(spec, boot, score):
    """Every case that was to be reported, and no other."""
    for name in spec.expected():
        found = [case for case in boot.report.cases if case["case"] == name]
        if len(found) != 1:
            score.note(False, name, "reported %d times" % len(found))
        else:
            score.note(found[0]["status"] == "pass", name, found[0]["detail"])
    for case in boot.report.cases:
        if case["case"] not in spec.expected():
            score.note(False, case["case"], "was not asked for: " + case["detail"])


def failing_boot(spec, boot, score):
    """A boot that must fail: did the harness see it?"""
    seen = boot.problem
    if not seen:
        seen = ", ".join("case " + c["case"] for c in boot.report.cases if c["status"] != "pass")
    score.note(spec.fails in seen, spec.name, "must fail with '%s', but: '%s'" % (spec.fails, seen))


def attack_results(boots, score, spec):
    """The attacks of some boots, bare and locked, one result for each that was to be run; returns
    these. What this CPU cannot show is neither passed nor failed."""
    allow = spec.mode == "allow"
    cpus = min(boot.machine.cpus for boot in boots)
    ran = []
    attacks = attack_list.collect(boots)
    allowed = attack_list.allowed_assets(attacks) if allow else None
    for attack in attacks:
        named = attack.name in spec.attacks.split(",") if spec.attacks else not attack.alone
        if not named or attack.cpus > cpus:
            continue
        ran.append(attack)
        problem = attack.problem_allow(allowed) if allow else attack.problem()
        if spec.confines and attack.closed_by and attack.open:
            problem = "is open, but %s must be in force here" % attack.closed_by
        if attack.absent() and not problem:
            print("  absent: attack %s: this machine has no %s" % (attack.name, attack.lacking))
        else:
            score.note(not problem, "attack " + attack.name, problem)
    return ran


class Suite:
    def __init__(self, score, keep=None):
        self.score = score
        self.kept = keep    # None: nothing is
        self.folder = keep.folder if keep else place.LOGS
        self.specs = {}     # by name of the boot
        self.done = {}      # boots, by name
        self.results = []   # of attacks: what matrix.py makes a table of

    def machine(self, spec):
        self.specs[spec.name] = spec
        intel = spec.config and MODELS[spec.config.model].intel
        options = dict(spec.machine, again=False) if spec.fails else spec.machine
        return (place.intel if intel else place.machine)(spec.name, spec.mode, spec.run, spec.attacks,
                                                         further=spec.further, **options)

    def judge(self, boot, note=""):
        """A boot that has ended; returns what failed."""
        spec = self.specs[boot.machine.name]
        self.done[spec.name] = boot
        before = self.score.failed
        print("%s (%.0f s%s)" % (spec.name, boot.seconds, note), flush=True)
        if spec.fails:
            failing_boot(spec, boot, self.score)
        else:
            self.score.note(not boot.problem, spec.name, boot.problem)
            case_results(spec, boot, self.score)
            if "command" in spec.run:
                for what, good, detail in command.check(boot):
                    self.score.note(good, what, detail)
        if self.score.failed > before:
            print("  logs: %s" % boot.logs["console"], flush=True)
            for line in boot.last_words():
                print("    " + line, flush=True)
        return self.score.failures[before:]

    def ended(self, boot):
        """Called as each boot ends, in whatever order."""
        failures = self.judge(boot)
        # A boot that must fail shows that the driver sees it, which may have changed.
        if self.kept and not self.specs[boot.machine.name].fails:
            self.kept.save(boot, failures)

    def run(self, specs, room=None, again=False):
        machines = []
        for spec in specs:
            machine = self.machine(spec)
            boot = self.kept.find(machine) if self.kept and not again else None
            if boot:
                self.judge(boot, ", taken over")
            else:
                machines.append(machine)
        if len(machines) < len(specs):
            print("%d of %d boots were done by an earlier run of this build: taken over" %
                  (len(specs) - len(machines), len(specs)), flush=True)
        fleet.boot_all(machines, self.folder, ended=self.ended, room=room)

    def attacks(self, name, control, tabled=True, how=""):
        """Compares the attacks of a boot with those of the boot that shows that they work. tabled:
        what comes of them with Holdfast as it is meant to be used; how: if not as by default."""
        if name not in self.done or control not in self.done:
            return
        print("attacks in %s, against %s" % (name, control), flush=True)
        spec = self.specs[name]
        before = self.score.failed
        ran = attack_results([self.done[control], self.done[name]], self.score, spec)
        for boot in (control, name) if self.kept else ():
            self.kept.spoil(boot, self.score.failures[before:])
        if tabled:
            self.results = matrix.merge(self.results, [matrix.result(attack, spec.config, how)
                                                       for attack in ran])

    def lonely(self, config):
        """Attacks that may take the machine with them, each in two machines of its own, for the
        configurations of which this one has most CPUs."""
        known = self.done.get("bare-" + config.name)
        specs, pairs = [], []
        for attack in attack_list.lonely(known) if known else []:
            small = config._replace(cpus=attack.cpus)
            modes = (attack.control_mode(), "locked")
            pair = ["%s-%s-%s" % (mode, small.name, attack.name) for mode in modes]
            pairs.append(pair)
            specs += [Spec(title, mode, attacks=attack.name, config=small, doomed=True,
                           words=GUARDED,
                           launches=mode == "control" and attack.control == "prelock")
                      for title, mode in zip(pair, modes)]
        self.run(specs)
        self.controls_again([control for control, _ in pairs])
        for control, locked in pairs:
            self.attacks(locked, control)

    def controls_again(self, names):
        """Boots once more what should have shown that an attack works, and did not: emulators of a
        loaded host lose an INIT now and then. Says nothing of Holdfast, for which nothing is
        tried twice."""
        lost = [name for name in names if name in self.done and not any(
            attack["outcome"] in ("succeeded", "absent")
            for attack in self.done[name].report.attacks)]
        for name in lost:
            print("%s: the attack did not work without Holdfast: once more" % name, flush=True)
        self.run([self.specs[name] for name in lost], again=True)

    def times(self):
        """How long each boot took, the longest first."""
        boots = sorted(self.done.values(), key=lambda boot: -boot.seconds)
        print("seconds of each of %d boots:" % len(boots))
        for boot in boots:
            print("  %5.0f  %s" % (boot.seconds, boot.machine.name))


def main():
    parser = argparse.ArgumentParser(description="The tests of Holdfast.")
    parser.add_argument("boots", nargs="*", metavar="BOOT", help="run only these")
    parser.add_argument("--full", action="store_true", help="on every machine")
    parser.add_argument("--intel", action="store_true", help="in Bochs")
    parser.add_argument("--arm", action="store_true", help="on arm64")
    parser.add_argument("--list", action="store_true", help="print the names of the boots")
    parser.add_argument("--no-unit", action="store_true", help="leave out the unit tests")
    args = parser.parse_args()
    # As from the keyboard: no machine outlives this program.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    machines, seconds = (configs.ALL, LONG) if args.full else (configs.SOME, SHORT)
    *plan, intel, arm = stages(machines, seconds, args.full)
    part = args.intel or args.arm
    if part:
        plan = [[] for _ in plan]
        intel, arm = (intel + [jit_boot()], []) if args.intel else ([], arm)
    plan = [[spec for spec in stage if not args.boots or spec.name in args.boots]
            for stage in plan + [intel, arm]]
    if args.list:
        print("\n".join(spec.name for stage in plan for spec in stage))
        return 0

    began = time.monotonic()
    score = Score()
    if not args.no_unit and not args.boots and not part:
        unit_tests(score)
        print("the drivers of the tests", flush=True)
        for what, good in selftest.results():
            score.note(good, what, "is not judged as it should be")
    suite = Suite(score, kept.Kept() if args.full else None)
    room = fleet.capacity_timed() if args.full else fleet.capacity()
    attacks, loads, single, intel, arm = plan
    suite.run(attacks, room)
    for config in machines:
        suite.attacks("locked-" + config.name, "bare-" + config.name)
    suite.run(loads, room)
    for config in configs.groups([c for c in machines if c.la57 or args.full]):
        suite.lonely(config)
    suite.run(single + intel + arm)
    for spec in intel:
        if spec.name.startswith("locked-"):
            suite.attacks(spec.name, spec.name.replace("locked-", "bare-"),
                          tabled=not spec.attacks)
        # What is open where execution is not controlled is not where it is.
        if spec.confines:
            suite.attacks(spec.name, "bare-" + spec.config.name,
                          how="two-table" if spec.name.startswith("two-table-") else "")
    for spec in arm:
        if spec.mode == "locked":
            suite.attacks(spec.name, spec.name.replace("locked", "bare"), tabled=False)
    for config in (Config(kernel, 2, True) for kernel in configs.KERNELS):
        suite.attacks("allow-" + config.name, "bare-" + config.name, tabled=False)
        suite.attacks("two-table-" + config.name, "bare-" + config.name, how="two-table")
        suite.attacks("efi-locked-" + config.name, "efi-bare-" + config.name, tabled=False)
    for config in configs.PATCHING_ALL if args.full else configs.PATCHING_SOME:
        suite.attacks("tracing-" + config.name, "bare-" + config.name, tabled=False)
    if not args.boots and not args.arm:
        matrix.save(suite.results, args.full)
    if not args.boots and not part:
        score.note(*matrix.compare(suite.results))
    suite.times()
    if suite.kept:
        print("\n".join(suite.kept.words()))
    print("%.0f s" % (time.monotonic() - began))
    print("%d passed, %d failed" % (score.passed, score.failed))
    return 1 if score.failed or not score.passed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("holdfast: interrupted%s" % ("; the next make test-full goes on with what is in "
                                           "build/full" if "--full" in sys.argv else ""))
        sys.exit(130)
