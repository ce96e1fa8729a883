# SPDX-License-Identifier: GPL-2.0-only
"""A test machine with an Intel CPU: Bochs (scripts/bochs.sh), which has VMX, EPT and MBEC. It boots
from a CD made for it. qemu.boot boots it as any other."""

import os
import shutil
import subprocess

from models import MODELS

# Where isolinux and its first module are, in Debian 12 and 13 (packages isolinux, syslinux-common).
BOOT_FILES = ("/usr/lib/ISOLINUX/isolinux.bin", "/usr/lib/syslinux/modules/bios/ldlinux.c32")

# no_timer_check as for QEMU. The clock of the machine is what the emulator has run, so it says how
# fast its TSC is: with several CPUs the kernel's own measurement takes minutes, for HLT takes as long
# as it says. What mitigations cost here says nothing.
APPEND = ("console=ttyS0,115200 panic=-1 no_timer_check tsc=reliable tsc_early_khz=100000 "
          "mitigations=off quiet ")
# It has none but a disk drive's.
PROBES = "libata.force=disable "

# Instructions a second of the machine's clock; those that a CPU runs before the next one's turn.
SPEED = 100000000
TURN = 16


class Machine:
    """What to boot: as qemu.Machine, with less to choose."""

    # Powering off by ACPI ends Bochs with 1.
    statuses = (0, 1)
    resume = ()
    again = True
    firmware = None
    doomed = False

    def __init__(self, kernel, initrd, name, emulator, cpus=1, model="skylake_x", append="",
                 memory="512M", limit=300, doomed=False, la57=False, extra=(), cpu=""):
        assert not la57 and not extra and (not cpu or cpu.endswith("=off"))
        self.kernel = kernel
        self.initrd = initrd
        self.name = name
        self.emulator = emulator    # the folder that scripts/bochs.sh fills
        self.cpus = cpus
        self.la57 = la57
        self.model = MODELS[model]
        self.append = append
        self.memory = int(memory.rstrip("M"))   # MiB
        self.limit = limit
        self.doomed = doomed
        self.lacks = cpu[:-len("=off")]     # a feature that this model would have, or ""

    def threads(self):
        return 1

    def _disc(self, logs):
        return logs["console"] + ".iso"

    def prepare(self, logs):
        """Makes the CD."""
        folder = logs["console"] + ".cd"
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for source, name in [(path, os.path.basename(path)) for path in BOOT_FILES] + \
                [(self.kernel, "linux"), (self.initrd, "initrd")]:
            shutil.copyfile(source, os.path.join(folder, name))
        with open(os.path.join(folder, "isolinux.cfg"), "w", encoding="ascii") as out:
            out.write("default linux\nlabel linux\nkernel /linux\ninitrd /initrd\nappend %s\n" %
                      (APPEND + PROBES + self.append))
        subprocess.run(["xorriso", "-report_about", "WARNING", "-as", "mkisofs", "-quiet",
                        "-o", self._disc(logs), "-b", "isolinux.bin", "-c", "boot.cat",
                        "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", folder],
                       check=True)
        shutil.rmtree(folder)

    def clean(self, logs):
        """What a machine leaves that nobody needs."""
        os.remove(self._disc(logs))

    def command(self, logs):
        options = [
            "display_library: nogui",
            "log: %s.bochs" % logs["console"],
            "panic: action=fatal", "error: action=report", "info: action=ignore",
            "megs: %d" % self.memory,
            "cpu: model=%s, count=%d, ips=%d, quantum=%d, reset_on_triple_fault=0, "
            "ignore_bad_msrs=1%s" % (self.model.flags, self.cpus, SPEED, TURN,
                                     self.lacks and ", exclude_features=" + self.lacks),
            "clock: sync=none",
            "romimage: file=%s/bios.bin" % self.emulator,
            "vgaromimage: file=%s/vga.bin" % self.emulator,
            "ata0-master: type=cdrom, path=%s, status=inserted" % self._disc(logs),
            "boot: cdrom",
        ]
        for number, kind in enumerate(("console", "report", "events")):
            options.append("com%d: enabled=1, mode=file, dev=%s" % (number + 1, logs[kind]))
        return [os.path.join(self.emulator, "bochs"), "-q", "-f", "/dev/null"] + options
