// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is protected and how. Each answer is worked out from the state of the machine
 * when asked; nothing is listed as enforced because it was meant to be.
 *
 * Texts are arrays, not pointers: the image is moved before it runs, and this way its constant
 * data needs no relocation.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include <hv/print.h>
#include <hv/protect.h>
#include <hv/registers.h>
#include <hv/site.h>
#include <hv/sleep.h>
#include <hv/status.h>
#include <hv/string.h>

#define NAME_SIZE   48
#define REASON_SIZE 128

/* Indexed by enum hf_kind. */
static const char memory_names[HF_KIND_COUNT][NAME_SIZE] = {
	[HF_KIND_NONE] = "guest memory",
	[HF_KIND_TEXT] = "kernel text",
	[HF_KIND_RODATA] = "kernel read-only data",
	[HF_KIND_RO_AFTER_INIT] = "kernel data read-only after init",
	[HF_KIND_VECTORS] = "exception vectors",
	[HF_KIND_VDSO] = "vDSO image",
	[HF_KIND_MODULE_TEXT] = "module text",
	[HF_KIND_MODULE_RODATA] = "module read-only data",
	[HF_KIND_RUNTIME_CODE] = "code made at run time",
	[HF_KIND_STARTUP] = "real-mode startup code",
	[HF_KIND_FIRMWARE] = "EFI runtime code",
	[HF_KIND_DATA] = "kernel data",
	[HF_KIND_ROOT] = "roots of kernel page tables",
	[HF_KIND_TABLE] = "page tables of the kernel image",
};

/* Of those that are sealed, what is left open all the same. */
static const char memory_limits[HF_KIND_COUNT][REASON_SIZE] = {
	[HF_KIND_MODULE_TEXT] =
		"of modules resident at lock; those loaded later are not sealed",
	[HF_KIND_MODULE_RODATA] =
		"of modules resident at lock; those loaded later are not sealed",
	[HF_KIND_RUNTIME_CODE] = "what was there at lock; what is made later is not sealed",
	[HF_KIND_DATA] = "cannot be executed; what it holds can be written",
};

/* Of the machine as a whole: HF_ASSET_PLATFORM | number, fixed by docs/abi.md. */
enum platform {
	PLATFORM_MACHINE,
	PLATFORM_KERNEL_EXECUTE,
	PLATFORM_PATCHING,
	PLATFORM_REMAP,
	PLATFORM_DMA,
	PLATFORM_RESTART,
	PLATFORM_SLEEP,
	PLATFORM_TRACING,
	PLATFORM_PROBES,
	PLATFORM_LIVEPATCH,
	PLATFORM_GATE,
	PLATFORM_CHOICE,
	PLATFORM_REGISTERS,
	PLATFORM_COUNT
};

static const char platform_names[PLATFORM_COUNT][NAME_SIZE] = {
	[PLATFORM_MACHINE] = "machine",
	[PLATFORM_KERNEL_EXECUTE] = "kernel-mode execution of other memory",
	[PLATFORM_PATCHING] = "patching of kernel text",
	[PLATFORM_REMAP] = "remapping of protected addresses",
	[PLATFORM_DMA] = "memory access by devices",
	[PLATFORM_RESTART] = "restart of a CPU",
	[PLATFORM_SLEEP] = "sleep",
	[PLATFORM_TRACING] = "new function tracing",
	[PLATFORM_PROBES] = "new kprobes",
	[PLATFORM_LIVEPATCH] = "new live patches",
	[PLATFORM_GATE] = "gate of address bit 20",
	[PLATFORM_CHOICE] = "choice among the values of a patched place",
	[PLATFORM_REGISTERS] = "system registers read by programs",
};

static_assert(HF_ASSET_DEVICES == (HF_ASSET_PLATFORM | PLATFORM_DMA) &&
		      HF_ASSET_RESTART == (HF_ASSET_PLATFORM | PLATFORM_RESTART) &&
		      HF_ASSET_SLEEP == (HF_ASSET_PLATFORM | PLATFORM_SLEEP),
	      "docs/abi.md");

