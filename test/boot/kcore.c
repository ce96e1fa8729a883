// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/kcore, which shows root all of kernel memory, read whole: the hypervisor's pages are zero
 * there, and nobody comes to harm.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <holdfast/hypercall.h>

#include "guest.h"

#define PROGRAM_HEADERS 64
#define OWN_RUNS	64
#define CHUNK		(1u << 20)
/* The room for vmalloc is the only segment that is larger; of that, what is in use. */
#define WHOLE_MAX (1ull << 40)

struct own {
	uint64_t start, end; /* guest-physical */
};

static struct own own[OWN_RUNS];
static int owns;

static struct {
	uint64_t bytes;	  /* read */
	uint64_t filled;  /* pages that are not zero */
	uint64_t hidden;  /* pages that are the hypervisor's */
	uint64_t exposed; /* of these, how many are not zero */
} seen;

/* "address:pages,..." in hexadecimal */
static bool own_find(struct verdict *v)
{
	static char text[4096];
	char *word, *rest;

	owns = 0;
	if (file_read("/sys/module/holdfast/parameters/hv_pages", text, sizeof(text)) > 0)
		for (word = strtok_r(text, ",\n", &rest); word && owns < OWN_RUNS;
		     word = strtok_r(NULL, ",\n", &rest)) {
			uint64_t start = strtoull(word, &word, 16);

			own[owns].start = start;
			own[owns++].end = start + strtoull(word + 1, NULL, 16) * HF_PAGE_SIZE;
		}
	if (!owns)
		fail(v, "the agent does not say where the hypervisor is");
	return owns;
}

static bool is_own(uint64_t gpa)
{
	for (int i = 0; i < owns; i++)
		if (gpa >= own[i].start && gpa < own[i].end)
			return true;
	return false;
}

/* @gpa: of the page, or ~0 where the segment does not tell */
static void look(const uint8_t *page, uint64_t gpa)
{
	static const uint8_t zeros[HF_PAGE_SIZE];
	bool filled = memcmp(page, zeros, sizeof(zeros));

	seen.filled += filled;
	if (gpa != ~0ull && is_own(gpa)) {
		seen.hidden++;
		seen.exposed += filled;
	}
}

/* Reads so many bytes, whole pages, from @at of the file on. */
static bool read_pages(struct verdict *v, int fd, uint64_t at, uint64_t size, uint64_t gpa)
{
	static uint8_t chunk[CHUNK];
	uint64_t done, step, i;

	for (done = 0; done < size; done += step) {
		step = size - done < CHUNK ? size - done : CHUNK;
		if (pread(fd, chunk, step, at + done) != (ssize_t)step) {
			fail(v, "cannot read %" PRIx64 " bytes at %" PRIx64 ": %s", step,
			     at + done, strerror(errno));
			return false;
		}
		for (i = 0; i + HF_PAGE_SIZE <= step; i += HF_PAGE_SIZE)
			look(chunk + i, gpa == ~0ull ? gpa : gpa + done + i);
	}
	seen.bytes += size;
	return true;
}

/* Lines begin with "0xSTART-0xEND". */
static bool read_vmalloc(struct verdict *v, int fd, const Elf64_Phdr *segment)
{
	FILE *list = fopen("/proc/vmallocinfo", "r");
	unsigned long long start, end;
	char line[512];
	bool ok = list;

	if (!list)
		fail(v, "cannot read /proc/vmallocinfo");
	while (ok && fgets(line, sizeof(line), list)) {
		if (sscanf(line, "0x%llx-0x%llx", &start, &end) != 2 || start >= end ||
		    start < segment->p_vaddr || end > segment->p_vaddr + segment->p_memsz)
			continue;
		ok = read_pages(v, fd, segment->p_offset + (start - segment->p_vaddr),
				end - start, ~0ull);
	}
	if (list)
		fclose(list);
	return ok;
}

static bool read_all(struct verdict *v, int fd)
{
	Elf64_Phdr segments[PROGRAM_HEADERS];
	Elf64_Ehdr header;
	ssize_t size;
	bool ok = true;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.e_phnum > PROGRAM_HEADERS) {
		fail(v, "/proc/kcore is not as expected");
		return false;
	}
	size = header.e_phnum * sizeof(segments[0]);
	if (pread(fd, segments, size, header.e_phoff) != size) {
		fail(v, "cannot read the headers of /proc/kcore");
		return false;
	}
	for (int i = 0; i < header.e_phnum && ok; i++) {
		const Elf64_Phdr *s = &segments[i];

		if (s->p_type != PT_LOAD)
			continue;
		if (s->p_memsz > WHOLE_MAX)
			ok = read_vmalloc(v, fd, s);
		else
			ok = read_pages(v, fd, s->p_offset, s->p_memsz, s->p_paddr);
	}
	return ok;
}

static int64_t events(void)
{
	struct hf_info info;

	return ctl_info(&info) ? -1 : (int64_t)info.events;
}

static void kcore(struct verdict *v)
{
	uint64_t pages = 0;
	int64_t before = events();
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	bool ok;

	memset(&seen, 0, sizeof(seen));
	if (fd < 0)
		return fail(v, "cannot open /proc/kcore: %s", strerror(errno));
	ok = own_find(v) && read_all(v, fd);
	close(fd);
	if (!ok)
		return;
	for (int i = 0; i < owns; i++)
		pages += (own[i].end - own[i].start) / HF_PAGE_SIZE;
	if (seen.hidden < pages || seen.exposed)
		return fail(v,
			    "%" PRIu64 " of %" PRIu64 " pages of the hypervisor seen, %" PRIu64
			    " not zero",
			    seen.hidden, pages, seen.exposed);
	if (seen.filled < seen.hidden)
		return fail(v, "only %" PRIu64 " pages are not zero: that is not kernel memory",
			    seen.filled);
	if (before < 0 || events() != before)
		return fail(v, "reading caused an event");
	pass(v,
	     "%" PRIu64 " MiB read, %" PRIu64
	     " pages of them the hypervisor's, all of these zero",
	     seen.bytes >> 20, seen.hidden);
}

const struct test_case kcore_cases[] = {
	{ "kcore", kcore },
	{ NULL, NULL },
};
