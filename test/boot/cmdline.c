// SPDX-License-Identifier: GPL-2.0-only
/* hf.KEY=VALUE words of the kernel's command line. The kernel ignores them: they look like
 * parameters of a module named hf. */
#include <string.h>

#include "guest.h"

static char text[4096];

int cmdline_read(void)
{
	long n = file_read("/proc/cmdline", text, sizeof(text));
	char *c;

	if (n < 0)
		return n;
	for (c = text; *c; c++)
		if (*c == ' ' || *c == '\n')
			*c = '\0';
	text[n < (long)sizeof(text) - 1 ? n + 1 : n] = '\0';
	return 0;
}

const char *cmdline_get(const char *key, const char *otherwise)
{
	size_t keylen = strlen(key);
	const char *word, *end = text + sizeof(text);

	for (word = text; word < end; word += strlen(word) + 1)
		if (!strncmp(word, "hf.", 3) && !strncmp(word + 3, key, keylen) &&
		    word[3 + keylen] == '=')
			return word + 3 + keylen + 1;
	return otherwise;
}
