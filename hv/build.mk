# SPDX-License-Identifier: GPL-2.0-only
# The hypervisor: one freestanding image a backend.

O ?= build
HF_VERSION := $(shell cat VERSION)

HV_CORE := $(sort $(wildcard hv/core/*.c hv/mem/*.c hv/guard/*.c hv/lib/*.c))
HV_SVM := $(sort $(wildcard hv/arch/x86/common/*.[cS]) $(filter-out %/offsets.c,$(wildcard hv/arch/x86/svm/*.[cS])))

HV_CPPFLAGS := -Iinclude -Ihv/include -DHF_VERSION='"$(HF_VERSION)"'
HV_WARNINGS := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wundef -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
# No vector registers: the guest's stay in the CPU. No red zone: exceptions use the same stack.
HV_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fPIE -fvisibility=hidden -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -fno-strict-aliasing -mno-red-zone \
	-mgeneral-regs-only -include hv/include/hv/banned.h -include hv/include/hv/visibility.h $(HV_WARNINGS)

HV_SVM_OBJECTS := $(patsubst hv/%,$(O)/hv/svm/%.o,$(HV_CORE) $(HV_SVM))

.PHONY: hv
hv: $(O)/hv/hv-svm.img
all: hv

$(O)/hv/svm/%.c.o: hv/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HV_CPPFLAGS) $(HV_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/hv/svm/%.S.o: hv/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(HV_CPPFLAGS) -I$(O)/hv/svm -MMD -MP -c -o $@ $<

$(O)/hv/svm/arch/x86/svm/run.S.o $(O)/hv/svm/arch/x86/common/entry.S.o: $(O)/hv/svm/offsets.h

$(O)/hv/svm/offsets.h: hv/arch/x86/svm/offsets.c $(wildcard hv/arch/x86/*/*.h hv/include/hv/*.h include/holdfast/*.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HV_CPPFLAGS) $(HV_CFLAGS) -S -o $(O)/hv/svm/offsets.s $<
	$(Q)sed -n 's|.*"=> \([A-Z_0-9]* [0-9]*\)".*|#define \1|p' $(O)/hv/svm/offsets.s > $@

$(O)/hv/hv-svm.elf: $(HV_SVM_OBJECTS) hv/arch/x86/hv.ld
	$(Q)$(LD) -static -pie --no-dynamic-linker -z text -z noexecstack --no-undefined --fatal-warnings \
		-T hv/arch/x86/hv.ld -o $@ $(HV_SVM_OBJECTS)

$(O)/hv/hv-svm.img: $(O)/hv/hv-svm.elf
	$(Q)$(OBJCOPY) -O binary $< $@
	@echo "  image   $@ ($$(stat -c %s $@) bytes)"

# arm64: cross-built by ARM64_CC, which is gcc unless CC is clang.
ARM64 := aarch64-linux-gnu-
ARM64_CC = $(if $(findstring clang,$(CC)),$(CC) --target=aarch64-linux-gnu,$(ARM64)gcc)
HV_EL2 := $(sort $(filter-out %/offsets.c,$(wildcard hv/arch/arm64/*.[cS])))
# No vector registers, no helpers from libraries; with the MMU off memory must be accessed aligned.
HV_EL2_CFLAGS := $(filter-out -fcf-protection% -mno-red-zone,$(HV_CFLAGS)) -mstrict-align \
	-mno-outline-atomics
HV_EL2_OBJECTS := $(patsubst hv/%,$(O)/hv/el2/%.o,$(HV_CORE) $(HV_EL2))

.PHONY: hv-el2
hv-el2: $(O)/hv/hv-el2.img

$(O)/hv/el2/%.c.o: hv/%.c
	@mkdir -p $(@D)
	$(Q)$(ARM64_CC) $(HV_CPPFLAGS) $(HV_EL2_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/hv/el2/%.S.o: hv/%.S $(O)/hv/el2/offsets.h
	@mkdir -p $(@D)
	$(Q)$(ARM64_CC) $(HV_CPPFLAGS) -I$(O)/hv/el2 -MMD -MP -c -o $@ $<

$(O)/hv/el2/offsets.h: hv/arch/arm64/offsets.c $(wildcard hv/arch/arm64/*.h hv/include/hv/*.h include/holdfast/*.h)
	@mkdir -p $(@D)
	$(Q)$(ARM64_CC) $(HV_CPPFLAGS) $(HV_EL2_CFLAGS) -S -o $(O)/hv/el2/offsets.s $<
	$(Q)sed -n 's|.*"=> \([A-Z0-9_]* [0-9]*\)".*|#define \1|p' $(O)/hv/el2/offsets.s > $@

$(O)/hv/hv-el2.elf: $(HV_EL2_OBJECTS) hv/arch/arm64/hv.ld
	$(Q)$(ARM64)ld -static -pie --no-dynamic-linker -z max-page-size=4096 -z separate-code -z text -z noexecstack --no-undefined \
		--fatal-warnings -T hv/arch/arm64/hv.ld -o $@ $(HV_EL2_OBJECTS)

$(O)/hv/hv-el2.img: $(O)/hv/hv-el2.elf
	$(Q)$(ARM64)objcopy -O binary $< $@
	@echo "  image   $@ ($$(stat -c %s $@) bytes)"

LD ?= ld
OBJCOPY ?= objcopy
-include $(HV_SVM_OBJECTS:.o=.d) $(HV_EL2_OBJECTS:.o=.d)
