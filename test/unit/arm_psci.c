// SPDX-License-Identifier: GPL-2.0-only
/* Which calls of the firmware pass, and what takes the place of those that start CPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/arm64/image.h>
#include <hv/arch/arm64/map.h>
#include <hv/arch/arm64/psci.h>
#include <hv/panic.h>

#define CPU_ON_32 0x84000003u
#define CPU_ON	  0xc4000003u
#define CPU_OFF	  0x84000002u

/* ---- what lies around it ---- */

static struct cpu cpus[2];
static struct vcpu vcpus[2];
static struct gprs gprs;
static u64 called[18]; /* by the firmware */
static u64 answer;
static u32 calls;

u8 start_secondary[1];

struct cpu *cpu_get(u32 index)
{
	return index < 2 ? &cpus[index] : NULL;
}

u32 cpu_count(void)
{
	return 2;
}

int cpu_move(struct cpu *cpu, enum cpu_state to)
{
	cpu->state = to;
	return 0;
}

void panic(const char *format, ...)
{
	(void)format;
	abort();
}

void map_clean(const void *start, u64 size)
{
	(void)start;
	(void)size;
}

/* A firmware of the first version of the convention keeps nothing. */
void vcpu_smc(u64 *x)
{
	memcpy(called, x, sizeof(called));
	calls++;
	memset(x, 0xee, 18 * sizeof(*x));
	x[0] = answer;
}

static int setup(void **ctx)
{
	(void)ctx;
	memset(cpus, 0, sizeof(cpus));
	memset(vcpus, 0, sizeof(vcpus));
	memset(called, 0, sizeof(called));
	for (u32 i = 0; i < 2; i++) {
		cpus[i].index = i;
		cpus[i].id = 0x12000001 + 0x100 * i;
		cpus[i].state = CPU_STARTING;
		cpus[i].vcpu = &vcpus[i];
		vcpus[i].cpu = &cpus[i];
		vcpus[i].gprs = &gprs;
	}
	answer = 0;
	calls = 0;
	return 0;
}

/* MPIDR of the second CPU: Aff3 is in bits 39:32. */
#define SECOND 0x1200000101ull

static struct el2_exit decode(u64 number, u64 a, u64 b, u64 c)
{
	struct el2_exit e = { .next = 0 };

	gprs = (struct gprs){ .x = { number, a, b, c, 4, 5 } };
	psci_on_call(&vcpus[0], &e);
	assert_int_equal(e.exit.kind, HF_EXIT_FIRMWARE);
	return e;
}

/* ---- tests ---- */

static void table(void **ctx)
{
	static const struct {
		u64 number, argument;
		u8 request;
	} call[] = {
		{ 0x84000000, 0, FIRMWARE_PASS },  /* PSCI_VERSION */
		{ 0xc4000004, 1, FIRMWARE_PASS },  /* AFFINITY_INFO */
		{ 0x84000008, 0, FIRMWARE_PASS },  /* SYSTEM_OFF */
		{ 0x80000000, 0, FIRMWARE_PASS },  /* SMCCC_VERSION */
		{ 0x80008000, 0, FIRMWARE_PASS },  /* a workaround */
		{ 0x84000053, 64, FIRMWARE_PASS }, /* TRNG_RND */
		{ CPU_OFF, 0, FIRMWARE_STOP },
		{ 0xc4000001, 0, FIRMWARE_PASS },	  /* CPU_SUSPEND to standby */
		{ 0xc4000001, 1u << 16, FIRMWARE_OTHER }, /* and off, in either format */
		{ 0xc4000001, 1u << 30, FIRMWARE_OTHER },
		{ 0xc400000c, 0, FIRMWARE_OTHER }, /* CPU_DEFAULT_SUSPEND */
		{ 0xc400000e, 0, FIRMWARE_OTHER }, /* SYSTEM_SUSPEND */
		{ 0x84000005, 0, FIRMWARE_OTHER }, /* MIGRATE */
		{ 0x84000013, 0, FIRMWARE_OTHER }, /* MEM_PROTECT */
		{ 0xc4000020, 0, FIRMWARE_OTHER }, /* SDEI */
		{ 0x84000054, 0, FIRMWARE_OTHER }, /* behind TRNG */
		{ 0x84000060, 0, FIRMWARE_OTHER }, /* FF-A */
		{ 0x82000000, 0, FIRMWARE_OTHER }, /* the chip's maker */
		{ 0xc6000000, 0, FIRMWARE_OTHER }, /* KVM */
		{ 0xffffffff, 0, FIRMWARE_OTHER },
		/* PSCI_FEATURES: of what passes only */
		{ 0x8400000a, CPU_ON, FIRMWARE_PASS },
		{ 0x8400000a, 0xc400000e, FIRMWARE_OTHER },
	};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(call); i++) {
		struct el2_exit e = decode(call[i].number, call[i].argument, 0, 0);

		assert_int_equal(e.exit.firmware.request, call[i].request);
		assert_int_equal(e.exit.firmware.number, call[i].number);
	}
}