/* Of those the guest can do nothing about yet. Empty: enforced in some way, see the functions.
 */
static const char open_reasons[PLATFORM_COUNT][REASON_SIZE] = {
	[PLATFORM_REMAP] = "the kernel's page tables are not guarded yet: an address can be "
			   "mapped to another page",
	[PLATFORM_DMA] = "no IOMMU is programmed yet: a device can be told to write any memory "
			 "but through the CPU",
	[PLATFORM_CHOICE] = "any static key can be turned, and any static call led to any "
			    "function that was there at lock",
};

static void set(struct hf_protection *p, enum hf_enforcement enforcement, const char *reason)
{
	p->enforcement = enforcement;
	string_copy(p->reason, reason, sizeof(p->reason));
}

/* Protections that are taken up at lock and that action "allow" turns into a log. */
static void set_locked(struct hf_protection *p, bool effective, const char *why_not)
{
	if (protect_action() == HF_ACTION_ALLOW)
		set(p, HF_ENFORCED_NOT, "log only: launched with action allow");
	else if (!protect_locked())
		set(p, HF_ENFORCED_AT_LOCK, "");
	else if (!effective)
		set(p, HF_ENFORCED_NOT, why_not);
	else
		set(p, HF_ENFORCED_HARDWARE, "");
}

static void memory_protection(struct hf_protection *p, u32 kind)
{
	p->asset = HF_ASSET_MEMORY | kind;
	set_locked(p, protect_pages(kind), "no page of this kind was registered before lock");
	if (p->enforcement == HF_ENFORCED_HARDWARE)
		set(p, HF_ENFORCED_HARDWARE, memory_limits[kind]);
}

static u32 rules(void)
{
	u32 count;

	backend_register_rules(&count);
	return count;
}

/* The last is what holds for registers that no rule names. */
static void register_protection(struct hf_protection *p, u32 rule)
{
	bool effective = true;

	if (rule == rules()) {
		p->asset = HF_ASSET_REGISTER_OTHER;
		set_locked(p, !(backend_features() & HF_FEATURE_RULED_ONLY),
			   "writes of registers that are not in this list are not seen");
		return;
	}
	p->asset = HF_ASSET_REGISTER | rule;
	for (u32 i = 0; i < cpu_count(); i++)
		effective = effective && registers_effective(cpu_get(i), rule);
	set_locked(p, effective,
		   "a CPU did not have the value worth keeping when it was locked");
}

static void execute_protection(struct hf_protection *p)
{
	if (launch_flags() & HF_BOOT_EXEC_OFF)
		set(p, HF_ENFORCED_NOT,
		    "switched off: heap, modules area and user pages can be run in kernel "
		    "mode");
	else if (!protect_confines())
		set(p, HF_ENFORCED_NOT,
		    "the CPU cannot tell kernel from user execution: heap, modules area and "
		    "user pages can be run in kernel mode");
	else
		set_locked(p, true, "");
	if (p->enforcement == HF_ENFORCED_HARDWARE && (launch_flags() & HF_BOOT_TWO_TABLES))
		set(p, HF_ENFORCED_FALLBACK,
		    "two tables, two exits a system call; a call gate, or an entry led to a "
		    "user "
		    "page, runs that page");
}

/* Known and enforced from launch on, whatever the action. */
static void restart_protection(struct hf_protection *p)
{
	if (!(backend_features() & HF_FEATURE_RESTART))
		set(p, HF_ENFORCED_NOT,
		    "the CPUs do not turn INIT into an exception: one that is sent INIT leaves "
		    "the hypervisor's control (see init-guard)");
	else if (launch_flags() & HF_BOOT_INIT_GUARD)
		set(p, HF_ENFORCED_FALLBACK,
		    "init-guard: each write to an interrupt controller is an exit; a device's "
		    "own messages are not looked at");
	else
		set(p, HF_ENFORCED_HARDWARE, "");
}

