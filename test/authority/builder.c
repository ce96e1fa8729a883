// SPDX-License-Identifier: GPL-2.0-only
#include <assert.h>

#include "builder.h"

static u32 string(struct builder *builder, const char *name)
{
	u32 at = builder->used;

	assert(at + strlen(name) < sizeof(builder->strings));
	memcpy(builder->strings + at, name, strlen(name) + 1);
	builder->used += (u32)strlen(name) + 1;
	return at;
}

void builder_start(struct builder *builder)
{
	memset(builder, 0, sizeof(*builder));
	builder->sections = 1;
	builder->symbols = 1;
	builder->used = 1;
}

u32 builder_add(struct builder *builder, const char *name, u64 flags, const void *bytes,
		u64 size)
{
	struct builder_section *section = &builder->section[builder->sections];

	assert(builder->sections < BUILDER_SECTIONS && size <= BUILDER_BYTES);
	section->name = name;
	section->type = ELF_PROGBITS;
	section->flags = flags;
	section->align = 8;
	section->size = size;
	if (bytes)
		memcpy(section->bytes, bytes, size);
	return builder->sections++;
}

u64 builder_append(struct builder *builder, u32 number, const void *bytes, u64 size)
{
	struct builder_section *section = &builder->section[number];
	u64 at = section->size;

	assert(at + size <= BUILDER_BYTES);
	memcpy(section->bytes + at, bytes, size);
	section->size += size;
	return at;
}

u32 builder_symbol(struct builder *builder, const char *name, u32 section, u64 value, u8 info)
{
	u8 *symbol = builder->symbol[builder->symbols];
	u16 number = (u16)section;

	assert(builder->symbols < BUILDER_SYMBOLS);
	put32(symbol, string(builder, name));
	symbol[4] = info;
	memcpy(symbol + 6, &number, sizeof(number));
	put64(symbol + 8, value);
	return builder->symbols++;
}

void builder_relocate(struct builder *builder, u32 number, u64 offset, u32 type, u32 symbol,
		      s64 addend)
{
	struct builder_section *section = &builder->section[number];
	u8 *rela = section->rela[section->relas++];

	assert(section->relas <= BUILDER_RELAS);
	put64(rela, offset);
	put32(rela + 8, type);
	put32(rela + 12, symbol);
	put64(rela + 16, (u64)addend);
}

/* ---- the file ---- */

struct output {
	u8 *file;
	u64 room;
	u64 used;
	u8 headers[(2 * BUILDER_SECTIONS + 4) * 64];
	u32 count;
	char names[4096];
	u32 named;
};

static void header(struct output *out, const char *name, u32 type, u64 flags, const void *bytes,
		   u64 size, u32 link, u32 info)
{
	u8 *at = out->headers + out->count++ * 64;

	out->used = (out->used + 15) & ~15ull;
	assert(out->used + size <= out->room);
	assert(out->named + strlen(name) + 8 < sizeof(out->names));
	put32(at, out->named);
	memcpy(out->names + out->named, name, strlen(name) + 1);
	out->named += (u32)strlen(name) + 1;
	put32(at + 4, type);
	put64(at + 8, flags);
	put64(at + 24, out->used);
	put64(at + 32, size);
	put32(at + 40, link);
	put32(at + 44, info);
	put64(at + 48, 8);
	memcpy(out->file + out->used, bytes, size);
	out->used += size;
}

u64 builder_finish(const struct builder *builder, u8 *file, u64 room)
{
	static const u8 magic[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	struct output out = { .file = file, .room = room, .used = 64, .count = 1, .named = 1 };
	u32 i, table = builder->sections;
	const struct builder_section *section;

	memset(file, 0, 64);
	memcpy(file, magic, sizeof(magic));
	for (i = 1; i < builder->sections; i++) {
		section = &builder->section[i];
		header(&out, section->name, section->type, section->flags, section->bytes,
		       section->size, 0, 0);
	}
	header(&out, ".symtab", ELF_SYMTAB, 0, builder->symbol,
	       (u64)builder->symbols * ELF_SYMBOL_SIZE, table + 1, 1);
	header(&out, ".strtab", ELF_STRTAB, 0, builder->strings, builder->used, 0, 0);
	for (i = 1; i < builder->sections; i++)
		if (builder->section[i].relas)
			header(&out, ".rela", ELF_RELA, 0, builder->section[i].rela,
			       (u64)builder->section[i].relas * ELF_RELA_SIZE, table, i);
	header(&out, ".shstrtab", ELF_STRTAB, 0, out.names, out.named + 10, 0, 0);
	out.used = (out.used + 15) & ~15ull;
	assert(out.used + out.count * 64 <= room);
	memcpy(file + out.used, out.headers, out.count * 64);
	memcpy(file + 16, (const u8[]){ 1, 0, 62, 0 }, 4);
	put64(file + 40, out.used);
	memcpy(file + 58, (const u16[]){ 64, (u16)out.count, (u16)(out.count - 1) }, 6);
	return out.used + out.count * 64;
}
