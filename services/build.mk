# SPDX-License-Identifier: GPL-2.0-only
#
# Services, as libraries. Those for the build host are made for their tests, with sanitizers.

SERVICES := $(O)/services
SERVICES_CPPFLAGS := -Iinclude -Iservices
SERVICES_CFLAGS := -std=c11 -g -O2 -Wall -Wextra -Werror -ffreestanding -MMD -MP

AUTHORITY_SOURCES := $(wildcard services/authority/*.c)
AUTHORITY_LIB := $(SERVICES)/libauthority.a

$(SERVICES)/%.o: services/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(SERVICES_CPPFLAGS) $(SERVICES_CFLAGS) -c -o $@ $<

$(AUTHORITY_LIB): $(patsubst services/%.c,$(SERVICES)/%.o,$(AUTHORITY_SOURCES))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

-include $(shell find $(SERVICES) -name '*.d' 2>/dev/null)
