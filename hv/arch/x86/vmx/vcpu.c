// SPDX-License-Identifier: GPL-2.0-only
/* Making a CPU a guest, and guarding it at lock. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/launch.h>
#include <hv/pool.h>
#include <hv/string.h>

#include "../common/sysreg.h"
#include "../common/tables.h"
#include "probe.h"
#include "vmx.h"

#define GUEST_VPID 1 /* 0 is the hypervisor's: SDM vol. 3, 29.1 */
#define NO_LINK	   (~0ull)
#define TSS_LIMIT  0x67u

/* Structures may not straddle pages of the pool: only single pages are physically contiguous. */
static_assert(sizeof(struct vcpu) <= 4096 && sizeof(struct vmx_cpu) <= 4096, "one page each");

/* A page that begins with the revision of control structures: SDM vol. 3, 25.2 and 25.11.5. */
static u32 *region(void)
{
	u32 *page = pool_page();

	if (page)
		*page = vmx.revision;
	return page;
}

int backend_cpu_init(struct cpu *cpu)
{
	struct vcpu *v = pool_page();
	u32 *own, *vmcs;
	int error;

	if (!v)
		return -HF_ENOMEM;
	v->vmx = pool_page();
	own = region();
	vmcs = region();
	if (!v->vmx || !own || !vmcs)
		return -HF_ENOMEM;
	v->state = &v->vmx->state;
	v->event = &v->vmx->event;
	v->interrupted = &v->vmx->interrupted;
	v->shadow = &v->vmx->shadow;
	v->block_pa = pool_hpa(vmcs).raw;
	v->region_pa = pool_hpa(own).raw;
	v->cpu = cpu;
	cpu->pending = platform.self_check ? CPU_CHECK : 0;
	cpu->vcpu = v;
	error = host_cpu_init(&v->host);
	if (!error) /* what run.S finds where an exit puts the stack */
		((struct vcpu **)v->host.stack_top)[-2] = v;
	return error;
}

static void save_native(struct vcpu *v)
{
	struct native *n = &v->native;

	n->cr3 = read_cr3();
	n->cr4 = read_cr4();
	n->efer = rdmsr(MSR_EFER);
	n->debugctl = rdmsr(MSR_DEBUGCTL);
	n->dr7 = read_dr7();
	n->gdtr = read_gdtr();
	n->idtr = read_idtr();
	n->cs = read_cs();
	n->ss = read_ss();
	n->ds = read_ds();
	n->es = read_es();
	n->tr = read_tr();
	n->ldtr = read_ldtr();
	v->cr3 = host_cr3();
	v->cr4 = host_cr4() | vmx.cr4_fixed;
}

static bool vmxon(u64 region)
{
	bool failed;

	asm volatile("vmxon %1" : "=@ccbe"(failed) : "m"(region) : "memory");
	return !failed;
}

static void vmxoff(void)
{
	asm volatile("vmxoff" : : : "cc", "memory");
}

/* The structure becomes this CPU's current one, and has been cleared. */
static bool vmptrld(u64 vmcs)
{
	bool unclear, failed;

	asm volatile("vmclear %1" : "=@ccbe"(unclear) : "m"(vmcs) : "memory");
	asm volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(vmcs) : "memory");
	return !unclear && !failed;
}

/* INVEPT of each context: SDM vol. 3, 31.3. */
void vmx_flush(void)
{
	const u64 single_context = 1;
	u64 descriptor[2] = { 0 };

	for (u32 i = 0; i < (platform.two_tables ? VIEWS : 1); i++) {
		descriptor[0] = vmx.ept_pointer[i];
		asm volatile("invept %0, %1"
			     :
			     : "m"(descriptor), "r"(single_context)
			     : "cc", "memory");
	}
}

/* Translations are kept by their tables, and what the guest flushes it flushes of all: 29.4.3.1. */
void tables_load(struct vcpu *v)
{
	vmcs_write(VMCS_EPT_POINTER, vmx.ept_pointer[v->view]);
}

/* No field has a value that could be relied on: SDM vol. 3, 25.11.3. */
static void init_nothing(void)
{
	static const u32 none[] = {
		VMCS_PAGE_FAULT_MASK,
		VMCS_PAGE_FAULT_MATCH,
		VMCS_CR3_TARGETS,
		VMCS_EXIT_MSR_STORES,
		VMCS_EXIT_MSR_LOADS,
		VMCS_ENTRY_MSR_LOADS,
		VMCS_ENTRY_EVENT,
		VMCS_INTERRUPTIBILITY,
		VMCS_ACTIVITY,
		VMCS_PENDING_DEBUG,
		VMCS_HOST_ES,
		VMCS_HOST_DS,
		VMCS_HOST_FS,
		VMCS_HOST_GS,
		VMCS_GUEST_FS,
		VMCS_GUEST_GS,
		VMCS_LIMIT_OF(VMCS_GUEST_FS),
		VMCS_LIMIT_OF(VMCS_GUEST_GS),
	};

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		vmcs_write(none[i], 0);
	if (vmx.secondary & SECONDARY_XSAVES)
		vmcs_write(VMCS_XSS_BITMAP, 0);
}

