// SPDX-License-Identifier: GPL-2.0-only
#include <hv/backend.h>
#include <hv/panic.h>
#include <hv/pool.h>
#include <hv/string.h>

#include "host.h"
#include "image.h"

static u64 *root;
static volatile u32 *apic;

/* 5 levels if the kernel we slide in below uses them: CR4.LA57 cannot change later. */
static unsigned int levels(void)
{
	return read_cr4() & CR4_LA57 ? 5 : 4;
}

/* The 4 KiB entry for @va, tables made on the way; NULL without memory. */
static u64 *entry_of(u64 va)
{
	u64 *table = root;
	unsigned int level;

	for (level = levels(); level > 1; level--) {
		u64 *e = &table[va >> (PAGE_SHIFT + 9 * (level - 1)) & 511];

		if (!(*e & PTE_P)) {
			u64 *child = pool_page();

			if (!child)
				return NULL;
			*e = pool_hpa(child).raw | PTE_P | PTE_W;
		}
		table = pool_va((struct hpa){ *e & PTE_ADDR });
	}
	return &table[va >> PAGE_SHIFT & 511];
}

static int map(const u8 *va, u64 bits)
{
	u64 *e = entry_of((u64)va);

	if (!e)
		return -HF_ENOMEM;
	*e = bits;
	return 0;
}

/* Sections do not share pages (hv.ld); everything that is not text is never executed. */
static u64 permission(const u8 *va)
{
	if (va >= image_text && va < image_rodata)
		return PTE_P;
	if (va < image_data)
		return PTE_P | PTE_NX;
	return PTE_P | PTE_W | PTE_NX;
}

/* A page of the pool gives up its virtual address: address space that is sure to be ours. */
volatile u32 *host_map_device(u64 at)
{
	u8 *va = pool_page();

	if (!va || map(va, at | PTE_P | PTE_W | PTE_NX | PTE_PCD | PTE_PWT))
		return NULL;
	return (volatile u32 *)va;
}

int host_init(void)
{
	u64 offset;
	int error;

	root = pool_page();
	if (!root)
		return -HF_ENOMEM;
	for (offset = 0; offset < pool_total(); offset += PAGE_SIZE) {
		const u8 *va = image_start + offset;

		error = map(va, pool_hpa(va).raw | permission(va));
		if (error)
			return error;
	}
	traps_init();
	apic = host_map_device(rdmsr(MSR_APIC_BASE) & PTE_ADDR);
	return apic ? 0 : -HF_ENOMEM;
}

static int stack_init(struct host_cpu *host)
{
	/* Twice the size, so that an aligned stack fits; pool memory is aligned to pages only. */
	u8 *memory = pool_pages(2ull * HOST_STACK_SIZE / PAGE_SIZE);
	u64 base;

	if (!memory)
		return -HF_ENOMEM;
	base = ((u64)memory + HOST_STACK_SIZE - 1) & ~((u64)HOST_STACK_SIZE - 1);
	host->stack_top = base + HOST_STACK_SIZE - 16;
	*(struct host_cpu **)host->stack_top = host;
	/* An overflow must not reach what lies below: a fault is fatal, silence is worse. */
	return map((u8 *)base, 0);
}

int host_cpu_init(struct host_cpu *host)
{
	int error = stack_init(host);

	if (error)
		return error;
	host->window = pool_page();
	if (!host->window)
		return -HF_ENOMEM;
	host->window_pte = entry_of((u64)host->window);
	if (!host->window_pte)
		return -HF_ENOMEM;
	*host->window_pte = 0;

	/* 64-bit code, flat data: APM vol. 2, 4.8. */
	host->gdt[HOST_CS / 8] = 0x00209b0000000000ull;
	host->gdt[HOST_SS / 8] = 0x0000930000000000ull;
	host->gdtr = (struct table_register){ sizeof(host->gdt) - 1, (u64)host->gdt };
	host->idtr = traps_idtr();
	return 0;
}

struct host_cpu *host_self(void)
{
	u64 rsp;

	asm("mov %%rsp, %0" : "=r"(rsp));
	rsp |= HOST_STACK_SIZE - 1;
	return *(struct host_cpu **)(rsp + 1 - 16);
}

u64 host_cr3(void)
{
	return pool_hpa(root).raw;
}

/*
 * The kernel's, without global pages (none of the kernel's translations may survive the switch to
 * our tables) and without PCIDs (nothing to gain from them here).
 */
u64 host_cr4(void)
{
	return read_cr4() & ~(CR4_PGE | CR4_PCIDE | CR4_CET);
}

volatile u32 *host_apic(void)
{
	return apic;
}

/*
 * Guest memory appears in the CPU's window for the length of one copy. No translation of a
 * guest page outlives it, so none of it can be reached by a stray pointer of ours. Opening drops
 * none: there is none of an entry that was not present, on which Linux's kmap_local relies, too
 * (mm/highmem.c; Intel SDM vol. 3, 4.10.4.3).
 */
static u8 *window_open(struct host_cpu *host, struct gpa page, u64 bits)
{
	CHECK(!*host->window_pte);
	*host->window_pte = (page.raw & ~PAGE_MASK) | PTE_P | PTE_NX | bits;
	asm volatile("" : : : "memory"); /* the compiler's copy comes behind */
	return host->window + (page.raw & PAGE_MASK);
}

static void window_close(struct host_cpu *host)
{
	*host->window_pte = 0;
	invlpg(host->window);
}

void backend_guest_read(struct gpa from, void *to, size_t size)
{
	struct host_cpu *host = host_self();

	/* An entry of the guest's tables: five of them lead to one byte. */
	if (likely(size == sizeof(u64)))
		__builtin_memcpy(to, window_open(host, from, 0), sizeof(u64));
	else
		memcpy(to, window_open(host, from, 0), size);
	window_close(host);
}

void backend_guest_write(struct gpa to, const void *from, size_t size)
{
	struct host_cpu *host = host_self();

	memcpy(window_open(host, to, PTE_W), from, size);
	window_close(host);
}

void host_store(struct gpa to, u64 value, u32 width)
{
	struct host_cpu *host = host_self();
	volatile void *at = window_open(host, to, PTE_W | PTE_PCD | PTE_PWT);

	switch (width) {
	case 1:
		*(volatile u8 *)at = value;
		break;
	case 2:
		*(volatile u16 *)at = value;
		break;
	case 4:
		*(volatile u32 *)at = value;
		break;
	default:
		*(volatile u64 *)at = value;
	}
	window_close(host);
}

u64 backend_clock(void)
{
	return rdtsc();
}

void backend_relax(void)
{
	asm volatile("pause");
}

_Noreturn void backend_halt(void)
{
	for (;;)
		asm volatile("cli; hlt");
}
