// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads as many stock modules as there are, while a module keeps what each looks like. One that
 * refuses to stay has been seen all the same.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

#define CAPTURE_MODULE "/lib/holdfast/hf_capture.ko"
#define CAPTURED       "/lib/capture"

static void capture(struct verdict *v)
{
	struct dirent **files;
	char path[512], params[64];
	int loaded = 0, refused = 0, i, err, n;

	snprintf(params, sizeof(params), "base=%s size=%s", cmdline_get("base", "0"),
		 cmdline_get("size", "0"));
	err = module_load(CAPTURE_MODULE, params);
	n = scandir(CAPTURED, &files, NULL, alphasort);
	if (err || n < 0)
		return fail(v, "%s: %s", CAPTURE_MODULE, strerror(err ? -err : errno));
	for (i = 0; i < n; i++) {
		if (files[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), CAPTURED "/%s", files[i]->d_name);
		/* For the console: which one took the machine with it. */
		printf("capture %s\n", files[i]->d_name);
		fflush(stdout);
		if (module_load(path, ""))
			refused++;
		else
			loaded++;
	}
	if (!loaded)
		return fail(v, "none of %d modules loaded", refused);
	pass(v, "%d modules loaded, %d did not stay", loaded, refused);
}

const struct test_case capture_cases[] = {
	{ "capture", capture },
	{ NULL, NULL },
};
