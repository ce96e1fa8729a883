// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores to interrupt controllers as exits of SVM, and a CPU that is started again. Guest memory is
 * a page of code and the tables that lead to it and, for any other address, to the APIC.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/x86/common/ioapic.h>
#include <hv/arch/x86/common/sysreg.h>
#include <hv/arch/x86/svm/exit.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/guest.h>
#include <hv/lock.h>
#include <hv/owner.h>
#include <hv/startup.h>
#include "fake_cpu.h"

#define RIP    0xffffffff81000100ull
#define TABLES 0x1000ull /* four levels, each a page */
#define CODE   0x5000ull
#define DEVICE 0xffffffff81001000ull /* where the guest maps the device's page */
#define SLEEP  0xfea00200ull	     /* a sleep register */

struct svm svm;
struct platform platform;

static struct vmcb vmcb[2];
static struct vcpu vcpu[2];
static struct cpu cpu[2];
static struct gprs gprs;
static struct x86_exit e;
static u8 memory[0x6000];
static u32 apic[PAGE_SIZE / 4], io_apic[PAGE_SIZE / 4];
static u64 device_page; /* what DEVICE is mapped to */
static u32 reset_calls, exiting_msrs;
static bool reset_starts;

/* ---- what is called ---- */

volatile u32 *host_apic(void)
{
	return apic;
}

volatile u32 *host_map_device(u64 at)
{
	assert_int_equal(at, 0xfec00000);
	return io_apic;
}

static u64 stored_at, stored;
static u32 stored_width;

void host_store(struct gpa to, u64 value, u32 width)
{
	stored_at = to.raw;
	stored = value;
	stored_width = width;
}

static u64 guard_start[2], guard_pages[2];
static u32 guards;

int owner_guard(struct gpa start, u64 npages)
{
	guard_start[guards] = start.raw;
	guard_pages[guards++] = npages;
	return 0;
}

struct page owner_page(struct gpa address)
{
	bool controller = address.raw >> 20 == 0xfee || address.raw >> 12 == 0xfec00;
	bool guarded = (platform.init_guard && controller) || address.raw >> 12 == SLEEP >> 12;

	return (struct page){ .state = PAGE_MMIO, .guarded = guarded };
}

int guest_read(struct gpa from, void *to, size_t size)
{
	if (from.raw + size > sizeof(memory))
		return -HF_EFAULT;
	memcpy(to, memory + from.raw, size);
	return 0;
}

void lock_acquire(struct lock *lock, struct cpu *c)
{
	(void)lock;
	(void)c;
}

void lock_release(struct lock *lock)
{
	(void)lock;
}

struct cpu *cpu_get(u32 index)
{
	return index < 2 ? &cpu[index] : NULL;
}

u32 cpu_count(void)
{
	return 2;
}

int registers_guest_msr(const struct vcpu *v, u32 msr, u64 *value)
{
	(void)v;
	return msr_read(msr, value);
}

void intercept_msr(u32 msr, bool read, bool write)
{
	assert_true(msr >= 0x800 && msr < 0x900 && !read && write);
	exiting_msrs++;
}

void panic_check(void)
{
}

void startup_reset(struct cpu *c, bool start)
{
	assert_ptr_equal(c, &cpu[0]);
	reset_calls++;
	reset_starts = start;
}

u64 backend_register_read(struct cpu *c, u32 reg)
{
	assert_ptr_equal(c, &cpu[0]);
	return 0x1000 + reg;
}

/* ---- a guest ---- */

static void entry(u64 table, u64 va, unsigned int level, u64 value)
{
	u64 index = va >> (12 + 9 * (level - 1)) & 511;

	memcpy(memory + table + index * 8, &value, 8);
}

static void map(void)
{
	unsigned int level;
	u64 table = TABLES;

	for (level = 4; level > 1; level--, table += PAGE_SIZE)
		entry(table, RIP, level, (table + PAGE_SIZE) | 3);
	entry(table, RIP, 1, CODE | 3);
	entry(table, DEVICE, 1, device_page | 3);
}

