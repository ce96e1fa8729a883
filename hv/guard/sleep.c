// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guard against sleep: stores that would ask for it are refused from lock on. So are those that
 * shut the gate of address bit 20, which makes one page of memory another behind all tables.
 */
#include <holdfast/image.h>
#include <hv/event.h>
#include <hv/owner.h>
#include <hv/protect.h>
#include <hv/sleep.h>
#include <hv/string.h>

/* Constant after launch. */
static struct hf_sleep records[HF_SLEEP_MAX];
static u32 held;

static bool valid(const struct hf_sleep *s)
{
	if (s->width != 1 && s->width != 2 && s->width != 4)
		return false;
	/* Every bit that is to match is one of the register's, and there is one. */
	if (!s->mask || (s->match & ~s->mask) || (u64)s->mask >> (8 * s->width))
		return false;
	switch (s->space) {
	case HF_SPACE_PORT:
		return s->address <= (u64)UINT16_MAX + 1 - s->width;
	case HF_SPACE_MEMORY:
		return (s->address & PAGE_MASK) + s->width <= PAGE_SIZE;
	}
	return s->space == HF_SPACE_OTHER;
}

/* A register in RAM would be none: what firmware says about this machine cannot be true. */
static int guard(const struct hf_sleep *s)
{
	struct gpa page = gpa(s->address & ~PAGE_MASK);

	if (s->space != HF_SPACE_MEMORY || owner_page(page).guarded)
		return 0;
	return owner_guard(page, 1);
}

int sleep_init(const struct hf_boot *boot)
{
	if (boot->sleep_count > HF_SLEEP_MAX)
		return -HF_EINVAL;
	for (u32 i = 0; i < boot->sleep_count; i++) {
		records[i] = boot->sleep[i];
		if (!valid(&records[i]) || guard(&records[i]))
			return -HF_EINVAL;
	}
	held = boot->sleep_count;
	return 0;
}

/*
 * Whether a store of @width bytes, at most 8, at @at asks for what @s names. Only the bits it
 * writes are compared: whoever writes a register in parts is refused at the first part that fits,
 * so no read of the rest can be raced by another CPU. (Type and enable bits of the sleep registers
 * of ACPI share a byte: no genuine request comes in parts.)
 */
static bool asks(const struct hf_sleep *s, u64 at, u32 width, u64 store)
{
	u64 bits = ~0ull >> (64 - 8 * width);

	if (at >= s->address + s->width || s->address >= at + width)
		return false;
	if (at >= s->address) {
		bits <<= 8 * (at - s->address);
		store <<= 8 * (at - s->address);
	} else {
		bits >>= 8 * (s->address - at);
		store >>= 8 * (s->address - at);
	}
	bits &= s->mask;
	return bits && !((store ^ s->match) & bits);
}

/* The first record whose store this is, or NULL. */
static const struct hf_sleep *asked(u8 space, u64 at, u32 width, u64 value)
{
	for (u32 i = 0; i < held; i++)
		if (records[i].space == space && asks(&records[i], at, width, value))
			return &records[i];
	return NULL;
}

static enum verdict refuse(struct cpu *cpu, const struct exit *exit, struct hf_event *event,
			   const struct hf_sleep *asked)
{
	/*
	 * Whose value is not known cannot be judged, nor done. The gate would lead the hypervisor
	 * itself astray, so no action lets it.
	 */
	event->action = asked && !asked->gate ? protect_action() : HF_ACTION_DENY;
	event_record(cpu, exit, event);
	return event->action == HF_ACTION_ALLOW ? VERDICT_PERFORM : VERDICT_FAULT;
}

/* The permission map cannot tell reads from writes: what is in order is done for the guest. */
enum verdict sleep_port(struct cpu *cpu, const struct exit *exit)
{
	const struct exit_port *p = &exit->port;
	const struct hf_sleep *found = NULL;
	struct hf_event event = {
		.kind = HF_EVENT_PORT,
		.access = p->write ? HF_ACCESS_WRITE : HF_ACCESS_READ,
		.width = p->width,
		.asset = HF_ASSET_PORT | p->port,
		.gpa = p->port,
		.new_value = p->string ? 0 : p->value,
	};

	if (!p->string && p->write && protect_locked())
		found = asked(HF_SPACE_PORT, p->port, p->width, p->value);
	if (!p->string && !found)
		return VERDICT_PERFORM;
	return refuse(cpu, exit, &event, found);
}

/* The rest of the page belongs to whatever device is there. */
enum verdict sleep_device(struct cpu *cpu, const struct exit *exit)
{
	const struct exit_device *d = &exit->device;
	const struct hf_sleep *found = NULL;
	struct hf_event event = {
		.kind = HF_EVENT_MEMORY,
		.access = HF_ACCESS_WRITE,
		.width = d->width,
		.asset = HF_ASSET_SLEEP,
		.va = d->va.raw,
		.gpa = d->gpa.raw,
		.new_value = d->value,
	};

	if (d->width && protect_locked())
		found = asked(HF_SPACE_MEMORY, d->gpa.raw, d->width, d->value);
	if (d->width && !found)
		return VERDICT_PERFORM;
	return refuse(cpu, exit, &event, found);
}

const char *sleep_open(void)
{
	bool named = false;

	for (u32 i = 0; i < held; i++) {
		if (records[i].space == HF_SPACE_OTHER)
			return "a sleep register of this machine is neither a port nor memory";
		named |= !records[i].gate;
	}
	return named ? "" : "the kernel named no sleep register: it runs without ACPI";
}

bool sleep_gate(void)
{
	for (u32 i = 0; i < held; i++)
		if (records[i].gate)
			return true;
	return false;
}
