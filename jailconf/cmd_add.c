/* SPDX-License-Identifier: ISC */
/* jailconf add, jailconf unjail */
#include "base/cleanup.h"
#include "jailconf/doors.h"
#include "jailconf/host.h"
#include "jailconf/hostrun.h"
#include "jailconf/output.h"
#include "jailconf/rehearse.h"
#include "jailconf/rewrite.h"
#include "jailconf/running.h"
#include "jailconf/verbs.h"

#include <string.h>

/* What is to be done, all of it decided before anything is changed. */
struct addition {
	struct arena arena;
	struct account account;
	struct policy *policy;
	int lock;	  /* of CONF_DIR */
	const char *path; /* of the file in users.d */
	const char *old;  /* its text; NULL: it is not there */
	const char *text; /* what it shall be */
	const char *jail;
	const char *shell; /* inside */
	bool needs_shell;  /* the login shell is to become jailsh(8) */
	bool same;	   /* the file is what it shall be */
	bool uncounted;	   /* the quota would refuse it as things are */
	struct err why_uncounted;
};

static void
addition_free(struct addition *add)
{
	policy_free(add->policy);
	account_free(&add->account);
	arena_free(&add->arena);
	fd_close(&add->lock);
}

static bool
is_jailsh(const char *shell)
{
	return strcmp(shell, JAILSH) == 0;
}

/* Writes the future text of the file, from what is there. */
static int
write_text(struct addition *add, const struct call *call, struct err *err)
{
	struct userfile_keys keys = call->keys;

	add->path = rehearse_user_path(&add->arena, call->user, err);
	if (add->path == NULL)
		return -1;
	add->old = file_read(add->path, &add->arena, err);
	if (add->old == NULL && err->errnum != ENOENT)
		return -1;
	if (add->old == NULL && keys.jail == NULL)
		keys.jail = "shell";
	/* On a second "add" the login shell is jailsh: then what the file
	 * says is still the way back. */
	if (!is_jailsh(add->account.shell))
		keys.former_shell = add->account.shell;
	add->text = userfile_edit(&add->arena, add->old, &keys, err);
	if (add->text == NULL)
		return err_context(err, "%s", add->path);
	return 0;
}

/* Loads, decides and plans as the account's next login will. */
static int
rehearse_addition(struct addition *add, struct err *err)
{
	const struct visit any = { .service = NULL };
	struct decision decision;
	struct plan plan;

	if (policy_suppose(add->policy, add->account.name, add->text, err) <
		    0 ||
	    policy_decide(add->policy, &add->account, &any, &decision, err) <
		    0 ||
	    rehearse_plan(decision.jail, &add->account, &plan, err) < 0)
		return -1;
	add->jail = jail_conf_name(decision.jail);
	add->shell = arena_copy(&add->arena, plan.shell, err);
	add->uncounted = rehearse_quota(&plan, &add->why_uncounted) < 0;
	plan_free(&plan);
	return add->shell != NULL ? 0 : -1;
}

static int
prepare(struct addition *add, const struct call *call, struct err *err)
{
	if (account_lookup(call->user, &add->account, err) < 0)
		return -1;
	if (add->account.uid == 0)
		return err_set(err, ERR_REFUSED, "%s: uid 0 is never jailed",
			       call->user);
	add->lock = directory_lock(CONF_DIR, err);
	if (add->lock < 0)
		return err->errnum == ENOENT
			       ? err_set(err, ERR_SYSTEM,
					 CONF_DIR " is not there: run jailconf "
						  "setup first")
			       : -1;
	add->policy = rehearse_load(err);
	if (add->policy == NULL || write_text(add, call, err) < 0 ||
	    rehearse_addition(add, err) < 0)
		return -1;
	add->same = add->old != NULL && strcmp(add->old, add->text) == 0;
	add->needs_shell =
		!is_jailsh(add->account.shell) && account_is_local(call->user);
	if (add->needs_shell && access(JAILSH, X_OK) < 0)
		return err_errno(err, JAILSH);
	return 0;
}

/* usermod(8): only it knows how to lock and change passwd(5). */
static int
set_login_shell(const char *user, const char *shell, struct err *err)
{
	const char *const argv[] = { PROGRAM_USERMOD, "-s", shell, user, NULL };

	if (host_run(argv, err) < 0)
		return err_context(err, "change the login shell of %s", user);
	return 0;
}

static int
apply(const struct addition *add, struct err *err)
{
	const char *const user = add->account.name;
	bool made;

	if (directory_make(CONF_DIR "/users.d", 0755, &made, err) < 0)
		return -1;
	if (!add->same) {
		if (file_replace(CONF_DIR "/users.d", CONF_DIR, user, add->text,
				 err) < 0)
			return -1;
		out_line("wrote %s: %s is in jail %s", add->path, user,
			 add->jail);
	}
	if (add->needs_shell) {
		if (set_login_shell(user, JAILSH, err) < 0)
			return -1;
		out_line("changed the login shell of %s from %s to %s", user,
			 add->account.shell, JAILSH);
	}
	if (add->same && !add->needs_shell)
		out_line("nothing to do: %s is in jail %s already", user,
			 add->jail);
	return 0;
}

static bool
is_no_shell(const char *shell)
{
	const char *const slash = strrchr(shell, '/');

	return slash != NULL &&
	       (strcmp(slash, "/nologin") == 0 || strcmp(slash, "/false") == 0);
}