static void init_control(struct vcpu *v)
{
	v->vmx->primary = vmx.primary;
	v->vmx->secondary = vmx.secondary;
	vmcs_write(VMCS_PIN, vmx.pin);
	vmcs_write(VMCS_PRIMARY, vmx.primary);
	vmcs_write(VMCS_SECONDARY, vmx.secondary);
	vmcs_write(VMCS_EXCEPTIONS, EXCEPTIONS);
	vmcs_write(VMCS_EXIT_CONTROLS, vmx.exit);
	vmcs_write(VMCS_ENTRY_CONTROLS, vmx.entry);
	vmcs_write(VMCS_IO_BITMAP_A, vmx.io_map_pa);
	vmcs_write(VMCS_IO_BITMAP_B, vmx.io_map_pa + PAGE_SIZE);
	vmcs_write(VMCS_MSR_BITMAP, vmx.msr_map_pa);
	vmcs_write(VMCS_EPT_POINTER, vmx.ept_pointer[VIEW_KERNEL]);
	if (vmx.secondary & SECONDARY_VPID)
		vmcs_write(VMCS_VPID, GUEST_VPID);
	vmcs_write(VMCS_CR0_MASK, CR0_OWNED);
	vmcs_write(VMCS_CR4_MASK, CR4_OWNED);
}

/*
 * What an exit loads: the hypervisor's world. The kernel's where ours needs nothing of its own, so
 * that it is not lost: FS, GS, TR, the MSRs of SYSENTER.
 */
static void init_host(struct vcpu *v, u64 tss)
{
	vmcs_write(VMCS_HOST_CR0, read_cr0());
	vmcs_write(VMCS_HOST_CR3, v->cr3);
	vmcs_write(VMCS_HOST_CR4, v->cr4);
	vmcs_write(VMCS_HOST_EFER, v->native.efer);
	vmcs_write(VMCS_HOST_PAT, rdmsr(MSR_PAT));
	vmcs_write(VMCS_HOST_CS, HOST_CS);
	vmcs_write(VMCS_HOST_SS, HOST_SS);
	vmcs_write(VMCS_HOST_TR, v->native.tr);
	vmcs_write(VMCS_HOST_TR_BASE, tss);
	vmcs_write(VMCS_HOST_FS_BASE, rdmsr(MSR_FS_BASE));
	vmcs_write(VMCS_HOST_GS_BASE, rdmsr(MSR_GS_BASE));
	vmcs_write(VMCS_HOST_GDTR_BASE, v->host.gdtr.base);
	vmcs_write(VMCS_HOST_IDTR_BASE, v->host.idtr.base);
	vmcs_write(VMCS_HOST_SYSENTER_CS, rdmsr(MSR_SYSENTER_CS));
	vmcs_write(VMCS_HOST_SYSENTER_ESP, rdmsr(MSR_SYSENTER_ESP));
	vmcs_write(VMCS_HOST_SYSENTER_EIP, rdmsr(MSR_SYSENTER_EIP));
	vmcs_write(VMCS_HOST_RSP, v->host.stack_top - 2 * sizeof(u64));
	vmcs_write(VMCS_HOST_RIP, (u64)vcpu_entry);
}

/* A segment register's hidden part, from the table it was loaded from. */
static struct segment segment(u16 selector, struct table_register gdtr)
{
	const u64 *descriptor = (const u64 *)(gdtr.base + (selector & ~7u));
	struct segment s;

	if (!(selector & ~7u))
		return (struct segment){ .selector = selector };
	s = segment_of(selector, descriptor[0]);
	if (!(s.attributes & BIT(4))) /* of the system: twice as long */
		s.base |= descriptor[1] << 32;
	return s;
}

