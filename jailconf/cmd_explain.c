/* SPDX-License-Identifier: ISC */
/* jailconf explain */
#include "jailconf/doors.h"
#include "jailconf/host.h"
#include "jailconf/output.h"
#include "jailconf/planview.h"
#include "jailconf/rehearse.h"
#include "jailconf/sidedoors.h"
#include "jailconf/verbs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct explanation {
	const struct call *call;
	struct account account;
	struct policy *policy;
	struct decision decision;
	struct visit visit; /* what the decision is for */
	struct arena arena;
	struct json_object *object; /* NULL: print lines */
};

/* "ssh-ed25519 AAAA... comment" as sshd(8) would tell of it. */
static const char *
tell_key(struct explanation *explanation, const char *key, struct err *err)
{
	const size_t type = strcspn(key, " ");
	const size_t blob = type + strspn(key + type, " ");
	const size_t len = strcspn(key + blob, " \n");

	if (type == 0 || len == 0) {
		(void)err_set(err, ERR_CONFIG,
			      "--key: not a public key, as in \"ssh-ed25519 "
			      "AAAA...\"");
		return NULL;
	}
	return arena_printf(&explanation->arena, err, "publickey %.*s %.*s",
			    (int)type, key, (int)len, key + blob);
}

/* Without --service: the jail that the account gets everywhere, or else the
 * first that a rule gives it at one service. */
static int
decide(struct explanation *explanation, struct err *err)
{
	const struct call *const call = explanation->call;
	const struct account *const account = &explanation->account;
	struct visit *const visit = &explanation->visit;

	*visit = (struct visit){ .service = call->service,
				 .address = call->address };
	if (call->key != NULL) {
		visit->keys = tell_key(explanation, call->key, err);
		if (visit->keys == NULL)
			return -1;
	}
	if (policy_decide(explanation->policy, account, visit,
			  &explanation->decision, err) < 0 ||
	    policy_require_own_uid(explanation->policy, account, err) < 0)
		return -1;
	for (const struct door_known *known = door_known;
	     call->service == NULL && explanation->decision.jail == NULL &&
	     known->service != NULL;
	     known++) {
		visit->service = known->service;
		if (policy_decide(explanation->policy, account, visit,
				  &explanation->decision, err) < 0)
			return -1;
	}
	if (explanation->decision.jail != NULL)
		return 0;
	visit->service = call->service;
	return policy_require_not_lost(explanation->policy, account, err);
}

/* Why it is not jailed. */
static void
tell_freedom(const struct explanation *explanation, char *text, size_t size)
{
	if (explanation->account.uid == 0)
		(void)snprintf(text, size, "uid 0 is never jailed");
	else if (explanation->decision.exempt != NULL)
		(void)snprintf(text, size,
			       "a rule matches, but the group %s is exempt",
			       explanation->decision.exempt);
	else
		(void)snprintf(text, size,
			       "there is no " CONF_DIR "/users.d/%s, and no "
			       "rule of " CONF_DIR "/jail.conf matches",
			       explanation->account.name);
}

/* --- doors -------------------------------------------------------------- */

/* NAME is a PAM service, or a way in that asks none. */
static void
show_view(struct json_object *list, const char *name, const char *what,
	  const struct door_view *view)
{
	struct json_object *row;

	if (list == NULL) {
		out_line("  %-14s %-8s %s", name, door_end_name(view->end),
			 view->why);
		return;
	}
	row = json_object_new_object();
	json_set(row, "service", name);
	json_set(row, "what", what);
	json_set(row, "end", door_end_name(view->end));
	json_set(row, "door", door_name(view->door));
	json_set(row, "rule", view->rule);
	json_set(row, "why", view->why);
	(void)json_object_array_add(list, row);
}

/* What sshd does itself, it does outside then; jailsh(8) is asked for
 * commands only. */
static void
look_at_sshd(struct door_view *view)
{
	if (host_sshd_look() != HOST_SSHD_NO_PAM)
		return;
	view->end = DOOR_END_OUTSIDE;
	(void)snprintf(view->why, sizeof(view->why),
		       "sshd does not use pam (set UsePAM yes in "
		       "sshd_config(5))");
}

static void
show_door(struct explanation *explanation, struct json_object *list,
	  const char *service)
{
	const struct door_known *const known = door_known_find(service);
	struct visit visit = explanation->visit;
	struct door_view view;

	visit.service = service;
	if (!service_tells_keys(service))
		visit.keys = NULL;
	door_look(explanation->policy, &explanation->account, &visit,
		  pam_directories, &view);
	if (strcmp(service, "sshd") == 0 && view.end != DOOR_END_OUTSIDE)
		look_at_sshd(&view);
	show_view(list, service, known != NULL ? known->what : NULL, &view);
}

static void
show_sidedoors(struct explanation *explanation, struct json_object *list)
{
	struct sidedoors sidedoors;
	struct door_view view;

	if (explanation->decision.jail == NULL)
		return;
	sidedoors_find(&sidedoors);
	for (unsigned int i = 0; i < SIDEDOORS; i++) {
		const enum sidedoor door = (enum sidedoor)i;

		if (sidedoor_look(&sidedoors, door, &explanation->account,
				  &view))
			show_view(list, sidedoor_name(door), NULL, &view);
	}
}

