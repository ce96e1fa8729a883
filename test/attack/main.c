// SPDX-License-Identifier: GPL-2.0-only
/*
 * The suite as seen from user space: /proc/hf_attack lists the attacks, one JSON object a line,
 * and runs the one whose name is written to it; /proc/hf_attack_result looks at the target
 * again and says what happened.
 */
#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "attack.h"
#include "feature.h"

unsigned int attack_seconds = 5;
module_param_named(seconds, attack_seconds, uint, 0600);
MODULE_PARM_DESC(seconds, "how long the hostile calls last, in seconds");

static const char *const control_names[] = {
	[ATTACK_BARE] = "bare",
	[ATTACK_PRELAUNCH] = "prelaunch",
	[ATTACK_PRELOCK] = "prelock",
};

static const char *const outcome_names[] = {
	[ATTACK_REFUSED] = "refused",
	[ATTACK_SUCCEEDED] = "succeeded",
	[ATTACK_ERROR] = "error",
};

static struct attempt attempt;
static unsigned long (*lookup)(const char *name);

void *attack_symbol(const char *name)
{
	return (void *)lookup(name);
}

void attack_note(struct attempt *t, const char *fmt, ...)
{
	size_t used = strlen(t->seen);
	va_list args;

	if (used)
		used += scnprintf(t->seen + used, sizeof(t->seen) - used, "; ");
	va_start(args, fmt);
	vscnprintf(t->seen + used, sizeof(t->seen) - used, fmt, args);
	va_end(args);
}

static const struct attack *find_attack(const char *name)
{
	size_t i, j;

	for (i = 0; i < attack_table_count; i++)
		for (j = 0; j < attack_tables[i]->count; j++)
			if (!strcmp(attack_tables[i]->attack[j].name, name))
				return &attack_tables[i]->attack[j];
	return NULL;
}

static bool attempt_is_orphaned(const struct attempt *t)
{
	return READ_ONCE(t->phase) == ATTEMPT_RUNNING && t->task &&
	       (READ_ONCE(t->task->exit_state) || (READ_ONCE(t->task->flags) & PF_EXITING));
}

/* A lock would stay held by a thread that a refusal killed, hence the phase. */
static int attempt_claim(struct attempt *t)
{
	int phase = READ_ONCE(t->phase);

	if (phase == ATTEMPT_RUNNING && !attempt_is_orphaned(t))
		return -EBUSY;
	if (phase != ATTEMPT_RUNNING && cmpxchg(&t->phase, phase, ATTEMPT_RUNNING) != phase)
		return -EBUSY;
	return 0;
}

static int attack_run(const struct attack *attack)
{
	struct attempt *t = &attempt;
	int err = attempt_claim(t);

	if (err)
		return err;
	if (t->task)
		put_task_struct(t->task);
	t->task = get_task_struct(current);
	t->attack = attack;
	t->outcome = ATTACK_ERROR;
	t->trap = TRAP_NONE;
	t->cpu = 0;
	t->va = NULL;
	t->size = 0;
	t->pfn = 0;
	t->was = 0;
	t->wanted = 0;
	t->seen[0] = 0;
	t->outcome = attack->run(t);
	smp_store_release(&t->phase, ATTEMPT_DONE);
	return 0;
}

static ssize_t list_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	const struct attack *attack;
	char name[48];
	int err;

	if (len >= sizeof(name))
		return -ENAMETOOLONG;
	if (copy_from_user(name, buf, len))
		return -EFAULT;
	name[len] = 0;
	attack = find_attack(strim(name));
	if (!attack)
		return -ENOENT;
	err = attack_run(attack);
	return err ? err : len;
}

static void show_attack(struct seq_file *m, const struct attack *a)
{
	seq_printf(m, "{\"name\":\"%s\",\"title\":\"%s\",\"gives\":\"%s\",\"asset\":\"%s\",",
		   a->name, a->title, a->gives, a->asset);
	seq_printf(m, "\"open\":%s,\"reason\":\"%s\",\"closed_by\":\"%s\",",
		   a->reason ? "true" : "false", a->reason ? a->reason : "",
		   a->closed_by ? a->closed_by : "");
	seq_printf(m, "\"by_hardware\":%s,\"control\":\"%s\",",
		   a->by_hardware ? "true" : "false", control_names[a->control]);
	seq_printf(m, "\"absent\":\"%s\",",
		   a->needs && !feature_present(a->needs) ? a->needs : "");
	seq_printf(m, "\"own_vm\":%s,\"stops\":%s,\"cpus\":%u}\n", a->own_vm ? "true" : "false",
		   a->stops ? "true" : "false", a->cpus);
}

