// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trampolines that the kernel makes after lock. A page is first fixed, then compared: what was
 * compared is what runs. Where the address is mapped is the guest's word for it, as for all code
 * (remapping is not guarded yet). A page is held as long as something goes to it; afterwards the
 * kernel may free it, which shows in the first write by whoever gets it next.
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/guest.h>
#include <hv/shootdown.h>
#include <hv/string.h>
#include <hv/template.h>

#define APPROVED_MAX HF_PROBES_MAX /* each probe's jump takes one */
#define JUMP_SIZE    5u

struct approved {
	struct gva va;
	struct gpa gpa;
	struct gva from;		    /* the probe's that jumps there; 0: sites call it */
	const struct hf_template *template; /* NULL: the slot is free */
	u32 calls;			    /* sites and probes that go there */
};

static struct hf_template templates[HF_TEMPLATES_MAX]; /* constant after lock */
static u32 held;
static struct approved approved[APPROVED_MAX];
static u32 ever; /* slots that have ever been used */

static struct hf_range range_of(const struct approved *a)
{
	return (struct hf_range){
		.va = a->va.raw, .gpa = a->gpa.raw, .npages = 1, .kind = HF_KIND_RUNTIME_CODE
	};
}

/* ---- comparison ---- */

static struct site call_at(const struct approved *a, const struct hf_field *field)
{
	return (struct site){
		.va = gva(a->va.raw + field->offset),
		.gpa = gpa(a->gpa.raw + field->offset),
		.size = field->size,
		.kind = HF_SITE_CALL,
		.target = HF_FORM_PATCHED,
	};
}

static bool field_matches(const struct approved *a, const struct hf_field *field,
			  const u8 *bytes, const u8 *model)
{
	struct site site = call_at(a, field);
	struct gva to;
	u32 target;

	if (field->type == HF_FIELD_CALL)
		return site_value(&site, bytes, 0);
	if (field->type == HF_FIELD_TARGET) {
		memcpy(&target, model + 1, sizeof(target));
		return backend_code_is(CODE_CALL, site.va, bytes, 0, site.size, &to) &&
		       to.raw == site_base() + target;
	}
	if (field->type == HF_FIELD_ANY ||
	    backend_code_is(CODE_RETURN, site.va, bytes, 0, site.size, &to))
		return true;
	return backend_code_is(CODE_JUMP, site.va, bytes, 0, site.size, &to) && site_thunk(to);
}

static bool matches(const struct approved *a, const u8 *page, const struct hf_template *t)
{
	u32 done = 0;

	for (u32 i = 0; i < t->field_count; i++) {
		const struct hf_field *field = &t->fields[i];

		if (memcmp(page + done, t->bytes + done, field->offset - done) ||
		    !field_matches(a, field, page + field->offset, t->bytes + field->offset))
			return false;
		done = field->offset + field->size;
	}
	return !memcmp(page + done, t->bytes + done, t->length - done);
}

/* How many bytes of it are code; 0: it is not of this template. */
static u64 code_size(const struct approved *a, const u8 *page, const struct hf_template *t,
		     const struct template_copy *copy)
{
	u64 at = a->va.raw + t->length;
	struct gva to;

	if (t->goes_back != !!copy || !matches(a, page, t))
		return 0;
	if (!copy)
		return t->length;
	page += t->length;
	for (u32 n = JUMP_SIZE; n <= copy->size; n++)
		if (backend_code_is(CODE_JUMP, gva(at + n), page + n, 0, JUMP_SIZE, &to) &&
		    to.raw == copy->from.raw + n &&
		    backend_code_moved(page, copy->code, n, copy->from.raw - at))
			return t->length + n + JUMP_SIZE;
	return 0;
}

/* What follows is left from earlier times, and becomes code: breakpoints. */
static void compare(struct cpu *cpu, struct approved *a, const struct template_copy *copy)
{
	u8 *page = cpu->buffer;

	a->template = NULL;
	if (guest_read(a->gpa, page, PAGE_SIZE))
		return;
	for (u32 i = 0; i < held; i++) {
		const struct hf_template *t = &templates[i];
		u64 size = code_size(a, page, t, copy);

		if (!size)
			continue;
		memset(page, backend_code_breakpoint(), PAGE_SIZE - size);
		if (!guest_patch(gpa(a->gpa.raw + size), page, PAGE_SIZE - size))
			a->template = t;
		return;
	}
}

/* ---- pages ---- */

static struct approved *approved_at(struct gva va)
{
	for (struct approved *a = approved; a < approved + ever; a++)
		if (a->template && a->va.raw == (va.raw & ~PAGE_MASK))
			return a;
	return NULL;
}

