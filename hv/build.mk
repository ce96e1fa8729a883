# SPDX-License-Identifier: GPL-2.0-only
# The hypervisor: one freestanding image a backend.

O ?= build
HF_VERSION := $(shell cat VERSION)
HV_BACKENDS := svm vmx

HV_CORE := $(sort $(wildcard hv/core/*.c hv/mem/*.c hv/guard/*.c hv/lib/*.c))
HV_CPPFLAGS := -Iinclude -Ihv/include -DHF_VERSION='"$(HF_VERSION)"'
HV_WARNINGS := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wundef -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
# No vector registers: the guest's stay in the CPU. No red zone: exceptions use the same stack.
HV_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fPIE -fvisibility=hidden -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -fno-strict-aliasing -mno-red-zone \
	-mgeneral-regs-only -include hv/include/hv/banned.h -include hv/include/hv/visibility.h $(HV_WARNINGS)

# One program to the compiler, which saves an eighth of the instructions of an exit. clang would need
# a linker of its own for that.
HV_WHOLE := $(if $(findstring clang,$(CC)),,-flto -flto-partition=one)
# What a compiler calls by itself is called when it has seen the whole.
$(foreach backend,$(HV_BACKENDS),$(O)/hv/$(backend)/lib/string.c.o): HV_WHOLE :=
OBJCOPY ?= objcopy

.PHONY: hv
hv: $(patsubst %,$(O)/hv/hv-%.img,$(HV_BACKENDS))
all: hv

# $(1): the backend; objects of its own, also of what it shares.
define hv_backend
HV_$(1) := $$(patsubst hv/%,$(O)/hv/$(1)/%.o,$$(HV_CORE) $$(sort $$(filter-out %/offsets.c, \
	$$(wildcard hv/arch/x86/common/*.[cS] hv/arch/x86/$(1)/*.[cS]))))

$(O)/hv/$(1)/%.c.o: hv/%.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(HV_CPPFLAGS) $$(HV_CFLAGS) $$(HV_WHOLE) -MMD -MP -c -o $$@ $$<

$(O)/hv/$(1)/%.S.o: hv/%.S
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(HV_CPPFLAGS) -I$(O)/hv/$(1) -MMD -MP -c -o $$@ $$<

$(O)/hv/$(1)/arch/x86/$(1)/run.S.o $(O)/hv/$(1)/arch/x86/common/entry.S.o: $(O)/hv/$(1)/offsets.h

$(O)/hv/$(1)/offsets.h: hv/arch/x86/$(1)/offsets.c $$(wildcard hv/arch/x86/*/*.h hv/include/hv/*.h include/holdfast/*.h)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(HV_CPPFLAGS) $$(HV_CFLAGS) -S -o $(O)/hv/$(1)/offsets.s $$<
	$$(Q)sed -n 's|.*"=> \([A-Z0-9_]* [0-9]*\)".*|#define \1|p' $(O)/hv/$(1)/offsets.s > $$@

$(O)/hv/hv-$(1).elf: $$(HV_$(1)) hv/arch/x86/hv.ld
	$$(Q)$$(CC) $$(HV_CFLAGS) $$(HV_WHOLE) -nostdlib -static-pie -Wl,-z,text,-z,noexecstack \
		-Wl,--no-undefined,--fatal-warnings,--build-id=none,-T,hv/arch/x86/hv.ld -o $$@ $$(HV_$(1))

$(O)/hv/hv-$(1).img: $(O)/hv/hv-$(1).elf
	$$(Q)$$(OBJCOPY) -O binary $$< $$@
	@echo "  image   $$@ ($$$$(stat -c %s $$@) bytes)"

-include $$(HV_$(1):.o=.d)
endef
$(foreach backend,$(HV_BACKENDS),$(eval $(call hv_backend,$(backend))))
