# SPDX-License-Identifier: GPL-2.0-only
#
# The programs that run inside the test machines, and the drivers that start these.

BOOT := $(O)/test/boot
GUEST_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g0 -Wall -Wextra -Werror -static -MMD -MP -Iinclude

INIT_OBJS := $(patsubst %,$(BOOT)/%.o,init cases attack report proc cmdline holdfast ctl \
	lifecycle load resident bench command leave efi hotplug audit kcore nmi patching capture \
	text traps confine service umip authority)
WORKLOAD_OBJS := $(patsubst %,$(BOOT)/%.o,workload stress)

$(BOOT)/%.o: test/boot/%.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BOOT)/init: $(INIT_OBJS)
	$(Q)$(CC) -static -o $@ $^

$(BOOT)/workload: $(WORKLOAD_OBJS)
	$(Q)$(CC) -static -o $@ $^

-include $(wildcard $(BOOT)/*.d)

# The same for arm64, with the command and the libraries it needs.
ARM := $(O)/arm
ARM_CC := aarch64-linux-gnu-gcc
ARM_LIBS := $(ARM)/libs/root/usr
ARM_CLI := $(patsubst cli/%.c,$(ARM)/cli/%.o,$(wildcard cli/*.c))

$(ARM)/libs/.ready:
	$(Q)scripts/cross-libs.sh arm64 $(ARM)/libs

$(ARM)/test/boot/%.o: test/boot/%.c
	$(Q)mkdir -p $(@D)
	$(Q)$(ARM_CC) $(GUEST_CFLAGS) -c -o $@ $<

$(ARM)/cli/%.o: cli/%.c VERSION $(ARM)/libs/.ready
	$(Q)mkdir -p $(@D)
	$(Q)$(ARM_CC) $(CLI_CFLAGS) -idirafter $(ARM_LIBS)/include -MMD -MP -c -o $@ $<

$(ARM)/test/boot/init: $(patsubst $(BOOT)/%,$(ARM)/test/boot/%,$(INIT_OBJS))
	$(Q)$(ARM_CC) -static -o $@ $^

$(ARM)/test/boot/workload: $(patsubst $(BOOT)/%,$(ARM)/test/boot/%,$(WORKLOAD_OBJS))
	$(Q)$(ARM_CC) -static -o $@ $^

$(ARM)/cli/holdfast: $(ARM_CLI)
	$(Q)$(ARM_CC) -static -o $@ $^ $(ARM_LIBS)/lib/aarch64-linux-gnu/libjansson.a

# The kernel with the hypervisor in front of it.
$(ARM)/boot-%: $(O)/hv/hv-el2.img $(O)/kernel/%-arm64/.ready
	$(Q)mkdir -p $(@D)
	$(Q)scripts/arm-image.sh $< $(O)/kernel/$*-arm64/vmlinuz $@

ARM_ARTIFACTS := $(ARM)/test/boot/init $(ARM)/test/boot/workload $(ARM)/cli/holdfast \
	$(addprefix $(ARM)/boot-,$(ARM_KERNELS))
.PHONY: arm
arm: $(ARM_ARTIFACTS) $(patsubst %,modules-%-arm64,$(ARM_KERNELS))
-include $(wildcard $(ARM)/*/*.d $(ARM)/test/boot/*.d)

# kbuild leaves its files beside the sources: it works on a copy.
$(BOOT)/$(KVER)/bench/%: test/boot/bench/%
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@

$(BOOT)/$(KVER)/hf_bench.ko: $(addprefix $(BOOT)/$(KVER)/bench/,hf_bench.c hf_shoot.c hf_livepatch.c \
		hf_forge.c Kbuild) $(wildcard include/holdfast/*.h) $(KERNEL_READY)
	$(Q)$(MAKE) -s -C $(KDIR) M=$(abspath $(@D)/bench) HF_INCLUDE=$(abspath include) \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	$(Q)cp $(@D)/bench/hf_bench.ko $@

# Come with it.
BENCH_OTHERS := $(addprefix $(BOOT)/$(KVER)/,hf_shoot.ko hf_livepatch.ko hf_forge.ko)
$(BENCH_OTHERS): $(BOOT)/$(KVER)/%.ko: $(BOOT)/$(KVER)/hf_bench.ko
	$(Q)cp $(@D)/bench/$*.ko $@

$(BOOT)/$(KVER)/capture/%: test/boot/capture/%
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@

$(BOOT)/$(KVER)/hf_capture.ko: \
		$(addprefix $(BOOT)/$(KVER)/capture/,hf_capture.c capture.h Kbuild) \
		$(wildcard include/holdfast/*.h include/holdfast/service/*.h) $(KERNEL_READY)
	$(Q)$(MAKE) -s -C $(KDIR) M=$(abspath $(@D)/capture) HF_INCLUDE=$(abspath include) \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	$(Q)cp $(@D)/capture/hf_capture.ko $@

ifeq ($(filter %-arm64,$(KVER)),)
MODULES += $(BOOT)/$(KVER)/hf_capture.ko
MODULES += $(BOOT)/$(KVER)/hf_bench.ko $(BENCH_OTHERS)
endif
ARTIFACTS += $(BOOT)/init $(BOOT)/workload

# What these need is said in the top Makefile, once every fragment has named its artifacts.
.PHONY: vm-demo vm-test vm-test-full vm-test-intel vm-test-arm vm-bench attack-table

vm-demo:
	$(Q)python3 test/boot/demo.py

vm-test:
	$(Q)python3 test/boot/suite.py

vm-test-full:
	$(Q)python3 test/boot/suite.py --full

vm-test-intel:
	$(Q)python3 test/boot/suite.py --intel

vm-test-arm:
	$(Q)python3 test/boot/suite.py --arm

# The table of docs/testing.md, from what the last test-full (or test) has left below build/.
attack-table:
	$(Q)python3 test/boot/matrix.py docs/testing.md

vm-bench:
	$(Q)python3 test/boot/bench.py