/* The guest begins as the kernel's caller of the image will go on. */
static void init_state(struct vcpu *v)
{
	const struct native *n = &v->native;
	struct state *state = v->state;

	vmcs_write(VMCS_LINK, NO_LINK);
	vmcs_write(VMCS_GUEST_DEBUGCTL, n->debugctl);
	vmcs_write(VMCS_GUEST_PAT, rdmsr(MSR_PAT));
	vmcs_write(VMCS_GUEST_SYSENTER_CS, rdmsr(MSR_SYSENTER_CS));
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, rdmsr(MSR_SYSENTER_ESP));
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, rdmsr(MSR_SYSENTER_EIP));
	vmcs_write(VMCS_BASE_OF(VMCS_GUEST_FS), rdmsr(MSR_FS_BASE));
	vmcs_write(VMCS_BASE_OF(VMCS_GUEST_GS), rdmsr(MSR_GS_BASE));
	vmcs_write(VMCS_RIGHTS_OF(VMCS_GUEST_FS), RIGHTS_UNUSABLE);
	vmcs_write(VMCS_RIGHTS_OF(VMCS_GUEST_GS), RIGHTS_UNUSABLE);
	/* No register has this value: all are written. */
	memset(&v->vmx->loaded, 0xff, sizeof(v->vmx->loaded));
	state->cs = segment(n->cs, n->gdtr);
	state->ss = segment(n->ss, n->gdtr);
	state->ds = segment(n->ds, n->gdtr);
	state->es = segment(n->es, n->gdtr);
	state->ldtr = segment(n->ldtr, n->gdtr);
	state->tr = segment(n->tr, n->gdtr);
	state->gdtr = (struct segment){ .limit = n->gdtr.limit, .base = n->gdtr.base };
	state->idtr = (struct segment){ .limit = n->idtr.limit, .base = n->idtr.base };
	state->efer = n->efer;
	state->cr0 = read_cr0();
	state->cr3 = n->cr3;
	state->cr4 = n->cr4 & ~CR4_VMXE;
	state->dr6 = v->vmx->loaded.dr6 = read_dr6();
	state->dr7 = n->dr7;
	state->rflags = read_rflags();
	state->rsp = n->rsp;
	/* The trial (exit.c): a fetch from the image, which EPT must refuse. */
	state->rip = (u64)image_text;
	state_store(v);
}

static int run(struct vcpu *v)
{
	int error;

	init_nothing();
	init_control(v);
	init_state(v);
	init_host(v, v->state->tr.base);
	vmx_flush();
	v->trial = true;
	error = vcpu_run(v);
	if (error == VCPU_REFUSED)
		return launch_arrive(v->cpu, -HF_ENODEV);
	wrmsr(MSR_DEBUGCTL, v->native.debugctl);
	write_dr7(v->native.dr7);
	return error;
}

int backend_cpu_enter(struct cpu *cpu)
{
	struct vcpu *v = cpu->vcpu;
	int error;

	/* A copy: the kernel's stack is out of reach from the hypervisor's world. */
	v->frame = *image_frame(cpu->index);
	v->frame_end = (u64)(image_frame(cpu->index) + 1);
	save_native(v);
	/* Others may have found what this CPU has not: firmware can disable CPUs one by one. */
	if ((v->native.cr4 & CR4_VMXE) || probe_traces())
		return launch_arrive(cpu, -HF_EBUSY);
	if (!probe_enabled() || (read_cr0() & vmx.cr0_fixed) != vmx.cr0_fixed)
		return launch_arrive(cpu, -HF_ENODEV);
	write_cr4(v->native.cr4 | vmx.cr4_fixed);
	if (!vmxon(v->region_pa)) {
		error = launch_arrive(cpu, -HF_ENODEV);
		goto out;
	}
	error = vmptrld(v->block_pa) ? run(v) : launch_arrive(cpu, -HF_ENODEV);
	vmxoff();
out:
	write_cr4(v->native.cr4);
	return error;
}

void backend_cpu_lock(struct cpu *cpu)
{
	struct vcpu *v = cpu->vcpu;

	if (platform.two_tables)
		tables_use(v, VIEW_KERNEL);
	v->vmx->secondary |= SECONDARY_TABLES;
	vmcs_write(VMCS_SECONDARY, v->vmx->secondary);
	vmcs_write(VMCS_MSR_BITMAP, vmx.msr_map_locked_pa);
}

u64 backend_register_read(struct cpu *cpu, u32 reg)
{
	u64 value = 0;

	switch (reg) {
	case REG_CR0:
		return (vmcs_read(VMCS_GUEST_CR0) & ~CR0_OWNED) |
		       (vmcs_read(VMCS_CR0_SHADOW) & CR0_OWNED);
	case REG_CR4:
		return (vmcs_read(VMCS_GUEST_CR4) & ~CR4_OWNED) |
		       (vmcs_read(VMCS_CR4_SHADOW) & CR4_OWNED);
	case REG_IDTR_BASE:
		return vmcs_read(VMCS_GUEST_IDTR_BASE);
	case REG_IDTR_LIMIT:
		return vmcs_read(VMCS_GUEST_IDTR_LIMIT);
	case REG_GDTR_BASE:
		return vmcs_read(VMCS_GUEST_GDTR_BASE);
	case REG_GDTR_LIMIT:
		return vmcs_read(VMCS_GUEST_GDTR_LIMIT);
	case REG_TR_BASE:
		return vmcs_read(VMCS_BASE_OF(VMCS_GUEST_TR));
	case REG_TR_SELECTOR:
		return vmcs_read(VMCS_GUEST_TR);
	case REG_S_CET:
		return msr_read(MSR_S_CET, &value) ? 0 : value;
	}
	registers_guest_msr(cpu->vcpu, sysreg_msr(reg), &value);
	return value;
}

/* Done before the next entry (exit.c), as what asks for it may not be over yet. */
void backend_flush(struct cpu *cpu)
{
	cpu->vcpu->vmx->flush = true;
}
