# SPDX-License-Identifier: GPL-2.0-only
"""One boot of one test machine; and what it is under QEMU (bochs.py has the other kind)."""

import atexit
import os
import re
import subprocess
import threading
import time

import emulator
from models import MODELS
from report import Report

# Seconds without a word after which a machine that is doomed is lost: more than an attack may take.
SILENCE = 45

# Seconds that a machine has to switch itself off after the end of its report, or after a panic. It
# takes one, but on a loaded host many.
GRACE = 60

# The three ports, and what the emulator says.
LOGS = ("console", "report", "events", "qemu")

# Of each log, in the words of a machine that failed.
LAST_LINES = 8

# Where the emulator's log tells of the end of a machine: state of the CPU that could not go on.
DEATH = re.compile(rb"Triple fault.*", re.DOTALL)

# Signs on the console that the kernel is lost. An oops is not one: a refused attack may cost the
# thread that tried it.
LOST = re.compile(rb"Kernel panic - not syncing[^\r\n]*|Unable to handle kernel[^\r\n]*in interrupt")


# The hypervisor's last words, on its own port.
STOPPED = re.compile(rb"holdfast: panic[^\r\n]*")

# no_timer_check: on a loaded host the kernel may see too few ticks in its own short test, and panics.
# clearcpuid: the kernel shall do without CMPXCHG16B (feature word 4, bit 13), behind which the
# emulator can have any flags (docs/testing.md, "The machines"). The CPU has it nevertheless.
APPEND = "console=ttyS0,115200 panic=-1 no_timer_check clearcpuid=%d " % (4 * 32 + 13)


_running = set()
_stopping = threading.Event()


def stopping():
    """Is this program about to end, and its machines with it?"""
    return _stopping.is_set()


@atexit.register
def _stop():
    _stopping.set()
    for process in list(_running):
        process.kill()


class Machine:
    """What to boot. Every field is a parameter of a test."""

    # Of the emulator when the machine has switched itself off.
    statuses = (0,)

    def __init__(self, kernel, initrd, name, cpus=1, la57=True, model="max", cpu="", append="",
                 extra=(), memory="1G", limit=300, doomed=False, firmware=None,
                 smp="", board="", one_thread=False, resume=(), again=True):
        self.kernel = kernel
        self.initrd = initrd
        self.name = name            # of the log files
        self.cpus = cpus
        self.la57 = la57
        self.model = MODELS[model]
        self.cpu = cpu              # further CPU flags, e.g. "svm=off"
        self.append = append
        self.extra = list(extra)
        self.memory = memory
        self.smp = smp or str(cpus) # for QEMU, where it is more than the number
        self.limit = limit          # seconds of wall-clock time, then the machine hangs
        self.doomed = doomed        # its attack may take the machine with it, once reported
        self.board = board          # of QEMU, where not its usual one: "microvm,..."
        self.one_thread = one_thread # of the emulator runs all CPUs
        self.firmware = firmware    # in place of QEMU's own; it talks on every serial port
        self.resume = resume        # page offsets: see emulator.py
        self.again = again          # may be booted again: not where it is to fail

    def accelerator(self):
        one = (self.one_thread or "-icount" in self.extra or
               (self.model.one_thread and self.cpus > 1))
        return "tcg,thread=" + ("single" if one else "multi")

    def threads(self):
        """How many of the emulator run CPUs."""
        return 1 if self.accelerator().endswith("single") else self.cpus

    def prepare(self, logs):
        """Makes what the emulator needs beside the files that are there."""

    def clean(self, logs):
        """What a machine leaves that nobody needs."""

    def command(self, logs):
        cpu = ",".join(part for part in (self.model.flags, "la57=" + ("on" if self.la57 else "off"),
                                         self.cpu) if part)
        serials = ["-M", self.board] if self.board else []
        for index, kind in enumerate(("console", "report", "events")):
            if index and self.board:  # it has one by itself
                serials += ["-chardev", "file,id=%s,path=%s" % (kind, logs[kind]),
                            "-device", "isa-serial,index=%d,chardev=%s" % (index, kind)]
            else:
                serials += ["-serial", "file:" + logs[kind]]
        return (["qemu-system-x86_64", "-accel", self.accelerator(),
                 "-cpu", cpu, "-smp", self.smp, "-m", self.memory,
                 "-display", "none", "-monitor", "stdio", "-nic", "none", "-no-reboot",
                 "-d", "cpu_reset"] +
                serials + (["-bios", self.firmware] if self.firmware else []) +
                ["-kernel", self.kernel, "-initrd", self.initrd, "-append",
                 APPEND + self.append] + self.extra)


class Boot:
    """A finished boot: its report, and what went wrong ("" if nothing)."""

    def __init__(self, machine, report, problem, logs, seconds):
        self.machine = machine
        self.report = report
        self.problem = problem
        self.logs = logs
        self.seconds = seconds

    def console(self):
        return read(self.logs["console"])

    def events(self):
        """The hypervisor's own copy of its events, which the guest cannot forge."""
        return read(self.logs["events"]).decode("ascii", "replace")

    def last_words(self):
        """What the machine said last: the logs may not outlive the run."""
        death = DEATH.search(read(self.logs["qemu"]))
        said = [("console", self.console()), ("events", read(self.logs["events"])),
                ("qemu", death.group() if death else b"")]
        return ["%s: %s" % (kind, line) for kind, text in said
                for line in text.decode("ascii", "replace").splitlines()[-LAST_LINES:]]


