/* SPDX-License-Identifier: ISC */
/* jailconf try, jailconf exec */
#include "base/cleanup.h"
#include "base/path.h"
#include "jail/lease.h"
#include "jail/registry.h"
#include "jail/run.h"
#include "jailconf/output.h"
#include "jailconf/rehearse.h"
#include "jailconf/rewrite.h"
#include "jailconf/verbs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t
count(char **list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	return n;
}

/* The administrator's terminal is at the other end, his environment is
 * his own. */
static void
take_terminal(struct run_request *request, const char **env, size_t n)
{
	for (size_t i = 0; environ[i] != NULL && request->n_env < n; i++)
		if (strncmp(environ[i], "TERM=", 5) == 0 ||
		    strncmp(environ[i], "COLORTERM=", 10) == 0)
			env[request->n_env++] = environ[i];
	request->env = env;
}

/* Runs the command, or a login shell, inside; ends as it ends. */
static int
run_inside(const struct call *call, const struct lease *lease, struct err *err)
{
	/* A login shell; run_exec() gives it its name. */
	const char *login[] = { "-", NULL }, *env[2];
	struct run_request request = { .cwd = "", .umask = run_umask() };
	int status;

	if (call->command[0] != NULL) {
		request.argv = (const char **)(uintptr_t)call->command;
		request.argc = count(call->command);
		request.command = true;
	} else {
		request.argv = login;
		request.argc = 1;
	}
	take_terminal(&request, env, sizeof(env) / sizeof(env[0]));
	if (run_session(lease->sock, &request, &status, err) < 0)
		return -1;
	run_end_like(status);
}

/* Who does not say how an account comes in means ssh. */
static const struct visit ssh = { .service = "sshd" };

/* --- try ---------------------------------------------------------------- */

static bool
has_keys(const struct userfile_keys *keys)
{
	return keys->jail != NULL || keys->shell != NULL ||
	       keys->root != NULL || keys->network != NULL;
}

/*
 * What the file in users.d would say; NULL if things can be left as they
 * are.  As with "add", what is not told comes from the file that is there,
 * else from the jail "shell"; or from the jail that a rule says.
 */
static int
suppose(const struct call *call, const struct account *account,
	struct policy *policy, struct arena *arena, struct err *err)
{
	struct userfile_keys keys = call->keys;
	const char *path, *old, *text;
	struct decision now;

	if (policy_decide(policy, account, &ssh, &now, err) < 0)
		return -1;
	if (now.jail != NULL && !has_keys(&keys))
		return 0;
	path = rehearse_user_path(arena, call->user, err);
	if (path == NULL)
		return -1;
	old = file_read(path, arena, err);
	if (old == NULL && err->errnum != ENOENT)
		return -1;
	if (old == NULL && keys.jail == NULL)
		keys.jail =
			now.jail != NULL ? jail_conf_name(now.jail) : "shell";
	text = userfile_edit(arena, old, &keys, err);
	if (text == NULL)
		return err_context(err, "%s", path);
	return policy_suppose(policy, account->name, text, err);
}

static int
plan_trial(const struct call *call, struct arena *arena, struct plan *plan,
	   struct err *err)
{
	struct account account = { 0 };
	struct policy *const policy = rehearse_load(err);
	struct decision decision;
	int ret = -1;

	if (policy != NULL && account_lookup(call->user, &account, err) == 0) {
		if (account.uid == 0)
			(void)err_set(err, ERR_REFUSED,
				      "uid 0 is never jailed");
		else if (suppose(call, &account, policy, arena, err) == 0 &&
			 policy_decide(policy, &account, &ssh, &decision,
				       err) == 0)
			ret = rehearse_plan(decision.jail, &account, plan, err);
	}
	/* Two overlays must not share a directory of changes, and a login may
	 * come at any time: Documentation/filesystems/overlayfs.rst. */
	if (ret == 0 && plan->upper != NULL) {
		plan->upper = NULL;
		out_error("%s: remark: the tree is read-only while it is tried",
			  call->user);
	}
	account_free(&account);
	policy_free(policy);
	return ret;
}

int
cmd_try(const struct call *call)
{
	struct lease lease = LEASE_NONE;
	struct arena arena = { 0 };
	struct plan plan = { 0 };
	struct err err = { 0 };

	/* Only a failure comes back from run_inside(). */
	if (plan_trial(call, &arena, &plan, &err) == 0 &&
	    lease_private(&plan, &lease, &err) == 0)
		(void)run_inside(call, &lease, &err);
	out_failure(call->user, &err);
	lease_close(&lease);
	plan_free(&plan);
	arena_free(&arena);
	return STATUS_NOT_RUN;
}

/* --- exec --------------------------------------------------------------- */

static int
choose(const struct call *call, const struct account *account,
       struct policy *policy, struct decision *decision, struct err *err)
{
	if (call->keys.jail != NULL)
		return policy_find(policy, account, call->keys.jail, decision,
				   err);
	return policy_decide(policy, account, &ssh, decision, err);
}

/* Starts the jail as a login by ssh would, or the one that was asked for. */
static int
start(const struct call *call, const struct account *account,
      struct lease *lease, struct err *err)
{
	struct policy *const policy = rehearse_load(err);
	struct decision decision;
	struct plan plan;
	int ret = -1;

	if (policy != NULL &&
	    choose(call, account, policy, &decision, err) == 0) {
		if (decision.jail == NULL) {
			(void)err_set(err, ERR_REFUSED,
				      call->keys.jail != NULL
					      ? "is never in that jail"
					      : "is not jailed");
		} else if (policy_plan(decision.jail, account, &plan, err) ==
			   0) {
			ret = lease_take(&plan, lease, err);
			plan_free(&plan);
		}
	}
	policy_free(policy);
	return ret;
}

/* Joins the jail that was asked for, or the only one. */
static int
join(const struct call *call, const struct account *account,
     struct lease *lease, struct err *err)
{
	const char *const told = call->keys.jail;
	char only[NAME_PLAIN_MAX + 1];

	if (told != NULL)
		return lease_join(account->uid, told, lease, err);
	if (registry_find(account->uid, only, sizeof(only), err) < 0) {
		if (err->kind == ERR_REFUSED)
			(void)err_set(err, ERR_REFUSED,
				      "more than one jail is running: say "
				      "which one with --jail");
		return -1;
	}
	return lease_join(account->uid, only, lease, err);
}

static int
find_or_start(const struct call *call, struct lease *lease, struct err *err)
{
	struct account account = { 0 };
	int ret;

	if (account_lookup(call->user, &account, err) < 0)
		return -1;
	ret = call->start ? start(call, &account, lease, err)
			  : join(call, &account, lease, err);
	if (ret < 0 && err->kind == ERR_GONE)
		(void)err_set(err, ERR_GONE,
			      "no jail is running; --start starts one");
	account_free(&account);
	return ret;
}

int
cmd_exec(const struct call *call)
{
	struct lease lease = LEASE_NONE;
	struct err err = { 0 };

	if (find_or_start(call, &lease, &err) == 0)
		(void)run_inside(call, &lease, &err);
	out_failure(call->user, &err);
	lease_close(&lease);
	return STATUS_NOT_RUN;
}
