# SPDX-License-Identifier: GPL-2.0-only
#
# agent: holdfast.ko, for the kernel in $(KDIR), in a folder of this kernel's own. kbuild writes next
# to its sources, so it gets a folder of links in place of agent/.

HF_VERSION := $(file <VERSION)

AGENT_DIR := $(O)/agent/$(KVER)
AGENT_SOURCES := $(patsubst agent/%,%,$(wildcard agent/*.[ch] agent/*/*.[ch]))
AGENT_LINKS := $(addprefix $(AGENT_DIR)/,Kbuild $(AGENT_SOURCES))
AGENT_CONTRACTS := $(wildcard include/holdfast/*.h include/holdfast/service/*.h)

$(AGENT_LINKS): $(AGENT_DIR)/%: agent/%
	$(Q)mkdir -p $(@D)
	$(Q)ln -sfn $(abspath $<) $@

$(AGENT_DIR)/holdfast.ko: $(AGENT_LINKS) $(AGENT_CONTRACTS) VERSION $(KERNEL_READY)
	$(Q)$(MAKE) --no-print-directory $(if $(Q),-s) -C $(KDIR) M=$(abspath $(AGENT_DIR)) \
		HF_TOP=$(CURDIR) HF_VERSION=$(HF_VERSION) CONFIG_DEBUG_INFO_BTF_MODULES= \
		$(KCROSS) modules
	$(Q)touch $@
