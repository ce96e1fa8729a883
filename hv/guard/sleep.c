// SPDX-License-Identifier: GPL-2.0-only
/* Guard against sleep: stores that would ask for it are refused from lock on. */
#include <holdfast/image.h>
#include <hv/event.h>
#include <hv/protect.h>
#include <hv/sleep.h>
#include <hv/string.h>

/* Constant after launch. */
static struct hf_sleep records[HF_SLEEP_MAX];
static u32 held;

static bool valid(const struct hf_sleep *s)
{
	if ((s->width != 1 && s->width != 2 && s->width != 4) || s->memory > 1)
		return false;
	/* Every bit that is to match is one of the register's, and there is one. */
	if (!s->mask || (s->match & ~s->mask) || (u64)s->mask >> (8 * s->width))
		return false;
	return s->memory || s->address <= (u64)UINT16_MAX + 1 - s->width;
}

int sleep_init(const struct hf_boot *boot)
{
	if (boot->sleep_count > HF_SLEEP_MAX)
		return -HF_EINVAL;
	for (u32 i = 0; i < boot->sleep_count; i++) {
		records[i] = boot->sleep[i];
		if (!valid(&records[i]))
			return -HF_EINVAL;
	}
	held = boot->sleep_count;
	return 0;
}

/*
 * Whether a store of @width bytes, at most 4, at @at asks for what @s names. Only the bits it
 * writes are compared: whoever writes a register in parts is refused at the first part that fits,
 * so no read of the rest can be raced by another CPU. (Type and enable bits of the sleep registers
 * of ACPI share a byte: no genuine request comes in parts.)
 */
static bool asks(const struct hf_sleep *s, u64 at, u32 width, u32 value)
{
	u64 bits = BIT(8 * width) - 1, store = value;

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

static bool port_asks(const struct exit_port *p)
{
	for (u32 i = 0; i < held; i++)
		if (!records[i].memory && asks(&records[i], p->port, p->width, p->value))
			return true;
	return false;
}

/* The permission map cannot tell reads from writes: what is in order is done for the guest. */
enum verdict sleep_port(struct cpu *cpu, const struct exit *exit)
{
	const struct exit_port *p = &exit->port;
	struct hf_event event = {
		.kind = HF_EVENT_PORT,
		.access = p->write ? HF_ACCESS_WRITE : HF_ACCESS_READ,
		.action = protect_action(),
		.width = p->width,
		.asset = HF_ASSET_PORT | p->port,
		.gpa = p->port,
		.new_value = p->value,
	};

	if (!p->string && (!p->write || !protect_locked() || !port_asks(p)))
		return VERDICT_PERFORM;
	/* Whose value is not known cannot be judged, nor done. */
	if (p->string)
		event.action = HF_ACTION_DENY;
	event_record(cpu, exit, &event);
	return event.action == HF_ACTION_ALLOW ? VERDICT_PERFORM : VERDICT_FAULT;
}

const char *sleep_open(void)
{
	if (!held)
		return "the kernel named no sleep register: it runs without ACPI";
	for (u32 i = 0; i < held; i++)
		if (records[i].memory)
			return "a sleep register of this machine is in memory, which is not "
			       "looked at";
	return "";
}
