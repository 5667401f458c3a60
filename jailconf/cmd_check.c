/* SPDX-License-Identifier: ISC */
/* jailconf check */
#include "base/cleanup.h"
#include "base/path.h"
#include "jail/cgroup.h"
#include "jail/quota.h"
#include "jailconf/doors.h"
#include "jailconf/host.h"
#include "jailconf/inside.h"
#include "jailconf/listing.h"
#include "jailconf/network.h"
#include "jailconf/output.h"
#include "jailconf/rehearse.h"
#include "jailconf/sidedoors.h"
#include "jailconf/unit.h"
#include "jailconf/verbs.h"

#include <dirent.h>
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
	struct sidedoors sidedoors;
	size_t n_dropbear;    /* whom dropbear lets in */
	const char **missing; /* directories of services; in ARENA */
	size_t n_missing;
	struct network_seen networks;
	size_t n_weaker; /* in jails that have a limit that does not
			  * hold here */
	char weaker[64], not_held[256];
	size_t n_open; /* with ports that are not held here */
	char open[64];
	struct err why_open;
	size_t n_uncounted; /* with a quota that is not held here */
	char uncounted[64];
	struct err why_uncounted;
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

/* --- what jails go without ----------------------------------------------- */

static bool
is_told(const struct check *check, const char *directory)
{
	for (size_t i = 0; i < check->n_missing; i++)
		if (strcmp(check->missing[i], directory) == 0)
			return true;
	return false;
}

static int
tell_missing(struct check *check, const struct plan *plan, const char *path,
	     struct err *err)
{
	const char **const grown = reallocarray(
		check->missing, check->n_missing + 1, sizeof(*grown));

	if (grown == NULL)
		return err_errno(err, "memory");
	check->missing = grown;
	grown[check->n_missing] = arena_copy(&check->arena, path, err);
	if (grown[check->n_missing++] == NULL)
		return -1;
	report_add(&check->report, SEVERITY_REMARK, "",
		   "jail %s: the directory %s of a service is not there, and "
		   "the jail starts without it",
		   plan->jail, path);
	return 0;
}

/* Once for a directory, however many accounts are without it. */
static int
note_services(struct check *check, const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_entries; i++) {
		const struct entry *const entry = &plan->entries[i];
		struct stat st;

		if ((entry->flags & ENTRY_SERVICE) != 0 &&
		    !is_told(check, entry->text) &&
		    lstat(entry->text, &st) < 0 && errno == ENOENT &&
		    tell_missing(check, plan, entry->text, err) < 0)
			return -1;
	}
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

/* What ends outside although nothing is wrong with the PAM stacks; of
 * dropbear it is told once for all. */
static void
note_sidedoors(struct check *check, const struct account *account)
{
	struct door_view view;

	if (sidedoor_look(&check->sidedoors, SIDEDOOR_DROPBEAR, account,
			  &view) &&
	    view.end == DOOR_END_OUTSIDE)
		check->n_dropbear++;
	if (sidedoor_look(&check->sidedoors, SIDEDOOR_FORWARD, account, &view))
		report_add(&check->report, SEVERITY_WARNING,
			   "see jail(7), DOORS", "account %s: %s",
			   account->name, view.why);
	if (sidedoor_look(&check->sidedoors, SIDEDOOR_LINGER, account, &view))
		report_add(&check->report, SEVERITY_REMARK,
			   "run loginctl disable-linger for it",
			   "account %s lingers: its user manager is refused, "
			   "but %s",
			   account->name, view.why);
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

static void
note_limits(struct check *check, const struct plan *plan)
{
	struct share_held held;
	char names[sizeof(check->not_held)];
	struct err err;

	(void)cgroup_foresee(plan, &held, &err);
	if (share_not_held(plan, &held, names, sizeof(names)) == 0 ||
	    check->n_weaker++ > 0)
		return;
	(void)snprintf(check->weaker, sizeof(check->weaker), "%s",
		       plan->account);
	(void)snprintf(check->not_held, sizeof(check->not_held), "%s", names);
}

static void
note_ports(struct check *check, const struct plan *plan)
{
	struct err err;

	if (plan->ports.first == 0 || cgroup_foresee_ports(plan, &err) == 0 ||
	    check->n_open++ > 0)
		return;
	(void)snprintf(check->open, sizeof(check->open), "%s", plan->account);
	check->why_open = err;
}

/* What is written there is the account's, and no quota's. */
static void
note_missed(struct check *check, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_entries; i++)
		if (quota_misses(&plan->entries[i]))
			report_add(&check->report, SEVERITY_REMARK, "",
				   "account %s: the quota of jail %s does not "
				   "count what is written to %s",
				   plan->account, plan->jail,
				   plan->entries[i].text);
}

