# SPDX-License-Identifier: GPL-2.0-only
#
# The attack module, against the headers of the stock kernel, and the attacks from user mode. kbuild
# leaves its files beside the sources: it works on a copy below build/.

ATTACK := $(O)/test/attack
ATTACK_MODULE := $(ATTACK)/$(KVER)/hf_attack.ko
ATTACK_PLANT := $(ATTACK)/$(KVER)/hf_plant.ko
ATTACK_SOURCES := $(notdir $(wildcard test/attack/*.c test/attack/*.h) test/attack/Kbuild)
ATTACK_SOURCES := $(filter-out user.c,$(ATTACK_SOURCES))
# arm64 has its own attacks, and what all have in common.
ifneq ($(filter %-arm64,$(KVER)),)
ATTACK_SOURCES := main.c attack.h feature.h
ATTACK_ARM := $(notdir $(wildcard test/attack/arm64/*))
endif
ATTACK_CONTRACTS := $(wildcard include/holdfast/*.h)

$(ATTACK)/$(KVER)/module/%: test/attack/%
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@

$(addprefix $(ATTACK)/$(KVER)/module/,$(ATTACK_ARM)): $(ATTACK)/$(KVER)/module/%: test/attack/arm64/%
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@

$(ATTACK_MODULE): $(addprefix $(ATTACK)/$(KVER)/module/,$(ATTACK_SOURCES) $(ATTACK_ARM)) $(ATTACK_CONTRACTS) $(KERNEL_READY)
	$(Q)$(MAKE) -s -C $(KDIR) M=$(abspath $(ATTACK)/$(KVER)/module) HF_INCLUDE=$(abspath include) \
		CONFIG_DEBUG_INFO_BTF_MODULES= $(KCROSS) modules
	$(Q)cp $(@D)/module/hf_attack.ko $@

# Comes with it.
$(ATTACK_PLANT): $(ATTACK_MODULE)
	$(Q)cp $(@D)/module/hf_plant.ko $@

$(ATTACK)/user: test/attack/user.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -MMD -MP -Iinclude -o $@ $<

-include $(ATTACK)/user.d

MODULES += $(ATTACK_MODULE) $(if $(ATTACK_ARM),,$(ATTACK_PLANT))
ARTIFACTS += $(ATTACK)/user
