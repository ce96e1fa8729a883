// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report: one JSON object per line on a serial port of its own, so that nothing the kernel
 * prints can be mistaken for a result. docs/testing.md describes the records.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "guest.h"

static int port = -1;
/* One record under construction. */
static char line[65536];
static size_t len;

int report_open(const char *path)
{
	struct termios t;

	port = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (port < 0)
		return -errno;
	if (tcgetattr(port, &t) == 0) {
		cfmakeraw(&t);
		cfsetspeed(&t, B115200);
		tcsetattr(port, TCSANOW, &t);
	}
	return 0;
}

static void put(char c)
{
	/* Keeps room for the longest closing sequence, so that a cut record is still JSON. */
	if (len < sizeof(line) - 16)
		line[len++] = c;
}

static void put_text(const char *s)
{
	while (*s)
		put(*s++);
}

static void put_quoted(const char *s)
{
	char hex[8];

	put('"');
	for (; *s && len < sizeof(line) - 64; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\') {
			put('\\');
			put(c);
		} else if (c == '\n') {
			put_text("\\n");
		} else if (c < 0x20 || c > 0x7e) {
			snprintf(hex, sizeof(hex), "\\u%04x", c);
			put_text(hex);
		} else {
			put(c);
		}
	}
	put('"');
}

static void put_key(const char *key)
{
	if (len > 1)
		put(',');
	put_quoted(key);
	put(':');
}

void report_begin(void)
{
	len = 0;
	put('{');
}

void report_str(const char *key, const char *value)
{
	put_key(key);
	put_quoted(value);
}

void report_int(const char *key, long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", value);
	put_key(key);
	put_text(text);
}

/* As text: JSON has no numbers of 64 bits that every reader keeps exact. */
void report_hex(const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	report_str(key, text);
}

void report_raw(const char *key, const char *json)
{
	put_key(key);
	put_text(json);
}

void report_end(void)
{
	size_t done = 0;
	ssize_t n;

	line[len++] = '}';
	line[len++] = '\n';
	while (done < len) {
		n = write(port, line + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody left to tell: the driver sees a report without an end
				 */
		done += n;
	}
	tcdrain(port);
}