/* What the administrator may not expect. */
static void
warn(const struct addition *add)
{
	const char *const user = add->account.name;
	struct outsiders outsiders;
	struct report report;
	const char *service;

	report_open(&report, false);
	if (running_any(add->account.uid) && !add->same)
		report_add(&report, SEVERITY_REMARK, "",
			   "the running jail of %s stays as it is; jailconf "
			   "stop %s ends it",
			   user, user);
	if (!is_jailsh(add->account.shell) && !add->needs_shell)
		report_add(&report, SEVERITY_WARNING, "",
			   "%s is not in /etc/passwd, so its login shell stays "
			   "%s: ssh and cron are jailed, su and the console "
			   "are refused",
			   user, add->account.shell);
	if (is_no_shell(add->shell))
		report_add(&report, SEVERITY_WARNING, "give it a --shell",
			   "the shell of %s inside is %s", user, add->shell);
	if (host_count_uncovered(door_usual, &service) > 0)
		report_add(&report, SEVERITY_WARNING, "run jailconf setup",
			   "pam service %s does not call pam_jail: logins of "
			   "%s there are not jailed yet",
			   service, user);
	if (add->uncounted)
		report_add(&report, SEVERITY_WARNING, "", "%s",
			   add->why_uncounted.text);
	account_outsiders(add->account.uid, &outsiders);
	if (outsiders.n > 0)
		report_add(&report, SEVERITY_WARNING, "end them",
			   "processes of %s that run outside the jail: %zu "
			   "(%s, pid %d)",
			   user, outsiders.n, outsiders.name,
			   (int)outsiders.example);
	(void)report_close(&report);
}

int
cmd_add(const struct call *call)
{
	struct addition add = { .lock = -1 };
	struct err err = { 0 };
	int status = STATUS_PROBLEM;

	if (prepare(&add, call, &err) < 0) {
		out_error("nothing was changed: %s", err.text);
	} else if (apply(&add, &err) < 0) {
		out_error("%s", err.text);
	} else {
		warn(&add);
		out_line("try: jailconf try %s; undo: jailconf unjail %s",
			 call->user, call->user);
		status = STATUS_FINE;
	}
	addition_free(&add);
	return status;
}

/* --- unjail ------------------------------------------------------------- */

/* The shell that the account gets back. */
static const char *
former_shell(struct arena *arena, const char *text)
{
	const char *former = NULL;

	if (text != NULL)
		former = userfile_get(arena, text, "former_shell");
	if (former != NULL && !is_jailsh(former))
		return former;
	return access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

static int
restore_shell(const struct account *account, const char *text,
	      struct arena *arena, int *changes, struct err *err)
{
	const char *shell;

	if (!is_jailsh(account->shell) || !account_is_local(account->name))
		return 0;
	shell = former_shell(arena, text);
	if (set_login_shell(account->name, shell, err) < 0)
		return -1;
	out_line("changed the login shell of %s from %s to %s", account->name,
		 JAILSH, shell);
	(*changes)++;
	return 0;
}

/* Undoes it step by step, the shell first: what is killed in between is
 * still jailed, and can be done again.  *account is {0} if there is no such
 * account any more. */
static int
undo(const char *user, struct account *account, struct arena *arena,
     int *changes, struct err *err)
{
	const char *const path = rehearse_user_path(arena, user, err);
	bool was_there = false;
	const char *text;

	if (path == NULL)
		return -1;
	text = file_read(path, arena, err);
	if (text == NULL && err->errnum != ENOENT)
		return -1;
	if (account_lookup(user, account, err) == 0) {
		if (restore_shell(account, text, arena, changes, err) < 0)
			return -1;
	} else if (text == NULL || err->kind != ERR_REFUSED) {
		return -1;
	}
	if (file_remove(CONF_DIR "/users.d", user, &was_there, err) < 0)
		return text == NULL && err->errnum == ENOENT ? 0 : -1;
	if (was_there)
		out_line("removed %s", path);
	*changes += was_there;
	return 0;
}

/* Says if a rule of jail.conf(5) maps the account as well. */
static void
tell_rule(const struct account *account)
{
	const struct visit ssh = { .service = "sshd" };
	struct err err;
	struct policy *const policy = rehearse_load(&err);
	struct decision decision;

	if (policy != NULL &&
	    policy_decide(policy, account, &ssh, &decision, &err) == 0 &&
	    decision.jail != NULL)
		out_line("warning: %s is still in jail %s: %s", account->name,
			 jail_conf_name(decision.jail), decision.rule);
	policy_free(policy);
}

static int
tell_running(const struct account *account, bool stop, struct err *err)
{
	if (!running_any(account->uid))
		return 0;
	if (!stop) {
		out_line("the jail of %s still runs; jailconf stop %s ends it",
			 account->name, account->name);
		return 0;
	}
	if (running_stop(account->uid, err) < 0)
		return -1;
	out_line("stopped the jail of %s", account->name);
	return 0;
}

static int
unjail(const struct call *call, struct account *account, struct arena *arena,
       struct err *err)
{
	cleanup_fd int lock = directory_lock(CONF_DIR, err);
	int changes = 0;

	if (lock < 0 || undo(call->user, account, arena, &changes, err) < 0)
		return -1;
	if (changes == 0)
		out_line("nothing to do: no file of " CONF_DIR
			 "/users.d jails %s",
			 call->user);
	if (account->name == NULL) {
		out_line("there is no account %s: jailconf list shows what "
			 "runs by uid, and jailconf stop UID ends it",
			 call->user);
		return 0;
	}
	tell_rule(account);
	if (tell_running(account, call->stop, err) < 0)
		return -1;
	if (changes > 0)
		out_line("undo: jailconf add %s", call->user);
	return 0;
}

int
cmd_unjail(const struct call *call)
{
	struct account account = { 0 };
	struct arena arena = { 0 };
	struct err err = { 0 };
	const int ret = unjail(call, &account, &arena, &err);

	if (ret < 0)
		out_failure(call->user, &err);
	account_free(&account);
	arena_free(&arena);
	return ret == 0 ? STATUS_FINE : STATUS_PROBLEM;
}
