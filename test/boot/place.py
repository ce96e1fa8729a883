# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: in the build tree, and in the test machine."""

import functools
import os
import re
import subprocess

import bochs
import emulator
import initramfs as newc
import qemu
import stock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
LOGS = os.path.join(BUILD, "log", "vm")
SERIES = os.environ.get("KVER", "6.1")
# The same path in Debian 12 and 13 (package ovmf).
OVMF = "/usr/share/ovmf/OVMF.fd"
# Hardware-reduced ACPI: sleep control is a byte in memory. Nothing tells this machine's kernel how
# fast the clock runs; any value does.
SLEEP_IN_MEMORY = "microvm,acpi=on,pic=on,pit=on,rtc=on,ioapic2=off"
SLEEP_IN_MEMORY_WORDS = "tsc_early_khz=1000000"
# The kernel counts calls, on a CPU with the bug that this is for.
CALL_DEPTH_WORDS = "retbleed=stuff spectre_v2=retpoline"

PROGRAMS = {
    "/init": "test/boot/init",
    "/bin/workload": "test/boot/workload",
    "/bin/holdfast": "cli/holdfast",
}
# The image is that of the machine's CPU.
FILES = {
    "/lib/holdfast/hv.img": "hv/hv-{backend}.img",
    "/lib/holdfast/holdfast.ko": "agent/{series}/holdfast.ko",
    "/lib/holdfast/echo.elf": "domain/echo.elf",
    "/lib/holdfast/authority.elf": "domain/authority.elf",
    "/lib/holdfast/hf_bench.ko": "test/boot/{series}/hf_bench.ko",
    "/lib/holdfast/hf_attack.ko": "test/attack/{series}/hf_attack.ko",
    "/lib/holdfast/hf_plant.ko": "test/attack/{series}/hf_plant.ko",
    "/lib/holdfast/hf_shoot.ko": "test/boot/{series}/hf_shoot.ko",
    "/lib/holdfast/hf_livepatch.ko": "test/boot/{series}/hf_livepatch.ko",
    "/lib/holdfast/hf_forge.ko": "test/boot/{series}/hf_forge.ko",
    "/lib/holdfast/jit.lua": os.path.join(TOP, "test/boot/jit.lua"),
}
# A compiler at run time as Debian has it (package luajit), with the libraries it is linked with.
JIT = "/usr/bin/luajit"
# Stock modules that cases load, with all they need: folder in the guest -> module.
LOADED = {"/lib/kvm": "kvm-{vendor}", "/lib/efivarfs": "efivarfs"}
VENDORS = {"svm": "amd", "vmx": "intel"}


def folder(series):
    return os.path.join(BUILD, "kernel", series)


@functools.lru_cache(maxsize=None)
def linked(program):
    """A program of the host, its loader and its libraries, each under the path it is asked for by."""
    listed = subprocess.run(["ldd", program], check=False, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL).stdout
    return {path: path for path in [program] + re.findall(r"(/\S+) \(0x", listed)}


@functools.lru_cache(maxsize=None)
def initramfs(series=SERIES, backend="svm"):
    """Builds the initramfs all machines with a kernel and a kind of CPU share; returns its path."""
    def built(table):
        return {guest: os.path.join(BUILD, host.format(series=series, backend=backend))
                for guest, host in table.items()}
    path = os.path.join(BUILD, "test", "boot", series, "initramfs-" + backend)
    files = built(FILES)
    for module in stock.modules(folder(series)):
        files["/lib/stock/" + stock.plain_name(module)] = module
    for guest, module in LOADED.items():
        wanted = module.format(vendor=VENDORS[backend])
        for number, part in enumerate(stock.closure(folder(series), wanted)):
            files["%s/%02d-%s" % (guest, number, stock.plain_name(part))] = part
    newc.build(path, dict(built(PROGRAMS), **linked(JIT)), files)
    return path


def machine(name, mode="bare", run="", attacks=None, kernel=SERIES, further="", arch="amd64",
            **options):
    """A qemu.Machine. Where attacks run it has a device that does DMA: QEMU's teaching device."""
    if arch == "arm64":
        import arm          # which is made of this module
        return arm.machine(name, mode, run, attacks, kernel, further, **options)
    if attacks is not None:
        options["extra"] = list(options.get("extra", ())) + ["-device", "edu,dma_mask=0xffffffff"]
    options["resume"] = emulator.resumes(os.path.join(BUILD, "hv/hv-svm.img"))
    return qemu.Machine(os.path.join(folder(kernel), "vmlinuz"), initramfs(kernel), name,
                        append=words(mode, run, attacks) + " " + further, **options)


def intel(name, mode="bare", run="", attacks=None, kernel="6.1-cloud", further="", limit=300,
          **options):
    """A bochs.Machine. Bochs takes its time: what is a limit for QEMU is doubled."""
    return bochs.Machine(os.path.join(folder(kernel), "vmlinuz"), initramfs(kernel, "vmx"), name,
                         os.path.join(BUILD, "bochs"),
                         append=words(mode, run, attacks) + " " + further, limit=2 * limit,
                         **options)


def more_words(**more):
    """Further words for PID 1, as text."""
    return " ".join("hf.%s=%s" % item for item in sorted(more.items()))


def words(mode="bare", run="", attacks=None):
    """The kernel command line for PID 1. attacks: None, "" for all, or names."""
    text = ["hf.mode=" + mode]
    if run:
        text.append("hf.run=" + (run if isinstance(run, str) else ",".join(run)))
    if attacks is not None:
        text += ["hf.attacks=yes", "hf.guard=apic"]
        if attacks:
            text.append("hf.only=" + attacks)
    return " ".join(text)


def release(series=SERIES):
    """What uname -r says in a test machine."""
    with open(os.path.join(folder(series), "release"), encoding="ascii") as source:
        return source.read().strip()
