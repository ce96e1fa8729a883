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

static void put_padding(struct sink *sink, unsigned int length, unsigned int width, char c)
{
	for (; length < width; length++)
		put(sink, c);
}

static void put_text(struct sink *sink, const char *text, unsigned int width)
{
	unsigned int length = 0;

	while (text[length])
		length++;
	put_padding(sink, length, width, ' ');
	for (; *text; text++)
		put(sink, *text);
}

/* What stands between % and the conversion character. */
struct field {
	unsigned int width;
	bool zero;	    /* pad with 0 instead of blanks */
	unsigned int longs; /* how many l */
};

static void put_number(struct sink *sink, const struct field *field, u64 value, bool negative,
		       unsigned int base)
{
	char digits[20]; /* 2^64 - 1 has 20 decimal digits */
	unsigned int count = 0;
	unsigned int length;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	length = count + negative;
	if (!field->zero)
		put_padding(sink, length, field->width, ' ');
	if (negative)
		put(sink, '-');
	if (field->zero)
		put_padding(sink, length, field->width, '0');
	while (count)
		put(sink, digits[--count]);
}

static u64 next_unsigned(va_list *args, unsigned int longs)
{
	if (longs > 1)
		return va_arg(*args, unsigned long long);
	return longs ? va_arg(*args, unsigned long) : va_arg(*args, unsigned int);
}

static s64 next_signed(va_list *args, unsigned int longs)
{
	if (longs > 1)
		return va_arg(*args, long long);
	return longs ? va_arg(*args, long) : va_arg(*args, int);
}

static void convert(struct sink *sink, const struct field *field, char conversion,
		    va_list *args)
{
	s64 number;

	switch (conversion) {
	case 's':
		put_text(sink, va_arg(*args, const char *), field->width);
		break;
	case 'c':
		put_padding(sink, 1, field->width, ' ');
		put(sink, (char)va_arg(*args, int));
		break;
	case 'd':
		number = next_signed(args, field->longs);
		/* Negated as unsigned: the smallest number has no positive counterpart. */
		put_number(sink, field, number < 0 ? 0 - (u64)number : (u64)number, number < 0,
			   10);
		break;
	case 'u':
		put_number(sink, field, next_unsigned(args, field->longs), false, 10);
		break;
	case 'x':
		put_number(sink, field, next_unsigned(args, field->longs), false, 16);
		break;
	default: /* "%%", or a mistake, which shows */
		put(sink, conversion);
	}
}

static void format_to(struct sink *sink, const char *format, va_list list)
{
	va_list args; /* a parameter's address is not of type va_list * on every ABI */

	va_copy(args, list);
	for (; *format; format++) {
		struct field field = { 0 };

		if (*format != '%') {
			put(sink, *format);
			continue;
		}
		field.zero = format[1] == '0';
		for (format++; *format >= '0' && *format <= '9'; format++)
			field.width = field.width * 10 + (unsigned int)(*format - '0');
		for (; *format == 'l'; format++)
			field.longs++;
		if (!*format)
			break;
		convert(sink, &field, *format, &args);
	}
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

void print_unlocked(const char *format, va_list args)
{
	struct sink sink = { .console = true };

	format_to(&sink, format, args);
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