static int setup(void **ctx)
{
	static struct hf_boot boot;
	u32 i;

	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_msr(MSR_APIC_BASE, 0xfee00900);
	fake_cpu_set_msr(MSR_FS_BASE, 0);
	fake_cpu_set_msr(MSR_GS_BASE, 0);
	memset(memory, 0, sizeof(memory));
	memset(apic, 0, sizeof(apic));
	memset(io_apic, 0, sizeof(io_apic));
	memset(&gprs, 0, sizeof(gprs));
	guards = exiting_msrs = reset_calls = 0;
	svm = (struct svm){ 0 };
	platform = (struct platform){ 0 };
	boot.flags = HF_BOOT_INIT_GUARD;
	boot.io_apic_count = 1;
	boot.io_apic[0] = 0xfec00000;
	assert_int_equal(device_init(&boot), 0);
	for (i = 0; i < 2; i++) {
		vmcb[i] =
			(struct vmcb){ .state = { .cr3 = TABLES, .efer = 0x1d01, .rip = RIP } };
		vmcb[i].state.cs.attributes = SEGMENT_L;
		cpu[i] = (struct cpu){ .index = i, .vcpu = &vcpu[i] };
		vcpu[i] = (struct vcpu){ .vmcb = &vmcb[i],
					 .state = &vmcb[i].state,
					 .event = &vmcb[i].event_inject,
					 .interrupted = &vmcb[i].exit_interrupt,
					 .shadow = &vmcb[i].interrupt_shadow,
					 .cpu = &cpu[i],
					 .gprs = &gprs };
		vcpu[i].name = (struct apic_name){ i, 1u << (24 + i), ~0u, false };
	}
	device_page = 0xfee00000;
	map();
	memset(&e, 0, sizeof(e));
	return 0;
}

/* A store by these bytes, to @gpa. */
static bool store(const char *bytes, size_t size, u64 gpa_)
{
	memcpy(memory + CODE + (RIP & PAGE_MASK), bytes, size);
	if (!owner_page(gpa(gpa_)).guarded)
		return false;
	device_on_store(&vcpu[0], &e, gpa(gpa_));
	return true;
}

/* mov %ecx, (%rax) */
static bool store_ecx(u64 gpa_, u32 value)
{
	vmcb[0].state.rax = DEVICE + (gpa_ & PAGE_MASK);
	gprs.r[GPR_RCX] = 0xabcdef0000000000 | value;
	return store("\x89\x08", 2, gpa_);
}

/* ---- tests ---- */

static void guards_what_it_must(void **ctx)
{
	static struct hf_boot boot;

	(void)ctx;
	assert_int_equal(guards, 2);
	assert_int_equal(guard_start[0], 0xfee00000);
	assert_int_equal(guard_pages[0], 256); /* messages included */
	assert_int_equal(guard_start[1], 0xfec00000);
	assert_int_equal(exiting_msrs, 12);
	assert_true(platform.init_guard);
	assert_int_equal(platform.features, HF_FEATURE_RESTART);
	/* Somewhere else nothing could be promised. */
	boot.flags = HF_BOOT_INIT_GUARD;
	fake_cpu_set_msr(MSR_APIC_BASE, 0xfed00900);
	assert_int_equal(device_init(&boot), -HF_EINVAL);
	/* Not asked for: nothing. */
	svm = (struct svm){ 0 };
	platform = (struct platform){ 0 };
	guards = 0;
	boot.flags = 0;
	assert_int_equal(device_init(&boot), 0);
	assert_int_equal(guards, 0);
	assert_false(platform.init_guard);
	assert_false(store_ecx(0xfee00300, 0xc500));
}

