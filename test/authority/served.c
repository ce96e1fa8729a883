// SPDX-License-Identifier: GPL-2.0-only
/*
 * As captured.c and mutate.c, with the authority as the service that it is in a domain, in a
 * process: all that it knows comes in requests. Each module is changed @MUTATIONS times on its way
 * there, which must be refused, and then is approved.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "process.h"
#include "replay.h"

#define SMALL (512u << 10) /* bytes of file: larger ones are changed twice */

#define SIGNATURE 2048u /* bytes, at most */

enum change {
	CHANGE_TEXT,	/* one bit of memory */
	CHANGE_RODATA,	/* likewise */
	CHANGE_FILE,	/* one bit of what is signed */
	CHANGE_PLACE,	/* a part is said to lie where no module does */
	CHANGE_SHORT,	/* of the file's end a byte is missing */
	CHANGE_MISSING, /* nothing is brought but the file */
	CHANGES
};

static unsigned long approved, refused, tried[CHANGES], failed;

static int judge(struct replay *replay, const struct hf_authority_request *request)
{
	int ret = client_bring(&replay->authority, request);

	return ret ? ret : client_judge(request, &replay->result);
}

/* With one bit of @size bytes in the window changed. */
static int judge_flipped(struct replay *replay, u64 at, u64 size)
{
	u8 *byte = replay->window + at + replay_pick(size), bit = (u8)(1 << replay_pick(8));
	int ret;

	*byte ^= bit;
	ret = judge(replay, &replay->request);
	*byte ^= bit;
	return ret;
}

static int judge_changed(struct replay *replay, enum change change)
{
	struct hf_authority_request request = replay->request;
	u32 part = change == CHANGE_TEXT ? HF_PART_TEXT : HF_PART_RODATA;

	switch (change) {
	case CHANGE_TEXT:
	case CHANGE_RODATA:
		if (!request.part[part].size)
			part = HF_PART_RODATA + HF_PART_TEXT - part;
		return judge_flipped(replay, request.part[part].at, request.part[part].size);
	case CHANGE_FILE:
		return judge_flipped(replay, request.file_at, request.file_size - SIGNATURE);
	case CHANGE_PLACE:
		request.part[HF_PART_RODATA].va = replay->facts.module_end;
		return judge(replay, &request);
	case CHANGE_SHORT:
		request.file_size--;
		return judge(replay, &request);
	default:
		request.part[HF_PART_TEXT].size = request.part[HF_PART_RODATA].size = 0;
		request.part[HF_PART_INIT_TEXT].size = request.part[HF_PART_INIT_RODATA].size =
			0;
		if (client_bring(&replay->authority, &request))
			return -HF_EIO;
		return client_judge(&replay->request, &replay->result);
	}
}

/* Refused by the service's word; an error on the way is no such word. */
static void change(struct replay *replay, const char *name, enum change change)
{
	int ret = judge_changed(replay, change);

	tried[change]++;
	if (ret == -HF_EPERM && replay->result.status == ret && replay->result.refusal)
		return;
	failed++;
	printf("served: change %u, %d: ", change, ret);
	replay_describe(replay, name);
}

static void module(struct replay *replay, const char *name, u32 mutations)
{
	if (replay->request.file_size > SMALL && mutations > 2)
		mutations = 2;
	while (mutations--)
		change(replay, name, replay_pick(CHANGES));
	if (!judge(replay, &replay->request)) {
		approved++;
	} else {
		refused++;
		replay_describe(replay, name);
	}
	/* The replay would take up its exports. */
	replay->result.status = -1;
}

static void going(const char *name)
{
	if (client_gone(name))
		printf("served: %s goes, and was not approved\n", name);
}

/* ---- what no honest caller asks ---- */

static void expect(const char *what, int ret, int wanted)
{
	if (ret == wanted)
		return;
	failed++;
	printf("served: %s: %d instead of %d\n", what, ret, wanted);
}

static void ask_wrongly(struct replay *replay)
{
	const struct hf_authority_piece facts = { HF_RECORD_FACTS, 0, 0,
						  sizeof(replay->facts) };
	const struct hf_authority_piece odd = { HF_BRING_PART, HF_PART_TEXT, 0, 100 };
	const struct hf_authority_piece none = { HF_BRING_PART, HF_PART_COUNT, 0,
						 HF_PAGE_SIZE };
	const struct hf_authority_piece wrong = { HF_RECORD_FACTS, 0, 0, 8 };
	struct hf_service_call call = { .operation = 99 };

	expect("recorded after lock", client_piece(HF_AUTHORITY_RECORD, &facts, &replay->facts),
	       -HF_EPERM);
	expect("brought as a record", client_piece(HF_AUTHORITY_BRING, &wrong, replay->window),
	       -HF_EINVAL);
	expect("half a page", client_piece(HF_AUTHORITY_BRING, &odd, replay->window),
	       -HF_EINVAL);
	expect("no such part", client_piece(HF_AUTHORITY_BRING, &none, replay->window),
	       -HF_EINVAL);
	expect("gone twice", client_gone("no such module"), -HF_ENOENT);
	expect("no such operation", client_ask(&call, NULL, 0) ?: call.status, -HF_ENOSYS);
	call = (struct hf_service_call){ .operation = HF_AUTHORITY_MODULE, .size = 8 };
	expect("half a request", client_ask(&call, NULL, 0) ?: call.status, -HF_EINVAL);
}

int main(int argc, char **argv)
{
	static struct replay replay;
	u32 mutations = argc > 2 ? (u32)atoi(argv[2]) : 0;
	const char *name;
	bool locked = false;

	if (argc < 2) {
		fprintf(stderr, "usage: served FOLDER [MUTATIONS]\n");
		return 2;
	}
	process_begin();
	replay_open(&replay, argv[1]);
	replay.going = going;
	while ((name = replay_next(&replay))) {
		if (!locked)
			expect("recording", client_record(&replay.authority), 0);
		process_lock(locked = true);
		module(&replay, name, mutations);
	}
	ask_wrongly(&replay);
	for (u32 i = 0; i < CHANGES; i++)
		printf("served: change %u: %lu refused\n", i, tried[i]);
	printf("served: %lu modules approved, %lu refused, %lu failures\n", approved, refused,
	       failed);
	replay_close(&replay);
	process_end();
	return refused || failed || !approved;
}
