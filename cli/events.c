// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "asset.h"
#include "device.h"
#include "names.h"
#include "output.h"

/* Each look costs one hypercall. */
#define FOLLOW_MS 200

/*
 * @options, @fd: as everywhere
 * @next:	sequence number of the first event not yet seen
 * @list:	events as JSON, where they are printed together at the end; else NULL
 */
struct reader {
	const struct options *options;
	int fd;
	uint64_t next;
	json_t *list;
};

static json_t *event_json(int fd, const struct hf_event *event)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:I, s:s, s:s, "
			 "s:I, s:I}",
			 "sequence", (json_int_t)event->sequence, "tsc", (json_int_t)event->tsc,
			 "cpu", (json_int_t)event->cpu, "cpl", (json_int_t)event->cpl, "kind",
			 name_event(event->kind), "access", name_access(event->access), "width",
			 (json_int_t)event->width, "rip", output_hex(event->rip), "va",
			 output_hex(event->va), "gpa", output_hex(event->gpa), "cr3",
			 output_hex(event->cr3), "old", output_hex(event->old), "new",
			 output_hex(event->new_value), "asset", (json_int_t)event->asset,
			 "asset_name", asset_name(fd, event->asset), "action",
			 name_action(event->action), "repeat", (json_int_t)event->repeat,
			 "last_tsc", (json_int_t)event->last_tsc);
}

static void print_values(const struct hf_event *event)
{
	switch (event->kind) {
	case HF_EVENT_LAUNCHED:
		printf(" %" PRIu64 " CPUs", event->new_value);
		break;
	case HF_EVENT_LOCKED:
		printf(" %" PRIu64 " pages", event->new_value);
		break;
	case HF_EVENT_HYPERCALL:
		printf(" call %#" PRIx64 " result %" PRId64, event->old,
		       (int64_t)event->new_value);
		break;
	case HF_EVENT_MEMORY:
		if (event->width)
			printf(" %u bytes %#" PRIx64, event->width, event->new_value);
		break;
	default:
		if (event->kind == HF_EVENT_REGISTER || event->old || event->new_value)
			printf(" %#" PRIx64 " -> %#" PRIx64, event->old, event->new_value);
		break;
	}
}

static void print_event(int fd, const struct hf_event *event)
{
	printf("%5" PRIu64 "  cpu %u cpl %u  %-11s", event->sequence, event->cpu, event->cpl,
	       name_event(event->kind));
	if (event->action != HF_ACTION_NONE)
		printf(" %s", name_action(event->action));
	if (event->access != HF_ACCESS_NONE)
		printf(" %s", name_access(event->access));
	if (event->asset != HF_ASSET_NONE)
		printf(" \"%s\"", asset_name(fd, event->asset));
	print_values(event);
	if (event->rip)
		printf(" rip %#" PRIx64, event->rip);
	if (event->va)
		printf(" va %#" PRIx64, event->va);
	if (event->gpa)
		printf(" gpa %#" PRIx64, event->gpa);
	if (event->repeat)
		printf(" and %u more", event->repeat);
	printf("\n");
}

static int show(struct reader *reader, const struct hf_event *event)
{
	json_t *json;

	if (!reader->options->json) {
		print_event(reader->fd, event);
		return CLI_OK;
	}
	json = event_json(reader->fd, event);
	if (!reader->list)
		return output_json(json);
	return json_array_append_new(reader->list, json) ? CLI_FAILED : CLI_OK;
}

/* Shows one page of events. How many, or a negative errno; @ret: enum cli_exit of showing. */
static int show_page(struct reader *reader, int *ret)
{
	static struct hf_event page[HF_EVENTS_PER_PAGE];
	int i, count = device_query(reader->fd, HF_CALL_EVENTS, reader->next, page);

	if (count > (int)HF_EVENTS_PER_PAGE)
		count = HF_EVENTS_PER_PAGE;
	for (i = 0; i < count && *ret == CLI_OK; i++) {
		if (page[i].version != HF_EVENT_VERSION || page[i].size != sizeof(page[i])) {
			*ret = output_failure(reader->options, CLI_FAILED, "abi",
					      "the hypervisor's events are of another version");
			break;
		}
		*ret = show(reader, &page[i]);
		reader->next = page[i].sequence + 1;
	}
	return count;
}

/* Everything there is from next on. */
static int show_all(struct reader *reader)
{
	uint64_t seen = 0;
	int count, ret = CLI_OK;

	do {
		count = show_page(reader, &ret);
		if (count > 0)
			seen += count;
	} while (count > 0 && ret == CLI_OK && seen < HF_EVENT_CAPACITY);
	if (count < 0)
		return device_failure(reader->options, "events", count);
	if (ret == CLI_OK && fflush(stdout))
		ret = output_failure(reader->options, CLI_FAILED, "output",
				     "cannot write to standard output");
	return ret;
}

static void note_lost(const struct hf_info *info, uint64_t *lost)
{
	if (info->events_lost != *lost)
		fprintf(stderr,
			"holdfast: %" PRIu64 " events found no room and were only counted\n",
			info->events_lost);
	*lost = info->events_lost;
}

/* Until interrupted. */
static int follow(struct reader *reader)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
	uint64_t lost = 0;
	int ret = CLI_OK;

	while (ret == CLI_OK) {
		struct hf_info info;
		int err = device_get(reader->fd, HF_CALL_INFO, 0, &info, sizeof(info));

		if (err < 0)
			return device_failure(reader->options, "information", err);
		if (info.events - info.events_lost >= reader->next)
			ret = show_all(reader);
		note_lost(&info, &lost);
		nanosleep(&pause, NULL);
	}
	return ret;
}

static int list(struct reader *reader, const struct hf_info *info)
{
	uint64_t lost = 0;
	int ret;

	if (reader->options->json)
		reader->list = json_array();
	ret = show_all(reader);
	if (ret != CLI_OK) {
		json_decref(reader->list);
		return ret;
	}
	if (reader->options->json)
		return output_json(json_pack("{s:o, s:I}", "events", reader->list, "lost",
					     (json_int_t)info->events_lost));
	note_lost(info, &lost);
	return CLI_OK;
}

int cli_events(const struct options *options)
{
	struct reader reader = { .options = options, .next = 1 };
	struct hf_info info;
	int ret;

	reader.fd = device_open_launched(options, &info);
	if (reader.fd < 0)
		return -reader.fd;
	ret = options->follow ? follow(&reader) : list(&reader, &info);
	close(reader.fd);
	return ret;
}