static void init_and_start(void **ctx)
{
	(void)ctx;
	apic[APIC_ICR_HIGH / 4] = 0x01000000;
	assert_true(store_ecx(0xfee00300, 0xc500));
	assert_int_equal(e.exit.kind, HF_EXIT_DEVICE);
	assert_int_equal(e.exit.device.request, DEVICE_RESET);
	assert_int_equal(e.exit.device.targets[0], 2);
	assert_int_equal(e.exit.device.gpa.raw, 0xfee00300);
	assert_int_equal(e.exit.device.va.raw, DEVICE + 0x300);
	assert_int_equal(e.exit.device.value, 0xc500);
	assert_int_equal(e.exit.device.width, 4);
	assert_int_equal(e.next_rip, RIP + 2);
	assert_true(store_ecx(0xfee00300, 0x4699));
	assert_int_equal(e.exit.device.request, DEVICE_START);
	assert_int_equal(e.exit.device.place, 0x99);
	apic[APIC_ICR_HIGH / 4] = 0x07000000;
	assert_true(store_ecx(0xfee00300, 0x4699));
	assert_int_equal(e.exit.device.targets[0], 0);
	assert_int_equal(apic[APIC_ICR_LOW / 4], 0);
}

/* movl $imm, 0x10(%rax): with an immediate. */
static void constants(void **ctx)
{
	(void)ctx;
	vmcb[0].state.rax = DEVICE + 0x370;
	assert_true(store("\xc7\x40\x10\x21\x43\x00\x00", 7, 0xfee00380));
	assert_int_equal(e.exit.device.request, DEVICE_STORE);
	assert_int_equal(e.exit.device.value, 0x4321);
	assert_int_equal(e.next_rip, RIP + 7);
	assert_true(device_perform(&vcpu[0], &e));
	assert_int_equal(apic[0x380 / 4], 0x4321);
}

/* What is no store of four bytes to where the fault was is refused, whatever it would write. */
static void others(void **ctx)
{
	static const struct {
		const char *bytes;
		size_t size;
		u64 rax, gpa;
	} table[] = {
		{ "\x88\x08", 2, DEVICE + 0xb0, 0xfee000b0 },	  /* one byte */
		{ "\x66\x89\x08", 3, DEVICE + 0xb0, 0xfee000b0 }, /* two */
		{ "\x48\x89\x08", 3, DEVICE + 0xb0, 0xfee000b0 }, /* eight */
		{ "\x87\x08", 2, DEVICE + 0xb0, 0xfee000b0 },	  /* xchg */
		{ "\xf3\xab", 2, DEVICE + 0xb0, 0xfee000b0 },	  /* rep stos */
		{ "\x89\x08", 2, DEVICE + 0xb1, 0xfee000b1 },	  /* unaligned */
		{ "\x89\x08", 2, DEVICE + 0xb0, 0xfee000c0 },	  /* not where the fault was */
		{ "\x89\x08", 2, RIP & ~PAGE_MASK, 0xfee000b0 },  /* but to RAM */
		{ "\x89\x08", 2, DEVICE + 0x2000, 0xfee000b0 },	  /* not mapped */
		{ "\x89\x08", 2, DEVICE + 0xb4, 0xfee000b4 },	  /* beside the register */
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vmcb[0].state.rax = table[i].rax;
		assert_true(store(table[i].bytes, table[i].size, table[i].gpa));
		assert_int_equal(e.exit.kind, HF_EXIT_DEVICE);
		assert_int_equal(e.exit.device.request, DEVICE_OTHER);
		assert_int_equal(e.exit.device.gpa.raw, table[i].gpa);
	}
	/* From code that is not 64-bit nothing is decoded. */
	vmcb[0].state.cs.attributes = 0;
	assert_true(store_ecx(0xfee000b0, 0));
	assert_int_equal(e.exit.device.request, DEVICE_OTHER);
}

/* Behind the APIC's page: a message as devices send them. */
static void messages(void **ctx)
{
	(void)ctx;
	device_page = 0xfee01000;
	map();
	assert_true(store_ecx(0xfee01000, 0x4500));
	assert_int_equal(e.exit.device.request, DEVICE_OTHER);
	assert_int_equal(e.exit.device.value, 0x4500);
	/* Not ours at all. */
	device_page = 0xfed00000;
	map();
	assert_false(store_ecx(0xfed00000, 0));
}

