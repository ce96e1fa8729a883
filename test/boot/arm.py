#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Test machines of arm64. Run as a program: boot one and print its report.

  arm.py [--kernel 6.12] [--mode M] [--run CASES] [--cpus N] [--gic N] [--memory SIZE] ...
"""

import argparse
import functools
import json
import os
import sys

sys.dont_write_bytecode = True

import initramfs as newc
import place
import qemu
import stock
from models import Model

# FGT: QEMU has it from version 8.1 on, in max.
# pauth-impdef: the architecture's own algorithm takes the emulator most of its time.
MODELS = {model.name: model for model in (
    Model("max", "max,pauth-impdef=on", {"FGT"}),
    Model("neoverse-n1", "neoverse-n1", {"FGT"}),    # KPTI
    Model("cortex-a57", "cortex-a57", {"FGT", "XNX"}),
)}

ARM = os.path.join(place.BUILD, "arm")
PROGRAMS = {
    "/init": "test/boot/init",
    "/bin/workload": "test/boot/workload",
    "/bin/holdfast": "cli/holdfast",
}
# {}: the series of the kernel.
FILES = {
    "/lib/holdfast/holdfast.ko": "agent/{}-arm64/holdfast.ko",
    "/lib/holdfast/hf_attack.ko": "test/attack/{}-arm64/hf_attack.ko",
}
# The port of the report is a card: the machine has no other but the console's, to which the
# hypervisor's events go as well.
APPEND = "console=ttyAMA0 panic=-1 hf.port=ttyS0 hf.launch=boot hf_el2=serial,confine"


class Machine(qemu.Machine):
    def __init__(self, *args, gic=3, model="max", check=True, **options):
        super().__init__(*args, la57=False, **options)
        # The hypervisor's checks of itself cost time.
        self.check = check
        self.model = MODELS[model]
        if gic < 3:
            self.model = Model(model, self.model.flags, self.model.lacks | {"ITS"})
        self.gic = gic

    def command(self, logs):
        # One port for both: what the hypervisor says is looked for there.
        logs["events"] = logs["console"]
        return ["qemu-system-aarch64", "-M",
                "virt,virtualization=on,gic-version=%d" % self.gic,
                "-accel", self.accelerator(),
                "-cpu", ",".join(filter(None, (self.model.flags, self.cpu))), "-smp", self.smp,
                "-m", self.memory, "-display", "none", "-monitor", "stdio", "-nic", "none",
                "-no-reboot", "-serial", "file:" + logs["console"],
                "-chardev", "file,id=report,path=" + logs["report"],
                "-device", "pci-serial,chardev=report",
                "-kernel", self.kernel, "-initrd", self.initrd,
                "-append", APPEND + (",check " if self.check else " ") + self.append] + self.extra


@functools.lru_cache(maxsize=None)
def initramfs(series):
    """Builds the initramfs all machines with a kernel share; returns its path."""
    path = os.path.join(ARM, "initramfs-" + series)
    files = {guest: os.path.join(place.BUILD, host.format(series)) for guest, host in FILES.items()}
    for module in stock.modules(place.folder(series + "-arm64")):
        files["/lib/stock/" + stock.plain_name(module)] = module
    newc.build(path, {guest: os.path.join(ARM, host) for guest, host in PROGRAMS.items()}, files)
    return path


def machine(name, mode="bare", run="", attacks=None, kernel=place.SERIES, further="", **options):
    """A machine that boots the hypervisor with the kernel behind it; in mode bare the kernel."""
    image = os.path.join(place.folder(kernel + "-arm64"), "vmlinuz") if mode == "bare" else \
        os.path.join(ARM, "boot-" + kernel)
    words = place.words(mode, run, attacks)
    return Machine(image, initramfs(kernel), name, append=words + " " + further, **options)


def main():
    parser = argparse.ArgumentParser(description="Boot one arm64 test machine, print its report.")
    parser.add_argument("--mode", default="bare", help="bare, locked, manual")
    parser.add_argument("--run", default="", help="cases, separated by commas")
    parser.add_argument("--attacks", nargs="?", const="", default=None, metavar="NAMES",
                        help="run the attacks, or only those named")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--kernel", default=place.SERIES, help="6.1 or 6.12")
    parser.add_argument("--model", default="max", choices=sorted(MODELS))
    parser.add_argument("--gic", type=int, default=3)
    parser.add_argument("--memory", default="1G")
    parser.add_argument("--append", default="", help="further words of the kernel command line")
    parser.add_argument("--limit", type=int, default=300, help="seconds, then it hangs")
    parser.add_argument("--name", default="arm", help="of the log files")
    args = parser.parse_args()

    boot = qemu.boot(machine(args.name, args.mode, args.run, args.attacks, args.kernel,
                             args.append, cpus=args.cpus, model=args.model, gic=args.gic,
                             memory=args.memory, limit=args.limit),
                     place.LOGS, watch=lambda record: print(json.dumps(record), flush=True))
    print("%.1f s; console: %s" % (boot.seconds, boot.logs["console"]))
    if boot.problem:
        print("failed: " + boot.problem)
    return 1 if boot.problem or any(c["status"] != "pass" for c in boot.report.cases) else 0


if __name__ == "__main__":
    sys.exit(main())
