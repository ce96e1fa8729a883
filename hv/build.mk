# SPDX-License-Identifier: GPL-2.0-only
# The hypervisor: one freestanding image a backend.

O ?= build
HF_VERSION := $(shell cat VERSION)
HV_X86 := svm vmx
HV_BACKENDS := $(HV_X86) el2

HV_CORE := $(sort $(wildcard hv/core/*.c hv/mem/*.c hv/guard/*.c hv/domain/*.c \
	hv/lib/*.c))
HV_CPPFLAGS := -Iinclude -Ihv/include -DHF_VERSION='"$(HF_VERSION)"'
HV_WARNINGS := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wundef -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
# No vector registers: the guest's stay in the CPU.
HV_COMMON_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fPIE -fvisibility=hidden -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -mgeneral-regs-only \
	-include hv/include/hv/banned.h -include hv/include/hv/visibility.h $(HV_WARNINGS)
# No red zone: exceptions use the same stack.
HV_CFLAGS := $(HV_COMMON_CFLAGS) -fcf-protection=none -mno-red-zone
# No helpers of the compiler's library; with the MMU off memory must be accessed aligned.
HV_EL2_CFLAGS := $(HV_COMMON_CFLAGS) -mstrict-align -mno-outline-atomics

# One program to the compiler, which saves an eighth of the instructions of an exit: measured, and
# the order of writes of registers looked at, on x86 only. clang would need a linker of its own.
HV_WHOLE := $(if $(findstring clang,$(CC)),,-flto -flto-partition=one)
# What a compiler calls by itself is called when it has seen the whole; offsets are read as text.
$(foreach backend,$(HV_X86),$(O)/hv/$(backend)/lib/string.c.o $(O)/hv/$(backend)/offsets.h): HV_WHOLE :=
OBJCOPY ?= objcopy

# arm64 is cross-built: by gcc, unless CC is clang.
ARM64 := aarch64-linux-gnu-
ARM64_CC = $(if $(findstring clang,$(CC)),$(CC) --target=aarch64-linux-gnu,$(ARM64)gcc)

.PHONY: hv hv-el2
hv: $(patsubst %,$(O)/hv/hv-%.img,$(HV_X86))
hv-el2: $(O)/hv/hv-el2.img
all: hv

# $(1): the backend. $(2): its folders. $(3): its linker script. $(4) to $(7): compiler, flags of
# it, more flags to link, and objcopy.
define hv_backend
HV_$(1) := $$(patsubst hv/%,$(O)/hv/$(1)/%.o,$$(HV_CORE) $$(sort $$(filter-out %/offsets.c, \
	$$(wildcard $$(patsubst %,%/*.[cS],$(2))))))

$(O)/hv/$(1)/%.c.o: hv/%.c
	@mkdir -p $$(@D)
	$$(Q)$(4) $$(HV_CPPFLAGS) $(5) -MMD -MP -c -o $$@ $$<

$(O)/hv/$(1)/%.S.o: hv/%.S $(O)/hv/$(1)/offsets.h
	@mkdir -p $$(@D)
	$$(Q)$(4) $$(HV_CPPFLAGS) -I$(O)/hv/$(1) -MMD -MP -c -o $$@ $$<

$(O)/hv/$(1)/offsets.h: $(lastword $(2))/offsets.c $$(wildcard $$(patsubst %,%/*.h,$(2) hv/include/hv \
		include/holdfast))
	@mkdir -p $$(@D)
	$$(Q)$(4) $$(HV_CPPFLAGS) $(5) -S -o $(O)/hv/$(1)/offsets.s $$<
	$$(Q)sed -n 's|.*"=> \([A-Z0-9_]* [0-9]*\)".*|#define \1|p' $(O)/hv/$(1)/offsets.s > $$@

$(O)/hv/hv-$(1).elf: $$(HV_$(1)) $(3)
	$$(Q)$(4) $(5) $(6) -nostdlib -static-pie -Wl,-z,text,-z,noexecstack \
		-Wl,--no-undefined,--fatal-warnings,--build-id=none,-T,$(3) -o $$@ $$(HV_$(1))

$(O)/hv/hv-$(1).img: $(O)/hv/hv-$(1).elf
	$$(Q)$(7) -O binary $$< $$@
	@echo "  image   $$@ ($$$$(stat -c %s $$@) bytes)"

-include $$(HV_$(1):.o=.d)
endef
$(foreach backend,$(HV_X86),$(eval $(call hv_backend,$(backend),hv/arch/x86/common \
	hv/arch/x86/$(backend),hv/arch/x86/hv.ld,$$(CC),$$(HV_CFLAGS) $$(HV_WHOLE),,$$(OBJCOPY))))
$(eval $(call hv_backend,el2,hv/arch/arm64,hv/arch/arm64/hv.ld,$$(ARM64_CC),$$(HV_EL2_CFLAGS), \
	-z max-page-size=4096 -z separate-code,$$(ARM64)objcopy))
