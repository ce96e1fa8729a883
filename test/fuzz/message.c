// SPDX-License-Identifier: GPL-2.0-only
/* The input is the signature of a file: read to its end, by every key, and no byte further. */
#include "../../services/authority/signature.h"
#include "fuzz.h"

#define PAYLOAD 64u
#define TRAILER (12u + 28u)
#define LONGEST 2048u

/* Neither is one: a message that is well formed gets as far as them. */
static struct hf_authority_key keys[] = {
	{ .type = HF_KEY_P256, .size = 65, .bytes = { 4 } },
	{ .type = HF_KEY_RSA, .size = 4, .bytes = { 0x30, 2, 5, 0 } },
};

/* Without a byte that ends it. */
static const char marker[28] = "~Module signature appended~\n";
static unsigned long long inputs, whole;

static void tell(void)
{
	printf("message: %llu inputs, %llu of them a whole message\n", inputs, whole);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(tell);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 memory[LONGEST + 64];
	struct authority authority = { .key = keys, .keys = 2 };
	struct arena arena = { memory, sizeof(memory), 0, 0 };
	struct hf_authority_result result = { 0 };
	struct module module = { .authority = &authority, .result = &result, .arena = &arena };
	u8 *file, *trailer;

	if (size > LONGEST)
		return 0;
	file = calloc(1, PAYLOAD + size + TRAILER);
	if (!file)
		return 0;
	if (size)
		memcpy(file + PAYLOAD, data, size);
	trailer = file + PAYLOAD + size;
	trailer[2] = 2;
	put32(trailer + 8, __builtin_bswap32((u32)size));
	memcpy(trailer + 12, marker, sizeof(marker));
	if (!signature_verify(&module, file, PAYLOAD + size + TRAILER))
		fuzz_fail("message: a signature by nobody's key is good");
	if (result.refusal == HF_REFUSAL_NONE)
		fuzz_fail("message: refused without a reason");
	inputs++;
	whole += result.refusal == HF_REFUSAL_KEY;
	free(file);
	return 0;
}
