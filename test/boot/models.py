# SPDX-License-Identifier: GPL-2.0-only
"""CPU models of the test machines: what the emulator is told, and what they lack."""


class Model:
    def __init__(self, name, flags, lacks=(), one_thread=False, intel=False):
        self.name = name
        self.flags = flags          # for -cpu; of Bochs the name of the model
        self.intel = intel          # of Bochs, not of QEMU
        self.lacks = set(lacks)     # what attacks may say is absent, in their own words
        self.one_thread = one_thread    # of QEMU, for all CPUs


# What Bochs has in no machine.
ABSENT = {"LA57", "SVM", "services", "MISC_ENABLE", "edu", "display"}

# Holdfast wants SVM, nested paging, NX and 1 GiB pages. Opteron_G3 stands for the oldest CPUs that
# have all of them; QEMU's model leaves two of them and the CPUID leaf of SVM out. It has FXRSTOR only,
# with which one thread of QEMU undoes what another has just noted of its CPU's nested paging
# (docs/testing.md, "The machines"): one thread runs all of its CPUs.
MODELS = {model.name: model for model in (
    Model("max", "max", {"VMX"}),
    Model("EPYC", "EPYC,svm=on,npt=on", {"UMIP", "LA57", "VMX"}),
    Model("Opteron_G3", "Opteron_G3,svm=on,npt=on,pdpe1gb=on,xlevel=0x8000000a",
          {"SMAP", "SMEP", "UMIP", "FSGSBASE", "XSAVE", "services", "LA57", "VMX"}, one_thread=True),
    # Intel's, in Bochs.
    Model("skylake_x", "corei7_skylake_x", ABSENT | {"UMIP"}, intel=True),
    Model("i3_cnl", "corei3_cnl", ABSENT, intel=True),
)}
