// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the compiler calls by itself, and what of the C library's functions services and the
 * libraries in them call. Compiled without turning loops into calls of these.
 */
#include <libsvc/string.h>
#include <stdint.h>

typedef unsigned char byte;

void *memcpy(void *to, const void *from, size_t size)
{
	void *result = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return result;
}

void *memset(void *to, int value, size_t size)
{
	void *result = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
	return result;
}

void *memmove(void *to, const void *from, size_t size)
{
	byte *at = to;
	const byte *source = from;

	if (at - source < 0 || (size_t)(at - source) >= size)
		return memcpy(to, from, size);
	while (size--)
		at[size] = source[size];
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const byte *x = a, *y = b;

	for (size_t i = 0; i < size; i++)
		if (x[i] != y[i])
			return x[i] - y[i];
	return 0;
}

void *memchr(const void *at, int value, size_t size)
{
	const byte *bytes = at;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] == (byte)value)
			return (byte *)(uintptr_t)(bytes + i);
	return NULL;
}

size_t strlen(const char *at)
{
	size_t size = 0;

	while (at[size])
		size++;
	return size;
}

int strncmp(const char *a, const char *b, size_t size)
{
	for (; size && *a && *a == *b; size--) {
		a++;
		b++;
	}
	return size ? (byte)*a - (byte)*b : 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}
