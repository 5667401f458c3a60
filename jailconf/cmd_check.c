/* SPDX-License-Identifier: ISC */
/* jailconf check */
#include "base/cleanup.h"
#include "base/path.h"
#include "jailconf/doors.h"
#include "jailconf/host.h"
#include "jailconf/output.h"
#include "jailconf/rehearse.h"
#include "jailconf/verbs.h"

#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

struct check {
	struct report report;
	struct policy *policy;	  /* NULL: it does not load */
	struct service *services; /* of all jails in use, and their doors;
				   * ended by a NULL name */
	size_t n_services;
	struct arena arena; /* their names */
	size_t n_jailed;
	size_t n_other_shell; /* mapped by a rule, login shell not jailsh */
	char example[64];
};

/* --- which doors are in use --------------------------------------------- */

/* Notes that SERVICE is a door; what asks more of the stacks wins. */
static int
note_service(struct check *check, const struct service *service,
	     struct err *err)
{
	struct service *grown;

	for (size_t i = 0; i < check->n_services; i++)
		if (strcmp(check->services[i].name, service->name) == 0) {
			if (check->services[i].door == DOOR_CLOSED ||
			    service->door == DOOR_CHILD ||
			    service->door == DOOR_JOB)
				check->services[i].door = service->door;
			return 0;
		}
	grown = reallocarray(check->services, check->n_services + 2,
			     sizeof(*grown));
	if (grown == NULL)
		return err_errno(err, "memory");
	check->services = grown;
	grown[check->n_services].door = service->door;
	grown[check->n_services].name =
		arena_copy(&check->arena, service->name, err);
	if (grown[check->n_services].name == NULL)
		return -1;
	grown[++check->n_services] = (struct service){ NULL, DOOR_CLOSED };
	return 0;
}

static int
note_jail(struct check *check, const struct jail_conf *jail, struct err *err)
{
	size_t n;
	const struct service *const services = jail_conf_doors(jail, &n);

	for (size_t i = 0; i < n; i++)
		if (note_service(check, &services[i], err) < 0)
			return -1;
	return 0;
}

/* --- accounts ----------------------------------------------------------- */

static void
note_login_shell(struct check *check, const struct account *account,
		 bool by_file)
{
	if (strcmp(account->shell, JAILSH) == 0)
		return;
	if (by_file) {
		report_add(&check->report, SEVERITY_WARNING,
			   "run jailconf add again",
			   "account %s: the login shell is %s, not %s: su and "
			   "the console are refused",
			   account->name, account->shell, JAILSH);
		return;
	}
	if (check->n_other_shell++ == 0)
		(void)snprintf(check->example, sizeof(check->example), "%s",
			       account->name);
}

/* What is wrong with one account, which RULE maps (NULL: not known); the
 * library may have named it already. */
static void
tell_account(struct check *check, const char *name, const char *rule,
	     const struct err *err)
{
	const char *text = err->text;
	const size_t len = strlen(name);

	if (strncmp(text, "account ", strlen("account ")) == 0)
		text += strlen("account ");
	if (strncmp(text, name, len) == 0 && text[len] == ':')
		text += len + strspn(text + len, ": ");
	report_add(&check->report, SEVERITY_ERROR, "", "account %s%s%s: %s",
		   name, rule != NULL ? ", jailed by " : "",
		   rule != NULL ? rule : "", text);
}

/* The account that is looked at. */
struct examined {
	struct check *check;
	const struct account *account;
	size_t n_jails;
};

static void
check_jail(void *arg, const struct decision *decision)
{
	struct examined *const examined = arg;
	struct check *const check = examined->check;
	const struct account *const account = examined->account;
	struct plan plan;
	struct err err;

	examined->n_jails++;
	if (note_jail(check, decision->jail, &err) < 0 ||
	    rehearse_plan(decision->jail, account, &plan, &err) < 0)
		tell_account(check, account->name, decision->rule, &err);
	else
		plan_free(&plan);
}

