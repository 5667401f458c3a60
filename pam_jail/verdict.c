/* SPDX-License-Identifier: ISC */
#include "pam_jail/verdict.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "policy/arguments.h"

#include <grp.h>
#include <security/pam_ext.h>
#include <string.h>

void
verdict_free(struct verdict *verdict)
{
	policy_free(verdict->policy);
	account_free(&verdict->account);
}

/* What is known of a login after verdict_reach(), to be recorded. */
struct record
verdict_record(const char *event, const struct verdict *verdict)
{
	struct record record = RECORD_NONE;

	record.event = event;
	if (verdict->account.name != NULL)
		record.uid = &verdict->account.uid;
	if (verdict->decision.jail != NULL) {
		record.jail = jail_conf_name(verdict->decision.jail);
		record.door = door_name(verdict->decision.door);
	}
	return record;
}

static bool
is_exempt(const struct arguments *args, const struct account *account)
{
	cleanup_free char *list =
		args->exempt != NULL ? strdup(args->exempt) : NULL;
	char *rest = list, *name;

	while (rest != NULL && (name = strsep(&rest, ",")) != NULL) {
		const struct group *const group = getgrnam(name);

		if (group != NULL && account_in_group(account, group->gr_gid))
			return true;
	}
	return false;
}

/*
 * The policy cannot be read, so nobody knows who is jailed.  Then everybody
 * is refused, but those of whom the administrator has said in advance that
 * they are not.  ERR says what is wrong.
 */
static int
decide_without_policy(pam_handle_t *pamh, const struct arguments *args,
		      const struct verdict *verdict, const struct err *err)
{
	const struct account *const account = &verdict->account;
	struct record record = verdict_record("not jailed", verdict);

	/* Short of memory or descriptors is not the administrator's mistake;
	 * who called su(1) may have seen to it. */
	if (err->kind == ERR_SYSTEM && err->errnum != ENOENT)
		return -1;
	if (policy_claims(args->conf_dir, account))
		return -1;
	/* Where others can write, nobody is surely not jailed. */
	if (!is_exempt(args, account) &&
	    (!args->deny_only_jailed || err->kind == ERR_UNSAFE))
		return -1;
	record.cause = err;
	record_log(pamh, LOG_CRIT, &record);
	return 0;
}

/* How the account comes in, as the host tells PAM. */
static int
look_at_visit(pam_handle_t *pamh, struct visit *visit, struct err *err)
{
	const void *service = NULL, *rhost = NULL;

	if (pam_get_item(pamh, PAM_SERVICE, &service) != PAM_SUCCESS ||
	    service == NULL)
		return err_set(err, ERR_REFUSED, "no service name");
	if (pam_get_item(pamh, PAM_RHOST, &rhost) != PAM_SUCCESS)
		return err_set(err, ERR_REFUSED, "no item of the remote host");
	*visit = (struct visit){ .service = service, .address = rhost };
	if (visit->address != NULL && visit->address[0] == '\0')
		visit->address = NULL;
	/* Of sshd(8), which sets it when the session is opened. */
	visit->keys = pam_getenv(pamh, "SSH_AUTH_INFO_0");
	return 0;
}

/* Fills *verdict, to be freed in any case. */
int
verdict_reach(pam_handle_t *pamh, const struct words *words,
	      struct verdict *verdict, struct err *err)
{
	const void *user = NULL;
	struct arguments args;
	struct visit visit;

	if (pam_get_item(pamh, PAM_USER, &user) != PAM_SUCCESS || user == NULL)
		return err_set(err, ERR_REFUSED, "no user name");
	if (look_at_visit(pamh, &visit, err) < 0)
		return -1;
	if (account_lookup(user, &verdict->account, err) < 0)
		return -1;
	if (verdict->account.uid == 0)
		return 0; /* never; and no broken file keeps root out */
	if (arguments_read(words->argc, words->argv, &args, err) < 0)
		return -1;
	verdict->policy = policy_load(args.conf_dir, 0, err);
	if (verdict->policy == NULL)
		return decide_without_policy(pamh, &args, verdict, err);
	if (policy_decide(verdict->policy, &verdict->account, &visit,
			  &verdict->decision, err) < 0) {
		verdict->decision.jail = NULL;
		return -1; /* a rule may be meant for the account */
	}
	if (verdict->decision.jail == NULL &&
	    policy_require_not_lost(verdict->policy, &verdict->account, err) <
		    0)
		return -1;
	return policy_require_own_uid(verdict->policy, &verdict->account, err);
}

/* Whether this door is one for the account. */
int
verdict_check_door(const struct verdict *verdict, struct err *err)
{
	switch (verdict->decision.door) {
	case DOOR_CLOSED:
		return err_set(err, ERR_REFUSED,
			       "this service is not among the jail's doors "
			       "(%s)",
			       verdict->decision.rule);
	case DOOR_SHELL:
		if (strcmp(verdict->account.shell, JAILSH) == 0)
			return 0;
		return err_set(err, ERR_REFUSED,
			       "this service needs the login shell " JAILSH
			       ", and the account's is %s",
			       verdict->account.shell);
	case DOOR_CHILD:
	case DOOR_JOB:
		return 0;
	}
	return err_set(err, ERR_REFUSED, "unknown door");
}
