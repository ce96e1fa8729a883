// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attacks that a user program can make, in the form of the module's:
 *
 *	hf_attack_user list		one JSON object a line
 *	hf_attack_user run NAME		one JSON object: what happened
 *	hf_attack_user control NAME	the same action where it must succeed, once launched
 *
 * Exit status: 0 if it ran, 2 for wrong usage.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <holdfast/ctl.h>
#include <holdfast/hypercall.h>

#define NUMBERS 0x200

enum outcome {
	REFUSED,
	SUCCEEDED,
	ERROR
};

struct attack {
	const char *name, *title, *gives, *asset, *control;
	enum outcome (*run)(char *seen, size_t size);
	enum outcome (*same)(char *seen, size_t size); /* the control */
};

static sigjmp_buf undefined;

static void on_signal(int number)
{
	siglongjmp(undefined, number);
}

/* CPUID Fn8000_0001_ECX[SVM], APM volume 3. */
static int is_amd(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & 4);
}

/* The signal that the call raised, or 0. */
static int call(uint64_t number)
{
	static uint8_t page[HF_PAGE_SIZE] __attribute__((aligned(HF_PAGE_SIZE)));
	uint64_t result = number;
	int signal_number = sigsetjmp(undefined, 1);

	if (signal_number)
		return signal_number;
	if (is_amd())
		__asm__ volatile("vmmcall"
				 : "+a"(result)
				 : "D"(page), "S"(0ull), "d"(0ull), "c"(0ull)
				 : "memory");
	else
		__asm__ volatile("vmcall"
				 : "+a"(result)
				 : "D"(page), "S"(0ull), "d"(0ull), "c"(0ull)
				 : "memory");
	return 0;
}

static enum outcome user_call(char *seen, size_t size)
{
	uint64_t number;
	int raised;

	signal(SIGILL, on_signal);
	signal(SIGSEGV, on_signal);
	for (number = HF_CALL_BASE; number < HF_CALL_BASE + NUMBERS; number++) {
		raised = call(number);
		if (raised == SIGILL)
			continue;
		snprintf(seen, size, "call %llx: signal %d", (unsigned long long)number,
			 raised);
		return raised ? ERROR : SUCCEEDED;
	}
	snprintf(seen, size, "%d calls, every one #UD", NUMBERS);
	return REFUSED;
}

/* The kernel makes the call for us. */
static enum outcome kernel_call(char *seen, size_t size)
{
	static uint8_t page[HF_PAGE_SIZE];
	struct hf_ctl_query query = {
		.call = HF_CALL_INFO,
		.buffer = (uintptr_t)page,
	};
	int device = open(HF_DEVICE, O_RDWR);
	int result = device < 0 ? -1 : ioctl(device, HF_CTL_QUERY, &query);

	if (device >= 0)
		close(device);
	snprintf(seen, size, "call by the kernel: %d", result);
	return result < 0 ? REFUSED : SUCCEEDED;
}

static const struct attack attacks[] = {
	{
		.name = "user-call",
		.title = "call the hypervisor from a user program, every number",
		.gives = "knowledge of the hypervisor, and its calls",
		.asset = "hypercalls",
		.control = "prelock",
		.run = user_call,
		.same = kernel_call,
	},
};

#define COUNT (sizeof(attacks) / sizeof(attacks[0]))

static void list(void)
{
	const struct attack *a;

	for (a = attacks; a < attacks + COUNT; a++)
		printf("{\"name\":\"%s\",\"title\":\"%s\",\"gives\":\"%s\",\"asset\":\"%s\","
		       "\"open\":false,\"reason\":\"\",\"control\":\"%s\",\"own_vm\":false,"
		       "\"cpus\":0}\n",
		       a->name, a->title, a->gives, a->asset, a->control);
}

static int run(const char *name, int control)
{
	static const char *const names[] = { "refused", "succeeded", "error" };
	const struct attack *a;
	char seen[128] = "";
	enum outcome outcome;

	for (a = attacks; a < attacks + COUNT && strcmp(a->name, name); a++)
		;
	if (a == attacks + COUNT)
		return 2;
	outcome = control ? a->same(seen, sizeof(seen)) : a->run(seen, sizeof(seen));
	printf("{\"name\":\"%s\",\"outcome\":\"%s\",\"detail\":\"%s\"}\n", a->name,
	       names[outcome], seen);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "list")) {
		list();
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "run"))
		return run(argv[2], 0);
	if (argc == 3 && !strcmp(argv[1], "control"))
		return run(argv[2], 1);
	fprintf(stderr, "usage: %s list | run NAME | control NAME\n", argv[0]);
	return 2;
}