static void io_apics(void **ctx)
{
	(void)ctx;
	device_page = 0xfec00000;
	map();
	assert_true(store_ecx(0xfec00000, 0x12));
	assert_int_equal(e.exit.device.request, DEVICE_STORE);
	assert_true(device_perform(&vcpu[0], &e));
	assert_int_equal(io_apic[0], 0x12);
	assert_true(store_ecx(0xfec00010, 0x10021));
	assert_int_equal(e.exit.device.request, DEVICE_STORE);
	assert_int_equal(e.index, 0x12);
	assert_true(device_perform(&vcpu[0], &e));
	assert_int_equal(io_apic[4], 0x10021);
	assert_true(store_ecx(0xfec00010, 0x500));
	assert_int_equal(e.exit.device.request, DEVICE_OTHER);
}

/* A CPU may change its logical name, and is found by the new one. */
static void renamed(void **ctx)
{
	(void)ctx;
	assert_true(store_ecx(0xfee000e0, 0xffffffff));
	assert_true(device_perform(&vcpu[0], &e));
	assert_true(store_ecx(0xfee000d0, 0x40000000));
	assert_true(device_perform(&vcpu[0], &e));
	assert_int_equal(vcpu[0].name.ldr, 0x40000000);
	apic[APIC_ICR_HIGH / 4] = 0x40000000;
	assert_true(store_ecx(0xfee00300, 0xcd00));
	assert_int_equal(e.exit.device.targets[0], 1);
}

/* The page with a sleep register: stores of any width, to any of its bytes, init-guard or not. */
static void sleep_page(void **ctx)
{
	static const struct {
		const char *bytes;
		size_t size;
		u64 offset, value;
		u32 width; /* 0: not decoded */
	} table[] = {
		{ "\x88\x08", 2, 0x200, 0x21, 1 },	 /* %cl */
		{ "\x88\x28", 2, 0x201, 0x43, 1 },	 /* %ch */
		{ "\x40\x88\x28", 3, 0x203, 0x98, 1 },	 /* %bpl */
		{ "\x66\x89\x08", 3, 0x1ff, 0x4321, 2 }, /* %cx, across the register */
		{ "\x89\x08", 2, 0x1fd, 0x87654321, 4 }, /* %ecx, unaligned */
		{ "\x48\x89\x08", 3, 0x200, 0xcba987654321, 8 },
		{ "\xc6\x00\x24", 3, 0x200, 0x24, 1 },
		{ "\x66\xc7\x00\x34\x92", 5, 0x200, 0x9234, 2 },
		{ "\x48\xc7\x00\xfe\xff\xff\xff", 7, 0x200, ~1ull, 8 },
		{ "\x89\x08", 2, 0xffc, 0x87654321, 4 },
		{ "\x89\x08", 2, 0xffd, 0, 0 }, /* into the next page */
		{ "\x86\x08", 2, 0x200, 0, 0 }, /* xchg */
		{ "\x08\x08", 2, 0x200, 0, 0 }, /* or */
		{ "\xf3\xaa", 2, 0x200, 0, 0 }, /* rep stos */
	};
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(table); i++) {
		const typeof(table[0]) *t = &table[i / 2];

		setup(ctx);
		platform.init_guard = i & 1;
		device_page = SLEEP & ~PAGE_MASK;
		map();
		vmcb[0].state.rax = DEVICE + t->offset;
		gprs.r[GPR_RCX] = 0x0000cba987654321;
		gprs.r[GPR_RBP] = 0x98;
		assert_true(store(t->bytes, t->size, device_page + t->offset));
		assert_int_equal(e.exit.kind, HF_EXIT_DEVICE);
		assert_int_equal(e.exit.device.request, DEVICE_SLEEP);
		assert_int_equal(e.exit.device.gpa.raw, device_page + t->offset);
		assert_int_equal(e.exit.device.width, t->width);
		assert_int_equal(e.exit.device.value, t->value);
		if (!t->width)
			continue;
		assert_int_equal(e.exit.device.va.raw, DEVICE + t->offset);
		assert_int_equal(e.next_rip, RIP + t->size);
		assert_true(device_perform(&vcpu[0], &e));
		assert_int_equal(stored_at, device_page + t->offset);
		assert_int_equal(stored, t->value);
		assert_int_equal(stored_width, t->width);
	}
}

