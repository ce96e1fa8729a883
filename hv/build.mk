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

LD ?= ld
OBJCOPY ?= objcopy
-include $(HV_SVM_OBJECTS:.o=.d)
