# SPDX-License-Identifier: GPL-2.0-only
#
# make          build everything            make check   style, layering, static analysis
# make demo     the attacks, without and    make bench   cost, also in build/bench.json
#               with Holdfast               make loc     size of the trusted part
# make test     every test                  make clean   remove build/
# make fuzz     fuzzers (FUZZ_SECONDS)     make proof    bounded proofs of I1 to I4
# make test-full  the same on every machine: hours        make test-intel  on Intel's, in Bochs
#                                                         make test-arm  on arm64 alone
# make deps     install what all of the above need (demo, test, bench and check do it themselves)

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

O := build
# Make's own default is cc, which is not necessarily there.
ifeq ($(origin CC),default)
CC := gcc
endif
export CC
# V=1 shows the commands.
Q := $(if $(filter 1,$(V)),,@)

# The stock kernel modules are built for, and make demo and bench use: depend on $(KERNEL_READY), then
# use $(MAKE) -C $(KDIR) M=... (both absolute paths: kbuild changes directory). The tests use all of
# KERNELS.
KVER ?= 6.1
KERNELS := 6.1 6.12
# The one in Bochs, where Intel's extension is.
KERNEL_INTEL := 6.1-cloud
# What the tests use for arm64.
ARM_KERNELS := 6.1 6.12
KERNEL := $(abspath $(O)/kernel/$(KVER))
KDIR := $(KERNEL)/kdir
# What kbuild is told besides, for a KVER that ends with an architecture (6.1-arm64).
KCROSS := $(if $(filter %-arm64,$(KVER)),ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
KERNEL_READY := $(O)/kernel/$(KVER)/.ready

# What `all` builds, and the VM tests need. Fragments may add to it: what is built for KVER to
# MODULES, all else to ARTIFACTS.
ARTIFACTS :=
MODULES :=

# Goals that install what they need, and goals that need no tools. For all others say at once, by
# package name, what is missing.
FREE_GOALS := demo test test-full test-intel test-arm bench check deps loc clean attack-table
FREE_GOALS += fuzz proof proof-mutants
ifneq ($(filter-out $(FREE_GOALS),$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell scripts/deps.sh --check build 1>&2 && echo ok),ok)
$(error Holdfast cannot be built here: tools are missing)
endif
endif

.PHONY: all modules demo test test-full test-intel test-arm bench check deps loc clean
all:

-include hv/build.mk
-include agent/build.mk
-include services/build.mk
-include cli/build.mk
-include test/unit/build.mk
-include test/attack/build.mk
-include test/boot/build.mk
-include test/authority/build.mk
-include test/fuzz/build.mk
-include test/proof/build.mk
-include scripts/check.mk

# The parts by the names they are known by, as far as the tree has them.
PARTS := hv:$(O)/hv/hv-svm.img hv:$(O)/hv/hv-vmx.img cli:$(O)/cli/holdfast
MODULES += $(AGENT_DIR)/holdfast.ko
ARTIFACTS += $(foreach part,$(PARTS),$(if $(wildcard $(firstword $(subst :, ,$(part)))/build.mk), \
	$(lastword $(subst :, ,$(part)))))
ARTIFACTS := $(sort $(ARTIFACTS))

all: $(ARTIFACTS) $(MODULES)
modules: $(MODULES)
vm-demo vm-bench: $(ARTIFACTS) $(MODULES)
vm-test vm-test-full: $(ARTIFACTS) $(addprefix modules-,$(KERNELS))
vm-test vm-test-full vm-test-intel: $(ARTIFACTS) modules-$(KERNEL_INTEL) $(O)/bochs/.ready
vm-test vm-test-full vm-test-arm: $(ARM_ARTIFACTS) $(patsubst %,modules-%-arm64,$(ARM_KERNELS))

# The modules of one kernel: a make of its own, since KVER rules their paths.
MODULES_OF := $(addprefix modules-,$(KERNELS) $(KERNEL_INTEL) $(addsuffix -arm64,$(ARM_KERNELS)))
.PHONY: $(MODULES_OF)
$(MODULES_OF): modules-%:
	$(Q)+$(MAKE) --no-print-directory KVER=$* modules

# Does not depend on the script: a kernel that is there stays until `make clean`.
$(O)/kernel/%/.ready:
	$(Q)scripts/kernel.sh $(patsubst %-arm64,% arm64,$*)

# Fragments may need what has just been installed: a make of its own sees it.
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# The emulator with an Intel CPU.
$(O)/bochs/.ready:
	$(Q)scripts/bochs.sh

demo:
	$(Q)scripts/deps.sh build vm
	$(Q)+$(SUBMAKE) vm-demo

test:
	$(Q)scripts/deps.sh build vm intel arm unit
	$(Q)+$(SUBMAKE) vm-test

test-full:
	$(Q)scripts/deps.sh build vm intel arm unit
	$(Q)+$(SUBMAKE) vm-test-full

test-intel:
	$(Q)scripts/deps.sh build vm intel
	$(Q)+$(SUBMAKE) vm-test-intel

test-arm:
	$(Q)scripts/deps.sh build arm
	$(Q)+$(SUBMAKE) vm-test-arm

bench:
	$(Q)scripts/deps.sh build vm
	$(Q)+$(SUBMAKE) vm-bench

deps:
	$(Q)scripts/deps.sh build vm intel arm unit check fuzz

loc:
	$(Q)for backend in $(HV_BACKENDS); do scripts/loc.sh $$backend || exit 1; done

clean:
	$(Q)rm -rf $(O)
