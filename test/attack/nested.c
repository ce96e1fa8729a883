// SPDX-License-Identifier: GPL-2.0-only
/*
 * Use of the processor's own virtualization by the kernel, which would put a hypervisor of the
 * attacker beside Holdfast. SKINIT is left out: no emulator carries it out, so that its success
 * without Holdfast cannot be shown.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/io.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/svm.h>

#include "attack.h"

/* What VMRUN stores for a state that cannot be run. QEMU stores the low half only. */
#define EXIT_INVALID 0xffffffffu

/* Offset of the state that VMSAVE writes, and of one field in it, in the VMCB. */
#define VMCB_KERNEL_GS_BASE 0x620

struct nested {
	unsigned long flags;
	u64 efer;
	struct page *vmcb, *hsave;
	int trap; /* of the attempt to set EFER.SVME */
};

static int nested_begin(struct attempt *t, struct nested *n)
{
	if (!boot_cpu_has(X86_FEATURE_SVM)) {
		attack_note(t, "no SVM on this CPU");
		return -ENODEV;
	}
	n->vmcb = alloc_page(GFP_KERNEL | __GFP_ZERO);
	n->hsave = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!n->vmcb || !n->hsave)
		return -ENOMEM;
	local_irq_save(n->flags);
	t->cpu = smp_processor_id();
	rdmsrl(MSR_EFER, n->efer);
	n->trap = wrmsrl_safe(MSR_EFER, n->efer | EFER_SVME) ? X86_TRAP_GP : TRAP_NONE;
	return 0;
}

static void nested_end(struct attempt *t, struct nested *n)
{
	if (n->trap == TRAP_NONE)
		wrmsrl_safe(MSR_EFER, n->efer);
	local_irq_restore(n->flags);
	attack_note(t, "EFER.SVME: %s", attack_trap_name(n->trap));
}

static void nested_free(struct nested *n)
{
	if (n->vmcb)
		__free_page(n->vmcb);
	if (n->hsave)
		__free_page(n->hsave);
}

/* One virtualization instruction on a VMCB; true where it shows that it ran. */
typedef bool (*nested_act)(struct attempt *t, struct nested *n, u8 *vmcb);

static enum attack_outcome nested_attack(struct attempt *t, nested_act act)
{
	struct nested n = { .trap = TRAP_NONE };
	enum attack_outcome outcome = ATTACK_ERROR;

	if (!nested_begin(t, &n)) {
		outcome = act(t, &n, page_address(n.vmcb)) ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
		nested_end(t, &n);
	}
	nested_free(&n);
	return outcome;
}

static bool act_svme(struct attempt *t, struct nested *n, u8 *vmcb)
{
	u64 is = 0;

	t->trap = n->trap;
	rdmsrl_safe(MSR_EFER, &is);
	attack_note(t, "EFER was %llx read back %llx", n->efer, is);
	return is & ~n->efer & EFER_SVME;
}

/* VMRUN of an empty VMCB executes as soon as it writes "invalid" into it. GIF is clear after
 * that. */
static bool act_vmrun(struct attempt *t, struct nested *n, u8 *vmcb)
{
	u32 *exit_code = (u32 *)&((struct vmcb *)vmcb)->control.exit_code;

	wrmsrl_safe(MSR_VM_HSAVE_PA, page_to_phys(n->hsave));
	t->trap = TRAP_OF("movq %1, %%rax\n1:\tvmrun %%rax\n\tstgi",
			  "r"((u64)page_to_phys(n->vmcb)));
	wrmsrl_safe(MSR_VM_HSAVE_PA, 0);
	attack_note(t, "exit code %x", READ_ONCE(*exit_code));
	return READ_ONCE(*exit_code) == EXIT_INVALID;
}

static bool act_vmsave(struct attempt *t, struct nested *n, u8 *vmcb)
{
	u64 base, *saved = (u64 *)(vmcb + VMCB_KERNEL_GS_BASE);

	rdmsrl(MSR_KERNEL_GS_BASE, base);
	*saved = ~base;
	t->trap = TRAP_OF("movq %1, %%rax\n1:\tvmsave %%rax", "r"((u64)page_to_phys(n->vmcb)));
	return READ_ONCE(*saved) == base;
}

/* Needs a VMCB with the state that the CPU has now, but for one register that is put back. */
static bool act_vmload(struct attempt *t, struct nested *n, u8 *vmcb)
{
	u64 was, is, pa = page_to_phys(n->vmcb), *saved = (u64 *)(vmcb + VMCB_KERNEL_GS_BASE);

	t->trap = TRAP_OF("movq %1, %%rax\n1:\tvmsave %%rax", "r"(pa));
	rdmsrl(MSR_KERNEL_GS_BASE, was);
	*saved = was ^ PAGE_SIZE;
	if (t->trap == TRAP_NONE)
		t->trap = TRAP_OF("movq %1, %%rax\n1:\tvmload %%rax", "r"(pa));
	else
		TRAP_OF("movq %1, %%rax\n1:\tvmload %%rax", "r"(pa));
	rdmsrl(MSR_KERNEL_GS_BASE, is);
	if (is != was)
		wrmsrl(MSR_KERNEL_GS_BASE, was);
	return is != was;
}

