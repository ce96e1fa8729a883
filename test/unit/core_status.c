// SPDX-License-Identifier: GPL-2.0-only
/* What is said to be protected, in each state of the machine. */
#include <hv/status.h>
#include "sites.h"

static struct hf_protection protection(const char *name)
{
	struct hf_protection p;

	for (u64 i = 0; !status_protection(i, &p); i++)
		if (!strcmp(p.name, name))
			return p;
	fail_msg("no protection \"%s\"", name);
	return p;
}

static void assert_enforced(const char *name, u32 enforcement, const char *reason)
{
	struct hf_protection p = protection(name);

	if (p.enforcement != enforcement)
		fail_msg("%s: %u, not %u (%s)", name, p.enforcement, enforcement, p.reason);
	if (reason)
		assert_non_null(strstr(p.reason, reason));
	else
		assert_string_equal(p.reason, "");
}

static const char *const at_lock[] = {
	"kernel text",
	"kernel read-only data",
	"kernel data read-only after init",
	"exception vectors",
	"vDSO image",
	"CONTROL.SET",
	"CONTROL.CLEAR",
	"VECTOR",
	"MODE.ON",
	"CACHE.OFF",
	"LIVE",
	"OURS",
	"register without a rule",
	"patching of kernel text",
};

static const char *const always[] = { "hypervisor memory", "virtualization instructions" };

static const char *const never[] = {
	"remapping of protected addresses",
	"memory access by devices",
};

static void assert_constant_ones(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(always); i++)
		assert_enforced(always[i], HF_ENFORCED_HARDWARE, NULL);
	for (u32 i = 0; i < ARRAY_SIZE(never); i++)
		assert_enforced(never[i], HF_ENFORCED_NOT, "yet");
}

static void before_and_after_lock(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	assert_constant_ones();
	for (u32 i = 0; i < ARRAY_SIZE(at_lock); i++)
		assert_enforced(at_lock[i], HF_ENFORCED_AT_LOCK, NULL);
	machine_lock(cpu);
	assert_constant_ones();
	for (u32 i = 0; i < ARRAY_SIZE(at_lock); i++)
		assert_enforced(at_lock[i], HF_ENFORCED_HARDWARE, NULL);
}

static void action_allow(void **ctx)
{
	struct cpu *cpu = machine_action(2, HF_ACTION_ALLOW);

	(void)ctx;
	for (int locked = 0; locked < 2; locked++) {
		assert_constant_ones();
		for (u32 i = 0; i < ARRAY_SIZE(at_lock); i++)
			assert_enforced(at_lock[i], HF_ENFORCED_NOT, "log only");
		if (!locked)
			machine_lock(cpu);
	}
}

static void kinds_not_registered(void **ctx)
{
	const struct hf_range text = machine_range(MACHINE_TEXT, 1, HF_KIND_TEXT);
	struct cpu *cpu = machine(1);

	(void)ctx;
	assert_int_equal(machine_protect(cpu, &text, 1), 0);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
	assert_enforced("kernel text", HF_ENFORCED_HARDWARE, NULL);
	assert_enforced("vDSO image", HF_ENFORCED_NOT, "registered");
	assert_enforced("exception vectors", HF_ENFORCED_NOT, "registered");
}

/* Enforced, with what is left open. */
static void limits(void **ctx)
{
	const struct hf_range r[] = {
		machine_range(MACHINE_FREE, 1, HF_KIND_MODULE_TEXT),
		machine_range(MACHINE_FREE + PAGE_SIZE, 1, HF_KIND_RUNTIME_CODE),
		machine_range(MACHINE_FREE + 2 * PAGE_SIZE, 1, HF_KIND_DATA),
	};
	struct cpu *cpu = machine(1);

	(void)ctx;
	assert_int_equal(machine_protect(cpu, r, ARRAY_SIZE(r)), 0);
	assert_enforced("module text", HF_ENFORCED_AT_LOCK, NULL);
	machine_lock(cpu);
	assert_enforced("module text", HF_ENFORCED_HARDWARE, "loaded later");
	assert_enforced("module read-only data", HF_ENFORCED_NOT, "registered");
	assert_enforced("code made at run time", HF_ENFORCED_HARDWARE, "made later");
	assert_enforced("kernel data", HF_ENFORCED_HARDWARE, "can be written");
	assert_enforced("EFI runtime code", HF_ENFORCED_NOT, "registered");
}

