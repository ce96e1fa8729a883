/* SPDX-License-Identifier: GPL-2.0-only */
/* What this kernel does to modules, and what it offers them. */
#ifndef AGENT_COMPAT_FACTS_H
#define AGENT_COMPAT_FACTS_H

#include <holdfast/service/authority.h>

/* -ENOENT: this kernel lacks something that tells. */
int facts_find(struct hf_authority_facts *facts);
/* Whole pages with all that its exports need. */
int facts_exports(struct hf_authority_exporter *kernel);

#endif