static void starts(void **ctx)
{
	struct el2_exit e = decode(CPU_ON, SECOND, 0x40081000, 77);

	(void)ctx;
	assert_int_equal(e.exit.firmware.request, FIRMWARE_START);
	assert_int_equal(e.exit.firmware.target, 1);
	assert_int_equal(e.exit.firmware.place, 0x40081000);
	psci_perform(&vcpus[0], &e);
	assert_int_equal(gprs.x[0], 0);
	/* The firmware is told our place, and the CPU the guest's. */
	assert_int_equal(called[0], CPU_ON);
	assert_int_equal(called[1], SECOND);
	assert_int_equal(called[2], (u64)start_secondary);
	assert_int_equal(called[3], (u64)&vcpus[1]);
	assert_int_equal(vcpus[1].entry.pc, 0x40081000);
	assert_int_equal(vcpus[1].entry.x0, 77);
	assert_int_equal(vcpus[1].claimed, 1);
	/* Until it has read that, nobody changes it. */
	e = decode(CPU_ON, SECOND, 0x40082000, 78);
	psci_perform(&vcpus[0], &e);
	assert_int_equal((s64)gprs.x[0], -5);
	assert_int_equal(vcpus[1].entry.pc, 0x40081000);
	assert_int_equal(calls, 1);
}

static void start_fails(void **ctx)
{
	struct el2_exit e = decode(CPU_ON, SECOND, 0x40081000, 77);

	(void)ctx;
	answer = (u64)-4; /* it is on */
	psci_perform(&vcpus[0], &e);
	assert_int_equal((s64)gprs.x[0], -4);
	assert_int_equal(vcpus[1].claimed, 0);
}

/* Of a call of 32 bits no more than these count, also for the firmware. */
static void narrow(void **ctx)
{
	struct el2_exit e;

	(void)ctx;
	cpus[1].id = 0x101;
	e = decode(CPU_ON_32, 0xffffffff00000101ull, 0xffffffff40081000ull, ~0ull);
	assert_int_equal(e.exit.firmware.target, 1);
	assert_int_equal(e.exit.firmware.place, 0x40081000);
	psci_perform(&vcpus[0], &e);
	assert_int_equal(called[1], 0x101);
	assert_int_equal(vcpus[1].entry.x0, 0xffffffff);
}

static void unknown_cpu(void **ctx)
{
	struct el2_exit e = decode(CPU_ON, SECOND + 1, 0x40081000, 0);

	(void)ctx;
	assert_int_equal(e.exit.firmware.request, FIRMWARE_OTHER);
	psci_refuse(&vcpus[0], &e);
	assert_int_equal((s64)gprs.x[0], -1);
	assert_int_equal(calls, 0);
}

static void refused_start(void **ctx)
{
	struct el2_exit e = decode(CPU_ON, SECOND, 0x40081000, 0);

	(void)ctx;
	psci_refuse(&vcpus[0], &e);
	assert_int_equal((s64)gprs.x[0], -3);
	assert_int_equal(calls, 0);
	assert_int_equal(vcpus[1].claimed, 0);
}

static void passes(void **ctx)
{
	struct el2_exit e = decode(0xc4000004, SECOND, 0, 0);

	(void)ctx;
	answer = 1;
	psci_perform(&vcpus[0], &e);
	assert_int_equal(called[1], SECOND);
	assert_int_equal(gprs.x[0], 1);
	assert_int_equal(gprs.x[4], 4);
	assert_int_equal(gprs.x[5], 5);
	/* The version of the convention is ours, whatever the firmware's. */
	calls = 0;
	e = decode(0x80000000, 0, 0, 0);
	psci_perform(&vcpus[0], &e);
	assert_int_equal(gprs.x[0], 0x10001);
	e = decode(0x8400000a, 0x80000000, 0, 0);
	psci_perform(&vcpus[0], &e);
	assert_int_equal(gprs.x[0], 0);
	assert_int_equal(calls, 0);
}

/* The firmware does not switch the CPU off: it goes on, and has to be locked once more. */
static void stays_on(void **ctx)
{
	struct el2_exit e = decode(CPU_OFF, 0, 0, 0);

	(void)ctx;
	answer = (u64)-3;
	psci_perform(&vcpus[0], &e);
	assert_int_equal(called[0], CPU_OFF);
	assert_int_equal((s64)gprs.x[0], -3);
	assert_int_equal(cpus[0].state, CPU_STARTING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(table, setup),
		cmocka_unit_test_setup(starts, setup),
		cmocka_unit_test_setup(start_fails, setup),
		cmocka_unit_test_setup(narrow, setup),
		cmocka_unit_test_setup(unknown_cpu, setup),
		cmocka_unit_test_setup(refused_start, setup),
		cmocka_unit_test_setup(passes, setup),
		cmocka_unit_test_setup(stays_on, setup),
	};

	return cmocka_run_group_tests_name("arm_psci", tests, NULL, NULL);
}