static int list_show(struct seq_file *m, void *unused)
{
	size_t i, j;

	for (i = 0; i < attack_table_count; i++)
		for (j = 0; j < attack_tables[i]->count; j++)
			show_attack(m, &attack_tables[i]->attack[j]);
	return 0;
}

static int list_open(struct inode *inode, struct file *file)
{
	return single_open(file, list_show, NULL);
}

/* The target keeps the value of the attacker until here, so that this look is an independent
 * one. */
static enum attack_outcome judge_kept(struct attempt *t, u64 is)
{
	int err;

	if (is == t->was)
		return ATTACK_REFUSED;
	if (is != t->wanted) {
		attack_note(t, "neither the old nor the new value");
		return ATTACK_ERROR;
	}
	err = t->attack->undo(t);
	if (!err)
		err = t->attack->look(t, &is);
	if (err || is != t->was) {
		attack_note(t, "cannot restore: %d", err);
		return ATTACK_ERROR;
	}
	return ATTACK_SUCCEEDED;
}

/* run took its change back: what it saw counts, if the target is whole now. */
static enum attack_outcome judge_taken_back(struct attempt *t, bool orphaned, u64 is)
{
	if (orphaned)
		return is == t->was ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
	if (is == t->was)
		return t->outcome;
	attack_note(t, "not restored");
	return ATTACK_ERROR;
}

static enum attack_outcome attempt_judge(struct attempt *t)
{
	bool orphaned = attempt_is_orphaned(t);
	u64 is;
	int err;

	if (orphaned)
		attack_note(t, "the attacking thread was killed");
	if (!t->attack->look || (!orphaned && t->outcome == ATTACK_ERROR))
		return orphaned ? ATTACK_ERROR : t->outcome;
	err = t->attack->look(t, &is);
	if (err) {
		attack_note(t, "cannot look at the target: %d", err);
		return ATTACK_ERROR;
	}
	if (t->va)
		attack_note(t, "at %px was %llx is %llx", t->va, t->was, is);
	else
		attack_note(t, "was %llx wanted %llx is %llx", t->was, t->wanted, is);
	return t->attack->undo ? judge_kept(t, is) : judge_taken_back(t, orphaned, is);
}

static int result_show(struct seq_file *m, void *unused)
{
	struct attempt *t = &attempt;
	int phase = smp_load_acquire(&t->phase);
	enum attack_outcome outcome;

	if (phase == ATTEMPT_NONE)
		return -ENODATA;
	if (phase == ATTEMPT_RUNNING && !attempt_is_orphaned(t))
		return -EBUSY;
	outcome = attempt_judge(t);
	seq_printf(m, "{\"name\":\"%s\",\"outcome\":\"%s\",\"detail\":\"%s; %s\"}\n",
		   t->attack->name, outcome_names[outcome], t->seen, attack_trap_name(t->trap));
	WRITE_ONCE(t->phase, ATTEMPT_NONE);
	return 0;
}

static int result_open(struct inode *inode, struct file *file)
{
	/* Judging has effects: the buffer must hold the line at the first call of show. */
	return single_open_size(file, result_show, NULL, PAGE_SIZE);
}

static const struct proc_ops list_ops = {
	.proc_open = list_open,
	.proc_read = seq_read,
	.proc_write = list_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static const struct proc_ops result_ops = {
	.proc_open = result_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

/* The probe is registered disabled: an armed one would patch the kernel's text. */
static int find_lookup(void)
{
	struct kprobe probe = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	int err = register_kprobe(&probe);

	if (err)
		return err;
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

static int __init attack_init(void)
{
	int err = find_lookup();

	if (err)
		return err;
	err = attack_prepare();
	if (err)
		return err;
	err = -ENOMEM;
	if (!proc_create("hf_attack", 0600, NULL, &list_ops))
		goto stop;
	if (!proc_create("hf_attack_result", 0400, NULL, &result_ops))
		goto remove_list;
	return 0;
remove_list:
	remove_proc_entry("hf_attack", NULL);
stop:
	attack_finish();
	return err;
}

static void __exit attack_exit(void)
{
	remove_proc_entry("hf_attack_result", NULL);
	remove_proc_entry("hf_attack", NULL);
	attack_finish();
	if (attempt.task)
		put_task_struct(attempt.task);
}

module_init(attack_init);
module_exit(attack_exit);
MODULE_DESCRIPTION("Attacks on a kernel under Holdfast");
MODULE_LICENSE("GPL");
