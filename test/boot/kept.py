# SPDX-License-Identifier: GPL-2.0-only
"""What make test-full keeps below build/full of each boot, so that one that is interrupted goes on
where it stopped: the logs, which are judged anew each time, and what cannot be told from them.

A boot is taken over if all that it tested is the same, by a digest: kernel, initramfs (which holds
agent, hypervisor, command, attack modules, PID 1), firmware, emulator and the whole machine. A boot
that failed is not: it is booted again, and the summary says so."""

import functools
import hashlib
import json
import os
import shutil

import place
import qemu
from report import Report

FOLDER = os.path.join(place.BUILD, "full")


@functools.lru_cache(maxsize=None)
def digest_of_file(path):
    with open(path, "rb") as source:
        return hashlib.sha256(source.read()).hexdigest()


def digest(machine):
    """Of everything that this machine tests. Not every emulator is told of the files by name."""
    logs = {kind: kind for kind in qemu.LOGS}
    program, *command = machine.command(logs)
    files = (shutil.which(program), machine.kernel, machine.initrd, machine.firmware)
    words = [str(machine.doomed), machine.append] + command
    words += [digest_of_file(path) for path in files if path]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


class Kept:
    """The boots of earlier runs, and of this one as they end."""

    def __init__(self, folder=FOLDER):
        self.folder = folder
        self.taken = []     # names of boots that were taken over
        self.again = {}     # name -> how it failed in an earlier run
        self.other = []     # names of boots of another build
        os.makedirs(folder, exist_ok=True)

    def _path(self, name):
        return os.path.join(self.folder, name + ".json")

    def _read(self, name):
        try:
            with open(self._path(name), encoding="ascii") as source:
                return json.load(source)
        except (FileNotFoundError, ValueError):
            return None

    def _write(self, name, entry):
        temporary = self._path(name) + ".new"
        with open(temporary, "w", encoding="ascii") as out:
            json.dump(entry, out, indent=1)
            out.write("\n")
        os.replace(temporary, self._path(name))

    def find(self, machine):
        """The finished Boot of a machine, or None: then it has to be booted."""
        entry = self._read(machine.name)
        if not entry:
            return None
        if entry["tested"] != digest(machine):
            self.other.append(machine.name)
            # The logs will be of this build, and an entry of the other one must not claim them.
            os.remove(self._path(machine.name))
            return None
        if entry["failed"]:
            self.again[machine.name] = entry["failed"][-1]
        if not entry["good"]:
            return None
        self.taken.append(machine.name)
        logs = qemu.log_names(self.folder, machine.name)
        report = Report(preamble=machine.firmware is not None)
        report.feed(qemu.read(logs["report"]))
        return qemu.Boot(machine, report, "", logs, entry["seconds"])

    def save(self, boot, failures):
        """Notes a boot that has just ended, with what failed in it."""
        tested = digest(boot.machine)
        earlier = self._read(boot.machine.name)
        failed = earlier["failed"] if earlier and earlier["tested"] == tested else []
        self._write(boot.machine.name, {"tested": tested, "seconds": round(boot.seconds, 1),
                                        "good": not failures, "failed": failed + failures})

    def spoil(self, name, failures):
        """What came of a boot is wrong after all, seen beside another one."""
        entry = self._read(name)
        if entry and failures:
            self._write(name, dict(entry, good=False, failed=entry["failed"] + failures))

    def words(self):
        """For a person, line by line."""
        yield "%d boots were taken over from an earlier run of this build (build/full)%s" % (
            len(self.taken), ":" if self.taken else "")
        for name in self.taken:
            yield "  " + name
        if self.again:
            yield "%d boots failed in an earlier run of this build, and were booted again:" % \
                len(self.again)
        for name, failure in self.again.items():
            yield "  %s: %s" % (name, failure)
        if self.other:
            yield "%d results of another build were not used" % len(self.other)
