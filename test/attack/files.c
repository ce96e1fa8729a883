// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/vmalloc.h>

#include "files.h"

char *files_read(const char *path, size_t limit, size_t *size)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	ssize_t count = -ENOMEM;
	loff_t pos = 0;
	char *buf;

	if (IS_ERR(file))
		return ERR_CAST(file);
	buf = vzalloc(limit + 1);
	*size = 0;
	while (buf && *size < limit) {
		count = kernel_read(file, buf + *size, limit - *size, &pos);
		if (count <= 0)
			break;
		*size += count;
	}
	filp_close(file, NULL);
	if (count < 0) {
		vfree(buf);
		return ERR_PTR(count);
	}
	return buf;
}
