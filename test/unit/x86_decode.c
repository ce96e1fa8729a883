// SPDX-License-Identifier: GPL-2.0-only
/* The decoder: a table of encodings, and capstone's opinion of all others. */
#include <stdlib.h>
#include <string.h>
#include <capstone/capstone.h>
#include <hv/arch/x86/common/decode.h>
#include "unit.h"

#define RANDOM_STRINGS 1000000
#define RIP	       0xffffffff81234567ull
#define FS_BASE	       0x00007f1122334000ull
#define GS_BASE	       0xffff888100000000ull

static struct gprs gprs;
static const struct decode_context context = { &gprs, RIP, FS_BASE, GS_BASE };

/* Values no sum of which is another's, with both halves in use. */
static int setup(void **ctx)
{
	int i;

	(void)ctx;
	for (i = 0; i < GPR_COUNT; i++)
		gprs.r[i] = 0xfedc000080000000ull + 0x0123456789abull * (i + 3) * (2 * i + 1);
	return 0;
}

/* From a copy with nothing behind it: reading further is found by the sanitizer. */
static int decode_exact(const u8 *bytes, size_t size, struct instruction *i)
{
	u8 *copy = malloc(size ? size : 1);
	int error;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	error = decode(size ? copy : copy + 1, size, &context, i);
	free(copy);
	return error;
}

/* ---- a table ---- */

/* Sums are computed here by hand, in the words of the manual: base + index * scale + disp. */
#define R(n)	  (gprs.r[n])
#define NEXT(len) (RIP + (len))

struct encoding {
	const char *bytes;
	size_t size;
	enum operation operation;
	u8 cr, gpr;
};

#define BYTES(s) s, sizeof(s) - 1

/* Without memory. */
static const struct encoding plain[] = {
	{ BYTES("\x0f\x06"), OP_CLTS, 0, 0 },
	{ BYTES("\x48\x0f\x06"), OP_CLTS, 0, 0 },
	{ BYTES("\x66\xf2\xf3\x2e\x0f\x06"), OP_CLTS, 0, 0 },
	{ BYTES("\x0f\x30"), OP_OTHER, 0, 0 },
	{ BYTES("\x0f\x32"), OP_OTHER, 0, 0 },
	{ BYTES("\x0f\x22\xc0"), OP_MOV_TO_CR, 0, GPR_RAX },
	{ BYTES("\x0f\x22\xe7"), OP_MOV_TO_CR, 4, GPR_RDI },
	{ BYTES("\x0f\x22\xc4"), OP_MOV_TO_CR, 0, GPR_RSP },
	{ BYTES("\x41\x0f\x22\xc4"), OP_MOV_TO_CR, 0, GPR_R12 },
	{ BYTES("\x44\x0f\x22\xc0"), OP_MOV_TO_CR, 8, GPR_RAX },
	{ BYTES("\x4f\x0f\x22\xdf"), OP_MOV_TO_CR, 11, GPR_R15 },
	{ BYTES("\x42\x0f\x22\xc1"), OP_MOV_TO_CR, 0, GPR_RCX },
	/* mod is ignored, nothing follows */
	{ BYTES("\x0f\x22\x05"), OP_MOV_TO_CR, 0, GPR_RBP },
	{ BYTES("\x0f\x22\x84"), OP_MOV_TO_CR, 0, GPR_RSP },
	{ BYTES("\x66\x0f\x22\xc0"), OP_MOV_TO_CR, 0, GPR_RAX },
	{ BYTES("\x0f\x20\xc0"), OP_READ_CR, 0, GPR_RAX },
	{ BYTES("\x41\x0f\x20\xc4"), OP_READ_CR, 0, GPR_R12 },
	{ BYTES("\x44\x0f\x20\x05"), OP_READ_CR, 8, GPR_RBP },
	{ BYTES("\x0f\x00\xd8"), OP_LTR, 0, GPR_RAX },
	{ BYTES("\x66\x41\x0f\x00\xdf"), OP_LTR, 0, GPR_R15 },
	{ BYTES("\x0f\x00\xd0"), OP_OTHER, 0, GPR_RAX }, /* lldt */
	{ BYTES("\x0f\x01\xd0"), OP_OTHER, 0, GPR_RAX }, /* xgetbv: not LGDT */
	{ BYTES("\x0f\x01\xf0"), OP_LMSW, 0, GPR_RAX },
	{ BYTES("\x41\x0f\x01\xf7"), OP_LMSW, 0, GPR_R15 },
	{ BYTES("\x44\x0f\x01\xf7"), OP_LMSW, 0, GPR_RDI },
	{ BYTES("\x0f\x01\xd9"), OP_OTHER, 0, GPR_RCX }, /* vmmcall: not LIDT */
	{ BYTES("\x0f\x01\xd8"), OP_OTHER, 0, GPR_RAX }, /* vmrun */
	{ BYTES("\x0f\x01\xf8"), OP_OTHER, 0, GPR_RAX }, /* swapgs */
	/* 15 bytes */
	{ BYTES("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x0f\x06"), OP_CLTS, 0,
	  0 },
	{ BYTES("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x4d\x0f\x22\xe2"), OP_MOV_TO_CR,
	  12, GPR_R10 },
};

