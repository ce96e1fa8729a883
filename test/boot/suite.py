#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make test: unit tests, then every boot of the table below. Ends with `N passed, N failed`.

  suite.py [--list] [--no-unit] [BOOT...]
"""

import argparse
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import attacks as attack_list
import command
import fleet
import place


class Spec:
    """One boot and what must come of it. Every case in run must be reported, once, as passed."""

    def __init__(self, name, mode, run="", attacks=None, fails=None, **machine):
        self.name = name
        self.mode = mode
        self.run = [case for case in run.split(",") if case]
        self.attacks = attacks          # None: none; "": all that share a machine; or names
        self.fails = fails              # a boot that must fail: what its problem must contain
        self.machine = machine          # further arguments of qemu.Machine

    def expected(self):
        """Names of the cases that the boot must report."""
        steps = {"bare": [], "manual": ["agent-load"], "control": ["agent-load"],
                 "locked": ["agent-load", "launch", "lock"],
                 "allow": ["agent-load", "launch", "lock"]}[self.mode]
        return (["attack-load"] if self.attacks is not None else []) + steps + self.run


QUIET = "fork,modules,steady,stress,command"
WRONG = "lock-before-launch,bad-image,version-mismatch,bad-option"


def matrix():
    for cpus in (1, 2):
        for la57 in (True, False):
            yield "%dcpu-%s" % (cpus, "5level" if la57 else "4level"), dict(cpus=cpus, la57=la57)


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


def boots():
    yield from harness_boots()
    for name, machine in matrix():
        yield Spec("bare-" + name, "bare", attacks="", **machine)
        yield Spec("locked-" + name, "locked", "fork", attacks="", **machine)
    for name, machine in matrix():
        yield Spec("quiet-" + name, "locked", QUIET, **machine)
    yield Spec("allow", "allow", "fork", attacks="", cpus=2)
    yield Spec("wrong-2cpu", "manual", WRONG + ",cpu-offline,kvm-in-use,inject,launch-and-lock",
               cpus=2)
    yield Spec("wrong-1cpu", "manual", WRONG + ",inject,launch-and-lock", cpus=1, la57=False)
    yield Spec("wrong-missing", "manual", "cpu-missing", cpus=1, smp="2", further="nr_cpus=1")
    yield Spec("wrong-slots", "manual", "cpu-slots", cpus=2, smp="2,maxcpus=4")
    yield Spec("hotplug-off", "manual", "hotplug-early", cpus=2)
    yield Spec("hotplug-early", "manual", "hotplug-early", cpus=2, further="hf.guard=apic")
    yield Spec("hotplug", "locked", "hotplug,hotplug-attack,fork", attacks="smep-clear", cpus=2)
    # QEMU takes CPUID leaves away with SVM that user space needs where LA57 is on: bare kernels
    # run no static program there either.
    yield Spec("no-svm", "manual", "no-virt", cpu="svm=off", la57=False)
    yield Spec("no-npt", "manual", "no-nested-paging", cpu="npt=off")


class Score:
    """Counts, and says at once what failed."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def note(self, good, name, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("  FAIL %s: %s" % (name, detail), flush=True)
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
        print("  FAIL unit test %s" % name, flush=True)
    score.passed += len(passed)
    score.failed += len(failed)


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


def attack_results(boots, score, allow=False):
    """The attacks of some boots, bare and locked, one result for each that any of them ran."""
    attacks = attack_list.collect(boots)
    allowed = attack_list.allowed_assets(attacks) if allow else None
    for attack in attacks:
        if attack.without or attack.with_it:
            problem = attack.problem_allow(allowed) if allow else attack.problem()
            score.note(not problem, "attack " + attack.name, problem)


class Suite:
    def __init__(self, score):
        self.score = score
        self.initrd = place.initramfs()
        self.specs = {}     # by name of the boot
        self.done = {}      # boots, by name

    def machine(self, spec):
        self.specs[spec.name] = spec
        return place.machine(spec.name, spec.mode, spec.run, spec.attacks, self.initrd,
                             **spec.machine)

    def judge(self, boot):
        """Called as each boot ends, in whatever order."""
        spec = self.specs[boot.machine.name]
        self.done[spec.name] = boot
        before = self.score.failed
        print("%s (%.0f s)" % (spec.name, boot.seconds), flush=True)
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

    def run(self, specs):
        fleet.boot_all([self.machine(spec) for spec in specs], place.LOGS, ended=self.judge)

    def attacks(self, name, control):
        """Compares the attacks of a boot with those of the boot that shows that they work."""
        if name in self.done and control in self.done:
            print("attacks in %s, against %s" % (name, control), flush=True)
            attack_results([self.done[control], self.done[name]], self.score,
                           self.specs[name].mode == "allow")

    def lonely(self, names):
        """Attacks that may take the machine with them, each in two machines of its own."""
        specs = [Spec("%s-%s" % (mode, name), mode, attacks=name, cpus=cpus, limit=120, doomed=True)
                 for name, control, cpus in names for mode in (control, "locked")]
        self.run(specs)
        for name, control, _ in names:
            self.attacks("locked-" + name, "%s-%s" % (control, name))


def main():
    parser = argparse.ArgumentParser(description="The tests of Holdfast.")
    parser.add_argument("boots", nargs="*", metavar="BOOT", help="run only these")
    parser.add_argument("--list", action="store_true", help="print the names of the boots")
    parser.add_argument("--no-unit", action="store_true", help="leave out the unit tests")
    args = parser.parse_args()
    table = list(boots())
    if args.list:
        print("\n".join(spec.name for spec in table))
        return 0

    began = time.monotonic()
    score = Score()
    if not args.no_unit and not args.boots:
        unit_tests(score)
    suite = Suite(score)
    suite.run([spec for spec in table if not args.boots or spec.name in args.boots])
    for name, _ in matrix():
        suite.attacks("locked-" + name, "bare-" + name)
    suite.attacks("allow", "bare-2cpu-5level")
    if "bare-2cpu-5level" in suite.done:
        suite.lonely(attack_list.lonely(suite.done["bare-2cpu-5level"]))
    print("%.0f s" % (time.monotonic() - began))
    print("%d passed, %d failed" % (score.passed, score.failed))
    return 1 if score.failed or not score.passed else 0


if __name__ == "__main__":
    sys.exit(main())
