// SPDX-License-Identifier: GPL-2.0-only
/* Domains: what may become one, and what the guest has left of it. */
#include "domain.h"

static void refused(struct cpu *cpu, const struct hf_domain *record, s64 error)
{
	u64 used = pool_used();

	assert_int_equal(domain_make(cpu, record), error);
	assert_int_equal(pool_used(), used);
	assert_true(owner_all(gpa(DOMAIN_CODE), 2, PAGE_GUEST));
	assert_true(owner_all(gpa(DOMAIN_DATA), 4, PAGE_GUEST));
}

/* One after the other, each wrong in one place. */
static void malformed_records_change_nothing(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct hf_domain r;

	(void)ctx;
	/* What a domain needs beside its memory is kept for the next attempt. */
	r = domain_record();
	r.range[0].gpa = MACHINE_OURS;
	assert_int_equal(domain_make(cpu, &r), -HF_EINVAL);
#define WRONG(change)                         \
	do {                                  \
		r = domain_record();          \
		change;                       \
		refused(cpu, &r, -HF_EINVAL); \
	} while (0)
	WRONG(r.size--);
	WRONG(r.reserved = 1);
	WRONG(r.service = 0);
	WRONG(r.ticks = 0);
	WRONG(r.capabilities |= 1u << 31);
	WRONG(r.capabilities = 0);
	WRONG(r.lent_max = HF_LENT_PAGES_MAX + 1);
	WRONG(r.range_count = 0);
	WRONG(r.range_count = HF_DOMAIN_RANGES + 1);
	WRONG(r.range_count = ~0u);
	WRONG(r.root++);
	WRONG(r.root = DOMAIN_CODE);
	WRONG(r.root = MACHINE_OURS);
	WRONG(r.message = DOMAIN_CODE);
	WRONG(r.message = DOMAIN_DATA + 4 * PAGE_SIZE);
	WRONG(r.message = MACHINE_TEXT);
	WRONG(r.message++);
	WRONG(r.range[0].gpa++);
	WRONG(r.range[0].npages = 0);
	WRONG(r.range[0].npages = 1ull << 52);
	WRONG(r.range[0].npages = ~0ull);
	WRONG(r.range[0].va = 1);
	WRONG(r.range[0].token = 1);
	WRONG(r.range[0].kind = HF_KIND_TEXT);
	WRONG(r.range[0].permission = 0);
	WRONG(r.range[0].permission = HF_PERM_ALL);
	WRONG(r.range[0].permission = HF_PERM_WRITE);
	WRONG(r.range[0].permission |= HF_PERM_WRITE);
	WRONG(r.range[0].permission |= HF_PERM_KERNEL_EXEC);
	/* Memory that is not the guest's to give. */
	WRONG(r.range[0].gpa = MACHINE_OURS);
	WRONG(r.range[0].gpa = FAKE_LOW_END);
	WRONG(r.range[0].gpa = FAKE_HOTPLUG_START);
	WRONG(r.range[0].gpa = FAKE_LIMIT);
	WRONG(r.range[0].gpa = DOMAIN_DATA);
#undef WRONG
	assert_int_equal(machine_call(cpu, HF_CALL_DOMAIN, MACHINE_OURS, 0), -HF_EFAULT);
	assert_int_equal(machine_call(cpu, HF_CALL_DOMAIN, MACHINE_BUFFER + 8, 0), -HF_EFAULT);
	r = domain_record();
	assert_int_equal(domain_make(cpu, &r), 0);
}

static void one_for_each_service(void **ctx)
{
	struct hf_domain r = domain_record();
	struct cpu *cpu = machine(1);

	(void)ctx;
	for (u32 i = 0; i < HF_DOMAINS_MAX; i++) {
		assert_int_equal(domain_make(cpu, &r), 0);
		assert_int_equal(domain_make(cpu, &r), -HF_EEXIST);
		/* Its memory is nobody else's. */
		r.service++;
		assert_int_equal(domain_make(cpu, &r),
				 i + 1 < HF_DOMAINS_MAX ? -HF_EINVAL : -HF_ENOSPC);
		r.root += 0x20000;
		r.message += 0x20000;
		r.range[0].gpa += 0x20000;
		r.range[1].gpa += 0x20000;
	}
}

