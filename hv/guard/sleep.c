// SPDX-License-Identifier: GPL-2.0-only
/* Guard against sleep: stores that would ask for it are refused from lock on. */
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

static bool any_asks(u8 space, u64 at, u32 width, u64 value)
{
	for (u32 i = 0; i < held; i++)
		if (records[i].space == space && asks(&records[i], at, width, value))
			return true;
	return false;
}

static enum verdict refuse(struct cpu *cpu, const struct exit *exit, struct hf_event *event,
			   bool known)
{
	/* Whose value is not known cannot be judged, nor done. */
	event->action = known ? protect_action() : HF_ACTION_DENY;
	event_record(cpu, exit, event);
	return event->action == HF_ACTION_ALLOW ? VERDICT_PERFORM : VERDICT_FAULT;
}

/* The permission map cannot tell reads from writes: what is in order is done for the guest. */
enum verdict sleep_port(struct cpu *cpu, const struct exit *exit)
{
	const struct exit_port *p = &exit->port;
	struct hf_event event = {
		.kind = HF_EVENT_PORT,
		.access = p->write ? HF_ACCESS_WRITE : HF_ACCESS_READ,
		.width = p->width,
		.asset = HF_ASSET_PORT | p->port,
		.gpa = p->port,
		.new_value = p->string ? 0 : p->value,
	};

	if (!p->string && (!p->write || !protect_locked() ||
			   !any_asks(HF_SPACE_PORT, p->port, p->width, p->value)))
		return VERDICT_PERFORM;
	return refuse(cpu, exit, &event, !p->string);
}

/* The rest of the page belongs to whatever device is there. */
enum verdict sleep_device(struct cpu *cpu, const struct exit *exit)
{
	const struct exit_device *d = &exit->device;
	struct hf_event event = {
		.kind = HF_EVENT_MEMORY,
		.access = HF_ACCESS_WRITE,
		.width = d->width,
		.asset = HF_ASSET_SLEEP,
		.va = d->va.raw,
		.gpa = d->gpa.raw,
		.new_value = d->value,
	};

	if (d->width &&
	    (!protect_locked() || !any_asks(HF_SPACE_MEMORY, d->gpa.raw, d->width, d->value)))
		return VERDICT_PERFORM;
	return refuse(cpu, exit, &event, d->width);
}

const char *sleep_open(void)
{
	if (!held)
		return "the kernel named no sleep register: it runs without ACPI";
	for (u32 i = 0; i < held; i++)
		if (records[i].space == HF_SPACE_OTHER)
			return "a sleep register of this machine is neither a port nor memory";
	return "";
}
