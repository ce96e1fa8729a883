# SPDX-License-Identifier: GPL-2.0-only
#
# Bounded proofs with CBMC, which scripts/cbmc.sh finds or fetches. PROOF=NAME... chooses some by the
# beginning of their names; JOBS= how many at once.

.PHONY: proof proof-mutants
proof:
	$(Q)scripts/deps.sh build
	$(Q)O=$(O) test/proof/run.sh $(PROOF)

# That the proofs can fail.
proof-mutants:
	$(Q)scripts/deps.sh build
	$(Q)O=$(O) test/proof/mutants.sh
