# SPDX-License-Identifier: GPL-2.0-only
#
# Services, as libraries. Those for the build host are made for their tests, with sanitizers.

SERVICES := $(O)/services
SERVICES_CPPFLAGS := -Iinclude -Iservices
SERVICES_CFLAGS := -std=c11 -g -O2 -Wall -Wextra -Werror -ffreestanding -MMD -MP

# What stands for itself, and what makes a service of it.
AUTHORITY_HOSTED := $(addprefix services/authority/,service.c store.c)
AUTHORITY_SOURCES := $(filter-out $(AUTHORITY_HOSTED),$(wildcard services/authority/*.c))
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
# For the cryptographic library, which is Debian's, compiled for a C library: what it calls, and names
# in parts of it that nothing here calls.
LIBSVC_C := $(addprefix $(DOMAIN)/services/libsvc/,heap.c.o absent.c.o thread.c.o)
LIBSVC_ABSENT := __printf_chk putchar puts fclose ferror fgets fopen fread fwrite gmtime_r
LIBCRYPTO = $(shell $(CC) -print-file-name=libmbedcrypto.a)
LIBGCC = $(shell $(CC) -print-libgcc-file-name)

$(DOMAIN)/%.o: %
	@mkdir -p $(@D)
	$(Q)$(CC) $(SERVICES_CPPFLAGS) $(DOMAIN_CFLAGS) -c -o $@ $<

$(DOMAIN)/%.elf: $(LIBSVC) services/libsvc/service.ld
	$(Q)$(LD) -static -z noexecstack --no-undefined --fatal-warnings -T services/libsvc/service.ld \
		-o $@ $(filter %.o,$^) $(DOMAIN_LIBS)

# What tests call.
$(DOMAIN)/echo.elf: $(DOMAIN)/test/service/echo.c.o
ARTIFACTS += $(DOMAIN)/echo.elf

$(DOMAIN)/authority.elf: $(LIBSVC_C) \
	$(patsubst %,$(DOMAIN)/%.o,$(AUTHORITY_SOURCES) $(AUTHORITY_HOSTED))
$(DOMAIN)/authority.elf: DOMAIN_LIBS = $(addprefix --defsym=,$(addsuffix =service_absent,$(LIBSVC_ABSENT))) \
	$(LIBCRYPTO) $(LIBGCC)
ARTIFACTS += $(DOMAIN)/authority.elf

-include $(shell find $(DOMAIN) -name '*.d' 2>/dev/null)
-include $(shell find $(SERVICES) -name '*.d' 2>/dev/null)
