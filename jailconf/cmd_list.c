/* SPDX-License-Identifier: ISC */
/* jailconf list, jailconf stop */
#include "base/cleanup.h"
#include "base/seal.h"
#include "jail/registry.h"
#include "jailconf/events.h"
#include "jailconf/output.h"
#include "jailconf/rehearse.h"
#include "jailconf/running.h"
#include "jailconf/verbs.h"
#include "policy/amount.h"

#include <inttypes.h>
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
	out_line("%-16s %-8s %-12s %-8s %-8s %-8s %-6s %s", "ACCOUNT", "UID",
		 "JAIL", "SESSIONS", "INIT", "MEMORY", "PIDS", "SINCE");
}

/* What the kernel does not count is "-"; memory is in MiB. */
static void
format_use(uint64_t value, unsigned int shift, const char *unit, char text[24])
{
	if (value == SHARE_UNKNOWN)
		(void)snprintf(text, 24, "-");
	else
		(void)snprintf(text, 24, "%" PRIu64 "%s", value >> shift, unit);
}

static void
show_line(const struct running_jail *jail, enum age age)
{
	const char *const address = jail->plan.private.address;
	char since[32], memory[24], pids[24];

	format_time(jail->since, since, sizeof(since));
	format_use(jail->use.memory_bytes, 20, "M", memory);
	format_use(jail->use.pids, 0, "", pids);
	out_line("%-16s %-8u %-12s %-8u %-8d %-8s %-6s %s%s%s%s%s%s%s",
		 jail->plan.account, jail->uid, jail->plan.jail, jail->sessions,
		 (int)jail->init, memory, pids, since,
		 jail->plan.reseller != NULL ? "  reseller " : "",
		 jail->plan.reseller != NULL ? jail->plan.reseller : "",
		 address != NULL ? "  " : "", address != NULL ? address : "",
		 age != AGE_CURRENT ? "  " : "",
		 age != AGE_CURRENT ? age_name(age) : "");
}

/* What PAM said of a session when it began, by KEY; "" if nothing. */
static const char *
get(struct json_object *label, const char *key)
{
	struct json_object *member;

	if (label == NULL || !json_object_object_get_ex(label, key, &member))
		return "";
	return json_object_get_string(member);
}

/* running_session_show */
static void
show_session(const struct running_session *session, void *unused)
{
	struct json_object *const label =
		event_parse("jail-keeper", session->label);
	char since[32];

	(void)unused;
	format_time(session->since, since, sizeof(since));
	out_line("  %-14s %-8d %-12s %-16s %s", get(label, "service"),
		 (int)session->pid, get(label, "tty"), get(label, "rhost"),
		 since);
	(void)json_object_put(label);
}

/* The same; LIST is a JSON list. */
static void
add_session(const struct running_session *session, void *list)
{
	struct json_object *const label =
		event_parse("jail-keeper", session->label);
	static const char *const keys[] = { "service", "tty", "rhost",
					    "session" };
	struct json_object *const row = json_object_new_object();

	(void)json_object_object_add(row, "pid",
				     json_object_new_int64(session->pid));
	(void)json_object_object_add(row, "since",
				     json_object_new_int64(session->since));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_set(row, keys[i], get(label, keys[i]));
	(void)json_object_array_add(list, row);
	(void)json_object_put(label);
}

static struct json_object *
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
	if (jail->use.memory_bytes != SHARE_UNKNOWN)
		(void)json_object_object_add(
			row, "memory",
			json_object_new_uint64(jail->use.memory_bytes));
	if (jail->use.pids != SHARE_UNKNOWN)
		(void)json_object_object_add(
			row, "pids", json_object_new_uint64(jail->use.pids));
	json_set(row, "reseller", jail->plan.reseller);
	json_set(row, "address", jail->plan.private.address);
	json_set(row, "plan", age_name(age));
	(void)json_object_array_add(list, row);
	return row;
}

/* What list shows so far. */
struct listing {
	struct policy *policy;
	struct json_object *json; /* NULL: lines */
	bool sessions;		  /* each of them */
	size_t n;
};

/* Shows the jail NAME, which is JAIL and of AGE.  Returns 0, or -1. */
static int
show_running(struct listing *listing, const struct running_name *name,
	     const struct running_jail *jail, enum age age, struct err *err)
{
	running_session_show *how = show_session;
	struct json_object *sessions = NULL;

	if (listing->json != NULL) {
		struct json_object *const row =
			show_json(listing->json, jail, age);

		sessions = listing->sessions ? json_object_new_array() : NULL;
		if (sessions != NULL)
			(void)json_object_object_add(row, "who", sessions);
		how = add_session;
	} else {
		if (listing->n == 0)
			show_head();
		show_line(jail, age);
	}
	listing->n++;
	if (!listing->sessions)
		return 0;
	return running_each_session(name, how, sessions, err);
}

/* Shows the jail NAME, or takes away what is left of it.  Returns false
 * if neither could be done. */
static bool
show(struct listing *listing, const struct running_name *name)
{
	struct running_jail jail = { 0 };
	struct err err = { 0 };
	bool fine;

	if (name->jail[0] == '\0' || running_ask(name, &jail, &err) < 0) {
		if (name->jail[0] == '\0' || err.kind == ERR_GONE) {
			if (running_sweep(name) || name->jail[0] == '\0' ||
			    registry_require_none(name->uid, name->jail,
						  &err) == 0)
				return true;
		}
		out_error("uid %u, jail %s: %s", name->uid, name->jail,
			  err.text);
		return false;
	}
	fine = show_running(listing, name, &jail,
			    find_age(listing->policy, &jail), &err) == 0;
	if (!fine)
		out_error("uid %u, jail %s: %s", name->uid, name->jail,
			  err.text);
	plan_free(&jail.plan);
	return fine;
}

/* Whose jails are meant: everybody's, or those of USER, who may have been
 * deleted and then is a uid. */
static int
find_uid(const char *user, uid_t *uid, struct err *err)
{
	struct account account = { 0 };
	uint64_t number;

	*uid = RUNNING_ALL;
	if (user == NULL)
		return 0;
	if (account_lookup(user, &account, err) == 0)
		*uid = account.uid;
	else if (amount_parse_part(user, strlen(user), UINT32_MAX - 1, &number))
		*uid = (uid_t)number;
	else
		return -1;
	account_free(&account);
	return *uid == 0 ? err_set(err, ERR_REFUSED, "root is never jailed")
			 : 0;
}

int
cmd_list(const struct call *call)
{
	struct listing listing = { .sessions = call->user != NULL };
	cleanup_free struct running_name *names = NULL;
	ssize_t n = -1;
	struct err err;
	uid_t uid;
	bool fine;

	if (find_uid(call->user, &uid, &err) == 0)
		n = running_list(uid, &names, &err);
	if (n < 0)
		out_failure(call->user != NULL ? call->user : "list", &err);
	fine = n >= 0;
	listing.json = call->json ? json_object_new_array() : NULL;
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
	struct err err = { 0 };
	int status = STATUS_PROBLEM;
	uid_t uid;

	if (find_uid(call->user, &uid, &err) == 0 &&
	    running_stop(uid, &err) == 0) {
		out_line("stopped what ran of %s", call->user);
		status = STATUS_FINE;
	} else if (err.kind == ERR_GONE) {
		out_line("nothing to do: no jail of %s is running", call->user);
		status = STATUS_FINE;
	} else {
		out_failure(call->user, &err);
	}
	return status;
}
