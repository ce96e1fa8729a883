// SPDX-License-Identifier: GPL-2.0-only
/* What all CPUs of the machine share: is it fit, stage 2, kicks. */
#include <holdfast/hypercall.h>
#include <hv/backend.h>
#include <hv/owner.h>
#include <hv/pool.h>

#include "gic.h"
#include "s2.h"
#include "vcpu.h"

/* VTCR_EL2: ARM D19.2.  Tables cacheable and inner shareable, 4 KiB granule, four levels. */
#define VTCR_RES1     BIT(31)
#define VTCR_PS_SHIFT 16
#define VTCR_WALK     (1ull << 8 | 1ull << 10 | 3ull << 12)
#define VTCR_SL0      (2ull << 6) /* begin at level 0 */

/* Of an entry of the root. */
#define ROOT_SPAN (1ull << 39)

#define PARANGE_44 4u
#define PARANGE_48 5u
#define VMID	   1ull /* 0 is what the kernel would use if it had EL2 */

struct el2 el2;

static struct stage2 s2;

const char *backend_name(void)
{
	return "el2";
}

u32 backend_features(void)
{
	return el2.features;
}

/* Bits of physical addresses, by ID_AA64MMFR0_EL1.PARange; what is beyond 48 is not for us. */
static u32 address_bits(void)
{
	u64 range = ID_FIELD(sysreg_read(id_aa64mmfr0_el1), MMFR0_PARANGE);

	return range < PARANGE_48 ? 44 : 48;
}

struct gpa backend_gpa_limit(void)
{
	return gpa(BIT(address_bits()));
}

/* Four levels of stage 2 take 44 bits of address: ARM D8.2.9. */
int backend_probe(struct hf_boot *boot)
{
	u64 range = ID_FIELD(sysreg_read(id_aa64mmfr0_el1), MMFR0_PARANGE);

	if (range < PARANGE_44) {
		boot->reason = HF_REASON_PLATFORM;
		return -HF_ENODEV;
	}
	/* The syndrome has the operands of an exit, and where it was. EL0 reads no register of EL1:
	 * what UMIP brings to x86. */
	el2.features = HF_FEATURE_DECODE_ASSIST | HF_FEATURE_NEXT_RIP | HF_FEATURE_RESTART |
		       HF_FEATURE_NO_GATE | HF_FEATURE_RULED_ONLY | HF_FEATURE_UMIP;
	el2.fine_grained = ID_FIELD(sysreg_read(id_aa64mmfr0_el1), MMFR0_FGT);
	if (ID_FIELD(sysreg_read(id_aa64mmfr1_el1), MMFR1_XNX) &&
	    !(boot->flags & HF_BOOT_EXEC_OFF))
		el2.features |= HF_FEATURE_EXEC_SPLIT;
	return 0;
}

/* ---- second-level tables ---- */

static const struct stage2_format *format(void)
{
	return el2.features & HF_FEATURE_EXEC_SPLIT ? &s2_format : &s2_plain_format;
}

void s2_forget_everywhere(void)
{
	asm volatile("dsb ishst\n\ttlbi vmalls12e1is\n\tdsb ish\n\tisb" : : : "memory");
}

static int map_run(struct gpa start, u64 npages, u32 perm, void *unused)
{
	(void)unused;
	return stage2_map(&s2, start, npages, perm);
}

int backend_init(const struct hf_boot *boot)
{
	u32 bits = address_bits();
	int error = gic_init();

	if (!error)
		error = stage2_init(&s2, format(), 4, backend_gpa_limit().raw);
	el2.vtcr = VTCR_RES1 | (u64)(bits == 44 ? PARANGE_44 : PARANGE_48) << VTCR_PS_SHIFT |
		   VTCR_WALK | VTCR_SL0 | (64 - bits);
	el2.self_check = boot->flags & HF_BOOT_SELF_CHECK;
	return error ? error : owner_for_each_run(backend_gpa_limit(), map_run, NULL);
}

int backend_stage2_prepare(struct gpa start, u64 npages)
{
	return stage2_prepare(&s2, start, npages);
}

void backend_stage2_protect(struct gpa start, u64 npages, u32 perm)
{
	stage2_protect(&s2, start, npages, perm);
}

void backend_stage2_merge(struct gpa start, u64 npages)
{
	stage2_merge(&s2, start, npages);
}

void backend_stage2_reclaim(void)
{
	stage2_reclaim(&s2);
}

u32 backend_stage2_permission(struct gpa page)
{
	return stage2_permission(&s2, page, NULL);
}

u32 backend_stage2_run(struct gpa page, u64 *npages)
{
	return stage2_run(&s2, page, npages);
}

u32 backend_stage2_admissible(u32 perm)
{
	return format()->admissible(perm);
}

/* ---- a CPU's own root, and kicks ---- */

/*
 * No interrupt reaches EL2: all are the guest's, and cost no exit. A CPU is kicked by taking the
 * tables away from under it. Each has a root of its own with the entries of the common one, which
 * lead to tables (no block is as large) and stay as they are from launch on. A kick makes them
 * invalid; the next access of the CPU, a fetch at the latest, is an exit.
 *
 * A CPU that sleeps (WFI) notices when it wakes up.
 */
static void fill_root(u64 *root, const u64 *from)
{
	for (u32 i = 0; i < STAGE2_ENTRIES; i++)
		__atomic_store_n(&root[i], from ? from[i] : 0, __ATOMIC_RELAXED);
}

int el2_cpu_init(struct vcpu *v)
{
	v->root = pool_page();
	if (!v->root)
		return -HF_ENOMEM;
	fill_root(v->root, s2.root);
	return 0;
}

u64 el2_vttbr(const struct vcpu *v)
{
	return pool_hpa(v->root).raw | VMID << 48;
}

void backend_kick(struct cpu *cpu)
{
	fill_root(cpu->vcpu->root, NULL);
	s2_forget_everywhere();
}

/* The root first: who finds kicked clear, and kicks, does so after that. */
bool el2_kicked(struct vcpu *v, struct gpa at)
{
	u64 entry = at.raw / ROOT_SPAN;

	if (at.raw >= backend_gpa_limit().raw ||
	    __atomic_load_n(&v->root[entry], __ATOMIC_RELAXED) == s2.root[entry])
		return false;
	fill_root(v->root, s2.root);
	dsb_ish();
	__atomic_store_n(&v->cpu->kicked, 0, __ATOMIC_SEQ_CST);
	return true;
}

void backend_flush(struct cpu *cpu)
{
	asm volatile("dsb nshst\n\ttlbi vmalls12e1\n\tdsb nsh\n\tisb" : : : "memory");
	cpu->vcpu->flushed = true;
}
