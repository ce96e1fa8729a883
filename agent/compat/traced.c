// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ftrace.h>

#include "symbols.h"
#include "traced.h"

/* Init code has no records any more. Those disabled are of functions that were replaced by others
 * of their name, or of modules on their way. */
int traced_each(int (*fn)(unsigned long va, void *arg), void *arg)
{
	struct ftrace_rec_iter *iter;
	int ret = 0;

	for (iter = symbols.ftrace_rec_iter_start(); iter && !ret;
	     iter = symbols.ftrace_rec_iter_next(iter)) {
		const struct dyn_ftrace *record = symbols.ftrace_rec_iter_record(iter);

		if (!(record->flags & FTRACE_FL_DISABLED))
			ret = fn(record->ip, arg);
	}
	return ret;
}