static void nothing_where_it_cannot_be_hosted(void **ctx)
{
	struct hf_domain r = domain_record();
	struct cpu *cpu = machine(1);

	(void)ctx;
	fake.domain_error = -HF_ENODEV;
	refused(cpu, &r, -HF_ENODEV);
	fake.domain_error = 0;
	assert_int_equal(domain_make(cpu, &r), 0);
}

static void none_after_lock(void **ctx)
{
	struct hf_domain r = domain_record();
	struct cpu *cpu = machine(2);

	(void)ctx;
	machine_lock(cpu);
	refused(cpu, &r, -HF_EPERM);
	assert_int_equal(machine_event().kind, HF_EVENT_HYPERCALL);
}

/* Every allocation of it fails once; at the end it is made. */
static void without_memory_nothing_is_taken(void **ctx)
{
	struct hf_domain r = domain_record();
	struct cpu *cpu = machine(1);
	void *pages[4096] = { NULL };
	u32 taken = 0;
	s64 result;

	(void)ctx;
	while (pool_available())
		pages[taken++] = pool_page();
	for (;;) {
		result = domain_make(cpu, &r);
		if (!result)
			break;
		assert_int_equal(result, -HF_ENOMEM);
		assert_true(owner_all(gpa(DOMAIN_CODE), 2, PAGE_GUEST));
		assert_true(owner_all(gpa(DOMAIN_DATA), 4, PAGE_GUEST));
		assert_true(taken);
		pool_free(pages[--taken]);
	}
	assert_true(owner_all(gpa(DOMAIN_CODE), 2, PAGE_SERVICE));
}

static void memory_is_the_services_alone(void **ctx)
{
	const u64 pages[] = { DOMAIN_CODE, DOMAIN_CODE + PAGE_SIZE, DOMAIN_DATA,
			      DOMAIN_MESSAGE };
	struct cpu *cpu = domain_machine(2, NULL);
	struct domain *d = domain_of_service(DOMAIN_SERVICE);
	u64 value = 0x1234;

	(void)ctx;
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		for (u32 access = HF_ACCESS_READ; access <= HF_ACCESS_WALK; access++)
			assert_int_equal(fake_guest_access(cpu_get(i % 2), gpa(pages[i]),
							   access, 0, &value),
					 VERDICT_FAULT);
		assert_int_equal(machine_call(cpu, HF_CALL_INFO, pages[i], 0), -HF_EFAULT);
		assert_int_equal(machine_call(cpu, HF_CALL_SERVICE, pages[i], 0), -HF_EFAULT);
	}
	assert_int_equal(machine_event().kind, HF_EVENT_MEMORY);
	/* And the service has that and no more. */
	for (u64 at = 0; at < FAKE_LIMIT; at += at < FAKE_RAM_BYTES ? PAGE_SIZE : FAKE_MIB) {
		u32 perm = stage2_permission(&d->space, gpa(at), NULL);
		u32 due = at - DOMAIN_CODE < 2 * PAGE_SIZE   ? HF_PERM_READ | HF_PERM_USER_EXEC
			  : at - DOMAIN_DATA < 4 * PAGE_SIZE ? HF_PERM_READ | HF_PERM_WRITE
							     : 0;

		assert_int_equal(perm, due);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(malformed_records_change_nothing),
		machine_test(one_for_each_service),
		machine_test(nothing_where_it_cannot_be_hosted),
		machine_test(none_after_lock),
		machine_test(without_memory_nothing_is_taken),
		machine_test(memory_is_the_services_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
