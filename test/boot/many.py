#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Loads as many stock modules as may be, as capture.py does, in two machines: without Holdfast, and
after lock with the authority in a domain. What loads there must load here, and nothing may be refused."""

import errno
import os
import re
import sys

import capture
import initramfs as newc
import place
import qemu
import stock

# Not those of virtualization: that is the hypervisor's, and of Linux 6.12 they have a static call of
# the kernel lead to a function of theirs, which is no entry as long as modules do not bring theirs.
FOLDERS = [folder for folder in capture.FOLDERS if folder != "arch/x86/kvm"]
LINE = re.compile(r"many (\S+) (-?\d+)\s*$", re.MULTILINE)


def archive(args):
    """As for other boots, with the modules."""
    out = os.path.join(place.BUILD, "test", "boot", args.kernel, "initramfs-many")
    paths = capture.wanted(args.kernel, args.number, args.folders.split(","))
    files = {guest: os.path.join(place.BUILD, host.format(series=args.kernel, backend="svm"))
             for guest, host in dict(place.FILES, **place.PROGRAMS).items()}
    for number, path in enumerate(paths):
        files["/lib/capture/%04d-%s" % (number, stock.plain_name(path))] = path
    for number, part in enumerate(stock.closure(place.folder(args.kernel), "kvm")):
        files["/lib/kvm/%02d-%s" % (number, stock.plain_name(part))] = part
    programs = {guest: files.pop(guest) for guest in place.PROGRAMS}
    newc.build(out, programs, files)
    return out


def load(args, initrd, mode, cases):
    """Module -> what loading it returned; None: the boot failed."""
    machine = qemu.Machine(
        os.path.join(place.folder(args.kernel), "vmlinuz"), initrd,
        "many-%s-%s" % (args.kernel, mode), cpus=args.cpus, memory="3G", limit=args.limit,
        model=args.model, cpu=args.cpu, la57=args.model == "max",
        append=place.words(mode, cases) + " hf.guard=apic " + args.append)
    boot = qemu.boot(machine, place.LOGS, watch=lambda record: print(record, flush=True))
    if boot.problem or not all(case["status"] == "pass" for case in boot.report.cases):
        print("failed: %s; console: %s" % (boot.problem, boot.logs["console"]))
        return None
    with open(boot.logs["console"], encoding="utf-8", errors="replace") as source:
        return {name: int(error) for name, error in LINE.findall(source.read())}


def main():
    args = capture.options(__doc__, FOLDERS).parse_args()

    initrd = archive(args)
    with_it = load(args, initrd, "launched",
                   ["authority-load", "authority-lock", "authority-many"])
    without = load(args, initrd, "bare", ["authority-many"])
    os.remove(initrd)
    if with_it is None or without is None:
        return 1
    # One that was there before lock is there.
    other = sorted(name for name in without
                   if with_it.get(name) not in (without[name], -errno.EEXIST))
    for name in other:
        print("%s: %d without, %s with" % (name, without[name], with_it.get(name)))
    print("%d modules, %d load without; %d otherwise with the authority" %
          (len(without), sum(not error for error in without.values()), len(other)))
    return 1 if other or not without else 0


if __name__ == "__main__":
    sys.exit(main())
