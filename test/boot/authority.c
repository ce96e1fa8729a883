// SPDX-License-Identifier: GPL-2.0-only
/*
 * The authority in a domain of its own. Before lock it is loaded, and then told what it has to know
 * of the kernel; modules that come after lock it judges: stock ones run, others do not. Without
 * Holdfast all of them do.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <holdfast/hypercall.h>
#include <holdfast/service/authority.h>
#include <holdfast/service/call.h>

#include "guest.h"

#define AUTHORITY_FILE "/lib/holdfast/authority.elf"
#define FORGE_MODULE   "/lib/holdfast/hf_forge.ko"
#define STOCK_MODULES  "/lib/stock"
#define NEEDED	       "/lib/kvm"
#define MANY_MODULES   "/lib/capture"
#define TARGET	       "jbd2" /* of those */
#define MARKER_SIZE    28u    /* of what ends a file that is signed */
#define FILE_MAX       (4u << 20)
#define MILLISECONDS   60000u /* that one request may take */

static char file[FILE_MAX];

static bool bare(void)
{
	return !strcmp(cmdline_get("mode", "bare"), "bare");
}

static int module_file(const struct dirent *entry)
{
	return strstr(entry->d_name, ".ko") != NULL;
}

static long number(const char *path)
{
	char text[32];
	long size = file_read(path, text, sizeof(text));

	return size < 0 ? size : strtol(text, NULL, 10);
}

static long approved(void)
{
	return bare() ? 0 : number("/sys/module/holdfast/parameters/approved");
}

static long refused(void)
{
	return bare() ? 0 : number("/sys/module/holdfast/parameters/refused");
}

/* The module of that name in the folder of one with all it needs. */
static int load_needed(const char *name)
{
	struct dirent **files;
	char path[512];
	int i, n = scandir(NEEDED, &files, module_file, alphasort);

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), NEEDED "/%s", files[i]->d_name);
		if (!strcmp(files[i]->d_name + 3, name))
			return module_load(path, "");
	}
	return -ENOENT;
}

static void load(struct verdict *v)
{
	long size = file_read(AUTHORITY_FILE, file, sizeof(file));
	int err = size < 0 ? (int)size
			   : ctl_service(file, size, HF_SERVICE_AUTHORITY, MILLISECONDS);

	if (!err)
		err = module_load(FORGE_MODULE, "");
	if (!err)
		err = load_needed("irqbypass.ko");
	if (err)
		fail(v, "%ld bytes: %d", size, err);
	else
		pass(v, "%ld bytes", size);
}

/* It uses what one exports that was there before lock. */
static void resident(struct verdict *v)
{
	long before = approved();
	int err = load_needed("kvm.ko");

	if (err || approved() != before + 1)
		fail(v, "%d, %ld approved", err, approved() - before);
	else
		pass(v, "%s", "");
}

static void lock(struct verdict *v)
{
	static struct outcome o;
	int err = holdfast(&o, "lock", NULL);

	if (err)
		fail(v, "%d %.400s", err, o.out);
	else
		pass(v, "%s", "");
}

/* Those that need no other. */
static void stock(struct verdict *v)
{
	struct dirent **files;
	int i, err = 0, n = scandir(STOCK_MODULES, &files, module_file, alphasort);
	long before = approved(), events = (long)newest_event();
	char path[512], name[64];

	for (i = 0; i < n && !err; i++) {
		snprintf(path, sizeof(path), STOCK_MODULES "/%s", files[i]->d_name);
		module_name(files[i]->d_name, name, sizeof(name));
		err = module_load(path, "");
		if (!err)
			err = module_unload(name);
	}
	if (err || n < 4)
		fail(v, "%s, %d of %d: %d", path, i, n, err);
	else if (!bare() && approved() != before + n)
		fail(v, "%ld approved, of %d", approved() - before, n);
	else
		pass(v, "%d modules, %ld events", n, (long)newest_event() - events);
}

/* Which of those that the driver brought load, for it to compare; none is refused. */
static void many(struct verdict *v)
{
	long before = refused(), good = approved(), events = (long)newest_event();
	struct dirent **files;
	char path[512];
	int i, err, loaded = 0, n = scandir(MANY_MODULES, &files, module_file, alphasort);

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), MANY_MODULES "/%s", files[i]->d_name);
		err = module_load(path, "");
		loaded += !err;
		printf("many %s %d\n", files[i]->d_name, err);
		fflush(stdout);
	}
	if (loaded <= 0 || refused() != before)
		fail(v, "%d of %d loaded, %ld refused", loaded, n, refused() - before);
	else
		pass(v, "%d of %d loaded, %ld approved, %ld events", loaded, n,
		     approved() - good, (long)newest_event() - events);
}

/* Loaded without Holdfast; with it refused by the authority, and a stock one is not. */
static void judged(struct verdict *v, int err, long before, const char *name)
{
	if (!err)
		module_unload(name);
	if (err != (bare() ? 0 : -EKEYREJECTED) || refused() != before + !bare())
		fail(v, "%d, %ld refused", err, refused() - before);
	else
		pass(v, "%d", err);
}

/* A stock module whose signature does not count: the kernel takes it as not signed. */
static void not_signed(struct verdict *v)
{
	long size = file_read(STOCK_MODULES "/" TARGET ".ko", file, sizeof(file));
	long before = refused();
	int err = 0;

	if (size <= (long)MARKER_SIZE)
		return fail(v, "no module: %ld", size);
	if (syscall(SYS_init_module, file, size - MARKER_SIZE, ""))
		err = -errno;
	judged(v, err, before, TARGET);
}

static void forged(struct verdict *v)
{
	static const char *const target = "/sys/module/hf_forge/parameters/target";
	long before = refused();
	int err;

	if (bare() && module_load(FORGE_MODULE, ""))
		return fail(v, "%s", "no " FORGE_MODULE);
	if (file_write(target, TARGET))
		return fail(v, "%s", target);
	err = module_load(STOCK_MODULES "/" TARGET ".ko", "");
	file_write(target, "-");
	if (number("/sys/module/hf_forge/parameters/forged") != 1)
		fail(v, "%s", "it was not changed");
	else
		judged(v, err, before, TARGET);
}

/* Before lock the agent tells the authority what it has to know; afterwards nobody does. */
static void told(struct verdict *v)
{
	static struct hf_service_call call;
	static struct hf_authority_facts facts;
	const struct hf_authority_piece piece = { .what = HF_RECORD_FACTS,
						  .size = sizeof(facts) };
	int err;

	call.service = HF_SERVICE_AUTHORITY;
	call.operation = HF_AUTHORITY_RECORD;
	call.size = sizeof(piece);
	memcpy(call.payload, &piece, sizeof(piece));
	err = ctl_request(&call, &facts, sizeof(facts));
	if (err || call.status != -EPERM)
		fail(v, "%d, status %d", err, call.status);
	else
		pass(v, "%s", "");
}

const struct test_case authority_cases[] = {
	{ "authority-load", load },
	{ "authority-lock", lock },
	{ "authority-stock", stock },
	{ "authority-resident", resident },
	{ "authority-unsigned", not_signed },
	{ "authority-forged", forged },
	{ "authority-told", told },
	{ "authority-many", many },
	{ NULL, NULL },
};