/* Where page tables are among what is sealed. */
static void remap(void **ctx)
{
	const struct hf_range r[] = {
		machine_range(MACHINE_FREE, 1, HF_KIND_ROOT),
		machine_range(MACHINE_FREE + PAGE_SIZE, 1, HF_KIND_TABLE),
	};
	struct cpu *cpu = machine(1);

	(void)ctx;
	assert_int_equal(machine_protect(cpu, r, ARRAY_SIZE(r)), 0);
	assert_enforced("remapping of protected addresses", HF_ENFORCED_AT_LOCK, NULL);
	machine_lock(cpu);
	assert_enforced("remapping of protected addresses", HF_ENFORCED_HARDWARE,
			"not of modules");
	assert_enforced("page tables of the kernel image", HF_ENFORCED_HARDWARE, NULL);
}

/* One CPU that had nothing to keep is enough. */
static void rules_without_effect(void **ctx)
{
	struct cpu *cpu = machine(3);

	(void)ctx;
	cpu_get(1)->vcpu->registers[FAKE_MODE] = 0;
	cpu_get(2)->vcpu->registers[FAKE_CONTROL] = 0xff00;
	machine_lock(cpu);
	assert_enforced("MODE.ON", HF_ENFORCED_NOT, "keeping");
	assert_enforced("CONTROL.SET", HF_ENFORCED_NOT, "keeping");
	assert_enforced("CONTROL.CLEAR", HF_ENFORCED_NOT, "keeping");
	assert_enforced("VECTOR", HF_ENFORCED_HARDWARE, NULL);
}

/* Where the CPU shows writes of some registers only, the rest is open. */
static void other_registers(void **ctx)
{
	struct cpu *cpu = machine(1);

	(void)ctx;
	machine_lock(cpu);
	assert_enforced("register without a rule", HF_ENFORCED_HARDWARE, NULL);
	fake.features = HF_FEATURE_RULED_ONLY;
	assert_enforced("register without a rule", HF_ENFORCED_NOT, "are not seen");
}

#define EXECUTE "kernel-mode execution of other memory"

/* Where the tables tell who executes. */
static void kernel_execution(void **ctx)
{
	struct cpu *cpu = machine(1);

	(void)ctx;
	assert_true(backend_features() & HF_FEATURE_EXEC_SPLIT);
	assert_enforced(EXECUTE, HF_ENFORCED_AT_LOCK, NULL);
	machine_lock(cpu);
	assert_enforced(EXECUTE, HF_ENFORCED_HARDWARE, NULL);
}

/* What is in force where tables of a format are asked for by flags of launch. */
static void kernel_execution_by(const struct stage2_format *format, u32 flags, u32 enforcement,
				const char *reason)
{
	struct hf_boot *boot;

	fake_reset(format);
	boot = fake_boot(1);
	boot->flags = flags;
	machine_launch(boot);
	machine_lock(cpu_get(0));
	assert_enforced(EXECUTE, enforcement, reason);
}

static void kernel_execution_plain(void **ctx)
{
	(void)ctx;
	kernel_execution_by(&fake_plain_format, 0, HF_ENFORCED_NOT, "tell kernel from user");
}

static void kernel_execution_two_tables(void **ctx)
{
	(void)ctx;
	kernel_execution_by(&fake_two_format, HF_BOOT_TWO_TABLES, HF_ENFORCED_FALLBACK,
			    "call gate");
}

static void kernel_execution_off(void **ctx)
{
	(void)ctx;
	kernel_execution_by(&fake_plain_format, HF_BOOT_EXEC_OFF, HF_ENFORCED_NOT,
			    "switched off");
}

/* As the CPUs do it, or by looking at interrupt controllers, or not at all. */
static void restart(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(1);
	boot->flags = HF_BOOT_INIT_GUARD;
	machine_launch(boot);
	assert_enforced("restart of a CPU", HF_ENFORCED_NOT, "INIT");
	fake.features = HF_FEATURE_RESTART;
	assert_enforced("restart of a CPU", HF_ENFORCED_FALLBACK, "is an exit");
}

static void restart_by_hardware(void **ctx)
{
	(void)ctx;
	machine(1);
	fake.features = HF_FEATURE_RESTART;
	assert_enforced("restart of a CPU", HF_ENFORCED_HARDWARE, NULL);
}

#define READ "system registers read by programs"

