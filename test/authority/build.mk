# SPDX-License-Identifier: GPL-2.0-only
#
# The authority on the build host, with modules that a stock kernel has loaded:
#
#	make capture	boots each kernel and keeps what its modules look like, in $(O)/capture
#	make authority-test	judges them: all are approved

AUTHORITY := $(O)/test/authority
AUTHORITY_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
AUTHORITY_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer \
	-Iinclude -Iservices -I. -D_GNU_SOURCE -MMD -MP

AUTHORITY_OBJECTS := $(patsubst %.c,$(AUTHORITY)/%.o,$(AUTHORITY_SOURCES))
AUTHORITY_PROGRAMS := $(addprefix $(AUTHORITY)/,captured mutate)

.PHONY: capture authority-test
capture: $(BOOT)/init $(addprefix modules-,$(KERNELS))
	$(Q)for kernel in $(KERNELS); do python3 test/boot/capture.py --kernel $$kernel || exit 1; done

authority-test: $(AUTHORITY)/captured
	$(Q)for kernel in $(KERNELS); do $< $(O)/capture/$$kernel || exit 1; done

$(AUTHORITY)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(AUTHORITY_CFLAGS) $(AUTHORITY_SANITIZE) -c -o $@ $<

$(AUTHORITY_PROGRAMS): $(AUTHORITY)/%: $(AUTHORITY)/test/authority/%.o \
		$(AUTHORITY)/test/authority/replay.o $(AUTHORITY_OBJECTS)
	$(Q)$(CC) $(AUTHORITY_SANITIZE) -o $@ $^ -lmbedcrypto

-include $(shell find $(AUTHORITY) -name '*.d' 2>/dev/null)
