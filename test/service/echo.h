/* SPDX-License-Identifier: GPL-2.0-only */
/* A service for tests: it does what the request asks for, also what no service should. */
#ifndef TEST_SERVICE_ECHO_H
#define TEST_SERVICE_ECHO_H

#include <holdfast/types.h>

#define ECHO_SERVICE 0x7e57u
#define ECHO_FIRST   7 /* answer of ECHO_COUNT to the first request of a service that begins */

enum echo_operation {
	ECHO_INVERT = 1, /* answers with the payload's bits inverted */
	ECHO_COUNT,	 /* ECHO_FIRST and how many requests it has answered since it began */
	ECHO_CRASH,	 /* an undefined instruction */
	ECHO_LOOP,	 /* for ever */
	ECHO_COMPUTE,	 /* echo_compute(argument) */
	ECHO_VECTOR,	 /* what it finds in YMM15, upper half; fills YMM15 with ones */
	ECHO_READ,	 /* the word at address `argument` */
	ECHO_WRITE,	 /* writes there */
	ECHO_LENT,	 /* the sum of all bytes it was lent */
	ECHO_LENT_WRITE, /* writes to the first of them */
	ECHO_REACH,	 /* maps the page at `argument` in its own tables, and reads there */
	ECHO_CALL,	 /* asks the hypervisor for number `argument` */
	ECHO_PORT,	 /* reads that I/O port */
	ECHO_LOCKED,	 /* whether the machine is locked */
};

/* At the start of the payload. */
struct echo {
	uint64_t argument;
	uint64_t result;
};

#define ECHO_LANES 8

/* Each lane is a value of its own: any that is lost or mixed up shows. */
static inline uint64_t echo_compute(uint64_t rounds)
{
	double lane[ECHO_LANES];
	double sum = 0;

	for (int i = 0; i < ECHO_LANES; i++)
		lane[i] = (double)(i + 1);
	for (uint64_t n = 0; n < rounds; n++)
		for (int i = 0; i < ECHO_LANES; i++)
			lane[i] = lane[i] * 0.5 + (double)(n & 15);
	for (int i = 0; i < ECHO_LANES; i++)
		sum += lane[i] * (double)(i + 1);
	return (uint64_t)(sum * 1048576);
}

#endif
