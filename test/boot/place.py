# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: in the build tree, and in the test machine."""

import os

import initramfs as newc
import qemu
import stock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
LOGS = os.path.join(BUILD, "log", "vm")
SERIES = os.environ.get("KVER", "6.1")
KERNEL_FOLDER = os.path.join(BUILD, "kernel", SERIES)
KERNEL = os.path.join(KERNEL_FOLDER, "vmlinuz")

PROGRAMS = {
    "/init": "test/boot/init",
    "/bin/workload": "test/boot/workload",
    "/bin/holdfast": "cli/holdfast",
}
FILES = {
    "/lib/holdfast/hv-svm.img": "hv/hv-svm.img",
    "/lib/holdfast/holdfast.ko": "agent/holdfast.ko",
    "/lib/holdfast/hf_bench.ko": "test/boot/hf_bench.ko",
    "/lib/holdfast/hf_attack.ko": "test/attack/hf_attack.ko",
}


def initramfs():
    """Builds the initramfs all machines share; returns its path."""
    def built(table):
        return {guest: os.path.join(BUILD, host) for guest, host in table.items()}
    path = os.path.join(BUILD, "test", "boot", "initramfs")
    files = built(FILES)
    for module in stock.modules(KERNEL_FOLDER):
        files["/lib/stock/" + os.path.basename(module)] = module
    for number, module in enumerate(stock.closure(KERNEL_FOLDER, "kvm-amd")):
        files["/lib/kvm/%02d-%s" % (number, os.path.basename(module))] = module
    newc.build(path, built(PROGRAMS), files)
    return path


def machine(name, mode="bare", run="", attacks=None, initrd=None, further="", **options):
    """A qemu.Machine. Where attacks run it has a device that does DMA: QEMU's teaching device."""
    if attacks is not None:
        options["extra"] = list(options.get("extra", ())) + ["-device", "edu,dma_mask=0xffffffff"]
    return qemu.Machine(KERNEL, initrd, name, append=words(mode, run, attacks) + " " + further,
                        **options)


def words(mode="bare", run="", attacks=None, **further):
    """The kernel command line for PID 1. attacks: None, "" for all, or names."""
    text = ["hf.mode=" + mode]
    if run:
        text.append("hf.run=" + (run if isinstance(run, str) else ",".join(run)))
    if attacks is not None:
        text += ["hf.attacks=yes", "hf.guard=apic"]
        if attacks:
            text.append("hf.only=" + attacks)
    text += ["hf.%s=%s" % item for item in further.items()]
    return " ".join(text)


def release():
    """What uname -r says in a test machine."""
    with open(os.path.join(KERNEL_FOLDER, "release"), encoding="ascii") as source:
        return source.read().strip()
