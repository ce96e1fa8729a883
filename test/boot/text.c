// SPDX-License-Identifier: GPL-2.0-only
/* The code of the kernel and of its modules, as /proc/kcore shows it: kept, and compared. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

#define TEXT_MAX  (64u << 20)
#define AREAS_MAX 64

struct area {
	uint64_t start, size;
};

/* The kernel's, and what modules have names for. */
static struct {
	struct area area[AREAS_MAX];
	int areas;
	uint64_t size; /* of all of them */
	uint8_t *before, *after;
} text;

static void area_add(uint64_t start, uint64_t end)
{
	text.area[text.areas++] = (struct area){ start, end - start };
	text.size += end - start;
}

/* Symbols of a module come in a row, in no order. False: not as expected. */
static bool areas_find(FILE *list)
{
	char line[512], name[256], module[64], last[64] = "";
	uint64_t start = 0, end = 0, low = 0, high = 0;
	unsigned long long at;
	char type;

	while (fgets(line, sizeof(line), list)) {
		int fields = sscanf(line, "%llx %c %255s [%63[^]]", &at, &type, name, module);

		if (fields == 3 && !strcmp(name, "_stext"))
			start = at;
		if (fields == 3 && !strcmp(name, "_etext"))
			end = at;
		/* Not what is made at run time: [bpf], [__builtin__ftrace]. */
		if (fields != 4 || (type != 't' && type != 'T') || !strncmp(module, "__", 2) ||
		    !strcmp(module, "bpf"))
			continue;
		if (strcmp(module, last)) {
			if (high > low && text.areas < AREAS_MAX - 2)
				area_add(low, high);
			low = high = at;
			memcpy(last, module, sizeof(last));
		}
		low = at < low ? at : low;
		high = at > high ? at : high;
	}
	if (high > low)
		area_add(low, high);
	if (start && end > start)
		area_add(start, end);
	return start && end > start && text.size <= TEXT_MAX;
}

static int area_read(int fd, const struct area *area, uint8_t *into)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return -EIO;
	for (int i = 0; i < header.e_phnum; i++) {
		off_t at = header.e_phoff + i * sizeof(segment);

		if (pread(fd, &segment, sizeof(segment), at) != sizeof(segment) ||
		    area->start < segment.p_vaddr ||
		    area->start + area->size > segment.p_vaddr + segment.p_memsz)
			continue;
		at = segment.p_offset + (area->start - segment.p_vaddr);
		return pread(fd, into, area->size, at) == (ssize_t)area->size ? 0 : -EIO;
	}
	return -ENOENT;
}

/* Into @into, text.size bytes. 0 or a negative errno. */
static int text_read(uint8_t *into)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	for (int i = 0; i < text.areas && !err; i++) {
		err = area_read(fd, &text.area[i], into);
		into += text.area[i].size;
	}
	close(fd);
	return err;
}

int text_byte(uint64_t at, uint8_t *byte)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = area_read(fd, &(struct area){ at, 1 }, byte);
	close(fd);
	return err;
}

bool text_keep(struct verdict *v)
{
	FILE *list = fopen("/proc/kallsyms", "r");
	bool found;
	int err;

	free(text.before);
	free(text.after);
	memset(&text, 0, sizeof(text));
	found = list && areas_find(list);
	if (list)
		fclose(list);
	if (!found || !text.size) {
		fail(v, "the kernel does not say where its code is");
		return false;
	}
	text.before = malloc(text.size);
	text.after = malloc(text.size);
	err = text.before && text.after ? text_read(text.before) : -ENOMEM;
	if (err)
		fail(v, "cannot read the kernel's code: %s", strerror(-err));
	return !err;
}

long text_changed(struct verdict *v, uint64_t *at)
{
	int err = text_read(text.after);
	uint64_t done = 0;
	long changed = 0;

	if (err) {
		fail(v, "cannot read the kernel's code again: %s", strerror(-err));
		return -1;
	}
	for (int i = 0; i < text.areas; i++, done += text.area[i - 1].size)
		for (uint64_t b = 0; b < text.area[i].size; b++)
			if (text.before[done + b] != text.after[done + b] && !changed++)
				*at = text.area[i].start + b;
	return changed;
}

/*
 * The first byte of a site changes with each of its values, and says how long it is: 66 (nop) and
 * eb (jump) begin two bytes, all others five (arch/x86/kernel/jump_label.c, ftrace.c).
 */
static uint64_t site_size(uint8_t first)
{
	return first == 0x66 || first == 0xeb ? 2 : 5;
}

long text_sites(void)
{
	long sites = 0;

	for (uint64_t b = 0; b < text.size; b++) {
		if (text.before[b] == text.after[b])
			continue;
		sites++;
		b += site_size(text.before[b]) - 1;
	}
	return sites;
}

uint64_t text_size(void)
{
	return text.size;
}

int text_areas(void)
{
	return text.areas;
}