static bool write_msr(u32 msr, u64 value)
{
	gprs.r[GPR_RCX] = msr;
	gprs.r[GPR_RDX] = value >> 32;
	vmcb[0].state.rax = (u32)value;
	e.next_rip = RIP + 2;
	return device_on_msr(&vcpu[0], &e);
}

static void x2apic(void **ctx)
{
	(void)ctx;
	vcpu[0].name = (struct apic_name){ 0, 1, 0, true };
	vcpu[1].name = (struct apic_name){ 1, 2, 0, true };
	assert_true(write_msr(MSR_X2APIC_ICR, 1ull << 32 | 0x4500));
	assert_int_equal(e.exit.kind, HF_EXIT_DEVICE);
	assert_int_equal(e.exit.device.request, DEVICE_RESET);
	assert_int_equal(e.exit.device.targets[0], 2);
	assert_int_equal(e.next_rip, RIP + 2);
	assert_true(write_msr(0x835, 0x500));
	assert_int_equal(e.exit.device.request, DEVICE_OTHER);
	fake_cpu_set_msr(0x835, 0);
	assert_true(write_msr(0x835, 0x10700));
	assert_int_equal(e.exit.device.request, DEVICE_STORE);
	assert_true(device_perform(&vcpu[0], &e));
	assert_int_equal(fake_cpu_rdmsr(0x835), 0x10700);
	/* Does not exist: the guest's fault. */
	assert_true(write_msr(0x834, 0x10000));
	assert_false(device_perform(&vcpu[0], &e));
	/* The page has no registers now, not even harmless ones. */
	assert_true(store_ecx(0xfee00380, 0x500));
	assert_int_equal(e.exit.device.request, DEVICE_OTHER);
	vcpu[0].name.x2apic = false;
	assert_true(store_ecx(0xfee00380, 0x500));
	assert_int_equal(e.exit.device.request, DEVICE_STORE);
	/* Others. */
	assert_false(write_msr(MSR_LSTAR, 0));
}

/* ---- INIT and what comes of it ---- */

static void init_is_reported(void **ctx)
{
	(void)ctx;
	e.exit.kind = HF_EXIT_OTHER;
	vmcb[0].exit_code = EXIT_CODE_SX;
	vmcb[0].exit_info[0] = 1;
	restart_on_init(&vcpu[0], &e);
	assert_int_equal(e.exit.kind, HF_EXIT_KICK);
	assert_int_equal(reset_calls, 1);
	assert_true(reset_starts);
	/* As an intercept it stays pending: down, and no more. */
	vmcb[0].exit_code = EXIT_CODE_INIT;
	restart_on_init(&vcpu[0], &e);
	assert_int_equal(reset_calls, 2);
	assert_false(reset_starts);
	/* Another error code is another exception. */
	e.exit.kind = HF_EXIT_OTHER;
	vmcb[0].exit_code = EXIT_CODE_SX;
	vmcb[0].exit_info[0] = 2;
	restart_on_init(&vcpu[0], &e);
	assert_int_equal(e.exit.kind, HF_EXIT_OTHER);
	assert_int_equal(reset_calls, 2);
	/* While the hypervisor was open for an NMI. */
	restart_after_window(&vcpu[0]);
	assert_int_equal(reset_calls, 2);
	vcpu[0].host.reset = 1;
	restart_after_window(&vcpu[0]);
	restart_after_window(&vcpu[0]);
	assert_int_equal(reset_calls, 3);
	assert_true(reset_starts);
}

