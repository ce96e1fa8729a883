// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent made a tool: what it remembers is rewritten, and then it is asked to do its work.
 * It believes its variables; whether the hypervisor believes the agent is the question.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/suspend.h>
#include <linux/uaccess.h>
#include <asm/io.h>
#include <asm/nmi.h>

#include <holdfast/ctl.h>
#include <holdfast/hypercall.h>

#include "attack.h"
#include "hypervisor.h"
#include "memory.h"

#define ANSWER 0x4846

/* The state that the agent believes the machine to be in. */
static int set_state(enum hf_state value, u32 *was)
{
	u32 *state = attack_symbol("holdfast:state");

	if (!state)
		return -ENOENT;
	*was = READ_ONCE(*state);
	WRITE_ONCE(*state, value);
	return 0;
}

/* ---- its table of operations ---- */

static long own_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	return ANSWER;
}

static int target_operations(struct attempt *t)
{
	struct file_operations *operations = attack_symbol("holdfast:device_ops");

	return memory_target_at(t, operations ? &operations->unlocked_ioctl : NULL,
				sizeof(operations->unlocked_ioctl), (u64)own_ioctl);
}

static enum attack_outcome operations(struct attempt *t)
{
	struct file *device = filp_open(HF_DEVICE, O_RDWR, 0);
	enum attack_outcome outcome;
	long answer;

	if (IS_ERR(device)) {
		attack_note(t, HF_DEVICE ": %ld", PTR_ERR(device));
		return ATTACK_ERROR;
	}
	outcome = memory_attack(t, target_operations, memory_door_vmap, memory_store_quad);
	answer = device->f_op->unlocked_ioctl(device, HF_CTL_VERSION, 0);
	filp_close(device, NULL);
	attack_note(t, "the agent answered %ld", answer);
	return (outcome == ATTACK_SUCCEEDED) == (answer == ANSWER) ? outcome : ATTACK_ERROR;
}

/* ---- launched again ---- */

/* What the agent knew before it was made to forget. */
static u32 known;

/*
 * An agent that has forgotten its launch begins anew, action "allow", and copies an image to the
 * memory that it remembers: where the hypervisor is. Then text is written.
 */
static enum attack_outcome launch_again(struct attempt *t)
{
	struct notifier_block *sleep = attack_symbol("holdfast:sleep_notifier");

	if (memory_target_text(t) || !sleep || set_state(HF_STATE_ABSENT, &known))
		return ATTACK_ERROR;
	/* The kernel takes them but once. */
	unregister_pm_notifier(sleep);
	unregister_nmi_handler(NMI_UNKNOWN, "holdfast");
	if (hypervisor_launch(t) == -ENXIO)
		return ATTACK_ERROR;
	return memory_write_text(t);
}

/* From another thread: the one that attacked may be dead. An agent that knows hands on events. */
static int launch_look(struct attempt *t, u64 *is)
{
	u32 *state = attack_symbol("holdfast:state");

	if (state && READ_ONCE(*state) == HF_STATE_ABSENT)
		WRITE_ONCE(*state, known);
	return memory_look(t, is);
}

/* ---- what was registered forgotten ---- */

/* The ioctl wants its argument in user memory: of the process that runs the attack. */
static long ask_to_lock(struct attempt *t)
{
	struct file *device = filp_open(HF_DEVICE, O_RDWR, 0);
	unsigned long user = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	struct hf_ctl_lock lock = { .size = sizeof(lock) };
	long err = -EFAULT;

	if (IS_ERR(device) || IS_ERR_VALUE(user))
		return -ENXIO;
	if (!copy_to_user((void __user *)user, &lock, sizeof(lock)))
		err = device->f_op->unlocked_ioctl(device, HF_CTL_LOCK, user);
	if (!copy_from_user(&lock, (void __user *)user, sizeof(lock)))
		attack_note(t, "lock: %ld, reason %u, call %x", err, lock.reason,
			    lock.failed_call);
	vm_munmap(user, PAGE_SIZE);
	filp_close(device, NULL);
	return err;
}

/* The agent's first call has the hypervisor forget what is to be sealed; it gets no further. */
static enum attack_outcome lock_again(struct attempt *t)
{
	u32 *fails = attack_symbol("holdfast:inject_call"), was;
	long err;

	if (memory_target_text(t) || !fails || set_state(HF_STATE_LAUNCHED, &was))
		return ATTACK_ERROR;
	WRITE_ONCE(*fails, HF_CALL_PROTECT);
	err = ask_to_lock(t);
	WRITE_ONCE(*fails, 0);
	return err == -ENXIO ? ATTACK_ERROR : memory_write_text(t);
}

static const struct attack agent_attacks[] = {
	{
		.name = "agent-operations",
		.title = "write the agent's table of operations and call it",
		.gives = "an agent that answers as the attacker likes",
		.asset = "module read-only data",
		.control = ATTACK_PRELAUNCH,
		.run = operations,
		.look = memory_look,
		.undo = memory_undo,
	},
	{
		.name = "agent-launch",
		.title = "have the agent forget its launch and launch again, then write text",
		.gives = "a hypervisor of the attacker's",
		.asset = "hypervisor memory",
		.control = ATTACK_PRELAUNCH,
		.own_vm = true,
		.run = launch_again,
		.look = launch_look,
		.undo = memory_undo,
	},
	{
		.name = "agent-lock",
		.title = "have the agent lock again and fail once all is forgotten, then write "
			 "text",
		.gives = "any code in the kernel",
		.asset = "hypercalls",
		.control = ATTACK_PRELOCK,
		.own_vm = true,
		.run = lock_again,
		.look = memory_look,
		.undo = memory_undo,
	},
};

const struct attack_table agent_table = { agent_attacks, ARRAY_SIZE(agent_attacks) };
