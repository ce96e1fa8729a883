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

# A service as it runs in a domain: static, for itself. $(DOMAIN)/NAME.elf is linked of the objects that
# its rule names, in this folder, and of libsvc. No call to a C library's function but for those of libsvc.
DOMAIN := $(O)/domain
DOMAIN_CFLAGS := -std=c11 -g -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
	-static -nostdlib -MMD -MP
LIBSVC := $(addprefix $(DOMAIN)/services/libsvc/,start.S.o domain.c.o memory.c.o)

$(DOMAIN)/%.o: %
	@mkdir -p $(@D)
	$(Q)$(CC) $(SERVICES_CPPFLAGS) $(DOMAIN_CFLAGS) -c -o $@ $<

$(DOMAIN)/%.elf: $(LIBSVC) services/libsvc/service.ld
	$(Q)$(LD) -static -z noexecstack --no-undefined --fatal-warnings -T services/libsvc/service.ld \
		-o $@ $(filter %.o,$^)

# What tests call.
$(DOMAIN)/echo.elf: $(DOMAIN)/test/service/echo.c.o
ARTIFACTS += $(DOMAIN)/echo.elf

-include $(shell find $(DOMAIN) -name '*.d' 2>/dev/null)
-include $(shell find $(SERVICES) -name '*.d' 2>/dev/null)
