// SPDX-License-Identifier: GPL-2.0-only
/*
 * Launch: all CPUs become guests together or none does.
 *
 * launch_init runs on one CPU, then launch_cpu on all of them at once. There is no way back
 * from a failed launch on the same memory: the loader gets its CPUs back as they were and frees
 * the chunks, so nothing here unwinds allocations.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include <hv/probe.h>
#include <hv/protect.h>
#include <hv/shootdown.h>
#include <hv/site.h>
#include <hv/sleep.h>
#include <hv/startup.h>

/*
 * The boot record is guest memory: read until the point of no return, never afterwards. What is
 * needed later is kept here; constant after launch_init.
 */
static u32 inject_cpu;
static u32 serial_port;
static u32 flags;
static u64 init_ticks;
static u32 entering;

static u32 begun; /* [a] launch_init was called: this memory has been used */
static u32 ready; /* [a] launch_init succeeded */

/* The barrier. How it ends is written once: OUTCOME_GO, or the first error. */
#define OUTCOME_OPEN 0
#define OUTCOME_GO   1
static u32 arrived; /* [a] */
static s32 outcome; /* [a] */

#define BOTH_CONTROLS (HF_BOOT_EXEC_OFF | HF_BOOT_TWO_TABLES)

/* A reason that the backend gave is more precise than ours. */
static int refuse(struct hf_boot *boot, u32 reason, int error)
{
	if (boot->reason == HF_REASON_NONE)
		boot->reason = reason;
	return error;
}

static int check_boot(struct hf_boot *boot, u64 image_size)
{
	if (boot->abi != HF_ABI || boot->size != sizeof(*boot))
		return refuse(boot, HF_REASON_ABI, -HF_EINVAL);
	if (!boot->cpu_count || boot->cpu_count > HF_CPUS_MAX ||
	    boot->entering > boot->cpu_count)
		return refuse(boot, HF_REASON_TOO_MANY_CPUS, -HF_EINVAL);
	if (!boot->memory_count || boot->memory_count > HF_MEMORY_MAX)
		return refuse(boot, HF_REASON_BAD_MEMORY_MAP, -HF_EINVAL);
	if ((boot->action != HF_ACTION_DENY && boot->action != HF_ACTION_ALLOW) ||
	    (boot->flags & ~HF_BOOT_FLAGS) || !(~boot->flags & BOTH_CONTROLS))
		return refuse(boot, HF_REASON_BAD_OPTION, -HF_EINVAL);
	if (!boot->chunk_count || boot->chunk_count > HF_CHUNKS_MAX ||
	    image_size > boot->chunk_count * HF_CHUNK_SIZE)
		return refuse(boot, HF_REASON_NO_MEMORY, -HF_ENOMEM);
	if ((boot->base & PAGE_MASK) || (image_size & PAGE_MASK))
		return refuse(boot, HF_REASON_BAD_IMAGE, -HF_EINVAL);
	for (u32 i = 0; i < boot->cpu_count; i++)
		for (u32 j = 0; j < i; j++)
			if (boot->cpu_id[i] == boot->cpu_id[j])
				return refuse(boot, HF_REASON_BAD_OPTION, -HF_EINVAL);
	return 0;
}

static int init_memory(struct hf_boot *boot, u64 image_size)
{
	int error;

	error = pool_init((void *)(uintptr_t)boot->base, boot->chunk_gpa, boot->chunk_count,
			  image_size, boot->inject_alloc);
	if (!error)
		error = event_init();
	if (!error)
		error = owner_init(boot);
	if (!error)
		error = protect_init(boot->action);
	if (!error)
		error = site_init();
	if (!error)
		error = probe_init();
	if (error == -HF_ENOMEM)
		return refuse(boot, HF_REASON_NO_MEMORY, error);
	if (error)
		return refuse(boot, HF_REASON_BAD_MEMORY_MAP, error);
	if (sleep_init(boot))
		return refuse(boot, HF_REASON_BAD_OPTION, -HF_EINVAL);
	for (u32 i = 0; i < boot->cpu_count; i++)
		if (!cpu_add(boot->cpu_id[i]))
			return refuse(boot, HF_REASON_NO_MEMORY, -HF_ENOMEM);
	return 0;
}

