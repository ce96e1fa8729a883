#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Captures what stock modules look like in memory when the kernel has loaded them, for the tests of
the authority, which run on the host:

    build/capture/NAME/capture      the records (test/boot/capture/capture.h)
    build/capture/NAME/MODULE.ko    each module's file, by the kernel's name for it

The machine runs without Holdfast. Part of its memory is a file that the kernel does not use."""

import argparse
import os
import shutil
import struct
import sys

import initramfs as newc
import place
import qemu
import stock
from models import MODELS

# The kernel has what is below BASE, the records what is above.
BASE = 1536 << 20
SIZE = 1536 << 20

RECORD = struct.Struct("<QIIQQ64s")
MAGIC = 0x3150414344414648
END, COMING = 0, 6

# Folders whose modules do no harm to a machine that has not what they drive. In this order: the
# large ones first.
FOLDERS = ("arch/x86/kvm", "drivers/gpu/drm/amd", "drivers/gpu/drm/i915", "fs", "net/mac80211",
           "net/sctp", "drivers/md", "crypto", "arch/x86/crypto", "lib", "net/bridge", "net/tls",
           "drivers/block", "sound/core", "drivers/net/phy", "drivers/scsi", "drivers/hid",
           "drivers/input", "net/netfilter", "net/sched", "net/ipv4", "net/ipv6")
# These test for a while, wait for something, or are a part of the kernel's own tests.
LEFT_OUT = ("test_", "tcrypt", "torture", "scsi_debug", "zram", "pktcdvd", "floppy", "locktest",
            "drbd", "rbd", "kunit")


def wanted(series, number, folders):
    """Paths of modules, with all they need, in the order they must be loaded."""
    root = os.path.join(place.folder(series), "modules", "kernel")
    paths, order, seen = {}, [], set()
    for path, _, files in os.walk(root):
        for name in files:
            if name.endswith(stock.SUFFIXES):
                paths[kernel_name(name)] = os.path.join(path, name)

    def add(path):
        if path in seen:
            return
        seen.add(path)
        for other in stock.depends(path):
            add(paths[other.replace("-", "_")])
        order.append(path)

    for part in folders:
        for path in sorted(paths.values()):
            if (path.startswith(os.path.join(root, part) + "/") and len(order) < number and
                    not any(word in os.path.basename(path) for word in LEFT_OUT)):
                add(path)
    return order


def kernel_name(path):
    return os.path.basename(path).split(".")[0].replace("-", "_")


def records(data):
    """Copies of the records, up to the last; raises where the end is missing."""
    at, coming = 0, []
    while True:
        magic, kind, _, _, size, name = RECORD.unpack_from(data, at)
        if magic != MAGIC:
            raise ValueError("no record at %#x" % at)
        at += RECORD.size
        if kind == END:
            return at, coming
        if kind == COMING:
            coming.append(name.split(b"\0")[0].decode())
        at += (size + 7) & ~7


def save(memory, paths, out):
    with open(memory, "rb") as source:
        source.seek(BASE)
        data = source.read(SIZE)
    end, coming = records(data)
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "capture"), "wb") as target:
        target.write(data[:end])
    for path in paths:
        if kernel_name(path) in coming:
            with open(os.path.join(out, kernel_name(path) + ".ko"), "wb") as target:
                target.write(stock.read(path))
    return coming


def options(about, folders):
    """Which modules, and on what machine."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--kernel", default=place.SERIES)
    parser.add_argument("--number", type=int, default=450, help="of modules, about")
    parser.add_argument("--folders", default=",".join(folders), help="of modules, in this order")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--model", default="max", choices=sorted(MODELS))
    parser.add_argument("--cpu", default="", help="further CPU flags of the emulator")
    parser.add_argument("--append", default="", help="further words of the kernel command line")
    parser.add_argument("--limit", type=int, default=900)
    return parser


def main():
    parser = options(__doc__, FOLDERS)
    parser.add_argument("--name", default="", help="of the folder; that of the series otherwise")
    args = parser.parse_args()

    name = args.name or args.kernel
    out = os.path.join(place.BUILD, "capture", name)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    paths = wanted(args.kernel, args.number, args.folders.split(","))
    files = {"/lib/holdfast/hf_capture.ko":
             os.path.join(place.BUILD, "test", "boot", args.kernel, "hf_capture.ko")}
    for number, path in enumerate(paths):
        files["/lib/capture/%04d-%s" % (number, stock.plain_name(path))] = path
    archive, memory = os.path.join(out, "initramfs"), os.path.join(out, "memory")
    newc.build(archive, {"/init": os.path.join(place.BUILD, "test/boot/init")}, files)
    machine = qemu.Machine(
        os.path.join(place.folder(args.kernel), "vmlinuz"), archive, "capture-" + name,
        cpus=args.cpus, memory="3G", limit=args.limit, model=args.model, cpu=args.cpu,
        la57=args.model == "max",
        append="mem=%dM hf.mode=bare hf.run=capture hf.base=%d hf.size=%d %s" %
               (BASE >> 20, BASE, SIZE, args.append),
        extra=("-object", "memory-backend-file,id=ram,size=3G,share=on,mem-path=" + memory,
               "-machine", "memory-backend=ram"))
    boot = qemu.boot(machine, place.LOGS, watch=lambda record: print(record, flush=True))
    if boot.problem:
        print("failed: %s; console: %s" % (boot.problem, boot.logs["console"]))
        return 1
    coming = save(memory, paths, out)
    os.remove(memory)
    os.remove(archive)
    print("%d modules captured in %s" % (len(coming), out))
    return 0 if coming and all(case["status"] == "pass" for case in boot.report.cases) else 1


if __name__ == "__main__":
    sys.exit(main())
