# SPDX-License-Identifier: GPL-2.0-only
"""The machines that everything is tested on: stock kernel, CPUs, paging levels, CPU model."""

import itertools
from typing import NamedTuple

from models import MODELS

KERNELS = ("6.1", "6.12")


class Config(NamedTuple):
    kernel: str
    cpus: int
    la57: bool
    model: str = "max"

    @property
    def name(self):
        name = "%s-%dcpu-%s" % (self.kernel, self.cpus, "5level" if self.la57 else "4level")
        return name if self.model == "max" else name + "-" + self.model

    def machine(self):
        """As arguments of place.machine. Two sizes of memory: where the hypervisor and what it
        guards lie decides what a wrong address bit leads to."""
        return dict(self._asdict(), memory="1G" if self.la57 else "768M")


# What make test boots: each kernel, each number of CPUs, each depth of paging.
SOME = [
    Config("6.1", 2, True),
    Config("6.12", 2, True),
    Config("6.1", 4, False),
    Config("6.1", 1, False),
]

# The same for Intel's extension, in Bochs, which runs a tenth as fast: the kernel that starts
# fastest. That with everything, and another CPU, are for make test-full.
INTEL_KERNEL = "6.1-cloud"
INTEL = Config(INTEL_KERNEL, 1, False, "skylake_x")
INTEL_SMP = Config(INTEL_KERNEL, 2, False, "skylake_x")
INTEL_ALL = [INTEL, INTEL_SMP, Config(INTEL_KERNEL, 1, False, "i3_cnl"),
             Config("6.1", 1, False, "skylake_x")]

# What make test-full boots. Five levels of paging only where the CPU has them: of the models the real
# EPYC (its first generation) and Opteron_G3 never had LA57, and a machine that nobody can own shows
# nothing. Most telling first: a run that is cut short has been on every kernel and model.
ALL = [Config(kernel, cpus, la57, name) for cpus, (name, model), la57, kernel in
       itertools.product((2, 4, 1), MODELS.items(), (True, False), KERNELS)
       if not model.intel and (not la57 or "LA57" not in model.lacks)]


# Where the kernel patches its code in every way that the policies allow. Opteron_G3 has no ERMS: its
# kernel copies by another routine, of other stores.
PATCHING_SOME = [Config(kernel, 2, True) for kernel in KERNELS]
PATCHING_ALL = [Config(kernel, cpus, *machine) for cpus in (2, 4, 1) for machine in
                ((True, "max"), (False, "Opteron_G3")) for kernel in KERNELS]


def groups(configs):
    """Configurations that differ in the number of CPUs only, by the one with most of them: for
    attacks in machines of their own, which have as few CPUs as they need."""
    most = {}
    for config in configs:
        key = config._replace(cpus=0)
        if key not in most or most[key].cpus < config.cpus:
            most[key] = config
    return list(most.values())