/* No state that can be read tells these apart from their refusal: executing without a trap
 * counts. */

static bool act_stgi(struct attempt *t, struct nested *n, u8 *vmcb)
{
	t->trap = TRAP_OF("stgi");
	return t->trap == TRAP_NONE;
}

static bool act_clgi(struct attempt *t, struct nested *n, u8 *vmcb)
{
	t->trap = TRAP_OF("clgi");
	if (t->trap == TRAP_NONE)
		TRAP_OF("stgi");
	return t->trap == TRAP_NONE;
}

static bool act_invlpga(struct attempt *t, struct nested *n, u8 *vmcb)
{
	t->trap = TRAP_OF("movq %1, %%rax\n1:\tinvlpga %%rax, %%ecx", "r"(vmcb), "c"(1));
	return t->trap == TRAP_NONE;
}

static bool act_hsave(struct attempt *t, struct nested *n, u8 *vmcb)
{
	u64 pa = page_to_phys(n->hsave), is = 0;

	t->trap = wrmsrl_safe(MSR_VM_HSAVE_PA, pa) ? X86_TRAP_GP : TRAP_NONE;
	rdmsrl_safe(MSR_VM_HSAVE_PA, &is);
	if (t->trap == TRAP_NONE)
		wrmsrl_safe(MSR_VM_HSAVE_PA, 0);
	attack_note(t, "wrote %llx read back %llx", pa, is);
	return is == pa;
}

#define NESTED_RUN(what)                                         \
	static enum attack_outcome run_##what(struct attempt *t) \
	{                                                        \
		return nested_attack(t, act_##what);             \
	}

NESTED_RUN(svme)
NESTED_RUN(vmrun)
NESTED_RUN(vmsave)
NESTED_RUN(vmload)
NESTED_RUN(stgi)
NESTED_RUN(clgi)
NESTED_RUN(invlpga)
NESTED_RUN(hsave)

#define MSR_REVISION 0x480 /* IA32_VMX_BASIC */

/* With CR4.VMXE refused VMXON is still tried: it is what counts. */
static enum attack_outcome run_vmxon(struct attempt *t)
{
	struct page *region = alloc_page(GFP_KERNEL | __GFP_ZERO);
	unsigned long flags, cr4;
	u64 pa, revision = 0;
	int enable;

	if (!region)
		return ATTACK_ERROR;
	pa = page_to_phys(region);
	rdmsrl_safe(MSR_REVISION, &revision);
	*(u32 *)page_address(region) = revision & 0x7fffffff;
	local_irq_save(flags);
	t->cpu = smp_processor_id();
	cr4 = native_read_cr4();
	enable = TRAP_OF("movq %1, %%cr4", "r"(cr4 | X86_CR4_VMXE));
	t->trap = TRAP_OF("vmxon %1\n\tvmxoff", "m"(pa));
	if (enable == TRAP_NONE)
		asm volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");
	local_irq_restore(flags);
	__free_page(region);
	attack_note(t, "CR4.VMXE: %s", attack_trap_name(enable));
	return t->trap == TRAP_NONE ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

#define NESTED(name_, title_, gives_, run_)                                            \
	{                                                                              \
		.name = name_, .title = title_, .gives = gives_,                       \
		.asset = "nested virtualization", .control = ATTACK_BARE, .run = run_, \
		.needs = "SVM",                                                        \
	}

static const struct attack nested_attacks[] = {
	NESTED("svme-set", "set EFER.SVME", "virtualization for the attacker", run_svme),
	NESTED("vmrun", "start a guest with VMRUN", "a hypervisor of the attacker", run_vmrun),
	NESTED("vmsave", "write physical memory with VMSAVE", "writes past the page tables",
	       run_vmsave),
	NESTED("vmload", "load hidden state with VMLOAD", "entry points changed unseen",
	       run_vmload),
	NESTED("stgi", "open the global interrupt flag", "control of interrupts", run_stgi),
	NESTED("clgi", "shut the global interrupt flag", "a CPU that no interrupt reaches",
	       run_clgi),
	NESTED("invlpga", "flush by address space number", "control of other address spaces",
	       run_invlpga),
	NESTED("vm-hsave", "change the host save area", "the state of the hypervisor",
	       run_hsave),
	{
		.name = "vmxon",
		.title = "enter VMX operation with VMXON",
		.gives = "a hypervisor of the attacker",
		.asset = "nested virtualization",
		.control = ATTACK_BARE,
		.needs = "VMX",
		.run = run_vmxon,
	},
};

const struct attack_table nested_table = { nested_attacks, ARRAY_SIZE(nested_attacks) };
