# SPDX-License-Identifier: GPL-2.0-only
#
# The authority on the build host, with modules that a stock kernel has loaded:
#
#	make capture	boots each kernel and keeps what its modules look like, in $(O)/capture
#	make authority-test	judges them: all are approved
#	make mutate	changes each in MUTATIONS ways: none is approved that must not be
#	make served-test	both at once, with the service that a domain hosts, in a process
#	make signed-test	signatures of all stock modules, by the certificates in the kernel

AUTHORITY := $(O)/test/authority
AUTHORITY_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
AUTHORITY_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer \
	-Iinclude -Iservices -I. -D_GNU_SOURCE -MMD -MP

AUTHORITY_OBJECTS := $(patsubst %.c,$(AUTHORITY)/%.o,$(AUTHORITY_SOURCES))
AUTHORITY_PROGRAMS := $(addprefix $(AUTHORITY)/,captured mutate)
# In $(O)/capture. The second of each kernel: on a CPU that is said to have the ITS bug, where indirect
# branches are not retpolines.
CAPTURES ?= $(KERNELS) $(addsuffix -its,$(KERNELS))
ITS := --number 230 --cpu vendor=GenuineIntel,x-force-features=on,spec-ctrl=on \
	--append "spectre_v2=ibrs indirect_target_selection=force"
MUTATIONS ?= 256

.PHONY: capture authority-test mutate served-test signed-test
capture: $(BOOT)/init $(addprefix modules-,$(KERNELS))
	$(Q)for kernel in $(KERNELS); do \
		python3 test/boot/capture.py --kernel $$kernel && \
		python3 test/boot/capture.py --kernel $$kernel --name $$kernel-its $(ITS) || exit 1; \
	done

authority-test: $(AUTHORITY)/captured
	$(Q)for name in $(CAPTURES); do $< $(O)/capture/$$name || exit 1; done

mutate: $(AUTHORITY)/mutate
	$(Q)for name in $(CAPTURES); do $< $(O)/capture/$$name $(MUTATIONS) || exit 1; done

served-test: $(AUTHORITY)/served
	$(Q)for name in $(CAPTURES); do $< $(O)/capture/$$name 8 || exit 1; done

signed-test: $(AUTHORITY)/signed $(foreach kernel,$(KERNELS),$(O)/kernel/$(kernel)/.ready)
	$(Q)for kernel in $(KERNELS); do \
		python3 test/authority/signed.py $< $$kernel || exit 1; done

$(AUTHORITY)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(AUTHORITY_CFLAGS) $(AUTHORITY_SANITIZE) -c -o $@ $<

$(AUTHORITY_PROGRAMS): $(AUTHORITY)/%: $(AUTHORITY)/test/authority/%.o \
		$(AUTHORITY)/test/authority/replay.o $(AUTHORITY_OBJECTS)
	$(Q)$(CC) $(AUTHORITY_SANITIZE) -o $@ $^ -lmbedcrypto

$(AUTHORITY)/served: $(addprefix $(AUTHORITY)/test/authority/,served.o client.o process.o replay.o) \
		$(AUTHORITY_OBJECTS) $(patsubst %.c,$(AUTHORITY)/%.o,$(AUTHORITY_HOSTED))
	$(Q)$(CC) $(AUTHORITY_SANITIZE) -o $@ $^ -lmbedcrypto

$(AUTHORITY)/signed: $(addprefix $(AUTHORITY)/test/authority/,signed.o certificate.o) \
		$(AUTHORITY_OBJECTS)
	$(Q)$(CC) $(AUTHORITY_SANITIZE) -o $@ $^ -lmbedx509 -lmbedcrypto

-include $(shell find $(AUTHORITY) -name '*.d' 2>/dev/null)
