// SPDX-License-Identifier: GPL-2.0-only
#include <linux/elf.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page-flags.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/io.h>
#include <asm/tsc.h>

#include <holdfast/hypercall.h>
#include <holdfast/service/call.h>
#include <holdfast/service/domain.h>

#include "authority.h"
#include "call.h"
#include "compat/directmap.h"
#include "service.h"

/* One block of memory for all of a service but what it keeps, which has blocks of its own: the
 * direct map is opened at 2 MiB. */
#define BLOCK_ORDER 9
#define BLOCK_PAGES (1u << BLOCK_ORDER)
#define BLOCK_BYTES (BLOCK_PAGES * PAGE_SIZE)
#define BLOCKS_MAX  (1 + (HF_DOMAIN_KEPT_END - HF_DOMAIN_KEPT) / BLOCK_BYTES)

/* At the start of it. All addresses of a service lie in the first 16 MiB and the 2 MiB behind. */
#define TABLE_SPAN  0x200000ul
#define TABLE_FIRST (HF_DOMAIN_IMAGE / TABLE_SPAN)
#define TABLE_LAST  (HF_DOMAIN_WINDOW / TABLE_SPAN)
#define STACK_PAGES 8u /* and one at its top, for what is a thread's own */

enum page_number {
	PAGE_ROOT,
	PAGE_UPPER,
	PAGE_MIDDLE,
	PAGE_TABLES,
	PAGE_WINDOW = PAGE_TABLES + TABLE_LAST - TABLE_FIRST,
	PAGE_MESSAGE,
	PAGE_THREAD,
	PAGE_STACK,
	PAGE_SEGMENTS = PAGE_STACK + STACK_PAGES,
};

/* Page-table entries: AMD APM vol. 2, 5.4. The second-level tables have the last word. */
#define ENTRY_TABLE   0x67ull /* present, writable, user, accessed, dirty */
#define ENTRY_DATA    (ENTRY_TABLE | 1ull << 63)
#define ENTRY_BLOCK   (ENTRY_DATA | 0x80ull) /* of the tables above the lowest */
#define ENTRY_CONST   (0x65ull | 1ull << 63)
#define ENTRY_EXECUTE 0x65ull

/* Blocks that were handed over. Written under the device's lock. */
static struct {
	unsigned int count;
	struct {
		u64 gpa;
		unsigned int pages;
	} block[HF_DOMAINS_MAX];
} loaded;

/* While a service is loaded. @block: the first is for all but what it keeps, @used pages of it */
struct loading {
	unsigned int blocks;
	unsigned int used;
	struct hf_domain *record;
	struct page *block[BLOCKS_MAX];
};

static struct page *add_block(struct loading *l)
{
	struct page *block = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN, BLOCK_ORDER);

	if (block)
		l->block[l->blocks++] = block;
	return block;
}

static u64 *page_at(const struct loading *l, unsigned int number)
{
	return page_address(l->block[0] + number);
}

static u64 page_gpa(const struct loading *l, unsigned int number)
{
	return page_to_phys(l->block[0] + number);
}

static void map_page(struct loading *l, u64 va, unsigned int number, u64 entry)
{
	u64 *table = page_at(l, PAGE_TABLES + va / TABLE_SPAN - TABLE_FIRST);

	table[va % TABLE_SPAN / PAGE_SIZE] = page_gpa(l, number) | entry;
}

static void make_tables(struct loading *l)
{
	unsigned int i;

	page_at(l, PAGE_ROOT)[0] = page_gpa(l, PAGE_UPPER) | ENTRY_TABLE;
	page_at(l, PAGE_UPPER)[0] = page_gpa(l, PAGE_MIDDLE) | ENTRY_TABLE;
	for (i = TABLE_FIRST; i <= TABLE_LAST; i++)
		page_at(l, PAGE_MIDDLE)[i] = page_gpa(l, PAGE_TABLES + i - TABLE_FIRST) |
					     ENTRY_TABLE;
	for (i = 0; i < STACK_PAGES; i++)
		map_page(l, HF_DOMAIN_STACK_TOP - (i + 1) * PAGE_SIZE, PAGE_STACK + i,
			 ENTRY_DATA);
	map_page(l, HF_DOMAIN_STACK_TOP, PAGE_THREAD, ENTRY_DATA);
	map_page(l, HF_DOMAIN_MESSAGE, PAGE_MESSAGE, ENTRY_DATA);
	map_page(l, HF_DOMAIN_TABLE, PAGE_WINDOW, ENTRY_DATA);
}

static void give_range(struct loading *l, u64 gpa, unsigned int count, u32 permission)
{
	l->record->range[l->record->range_count++] = (struct hf_range){
		.gpa = gpa,
		.npages = count,
		.permission = permission,
	};
}

