// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>

#include "output.h"

int output_failure(const struct options *options, enum cli_exit code, const char *reason,
		   const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	fprintf(stderr, "holdfast: %s\n", message);
	if (options->json)
		output_json(json_pack("{s:s, s:s}", "error", reason, "message", message));
	return code;
}

int output_json(json_t *value)
{
	int ret = CLI_FAILED;

	if (!value)
		fprintf(stderr, "holdfast: out of memory\n");
	else if (json_dumpf(value, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) == 0 &&
		 putchar('\n') != EOF && fflush(stdout) == 0)
		ret = CLI_OK;
	else
		perror("holdfast: standard output");
	json_decref(value);
	return ret;
}

json_t *output_hex(uint64_t value)
{
	return json_sprintf("0x%llx", (unsigned long long)value);
}

void output_text(char *to, const char *from, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = '\0';
}
