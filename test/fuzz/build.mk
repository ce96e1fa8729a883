# SPDX-License-Identifier: GPL-2.0-only
#
# Fuzzers: what is above the seam with a hostile guest (call), patching of code (site), the decoder
# with Zydis (decode); of the authority signatures (message), module files (object), what the
# kernel's tables make of them (rules), and requests to it as a service (service).
# `make fuzz` runs each for FUZZ_SECONDS (default 60), from its corpus in $(O)/fuzz/corpus, which
# begins with test/fuzz/seeds and is kept.

O ?= build
FUZZ := $(O)/fuzz
FUZZERS := call site decode message object rules service
FUZZ_SECONDS ?= 60

FUZZ_SANITIZE := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -pthread \
	-Ihv/include -Iinclude -I. -DHF_VERSION='"$(shell cat VERSION)"' -MMD -MP

# The machine: as in the unit tests.
FUZZ_HV := $(wildcard hv/core/*.c hv/guard/*.c hv/domain/*.c hv/mem/*.c hv/lib/*.c)
FUZZ_FAKE := $(wildcard hv/arch/fake/*.c) hv/arch/x86/svm/npt.c \
	hv/arch/x86/common/form.c
FUZZ_MACHINE := $(patsubst %.c,$(FUZZ)/%.o,$(FUZZ_HV) $(FUZZ_FAKE))

.PHONY: fuzz run-fuzz $(addprefix fuzz-,$(FUZZERS))
fuzz:
	$(Q)scripts/deps.sh build fuzz
	$(Q)+$(SUBMAKE) -k run-fuzz
run-fuzz: $(addprefix fuzz-,$(FUZZERS))

$(addprefix fuzz-,$(FUZZERS)): fuzz-%: $(FUZZ)/%
	@O=$(O) test/fuzz/run.sh $* $(FUZZ_SECONDS)

# What is under test guides the fuzzer, the tests' own files do not.
FUZZ_GUIDE := -fsanitize=fuzzer-no-link
$(FUZZ)/hv/%.o $(FUZZ)/test/fuzz/call.o $(FUZZ)/test/fuzz/site.o: FUZZ_CFLAGS += $(FUZZ_GUIDE)
$(FUZZ_MACHINE): FUZZ_CFLAGS += -include test/fuzz/state.h
$(patsubst %.c,$(FUZZ)/%.o,$(FUZZ_HV)): FUZZ_CFLAGS += -include hv/banned.h
$(FUZZ)/hv/arch/fake/%.o $(FUZZ)/test/%.o: FUZZ_CFLAGS += -D_GNU_SOURCE
# Next to the C library's functions of the same names, not in their place.
$(FUZZ)/hv/lib/string.o: FUZZ_CFLAGS += -Dmemcpy=hv_memcpy -Dmemmove=hv_memmove \
	-Dmemset=hv_memset -Dmemcmp=hv_memcmp -fno-builtin

$(FUZZ)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -c -o $@ $<

$(FUZZ)/call: $(addprefix $(FUZZ)/test/fuzz/,call.o domain.o machine.o model.o) $(FUZZ_MACHINE)
	$(Q)clang $(FUZZ_SANITIZE) -pthread -o $@ $^

$(FUZZ)/site: $(addprefix $(FUZZ)/test/fuzz/,site.o machine.o) $(FUZZ_MACHINE)
	$(Q)clang $(FUZZ_SANITIZE) -pthread -o $@ $^

$(FUZZ)/decode: $(FUZZ)/test/fuzz/decode.o $(FUZZ)/hv/arch/x86/common/decode.o
	$(Q)clang $(FUZZ_SANITIZE) -o $@ $^ -lZydis

# The authority: all of it, with a module that has a place for every rule.
FUZZ_AUTHORITY := $(patsubst %.c,$(FUZZ)/%.o,$(AUTHORITY_SOURCES) \
	$(addprefix test/authority/,builder.c scene.c))
$(FUZZ)/services/%.o: FUZZ_CFLAGS += $(FUZZ_GUIDE)
$(FUZZ)/services/%.o $(FUZZ)/test/authority/%.o: FUZZ_CFLAGS += -Iservices
$(addprefix $(FUZZ)/test/fuzz/,module.o message.o object.o rules.o service.o): FUZZ_CFLAGS += -Iservices

$(FUZZ)/message: $(FUZZ)/test/fuzz/message.o $(FUZZ_AUTHORITY)
	$(Q)clang $(FUZZ_SANITIZE) -o $@ $^ -lmbedcrypto

$(FUZZ)/object $(FUZZ)/rules: $(FUZZ)/%: $(FUZZ)/test/fuzz/%.o $(FUZZ)/test/fuzz/module.o \
		$(FUZZ_AUTHORITY)
	$(Q)clang $(FUZZ_SANITIZE) -o $@ $^ -lmbedcrypto

$(FUZZ)/service: $(FUZZ)/test/fuzz/service.o $(FUZZ_AUTHORITY) \
		$(patsubst %.c,$(FUZZ)/%.o,$(AUTHORITY_HOSTED))
	$(Q)clang $(FUZZ_SANITIZE) -o $@ $^ -lmbedcrypto

-include $(shell find $(FUZZ) -name '*.d' 2>/dev/null)