static int init_backend(struct hf_boot *boot)
{
	int error = backend_init(boot);

	for (u32 i = 0; !error && i < cpu_count(); i++)
		error = backend_cpu_init(cpu_get(i));
	if (error == -HF_ENOMEM)
		return refuse(boot, HF_REASON_NO_MEMORY, error);
	return error ? refuse(boot, HF_REASON_PLATFORM, error) : 0;
}

int launch_init(struct hf_boot *boot, u64 image_size)
{
	u64 start = backend_clock();
	int error;

	boot->reason = HF_REASON_NONE;
	if (__atomic_exchange_n(&begun, 1, __ATOMIC_SEQ_CST))
		return refuse(boot, HF_REASON_ALREADY, -HF_EBUSY);
	error = check_boot(boot, image_size);
	if (error)
		return error;
	error = backend_probe(boot);
	if (error)
		return refuse(boot, HF_REASON_PLATFORM, error);
	error = init_memory(boot, image_size);
	if (error)
		return error;
	error = init_backend(boot);
	if (error)
		return error;
	shootdown_audit(boot->flags & HF_BOOT_SELF_CHECK);
	inject_cpu = boot->inject_cpu;
	entering = boot->entering ? boot->entering : boot->cpu_count;
	serial_port = boot->serial_port;
	flags = boot->flags;
	startup_init(&boot->startup);
	init_ticks = backend_clock() - start;
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	return 0;
}

static s32 settled(void)
{
	return __atomic_load_n(&outcome, __ATOMIC_SEQ_CST);
}

/* The first to call settles for all how the launch ends. */
static void settle(s32 result)
{
	s32 open = OUTCOME_OPEN;

	__atomic_compare_exchange_n(&outcome, &open, result, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
}

/*
 * An index that is wrong or used twice would leave the barrier one CPU short for ever: it ends
 * the launch for all instead.
 */
static int enter(struct cpu *cpu)
{
	int error;

	if (!cpu)
		return -HF_EINVAL;
	if (cpu_move(cpu, CPU_STARTING))
		return -HF_EBUSY;
	cpu->stats.launch_ticks = backend_clock();
	/*
	 * After success a backend of hardware is back in the loader already, as a guest that
	 * cannot reach this code: on the way from here to the return nothing may be
	 * done for success.
	 */
	error = backend_cpu_enter(cpu);
	if (error)
		cpu_move(cpu, CPU_ABSENT);
	return error;
}

int launch_cpu(struct hf_boot *boot, u32 index)
{
	int error;

	/* Not a failure of the launch that this memory holds, if any: touch nothing of it. */
	if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE) || settled() == OUTCOME_GO)
		return -HF_EBUSY;
	error = enter(cpu_get(index));
	if (error) {
		settle(error);
		__atomic_store_n(&boot->reason, HF_REASON_CPU_FAILED, __ATOMIC_RELAXED);
	}
	return error;
}

/* The last to arrive, while all others wait. */
static void go(struct cpu *cpu)
{
	const struct hf_event event = {
		.kind = HF_EVENT_LAUNCHED,
		.asset = HF_ASSET_PLATFORM,
		.new_value = cpu_count(),
	};

	event_record(cpu, NULL, &event);
	/* The point of no return: from here on CPUs run as guests and none can be taken back.
	 */
	settle(OUTCOME_GO);
}

int launch_arrive(struct cpu *cpu, int error)
{
	s32 result;

	/* After its first guest instruction, so that the test takes the longest way back. */
	if (!error && cpu->index + 1 == inject_cpu)
		error = -HF_ENODEV;
	if (error)
		settle(error);
	if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == entering &&
	    settled() == OUTCOME_OPEN)
		go(cpu);
	/* Nobody can demand a shoot-down yet: no CPU runs as a guest. */
	while ((result = settled()) == OUTCOME_OPEN)
		backend_relax();
	if (result < 0)
		return result;
	cpu->stats.launch_ticks = init_ticks + backend_clock() - cpu->stats.launch_ticks;
	return 0;
}

u32 launch_state(void)
{
	if (protect_locked())
		return HF_STATE_LOCKED;
	return settled() == OUTCOME_GO ? HF_STATE_LAUNCHED : HF_STATE_ABSENT;
}

u32 launch_flags(void)
{
	return flags;
}

u32 launch_serial_port(void)
{
	return serial_port;
}
