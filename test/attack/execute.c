// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kdebug.h>
#include <linux/sched.h>
#include <asm/ptrace.h>
#include <asm/segment.h>

#include "attack.h"
#include "execute.h"

/* mov $0x4846, %eax; ret */
const u8 execute_code[EXECUTE_CODE_SIZE] = { 0xb8, 0x46, 0x48, 0x00, 0x00, 0xc3 };

/* The call under way; only one attack runs at a time. */
static struct {
	struct task_struct *task;
	unsigned long start, end;
	unsigned long resume;
	bool step; /* one by one, from the call to the end of the guarded code */
	int trap;
} guarded = { .trap = TRAP_NONE };

/* Traps in the guarded code end it, as its own return would, and so does its last step. */
static int on_die(struct notifier_block *unused, unsigned long event, void *data)
{
	struct die_args *args = data;
	struct pt_regs *regs = args->regs;

	if (current != guarded.task)
		return NOTIFY_DONE;
	if (event == DIE_DEBUG && guarded.step) {
		if (regs->ip != guarded.end)
			return NOTIFY_STOP;
	} else if ((event == DIE_GPF || event == DIE_TRAP) && regs->ip >= guarded.start &&
		   regs->ip < guarded.end) {
		guarded.trap = args->trapnr;
	} else {
		return NOTIFY_DONE;
	}
	regs->flags &= ~(unsigned long)X86_EFLAGS_TF;
	if (guarded.resume) {
		regs->cs = __KERNEL_CS;
		regs->ip = guarded.resume;
		return NOTIFY_STOP;
	}
	regs->ip = *(unsigned long *)regs->sp;
	regs->sp += sizeof(unsigned long);
	return NOTIFY_STOP;
}

static struct notifier_block die_notifier = {
	.notifier_call = on_die,
	.priority = INT_MAX,
};

int execute_instruction(void *instruction, size_t size, u64 a)
{
	void (*inside)(u64 a) = instruction;

	guarded.trap = TRAP_NONE;
	guarded.start = (unsigned long)instruction;
	guarded.end = guarded.start + size;
	guarded.resume = 0;
	guarded.step = true;
	smp_store_release(&guarded.task, current);
	asm volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq"
		     :
		     : "i"(X86_EFLAGS_TF)
		     : "memory", "cc");
	inside(a);
	WRITE_ONCE(guarded.task, NULL);
	guarded.step = false;
	return guarded.trap;
}

int execute_call(void *code, size_t size, u64 a, u64 b, void *resume, u64 *answer)
{
	u64 (*function)(u64 a, u64 b) = code;
	u64 value;

	guarded.trap = TRAP_NONE;
	guarded.start = (unsigned long)code;
	guarded.end = guarded.start + size;
	guarded.resume = (unsigned long)resume;
	smp_store_release(&guarded.task, current);
	value = function(a, b);
	WRITE_ONCE(guarded.task, NULL);
	if (answer)
		*answer = value;
	return guarded.trap;
}

enum attack_outcome execute_attack(struct attempt *t, void *va)
{
	u64 answer;

	t->trap = execute_call(va, EXECUTE_CODE_SIZE, 0, 0, NULL, &answer);
	if (t->trap != TRAP_NONE)
		return ATTACK_REFUSED;
	attack_note(t, "code returned %llx", answer);
	return answer == EXECUTE_ANSWER ? ATTACK_SUCCEEDED : ATTACK_ERROR;
}

int execute_init(void)
{
	return register_die_notifier(&die_notifier);
}

void execute_exit(void)
{
	unregister_die_notifier(&die_notifier);
}
