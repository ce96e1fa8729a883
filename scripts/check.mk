# SPDX-License-Identifier: GPL-2.0-only
#
# make check: each check is a target of its own (check-layers, ...), one line of result each.

CHECKS := format headers layers image cppcheck tidy gcc clang modules
CHECK_TARGETS := $(addprefix check-,$(CHECKS))

# The flags of the build, for the scripts; without what writes files.
CHECK_DROP := -MMD -MP -g -fsanitize% -fno-sanitize%
export CHECK_HV_FLAGS = $(filter-out $(CHECK_DROP),$(HV_CPPFLAGS) $(HV_CFLAGS))
export CHECK_SERVICES_FLAGS = $(SERVICES_CPPFLAGS) $(filter-out $(CHECK_DROP),$(SERVICES_CFLAGS))
export CHECK_AUTHORITY_FLAGS = $(filter-out $(CHECK_DROP),$(AUTHORITY_CFLAGS))
export CHECK_EL2_FLAGS = $(filter-out $(CHECK_DROP),$(HV_CPPFLAGS) $(HV_EL2_CFLAGS))
export CHECK_CLI_FLAGS = $(filter-out $(CHECK_DROP),$(CLI_CFLAGS))
export CHECK_UNIT_FLAGS = $(filter-out $(CHECK_DROP),$(UNIT_CFLAGS))
export CHECK_FUZZ_FLAGS = $(filter-out $(CHECK_DROP),$(FUZZ_CFLAGS))
export CHECK_GUEST_FLAGS = $(filter-out $(CHECK_DROP) -static,$(GUEST_CFLAGS))
export O

# Fragments may need what has just been installed: a make of its own sees it. -k: all findings.
check:
	$(Q)scripts/deps.sh build unit check
	$(Q)$(MAKE) --no-print-directory -k --output-sync=target $(CHECK_TARGETS)
	@echo "check: all $(words $(CHECKS)) passed"

.PHONY: $(CHECK_TARGETS) check-prove format

check-format:
	@scripts/check/format.sh

check-headers: $(KERNEL_READY)
	@KDIR=$(KDIR) scripts/check/headers.sh

check-layers:
	@scripts/check/layers.sh

# The image of either compiler.
CHECK_CLANG := $(O)/check/image-clang
check-image: $(patsubst %,$(O)/hv/hv-%.img,$(HV_BACKENDS))
	$(Q)rm -rf $(CHECK_CLANG)
	$(Q)$(MAKE) --no-print-directory -s CC=clang O=$(CHECK_CLANG) \
		$(patsubst %,$(CHECK_CLANG)/hv/hv-%.img,$(HV_BACKENDS)) >/dev/null || \
		{ echo "check image        FAILED  no image with clang"; exit 1; }
	@scripts/check/image.sh $(foreach backend,$(HV_BACKENDS),$(O)/hv/hv-$(backend) \
		$(CHECK_CLANG)/hv/hv-$(backend))

check-cppcheck:
	@scripts/check/cppcheck.sh

check-tidy:
	@scripts/check/tidy.sh

check-gcc check-clang: check-%:
	@scripts/check/compile.sh $*

CHECK_KERNELS := $(KERNELS) $(addsuffix -arm64,$(ARM_KERNELS))
check-modules: $(foreach kernel,$(CHECK_KERNELS),$(O)/kernel/$(kernel)/.ready)
	@for kernel in $(CHECK_KERNELS); do \
		case $$kernel in *-arm64) cross="ARCH=arm64 CROSS_COMPILE=$(ARM64)" ;; *) cross= ;; esac; \
		KDIR=$(abspath $(O))/kernel/$$kernel/kdir KCROSS="$$cross" \
			scripts/check/modules.sh || exit 1; \
	done

# Mend what check-format finds.
format:
	$(Q)find hv include agent cli services test -name '*.[ch]' 2>/dev/null | xargs clang-format -i

# That each check can fail.
check-prove: $(KERNEL_READY)
	@scripts/check/prove.sh
