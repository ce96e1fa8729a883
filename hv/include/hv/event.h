/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring of events (holdfast/event.h), in the hypervisor's memory. Lock: event lock, inside.
 */
#pragma once

#include <holdfast/event.h>
#include <hv/types.h>

int event_init(void);

/*
 * Record one event; who, when and where come from @cpu and @exit (which may be NULL for notes).
 * The rest is copied from @event: kind, access, action, width, asset, va, gpa, old, new_value.
 */
void event_record(struct cpu *cpu, const struct exit *exit, const struct hf_event *event);

/* Copy up to @max events from sequence number @first on; how many were copied. */
u32 event_read(struct cpu *cpu, u64 first, struct hf_event *to, u32 max);
u64 event_newest(void); /* sequence number, 0: none */
u64 event_lost(void);
