# SPDX-License-Identifier: GPL-2.0-only
#
# The programs that run inside the test machines, and the drivers that start these.

BOOT := $(O)/test/boot
GUEST_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g0 -Wall -Wextra -Werror -static -MMD -MP -Iinclude

INIT_OBJS := $(patsubst %,$(BOOT)/%.o,init cases attack report proc cmdline holdfast ctl \
	lifecycle load bench command nmi)
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
$(BOOT)/bench/%: test/boot/bench/%
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@

$(BOOT)/hf_bench.ko: $(BOOT)/bench/hf_bench.c $(BOOT)/bench/hf_shoot.c $(BOOT)/bench/Kbuild \
		$(wildcard include/holdfast/*.h) $(KERNEL_READY)
	$(Q)$(MAKE) -s -C $(KDIR) M=$(abspath $(BOOT)/bench) HF_INCLUDE=$(abspath include) \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	$(Q)cp $(BOOT)/bench/hf_shoot.ko $(BOOT)/
	$(Q)cp $(BOOT)/bench/hf_bench.ko $@

$(BOOT)/hf_shoot.ko: $(BOOT)/hf_bench.ko

ARTIFACTS += $(BOOT)/init $(BOOT)/workload $(BOOT)/hf_bench.ko $(BOOT)/hf_shoot.ko

# What these need is said in the top Makefile, once every fragment has named its artifacts.
.PHONY: vm-demo vm-test vm-bench

vm-demo:
	$(Q)python3 test/boot/demo.py

vm-test:
	$(Q)python3 test/boot/suite.py

vm-bench:
	$(Q)python3 test/boot/bench.py
