// SPDX-License-Identifier: GPL-2.0-only
#include "elf.h"
#include "modinfo.h"

/* The value of @key in strings "key=value", or NULL. The last string must be ended. */
static const char *field(const struct section *info, const char *key)
{
	const char *at = (const char *)info->file, *end = at + info->size;
	size_t length = strlen(key);

	while (at < end) {
		if (!strncmp(at, key, length) && at[length] == '=')
			return at + length + 1;
		at += strlen(at) + 1;
	}
	return NULL;
}

static const struct section *find(const struct module *module)
{
	u32 i;

	for (i = 1; i < module->sections; i++)
		if (!strcmp(module->section[i].name, ".modinfo"))
			return &module->section[i];
	return NULL;
}

int modinfo_check(struct module *module)
{
	const struct section *info = find(module);
	const char *version, *name;

	if (!info || info->type == ELF_NOBITS || !info->size || info->file[info->size - 1])
		return module_refuse(module, HF_REFUSAL_FILE);
	if (field(info, "livepatch"))
		return module_refuse(module, HF_REFUSAL_MODE);
	version = field(info, "vermagic");
	/* One key signs for many kernels: an older module, known to be weak, is as well signed. */
	if (!version ||
	    strncmp(version, (const char *)module->facts->vermagic, HF_VERMAGIC_MAX))
		return module_refuse(module, HF_REFUSAL_VERSION);
	name = field(info, "name");
	if (!name || strlen(name) >= HF_MODULE_NAME)
		return module_refuse(module, HF_REFUSAL_FILE);
	memcpy(module->result->name, name, strlen(name));
	return 0;
}