/* With memory. */
static const struct {
	const char *bytes;
	size_t size;
	enum operation operation;
	u8 base, index, shift; /* GPR_COUNT: none */
	s32 displacement;
	bool rip, address32;
	u64 segment;
} memory[] = {
#define NO GPR_COUNT
	{ BYTES("\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x0f\x01\x1f"), OP_LIDT, GPR_RDI, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x41\x0f\x01\x1f"), OP_LIDT, GPR_R15, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x0f\x01\x58\x7f"), OP_LIDT, GPR_RAX, NO, 0, 127, 0, 0, 0 },
	{ BYTES("\x0f\x01\x58\x80"), OP_LIDT, GPR_RAX, NO, 0, -128, 0, 0, 0 },
	{ BYTES("\x0f\x01\x5d\x00"), OP_LIDT, GPR_RBP, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x0f\x01\x9b\x78\x56\x34\x12"), OP_LIDT, GPR_RBX, NO, 0, 0x12345678, 0, 0, 0 },
	{ BYTES("\x0f\x01\x9b\xff\xff\xff\xff"), OP_LIDT, GPR_RBX, NO, 0, -1, 0, 0, 0 },
	{ BYTES("\x0f\x01\x1d\x10\x00\x00\x00"), OP_LIDT, NO, NO, 0, 16, 1, 0, 0 },
	{ BYTES("\x41\x0f\x01\x1d\xf0\xff\xff\xff"), OP_LIDT, NO, NO, 0, -16, 1, 0, 0 },
	{ BYTES("\x67\x0f\x01\x1d\x10\x00\x00\x00"), OP_LIDT, NO, NO, 0, 16, 1, 1, 0 },
	/* SIB */
	{ BYTES("\x0f\x01\x1c\x24"), OP_LIDT, GPR_RSP, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x41\x0f\x01\x1c\x24"), OP_LIDT, GPR_R12, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x0f\x01\x1c\x48"), OP_LIDT, GPR_RAX, GPR_RCX, 1, 0, 0, 0, 0 },
	{ BYTES("\x42\x0f\x01\x1c\xe0"), OP_LIDT, GPR_RAX, GPR_R12, 3, 0, 0, 0, 0 },
	{ BYTES("\x0f\x01\x1c\x25\x00\x10\x60\xff"), OP_LIDT, NO, NO, 0, -0x9ff000, 0, 0, 0 },
	{ BYTES("\x41\x0f\x01\x1c\x25\x00\x10\x60\x7f"), OP_LIDT, NO, NO, 0, 0x7f601000, 0, 0,
	  0 },
	{ BYTES("\x0f\x01\x1c\x95\x04\x00\x00\x00"), OP_LIDT, NO, GPR_RDX, 2, 4, 0, 0, 0 },
	{ BYTES("\x0f\x01\x5c\x95\x04"), OP_LIDT, GPR_RBP, GPR_RDX, 2, 4, 0, 0, 0 },
	{ BYTES("\x41\x0f\x01\x5c\x95\xfc"), OP_LIDT, GPR_R13, GPR_RDX, 2, -4, 0, 0, 0 },
	{ BYTES("\x4b\x0f\x01\x9c\xef\x00\x00\x00\x80"), OP_LIDT, GPR_R15, GPR_R13, 3,
	  -0x7fffffff - 1, 0, 0, 0 },
	/* prefixes */
	{ BYTES("\x64\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 0, FS_BASE },
	{ BYTES("\x65\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 0, GS_BASE },
	{ BYTES("\x64\x65\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 0, GS_BASE },
	{ BYTES("\x65\x64\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 0, FS_BASE },
	/* null segments are ignored, those before them not: APM vol. 3, 1.2.4 */
	{ BYTES("\x65\x3e\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 0, GS_BASE },
	{ BYTES("\x26\x2e\x36\x3e\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x67\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 1, 0 },
	{ BYTES("\x65\x67\x0f\x01\x5c\x95\x04"), OP_LIDT, GPR_RBP, GPR_RDX, 2, 4, 0, 1,
	  GS_BASE },
	{ BYTES("\x66\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x4c\x0f\x01\x18"), OP_LIDT, GPR_RAX, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x0f\x01\x30"), OP_LMSW, GPR_RAX, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x65\x41\x0f\x01\x74\x24\x08"), OP_LMSW, GPR_R12, NO, 0, 8, 0, 0, GS_BASE },
	{ BYTES("\x0f\x01\x10"), OP_LGDT, GPR_RAX, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x65\x41\x0f\x01\x54\x24\x08"), OP_LGDT, GPR_R12, NO, 0, 8, 0, 0, GS_BASE },
	{ BYTES("\x0f\x00\x1d\x10\x00\x00\x00"), OP_LTR, NO, NO, 0, 16, 1, 0, 0 },
	{ BYTES("\x0f\x00\x18"), OP_LTR, GPR_RAX, NO, 0, 0, 0, 0, 0 },
	{ BYTES("\x0f\x00\x10"), OP_OTHER, GPR_RAX, NO, 0, 0, 0, 0, 0 }, /* lldt */
	{ BYTES("\x0f\x01\x38"), OP_OTHER, GPR_RAX, NO, 0, 0, 0, 0, 0 }, /* invlpg */
	/* 15 bytes, the last four of them displacement */
	{ BYTES("\x65\x66\x66\x66\x66\x66\x4a\x0f\x01\x9c\xc0\xff\xff\xff\x7f"), OP_LIDT,
	  GPR_RAX, GPR_R8, 3, 0x7fffffff, 0, 0, GS_BASE },
};

static const struct {
	const char *bytes;
	u8 size;
} refused[] = {
	{ BYTES("\x90") },		   /* nop */
	{ BYTES("\xf0\x0f\x22\xc0") },	   /* LOCK MOV CR0 is MOV CR8: APM vol. 3 */
	{ BYTES("\x66\xf0\x0f\x22\xc0") }, /* wherever it stands */
	{ BYTES("\xf0\x41\x0f\x01\x18") }, /* LOCK LIDT faults */
	{ BYTES("\x0f\x21\xc0") },	   /* mov from dr0 */
	{ BYTES("\xf0\x0f\x20\xc0") },	   /* LOCK MOV from CR0 is from CR8 */
	{ BYTES("\x0f\x23\xc0") },	   /* mov to dr0 */
	{ BYTES("\x0f\x0f\xc0\x00") },	   /* 3DNow! */
	{ BYTES("\x22\xc0") },		   /* and al, al */
	{ BYTES("\x41\x66\x0f\x22\xc0") }, /* REX before a prefix is void: no assembler does it */
	{ BYTES("\x41\x41\x0f\x22\xc0") },     /* and so before another REX */
	{ BYTES("\xc4\xe1\x78\x22\xc0\x00") }, /* VEX */
	{ BYTES("\xcd\x06") },		       /* int 6 */
};

static u64 sum_of(size_t k)
{
	u64 sum = memory[k].displacement;

	if (memory[k].base != NO)
		sum += R(memory[k].base);
	if (memory[k].index != NO)
		sum += R(memory[k].index) << memory[k].shift;
	if (memory[k].rip)
		sum += NEXT(memory[k].size);
	if (memory[k].address32)
		sum = (u32)sum;
	return sum + memory[k].segment;
}

static void table(void **ctx)
{
	struct instruction i;
	size_t k;

	(void)ctx;
	for (k = 0; k < ARRAY_SIZE(plain); k++) {
		assert_int_equal(decode_exact((const u8 *)plain[k].bytes, plain[k].size, &i),
				 0);
		assert_int_equal(i.operation, plain[k].operation);
		assert_int_equal(i.length, plain[k].size);
		assert_int_equal(i.cr, plain[k].cr);
		assert_int_equal(i.gpr, plain[k].gpr);
		assert_false(i.memory);
	}
	for (k = 0; k < ARRAY_SIZE(memory); k++) {
		assert_int_equal(decode_exact((const u8 *)memory[k].bytes, memory[k].size, &i),
				 0);
		assert_int_equal(i.operation, memory[k].operation);
		assert_int_equal(i.length, memory[k].size);
		assert_true(i.memory);
		if (i.address.raw != sum_of(k))
			fail_msg("memory[%zu]: %llx, not %llx", k,
				 (unsigned long long)i.address.raw,
				 (unsigned long long)sum_of(k));
	}
	for (k = 0; k < ARRAY_SIZE(refused); k++)
		if (decode_exact((const u8 *)refused[k].bytes, refused[k].size, &i) !=
		    -HF_EINVAL)
			fail_msg("refused[%zu] was not", k);
}

/* Cut off after any byte it is none, and what follows it makes no difference. */
static void truncated_one(const char *bytes, size_t size)
{
	struct instruction whole, i;
	u8 longer[64];
	size_t n;

	assert_int_equal(decode_exact((const u8 *)bytes, size, &whole), 0);
	for (n = 0; n < size; n++)
		assert_int_equal(decode_exact((const u8 *)bytes, n, &i), -HF_EINVAL);
	memset(longer, 0xff, sizeof(longer));
	memcpy(longer, bytes, size);
	assert_int_equal(decode_exact(longer, sizeof(longer), &i), 0);
	assert_memory_equal(&i, &whole, sizeof(i));
}

static void truncated(void **ctx)
{
	size_t k;

	(void)ctx;
	for (k = 0; k < ARRAY_SIZE(plain); k++)
		truncated_one(plain[k].bytes, plain[k].size);
	for (k = 0; k < ARRAY_SIZE(memory); k++)
		truncated_one(memory[k].bytes, memory[k].size);
}

/* Prefixes make it longer up to 15 bytes; the bytes are there, the instruction is none. */
static void limit_one(const char *bytes, size_t size)
{
	struct instruction i;
	u8 longer[40];
	size_t pad;

	for (pad = 0; pad <= 20; pad++) {
		memset(longer, 0x66, sizeof(longer));
		memcpy(longer + pad, bytes, size);
		if (pad + size <= DECODE_MAX) {
			assert_int_equal(decode_exact(longer, sizeof(longer), &i), 0);
			assert_int_equal(i.length, pad + size);
		} else {
			assert_int_equal(decode_exact(longer, sizeof(longer), &i), -HF_EINVAL);
		}
	}
	memset(longer, 0x66, sizeof(longer));
	assert_int_equal(decode_exact(longer, sizeof(longer), &i), -HF_EINVAL);
}

static void limit(void **ctx)
{
	size_t k;

	(void)ctx;
	for (k = 0; k < ARRAY_SIZE(plain); k++)
		limit_one(plain[k].bytes, plain[k].size);
	for (k = 0; k < ARRAY_SIZE(memory); k++)
		limit_one(memory[k].bytes, memory[k].size);
}

/* ---- against capstone ---- */

static csh handle;
static cs_insn *other;

/* Where the two differ, and are meant to. */
enum difference {
	SAME_INSTRUCTION,
	SAME_REFUSED,
	/* LOCK: capstone ignores it. */
	LOCKED,
	/* REX not directly before the opcode: the processor ignores it, we refuse. */
	REX_MISPLACED,
	/* An override of a null segment behind FS or GS: capstone lets the last one win. */
	NULL_SEGMENT,
	/* 0f 00 and 0f 01 that are undefined, or newer than capstone: OP_OTHER, nobody asks for
	 * more. */
	UNDEFINED_GROUP,
	DIFFERENCES
};

static const char *const names[DIFFERENCES] = {
	"same instruction",	 "same refusal", "LOCK refused",
	"misplaced REX refused", "null segment", "undefined in a group",
};

static u64 seen[DIFFERENCES];

/* What is before the opcode, read independently of the decoder. */
struct front {
	size_t opcode;
	bool lock, rex_misplaced, null_last;
	u8 segment;
};

static bool is_null_segment(u8 byte)
{
	return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e;
}

static bool is_prefix(u8 byte)
{
	return is_null_segment(byte) || (byte >= 0x64 && byte <= 0x67) || byte == 0xf0 ||
	       byte == 0xf2 || byte == 0xf3;
}

static struct front look(const u8 *bytes, size_t size)
{
	struct front f = { 0 };
	bool rex = false;

	for (; f.opcode < size; f.opcode++) {
		u8 byte = bytes[f.opcode];

		if (!is_prefix(byte) && (byte & 0xf0) != 0x40)
			break;
		f.rex_misplaced |= rex;
		rex = (byte & 0xf0) == 0x40;
		f.lock |= byte == 0xf0;
		if (byte == 0x64 || byte == 0x65) {
			f.segment = byte;
			f.null_last = false;
		}
		if (f.segment && is_null_segment(byte))
			f.null_last = true;
	}
	return f;
}

static const x86_reg regs64[] = { X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX,
				  X86_REG_RSP, X86_REG_RBP, X86_REG_RSI, X86_REG_RDI,
				  X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
				  X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15 };
static const x86_reg regs32[] = { X86_REG_EAX,	X86_REG_ECX,  X86_REG_EDX,  X86_REG_EBX,
				  X86_REG_ESP,	X86_REG_EBP,  X86_REG_ESI,  X86_REG_EDI,
				  X86_REG_R8D,	X86_REG_R9D,  X86_REG_R10D, X86_REG_R11D,
				  X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D };
static const x86_reg regs16[] = { X86_REG_AX,	X86_REG_CX,   X86_REG_DX,   X86_REG_BX,
				  X86_REG_SP,	X86_REG_BP,   X86_REG_SI,   X86_REG_DI,
				  X86_REG_R8W,	X86_REG_R9W,  X86_REG_R10W, X86_REG_R11W,
				  X86_REG_R12W, X86_REG_R13W, X86_REG_R14W, X86_REG_R15W };

static int number_of(x86_reg reg)
{
	int i;

	for (i = 0; i < GPR_COUNT; i++)
		if (regs64[i] == reg || regs32[i] == reg || regs16[i] == reg)
			return i;
	return -1;
}

static u64 value_of(x86_reg reg)
{
	switch (reg) {
	case X86_REG_INVALID:
	case X86_REG_RIZ:
	case X86_REG_EIZ:
		return 0;
	case X86_REG_RIP:
	case X86_REG_EIP:
		return RIP + other->size;
	default:
		assert_true(number_of(reg) >= 0);
		return gprs.r[number_of(reg)];
	}
}

static u64 address_of(const x86_op_mem *m, const struct front *f)
{
	u64 sum = value_of(m->base) + value_of(m->index) * m->scale + m->disp;

	if (other->detail->x86.addr_size == 4)
		sum = (u32)sum;
	return sum + (f->segment == 0x64 ? FS_BASE : f->segment == 0x65 ? GS_BASE : 0);
}

static bool is_control(const cs_x86_op *op)
{
	return op->type == X86_OP_REG && op->reg >= X86_REG_CR0 && op->reg <= X86_REG_CR15;
}

/* What capstone found, in our words; -1: none of ours. */
static int operation_of(const u8 *opcode)
{
	const cs_x86 *x = &other->detail->x86;

	switch (other->id) {
	case X86_INS_CLTS:
		return OP_CLTS;
	case X86_INS_LMSW:
		return OP_LMSW;
	case X86_INS_LIDT:
		return OP_LIDT;
	case X86_INS_LGDT:
		return OP_LGDT;
	case X86_INS_LTR:
		return OP_LTR;
	case X86_INS_RDMSR:
	case X86_INS_WRMSR:
		return OP_OTHER;
	case X86_INS_MOV:
		if (is_control(&x->operands[0]))
			return OP_MOV_TO_CR;
		return is_control(&x->operands[1]) ? OP_READ_CR : -1;
	default:
		return opcode[0] == 0x0f && opcode[1] <= 0x01 ? OP_OTHER : -1;
	}
}

static bool same_operands(const struct instruction *i, const struct front *f)
{
	const cs_x86 *x = &other->detail->x86;
	const cs_x86_op *source = &x->operands[x->op_count ? x->op_count - 1 : 0];
	x86_reg segment = f->segment == 0x64   ? X86_REG_FS
			  : f->segment == 0x65 ? X86_REG_GS
					       : X86_REG_INVALID;

	switch (i->operation) {
	case OP_MOV_TO_CR:
		return (int)x->operands[0].reg == X86_REG_CR0 + i->cr &&
		       number_of(source->reg) == i->gpr && !i->memory;
	case OP_READ_CR:
		return (int)source->reg == X86_REG_CR0 + i->cr &&
		       number_of(x->operands[0].reg) == i->gpr && !i->memory;
	case OP_LMSW:
	case OP_LIDT:
	case OP_LGDT:
	case OP_LTR:
		if (source->type == X86_OP_REG)
			return !i->memory && number_of(source->reg) == i->gpr;
		if (source->type != X86_OP_MEM || !i->memory)
			return false;
		if (!f->null_last && segment && source->mem.segment != segment)
			return false;
		return address_of(&source->mem, f) == i->address.raw;
	default:
		return true;
	}
}

static enum difference compare(const u8 *bytes, size_t size, const struct instruction *i,
			       int error)
{
	struct front f = look(bytes, size < DECODE_MAX ? size : DECODE_MAX);
	const u8 *opcode = bytes + f.opcode, *code = bytes;
	size_t left = size < DECODE_MAX ? size : DECODE_MAX;
	uint64_t at = RIP;
	bool found = cs_disasm_iter(handle, &code, &left, &at, other);

	if (error && (!found || operation_of(opcode) < 0))
		return SAME_REFUSED;
	if (error)
		return f.lock ? LOCKED : f.rex_misplaced ? REX_MISPLACED : DIFFERENCES;
	if (f.lock || f.rex_misplaced)
		return DIFFERENCES;
	if (!found && i->operation == OP_OTHER && opcode[1] <= 0x01)
		return UNDEFINED_GROUP;
	if (!found || i->length != other->size || (int)i->operation != operation_of(opcode) ||
	    !same_operands(i, &f))
		return DIFFERENCES;
	return f.null_last ? NULL_SEGMENT : SAME_INSTRUCTION;
}

static void check(const u8 *bytes, size_t size)
{
	struct instruction i;
	int error = decode_exact(bytes, size, &i);
	enum difference d;
	size_t k;

	if (!error && (i.operation == OP_STORE || i.operation == OP_MOVS))
		return; /* x86_store.c */
	d = compare(bytes, size, &i, error);
	assert_true(!error || error == -HF_EINVAL);
	if (d < DIFFERENCES) {
		seen[d]++;
		return;
	}
	for (k = 0; k < size; k++)
		print_error("%02x ", bytes[k]);
	fail_msg("= error %d, operation %d, length %u, gpr %u, address %llx; capstone: %s %s",
		 error, i.operation, i.length, i.gpr, (unsigned long long)i.address.raw,
		 other->mnemonic, other->op_str);
}

static void report(void)
{
	int d;

	for (d = 0; d < DIFFERENCES; d++) {
		print_message("  %-22s %llu\n", names[d], (unsigned long long)seen[d]);
		seen[d] = 0;
	}
}

static int open_capstone(void **ctx)
{
	assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
	assert_int_equal(cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON), CS_ERR_OK);
	other = cs_malloc(handle);
	assert_non_null(other);
	memset(seen, 0, sizeof(seen));
	return setup(ctx);
}

static int close_capstone(void **ctx)
{
	(void)ctx;
	cs_free(other, 1);
	return cs_close(&handle);
}

/* Every REX, ModRM and SIB of the opcodes that have one. */
static void every_form(void **ctx)
{
	u8 bytes[] = { 0, 0, 0, 0, 0, 0, 0x9c, 0xf1, 0x22, 0x83, 0x44, 0x55 };
	u32 rex, modrm, sib, sibs;
	static const u8 opcodes[] = { 0x00, 0x01, 0x20, 0x22 };
	size_t n;

	(void)ctx;
	for (n = 0; n < sizeof(opcodes); n++)
		for (rex = 0x3f; rex <= 0x4f; rex++)
			for (modrm = 0; modrm < 256; modrm++) {
				size_t at = 0;

				if (rex >= 0x40)
					bytes[at++] = rex;
				bytes[at++] = 0x0f;
				bytes[at++] = opcodes[n];
				bytes[at++] = modrm;
				sibs = (modrm & 7) == 4 && modrm < 0xc0 ? 256 : 1;
				for (sib = 0; sib < sibs; sib++) {
					bytes[at] = sib;
					check(bytes, sizeof(bytes));
				}
			}
	assert_true(seen[SAME_INSTRUCTION] > 50000);
	report();
}

static u8 pick(const char *from, size_t count)
{
	return from[unit_below(count)];
}

static void random_strings(void **ctx)
{
	u8 bytes[DECODE_MAX + 5];
	u32 n;

	(void)ctx;
	unit_seed("decode");
	for (n = 0; n < RANDOM_STRINGS; n++) {
		size_t at = 0, size = sizeof(bytes), prefixes = unit_below(5), k;

		for (k = 0; k < sizeof(bytes); k++)
			bytes[k] = unit_random();
		if (!unit_below(16))
			prefixes = unit_below(DECODE_MAX);
		while (prefixes--)
			bytes[at++] =
				pick("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf2\xf3\x64\x65", 12);
		if (at && !unit_below(64))
			bytes[unit_below(at)] = 0xf0;
		if (at && !unit_below(64))
			bytes[unit_below(at)] = 0x40 | unit_below(16);
		if (unit_below(2))
			bytes[at++] = 0x40 | unit_below(16);
		if (unit_below(16)) {
			bytes[at++] = 0x0f;
			if (unit_below(16))
				bytes[at++] = pick("\x00\x01\x01\x01\x06\x20\x22\x30\x32", 9);
		}
		/* Mostly what is told apart: LGDT, LIDT or LTR, and LMSW. */
		if (unit_below(2))
			bytes[at] = (bytes[at] & 0xc7) | pick("\x10\x18\x30", 3);
		if (!unit_below(4))
			size = unit_below(sizeof(bytes));
		check(bytes, size);
	}
	assert_true(seen[SAME_INSTRUCTION] > RANDOM_STRINGS / 2);
	assert_true(seen[SAME_REFUSED] > RANDOM_STRINGS / 16);
	assert_true(seen[LOCKED] && seen[REX_MISPLACED] && seen[NULL_SEGMENT]);
	report();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(truncated),
		cmocka_unit_test(limit),
		cmocka_unit_test_setup_teardown(every_form, open_capstone, close_capstone),
		cmocka_unit_test_setup_teardown(random_strings, open_capstone, close_capstone),
	};

	return cmocka_run_group_tests_name("x86_decode", tests, setup, NULL);
}
