/* SPDX-License-Identifier: ISC */
#include "jailconf/doors.h"

#include "policy/arguments.h"

#include <stdio.h>
#include <string.h>

static const char module_name[] = "pam_jail.so";

/* sudo(8) asks the account stack about its caller; runuser(1) does not ask:
 * there the session line alone decides. */
const struct door_known door_known[] = {
	{ "sshd", "ssh, sftp, scp, rsync, git, forwarding", true, false },
	{ "cron", "crontab", true, false },
	{ "su", "su", true, false },
	{ "su-l", "su -", true, false },
	{ "login", "console, serial line, telnet, machinectl shell", true,
	  false },
	{ "sudo", "sudo -u", false, false },
	{ "sudo-i", "sudo -i -u", false, false },
	{ "atd", "at, batch", true, false },
	{ "systemd-user", "systemd --user, lingering", true, false },
	{ "systemd-run0", "run0", true, false },
	{ "vsftpd", "ftp", true, false },
	{ "proftpd", "ftp", true, false },
	{ "runuser", "root's runuser", false, true },
	{ "runuser-l", "root's runuser -l", false, true },
	{ NULL, NULL, false, false },
};

const struct service door_usual[] = {
	{ "sshd", DOOR_CHILD }, { "cron", DOOR_JOB },	 { "su", DOOR_SHELL },
	{ "su-l", DOOR_SHELL }, { "login", DOOR_SHELL }, { NULL, DOOR_CLOSED },
};

const struct door_known *
door_known_find(const char *service)
{
	const struct door_known *known = door_known;

	while (known->service != NULL && strcmp(known->service, service) != 0)
		known++;
	return known->service != NULL ? known : NULL;
}

const char *
door_end_name(enum door_end end)
{
	static const char *const names[] = {
		[DOOR_END_JAIL] = "jail",
		[DOOR_END_REFUSED] = "refused",
		[DOOR_END_OUTSIDE] = "outside",
	};

	return names[end];
}

/* What the line's arguments say is said of all of its services; WHY lives as
 * long as PAM does. */
static int
judge_arguments(struct door_pam *pam, struct pam_verdict *verdict,
		struct err *err)
{
	const struct pam_line *const ours = verdict->ours;
	struct arguments args;
	const char *const *words;
	int count;

	words = pam_line_words(&pam->service, ours, &count, err);
	if (words == NULL && err->kind != ERR_CONFIG)
		return -1;
	if (words == NULL || arguments_read(count, words, &args, err) < 0) {
		verdict->fault = PAM_FAULT_ARGUMENTS;
		verdict->why =
			arena_printf(&pam->service.arena, err,
				     "%s: nobody but root gets in", err->text);
	} else if (strcmp(args.conf_dir, CONF_DIR) != 0) {
		verdict->fault = PAM_FAULT_ELSEWHERE;
		verdict->why = arena_printf(
			&pam->service.arena, err,
			"conf=%s: logins go by that, and jailconf by " CONF_DIR,
			args.conf_dir);
	}
	return verdict->fault == PAM_FAULT_NONE || verdict->why != NULL ? 0
									: -1;
}

int
door_pam_read(const char *const *directories, const char *service,
	      struct door_pam *pam, struct err *err)
{
	if (pam_service_read(directories, service, &pam->service, err) < 0)
		return -1;
	pam->exists = pam->service.exists;
	for (unsigned int i = 0; i < PAM_TYPES; i++) {
		struct pam_verdict *const verdict = &pam->verdict[i];

		*verdict = pam_stack_judge(&pam->service, (enum pam_type)i,
					   module_name);
		if (verdict->fault == PAM_FAULT_NONE &&
		    judge_arguments(pam, verdict, err) < 0) {
			door_pam_free(pam);
			return -1;
		}
	}
	return 0;
}

void
door_pam_free(struct door_pam *pam)
{
	pam_service_free(&pam->service);
}

static bool
is_faulty(const struct door_pam *pam, enum pam_type type)
{
	return pam->verdict[type].fault != PAM_FAULT_NONE;
}

static bool
misleads(const struct door_pam *pam, enum pam_type type)
{
	return pam->verdict[type].fault == PAM_FAULT_ARGUMENTS ||
	       pam->verdict[type].fault == PAM_FAULT_ELSEWHERE;
}

/* Whether a line that DOOR goes by is told what makes it worthless, however
 * good the others are. */
static bool
is_misled(const struct door_pam *pam, enum door door, bool asks,
	  enum pam_type *type)
{
	const bool enters = door == DOOR_CHILD || door == DOOR_JOB;

	if (misleads(pam, PAM_TYPE_SESSION))
		*type = PAM_TYPE_SESSION;
	else if (enters && misleads(pam, PAM_TYPE_AUTH))
		*type = PAM_TYPE_AUTH;
	else if (asks && misleads(pam, PAM_TYPE_ACCOUNT))
		*type = PAM_TYPE_ACCOUNT;
	else
		return false;
	return true;
}

bool
door_pam_fault(const struct door_pam *pam, const char *service, enum door door,
	       enum pam_type *type)
{
	const struct door_known *const known = door_known_find(service);
	const bool asks = known == NULL || known->account;
	const bool account = asks && !is_faulty(pam, PAM_TYPE_ACCOUNT);

