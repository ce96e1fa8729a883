// SPDX-License-Identifier: GPL-2.0-only
/* I/O ports that exit: what the core is told, what is left out and what is done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/x86/common/exit.h>
#include "fake_cpu.h"

#define RAX	0xaaaaaaaabbbb2401ull
#define FOUND	0xbbccddeeu /* by IN */
#define SERIAL	0x3f8u
#define CONTROL 0x604u

struct platform platform;

static struct state state;
static struct vcpu vcpu;
static struct x86_exit e;

static struct exit_port info(u16 port, u8 width, bool in, bool string)
{
	return (struct exit_port){
		.port = port, .width = width, .write = !in, .string = string
	};
}

static const struct exit_port *arrive(struct exit_port port)
{
	fake_cpu_reset();
	fake_cpu_io.value = FOUND;
	state = (struct state){ .rax = RAX };
	vcpu = (struct vcpu){ .state = &state };
	platform.serial_port = SERIAL;
	memset(&e, 0xee, sizeof(e));
	e.next_rip = 0x1002;
	port_on_exit(&vcpu, &e, port);
	assert_int_equal(e.exit.kind, HF_EXIT_PORT);
	assert_int_equal(e.next_rip, 0x1002);
	return &e.exit.port;
}

static const u64 in_rax[5] = {
	[1] = 0xaaaaaaaabbbb24ee,
	[2] = 0xaaaaaaaabbbbddee,
	[4] = 0xbbccddee,
};

/* The very access, once, and its answer. */
static void performed(void **ctx)
{
	static const u32 out_value[5] = { [1] = 0x01, [2] = 0x2401, [4] = 0xbbbb2401 };
	const struct exit_port *p;

	(void)ctx;
	for (u8 width = 1; width <= 4; width *= 2)
		for (u8 in = 0; in < 2; in++) {
			p = arrive(info(CONTROL, width, in, false));
			assert_int_equal(p->port, CONTROL);
			assert_int_equal(p->width, width);
			assert_int_equal(p->write, !in);
			assert_int_equal(p->ours, 0);
			assert_int_equal(p->string, 0);
			assert_int_equal(p->value, out_value[width]);
			assert_true(port_perform(&vcpu, &e));
			assert_int_equal(fake_cpu_io.count, 1);
			assert_int_equal(fake_cpu_io.port, CONTROL);
			assert_int_equal(fake_cpu_io.width, width);
			assert_int_equal(fake_cpu_io.write, !in);
			assert_int_equal(fake_cpu_io.value, in ? FOUND : out_value[width]);
			assert_int_equal(state.rax, in ? in_rax[width] : RAX);
		}
}

static void left_out(void **ctx)
{
	static const u64 rax[5] = {
		[1] = 0xaaaaaaaabbbb24ff,
		[2] = 0xaaaaaaaabbbbffff,
		[4] = 0xffffffff,
	};

	(void)ctx;
	for (u8 width = 1; width <= 4; width *= 2) {
		arrive(info(SERIAL, width, true, false));
		port_skip(&vcpu, &e);
		assert_int_equal(state.rax, rax[width]);
		arrive(info(SERIAL, width, false, false));
		port_skip(&vcpu, &e);
		assert_int_equal(state.rax, RAX);
		arrive(info(SERIAL, width, true, true));
		port_skip(&vcpu, &e);
		assert_int_equal(state.rax, RAX);
		assert_int_equal(fake_cpu_io.count, 0);
	}
}

/* Whatever the core says: no string, no port of ours, nothing whose end is not known. */
static void not_performed(void **ctx)
{
	(void)ctx;
	for (u8 in = 0; in < 2; in++) {
		assert_int_equal(arrive(info(CONTROL, 2, in, true))->string, 1);
		assert_false(port_perform(&vcpu, &e));
		assert_int_equal(arrive(info(SERIAL, 1, in, false))->ours, 1);
		assert_false(port_perform(&vcpu, &e));
		arrive(info(CONTROL, 2, in, false));
		e.next_rip = 0;
		assert_false(port_perform(&vcpu, &e));
		assert_int_equal(fake_cpu_io.count, 0);
		assert_int_equal(state.rax, RAX);
	}
}

/* Ours is what touches one of the eight. */
static void ours(void **ctx)
{
	(void)ctx;
	for (u16 port = SERIAL - 5; port < SERIAL + 10; port++)
		for (u8 width = 1; width <= 4; width *= 2)
			assert_int_equal(arrive(info(port, width, true, false))->ours,
					 port + width > SERIAL && port < SERIAL + 8);
	/* Without a serial port none is. */
	arrive(info(0, 1, true, false));
	platform.serial_port = 0;
	port_on_exit(&vcpu, &e, info(0, 1, true, false));
	assert_int_equal(e.exit.port.ours, 0);
}

/* Every byte of it, and no other. */
static void guarded(void **ctx)
{
	static const struct hf_boot boot = {
		.sleep_count = 3,
		.sleep = { { .address = 0x605, .width = 2, .space = HF_SPACE_PORT },
			   { .address = 0x700, .width = 1, .space = HF_SPACE_MEMORY },
			   { .address = 0xffff, .width = 1, .space = HF_SPACE_PORT } },
	};
	static u8 map[0x2000];

	(void)ctx;
	platform.iopm = map;
	platform.serial_port = 0x3e8;
	port_init(&boot);
	for (u32 port = 0; port < 0x10000; port++)
		assert_int_equal(map[port / 8] >> (port % 8) & 1,
				 (port >= 0x3e8 && port < 0x3f0) || port == 0x605 ||
					 port == 0x606 || port == 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(performed),	 cmocka_unit_test(left_out),
		cmocka_unit_test(not_performed), cmocka_unit_test(ours),
		cmocka_unit_test(guarded),
	};

	return cmocka_run_group_tests_name("x86_port", tests, NULL, NULL);
}
