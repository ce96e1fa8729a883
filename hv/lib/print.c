// SPDX-License-Identifier: GPL-2.0-only
/* Formatted text, one character at a time, so that no buffer bounds what can be said. */
#include <hv/backend.h>
#include <hv/lock.h>
#include <hv/print.h>

static struct lock console_lock;

/*
 * @to, @size:	where characters go; NULL with @console: to the console
 * @length:	characters so far, those that found no room included
 */
struct sink {
	bool console;
	char *to;
	size_t size;
	size_t length;
};

static void put(struct sink *sink, char c)
{
	if (sink->console)
		backend_console(c);
	else if (sink->length + 1 < sink->size)
		sink->to[sink->length] = c;
	sink->length++;
}

static void put_text(struct sink *sink, const char *text)
{
	for (; *text; text++)
		put(sink, *text);
}

/* Padded with 0 to @width. */
static void put_number(struct sink *sink, u64 value, unsigned int base, unsigned int width)
{
	char digits[20]; /* 2^64 - 1 has 20 decimal digits */
	unsigned int count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	for (; width > count; width--)
		put(sink, '0');
	while (count)
		put(sink, digits[--count]);
}

static void format_to(struct sink *sink, const char *format, va_list list)
{
	va_list args;

	va_copy(args, list);
	for (; *format; format++) {
		unsigned int width = 0;
		bool is_long;

		if (*format != '%') {
			put(sink, *format);
			continue;
		}
		for (format++; *format >= '0' && *format <= '9'; format++)
			width = width * 10 + (unsigned int)(*format - '0');
		is_long = format[0] == 'l' && format[1] == 'l';
		format += is_long ? 2 : 0;
		switch (*format) {
		case 's':
			put_text(sink, va_arg(args, const char *));
			break;
		case 'u':
		case 'x':
			put_number(sink,
				   is_long ? va_arg(args, unsigned long long)
					   : va_arg(args, unsigned int),
				   *format == 'u' ? 10 : 16, width);
			break;
		default: /* a mistake, which shows */
			put(sink, '?');
			goto out;
		}
	}
out:
	va_end(args);
}

void print_line(struct cpu *cpu, const char *format, ...)
{
	struct sink sink = { .console = true };
	va_list args;

	va_start(args, format);
	lock_acquire(&console_lock, cpu);
	format_to(&sink, format, args);
	put(&sink, '\n');
	lock_release(&console_lock);
	va_end(args);
}

void print_panic(const char *format, va_list args)
{
	struct sink sink = { .console = true };

	put_text(&sink, "holdfast: panic: ");
	format_to(&sink, format, args);
	put(&sink, '\n');
}

size_t print_string(char *to, size_t size, const char *format, ...)
{
	struct sink sink = { .to = to, .size = size };
	va_list args;

	va_start(args, format);
	format_to(&sink, format, args);
	va_end(args);
	if (size)
		to[sink.length < size ? sink.length : size - 1] = 0;
	return sink.length;
}
