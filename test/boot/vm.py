#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boot one test machine and print its report: what a person uses to look at one thing.

  vm.py [--kernel 6.12] [--mode M] [--run CASES] [--attacks [NAMES]] [--cpus N] [--no-la57] ...
"""

import argparse
import json
import sys

sys.dont_write_bytecode = True

import place
import qemu
from models import MODELS


def main():
    parser = argparse.ArgumentParser(description="Boot one test machine and print its report.")
    parser.add_argument("--mode", default="bare", help="bare, locked, allow, launched, manual or control")
    parser.add_argument("--run", default="", help="cases, separated by commas")
    parser.add_argument("--attacks", nargs="?", const="", default=None, metavar="NAMES",
                        help="run the attacks, or only those named")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--smp", default="", help="for QEMU, e.g. 2,maxcpus=4")
    parser.add_argument("--no-la57", action="store_true")
    parser.add_argument("--kernel", default=place.SERIES, help="6.1 or 6.12")
    parser.add_argument("--model", default="max", choices=sorted(MODELS))
    parser.add_argument("--efi", action="store_true", help="boot with OVMF")
    parser.add_argument("--one-thread", action="store_true", help="of the emulator, for all CPUs")
    parser.add_argument("--cpu", default="", help="further CPU flags, e.g. svm=off")
    parser.add_argument("--append", default="", help="further words of the kernel command line")
    parser.add_argument("--limit", type=int, default=300, help="seconds, then it hangs")
    parser.add_argument("--name", default="vm", help="of the log files")
    parser.add_argument("--intel", default="", choices=("skylake_x", "i3_cnl"),
                        help="a machine of Bochs, with this CPU")
    args = parser.parse_args()

    if args.intel:
        machine = place.intel(args.name, args.mode, args.run, args.attacks, args.kernel,
                              args.append, cpus=args.cpus, model=args.intel, limit=args.limit,
                              cpu=args.cpu)
        return show(machine)
    machine = place.machine(args.name, args.mode, args.run, args.attacks, args.kernel,
                            args.append, cpus=args.cpus, smp=args.smp, la57=not args.no_la57,
                            model=args.model, cpu=args.cpu, limit=args.limit,
                            one_thread=args.one_thread,
                            firmware=place.OVMF if args.efi else None)
    return show(machine)


def show(machine):
    boot = qemu.boot(machine, place.LOGS, watch=lambda record: print(json.dumps(record), flush=True))
    print("%.1f s; console: %s" % (boot.seconds, boot.logs["console"]))
    if boot.problem:
        print("failed: " + boot.problem)
    return 1 if boot.problem or any(c["status"] != "pass" for c in boot.report.cases) else 0


if __name__ == "__main__":
    sys.exit(main())