/* A copy of the segment's memory as it is when the service begins. */
static int add_copy(struct loading *l, const u8 *file, const Elf64_Phdr *ph, u64 va, u64 entry,
		    u32 permission)
{
	unsigned int i, count = DIV_ROUND_UP_ULL(ph->p_memsz, PAGE_SIZE);

	if (count > BLOCK_PAGES - l->used || l->record->range_count == HF_DOMAIN_RANGES)
		return -ENOSPC;
	memcpy(page_at(l, l->used), file + ph->p_offset, ph->p_filesz);
	for (i = 0; i < count; i++)
		map_page(l, va + i * PAGE_SIZE, l->used + i, entry);
	give_range(l, page_gpa(l, l->used), count, permission);
	l->used += count;
	return 0;
}

static int add_kept(struct loading *l, const Elf64_Phdr *ph)
{
	unsigned int i, count = ph->p_memsz / BLOCK_BYTES;

	if (!IS_ALIGNED(ph->p_vaddr | ph->p_memsz, BLOCK_BYTES) || ph->p_filesz ||
	    ph->p_vaddr > HF_DOMAIN_KEPT_END || ph->p_flags != (PF_R | PF_W) ||
	    ph->p_memsz > HF_DOMAIN_KEPT_END - ph->p_vaddr)
		return -ENOEXEC;
	if (count > BLOCKS_MAX - l->blocks || count > HF_DOMAIN_RANGES - l->record->range_count)
		return -ENOSPC;
	for (i = 0; i < count; i++) {
		struct page *block = add_block(l);

		if (!block)
			return -ENOMEM;
		page_at(l, PAGE_MIDDLE)[ph->p_vaddr / BLOCK_BYTES + i] = page_to_phys(block) |
									 ENTRY_BLOCK;
		give_range(l, page_to_phys(block), BLOCK_PAGES, HF_PERM_READ | HF_PERM_WRITE);
	}
	return 0;
}

static int add_segment(struct loading *l, const u8 *file, u64 size, const Elf64_Phdr *ph)
{
	int ret;

	if (ph->p_type != PT_LOAD || !ph->p_memsz)
		return 0;
	if (ph->p_vaddr >= HF_DOMAIN_KEPT)
		return add_kept(l, ph);
	if (!PAGE_ALIGNED(ph->p_vaddr) || ph->p_vaddr < HF_DOMAIN_IMAGE ||
	    ph->p_vaddr >= HF_DOMAIN_IMAGE_END ||
	    ph->p_memsz > HF_DOMAIN_IMAGE_END - ph->p_vaddr || ph->p_filesz > ph->p_memsz ||
	    ph->p_offset > size || ph->p_filesz > size - ph->p_offset)
		return -ENOEXEC;
	switch (ph->p_flags) {
	case PF_R | PF_X:
		return add_copy(l, file, ph, ph->p_vaddr, ENTRY_EXECUTE,
				HF_PERM_READ | HF_PERM_USER_EXEC);
	case PF_R:
		return add_copy(l, file, ph, ph->p_vaddr, ENTRY_CONST, HF_PERM_READ);
	case PF_R | PF_W:
		ret = add_copy(l, file, ph, ph->p_vaddr, ENTRY_DATA,
			       HF_PERM_READ | HF_PERM_WRITE);
		return ret ? ret
			   : add_copy(l, file, ph, ph->p_vaddr + HF_DOMAIN_PRISTINE,
				      ENTRY_CONST, HF_PERM_READ);
	}
	return -ENOEXEC;
}

/* What is in the file the hypervisor never sees: all of it is looked at here. */
static int add_file(struct loading *l, const u8 *file, u64 size)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)file;
	unsigned int i;
	int ret = 0;

	if (size < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64 ||
	    eh->e_type != ET_EXEC || eh->e_phentsize != sizeof(Elf64_Phdr) ||
	    eh->e_phoff > size || size - eh->e_phoff < eh->e_phnum * sizeof(Elf64_Phdr))
		return -ENOEXEC;
	give_range(l, page_gpa(l, 0), PAGE_SEGMENTS, HF_PERM_READ | HF_PERM_WRITE);
	l->used = PAGE_SEGMENTS;
	for (i = 0; i < eh->e_phnum && !ret; i++)
		ret = add_segment(l, file, size, (const Elf64_Phdr *)(file + eh->e_phoff) + i);
	l->record->root = page_gpa(l, PAGE_ROOT);
	l->record->entry = eh->e_entry;
	l->record->stack = HF_DOMAIN_STACK_TOP;
	l->record->message = page_gpa(l, PAGE_MESSAGE);
	return ret;
}

static void mark(struct page *block, bool offline)
{
	unsigned int i;

	page_offline_begin();
	for (i = 0; i < BLOCK_PAGES; i++) {
		if (offline)
			__SetPageOffline(block + i);
		else
			__ClearPageOffline(block + i);
	}
	page_offline_end();
}

