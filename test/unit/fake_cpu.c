// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "fake_cpu.h"

#define ENTRIES 24
#define FIELDS	0x7000

static u64 fields[FIELDS];

static struct {
	u32 msr_count, leaf_count, writes;
	u32 msr[ENTRIES];
	u64 msr_value[ENTRIES];
	u32 leaf[ENTRIES];
	struct cpuid leaf_value[ENTRIES];
	u64 cr4;
} cpu;

void fake_cpu_reset(void)
{
	memset(&cpu, 0, sizeof(cpu));
	memset(fields, 0, sizeof(fields));
	fake_cpu_io = (struct fake_cpu_io){ 0 };
}

static u32 find(const u32 *numbers, u32 count, u32 number)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (numbers[i] == number)
			break;
	return i;
}

void fake_cpu_set_msr(u32 msr, u64 value)
{
	u32 i = find(cpu.msr, cpu.msr_count, msr);

	assert_true(i < ENTRIES);
	cpu.msr_count += i == cpu.msr_count;
	cpu.msr[i] = msr;
	cpu.msr_value[i] = value;
}

void fake_cpu_set_leaf(u32 leaf, struct cpuid value)
{
	u32 i = find(cpu.leaf, cpu.leaf_count, leaf);

	assert_true(i < ENTRIES);
	cpu.leaf_count += i == cpu.leaf_count;
	cpu.leaf[i] = leaf;
	cpu.leaf_value[i] = value;
}

void fake_cpu_set_cr4(u64 value)
{
	cpu.cr4 = value;
}

u32 fake_cpu_msr_writes(void)
{
	return cpu.writes;
}

struct cpuid fake_cpu_cpuid(u32 leaf, u32 subleaf)
{
	u32 i = find(cpu.leaf, cpu.leaf_count, leaf);

	assert_int_equal(subleaf, 0);
	if (i == cpu.leaf_count)
		fail_msg("CPUID leaf 0x%x was asked for", leaf);
	return cpu.leaf_value[i];
}

u64 fake_cpu_rdmsr(u32 msr)
{
	u32 i = find(cpu.msr, cpu.msr_count, msr);

	if (i == cpu.msr_count)
		fail_msg("MSR 0x%x was read", msr);
	return cpu.msr_value[i];
}

void fake_cpu_wrmsr(u32 msr, u64 value)
{
	u32 i = find(cpu.msr, cpu.msr_count, msr);

	if (i == cpu.msr_count)
		fail_msg("MSR 0x%x was written", msr);
	cpu.msr_value[i] = value;
	cpu.writes++;
}

/* An MSR that the table does not have does not exist. */
int msr_read(u32 msr, u64 *value)
{
	u32 i = find(cpu.msr, cpu.msr_count, msr);

	if (i == cpu.msr_count)
		return -HF_EINVAL;
	*value = cpu.msr_value[i];
	return 0;
}

int msr_write(u32 msr, u64 value)
{
	u32 i = find(cpu.msr, cpu.msr_count, msr);

	if (i == cpu.msr_count)
		return -HF_EINVAL;
	cpu.msr_value[i] = value;
	cpu.writes++;
	return 0;
}

u64 fake_cpu_vmread(u64 field)
{
	assert_true(field < FIELDS);
	return fields[field];
}

void fake_cpu_vmwrite(u64 field, u64 value)
{
	assert_true(field < FIELDS);
	fields[field] = value;
}

struct fake_cpu_io fake_cpu_io;

u32 fake_cpu_in(u16 port, u8 width)
{
	fake_cpu_io = (struct fake_cpu_io){ fake_cpu_io.count + 1, port, width, false,
					    fake_cpu_io.value };
	return fake_cpu_io.value;
}

void fake_cpu_out(u16 port, u8 width, u32 value)
{
	fake_cpu_io = (struct fake_cpu_io){ fake_cpu_io.count + 1, port, width, true, value };
}

u64 fake_cpu_read_cr4(void)
{
	return cpu.cr4;
}
