// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on Holdfast itself: its memory and that of its services, its launch, and translations
 * that a CPU remembers from before lock. Before launch there is no hypervisor memory: a page of
 * our own, with code in it, is then attacked by the same steps, which must succeed.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/io.h>

#include <holdfast/ctl.h>
#include <holdfast/hypercall.h>

#include "attack.h"
#include "execute.h"
#include "files.h"
#include "hypercall.h"
#include "hypervisor.h"
#include "memory.h"
#include "paging.h"

#define PAGES_FILE    "/sys/module/holdfast/parameters/hv_pages"
#define SERVICES_FILE "/sys/module/holdfast/parameters/service_pages"
#define PAGES_LIMIT   4096
#define IMAGE_FILE    "/lib/holdfast/hv.img"
#define IMAGE_LIMIT   (16u << 20)
#define SAMPLES	      3 /* pages tried in each run of pages: the first, the last, one between */

/* Runs of pages, "address:pages,..." in hexadecimal. */
static int parse_runs(char *text, struct hypervisor_memory *memory)
{
	unsigned long long pa;
	char *run, *pages;

	text = strim(text);
	while ((run = strsep(&text, ",")) && *run) {
		pages = run;
		strsep(&pages, ":");
		if (!pages)
			return -EINVAL;
		if (memory->count == HYPERVISOR_RUNS)
			return 0;
		if (kstrtoull(run, 16, &pa) ||
		    kstrtoul(pages, 16, &memory->run[memory->count].pages))
			return -EINVAL;
		memory->run[memory->count++].pfn = pa >> PAGE_SHIFT;
	}
	return 0;
}

static int find_pages(const char *file, struct hypervisor_memory *memory)
{
	size_t size;
	char *text = files_read(file, PAGES_LIMIT, &size);
	int err;

	memset(memory, 0, sizeof(*memory));
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = parse_runs(text, memory);
	vfree(text);
	return err;
}

int hypervisor_find(struct hypervisor_memory *memory)
{
	return find_pages(PAGES_FILE, memory);
}

/* One frame to attack. True: a step succeeded on it, which ends the attack. */
typedef bool (*frame_act)(struct attempt *t, unsigned long pfn);

static bool attack_samples(struct attempt *t, const struct hypervisor_memory *memory,
			   frame_act act)
{
	unsigned long i, pages;
	unsigned int r;

	for (r = 0; r < memory->count; r++) {
		pages = memory->run[r].pages;
		for (i = 0; i < SAMPLES && i < pages; i++)
			if (act(t, memory->run[r].pfn + i * (pages - 1) / (SAMPLES - 1)))
				return true;
	}
	return false;
}

static enum attack_outcome attack_hypervisor(struct attempt *t, frame_act act)
{
	struct hypervisor_memory memory;
	int err = hypervisor_find(&memory);
	struct page *page;
	bool done;

	if (err) {
		attack_note(t, PAGES_FILE ": %d", err);
		return ATTACK_ERROR;
	}
	if (memory.count) {
		attack_note(t, "hypervisor memory from %lx", memory.run[0].pfn << PAGE_SHIFT);
		return attack_samples(t, &memory, act) ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
	}
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return ATTACK_ERROR;
	memcpy(page_address(page), execute_code, EXECUTE_CODE_SIZE);
	attack_note(t, "no hypervisor yet: a page of the kernel in its place");
	done = act(t, page_to_pfn(page));
	__free_page(page);
	return done ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

/* Of services. Where Holdfast is there has to be one: nothing is attacked in its place. */
static enum attack_outcome attack_services(struct attempt *t, frame_act act)
{
	struct hypervisor_memory memory;
	int err = hypervisor_find(&memory);