static struct approved *approved_in(struct gpa at)
{
	for (struct approved *a = approved; a < approved + ever; a++)
		if (a->template && a->gpa.raw == (at.raw & ~PAGE_MASK))
			return a;
	return NULL;
}

/*
 * No error: it is sealed, or with action "allow" open already. All that could be done with it
 * before can be done again: breakpoints lead to the next slot in it before a jump does
 * (setup_detour_execution() of Linux).
 */
static void release(struct owner_locked owner, struct approved *a)
{
	struct hf_range range = range_of(a);

	if (!owner_check_undo(owner, &range, 1))
		shootdown_settle(owner);
	a->template = NULL;
}

/* A slot that is free, or whose page nothing goes to; NULL: there is none. */
static struct approved *take(struct owner_locked owner)
{
	struct approved *unused = NULL;

	for (struct approved *a = approved; a < approved + ever; a++) {
		if (!a->template)
			return a;
		if (!a->calls)
			unused = a;
	}
	if (ever < APPROVED_MAX)
		return &approved[ever++];
	if (unused)
		release(owner, unused);
	return unused;
}

static bool approve(struct owner_locked owner, struct gva va, struct gpa at,
		    const struct template_copy *copy)
{
	struct approved *a = take(owner);
	struct hf_range range;

	if (!a)
		return false;
	*a = (struct approved){ .va = va, .gpa = at, .from = copy ? copy->from : gva(0) };
	range = range_of(a);
	if (owner_check_begin(owner, &range, 1))
		return false;
	shootdown_settle(owner);
	compare(owner.cpu, a, copy);
	/* Neither can fail: the page is pending, and its tables have been split. */
	if (a->template)
		owner_check_pass(owner, &range, 1);
	else
		owner_check_fail(owner, &range, 1);
	shootdown_settle(owner);
	return a->template;
}

bool template_approves(struct owner_locked owner, struct gva to,
		       const struct template_copy *copy)
{
	struct approved *a = approved_at(to);
	bool same = a && a->from.raw == (copy ? copy->from.raw : 0);
	struct gpa at;

	/* Not in the lower half, which is each process's own. */
	if (!held || (to.raw & PAGE_MASK) || to.raw < site_base())
		return false;
	if (a && a->calls)
		return same;
	/* One that nobody calls may have been freed, and another page be there. */
	if (backend_guest_translate(owner.cpu, to, &at))
		return false;
	if (same && a->gpa.raw == at.raw)
		return true;
	if (a)
		release(owner, a);
	return approve(owner, to, at, copy);
}

void template_count(struct gva to, s32 by)
{
	struct approved *a = (to.raw & PAGE_MASK) ? NULL : approved_at(to);

	if (a)
		a->calls += (u32)by;
}

bool template_va(struct gpa at, struct gva *to)
{
	const struct approved *a = approved_in(at);

	if (a)
		*to = gva(a->va.raw + (at.raw & PAGE_MASK));
	return a;
}

bool template_find(struct gva va, u32 size, struct site *site)
{
	const struct approved *a = approved_at(va);

	for (u32 i = 0; a && i < a->template->field_count; i++) {
		const struct hf_field *field = &a->template->fields[i];
		u64 offset = (va.raw & PAGE_MASK) - field->offset;

		if (field->type == HF_FIELD_CALL && offset < field->size &&
		    offset + size <= field->size) {
			*site = call_at(a, field);
			return true;
		}
	}
	return false;
}

bool template_give_back(struct owner_locked owner, struct gpa at)
{
	struct approved *a = approved_in(at);

	if (!a || a->calls)
		return false;
	release(owner, a);
	return true;
}

/* ---- registration ---- */

int template_add(const struct hf_template *new)
{
	u32 done = 0;

	if (held == HF_TEMPLATES_MAX)
		return -HF_ENOSPC;
	if (new->size != sizeof(*new) || !new->length || new->length > HF_TEMPLATE_BYTES ||
	    new->field_count > HF_FIELDS_MAX || new->goes_back > 1)
		return -HF_EINVAL;
	for (u32 i = 0; i < new->field_count; i++) {
		const struct hf_field *field = &new->fields[i];

		if (field->offset < done || !field->size || field->type > HF_FIELD_TARGET ||
		    (field->type != HF_FIELD_ANY && field->size != 5))
			return -HF_EINVAL;
		done = field->offset + field->size;
		if (done > new->length)
			return -HF_EINVAL;
	}
	templates[held++] = *new;
	return 0;
}

void template_forget(void)
{
	held = 0;
}
