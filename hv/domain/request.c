// SPDX-License-Identifier: GPL-2.0-only
/* Requests to services: begun, interrupted, resumed, ended. */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/domain.h>
#include <hv/event.h>
#include <hv/guest.h>
#include <hv/panic.h>
#include <hv/pool.h>
#include <hv/shootdown.h>

#include <holdfast/service/domain.h>

#define TOKEN_STEP 0x100u /* below it: whose it is */

static bool move(struct domain *d, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(&d->state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static void leave(struct domain *d, u32 to)
{
	__atomic_store_n(&d->state, to, __ATOMIC_SEQ_CST);
}

/* ---- pages that are lent ---- */

/* From the copy. A range of more pages than all of them may have does not get into the sum. */
static int take_list(struct domain *d, const struct hf_service_call *call)
{
	u64 npages = 0;

	d->lent_count = 0;
	if (call->lent_count > HF_LENT_RANGES)
		return -HF_EINVAL;
	for (u32 i = 0; i < call->lent_count; i++) {
		const struct hf_service_lent *lent = &call->lent[i];

		if (lent->npages > d->lent_max - npages)
			return -HF_EINVAL;
		npages += lent->npages;
		d->lent[i] = (struct hf_range){ .gpa = lent->gpa, .npages = lent->npages };
	}
	return 0;
}

/* Fixed before the service can look at them. As in domain.c nothing fails once they are lent. */
static int lend(struct cpu *cpu, struct domain *d, u32 count)
{
	struct owner_locked owner;
	int error = -HF_ENOMEM;

	if (!count)
		return 0;
	owner = owner_lock(cpu);
	if (pool_available() >= 2 * domain_tables(d->lent, count))
		error = owner_lend(owner, d->lent, count);
	if (!error) {
		for (u32 i = 0; i < count; i++)
			CHECK(!stage2_map(&d->space, gpa(d->lent[i].gpa), d->lent[i].npages,
					  HF_PERM_READ));
		d->lent_count = count;
		shootdown_settle(owner);
	}
	owner_unlock(owner);
	return error;
}

/*
 * Out of the domain first. No CPU runs in it, and each forgets its tables before it does again.
 * Where memory for the guest's tables is used up a page stays as it is: the guest can read it.
 */
static void give_back(struct cpu *cpu, struct domain *d)
{
	struct owner_locked owner;

	if (!d->lent_count)
		return;
	owner = owner_lock(cpu);
	for (u32 i = 0; i < d->lent_count; i++)
		stage2_protect(&d->space, gpa(d->lent[i].gpa), d->lent[i].npages, 0);
	for (u32 i = 0; i < d->lent_count; i++) {
		stage2_merge(&d->space, gpa(d->lent[i].gpa), d->lent[i].npages);
		(void)owner_return(owner, &d->lent[i], 1);
	}
	shootdown_settle(owner);
	stage2_reclaim(&d->space);
	owner_unlock(owner);
	d->lent_count = 0;
}

/* ---- how a request goes on ---- */

/* An answer, or none: the service begins anew then. */
static s64 end(struct cpu *cpu, struct domain *d, s64 result)
{
	give_back(cpu, d);
	d->unsound = result != 0;
	leave(d, DOMAIN_IDLE);
	return result;
}

static s64 refuse(struct cpu *cpu, struct domain *d, const struct domain_stop *stop, u64 code)
{
	const struct hf_event event = {
		.kind = HF_EVENT_SERVICE,
		.action = HF_ACTION_DENY,
		.asset = HF_ASSET_SERVICE | d->service,
		.va = stop->rip,
		.gpa = stop->address,
		.old = d->operation,
		.new_value = code,
	};

	event_record(cpu, NULL, &event);
	return end(cpu, d, -HF_EIO);
}

static s64 answer(struct cpu *cpu, struct domain *d, u64 page)
{
	struct hf_service_call *call = cpu->buffer;

	backend_guest_read(d->message, call, sizeof(*call));
	call->token = 0;
	end(cpu, d, 0);
	return guest_write(gpa(page), call, sizeof(*call));
}

/* Who cannot be told the token could never end it. */
static s64 pause(struct cpu *cpu, struct domain *d, u64 page)
{
	u64 token = d->token;

	backend_guest_read(gpa(d->message.raw + offsetof(struct hf_service_call, progress)),
			   cpu->buffer, sizeof(u64));
	if (guest_write(gpa(page + offsetof(struct hf_service_call, token)), &token,
			sizeof(token)) ||
	    guest_write(gpa(page + offsetof(struct hf_service_call, progress)), cpu->buffer,
			sizeof(u64)))
		return end(cpu, d, -HF_EFAULT);
	leave(d, DOMAIN_PAUSED);
	return -HF_EINPROGRESS;
}

/*
 * In there the CPU is where the guest is otherwise: kicked by who wants it, and gone at once, for
 * the kick ends the run. What was demanded before is looked at here, as before every other way
 * to the guest; what waits beside that is done on the way there.
 */
static struct domain_stop run(struct cpu *cpu, struct domain *d)
{
	struct domain_stop stop = { .kind = DOMAIN_INTERRUPTED };
	u64 start = backend_clock();

	shootdown_sync(cpu);
	if (!(__atomic_load_n(&cpu->pending, __ATOMIC_SEQ_CST) & ~CPU_CHECK))
		stop = backend_domain_run(cpu, d);
	shootdown_exited(cpu);
	d->used += backend_clock() - start;
	return stop;
}

static s64 go_on(struct cpu *cpu, struct domain *d, u64 page)
{
	struct domain_stop stop = run(cpu, d);

	switch (stop.kind) {
	case DOMAIN_DONE:
		return answer(cpu, d, page);
	case DOMAIN_CRASHED:
		return refuse(cpu, d, &stop, stop.code);
	case DOMAIN_INTERRUPTED:
		break;
	}
	return d->used > d->ticks ? refuse(cpu, d, &stop, 0) : pause(cpu, d, page);
}

/* ---- the calls ---- */

/* What takes the answer is known to be of no use before the service has worked for nothing. */
static bool answerable(u64 page)
{
	return !(page & PAGE_MASK) && owner_state(gpa(page)) == PAGE_GUEST;
}

static s64 begin(struct cpu *cpu, struct domain *d, u64 page, bool locked)
{
	struct hf_service_call *call = cpu->buffer;
	int error = take_list(d, call);

	if (!error)
		error = lend(cpu, d, call->lent_count);
	if (error) {
		leave(d, DOMAIN_IDLE);
		return error;
	}
	d->used = 0;
	d->operation = call->operation;
	__atomic_store_n(&d->token, d->token + TOKEN_STEP, __ATOMIC_SEQ_CST);
	backend_guest_write(d->message, call, sizeof(*call));
	backend_domain_start(d, (d->unsound ? HF_DOMAIN_BEGIN : HF_DOMAIN_REQUEST) |
					(locked ? HF_DOMAIN_LOCKED : 0));
	return go_on(cpu, d, page);
}

s64 request_begin(struct cpu *cpu, u64 page, bool locked)
{
	struct hf_service_call *call = cpu->buffer;
	struct domain *d;

	if (!answerable(page) || guest_read(gpa(page), call, sizeof(*call)))
		return -HF_EFAULT;
	d = domain_of_service(call->service);
	if (!d)
		return -HF_ENODEV;
	if (call->size > HF_SERVICE_PAYLOAD_MAX || call->token || call->reserved)
		return -HF_EINVAL;
	if (!move(d, DOMAIN_IDLE, DOMAIN_RUNNING))
		return -HF_EAGAIN;
	return begin(cpu, d, page, locked);
}

/*
 * The paused request of this token, running. While it is looked at, who has a token that is none
 * any more keeps others away for a moment.
 */
static int take_up(u64 token, struct domain **to)
{
	struct domain *d = domain_of_token(token);

	if (!d || __atomic_load_n(&d->token, __ATOMIC_SEQ_CST) != token)
		return -HF_ENOENT;
	if (!move(d, DOMAIN_PAUSED, DOMAIN_RUNNING))
		return __atomic_load_n(&d->state, __ATOMIC_SEQ_CST) == DOMAIN_IDLE ? -HF_ENOENT
										   : -HF_EAGAIN;
	if (d->token != token) {
		leave(d, DOMAIN_PAUSED);
		return -HF_ENOENT;
	}
	*to = d;
	return 0;
}

s64 request_resume(struct cpu *cpu, u64 page, u64 token)
{
	struct domain *d;
	int error = take_up(token, &d);

	if (error)
		return error;
	return answerable(page) ? go_on(cpu, d, page) : end(cpu, d, -HF_EFAULT);
}

s64 request_cancel(struct cpu *cpu, u64 token)
{
	struct domain *d;
	int error = take_up(token, &d);

	if (error)
		return error;
	end(cpu, d, -HF_EINPROGRESS);
	return 0;
}