/* Out of sight first, as the hypervisor's own memory: nobody runs into what is gone. */
static int hand_over(struct loading *l)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	unsigned int i, hidden;
	int ret = 0;

	if (!page)
		return -ENOMEM;
	memcpy(page_address(page), l->record, sizeof(*l->record));
	for (hidden = 0; hidden < l->blocks && !ret; hidden++) {
		mark(l->block[hidden], true);
		ret = directmap_remove(l->block[hidden], BLOCK_PAGES);
	}
	if (!ret)
		ret = call_make(HF_CALL_DOMAIN, page_to_phys(page), 0);
	for (i = 0; i < hidden && ret; i++) {
		directmap_restore(l->block[i], BLOCK_PAGES);
		mark(l->block[i], false);
	}
	__free_page(page);
	return ret;
}

static int load_file(struct loading *l, const u8 *file, u64 size)
{
	int ret;

	if (!add_block(l))
		return -ENOMEM;
	make_tables(l);
	ret = add_file(l, file, size);
	if (!ret)
		ret = hand_over(l);
	if (ret) {
		while (l->blocks--)
			__free_pages(l->block[l->blocks], BLOCK_ORDER);
		return ret;
	}
	loaded.block[loaded.count].gpa = page_gpa(l, 0);
	loaded.block[loaded.count].pages = l->used;
	smp_store_release(&loaded.count, loaded.count + 1);
	return 0;
}

/* With the authority's comes what it is for. */
static int load_service(struct loading *l, const u8 *file, u64 size)
{
	int ret = load_file(l, file, size);

	if (!ret && l->record->service == HF_SERVICE_AUTHORITY)
		ret = authority_prepare();
	return ret;
}

int service_load(const struct hf_ctl_service *ctl)
{
	struct loading l = { .record = kzalloc(sizeof(*l.record), GFP_KERNEL) };
	u8 *file;
	int ret;

	if (!l.record)
		return -ENOMEM;
	file = vmemdup_user(u64_to_user_ptr(ctl->image), ctl->image_size);
	if (IS_ERR(file)) {
		kfree(l.record);
		return PTR_ERR(file);
	}
	l.record->size = sizeof(*l.record);
	l.record->service = ctl->service;
	l.record->capabilities = ctl->capabilities;
	l.record->lent_max = ctl->lent_max;
	l.record->ticks = (u64)ctl->milliseconds * tsc_khz;
	ret = load_service(&l, file, ctl->image_size);
	kvfree(file);
	kfree(l.record);
	return ret;
}

/* Attack tests need a target: "address:pages,..." in hexadecimal. */
static int service_pages_get(char *buffer, const struct kernel_param *kp)
{
	unsigned int i, count = smp_load_acquire(&loaded.count);
	int len = 0;

	for (i = 0; i < count; i++)
		len += scnprintf(buffer + len, PAGE_SIZE - len, "%s%llx:%x", i ? "," : "",
				 loaded.block[i].gpa, loaded.block[i].pages);
	return len + scnprintf(buffer + len, PAGE_SIZE - len, "\n");
}

static const struct kernel_param_ops service_pages_ops = { .get = service_pages_get };
module_param_cb(service_pages, &service_pages_ops, NULL, 0400);
MODULE_PARM_DESC(service_pages, "where services are, once loaded (read only)");

/* ---- requests ---- */

/* Interrupts come in between; who waits for the answer can be killed meanwhile. */
int service_ask(struct page *page)
{
	const struct hf_service_call *call = page_address(page);
	long ret = call_make(HF_CALL_SERVICE, page_to_phys(page), 0);

	while (ret == -EINPROGRESS) {
		u64 token = READ_ONCE(call->token);

		if (fatal_signal_pending(current)) {
			ret = call_make(HF_CALL_SERVICE_CANCEL, token, 0);
			return ret ? ret : -EINTR;
		}
		cond_resched();
		ret = call_make(HF_CALL_SERVICE_RESUME, page_to_phys(page), token);
	}
	return ret;
}

static int make_with(const struct hf_ctl_request *ctl, struct page *page, void *lent)
{
	struct hf_service_call *call = page_address(page);
	int ret;

	if (copy_from_user(call, u64_to_user_ptr(ctl->request), sizeof(*call)) ||
	    copy_from_user(lent, u64_to_user_ptr(ctl->lent), ctl->lent_size))
		return -EFAULT;
	call->token = 0;
	call->reserved = 0;
	call->lent_count = ctl->lent_size ? 1 : 0;
	call->lent[0].gpa = virt_to_phys(lent);
	call->lent[0].npages = DIV_ROUND_UP(ctl->lent_size, PAGE_SIZE);
	ret = service_ask(page);
	if (!ret && copy_to_user(u64_to_user_ptr(ctl->request), call, sizeof(*call)))
		return -EFAULT;
	return ret;
}

int service_call(const struct hf_ctl_request *ctl)
{
	size_t size = max_t(size_t, ctl->lent_size, 1);
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	void *lent = NULL;
	int ret = -ENOMEM;

	if (!page)
		return ret;
	lent = alloc_pages_exact(size, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (lent) {
		ret = make_with(ctl, page, lent);
		free_pages_exact(lent, size);
	}
	__free_page(page);
	return ret;
}
