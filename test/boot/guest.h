/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test programs inside the virtual machine share: PID 1 (init.c), the cases it runs,
 * and the report they write. All of it is one static program with one thread.
 */
#ifndef TEST_BOOT_GUEST_H
#define TEST_BOOT_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_MODULE  "/lib/holdfast/holdfast.ko"
#define ATTACK_MODULE "/lib/holdfast/hf_attack.ko"
#define PLANT_MODULE  "/lib/holdfast/hf_plant.ko"
#define BENCH_MODULE  "/lib/holdfast/hf_bench.ko"
#define SHOOT_MODULE  "/lib/holdfast/hf_shoot.ko"
#define LIVE_MODULE   "/lib/holdfast/hf_livepatch.ko"
#define ECHO_FILE     "/lib/holdfast/echo.elf"
#define IMAGE	      "/lib/holdfast/hv.img"
#define STOCK_MODULES "/lib/stock"
#define KVM_MODULES   "/lib/kvm"
#define HOLDFAST      "/bin/holdfast"
#define WORKLOAD      "/bin/workload"
#define JIT	      "/usr/bin/luajit"
#define JIT_SCRIPT    "/lib/holdfast/jit.lua"

/* --- report.c: one JSON object per line on the report port --- */

int report_open(const char *path);
void report_begin(void);
void report_str(const char *key, const char *value);
void report_int(const char *key, long long value);
void report_hex(const char *key, uint64_t value);
/* @json must be a complete JSON value: it goes out as it is. */
void report_raw(const char *key, const char *json);
void report_end(void);

/* --- proc.c: files, programs, modules --- */

/* What became of a child. Output is cut at the size of the buffer. */
struct outcome {
	int status;	 /* exit status, or 128 + signal */
	bool died;	 /* by a signal */
	bool hung;	 /* did not end within its limit; it has been given up */
	char out[16384]; /* standard output and standard error, NUL-terminated */
};

/* Reads a whole file into @buf, NUL-terminated. Returns the length or a negative errno. */
long file_read(const char *path, char *buf, size_t size);
int file_write(const char *path, const char *text);
/* Runs a program; @limit in seconds. The vector ends with NULL. */
void run(struct outcome *o, unsigned int limit, const char *const argv[]);
/* Runs @fn in a child, so that what kills the child leaves the caller. */
void run_child(struct outcome *o, unsigned int limit, int (*fn)(const void *), const void *arg);
/* Negative errno as the kernel gives it. */
int module_load(const char *path, const char *params);
int module_unload(const char *name);
/* The kernel's name for a module file: up to the dot, with underscores. */
void module_name(const char *file, char *name, size_t size);
/* Loads every module of @folder, in the order of their names; @path receives the one that failed.
 */
int modules_load(const char *folder, char *path, size_t size);
/* Unloads them again, the last one first. 0 or a negative errno. */
int modules_unload(const char *folder);

/* --- cmdline.c: hf.KEY=VALUE on the kernel's command line --- */

int cmdline_read(void);
/* The value of hf.KEY, or @otherwise. Lives as long as the program. */
const char *cmdline_get(const char *key, const char *otherwise);

/* --- holdfast.c: Holdfast as its user sees it --- */

#define CLI_LIMIT 60 /* seconds: launch under an emulator on a loaded machine */

/* Runs the command with up to twelve further words, closed by NULL. Returns its exit status. */
int holdfast(struct outcome *o, ...);
/* The number behind "key": anywhere in JSON text; false if there is none. */
bool json_number(const char *json, const char *key, long long *value);

/* --- ctl.c: the device, without the command; 0 or a negative errno --- */

struct hf_info;
struct hf_stats;
struct hf_event;
struct hf_protection;

/* Exits of all CPUs together. */
struct exit_counts {
	uint64_t total;		/* sum over the kinds */
	uint64_t sum_of_totals; /* sum of what the hypervisor calls total: must be the same */
	uint64_t kind[16];
};

/* enum hf_state, as the agent says it; negative errno without an agent. */
int ctl_state(void);
/* @reason: enum hf_reason, where it fails. */
int ctl_launch(const void *image, size_t size, uint32_t action, uint32_t port,
	       uint32_t *reason);
int ctl_info(struct hf_info *info);
int ctl_stats(uint32_t cpu, struct hf_stats *stats);
struct hf_service_call;

int ctl_service(const void *image, size_t size, uint32_t service, uint32_t milliseconds);
int ctl_request(struct hf_service_call *call, const void *lent, size_t lent_size);
/* Costs one hypercall for the machine and one for each CPU. */
int ctl_exits(struct exit_counts *counts);
/* Events from sequence number @first on; how many there are, up to @max. */
int ctl_events(uint64_t first, struct hf_event *events, int max);
int ctl_asset(uint32_t id, char *name, size_t size);
/* Number @index of the list; -ENOENT past its end. */
int ctl_protection(uint32_t index, struct hf_protection *protection);

/* --- cases.c --- */

struct verdict {
	bool ok; /* starts as false: a case that says nothing has failed */
	char detail[1024];
};

void pass(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fail(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct test_case {
	const char *name;
	void (*run)(struct verdict *v);
};

/* Runs one case by name and reports it. */
void case_run(const char *name);
void case_report(const char *name, const struct verdict *v);

/* The cases by theme; each table ends with a NULL name. */
extern const struct test_case self_cases[];
extern const struct test_case lifecycle_cases[];
extern const struct test_case load_cases[];
extern const struct test_case resident_cases[];
extern const struct test_case bench_cases[];
extern const struct test_case command_cases[];
extern const struct test_case nmi_cases[];
extern const struct test_case audit_cases[];
extern const struct test_case kcore_cases[];
extern const struct test_case leave_cases[];
extern const struct test_case efi_cases[];
extern const struct test_case hotplug_cases[];
extern const struct test_case patching_cases[];
extern const struct test_case capture_cases[];
extern const struct test_case traps_cases[];
extern const struct test_case confine_cases[];
extern const struct test_case service_cases[];
extern const struct test_case authority_cases[];
extern const struct test_case umip_cases[];

/* --- service.c --- */

/* Has the test service loaded. 0 or a negative errno. */
int service_start(void);

/* --- text.c: the code of the kernel and its modules --- */

/* Keeps it as it is now, in place of what was kept before. False: the case has failed. */
bool text_keep(struct verdict *v);
/* The byte there now, of whatever memory. 0 or a negative errno. */
int text_byte(uint64_t at, uint8_t *byte);
/* How many bytes are not as they were; -1: the case has failed. @at: the first one's address. */
long text_changed(struct verdict *v, uint64_t *at);
/* In how many places that the kernel patches text_changed has found them. */
long text_sites(void);
/* Bytes, and in how many areas they are. */
uint64_t text_size(void);
int text_areas(void);

/* --- load.c --- */

/* Sequence number of the newest event; 0 in bare mode, negative on error. */
long long newest_event(void);
/* Closes a case that has done @what since the newest event was @before: none may have come. */
void quiet(struct verdict *v, long long before, const char *what);

/* --- attack.c --- */

/* Loads the attack module and reports what it offers. Returns the number of attacks or a
 * negative errno. */
int attack_open(void);
/* Runs every attack whose control is @phase ("bare", "prelaunch", "prelock"), or all of them in
 * phase "locked", and reports each. */
void attack_phase(const char *phase);
/* Is there an attack whose control is @phase? */
bool attack_waits(const char *phase);

#endif
