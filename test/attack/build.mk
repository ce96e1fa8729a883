# SPDX-License-Identifier: GPL-2.0-only
#
# The attack module, against the headers of the stock kernel, and the attacks from user mode. kbuild
# leaves its files beside the sources: it works on a copy below build/.

ATTACK := $(O)/test/attack
ATTACK_SOURCES := $(notdir $(wildcard test/attack/*.c test/attack/*.h) test/attack/Kbuild)
ATTACK_SOURCES := $(filter-out user.c,$(ATTACK_SOURCES))
ATTACK_CONTRACTS := $(wildcard include/holdfast/*.h)

$(ATTACK)/module/%: test/attack/%
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@

$(ATTACK)/hf_attack.ko: $(addprefix $(ATTACK)/module/,$(ATTACK_SOURCES)) $(ATTACK_CONTRACTS) $(KERNEL_READY)
	$(Q)$(MAKE) -s -C $(KDIR) M=$(abspath $(ATTACK)/module) HF_INCLUDE=$(abspath include) \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	$(Q)cp $(ATTACK)/module/hf_attack.ko $@

# Comes with it.
$(ATTACK)/hf_plant.ko: $(ATTACK)/hf_attack.ko
	$(Q)cp $(ATTACK)/module/hf_plant.ko $@

$(ATTACK)/user: test/attack/user.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -MMD -MP -Iinclude -o $@ $<

-include $(ATTACK)/user.d

ARTIFACTS += $(ATTACK)/hf_attack.ko $(ATTACK)/hf_plant.ko $(ATTACK)/user
