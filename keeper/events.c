/* SPDX-License-Identifier: ISC */
/*
 * What the keeper writes to the log.  Apart from what it does: each line of
 * the one is a step of the other.
 */
#include "keeper/keeper.h"

#include <stdio.h>

void
keeper_event(const struct keeper *keeper, struct log_event *event,
	     const char *name)
{
	const struct plan *const plan = &keeper->jail.plan;

	log_begin(event, name);
	if (plan->account == NULL)
		return; /* we have no plan */
	log_add(event, "user", plan->account);
	log_add_number(event, "uid", plan->uid);
	log_add(event, "jail", plan->jail);
}

/* The plan has allowed it: never without a word. */
void
keeper_log_not_held(const struct keeper *keeper)
{
	const struct plan *const plan = &keeper->jail.plan;
	struct log_event event;
	char names[256], cause[128];

	if (share_not_held(plan, &keeper->cgroup.held, names, sizeof(names)) ==
	    0)
		return;
	keeper_event(keeper, &event, "limit");
	log_add(&event, "not_held", names);
	(void)snprintf(cause, sizeof(cause), "no %s in cgroup version 2",
		       share_lack(plan));
	log_add(&event, "cause", cause);
	log_send(keeper->log, LOG_WARNING, "jail-keeper", &event);
}

void
keeper_log_life(struct keeper *keeper, const char *name)
{
	struct log_event event;

	keeper_event(keeper, &event, name);
	if (keeper->init > 0)
		log_add_number(&event, "init", keeper->init);
	if (keeper->n_unsaid > 0)
		log_add_number(&event, "unsaid", keeper->n_unsaid);
	keeper->n_unsaid = 0;
	log_send(keeper->log, LOG_INFO, "jail-keeper", &event);
}

void
keeper_log_mended(const struct keeper *keeper, const struct err *err)
{
	struct log_event event;

	keeper_event(keeper, &event, err == NULL ? "mended" : "cut-off");
	if (err == NULL)
		log_add(&event, "cause", "the rules of its network were gone");
	else
		log_add_cause(&event, "network", err);
	log_send(keeper->log, err == NULL ? LOG_WARNING : LOG_ERR,
		 "jail-keeper", &event);
}

/* What is left of it is nobody's, and the next jail of this account replaces
 * it. */
void
keeper_log_left(const struct keeper *keeper, const struct err *err)
{
	struct log_event event;

	keeper_event(keeper, &event, "left");
	log_add_cause(&event, "network", err);
	log_send(keeper->log, LOG_WARNING, "jail-keeper", &event);
}

void
keeper_log_not_held_because(const struct keeper *keeper, const char *name,
			    const struct err *err)
{
	struct log_event event;

	keeper_event(keeper, &event, "limit");
	log_add(&event, "not_held", name);
	log_add(&event, "cause", err->text);
	log_send(keeper->log, LOG_WARNING, "jail-keeper", &event);
}

void
keeper_log_refused(const struct keeper *keeper, const struct err *err)
{
	struct log_event event;

	keeper_event(keeper, &event, "refuse");
	log_add_cause(&event, "build", err);
	log_send(keeper->log, LOG_ERR, "jail-keeper", &event);
}
