// SPDX-License-Identifier: GPL-2.0-only
#include <hv/string.h>

#include "decode.h"

/* REX prefix and ModRM/SIB fields: APM vol. 3, 1.2.7 and 1.4. */
#define REX_B 1
#define REX_X 2
#define REX_R 4
#define REX_W 8

#define PREFIX_FS      0x64
#define PREFIX_GS      0x65
#define PREFIX_OPERAND 0x66
#define PREFIX_ADDRESS 0x67
#define PREFIX_REPNE   0xf2
#define PREFIX_REP     0xf3

/* A cursor over the bytes; reading past the end poisons it instead of faulting. */
struct cursor {
	const u8 *bytes;
	size_t size;
	size_t at;
	bool bad;
};

struct prefixes {
	u8 rex;
	u8 segment; /* PREFIX_FS, PREFIX_GS or 0 */
	bool address32;
	bool operand16;
	bool rep;
	bool repne;
	u8 immediate; /* bytes behind the address */
};

struct modrm {
	u8 mod, reg, rm;
};

static u8 next(struct cursor *c)
{
	if (c->at >= c->size) {
		c->bad = true;
		return 0;
	}
	return c->bytes[c->at++];
}

static s64 next_signed(struct cursor *c, unsigned int bytes)
{
	u64 value = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		value |= (u64)next(c) << (8 * i);
	return bytes == 1 ? (s64)(int8_t)value : (s64)(s32)value;
}

static bool is_legacy_prefix(u8 byte)
{
	/* CS, DS, ES and SS mean nothing in 64-bit mode. */
	return (byte & 0xe7) == 0x26 || (byte >= PREFIX_FS && byte <= PREFIX_ADDRESS) ||
	       byte == PREFIX_REPNE || byte == PREFIX_REP;
}

/* Returns the first byte of the opcode. LOCK is no prefix of ours: it makes MOV mean CR8. */
static u8 read_prefixes(struct cursor *c, struct prefixes *p)
{
	u8 byte = next(c);

	for (; is_legacy_prefix(byte); byte = next(c)) {
		if (byte == PREFIX_FS || byte == PREFIX_GS)
			p->segment = byte;
		p->address32 |= byte == PREFIX_ADDRESS;
		p->operand16 |= byte == PREFIX_OPERAND;
		p->rep |= byte == PREFIX_REP;
		p->repne |= byte == PREFIX_REPNE;
	}
	if ((byte & 0xf0) == 0x40) {
		p->rex = byte;
		byte = next(c);
	}
	return byte;
}

static struct modrm read_modrm(struct cursor *c)
{
	u8 byte = next(c);

	return (struct modrm){ byte >> 6, byte >> 3 & 7, byte & 7 };
}

static u64 read_sib(struct cursor *c, u8 mod, u8 rex, const struct gprs *gprs)
{
	u8 byte = next(c);
	u8 index = (byte >> 3 & 7) | (rex & REX_X ? 8 : 0);
	u8 base = byte & 7;
	u64 sum = 0;

	if (index != GPR_RSP)
		sum = gprs->r[index] << (byte >> 6);
	if (base == GPR_RBP && mod == 0)
		return sum + next_signed(c, 4);
	return sum + gprs->r[base | (rex & REX_B ? 8 : 0)];
}

/* APM vol. 3, tables 1-14 to 1-16 (64-bit addressing). */
static u64 read_address(struct cursor *c, struct modrm m, const struct prefixes *p,
			const struct decode_context *context)
{
	bool rip_relative = m.mod == 0 && m.rm == GPR_RBP;
	u64 sum;

	if (m.rm == GPR_RSP)
		sum = read_sib(c, m.mod, p->rex, context->gprs);
	else if (rip_relative)
		sum = next_signed(c, 4);
	else
		sum = context->gprs->r[m.rm | (p->rex & REX_B ? 8 : 0)];
	if (m.mod == 1)
		sum += next_signed(c, 1);
	if (m.mod == 2)
		sum += next_signed(c, 4);
	if (rip_relative) /* to the next instruction */
		sum += context->rip + c->at + p->immediate;
	if (p->address32)
		sum = (u32)sum;
	if (p->segment == PREFIX_FS)
		sum += context->fs_base;
	if (p->segment == PREFIX_GS)
		sum += context->gs_base;
	return sum;
}

