/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Modules as a stock kernel loaded them (test/boot/capture.py), handed to the authority one after
 * the other, as they came.
 */
#ifndef TEST_AUTHORITY_REPLAY_H
#define TEST_AUTHORITY_REPLAY_H

#include "../../services/authority/authority.h"

/*
 * @window holds the capture; behind it entries of modules, @entries bytes of them; and the file of
 * the module whose turn it is.
 */
struct replay {
	const char *folder;
	u8 *window;
	u64 captured;
	u64 entries;
	u64 room;
	struct hf_authority_facts facts;
	struct hf_authority_key key[16];
	struct hf_authority_exporter exporter[1024];
	const char *owner[1024];
	struct authority authority;
	struct hf_authority_request request;
	struct arena arena;
	struct hf_authority_result result;
	u64 at;				 /* of the next record */
	void (*going)(const char *name); /* a module is unloaded; NULL: nobody asks */
};

/* Reads what was captured; ends the program if there is none. */
void replay_open(struct replay *replay, const char *folder);
/* The next module, or NULL: its request is ready, and nothing has judged it. */
const char *replay_next(struct replay *replay);
/* Judges it; 0 or what the authority says. */
int replay_judge(struct replay *replay);
void replay_close(struct replay *replay);
/* Which change is made: below @below, 0 if that is 0; the same numbers in each run. */
u64 replay_pick(u64 below);
/* What the authority said, in words. */
void replay_describe(const struct replay *replay, const char *name);

#endif