static void armed(void **ctx)
{
	(void)ctx;
	platform.features = 0;
	fake_cpu_set_msr(MSR_VM_CR, 0x8);
	/* Below another hypervisor the bit says nothing, though it sticks. */
	fake_cpu_set_leaf(1, (struct cpuid){ .ecx = BIT(31) });
	restart_init();
	assert_false(svm.r_init);
	assert_int_equal(platform.features, 0);
	assert_int_equal(fake_cpu_rdmsr(MSR_VM_CR), 0x8);
	fake_cpu_set_leaf(1, (struct cpuid){ 0 });
	restart_init();
	assert_true(svm.r_init);
	assert_int_equal(platform.features, HF_FEATURE_RESTART | HF_FEATURE_NO_GATE);
	assert_int_equal(fake_cpu_rdmsr(MSR_VM_CR), 0x8);
	assert_true(restart_arm(&vcpu[0]));
	assert_int_equal(fake_cpu_rdmsr(MSR_VM_CR), 0xe); /* and no gate of address bit 20 */
	restart_disarm(&vcpu[0]);
	assert_int_equal(fake_cpu_rdmsr(MSR_VM_CR), 0x8);
	/* Where the first had it not, none is asked for it. */
	svm.r_init = false;
	assert_true(restart_arm(&vcpu[0]));
	assert_int_equal(fake_cpu_rdmsr(MSR_VM_CR), 0x8);
}

static void restarted(void **ctx)
{
	const struct hf_startup at = { .rip = 0xffffffff81000040,
				       .root = 0x2610000,
				       .stack = 0xffffffffc0001000 };
	int i, recorded;

	(void)ctx;
	for (recorded = 0; recorded < 2; recorded++) {
		setup(NULL);
		vcpu[0].native.cs = 0x10;
		vcpu[0].native.ss = 0x18;
		cpu[0].registers_recorded = recorded;
		for (i = 0; i < REG_RECORDED; i++)
			cpu[0].recorded[i] = 0x2000 + i;
		memset(&gprs, 0xaa, sizeof(gprs));
		vmcb[0].state.rflags = 0x246;
		vmcb[0].state.cpl = 3;
		vmcb[0].interrupt_shadow = 1;
		vmcb[0].event_inject = 0x80000b0d;
		vmcb[0].exit_interrupt = 0x80000202;
		vmcb[0].state.idtr = (struct segment){ .base = 0x1234 };
		vmcb[0].state.gdtr = (struct segment){ .base = 0x5678 };
		backend_cpu_restart(&cpu[0], &at);
		assert_int_equal(vmcb[0].state.rip, at.rip);
		assert_int_equal(vmcb[0].state.cr3, at.root);
		assert_int_equal(vmcb[0].state.rsp, at.stack);
		assert_int_equal(vmcb[0].state.rflags, 2);
		assert_int_equal(vmcb[0].state.cr0, (recorded ? 0x2000 : 0x1000) + REG_CR0);
		assert_int_equal(vmcb[0].state.cr4, (recorded ? 0x2000 : 0x1000) + REG_CR4);
		assert_int_equal(vmcb[0].state.efer,
				 ((recorded ? 0x2000 : 0x1000) + REG_EFER) | EFER_SVME);
		assert_int_equal(vmcb[0].state.cs.selector, 0x10);
		assert_int_equal(vmcb[0].state.cs.attributes, 0xa9b);
		assert_int_equal(vmcb[0].state.ss.selector, 0x18);
		assert_int_equal(vmcb[0].state.cpl, 0);
		assert_int_equal(vmcb[0].interrupt_shadow, 0);
		assert_int_equal(vmcb[0].event_inject, 0);
		assert_int_equal(vmcb[0].exit_interrupt, 0);
		assert_int_equal(vmcb[0].state.idtr.base, 0x1234);
		assert_int_equal(vmcb[0].state.gdtr.base, 0x5678);
		assert_int_equal(vmcb[0].state.rax, 0);
		for (i = 0; i < GPR_COUNT; i++)
			assert_int_equal(gprs.r[i], 0);
	}
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(guards_what_it_must),
		test(init_and_start),
		test(constants),
		test(others),
		test(messages),
		test(io_apics),
		test(renamed),
		test(sleep_page),
		test(x2apic),
		test(init_is_reported),
		test(armed),
		test(restarted),
	};

	return cmocka_run_group_tests_name("svm_device", tests, NULL, NULL);
}
