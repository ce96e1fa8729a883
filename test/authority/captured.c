// SPDX-License-Identifier: GPL-2.0-only
/* Every module that the stock kernel loaded is approved, all of its bytes explained. */
#include <stdio.h>

#include "replay.h"

int main(int argc, char **argv)
{
	unsigned long long bytes = 0, sites = 0, thunks = 0;
	u32 approved = 0, refused = 0;
	static struct replay replay;
	u64 most = 0;
	const char *name;

	if (argc != 2) {
		fprintf(stderr, "usage: captured FOLDER\n");
		return 2;
	}
	replay_open(&replay, argv[1]);
	while ((name = replay_next(&replay))) {
		if (replay_judge(&replay)) {
			refused++;
			replay_describe(&replay, name);
			continue;
		}
		approved++;
		bytes += replay.result.bytes;
		sites += replay.result.site_count;
		thunks += replay.request.thunk_count;
		if (replay.arena.most > most)
			most = replay.arena.most;
	}
	printf("captured: %u modules approved, %u refused, %llu bytes compared, %llu sites, "
	       "%llu pages of thunks, at most %llu bytes of memory\n",
	       approved, refused, bytes, sites, thunks, (unsigned long long)most);
	replay_close(&replay);
	return refused || !approved;
}
