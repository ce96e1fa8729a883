// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>

#include <holdfast/hypercall.h>

#include "judge.h"
#include "names.h"

#define LOOKUP(table, index)                                                             \
	((index) < sizeof(table) / sizeof((table)[0]) && (table)[index] ? (table)[index] \
									: "unknown")

const char *name_state(uint32_t state)
{
	static const char *const names[] = {
		[HF_STATE_ABSENT] = "absent",
		[HF_STATE_LAUNCHED] = "launched",
		[HF_STATE_LOCKED] = "locked",
	};

	return LOOKUP(names, state);
}

const char *name_action(uint32_t action)
{
	static const char *const names[] = {
		[HF_ACTION_NONE] = "none", [HF_ACTION_DENY] = "deny",
		[HF_ACTION_SKIP] = "skip", [HF_ACTION_ALLOW] = "allow",
		[HF_ACTION_KILL] = "kill",
	};

	return LOOKUP(names, action);
}

const char *name_event(uint32_t kind)
{
	static const char *const names[] = {
		[HF_EVENT_NONE] = "none",
		[HF_EVENT_LAUNCHED] = "launched",
		[HF_EVENT_LOCKED] = "locked",
		[HF_EVENT_MEMORY] = "memory",
		[HF_EVENT_REGISTER] = "register",
		[HF_EVENT_VIRT] = "virt",
		[HF_EVENT_HYPERCALL] = "hypercall",
		[HF_EVENT_PORT] = "port",
		[HF_EVENT_GUEST_FATAL] = "guest-fatal",
		[HF_EVENT_OTHER] = "other",
		[HF_EVENT_STARTUP] = "startup",
		[HF_EVENT_PATCH] = "patch",
		[HF_EVENT_SERVICE] = "service",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == HF_EVENT_KIND_COUNT,
		       "all kinds named");
	return LOOKUP(names, kind);
}

const char *name_access(uint32_t access)
{
	static const char *const names[] = {
		[HF_ACCESS_NONE] = "none",	 [HF_ACCESS_READ] = "read",
		[HF_ACCESS_WRITE] = "write",	 [HF_ACCESS_EXECUTE] = "execute",
		[HF_ACCESS_WALK] = "table-walk",
	};

	return LOOKUP(names, access);
}

const char *name_exit(uint32_t kind)
{
	static const char *const names[] = {
		[HF_EXIT_CALL] = "call",
		[HF_EXIT_MEMORY] = "memory",
		[HF_EXIT_REGISTER] = "register",
		[HF_EXIT_MSR] = "msr",
		[HF_EXIT_VIRT] = "virt",
		[HF_EXIT_KICK] = "kick",
		[HF_EXIT_NMI] = "nmi",
		[HF_EXIT_PORT] = "port",
		[HF_EXIT_SHUTDOWN] = "shutdown",
		[HF_EXIT_OTHER] = "other",
		[HF_EXIT_DEVICE] = "device",
		[HF_EXIT_WINDOW] = "window",
		[HF_EXIT_INSTRUCTION] = "instruction",
		[HF_EXIT_VIEW] = "view",
		[HF_EXIT_FIRMWARE] = "firmware",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == HF_EXIT_KIND_COUNT,
		       "all kinds named");
	return LOOKUP(names, kind);
}

const char *name_enforcement(uint32_t enforcement)
{
	static const char *const names[] = {
		[HF_ENFORCED_NOT] = "none",
		[HF_ENFORCED_HARDWARE] = "hardware",
		[HF_ENFORCED_FALLBACK] = "fallback",
		[HF_ENFORCED_AT_LOCK] = "at-lock",
	};

	return LOOKUP(names, enforcement);
}

const char *name_page(uint32_t state)
{
	static const char *const names[] = {
		[HF_PAGE_ABSENT] = "absent",   [HF_PAGE_DEVICE] = "device",
		[HF_PAGE_GUEST] = "guest",     [HF_PAGE_SEALED] = "sealed",
		[HF_PAGE_PENDING] = "pending", [HF_PAGE_LENT] = "lent",
		[HF_PAGE_SERVICE] = "service", [HF_PAGE_HYPERVISOR] = "hypervisor",
	};

	return LOOKUP(names, state);
}

const char *name_kind(uint32_t kind)
{
	static const char *const names[] = {
		[HF_KIND_NONE] = "none",
		[HF_KIND_TEXT] = "text",
		[HF_KIND_RODATA] = "rodata",
		[HF_KIND_RO_AFTER_INIT] = "ro-after-init",
		[HF_KIND_VECTORS] = "vectors",
		[HF_KIND_VDSO] = "vdso",
		[HF_KIND_MODULE_TEXT] = "module-text",
		[HF_KIND_MODULE_RODATA] = "module-rodata",
		[HF_KIND_RUNTIME_CODE] = "runtime-code",
		[HF_KIND_STARTUP] = "startup",
		[HF_KIND_FIRMWARE] = "firmware",
		[HF_KIND_DATA] = "data",
		[HF_KIND_ROOT] = "root",
		[HF_KIND_TABLE] = "table",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == HF_KIND_COUNT, "all kinds named");
	return LOOKUP(names, kind);
}

const char *name_judge(uint32_t what)
{
	static const char *const names[] = {
		[JUDGE_FINE] = "fine",
		[JUDGE_PERMISSION] = "wrong-permission",
		[JUDGE_HYPERVISOR] = "hypervisor-mapped",
		[JUDGE_ABSENT] = "absent-mapped",
		[JUDGE_LATER] = "not-sealed-later",
		[JUDGE_UNSEALED] = "not-sealed",
		[JUDGE_EXCESS] = "excess-permission",
		[JUDGE_EXECUTABLE] = "unsealed-code",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == JUDGE_COUNT, "all findings named");
	return LOOKUP(names, what);
}

const char *name_feature(uint32_t index, uint32_t *flag)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} features[] = {
		{ HF_FEATURE_DECODE_ASSIST, "decode-assist" },
		{ HF_FEATURE_NEXT_RIP, "next-rip" },
		{ HF_FEATURE_EXEC_SPLIT, "exec-split" },
		{ HF_FEATURE_FLUSH_ASID, "flush-asid" },
		{ HF_FEATURE_RESTART, "restart" },
		{ HF_FEATURE_NO_GATE, "no-gate" },
		{ HF_FEATURE_RULED_ONLY, "ruled-only" },
		{ HF_FEATURE_UMIP, "umip" },
	};

	if (index >= sizeof(features) / sizeof(features[0]))
		return NULL;
	*flag = features[index].flag;
	return features[index].name;
}
