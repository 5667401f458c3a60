/* SPDX-License-Identifier: ISC */
/* jailconf list, jailconf stop */
#include "base/cleanup.h"
#include "base/seal.h"
#include "jailconf/output.h"
#include "jailconf/rehearse.h"
#include "jailconf/running.h"
#include "jailconf/verbs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* What the policy would make of the jail now. */
enum age {
	AGE_CURRENT,
	AGE_OLD,     /* the plan would be another one */
	AGE_ORPHAN,  /* the account is not jailed any more */
	AGE_UNKNOWN, /* the policy does not load, or has no plan for it */
};

static const char *
age_name(enum age age)
{
	static const char *const names[] = {
		[AGE_CURRENT] = "current",
		[AGE_OLD] = "older plan",
		[AGE_ORPHAN] = "not jailed so any more",
		[AGE_UNKNOWN] = "unknown",
	};

	return names[age];
}

/* Whether PLAN, sealed, is what the jail was built from. */
static bool
is_same_plan(const struct running_jail *jail, const struct plan *plan)
{
	struct arena arena = { 0 };
	const char *bytes = NULL;
	size_t n_bytes = 0;
	struct err err;
	cleanup_fd int fd = plan_seal(plan, &err);
	bool same;

	if (fd >= 0)
		bytes = seal_read(fd, &arena, &n_bytes, &err);
	same = bytes != NULL && n_bytes == jail->n_bytes &&
	       memcmp(bytes, jail->bytes, n_bytes) == 0;
	arena_free(&arena);
	return same;
}

static enum age
find_age(struct policy *policy, const struct running_jail *jail)
{
	struct account account;
	struct decision decision;
	enum age age = AGE_UNKNOWN;
	struct plan plan;
	struct err err;

	if (policy == NULL ||
	    account_lookup(jail->plan.account, &account, &err) < 0)
		return AGE_UNKNOWN;
	if (policy_find(policy, &account, jail->plan.jail, &decision, &err) ==
	    0) {
		if (decision.jail == NULL) {
			age = AGE_ORPHAN;
		} else if (policy_plan(decision.jail, &account, &plan, &err) ==
			   0) {
			age = is_same_plan(jail, &plan) ? AGE_CURRENT : AGE_OLD;
			plan_free(&plan);
		}
	}
	account_free(&account);
	return age;
}

static void
format_time(int64_t when, char *text, size_t size)
{
	const time_t t = (time_t)when;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		(void)snprintf(text, size, "?");
}

static void
show_head(void)
{
	out_line("%-16s %-8s %-12s %-8s %-8s %s", "ACCOUNT", "UID", "JAIL",
		 "SESSIONS", "INIT", "SINCE");
}

static void
show_line(const struct running_jail *jail, enum age age)
{
	char since[32];

	format_time(jail->since, since, sizeof(since));
	out_line("%-16s %-8u %-12s %-8u %-8d %s%s%s", jail->plan.account,
		 jail->uid, jail->plan.jail, jail->sessions, (int)jail->init,
		 since, age != AGE_CURRENT ? "  " : "",
		 age != AGE_CURRENT ? age_name(age) : "");
}

static void
show_json(struct json_object *list, const struct running_jail *jail,
	  enum age age)
{
	struct json_object *const row = json_object_new_object();

	json_set(row, "account", jail->plan.account);
	(void)json_object_object_add(row, "uid",
				     json_object_new_int64(jail->uid));
	json_set(row, "jail", jail->plan.jail);
	(void)json_object_object_add(row, "sessions",
				     json_object_new_int64(jail->sessions));
	(void)json_object_object_add(row, "init",
				     json_object_new_int64(jail->init));
	(void)json_object_object_add(row, "since",
				     json_object_new_int64(jail->since));
	json_set(row, "plan", age_name(age));
	(void)json_object_array_add(list, row);
}

/* What list shows so far. */
struct listing {
	struct policy *policy;
	struct json_object *json; /* NULL: lines */
	size_t n;
};

/* Shows the jail NAME, or takes away what is left of it.  Returns false
 * if neither could be done. */
static bool
show(struct listing *listing, const struct running_name *name)
{
	struct running_jail jail = { 0 };
	struct err err = { 0 };
	enum age age;

	if (name->jail[0] == '\0' || running_ask(name, &jail, &err) < 0) {
		if (name->jail[0] == '\0' || err.kind == ERR_GONE) {
			(void)running_sweep(name);
			return true;
		}
		out_error("uid %u, jail %s: %s", name->uid, name->jail,
			  err.text);
		return false;
	}
	age = find_age(listing->policy, &jail);
	if (listing->json != NULL) {
		show_json(listing->json, &jail, age);
	} else {
		if (listing->n == 0)
			show_head();
		show_line(&jail, age);
	}
	listing->n++;
	plan_free(&jail.plan);
	return true;
}

int
cmd_list(const struct call *call)
{
	struct listing listing = { .json = call->json ? json_object_new_array()
						      : NULL };
	cleanup_free struct running_name *names = NULL;
	struct err err;
	const ssize_t n = running_list(RUNNING_ALL, &names, &err);
	bool fine = n >= 0;

	if (n < 0)
		out_failure("list", &err);
	listing.policy = policy_load(CONF_DIR, 0, &err);
	for (ssize_t i = 0; i < n; i++)
		if (!show(&listing, &names[i]))
			fine = false;
	policy_free(listing.policy);
	if (listing.json != NULL)
		out_json(listing.json);
	return fine ? STATUS_FINE : STATUS_PROBLEM;
}

int
cmd_stop(const struct call *call)
{
	struct account account = { 0 };
	struct err err = { 0 };
	int status = STATUS_PROBLEM;

	if (account_lookup(call->user, &account, &err) == 0 &&
	    running_stop(account.uid, &err) == 0) {
		out_line("stopped what ran of %s", call->user);
		status = STATUS_FINE;
	} else if (err.kind == ERR_GONE) {
		out_line("nothing to do: no jail of %s is running", call->user);
		status = STATUS_FINE;
	} else {
		out_failure(call->user, &err);
	}
	account_free(&account);
	return status;
}
