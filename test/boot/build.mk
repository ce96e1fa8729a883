# SPDX-License-Identifier: GPL-2.0-only
#
# The programs that run inside the test machines, and the drivers that start these.

BOOT := $(O)/test/boot
GUEST_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g0 -Wall -Wextra -Werror -static -MMD -MP -Iinclude

INIT_OBJS := $(patsubst %,$(BOOT)/%.o,init cases attack report proc cmdline holdfast ctl \
	lifecycle load resident bench command leave efi hotplug audit kcore nmi patching text)
WORKLOAD_OBJS := $(patsubst %,$(BOOT)/%.o,workload stress)

$(BOOT)/%.o: test/boot/%.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BOOT)/init: $(INIT_OBJS)
	$(Q)$(CC) -static -o $@ $^

$(BOOT)/workload: $(WORKLOAD_OBJS)
	$(Q)$(CC) -static -o $@ $^

-include $(wildcard $(BOOT)/*.d)

# kbuild leaves its files beside the sources: it works on a copy.
$(BOOT)/$(KVER)/bench/%: test/boot/bench/%
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@

$(BOOT)/$(KVER)/hf_bench.ko: $(addprefix $(BOOT)/$(KVER)/bench/,hf_bench.c hf_shoot.c Kbuild) \
		$(wildcard include/holdfast/*.h) $(KERNEL_READY)
	$(Q)$(MAKE) -s -C $(KDIR) M=$(abspath $(@D)/bench) HF_INCLUDE=$(abspath include) \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	$(Q)cp $(@D)/bench/hf_bench.ko $@

# Comes with it.
$(BOOT)/$(KVER)/hf_shoot.ko: $(BOOT)/$(KVER)/hf_bench.ko
	$(Q)cp $(@D)/bench/hf_shoot.ko $@

MODULES += $(BOOT)/$(KVER)/hf_bench.ko $(BOOT)/$(KVER)/hf_shoot.ko
ARTIFACTS += $(BOOT)/init $(BOOT)/workload

# What these need is said in the top Makefile, once every fragment has named its artifacts.
.PHONY: vm-demo vm-test vm-test-full vm-bench attack-table

vm-demo:
	$(Q)python3 test/boot/demo.py

vm-test:
	$(Q)python3 test/boot/suite.py

vm-test-full:
	$(Q)python3 test/boot/suite.py --full

# The table of docs/testing.md, from what the last test-full (or test) has left below build/.
attack-table:
	$(Q)python3 test/boot/matrix.py docs/testing.md

vm-bench:
	$(Q)python3 test/boot/bench.py
