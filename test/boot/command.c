// SPDX-License-Identifier: GPL-2.0-only
/* The holdfast command on a locked machine: what it says goes to the driver, which reads JSON.
 */
#include <stdio.h>
#include <string.h>

#include "guest.h"

static const char *const questions[] = { "version", "status", "events", "stats" };

/* A question must be answered, for people and for programs. */
static bool ask(const char *question, struct verdict *v)
{
	static struct outcome o;
	int status = holdfast(&o, question, NULL);

	if (status != 0 || strlen(o.out) < 8) {
		fail(v, "holdfast %s ended with %d, saying: %s", question, status, o.out);
		return false;
	}
	status = holdfast(&o, question, "--json", NULL);
	if (status != 0) {
		fail(v, "holdfast %s --json ended with %d, saying: %s", question, status,
		     o.out);
		return false;
	}
	report_begin();
	report_str("said", question);
	report_str("text", o.out);
	report_end();
	return true;
}

#define USAGE 2

/* Nonsense must be refused, with the status that tells. */
static bool refuse(struct verdict *v, const char *word, const char *option)
{
	static struct outcome o;
	int status = holdfast(&o, word, option, NULL);

	if (status == USAGE && strlen(o.out) > 8)
		return true;
	fail(v, "holdfast %s %s ended with %d, saying: %s", word, option ? option : "", status,
	     o.out);
	return false;
}

static void command(struct verdict *v)
{
	size_t i;

	for (i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		if (!ask(questions[i], v))
			return;
	if (refuse(v, "nonsense", NULL) && refuse(v, "status", "--nonsense") &&
	    refuse(v, "launch", "--action=nonsense") &&
	    refuse(v, "launch", "--serial=nonsense") &&
	    refuse(v, "lock", "--ftrace=nonsense") && refuse(v, "lock", "--livepatch=on") &&
	    refuse(v, "status", "--kprobes=on"))
		pass(v, "four questions answered, seven mistakes refused");
}

const struct test_case command_cases[] = {
	{ "command", command },
	{ NULL, NULL },
};
