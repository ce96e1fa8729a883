// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ftrace.h>
#include <linux/mutex.h>
#include <asm/cpufeature.h>
#include <asm/text-patching.h>

#include "symbols.h"
#include "trace.h"

/* arch/x86/kernel/ftrace.c, create_trampoline(): a copy of one of the two. */
static unsigned long call_of(const struct ftrace_ops *ops)
{
	return ops->trampoline +
	       (ops->flags & FTRACE_OPS_FL_SAVE_REGS
			? symbols.ftrace_regs_call - symbols.ftrace_regs_caller
			: symbols.ftrace_call - symbols.ftrace_caller);
}

int trace_each_call(int (*fn)(unsigned long va, void *arg), void *arg)
{
	const struct ftrace_ops *ops;
	int ret = fn(symbols.ftrace_call, arg);

	if (!ret)
		ret = fn(symbols.ftrace_regs_call, arg);
	for (ops = *symbols.ftrace_ops_list; ops && !ret;
	     ops = rcu_dereference_protected(ops->next, true))
		if (ops->flags & FTRACE_OPS_FL_ALLOC_TRAMP)
			ret = fn(call_of(ops), arg);
	return ret;
}

/*
 * arch/x86/kernel/ftrace.c, create_trampoline(): the code up to its end, a return, and the address
 * of the tracer, which the code loads. What is behind a return without a thunk (int3) is not
 * written.
 */
struct layout {
	unsigned long start, load, call, end;
	unsigned long jump; /* 0, or two bytes that become a nop */
};

#define LOAD_SIZE   7 /* bytes; the last four are the displacement */
#define RETURN_SIZE 5

static const u8 nop2[] = { 0x66, 0x90 };

static struct layout layout_of(unsigned int which)
{
	if (!which)
		return (struct layout){
			.start = symbols.ftrace_caller,
			.load = symbols.ftrace_caller_op_ptr,
			.call = symbols.ftrace_call,
			.end = symbols.ftrace_caller_end,
		};
	return (struct layout){
		.start = symbols.ftrace_regs_caller,
		.load = symbols.ftrace_regs_caller_op_ptr,
		.call = symbols.ftrace_regs_call,
		.jump = symbols.ftrace_regs_caller_jmp,
		.end = symbols.ftrace_regs_caller_end,
	};
}

static void add_field(struct hf_template *template, enum hf_field_type type, u16 offset,
		      u8 size)
{
	template->fields[template->field_count++] =
		(struct hf_field){ .offset = offset, .size = size, .type = type };
}

static void add_end(struct hf_template *template, u16 at)
{
	u16 behind = at + RETURN_SIZE;

	template->length = behind + sizeof(void *);
	if (boot_cpu_has(X86_FEATURE_RETHUNK)) {
		add_field(template, HF_FIELD_RETURN, at, RETURN_SIZE);
	} else {
		template->bytes[at] = RET_INSN_OPCODE;
		template->bytes[at + 1] = INT3_INSN_OPCODE;
		behind = at + 2;
	}
	add_field(template, HF_FIELD_ANY, behind, template->length - behind);
}

int trace_template(unsigned int which, struct hf_template *template)
{
	struct layout layout = layout_of(which);
	u16 size = layout.end - layout.start, load = layout.load - layout.start;
	s32 disp = size + RETURN_SIZE - (load + LOAD_SIZE);

	if (size + RETURN_SIZE + sizeof(void *) > sizeof(template->bytes))
		return -ENOSPC;
	*template = (struct hf_template){ .size = sizeof(*template) };
	memcpy(template->bytes, (void *)layout.start, size);
	memcpy(template->bytes + load + LOAD_SIZE - sizeof(disp), &disp, sizeof(disp));
	if (layout.jump)
		memcpy(template->bytes + (layout.jump - layout.start), nop2, sizeof(nop2));
	add_field(template, HF_FIELD_CALL, layout.call - layout.start, CALL_INSN_SIZE);
	add_end(template, size);
	return 0;
}

void trace_hold(void)
{
	mutex_lock(symbols.ftrace_lock);
}

void trace_release(void)
{
	mutex_unlock(symbols.ftrace_lock);
}