static enum operation group7(struct modrm m)
{
	if (m.reg == 6)
		return OP_LMSW;
	if (m.reg == 2 && m.mod != 3)
		return OP_LGDT;
	if (m.reg == 3 && m.mod != 3)
		return OP_LIDT;
	return OP_OTHER;
}

static int read_operation(struct cursor *c, const struct prefixes *p,
			  const struct decode_context *context, struct instruction *i)
{
	u8 opcode = next(c);
	struct modrm m;

	switch (opcode) {
	case 0x06:
		i->operation = OP_CLTS;
		return 0;
	case 0x30: /* WRMSR */
	case 0x32: /* RDMSR */
		i->operation = OP_OTHER;
		return 0;
	case 0x20:
	case 0x22:
		m = read_modrm(c);
		i->operation = opcode == 0x20 ? OP_READ_CR : OP_MOV_TO_CR;
		i->cr = m.reg | (p->rex & REX_R ? 8 : 0);
		/* mod is ignored: always a register (APM vol. 3, MOV CRn). */
		i->gpr = m.rm | (p->rex & REX_B ? 8 : 0);
		return 0;
	case 0x00:
	case 0x01:
		m = read_modrm(c);
		if (opcode == 0x01)
			i->operation = group7(m);
		else
			i->operation = m.reg == 3 ? OP_LTR : OP_OTHER;
		i->memory = m.mod != 3;
		if (i->memory)
			i->address = gva(read_address(c, m, p, context));
		else
			i->gpr = m.rm | (p->rex & REX_B ? 8 : 0);
		return 0;
	default:
		return -HF_EINVAL;
	}
}

static u8 store_width(u8 opcode, const struct prefixes *p)
{
	if (!(opcode & 1))
		return 1;
	if (p->rex & REX_W)
		return 8;
	return p->operand16 ? 2 : 4;
}

/* Of one byte without REX, 4 to 7 are AH, CH, DH and BH: APM vol. 3, 2.3.1. */
static u64 store_source(u8 width, u8 reg, const struct prefixes *p, const struct gprs *gprs)
{
	if (width == 1 && !p->rex && reg >= 4)
		return gprs->r[reg - 4] >> 8;
	return gprs->r[reg | (p->rex & REX_R ? 8 : 0)];
}

/* MOV to memory, as drivers write registers of devices. */
static int read_store(struct cursor *c, u8 opcode, struct prefixes *p,
		      const struct decode_context *context, struct instruction *i)
{
	struct modrm m = read_modrm(c);
	bool constant = opcode >= 0xc6;

	if (m.mod == 3 || p->rep || p->repne || (constant && m.reg))
		return -HF_EINVAL;
	i->operation = OP_STORE;
	i->memory = true;
	i->width = store_width(opcode, p);
	if (constant)
		p->immediate = i->width < 4 ? i->width : 4;
	i->address = gva(read_address(c, m, p, context));
	i->value = constant ? (u64)next_signed(c, p->immediate)
			    : store_source(i->width, m.reg, p, context->gprs);
	i->value &= ~0ull >> (64 - 8 * i->width);
	return 0;
}

/* MOVS, as memcpy is made of: in the form that compilers and kernels write. */
static int read_string(u8 opcode, const struct prefixes *p,
		       const struct decode_context *context, struct instruction *i)
{
	if (p->repne || p->address32 || p->segment)
		return -HF_EINVAL;
	i->operation = OP_MOVS;
	i->memory = true;
	i->width = store_width(opcode, p);
	i->repeat = p->rep;
	i->address = gva(context->gprs->r[GPR_RDI]);
	return 0;
}

int decode(const u8 *bytes, size_t size, const struct decode_context *context,
	   struct instruction *instruction)
{
	struct cursor c = { bytes, size < DECODE_MAX ? size : DECODE_MAX, 0, false };
	struct prefixes p = { 0 };
	int error = -HF_EINVAL;
	u8 opcode;

	memset(instruction, 0, sizeof(*instruction));
	opcode = read_prefixes(&c, &p);
	if (opcode == 0x0f)
		error = read_operation(&c, &p, context, instruction);
	else if ((opcode & 0xfe) == 0x88 || (opcode & 0xfe) == 0xc6)
		error = read_store(&c, opcode, &p, context, instruction);
	else if ((opcode & 0xfe) == 0xa4)
		error = read_string(opcode, &p, context, instruction);
	if (error || c.bad)
		return -HF_EINVAL;
	instruction->length = c.at;
	return 0;
}
