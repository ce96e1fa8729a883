// SPDX-License-Identifier: GPL-2.0-only
/* Holdfast as its user sees it: through the holdfast command. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

int holdfast(struct outcome *o, ...)
{
	const char *argv[14] = { HOLDFAST };
	size_t n = 1;
	va_list ap;

	va_start(ap, o);
	while (n < 13 && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	argv[n] = NULL;
	run(o, CLI_LIMIT, argv);
	return o->hung ? -1 : o->status;
}

bool json_number(const char *json, const char *key, long long *value)
{
	char quoted[80];
	const char *at;
	char *end;

	snprintf(quoted, sizeof(quoted), "\"%s\"", key);
	at = strstr(json, quoted);
	if (!at)
		return false;
	at += strlen(quoted);
	while (*at == ' ' || *at == ':')
		at++;
	*value = strtoll(at, &end, 0);
	return end != at;
}
