// SPDX-License-Identifier: GPL-2.0-only
/* A service's side of a domain of the hypervisor's. */
#include <holdfast/service/domain.h>
#include <libsvc/service.h>

/* Page-table entry: present, user, no execution (AMD APM vol. 2, 5.4). */
#define ENTRY_READ (1ull | 4 | 1ull << 63)

_Static_assert(HF_DOMAIN_BEGIN == 0 && HF_DOMAIN_REQUEST == 1 && HF_DOMAIN_LOCKED == 2 &&
		       HF_DOMAIN_DONE == 0,
	       "start.S");
_Static_assert(HF_DOMAIN_PRISTINE == 0x00400000 && HF_DOMAIN_MESSAGE == 0x00e01000, "start.S");

/*
 * What the CPU remembers of an older request's entries is gone with the entry to the domain, and
 * entries are written once in a request.
 */
const void *service_lent(const struct hf_service_call *call)
{
	volatile uint64_t *table = (volatile uint64_t *)(uintptr_t)HF_DOMAIN_TABLE;
	uint64_t used = 0;

	for (uint32_t i = 0; i < call->lent_count; i++)
		for (uint64_t n = 0; n < call->lent[i].npages; n++) {
			if (used == HF_DOMAIN_WINDOW_PAGES)
				return 0;
			table[used++] = (call->lent[i].gpa + n * HF_PAGE_SIZE) | ENTRY_READ;
		}
	return (const void *)(uintptr_t)HF_DOMAIN_WINDOW;
}