	if (is_misled(pam, door, asks, type))
		return true;
	*type = PAM_TYPE_SESSION;
	switch (door) {
	case DOOR_CLOSED:
		/* Either line refuses. */
		if (account || !is_faulty(pam, PAM_TYPE_SESSION))
			return false;
		if (asks)
			*type = PAM_TYPE_ACCOUNT;
		return true;
	case DOOR_CHILD:
	case DOOR_JOB:
		if (is_faulty(pam, PAM_TYPE_SESSION))
			return true;
		*type = PAM_TYPE_AUTH;
		return is_faulty(pam, PAM_TYPE_AUTH);
	case DOOR_SHELL:
		return is_faulty(pam, PAM_TYPE_SESSION);
	}
	return true;
}

/* What a login at DOOR ends in when all stacks are right. */
static void
view_covered(const struct account *account, const struct decision *decision,
	     struct door_view *view)
{
	const char *const jail = jail_conf_name(decision->jail);

	view->end = DOOR_END_JAIL;
	switch (decision->door) {
	case DOOR_CLOSED:
		view->end = DOOR_END_REFUSED;
		(void)snprintf(view->why, sizeof(view->why),
			       "the service is not among the doors of jail %s",
			       jail);
		break;
	case DOOR_CHILD:
	case DOOR_JOB:
		(void)snprintf(view->why, sizeof(view->why),
			       "enters before it becomes the account");
		break;
	case DOOR_SHELL:
		if (strcmp(account->shell, JAILSH) == 0) {
			(void)snprintf(view->why, sizeof(view->why),
				       "the login shell is %s", JAILSH);
			break;
		}
		view->end = DOOR_END_REFUSED;
		(void)snprintf(view->why, sizeof(view->why),
			       "the login shell is %s, not %s", account->shell,
			       JAILSH);
		break;
	}
}

/* Where the stacks are not right.  pam_jail(8) refuses if it is called once
 * and not again where it should be; jailsh(8) gives no shell outside. */
static enum door_end
end_of_fault(const struct door_pam *pam, const struct account *account,
	     const struct decision *decision, enum pam_type type)
{
	const bool session =
		pam->verdict[PAM_TYPE_SESSION].fault == PAM_FAULT_NONE;

	/* Who has a session enters by what that has decided; the auth line
	 * refuses others. */
	if (misleads(pam, type) && type == PAM_TYPE_AUTH)
		return DOOR_END_JAIL;
	if (misleads(pam, type))
		return pam->verdict[type].fault == PAM_FAULT_ARGUMENTS
			       ? DOOR_END_REFUSED
			       : DOOR_END_OUTSIDE;
	switch (decision->door) {
	case DOOR_CLOSED:
		return DOOR_END_OUTSIDE;
	case DOOR_CHILD:
	case DOOR_JOB:
		if (pam->verdict[type].fault == PAM_FAULT_NOT_LAST ||
		    pam->verdict[type].fault == PAM_FAULT_USER_ENV)
			return DOOR_END_JAIL;
		return session || !is_faulty(pam, PAM_TYPE_AUTH)
			       ? DOOR_END_REFUSED
			       : DOOR_END_OUTSIDE;
	case DOOR_SHELL:
		return strcmp(account->shell, JAILSH) == 0 ? DOOR_END_REFUSED
							   : DOOR_END_OUTSIDE;
	}
	return DOOR_END_OUTSIDE;
}

/* sshd(8) tells of the key when the session is opened: the account step, before
 * that, decides without. */
static void
view_without_key(struct policy *policy, const struct account *account,
		 const struct visit *visit, struct door_view *view)
{
	struct door_view before = { .end = DOOR_END_REFUSED };
	struct visit without = *visit;
	struct decision decision;
	struct err err;

	without.keys = NULL;
	if (policy_decide(policy, account, &without, &decision, &err) < 0)
		(void)snprintf(before.why, sizeof(before.why), "%s", err.text);
	else if (decision.jail != NULL)
		view_covered(account, &decision, &before);
	else
		return;
	if (before.end != DOOR_END_REFUSED)
		return;
	view->end = DOOR_END_REFUSED;
	(void)snprintf(view->why, sizeof(view->why),
		       "before the key is known: %.480s", before.why);
}

static void
view_pam(const struct door_pam *pam, const struct account *account,
	 const char *service, const struct decision *decision,
	 struct door_view *view)
{
	enum pam_type type;

	if (!door_pam_fault(pam, service, decision->door, &type)) {
		view_covered(account, decision, view);
		return;
	}
	view->end = end_of_fault(pam, account, decision, type);
	pam_verdict_tell(&pam->verdict[type], type, module_name, view->why,
			 sizeof(view->why));
}

void
door_look(struct policy *policy, const struct account *account,
	  const struct visit *visit, const char *const *directories,
	  struct door_view *view)
{
	struct decision decision;
	struct door_pam pam;
	struct err err;

	*view = (struct door_view){ .end = DOOR_END_REFUSED };
	if (policy_decide(policy, account, visit, &decision, &err) < 0 ||
	    policy_require_own_uid(policy, account, &err) < 0) {
		(void)snprintf(view->why, sizeof(view->why), "%s", err.text);
		return;
	}
	view->rule = decision.rule;
	view->door = decision.door;
	if (decision.jail == NULL) {
		view->end = DOOR_END_OUTSIDE;
		(void)snprintf(view->why, sizeof(view->why), "not jailed");
		return;
	}
	if (door_pam_read(directories, visit->service, &pam, &err) < 0) {
		(void)snprintf(view->why, sizeof(view->why), "%s", err.text);
		return;
	}
	view_pam(&pam, account, visit->service, &decision, view);
	if (visit->keys != NULL && view->end == DOOR_END_JAIL)
		view_without_key(policy, account, visit, view);
	door_pam_free(&pam);
}