/* Whatever the action: shut, it would lead the hypervisor itself astray. */
static void gate_protection(struct hf_protection *p)
{
	if (backend_features() & HF_FEATURE_NO_GATE)
		set(p, HF_ENFORCED_HARDWARE, "");
	else if (!sleep_gate())
		set(p, HF_ENFORCED_NOT, "no port that shuts it was named at launch");
	else if (!protect_locked())
		set(p, HF_ENFORCED_AT_LOCK, "");
	else
		set(p, HF_ENFORCED_FALLBACK,
		    "stores to the ports of PCs that shut it are refused; a chipset may have "
		    "others");
}

/* Which addresses the tables lead to is the agent's to know, which is trusted before lock. */
static void remap_protection(struct hf_protection *p)
{
	if (!protect_pages(HF_KIND_ROOT)) {
		set(p, HF_ENFORCED_NOT, open_reasons[PLATFORM_REMAP]);
		return;
	}
	set_locked(p, true, "");
	if (p->enforcement == HF_ENFORCED_HARDWARE)
		set(p, HF_ENFORCED_HARDWARE, "addresses of the kernel image; not of modules");
}

/* Whatever the action: by hardware no event tells of it, so the fallback makes none either. */
static void registers_protection(struct hf_protection *p)
{
	if ((launch_flags() & HF_BOOT_UMIP_OFF) && !(backend_features() & HF_FEATURE_UMIP))
		set(p, HF_ENFORCED_NOT,
		    "switched off: programs can learn where tables of the kernel are");
	else if (!protect_locked())
		set(p, HF_ENFORCED_AT_LOCK, "");
	else if (backend_features() & HF_FEATURE_UMIP)
		set(p, HF_ENFORCED_HARDWARE, "");
	else
		set(p, HF_ENFORCED_FALLBACK,
		    "each attempt is an exit; registers that tell no address may stay "
		    "readable");
}

/* What can be patched is known before lock; without a registry it is nothing. */
static void patching_protection(struct hf_protection *p)
{
	set_locked(p, protect_pages(HF_KIND_TEXT), "no kernel text was registered");
	if (p->enforcement == HF_ENFORCED_HARDWARE && site_count())
		set(p, HF_ENFORCED_HARDWARE,
		    "but for registered sites, which can be given any of their own values");
}

static void policy_protection(struct hf_protection *p, u32 number)
{
	const struct hf_patching *patching = site_patching();
	bool tracing = patching->ftrace == HF_POLICY_ON;
	bool livepatch = patching->livepatch == HF_POLICY_ON;

	if (number == PLATFORM_TRACING)
		set_locked(p, !tracing,
			   "policy on: functions can be made to call any tracing trampoline");
	else if (number == PLATFORM_PROBES)
		set_locked(p, patching->kprobes != HF_POLICY_ON,
			   "policy on: any byte of code that may be probed can become a "
			   "breakpoint "
			   "or a jump to a copy, also inside an instruction");
	else
		set_locked(
			p, !livepatch && !tracing,
			livepatch ? "policy on"
				  : "cannot be told from function tracing, whose policy is on");
}

static void platform_protection(struct hf_protection *p, u32 number)
{
	p->asset = HF_ASSET_PLATFORM | number;
	if (number == PLATFORM_KERNEL_EXECUTE)
		execute_protection(p);
	else if (number == PLATFORM_PATCHING)
		patching_protection(p);
	else if (number == PLATFORM_GATE)
		gate_protection(p);
	else if (number == PLATFORM_REGISTERS)
		registers_protection(p);
	else if (number >= PLATFORM_TRACING && number <= PLATFORM_LIVEPATCH)
		policy_protection(p, number);
	else if (number == PLATFORM_RESTART)
		restart_protection(p);
	else if (number == PLATFORM_REMAP)
		remap_protection(p);
	else if (number == PLATFORM_SLEEP)
		set_locked(p, !*sleep_open(), sleep_open());
	else
		set(p, HF_ENFORCED_NOT, open_reasons[number]);
}