/* What is covered in a directory that the account may write to, it may move out
 * from under that. */
static void
note_hidden(struct check *check, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_entries; i++) {
		const struct entry *const entry = &plan->entries[i];
		const struct entry *const mount =
			inside_mount(plan, entry->target);

		if (entry->kind != ENTRY_HIDE || mount == NULL ||
		    mount->kind != ENTRY_BIND ||
		    (mount->flags & ENTRY_READONLY) != 0 ||
		    strcmp(mount->target, entry->target) == 0)
			continue;
		report_add(&check->report, SEVERITY_WARNING,
			   "bind only what it may see",
			   "account %s: jail %s hides %s, and the account may "
			   "move what is there: it can write to %s",
			   plan->account, plan->jail, entry->target,
			   mount->target);
	}
}

/* Returns -1 and why the account is refused, if it is. */
static int
note_quota(struct check *check, const struct plan *plan, struct err *err)
{
	if (!plan_has_quota(plan))
		return 0;
	note_missed(check, plan);
	if (rehearse_quota(plan, err) == 0)
		return 0;
	if (plan->quota.need == PLAN_NEED_REQUIRED)
		return -1;
	if (check->n_uncounted++ > 0)
		return 0;
	(void)snprintf(check->uncounted, sizeof(check->uncounted), "%s",
		       plan->account);
	check->why_uncounted = *err;
	return 0;
}

/* The account that is looked at. */
struct examined {
	struct check *check;
	const struct account *account;
	size_t n_jails;
	char first[64];		 /* the jail that was looked at first ... */
	struct plan_quota quota; /* ... and its quota */
};

/* There is one quota on disk, however many jails an account has. */
static void
note_two_quotas(struct examined *examined, const struct plan *plan)
{
	const struct plan_quota *const first = &examined->quota;
	const struct plan_quota *const quota = &plan->quota;

	if (examined->first[0] == '\0') {
		(void)snprintf(examined->first, sizeof(examined->first), "%s",
			       plan->jail);
		examined->quota = plan->quota;
	} else if (first->bytes != quota->bytes ||
		   first->files != quota->files) {
		report_add(&examined->check->report, SEVERITY_WARNING,
			   "give all its jails the same disk and disk_files",
			   "account %s: the disk quota of jail %s is another "
			   "than that of %s, and there is one for both: that "
			   "of the jail with a quota that started last",
			   plan->account, plan->jail, examined->first);
	}
}

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
	    rehearse_plan(decision->jail, account, &plan, &err) < 0) {
		tell_account(check, account->name, decision->rule, &err);
		return;
	}
	if (note_services(check, &plan, &err) < 0 ||
	    network_note(&plan, &check->networks, &err) < 0 ||
	    note_quota(check, &plan, &err) < 0)
		tell_account(check, account->name, decision->rule, &err);
	note_hidden(check, &plan);
	note_two_quotas(examined, &plan);
	note_limits(check, &plan);
	note_ports(check, &plan);
	plan_free(&plan);
}

static void
tell_limits(struct check *check)
{
	if (check->n_weaker > 0)
		report_add(&check->report, SEVERITY_WARNING,
			   "boot with cgroup version 2 alone",
			   "this host has no controller for limits of %zu "
			   "accounts (%s: %s), and they are not required",
			   check->n_weaker, check->weaker, check->not_held);
}

static void
tell_ports(struct check *check)
{
	if (check->n_open > 0)
		report_add(&check->report, SEVERITY_WARNING, "",
			   "%zu accounts (%s) may bind all ports, because "
			   "theirs are not required: %s",
			   check->n_open, check->open, check->why_open.text);
}

static void
tell_quotas(struct check *check)
{
	if (check->n_uncounted > 0)
		report_add(&check->report, SEVERITY_WARNING, "",
			   "the disk of %zu accounts (%s) is not limited, "
			   "which is not required: %s",
			   check->n_uncounted, check->uncounted,
			   check->why_uncounted.text);
}