/* Whatever the action. */
static void registers_read_by(u32 flags, u32 features, u32 enforcement, const char *reason)
{
	struct hf_boot *boot;

	fake_reset(&fake_format);
	boot = fake_boot(1);
	boot->action = HF_ACTION_ALLOW;
	boot->flags = flags;
	machine_launch(boot);
	fake.features = features;
	if (enforcement == HF_ENFORCED_NOT)
		assert_enforced(READ, enforcement, reason);
	else
		assert_enforced(READ, HF_ENFORCED_AT_LOCK, NULL);
	machine_lock(cpu_get(0));
	assert_enforced(READ, enforcement, reason);
}

static void registers_read_exit(void **ctx)
{
	(void)ctx;
	registers_read_by(0, 0, HF_ENFORCED_FALLBACK, "is an exit");
}

static void registers_read_cpu(void **ctx)
{
	(void)ctx;
	registers_read_by(HF_BOOT_UMIP_OFF, HF_FEATURE_UMIP, HF_ENFORCED_HARDWARE, NULL);
}

static void registers_read_off(void **ctx)
{
	(void)ctx;
	registers_read_by(HF_BOOT_UMIP_OFF, 0, HF_ENFORCED_NOT, "switched off");
}

#define GATE "gate of address bit 20"

/* By records of the loader, by the CPUs, or not at all; whatever the action. */
static void gate(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(1);
	boot->action = HF_ACTION_ALLOW;
	boot->sleep_count = 1;
	boot->sleep[0] = (struct hf_sleep){ 0x92, 2, 0, HF_SPACE_PORT, 1, 1, { 0 } };
	machine_launch(boot);
	assert_enforced(GATE, HF_ENFORCED_AT_LOCK, NULL);
	machine_lock(cpu_get(0));
	assert_enforced(GATE, HF_ENFORCED_FALLBACK, "ports");
	fake.features = HF_FEATURE_NO_GATE;
	assert_enforced(GATE, HF_ENFORCED_HARDWARE, NULL);
}

static void gate_not_named(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(1);
	boot->sleep_count = 1;
	boot->sleep[0] = (struct hf_sleep){ 0x404, 0x3c00, 0x2000, HF_SPACE_PORT, 2, 0, { 0 } };
	machine_launch(boot);
	machine_lock(cpu_get(0));
	assert_enforced(GATE, HF_ENFORCED_NOT, "no port");
}

/* What is said of patching is what the policies leave. */
static void patching(void **ctx)
{
	struct cpu *cpu = sites_prepare(1, HF_ACTION_DENY, HF_POLICY_BEFORE_LOCK, HF_POLICY_ON);

	(void)ctx;
	assert_enforced("patching of kernel text", HF_ENFORCED_AT_LOCK, NULL);
	sites_lock(cpu);
	assert_enforced("patching of kernel text", HF_ENFORCED_HARDWARE, "their own values");
	assert_enforced("choice among the values of a patched place", HF_ENFORCED_NOT,
			"static call");
	assert_enforced("new function tracing", HF_ENFORCED_HARDWARE, NULL);
	assert_enforced("new kprobes", HF_ENFORCED_NOT, "policy on");
	assert_enforced("new live patches", HF_ENFORCED_HARDWARE, NULL);
}

static void patching_without_sites(void **ctx)
{
	(void)ctx;
	machine_lock(machine(1));
	assert_enforced("patching of kernel text", HF_ENFORCED_HARDWARE, NULL);
	assert_enforced("new kprobes", HF_ENFORCED_HARDWARE, NULL);
}