/* Whether libpam has a file for SERVICE. */
static bool
is_here(const char *service)
{
	struct pam_service stacks;
	struct err err;
	bool here = true; /* a broken file is one */

	if (pam_service_read(pam_directories, service, &stacks, &err) == 0) {
		here = stacks.exists;
		pam_service_free(&stacks);
	}
	return here;
}

/* The known doors that this host has, and others that the jail lists. */
static void
show_doors(struct explanation *explanation)
{
	const struct jail_conf *const jail = explanation->decision.jail;
	struct json_object *const list =
		explanation->object != NULL ? json_object_new_array() : NULL;
	const struct service *services = NULL;
	size_t n = 0;

	if (list == NULL)
		out_line("doors");
	if (explanation->call->service != NULL)
		show_door(explanation, list, explanation->call->service);
	else {
		if (jail != NULL)
			services = jail_conf_doors(jail, &n);
		for (const struct door_known *known = door_known;
		     known->service != NULL; known++)
			if (is_here(known->service))
				show_door(explanation, list, known->service);
		for (size_t i = 0; i < n; i++)
			if (door_known_find(services[i].name) == NULL)
				show_door(explanation, list, services[i].name);
		show_sidedoors(explanation, list);
	}
	if (list != NULL)
		(void)json_object_object_add(explanation->object, "doors",
					     list);
}

/* --- all of it ---------------------------------------------------------- */

static void
show_head(const struct explanation *explanation)
{
	const struct decision *const decision = &explanation->decision;
	const struct account *const account = &explanation->account;
	struct json_object *const object = explanation->object;
	const bool jailed = decision->jail != NULL;
	const char *const jail = jailed ? jail_conf_name(decision->jail) : NULL;
	char why[512] = "";

	if (!jailed)
		tell_freedom(explanation, why, sizeof(why));
	if (object != NULL) {
		json_set(object, "account", account->name);
		(void)json_object_object_add(object, "jailed",
					     json_object_new_boolean(jailed));
		json_set(object, "jail", jail);
		json_set(object, "rule", decision->rule);
		json_set(object, "service", explanation->visit.service);
		json_set(object, "why", jailed ? NULL : why);
		return;
	}
	out_line("%s (uid %u) is %s%s%s", account->name, account->uid,
		 jailed ? "in jail " : "not jailed: ", jailed ? jail : why,
		 jailed && explanation->visit.service != NULL &&
				 explanation->call->service == NULL
			 ? " (not at every service)"
			 : "");
	if (jailed)
		out_row("mapped by", "%s", decision->rule);
}

/* As a login: what is not counted keeps everybody out, if it has to be. */
static int
rehearse(const struct explanation *explanation, struct plan *plan,
	 struct err *err)
{
	if (rehearse_plan(explanation->decision.jail, &explanation->account,
			  plan, err) < 0)
		return -1;
	if (plan->quota.need != PLAN_NEED_REQUIRED ||
	    rehearse_quota(plan, err) == 0)
		return 0;
	plan_free(plan);
	return -1;
}

/* Returns whether the jail could be planned. */
static bool
show_plan(struct explanation *explanation)
{
	struct plan plan;
	struct err err;

	if (explanation->decision.jail == NULL)
		return true;
	if (rehearse(explanation, &plan, &err) < 0) {
		out_error("%s is refused everywhere: %s",
			  explanation->account.name, err.text);
		if (explanation->object != NULL)
			json_set(explanation->object, "error", err.text);
		return false;
	}
	if (explanation->object != NULL)
		planview_json(&plan, explanation->object);
	else
		planview_print(&plan);
	plan_free(&plan);
	return true;
}

/* The account cannot be decided on: pam_jail(8) refuses it then, or
 * everybody. */
static int
tell_refusal(const struct explanation *explanation, const struct err *err)
{
	const struct account *const account = &explanation->account;
	const bool sure =
		explanation->policy != NULL || policy_claims(CONF_DIR, account);
	struct json_object *object;

	if (!explanation->call->json) {
		out_error("%s is refused everywhere%s: %s", account->name,
			  sure ? "" : ", unless pam_jail's arguments exempt it",
			  err->text);
		return STATUS_PROBLEM;
	}
	object = json_object_new_object();
	json_set(object, "account", account->name);
	json_set(object, "error", err->text);
	out_json(object);
	return STATUS_PROBLEM;
}

static int
explain(struct explanation *explanation, struct err *err)
{
	bool fine;

	if (account_lookup(explanation->call->user, &explanation->account,
			   err) < 0)
		return -1;
	explanation->policy = rehearse_load(err);
	if (explanation->account.uid != 0 &&
	    (explanation->policy == NULL || decide(explanation, err) < 0))
		return tell_refusal(explanation, err);
	if (explanation->call->json)
		explanation->object = json_object_new_object();
	show_head(explanation);
	fine = show_plan(explanation);
	if (fine && explanation->account.uid != 0)
		show_doors(explanation);
	if (explanation->object != NULL)
		out_json(explanation->object);
	return fine ? STATUS_FINE : STATUS_PROBLEM;
}

int
cmd_explain(const struct call *call)
{
	struct explanation explanation = { .call = call };
	struct err err = { 0 };
	int status = explain(&explanation, &err);

	if (status < 0) {
		out_failure(call->user, &err);
		status = STATUS_PROBLEM;
	}
	account_free(&explanation.account);
	policy_free(explanation.policy);
	arena_free(&explanation.arena);
	return status;
}