static void
check_account(struct check *check, const char *name, bool by_file)
{
	struct account account = { 0 };
	struct examined examined = { .check = check, .account = &account };
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
		note_sidedoors(check, &account);
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

/* Two accounts with one uid; pam_jail(8) refuses what it can. */
static void
check_twin(struct check *check, const char *name)
{
	struct account account;
	struct err err;

	if (account_lookup(name, &account, &err) < 0)
		return;
	if (policy_require_own_uid(check->policy, &account, &err) < 0)
		tell_account(check, name, NULL, &err);
	account_free(&account);
}

static int
compare_uids(const void *a, const void *b)
{
	const struct listed *const one = a, *const two = b;

	return (one->uid > two->uid) - (one->uid < two->uid);
}

static void
check_twins(struct check *check, struct listing *listing)
{
	struct listed *const row = listing->row;
	const size_t n = listing->n;

	if (n == 0)
		return;
	qsort(row, n, sizeof(*row), compare_uids);
	for (size_t i = 0; i < n; i++)
		if (row[i].uid != 0 && row[i].uid != (uid_t)-1 &&
		    ((i > 0 && row[i - 1].uid == row[i].uid) ||
		     (i + 1 < n && row[i + 1].uid == row[i].uid)))
			check_twin(check, row[i].name);
}

static void
note_named(void *arg, const char *name)
{
	struct listing *const listing = arg;
	struct err err;

	/* What is not noted for lack of memory fails again soon. */
	if (listing_add(listing, name, (uid_t)-1, &err) < 0)
		return;
}

static void
tell_other_shells(struct check *check)
{
	if (check->n_other_shell > 0)
		report_add(&check->report, SEVERITY_REMARK, "",
			   "%zu accounts that rules map (%s) have another "
			   "login shell than %s: su and the console are "
			   "refused",
			   check->n_other_shell, check->example, JAILSH);
}

/* Those that a rule maps, as far as they are listed or named. */
static void
check_mapped_accounts(struct check *check, struct listing *listing)
{
	if (policy_each_named(check->policy, note_named, listing) == 0)
		return;
	listing_sort(listing);
	for (size_t i = 0; i < listing->n; i++)
		if (listing->row[i].uid != 0 && !has_file(listing->row[i].name))
			check_account(check, listing->row[i].name, false);
	if (listing->silent != NULL)
		report_add(&check->report, SEVERITY_REMARK,
			   "ask jailconf explain about one",
			   "%s (nsswitch.conf) does not list its accounts: of "
			   "those, only whom rules name were looked at",
			   listing->silent);
	tell_other_shells(check);
}

/* Whose login shell lets nobody in, and nothing else of pam_jail either. */
static void
check_lost(struct check *check, const char *name)
{
	struct account account = { 0 };
	struct err err;

	if (account_lookup(name, &account, &err) < 0)
		return; /* it is gone by now */
	if (policy_require_not_lost(check->policy, &account, &err) < 0)
		tell_account(check, name, NULL, &err);
	account_free(&account);
}

static void
check_lost_accounts(struct check *check, const struct listing *listing)
{
	for (size_t i = 0; i < listing->n; i++)
		if (listing->row[i].has_jailsh && listing->row[i].uid != 0 &&
		    !has_file(listing->row[i].name))
			check_lost(check, listing->row[i].name);
}

static void
check_listed_accounts(struct check *check)
{
	struct listing listing;
	struct err err;

	if (listing_read(&listing, &err) < 0) {
		report_add(&check->report, SEVERITY_ERROR, "", "%s", err.text);
		return;
	}
	check_lost_accounts(check, &listing);
	check_mapped_accounts(check, &listing);
	check_twins(check, &listing);
	listing_free(&listing);
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
	check_listed_accounts(check);
	tell_limits(check);
	tell_ports(check);
	tell_quotas(check);
	network_tell(&check->networks, &check->report);
}

static void
check_dropbear(struct check *check)
{
	if (!check->sidedoors.dropbear || check->n_jailed == 0)
		return;
	report_add(&check->report,
		   check->n_dropbear > 0 ? SEVERITY_ERROR : SEVERITY_WARNING,
		   "use sshd",
		   "dropbear does not use pam: jailed accounts that it lets "
		   "in, whose forwarding is outside: %zu; it refuses the "
		   "others for their login shell",
		   check->n_dropbear);
}

int
cmd_check(const struct call *call)
{
	struct check check = { 0 };
	bool fine;

	if (call->user != NULL && geteuid() != 0) {
		out_error("check --live: only root can do that");
		return STATUS_PROBLEM;
	}
	if (call->user != NULL)
		return check_live(call);
	report_open(&check.report, call->json);
	if (geteuid() != 0)
		report_add(&check.report, SEVERITY_REMARK, "run it as root",
			   "what only root may read is not checked");
	sidedoors_find(&check.sidedoors);
	check_policy(&check);
	check_dropbear(&check);
	host_check_programs(&check.report);
	host_check_pam(&check.report,
		       check.n_services > 0 ? check.services : door_usual);
	host_check_settings(&check.report);
	unit_check(&check.report);
	fine = report_close(&check.report);
	if (!call->json && fine)
		out_line("fine; jailed accounts: %zu, warnings: %zu",
			 check.n_jailed, check.report.count[SEVERITY_WARNING]);
	policy_free(check.policy);
	arena_free(&check.arena);
	network_seen_free(&check.networks);
	free(check.missing);
	free(check.services);
	return fine ? STATUS_FINE : STATUS_PROBLEM;
}
