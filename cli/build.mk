# SPDX-License-Identifier: GPL-2.0-only
#
# cli: the holdfast command, one static program that also runs in an initramfs.

HF_VERSION := $(file <VERSION)

CLI_DIR := $(O)/cli
CLI_OBJECTS := $(patsubst cli/%.c,$(CLI_DIR)/%.o,$(wildcard cli/*.c))
CLI_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -fstack-protector-strong \
	-D_FORTIFY_SOURCE=2 -Iinclude -DHF_VERSION='"$(HF_VERSION)"'

$(CLI_DIR)/%.o: cli/%.c VERSION
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CLI_CFLAGS) -MMD -MP -c -o $@ $<

$(CLI_DIR)/holdfast: $(CLI_OBJECTS)
	$(Q)$(CC) -static -o $@ $^ -ljansson

-include $(CLI_OBJECTS:.o=.d)
