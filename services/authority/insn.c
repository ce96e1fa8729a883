// SPDX-License-Identifier: GPL-2.0-only
/* Opcode maps: AMD64 APM volume 3, appendix A.2; VEX and EVEX: Intel SDM volume 2, 2.3 and 2.7. */
#include "insn.h"

/* One bit for each opcode, lowest first. */
#define BIT(map, opcode) ((map)[(opcode) >> 5] >> ((opcode)&31) & 1)

/* One-byte map. Immediates of 4 bytes are of 2 with an operand-size prefix, but in branches. */
static const u32 one_modrm[8] = { 0x0f0f0f0f, 0x0f0f0f0f, 0x00000000, 0x00000a08,
				  0x0000ffff, 0x00000000, 0xff0f00c3, 0xc0c00000 };
static const u32 one_imm8[8] = { 0x10101010, 0x10101010, 0x00000000, 0xffff0c00,
				 0x00000009, 0x00ff0100, 0x00002043, 0x000008ff };
static const u32 one_imm4[8] = { 0x20202020, 0x20202020, 0x00000000, 0x00000300,
				 0x00000002, 0x00000200, 0x00000080, 0x00000300 };
/* Two-byte map. */
static const u32 two_plain[8] = { 0x00004be0, 0x00bf0000, 0x00000000, 0x00800000,
				  0x0000ffff, 0x00000707, 0x0000ff00, 0x00000000 };
static const u32 two_imm8[8] = { 0x00000000, 0x00000000, 0x00000000, 0x000f0000,
				 0x00000000, 0x04001010, 0x00000074, 0x00000000 };

struct decoder {
	const u8 *at;
	u64 size;
	u32 next;
	bool operand16, address32, wide;
	bool modrm, legacy;
	u32 immediate;
};

static bool take(struct decoder *d, u8 *byte)
{
	if (d->next >= d->size || d->next >= 15)
		return false;
	*byte = d->at[d->next++];
	return true;
}

static bool is_prefix(u8 byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 ||
	       byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 ||
	       byte == 0x65;
}

/* Prefixes and REX; leaves the byte behind them. */
static bool prefixes(struct decoder *d, struct insn *insn, u8 *byte)
{
	do {
		if (!take(d, byte))
			return false;
		if (is_prefix(*byte) && !insn->prefix)
			insn->prefix = *byte;
		d->operand16 |= *byte == 0x66;
		d->address32 |= *byte == 0x67;
	} while (is_prefix(*byte));
	if ((*byte & 0xf0) != 0x40)
		return true;
	d->wide = *byte & 8;
	return take(d, byte);
}

static u32 immediate_of(const struct decoder *d, u8 opcode)
{
	if (BIT(one_imm8, opcode))
		return 1;
	if (BIT(one_imm4, opcode))
		return d->operand16 && opcode != INSN_CALL && opcode != INSN_JMP32 ? 2 : 4;
	if (opcode >= 0xb8 && opcode <= 0xbf)
		return d->wide ? 8 : d->operand16 ? 2 : 4;
	if (opcode >= 0xa0 && opcode <= 0xa3)
		return d->address32 ? 4 : 8;
	if (opcode == 0xc2 || opcode == 0xca)
		return 2;
	return opcode == 0xc8 ? 3 : 0;
}

/* 0f and what follows it. */
static bool escape(struct decoder *d, struct insn *insn)
{
	u8 opcode, third;

	if (!take(d, &opcode))
		return false;
	insn->opcode[1] = opcode;
	d->modrm = true;
	if (opcode == 0x38 || opcode == 0x3a) {
		d->immediate = opcode == 0x3a;
		return take(d, &third);
	}
	d->modrm = !BIT(two_plain, opcode);
	if ((opcode & 0xf0) == 0x80)
		d->immediate = 4;
	else
		d->immediate = BIT(two_imm8, opcode);
	return true;
}

/* VEX and EVEX: no prefix tells of an operand size, the map is in a field. */
static bool extended(struct decoder *d, struct insn *insn, u8 first)
{
	u32 bytes = first == 0xc5 ? 1 : first == 0xc4 ? 2 : 3, map = 1, i;
	u8 byte;

	for (i = 0; i < bytes; i++) {
		if (!take(d, &byte))
			return false;
		if (i == 0 && first != 0xc5)
			map = byte & (first == 0xc4 ? 0x1f : 7);
	}
	if (!take(d, &insn->opcode[0]))
		return false;
	d->modrm = map != 1 || insn->opcode[0] != 0x77;
	d->immediate = map == 3 || (map == 1 && BIT(two_imm8, insn->opcode[0]));
	return true;
}

static bool operands(struct decoder *d, struct insn *insn)
{
	u8 modrm, mod, base = 0, skip;

	if (!take(d, &modrm))
		return false;
	mod = modrm >> 6;
	/* TEST of the groups f6 and f7 alone has an immediate. */
	if (d->legacy && (insn->opcode[0] & 0xfe) == 0xf6 && (modrm & 0x38) < 0x10)
		d->immediate = insn->opcode[0] == 0xf6 ? 1 : d->operand16 ? 2 : 4;
	if (mod == 3)
		return true;
	if ((modrm & 7) == 4) {
		if (!take(d, &base))
			return false;
		base &= 7;
	}
	if (mod == 1)
		insn->displacement_size = 1;
	else if (mod == 2 || (modrm & 7) == 5 || base == 5)
		insn->displacement_size = 4;
	insn->rip_relative = mod == 0 && (modrm & 7) == 5;
	insn->displacement = (u8)d->next;
	for (mod = 0; mod < insn->displacement_size; mod++)
		if (!take(d, &skip))
			return false;
	return true;
}

bool insn_decode(const u8 *at, u64 size, struct insn *insn)
{
	struct decoder d = { .at = at, .size = size };
	u8 byte, skip;
	u32 i;

	memset(insn, 0, sizeof(*insn));
	if (!prefixes(&d, insn, &byte))
		return false;
	if (byte == 0xc4 || byte == 0xc5 || byte == 0x62) {
		if (!extended(&d, insn, byte))
			return false;
	} else {
		insn->opcode[0] = byte;
		d.legacy = true;
		d.modrm = BIT(one_modrm, byte);
		d.immediate = immediate_of(&d, byte);
		if (byte == INSN_ESCAPE && !escape(&d, insn))
			return false;
	}
	if (d.modrm && !operands(&d, insn))
		return false;
	insn->immediate = (u8)d.next;
	insn->immediate_size = (u8)d.immediate;
	for (i = 0; i < d.immediate; i++)
		if (!take(&d, &skip))
			return false;
	insn->length = (u8)d.next;
	return true;
}
