// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "asset.h"
#include "device.h"
#include "output.h"

#define CACHE_SIZE 64u

/* Refilled from the start when full. Used by one thread. */
static struct {
	uint32_t id;
	char name[sizeof(((struct hf_asset *)0)->name)];
} cache[CACHE_SIZE];
static unsigned int cached, next;

const char *asset_name(int fd, uint32_t id)
{
	struct hf_asset asset;
	unsigned int i;

	if (id == HF_ASSET_NONE)
		return "";
	for (i = 0; i < cached; i++)
		if (cache[i].id == id)
			return cache[i].name;
	i = next;
	next = (next + 1) % CACHE_SIZE;
	if (cached < CACHE_SIZE)
		cached++;
	cache[i].id = id;
	if (device_get(fd, HF_CALL_ASSET, id, &asset, sizeof(asset)) < 0)
		snprintf(cache[i].name, sizeof(cache[i].name), "asset %#x", id);
	else
		output_text(cache[i].name, asset.name, sizeof(asset.name));
	return cache[i].name;
}