static void live_patches_as_tracing(void **ctx)
{
	(void)ctx;
	sites_machine(1, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	assert_enforced("new function tracing", HF_ENFORCED_NOT, "policy on");
	assert_enforced("new kprobes", HF_ENFORCED_HARDWARE, NULL);
	assert_enforced("new live patches", HF_ENFORCED_NOT, "cannot be told");
}

static void list_is_complete(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_protection p, q;
	struct hf_asset asset;
	struct hf_info info;
	u64 i, j;

	(void)ctx;
	(void)cpu;
	status_info(&info);
	for (i = 0; !status_protection(i, &p); i++) {
		assert_int_equal(p.size, sizeof(p));
		assert_int_equal(p.reserved, 0);
		assert_int_equal(status_asset(p.asset, &asset), 0);
		assert_string_equal(asset.name, p.name);
		assert_true(strlen(p.name) < sizeof(p.name));
		assert_true(strlen(p.reason) < sizeof(p.reason));
		/* Nothing without a reason is not enforced. */
		if (p.enforcement == HF_ENFORCED_NOT)
			assert_true(p.reason[0]);
		for (j = 0; j < i; j++) {
			assert_int_equal(status_protection(j, &q), 0);
			assert_int_not_equal(q.asset, p.asset);
		}
	}
	assert_int_equal(i, info.protections);
	assert_int_equal(i, HF_KIND_COUNT - 1 + 2 + FAKE_RULE_COUNT + 1 + 12);
}

static void assets(void **ctx)
{
	static const struct {
		u64 id;
		const char *name; /* NULL: none */
	} row[] = {
		{ HF_ASSET_NONE, NULL },
		{ 1, NULL },
		{ HF_ASSET_MEMORY, "guest memory" },
		{ HF_ASSET_MEMORY | HF_KIND_TEXT, "kernel text" },
		{ HF_ASSET_MEMORY | HF_KIND_VDSO, "vDSO image" },
		{ HF_ASSET_MEMORY | HF_KIND_COUNT, NULL },
		{ HF_ASSET_REGISTER, "CONTROL.SET" },
		{ HF_ASSET_REGISTER | FAKE_RULE_MODE, "MODE.ON" },
		{ HF_ASSET_REGISTER | FAKE_RULE_COUNT, NULL },
		{ HF_ASSET_REGISTER_OTHER, "register without a rule" },
		{ HF_ASSET_REGISTER_OTHER - 1, NULL },
		{ HF_ASSET_HYPERVISOR, "hypervisor memory" },
		{ HF_ASSET_HYPERVISOR | 1, NULL },
		{ HF_ASSET_VIRT, "virtualization instructions" },
		{ HF_ASSET_HYPERCALL, "hypercall interface" },
		{ HF_ASSET_PORT | 0x3f8, "I/O port 0x3f8" },
		{ HF_ASSET_PORT | 0xffff, "I/O port 0xffff" },
		{ HF_ASSET_PORT | 0x10000, NULL },
		{ HF_ASSET_ABSENT, "absent memory" },
		{ HF_ASSET_PLATFORM, "machine" },
		{ HF_ASSET_PLATFORM | 5, "restart of a CPU" },
		{ HF_ASSET_PLATFORM | 6, "sleep" },
		{ HF_ASSET_PLATFORM | 9, "new live patches" },
		{ HF_ASSET_PLATFORM | 10, "gate of address bit 20" },
		{ HF_ASSET_PLATFORM | 11, "choice among the values of a patched place" },
		{ HF_ASSET_PLATFORM | 12, "system registers read by programs" },
		{ HF_ASSET_PLATFORM | 13, NULL },
		{ HF_ASSET_SERVICE, NULL },
		{ HF_ASSET_SERVICE | 9, "service 9" },
		{ 0x0a000000, NULL },
		{ 0xff000000, NULL },
		{ 1ull << 32 | HF_ASSET_VIRT, NULL },
	};
	struct hf_asset asset;

	(void)ctx;
	machine(1);
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		memset(&asset, 0xee, sizeof(asset));
		assert_int_equal(status_asset(row[i].id, &asset), row[i].name ? 0 : -HF_ENOENT);
		if (!row[i].name)
			continue;
		assert_string_equal(asset.name, row[i].name);
		assert_int_equal(asset.id, row[i].id);
		assert_int_equal(asset.size, sizeof(asset));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(before_and_after_lock),
		machine_test(action_allow),
		machine_test(kinds_not_registered),
		machine_test(limits),
		machine_test(remap),
		machine_test(rules_without_effect),
		machine_test(other_registers),
		machine_test(kernel_execution),
		machine_test(kernel_execution_off),
		machine_test(kernel_execution_plain),
		machine_test(kernel_execution_two_tables),
		machine_test(restart),
		machine_test(restart_by_hardware),
		machine_test(registers_read_exit),
		machine_test(registers_read_cpu),
		machine_test(registers_read_off),
		machine_test(gate),
		machine_test(gate_not_named),
		machine_test(patching),
		machine_test(patching_without_sites),
		machine_test(live_patches_as_tracing),
		machine_test(list_is_complete),
		machine_test(assets),
	};

	return cmocka_run_group_tests_name("core_status", tests, NULL, NULL);
}