def read(path):
    try:
        with open(path, "rb") as source:
            return source.read()
    except FileNotFoundError:
        return b""


def log_names(folder, name):
    return {kind: os.path.join(folder, "%s.%s.log" % (name, kind)) for kind in LOGS}


def log_paths(folder, name):
    """Where a machine that is about to start logs: of an earlier one nothing is left."""
    os.makedirs(folder, exist_ok=True)
    logs = log_names(folder, name)
    for path in logs.values():
        if os.path.exists(path):
            os.remove(path)
    return logs


def judge(machine, report, process, hung, logs):
    """Why this boot cannot be relied on, or ""."""
    stopped = STOPPED.search(read(logs["events"]))
    if stopped:
        return "the hypervisor stopped: " + stopped.group().decode("ascii", "replace")
    if machine.doomed and (report.ended or report.trying):
        return ""       # the attack's own result, or that it has none, says more
    lost = LOST.search(read(logs["console"]))
    if lost:
        return "the guest kernel is lost: " + lost.group().decode("ascii", "replace")
    at = " in case " + report.begun if report.begun else ""
    if hung and report.ended:
        return "the machine did not switch itself off"
    if hung:
        return "hang: no end within %d s%s" % (machine.limit, at)
    if process.returncode not in machine.statuses:
        return "the emulator ended with status %d%s" % (process.returncode, at)
    if not report.ended:
        return "the machine stopped before the end of its report" + at
    if report.garbage:
        return "unreadable line in the report: " + report.garbage[0][:200]
    if report.start.get("cpus") != machine.cpus:
        return "%s CPUs are online, not %d" % (report.start.get("cpus"), machine.cpus)
    if report.start.get("la57") != int(machine.la57):
        return "LA57 is not as configured"
    return ""


def dead(logs):
    """Has the kernel or the hypervisor given up?"""
    return LOST.search(read(logs["console"])[-4096:]) or STOPPED.search(read(logs["events"])[-4096:])


def boot(machine, folder, watch=None):
    """Boots a machine, follows its report (watch gets each record) until it powers off, and returns
    a Boot. Never raises for anything the guest does.

    A machine that is lost while no hypervisor runs in it, or whose kernel found too few CPUs, is
    booted again, once: the emulator loses one now and then while a kernel patches itself on two CPUs.
    So is one that it lost in a way that is known."""
    result = boot_once(machine, folder, watch)
    why = ""
    if result.report.start.get("cpus") != machine.cpus:
        why = "before anything was tested"
    elif not emulator.launched(result.events()):
        why = "without a hypervisor in it"
    elif emulator.forgot_exit(result.events(), machine.resume):
        why = "the emulator went on with nested paging behind an exit"
    elif emulator.stale_breakpoint(result.console(), result.events()):
        why = "the emulator ran a breakpoint that was gone"
    if not result.problem or not why or not machine.again or stopping():
        return result
    print("%s: %s, %s: once more" % (machine.name, result.problem, why), flush=True)
    return boot_once(machine, folder, watch)


def boot_once(machine, folder, watch):
    logs = log_paths(folder, machine.name)
    report = Report(preamble=machine.firmware is not None)
    machine.prepare(logs)
    began = time.monotonic()
    hung = False
    with open(logs["qemu"], "wb") as qemu_log:
        process = subprocess.Popen(machine.command(logs), stdin=subprocess.PIPE,
                                   stdout=qemu_log, stderr=subprocess.STDOUT)
    _running.add(process)
    position = 0
    heard = began
    try:
        while process.poll() is None:
            length = follow(logs["report"], position, report, watch, process)
            position += length
            heard = time.monotonic() if length else heard
            if machine.doomed and report.trying and time.monotonic() - heard > SILENCE:
                break
            if report.ended or dead(logs):
                hung = late(process, GRACE)
                break
            if time.monotonic() - began > machine.limit:
                hung = True
                tell_registers(process)
                break
            time.sleep(0.05)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        _running.discard(process)
    follow(logs["report"], position, report, watch)
    machine.clean(logs)
    problem = judge(machine, report, process, hung, logs)
    return Boot(machine, report, problem, logs, time.monotonic() - began)


def late(process, seconds):
    """True if the process still runs after so many seconds."""
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        return True


def tell_registers(process):
    """Where all CPUs are, twice, for the emulator's log: a machine that is about to be stopped."""
    for _ in range(2):
        try:
            process.stdin.write(b"info registers -a\n")
            process.stdin.flush()
        except OSError:
            return
        time.sleep(2)


def answer(process, record):
    """What a case asks of the world outside: to press the board's NMI button."""
    if record.get("ask") == "nmi":
        try:
            process.stdin.write(b"nmi\n")
            process.stdin.flush()
        except OSError:
            pass        # the machine is gone, which says more


def follow(path, position, report, watch, process=None):
    try:
        with open(path, "rb") as source:
            source.seek(position)
            data = source.read()
    except FileNotFoundError:
        return 0
    for record in report.feed(data):
        if process:
            answer(process, record)
        if watch:
            watch(record)
    return len(data)