static void
check_account(struct check *check, const char *name, bool by_file)
{
	struct account account = { 0 };
	struct examined examined = { check, &account, 0 };
	const struct jail_finder finder = { check_jail, &examined };
	struct err err = { 0 };

	if (account_lookup(name, &account, &err) < 0) {
		/* policy_audit() has told of files of nobody. */
		if (!by_file || err.kind != ERR_REFUSED)
			tell_account(check, name, NULL, &err);
		return;
	}
	if (policy_each(check->policy, &account, &finder, &err) < 0) {
		/* policy_audit() has told of broken files in users.d. */
		if (!by_file)
			tell_account(check, name, NULL, &err);
	} else if (examined.n_jails > 0) {
		check->n_jailed++;
		note_login_shell(check, &account, by_file);
	} else if (by_file && account.uid == 0) {
		report_add(&check->report, SEVERITY_ERROR, "remove the file",
			   CONF_DIR "/users.d/%s: uid 0 is never jailed", name);
	}
	account_free(&account);
}

static int
is_user_file(const struct dirent *entry)
{
	return name_is_plain(entry->d_name);
}

static bool
has_file(const char *name)
{
	cleanup_free char *path = NULL;

	if (!name_is_plain(name))
		return false;
	if (asprintf(&path, CONF_DIR "/users.d/%s", name) < 0) {
		path = NULL;
		return false;
	}
	return access(path, F_OK) == 0;
}

static void
check_user_files(struct check *check)
{
	struct dirent **entries = NULL;
	const int n =
		scandir(CONF_DIR "/users.d", &entries, is_user_file, alphasort);

	if (n < 0 && errno != ENOENT)
		report_add(&check->report, SEVERITY_ERROR, "",
			   CONF_DIR "/users.d: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		check_account(check, entries[i]->d_name, true);
		free(entries[i]);
	}
	free(entries);
}

/* Those that a rule maps, as far as passwd(5) of this host knows them. */
static void
check_local_accounts(struct check *check)
{
	FILE *const file = fopen("/etc/passwd", "re");
	const struct passwd *entry;

	while (file != NULL && (entry = fgetpwent(file)) != NULL)
		if (entry->pw_uid != 0 && !has_file(entry->pw_name))
			check_account(check, entry->pw_name, false);
	if (file != NULL)
		(void)fclose(file);
	if (check->n_other_shell > 0)
		report_add(&check->report, SEVERITY_REMARK, "",
			   "%zu accounts that rules map (%s) have another "
			   "login shell than %s: su and the console are "
			   "refused",
			   check->n_other_shell, check->example, JAILSH);
}

/* --- all of it ---------------------------------------------------------- */

static const char users_dir[] = CONF_DIR "/users.d/";

static void
found_mistake(void *arg, const struct err *mistake)
{
	struct check *const check = arg;
	const bool in_users =
		strncmp(mistake->text, users_dir, strlen(users_dir)) == 0;

	report_add(&check->report, SEVERITY_ERROR,
		   in_users ? "correct it, or jailconf unjail the account" : "",
		   "%s", mistake->text);
}

static void
check_policy(struct check *check)
{
	struct err err;

	check->policy = rehearse_load(&err);
	if (check->policy == NULL) {
		report_add(&check->report, SEVERITY_ERROR, "", "%s", err.text);
		return;
	}
	(void)policy_audit(check->policy, found_mistake, check);
	check_user_files(check);
	check_local_accounts(check);
}

int
cmd_check(const struct call *call)
{
	struct check check = { 0 };
	bool fine;

	report_open(&check.report, call->json);
	if (geteuid() != 0)
		report_add(&check.report, SEVERITY_REMARK, "run it as root",
			   "what only root may read is not checked");
	check_policy(&check);
	host_check_programs(&check.report);
	host_check_pam(&check.report,
		       check.n_services > 0 ? check.services : door_usual);
	host_check_settings(&check.report);
	fine = report_close(&check.report);
	if (!call->json && fine)
		out_line("fine; jailed accounts: %zu, warnings: %zu",
			 check.n_jailed, check.report.count[SEVERITY_WARNING]);
	policy_free(check.policy);
	arena_free(&check.arena);
	free(check.services);
	return fine ? STATUS_FINE : STATUS_PROBLEM;
}