	if (!err && !memory.count)
		return attack_hypervisor(t, act);
	if (!err)
		err = find_pages(SERVICES_FILE, &memory);
	if (err || !memory.count) {
		attack_note(t, "no service: %d", err);
		return ATTACK_ERROR;
	}
	attack_note(t, "service memory from %lx", memory.run[0].pfn << PAGE_SHIFT);
	return attack_samples(t, &memory, act) ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static bool read_frame(struct attempt *t, unsigned long pfn)
{
	u64 *alias = paging_alias(pfn, 1, PAGE_KERNEL_RO);
	u64 value = 0;

	if (!alias)
		return false;
	asm volatile("1:\tmovq (%2), %1\n\tmovl $-1, %0\n\tjmp 3f\n2:\tmovl %%eax, "
		     "%0\n3:\n\t" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(t->trap), "+&r"(value)
		     : "r"(alias)
		     : "memory");
	vunmap(alias);
	if (t->trap == TRAP_NONE)
		attack_note(t, "read %llx at %lx", value, pfn << PAGE_SHIFT);
	return t->trap == TRAP_NONE;
}

/* Never looks before it leaps: reading may be refused where writing is not. */
static bool write_frame(struct attempt *t, unsigned long pfn)
{
	u8 *alias = paging_alias(pfn, 1, PAGE_KERNEL);

	if (!alias)
		return false;
	/* Flips one bit and flips it back. */
	t->trap = TRAP_OF("lock xorb $1, 4095(%1)", "r"(alias));
	if (t->trap == TRAP_NONE)
		TRAP_OF("lock xorb $1, 4095(%1)", "r"(alias));
	vunmap(alias);
	return t->trap == TRAP_NONE;
}

/* The frame as a page table: the page walker reads it, and may write accessed bits into it. */
static bool walk_frame(struct attempt *t, unsigned long pfn)
{
	u8 *own = vmalloc(2 * PMD_SIZE), *va = PTR_ALIGN(own, PMD_SIZE);
	unsigned long flags;
	u64 *pmd, entry;

	pmd = own ? paging_pmd(va) : NULL;
	t->trap = X86_TRAP_MC; /* not reached */
	if (pmd && !(*pmd & _PAGE_PSE)) {
		local_irq_save(flags);
		entry = READ_ONCE(*pmd);
		WRITE_ONCE(*pmd, (u64)pfn << PAGE_SHIFT | _KERNPG_TABLE_NOENC);
		paging_flush_here(va);
		t->trap = TRAP_OF("movb (%1), %%cl", "r"(va), "c"(0));
		WRITE_ONCE(*pmd, entry);
		paging_flush_here(va);
		local_irq_restore(flags);
	}
	vfree(own);
	/* #PF means that the walker has read the entry and found it not present. */
	return t->trap == TRAP_NONE || t->trap == X86_TRAP_PF;
}

static bool execute_frame(struct attempt *t, unsigned long pfn)
{
	void *code = paging_alias(pfn, 1, PAGE_KERNEL_ROX);
	u64 answer;

	if (!code)
		return false;
	t->trap = execute_call(code, PAGE_SIZE, 0, 0, NULL, &answer);
	vunmap(code);
	if (t->trap == TRAP_NONE)
		attack_note(t, "returned %llx", answer);
	return t->trap == TRAP_NONE;
}

static enum attack_outcome hv_read(struct attempt *t)
{
	return attack_hypervisor(t, read_frame);
}

static enum attack_outcome hv_write(struct attempt *t)
{
	return attack_hypervisor(t, write_frame);
}

static enum attack_outcome hv_walk(struct attempt *t)
{
	return attack_hypervisor(t, walk_frame);
}

static enum attack_outcome hv_execute(struct attempt *t)
{
	return attack_hypervisor(t, execute_frame);
}

static enum attack_outcome service_read(struct attempt *t)
{
	return attack_services(t, read_frame);
}

static enum attack_outcome service_write(struct attempt *t)
{
	return attack_services(t, write_frame);
}

static enum attack_outcome service_walk(struct attempt *t)
{
	return attack_services(t, walk_frame);
}

static enum attack_outcome service_execute(struct attempt *t)
{
	return attack_services(t, execute_frame);
}

/*
 * A thread bound to one CPU keeps a writable translation of kernel text in that CPU's TLB: it
 * is started before lock and reads all the time until it is told, after lock, to write.
 */
static struct {
	struct task_struct *task;
	u8 *alias; /* byte of the target in the second mapping */
	u8 byte;   /* to write */
	int trap;  /* of the write */
	bool order;
	struct completion done;
} keeper;

static int keeper_main(void *unused)
{
	while (!kthread_should_stop()) {
		(void)READ_ONCE(*keeper.alias);
		if (smp_load_acquire(&keeper.order)) {
			keeper.trap = memory_store_byte(keeper.alias, &keeper.byte);
			WRITE_ONCE(keeper.order, false);
			complete(&keeper.done);
		}
		cond_resched();
	}
	return 0;
}

static int keeper_start(struct attempt *t)
{
	unsigned int cpu = cpumask_last(cpu_online_mask);
	u8 *alias = paging_alias(t->pfn, 1, PAGE_KERNEL);
	struct task_struct *task;

	if (!alias)
		return -ENOMEM;
	keeper.alias = alias + offset_in_page(t->va);
	init_completion(&keeper.done);
	task = kthread_create_on_cpu(keeper_main, NULL, cpu, "hf_attack/%u");
	if (IS_ERR(task)) {
		vunmap(alias);
		return PTR_ERR(task);
	}
	keeper.task = task;
	wake_up_process(task);
	/* Let it fill the TLB, with the dirty bit set by the write that follows. */
	msleep(20);
	return 0;
}

void hypervisor_exit(void)
{
	if (!keeper.task)
		return;
	kthread_stop(keeper.task);
	keeper.task = NULL;
	vunmap((void *)((unsigned long)keeper.alias & PAGE_MASK));
}

/* The first run starts the thread and lets it write; it then goes on reading. */
static enum attack_outcome text_warm(struct attempt *t)
{
	bool warm = keeper.task;
	int err = memory_target_text(t);

