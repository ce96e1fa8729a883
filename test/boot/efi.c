// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of EFI runtime services, through the file system of EFI variables: code of the firmware,
 * which the kernel runs in page tables of their own. They must work and cause no event.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <linux/fs.h>

#include "guest.h"

#define MODULES "/lib/efivarfs"
#define FOLDER	"/sys/firmware/efi/efivars"
/* Every boot manager has it (UEFI specification, 3.3). */
#define THEIRS FOLDER "/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define OURS   FOLDER "/Holdfast-6c5f9ab1-0f3c-4e0e-9d7c-4a3c5b7d1e2f"

#define ATTRIBUTES 7 /* non-volatile, for boot and run time: the first four bytes of a file */

static const char value[] = { ATTRIBUTES, 0, 0, 0, 'h', 'o', 'l', 'd' };

static bool prepare(struct verdict *v)
{
	char path[256];
	int err = modules_load(MODULES, path, sizeof(path));

	if (err) {
		fail(v, "cannot load %s: %s", path, strerror(-err));
		return false;
	}
	if (mount("efivarfs", FOLDER, "efivarfs", 0, NULL) && errno != EBUSY) {
		fail(v, "cannot mount " FOLDER ": %s", strerror(errno));
		return false;
	}
	return true;
}

static bool variable_write(struct verdict *v)
{
	int fd = open(OURS, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, value, sizeof(value)) == sizeof(value);

	if (!ok)
		fail(v, "cannot write " OURS ": %s", strerror(errno));
	close(fd);
	return ok;
}

/* The file system makes foreign variables immutable, so that nobody loses them by mistake. */
static bool variable_remove(struct verdict *v)
{
	int fd = open(OURS, O_RDONLY | O_CLOEXEC);
	int flags = 0;
	bool ok = fd >= 0 && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0 && unlink(OURS) == 0;

	if (!ok)
		fail(v, "cannot remove " OURS ": %s", strerror(errno));
	close(fd);
	return ok;
}

static void efi(struct verdict *v)
{
	long long before = newest_event();
	char text[256];
	long n;

	if (!prepare(v))
		return;
	n = file_read(THEIRS, text, sizeof(text));
	if (n <= 4)
		return fail(v, "cannot read " THEIRS ": %ld", n);
	if (!variable_write(v))
		return;
	n = file_read(OURS, text, sizeof(text));
	if (n != sizeof(value) || memcmp(text, value, sizeof(value)))
		return fail(v, "the variable is not what was written: %ld bytes", n);
	if (!variable_remove(v))
		return;
	quiet(v, before,
	      "a variable of the firmware read, one of ours written, read and removed");
}

const struct test_case efi_cases[] = {
	{ "efi", efi },
	{ NULL, NULL },
};