/* The list: memory kinds, what guards the hypervisor itself, register rules, the platform. */
#define MEMORY_FIRST   0u
#define MEMORY_COUNT   (HF_KIND_COUNT - 1u) /* without HF_KIND_NONE */
#define OWN_MEMORY     (MEMORY_FIRST + MEMORY_COUNT)
#define OWN_VIRT       (OWN_MEMORY + 1)
#define REGISTER_FIRST (OWN_VIRT + 1)

static u32 platform_first(void)
{
	return REGISTER_FIRST + rules() + 1;
}

static u32 protections(void)
{
	return platform_first() + PLATFORM_COUNT - 1; /* without PLATFORM_MACHINE */
}

int status_protection(u64 index, struct hf_protection *p)
{
	struct hf_asset asset;

	if (index >= protections())
		return -HF_ENOENT;
	memset(p, 0, sizeof(*p));
	p->size = sizeof(*p);
	if (index < OWN_MEMORY) {
		memory_protection(p, index + 1);
	} else if (index == OWN_MEMORY || index == OWN_VIRT) {
		p->asset = index == OWN_VIRT ? HF_ASSET_VIRT : HF_ASSET_HYPERVISOR;
		set(p, HF_ENFORCED_HARDWARE, "");
	} else if (index < platform_first()) {
		register_protection(p, index - REGISTER_FIRST);
	} else {
		platform_protection(p, index - platform_first() + 1);
	}
	status_asset(p->asset, &asset);
	string_copy(p->name, asset.name, sizeof(p->name));
	return 0;
}

/* NULL: there is no such asset, or its name is made of its number. */
static const char *fixed_name(u32 class, u32 number)
{
	u32 count;
	const struct register_rule *rule = backend_register_rules(&count);

	switch (number ? HF_ASSET_NONE : class) {
	case HF_ASSET_HYPERVISOR:
		return "hypervisor memory";
	case HF_ASSET_VIRT:
		return "virtualization instructions";
	case HF_ASSET_HYPERCALL:
		return "hypercall interface";
	case HF_ASSET_ABSENT:
		return "absent memory";
	}
	if ((class | number) == HF_ASSET_REGISTER_OTHER)
		return "register without a rule";
	if (class == HF_ASSET_MEMORY && number < HF_KIND_COUNT)
		return memory_names[number];
	if (class == HF_ASSET_REGISTER && number < count)
		return rule[number].name;
	if (class == HF_ASSET_PLATFORM && number < PLATFORM_COUNT)
		return platform_names[number];
	return NULL;
}

static bool asset_name(char *name, u32 id)
{
	u32 number = id & 0x00ffffffu;
	const char *fixed = fixed_name(id - number, number);

	if (fixed)
		string_copy(name, fixed, NAME_SIZE);
	else if (id - number == HF_ASSET_PORT && number <= UINT16_MAX)
		print_string(name, NAME_SIZE, "I/O port 0x%x", number);
	else if (id - number == HF_ASSET_SERVICE && number)
		print_string(name, NAME_SIZE, "service %u", number);
	else
		return false;
	return true;
}

int status_asset(u64 id, struct hf_asset *asset)
{
	memset(asset, 0, sizeof(*asset));
	asset->size = sizeof(*asset);
	asset->id = id;
	return asset->id == id && asset_name(asset->name, id) ? 0 : -HF_ENOENT;
}

void status_info(struct hf_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->abi = HF_ABI;
	info->state = launch_state();
	info->action = protect_action();
	info->cpus = cpu_count();
	info->cpus_locked = cpu_count_in(CPU_LOCKED);
	info->protections = protections();
	info->features = backend_features();
	info->memory_total = pool_total();
	info->memory_used = pool_used();
	info->sealed_pages = owner_sealed();
	info->events = event_newest();
	info->events_lost = event_lost();
	info->serial_port = launch_serial_port();
	info->flags = launch_flags();
	string_copy(info->backend, backend_name(), sizeof(info->backend));
	string_copy(info->version, HF_VERSION, sizeof(info->version)); /* -D, from VERSION */
}
