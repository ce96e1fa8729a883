// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <hv/arch/x86/svm/npt.h>
#include <hv/launch.h>
#include <hv/pool.h>
#include "fuzz.h"
#include "machine.h"

#define IMAGE PAGE_SIZE

static const struct stage2_format *const formats[] = { &fake_format, &fake_plain_format,
						       &fake_break_format, &npt_format,
						       &fake_two_format };
#define MACHINES (2 * ARRAY_SIZE(formats))

/* Of the linker: what state.h gathers. */
extern char __start_machine_bss[], __stop_machine_bss[];
extern char __start_machine_data[], __stop_machine_data[];

static struct section {
	char *start;
	char *end;
} sections[2];

/* The pool up to `fresh` was in use after launch; what is beyond is written before it is read. */
static struct image {
	char *section[ARRAY_SIZE(sections)];
	u8 *pool;
	u64 fresh;
} images[MACHINES];

static char *pristine[ARRAY_SIZE(sections)];

/*
 * The sanitizer's red zones between variables are copied with them, unwatched and unchanged.
 * Words: a call of memcpy would be watched.
 */
__attribute__((no_sanitize("address", "undefined"))) static void
copy(char *to, const char *from, size_t size)
{
	volatile char *t = to;
	size_t i;

	for (i = 0; i + sizeof(u64) <= size; i += sizeof(u64))
		*(volatile u64 *)(t + i) = *(const u64 *)(from + i);
	for (; i < size; i++)
		t[i] = from[i];
}

static void save(char **to)
{
	size_t k;

	for (k = 0; k < ARRAY_SIZE(sections); k++) {
		size_t size = sections[k].end - sections[k].start;

		to[k] = malloc(size);
		copy(to[k], sections[k].start, size);
	}
}

static void restore(char *const *from)
{
	size_t k;

	for (k = 0; k < ARRAY_SIZE(sections); k++)
		copy(sections[k].start, from[k], sections[k].end - sections[k].start);
}

/* ---- launch ---- */

static struct hf_boot *boot;

static void *enter(void *index)
{
	int error = launch_cpu(boot, (u32)(uintptr_t)index);

	if (error)
		fuzz_fail("machine: launch ends with %d", error);
	return NULL;
}

static void launch(const struct stage2_format *format, u32 action)
{
	pthread_t threads[MACHINE_CPUS];
	uintptr_t i;

	fake_reset(format);
	boot = fake_boot(MACHINE_CPUS);
	boot->action = action;
	if (launch_init(boot, IMAGE))
		fuzz_fail("machine: no launch");
	for (i = 0; i < MACHINE_CPUS; i++)
		if (pthread_create(&threads[i], NULL, enter, (void *)i))
			fuzz_fail("machine: no thread");
	for (i = 0; i < MACHINE_CPUS; i++)
		pthread_join(threads[i], NULL);
	/* It is the loader's again. */
	memset(boot, 0xee, sizeof(*boot));
}

/* The pool counts up: a page of its end tells how far it has come. */
static u64 pool_fresh(void)
{
	return (u64)((u8 *)pool_contiguous(1) - fake.chunks);
}

/* All machines are launched once, first. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t k;

	(void)argc;
	(void)argv;
	sections[0] = (struct section){ __start_machine_bss, __stop_machine_bss };
	sections[1] = (struct section){ __start_machine_data, __stop_machine_data };
	save(pristine);
	for (k = 0; k < MACHINES; k++) {
		struct image *image = &images[k];

		/* Forgets, and does not free, the memory of the machine before. */
		restore(pristine);
		launch(formats[k / 2], k % 2 ? HF_ACTION_ALLOW : HF_ACTION_DENY);
		image->fresh = pool_fresh();
		image->pool = malloc(image->fresh);
		memcpy(image->pool, fake.chunks, image->fresh);
		save(image->section);
	}
	atexit(machine_report);
	return 0;
}

u32 machine_become(u32 which)
{
	const struct image *image = &images[which % MACHINES];

	/* Also of the machine that is left: its pages read as zero when they are next used. */
	madvise(fake.ram, FAKE_RAM_BYTES, MADV_DONTNEED);
	restore(image->section);
	memcpy(fake.chunks, image->pool, image->fresh);
	return which % 2 ? HF_ACTION_ALLOW : HF_ACTION_DENY;
}