	if (!err && !warm)
		err = keeper_start(t);
	if (err) {
		attack_note(t, "cannot start: %d", err);
		return ATTACK_ERROR;
	}
	attack_note(t, warm ? "translation kept since the last run" : "translation is new");
	keeper.byte = t->wanted;
	reinit_completion(&keeper.done);
	smp_store_release(&keeper.order, true);
	if (!wait_for_completion_timeout(&keeper.done, 10 * HZ)) {
		attack_note(t, "no answer from the other CPU");
		return ATTACK_ERROR;
	}
	t->trap = keeper.trap;
	if (t->trap == TRAP_NONE)
		return ATTACK_SUCCEEDED;
	hypervisor_exit();
	return ATTACK_REFUSED;
}

/* The ioctl wants its argument and the image in user memory: of the process that runs the
 * attack. */
static long launch_from(struct file *device, const char *image, size_t size)
{
	unsigned long user = vm_mmap(NULL, 0, PAGE_SIZE + PAGE_ALIGN(size),
				     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	struct hf_ctl_launch launch = {
		.size = sizeof(launch),
		.abi = HF_ABI,
		.image = user + PAGE_SIZE,
		.image_size = size,
		.action = HF_ACTION_ALLOW,
	};
	long err = -EFAULT;

	if (IS_ERR_VALUE(user))
		return user;
	if (!copy_to_user((void __user *)user, &launch, sizeof(launch)) &&
	    !copy_to_user((void __user *)(user + PAGE_SIZE), image, size))
		err = device->f_op->unlocked_ioctl(device, HF_CTL_LAUNCH, user);
	vm_munmap(user, PAGE_SIZE + PAGE_ALIGN(size));
	return err;
}

long hypervisor_launch(struct attempt *t)
{
	struct file *device = filp_open(HF_DEVICE, O_RDWR, 0);
	size_t size;
	char *image;
	long err;

	if (IS_ERR(device)) {
		attack_note(t, HF_DEVICE ": %ld", PTR_ERR(device));
		return -ENXIO;
	}
	image = files_read(IMAGE_FILE, IMAGE_LIMIT, &size);
	if (IS_ERR(image)) {
		filp_close(device, NULL);
		attack_note(t, IMAGE_FILE ": %ld", PTR_ERR(image));
		return -ENXIO;
	}
	err = launch_from(device, image, size);
	vfree(image);
	filp_close(device, NULL);
	attack_note(t, "launch: %ld", err);
	return err;
}

static enum attack_outcome relaunch(struct attempt *t)
{
	long err = hypervisor_launch(t);

	if (err == -ENXIO)
		return ATTACK_ERROR;
	if (!err)
		return ATTACK_SUCCEEDED;
	/* The agent said no, which is no protection. What an attacker has left is to lock anew. */
	err = hypercall_lock();
	attack_note(t, "lock: %ld", err);
	return err ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

#define HYPERVISOR(name_, title_, gives_, run_, ...)                                           \
	{                                                                                      \
		.name = name_, .title = title_, .gives = gives_, .asset = "hypervisor memory", \
		.control = ATTACK_PRELAUNCH, .run = run_, __VA_ARGS__                          \
	}

static const struct attack hypervisor_attacks[] = {
	HYPERVISOR("hv-read", "read hypervisor memory", "the secrets of the hypervisor",
		   hv_read),
	HYPERVISOR("hv-write", "write hypervisor memory", "every protection undone", hv_write),
	HYPERVISOR("hv-walk", "use hypervisor memory as a page table",
		   "its content, and bits set in it", hv_walk),
	HYPERVISOR("hv-execute", "jump into hypervisor memory", "its code, run by the kernel",
		   hv_execute),
	HYPERVISOR("service-read", "read a service's memory", "its secrets", service_read,
		   .needs = "services"),
	HYPERVISOR("service-write", "write a service's memory", "its answers", service_write,
		   .needs = "services"),
	HYPERVISOR("service-walk", "use a service's memory as a page table",
		   "its content, and bits set in it", service_walk, .needs = "services"),
	HYPERVISOR("service-execute", "jump into a service's memory",
		   "its code, run by the kernel", service_execute, .needs = "services"),
	{
		.name = "text-warm",
		.title = "write kernel text by a translation that another CPU kept since "
			 "before lock",
		.gives = "any code in the kernel",
		.asset = "text",
		.control = ATTACK_PRELOCK,
		.run = text_warm,
		.look = memory_look,
		.undo = memory_undo,
	},
	{
		.name = "relaunch",
		.title = "launch again, asking for no protection, and lock again",
		.gives = "a hypervisor that only watches",
		.asset = "launch",
		.control = ATTACK_PRELAUNCH,
		.own_vm = true,
		.run = relaunch,
	},
};

const struct attack_table hypervisor_table = { hypervisor_attacks,
					       ARRAY_SIZE(hypervisor_attacks) };
