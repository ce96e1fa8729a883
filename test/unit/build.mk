# SPDX-License-Identifier: GPL-2.0-only
# Unit tests: everything above the seam, on the fake backend, on the build host.
#
# A file test/unit/X_NAME.c is one program. lib_* and mem_* tests are linked with doubles of
# what lies above those layers (double.c); core_*, guard_* and domain_* with the real thing.
# x86_*, svm_*, vmx_* and arm_* test what of a backend can run on the build host, with fake_cpu.h in the
# place of its privileged instructions. cli_* test what of the command needs no machine. HF_SEED=N in the
# environment repeats random tests with another seed.

O ?= build
CC ?= gcc
UNIT := $(O)/unit

UNIT_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Werror $(UNIT_SANITIZE) -pthread \
	-Ihv/include -Iinclude -I. -DHF_VERSION='"$(shell cat VERSION)"' -MMD -MP

UNIT_HV := $(wildcard hv/core/*.c hv/guard/*.c hv/domain/*.c hv/mem/*.c hv/lib/*.c)
# The real format of a backend runs the same random sequences as the fake ones; what the fake
# kernel patches into its code is that of a real one.
UNIT_FORMATS := hv/arch/x86/svm/npt.c hv/arch/x86/vmx/ept.c hv/arch/x86/vmx/mtrr.c \
	hv/arch/x86/common/form.c hv/arch/arm64/s2.c
UNIT_FAKE := $(wildcard hv/arch/fake/*.c) $(UNIT_FORMATS)
UNIT_ARCHIVE := $(UNIT)/libhv.a
UNIT_ARCHIVE_OBJECTS := $(patsubst %.c,$(UNIT)/%.o,$(UNIT_HV) $(UNIT_FAKE))

UNIT_LOW := $(patsubst %.c,$(UNIT)/%,$(wildcard test/unit/lib_*.c test/unit/mem_*.c))
UNIT_HIGH := $(patsubst %.c,$(UNIT)/%, \
	$(wildcard test/unit/core_*.c test/unit/guard_*.c test/unit/domain_*.c))
UNIT_X86 := $(patsubst %.c,$(UNIT)/%,$(wildcard test/unit/x86_*.c test/unit/svm_*.c test/unit/vmx_*.c))
UNIT_ARM := $(patsubst %.c,$(UNIT)/%,$(wildcard test/unit/arm_*.c))
UNIT_CLI := $(patsubst %.c,$(UNIT)/%,$(wildcard test/unit/cli_*.c))
UNIT_AUTHORITY := $(patsubst %.c,$(UNIT)/%,$(wildcard test/unit/authority_*.c))
UNIT_TESTS := $(UNIT_LOW) $(UNIT_HIGH) $(UNIT_X86) $(UNIT_ARM) $(UNIT_CLI) $(UNIT_AUTHORITY)

.PHONY: unit-test
unit-test: $(UNIT_TESTS)
	@failed=0; \
	for t in $^; do \
		echo "== $${t#$(UNIT)/test/unit/}"; \
		$$t || failed=$$((failed + 1)); \
	done; \
	echo "unit: $(words $(UNIT_TESTS)) programs, $$failed failed"; \
	test $$failed -eq 0

# Stores to sealed code, many, against a model.
.PHONY: model
model: $(UNIT)/test/unit/guard_model
	HF_STORES=10000000 $<

# As in the image: forbidden functions stay forbidden. Tests and the fake backend use libc.
$(patsubst %.c,$(UNIT)/%.o,$(UNIT_HV)): UNIT_CFLAGS += -include hv/banned.h

# Next to the C library's functions of the same names, not in their place.
$(UNIT)/hv/lib/string.o: UNIT_CFLAGS += -Dmemcpy=hv_memcpy -Dmemmove=hv_memmove \
	-Dmemset=hv_memset -Dmemcmp=hv_memcmp -fno-builtin

$(UNIT)/test/%.o: UNIT_CFLAGS += -D_GNU_SOURCE
$(UNIT)/hv/arch/fake/%.o: UNIT_CFLAGS += -D_GNU_SOURCE

$(UNIT)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT_ARCHIVE): $(UNIT_ARCHIVE_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(UNIT_LOW): $(UNIT)/%: $(UNIT)/%.o $(UNIT)/test/unit/unit.o $(UNIT)/test/unit/double.o $(UNIT_ARCHIVE)
	$(Q)$(CC) $(UNIT_SANITIZE) -pthread -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka

# The walker's own test watches every store; this copy comes before the one in the archive.
$(UNIT)/traced/stage2.o: hv/mem/stage2.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -include hv/banned.h -include test/unit/trace.h -c -o $@ $<

$(UNIT)/test/unit/mem_stage2: $(UNIT)/traced/stage2.o

$(UNIT_HIGH): $(UNIT)/%: $(UNIT)/%.o $(UNIT)/test/unit/unit.o $(UNIT_ARCHIVE)
	$(Q)$(CC) $(UNIT_SANITIZE) -pthread -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka

# Code of words, in the place of the archive's.
$(UNIT)/test/unit/guard_word: $(UNIT)/hv/arch/arm64/form.o

# The service that boots test, in a process.
$(UNIT)/test/service/%.o $(UNIT)/test/unit/domain_process.o: UNIT_CFLAGS += -Iservices
$(UNIT)/test/unit/domain_process: $(UNIT)/test/service/echo.o

$(UNIT_CLI): $(UNIT)/test/unit/cli_%: $(UNIT)/test/unit/cli_%.o $(UNIT)/cli/%.o \
		$(UNIT)/test/unit/unit.o $(UNIT)/test/unit/double.o $(UNIT_ARCHIVE)
	$(Q)$(CC) $(UNIT_SANITIZE) -pthread -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka

# The authority knows nothing of the hypervisor.
$(UNIT)/services/%.o $(UNIT)/test/unit/authority_%.o: UNIT_CFLAGS += -Iservices

$(UNIT)/test/authority/%.o: UNIT_CFLAGS += -Iservices
$(UNIT)/test/unit/authority_module: $(addprefix $(UNIT)/test/authority/,builder.o scene.o)
$(UNIT)/test/unit/authority_service: $(patsubst %.c,$(UNIT)/%.o,$(AUTHORITY_HOSTED))
$(UNIT_AUTHORITY): $(UNIT)/%: $(UNIT)/%.o $(patsubst %.c,$(UNIT)/%.o,$(AUTHORITY_SOURCES))
	$(Q)$(CC) $(UNIT_SANITIZE) -o $@ $^ -lcmocka -lcapstone -lmbedcrypto

# Objects of hv/arch/x86 that tests of it are made of.
UNIT_CPU := $(UNIT)/cpu/hv/arch/x86
UNIT_ARM_CPU := $(UNIT)/cpu/hv/arch/arm64
UNIT_FAKE_MACHINE := $(UNIT)/test/unit/unit.o $(UNIT)/test/unit/double.o $(UNIT_ARCHIVE)

$(UNIT)/cpu/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -include hv/banned.h -include test/unit/fake_cpu.h -c -o $@ $<

$(UNIT)/test/unit/x86_tables: $(UNIT_CPU)/common/tables.o $(UNIT_CPU)/svm/npt.o \
	$(patsubst %,$(UNIT)/hv/mem/%.o,pool stage2 views)
$(UNIT)/test/unit/x86_port: $(UNIT_CPU)/common/port.o
$(UNIT)/test/unit/x86_decode: $(UNIT_CPU)/common/decode.o $(UNIT_FAKE_MACHINE)
$(UNIT)/test/unit/x86_decode: UNIT_LIBRARIES := -lcapstone
$(UNIT)/test/unit/x86_form: $(UNIT_CPU)/common/form.o
$(UNIT)/test/unit/x86_form: UNIT_LIBRARIES := -lcapstone
$(UNIT)/test/unit/x86_store: $(UNIT_CPU)/common/decode.o $(UNIT_FAKE_MACHINE)
$(UNIT)/test/unit/x86_store: UNIT_LIBRARIES := -lcapstone
$(UNIT)/test/unit/x86_apic: $(patsubst %,$(UNIT_CPU)/common/%.o,apic ioapic)
$(UNIT)/test/unit/svm_device: $(UNIT_CPU)/svm/restart.o \
	$(patsubst %,$(UNIT_CPU)/common/%.o,device instruction inject restart apic ioapic decode gwalk)
$(UNIT)/test/unit/x86_gwalk: $(UNIT_CPU)/common/gwalk.o $(UNIT_FAKE_MACHINE)
$(UNIT)/test/unit/x86_sysreg: $(UNIT_CPU)/common/sysreg.o $(UNIT_CPU)/common/msrs.o
$(UNIT)/test/unit/svm_probe: $(UNIT_CPU)/svm/probe.o $(UNIT_CPU)/common/platform.o
$(UNIT)/test/unit/svm_npt: $(UNIT_CPU)/svm/npt.o
$(UNIT)/test/unit/vmx_probe: $(UNIT_CPU)/vmx/probe.o $(UNIT_CPU)/common/platform.o
$(addprefix $(UNIT)/test/unit/,vmx_exit vmx_event): $(UNIT)/test/unit/guest_vmx.o \
	$(patsubst %,$(UNIT_CPU)/vmx/%.o,exit state registers table inject check restart) \
	$(patsubst %,$(UNIT_CPU)/common/%.o,exit instruction registers inject port store decode gwalk msrs \
	sysreg umip restart)
$(UNIT)/test/unit/vmx_ept: $(patsubst %,$(UNIT_CPU)/vmx/%.o,ept mtrr)
$(UNIT)/test/unit/svm_check: $(UNIT_CPU)/svm/check.o $(patsubst %,$(UNIT_CPU)/common/%.o,msrs sysreg)
UNIT_EXIT := $(addprefix $(UNIT)/test/unit/,svm_exit svm_nmi svm_registers svm_store)
$(UNIT_EXIT): $(patsubst %,$(UNIT_CPU)/svm/%.o,exit registers inject check) \
	$(patsubst %,$(UNIT_CPU)/common/%.o,exit instruction registers inject port store decode gwalk \
	msrs sysreg umip)
$(addprefix $(UNIT)/test/unit/,svm_exit svm_registers svm_store): $(UNIT)/test/unit/guest.o
$(addprefix $(UNIT)/test/unit/,svm_nmi vmx_exit vmx_event): $(UNIT)/test/unit/double_exit.o

$(UNIT_X86): $(UNIT)/%: $(UNIT)/%.o $(UNIT)/test/unit/fake_cpu.o
	$(Q)$(CC) $(UNIT_SANITIZE) -pthread -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka \
		$(UNIT_LIBRARIES)

$(UNIT)/test/unit/arm_s2: $(UNIT_ARM_CPU)/s2.o
$(UNIT)/test/unit/arm_fdt: $(UNIT_ARM_CPU)/fdt.o
$(UNIT)/test/unit/arm_psci: $(UNIT_ARM_CPU)/psci.o
$(UNIT)/test/unit/arm_gic: $(UNIT_ARM_CPU)/gic.o
$(UNIT_ARM): $(UNIT)/%: $(UNIT)/%.o
	$(Q)$(CC) $(UNIT_SANITIZE) -o $@ $(filter %.o,$^) -lcmocka

-include $(shell find $(UNIT) -name '*.d' 2>/dev/null)
