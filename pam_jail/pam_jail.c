/* SPDX-License-Identifier: ISC */
/*
 * pam_jail - put the session that PAM is opening into its jail
 *
 * Runs as root in the memory of sshd(8), su(1) and others.  It leaves that
 * process as it found it: no exit, no state but what pam_set_data(3) keeps,
 * no signal handler, no output but pam_syslog(3).
 *
 * The hooks, in the order in which a login meets them:
 *
 *	account		a jailed account is refused where no door is
 *	setcred		in the host's own process: remembered, as proof that
 *			the host will call again in the child
 *	open_session	find the jail or start it, keep it alive, give sshd
 *			the jail's terminals
 *	setcred		in the child that is about to become the user (sshd,
 *			cron): enter
 *	close_session	let go
 *
 * sshd ignores what setcred returns: in the child there is only success or
 * _exit(2).
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "jail/lease.h"
#include "jail/run.h"
#include "jail/terminal.h"
#include "jail/wire.h"
#include "pam_jail/verdict.h"

#include <limits.h>
#include <nss.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATA_NAME "pam_jail"

enum { EXIT_REFUSED = 254 }; /* what sshd's session child uses as well */

/* What one PAM transaction knows; in pam_set_data(3), copied by fork(2). */
struct transaction {
	pid_t host;	     /* the process that called us first */
	bool setcred_called; /* by that process */
	bool open;
	bool refused;	/* open_session has said no */
	bool entered;	/* this process is a child, and inside */
	enum door door; /* when open */
	struct lease lease;
	int log; /* base/log.h: for the child, after it has entered */
};

/* --- words --------------------------------------------------------------- */

/* A configuration that cannot be used keeps everybody out. */
static int
priority_of(const struct verdict *verdict, const struct err *err)
{
	const bool decided = verdict->decision.jail != NULL;

	switch (err->kind) {
	case ERR_CONFIG:
		return LOG_CRIT;
	case ERR_UNSAFE: /* later it may be something in a home */
		return decided ? LOG_ERR : LOG_CRIT;
	case ERR_NONE:
	case ERR_SYSTEM:
	case ERR_REFUSED:
	case ERR_GONE:
	case ERR_ASTRAY:
		return LOG_ERR;
	}
	return LOG_ERR;
}

/* The log has the cause, the user the fact: S21 in SECURITY. */
static int
refuse(pam_handle_t *pamh, const char *step, const struct verdict *verdict,
       const struct err *err)
{
	struct record record = verdict_record("refuse", verdict);
	struct err unwritten;

	record.step = step;
	record.cause = err;
	record_log(pamh, priority_of(verdict, err), &record);
	if (record_audit(pamh, &record, &unwritten) < 0) {
		record.step = "audit";
		record.cause = &unwritten;
		record_log(pamh, LOG_ERR, &record);
	}
	(void)pam_error(pamh, "login refused");
	return PAM_PERM_DENIED;
}

/* --- the transaction ----------------------------------------------------- */

static void
transaction_end(struct transaction *transaction)
{
	lease_close(&transaction->lease);
	fd_close(&transaction->log);
	transaction->open = false;
}

/* Also called in children, where it closes their copies only. */
static void
transaction_free(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	transaction_end(data);
	free(data);
}

/* The transaction of this handle, made at the first call; NULL: no memory. */
static struct transaction *
get_transaction(pam_handle_t *pamh)
{
	struct transaction *transaction;
	const void *data = NULL;

	if (pam_get_data(pamh, DATA_NAME, &data) == PAM_SUCCESS)
		return (struct transaction *)(uintptr_t)data;
	transaction = calloc(1, sizeof(*transaction));
	if (transaction == NULL)
		return NULL;
	*transaction = (struct transaction){ .host = getpid(),
					     .lease = LEASE_NONE,
					     .log = -1 };
	if (pam_set_data(pamh, DATA_NAME, transaction, transaction_free) ==
	    PAM_SUCCESS)
		return transaction;
	free(transaction);
	return NULL;
}

/* Where returning is no answer: in the child, which sshd would go on with. */
static _Noreturn void
refuse_child(const struct transaction *transaction, const struct err *err)
{
	const struct plan *const plan = &transaction->lease.jail.plan;
	struct log_event event;

	log_begin(&event, "refuse");
	if (plan->account != NULL) {
		log_add(&event, "user", plan->account);
		log_add_number(&event, "uid", plan->uid);
		log_add(&event, "jail", plan->jail);
	}
	log_add_cause(&event, "enter", err);
	log_send(transaction->log, LOG_ERR, "pam_jail", &event);
	_exit(EXIT_REFUSED);
}

/* --- account ------------------------------------------------------------- */

int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const struct words words = { argc, argv };
	cleanup_verdict struct verdict verdict = { .policy = NULL };
	struct err err;

	(void)flags;
	if (verdict_reach(pamh, &words, &verdict, &err) < 0)
		return refuse(pamh, "account", &verdict, &err);
	if (verdict.decision.jail == NULL)
		return PAM_IGNORE;
	if (verdict_check_door(&verdict, &err) < 0)
		return refuse(pamh, "account", &verdict, &err);
	return PAM_SUCCESS;
}

/* --- session ------------------------------------------------------------- */

static bool
has_all_groups(const struct account *account, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_groups; i++)
		if (!account_in_group(account, plan->groups[i]))
			return false;
	return true;
}

/* The jail that runs may be of who had this uid before, or from before a
 * change of the groups. */
static int
require_same(const struct verdict *verdict, const struct plan *plan,
	     struct err *err)
{
	const struct account *const account = &verdict->account;
	const char *const jail = jail_conf_name(verdict->decision.jail);

	if (plan->uid == account->uid && plan->gid == account->gid &&
	    strcmp(plan->account, account->name) == 0 &&
	    strcmp(plan->jail, jail) == 0 && has_all_groups(account, plan) &&
	    !account_in_group(account, 0))
		return 0;
	return err_set(err, ERR_REFUSED,
		       "uid %u has jail %s of %s running, not jail %s, or its "
		       "groups have changed (jailconf stop)",
		       account->uid, plan->jail, plan->account, jail);
}

static int
take_lease(const struct verdict *verdict, struct lease *lease, struct err *err)
{
	struct plan plan;
	int ret;

	ret = lease_join(verdict->account.uid,
			 jail_conf_name(verdict->decision.jail), lease, err);
	if (ret < 0 && err->kind == ERR_GONE) {
		if (policy_plan(verdict->decision.jail, &verdict->account,
				&plan, err) < 0)
			return -1;
		ret = lease_take(&plan, lease, err);
		plan_free(&plan);
	}
	return ret < 0 ? -1 : require_same(verdict, &lease->jail.plan, err);
}

static int
put(pam_handle_t *pamh, struct err *err, const char *name, const char *value)
{
	cleanup_free char *variable = NULL;

	if (asprintf(&variable, "%s=%s", name, value) < 0) {
		variable = NULL;
		return err_errno(err, "environment");
	}
	if (pam_putenv(pamh, variable) != PAM_SUCCESS)
		return err_set(err, ERR_SYSTEM, "environment: %s", name);
	return 0;
}

/* What the host would set from its own passwd(5) and its own /run. */
static int
put_environment(pam_handle_t *pamh, const struct plan *plan, struct err *err)
{
	char runtime[48];

	(void)snprintf(runtime, sizeof(runtime), "/run/user/%u",
		       plan_uid_inside(plan));
	if (put(pamh, err, "HOME", plan->home) < 0 ||
	    put(pamh, err, "USER", plan->name) < 0 ||
	    put(pamh, err, "LOGNAME", plan->name) < 0 ||
	    put(pamh, err, "SHELL", plan->shell) < 0 ||
	    put(pamh, err, "XDG_RUNTIME_DIR", runtime) < 0)
		return -1;
	/* The host's is that of an account. */
	if (plan->root_inside && put(pamh, err, "PATH", run_path(plan)) < 0)
		return -1;
	/* Of the host's session bus; there may be none, and then libpam has
	 * nothing to remove. */
	if (pam_getenv(pamh, "DBUS_SESSION_BUS_ADDRESS") != NULL &&
	    pam_putenv(pamh, "DBUS_SESSION_BUS_ADDRESS") != PAM_SUCCESS)
		return err_set(err, ERR_SYSTEM, "environment");
	for (size_t i = 0; i < plan->n_env; i++)
		if (pam_putenv(pamh, plan->env[i]) != PAM_SUCCESS)
			return err_set(err, ERR_SYSTEM, "environment");
	return 0;
}

/* sshd and cron enter in setcred; so it must be in the stack. */
static int
require_setcred(const struct transaction *transaction, struct err *err)
{
	if (transaction->setcred_called && transaction->host == getpid())
		return 0;
	return err_set(err, ERR_REFUSED,
		       "no auth line of pam_jail was reached: it is missing "
		       "(jailconf setup), or a password was refused before "
		       "a key was accepted (log in again)");
}

/*
 * And they enter in a child that they fork for it.  systemd, with PAMName= of a
 * unit, and cronie's crond become the account without another setcred: what
 * they run would be outside, and called jailed.
 */
static int
require_host_that_enters(struct err *err)
{
	char exe[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	const char *name;

	if (n < 0)
		return err_errno(err, "/proc/self/exe");
	exe[n] = '\0';
	name = strrchr(exe, '/') != NULL ? strrchr(exe, '/') + 1 : exe;
	if (strncmp(name, "systemd", strlen("systemd")) != 0 &&
	    strncmp(name, "crond", strlen("crond")) != 0)
		return 0;
	return err_set(err, ERR_REFUSED,
		       "%s does not let a job enter a jail: give the service "
		       "no door, or run it as the account by su(1)",
		       name);
}

/* Tells the keeper who this is. */
static int
label_lease(pam_handle_t *pamh, const struct lease *lease, struct err *err)
{
	struct wire_msg msg = { .kind = WIRE_LABEL };

	record_label(pamh, msg.text, sizeof(msg.text));
	return wire_send(lease->sock, &msg, NULL, 0, err);
}

/* The last step: what cannot be recorded does not happen. */
static int
record_open(pam_handle_t *pamh, const struct verdict *verdict,
	    const struct transaction *transaction, struct err *err)
{
	struct record record = verdict_record("open", verdict);

	record.init = transaction->lease.jail.init;
	if (label_lease(pamh, &transaction->lease, err) < 0 ||
	    record_audit(pamh, &record, err) < 0)
		return -1;
	record_log(pamh, LOG_INFO, &record);
	return 0;
}

static int
open_jail(pam_handle_t *pamh, const struct verdict *verdict,
	  struct transaction *transaction, struct err *err)
{
	const enum door door = verdict->decision.door;
	const bool shell = door == DOOR_SHELL;

	if (verdict_check_door(verdict, err) < 0)
		return -1;
	if (!shell && (require_setcred(transaction, err) < 0 ||
		       require_host_that_enters(err) < 0))
		return -1;
	transaction->log = log_open();
	if (take_lease(verdict, &transaction->lease, err) < 0)
		return -1;
	if (door == DOOR_CHILD &&
	    terminal_view(&transaction->lease.jail, err) < 0)
		return -1;
	/* jailsh(8) makes the rest anew, inside. */
	if (shell ? put(pamh, err, "JAIL", transaction->lease.jail.plan.jail) <
			    0
		  : put_environment(pamh, &transaction->lease.jail.plan, err) <
			    0)
		return -1;
	/* Shown by sshd at the prompt; jailsh does it by itself. */
	if (door == DOOR_CHILD && transaction->lease.note[0] != '\0')
		(void)pam_info(pamh, "jail: %s", transaction->lease.note);
	transaction->host = getpid();
	transaction->door = door;
	transaction->open = true;
	return record_open(pamh, verdict, transaction, err);
}

int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const struct words words = { argc, argv };
	cleanup_verdict struct verdict verdict = { .policy = NULL };
	struct transaction *const transaction = get_transaction(pamh);
	struct err err;

	(void)flags;
	if (transaction == NULL)
		return PAM_BUF_ERR;
	/* Debian's su-l includes su: the line comes twice. */
	if (transaction->open && transaction->host == getpid())
		return PAM_SUCCESS;
	if (verdict_reach(pamh, &words, &verdict, &err) < 0)
		return refuse(pamh, "open", &verdict, &err);
	if (verdict.decision.jail == NULL)
		return PAM_IGNORE;
	if (open_jail(pamh, &verdict, transaction, &err) < 0) {
		if (err.kind == ERR_ASTRAY)
			refuse_child(transaction, &err);
		transaction_end(transaction);
		transaction->refused = true;
		return refuse(pamh, "open", &verdict, &err);
	}
	return PAM_SUCCESS;
}

/* The jail ends by itself when its last lease is gone; here we only let go.
 * systemd's (sd-pam) calls this as the user, in another process. */
int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct transaction *const transaction = get_transaction(pamh);
	struct record record = RECORD_NONE;
	const struct plan *plan;

	(void)flags;
	(void)argc;
	(void)argv;
	if (transaction == NULL)
		return PAM_BUF_ERR;
	if (!transaction->open || transaction->host != getpid())
		return PAM_IGNORE;
	plan = &transaction->lease.jail.plan;
	record.event = "close";
	record.uid = &plan->uid;
	record.jail = plan->jail;
	record.door = door_name(transaction->door);
	record.init = transaction->lease.jail.init;
	record_log(pamh, LOG_INFO, &record);
	transaction_end(transaction);
	return PAM_SUCCESS;
}

/* --- entering ------------------------------------------------------------ */

/*
 * The process that is to become the job stays outside the jail's pid
 * namespace, which is for its children: it forks, the child becomes the job,
 * and this one ends the way the job does.
 */
static void
become_relay(const struct transaction *transaction,
	     const struct jail_inside *inside)
{
	const pid_t child = fork();
	struct err err;
	int status;

	if (child < 0) {
		(void)err_errno(&err, "fork");
		refuse_child(transaction, &err);
	}
	if (child == 0)
		return;
	if (close_range(0, ~0U, 0) < 0 || jail_become(inside, &err) < 0)
		_exit(EXIT_REFUSED);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(EXIT_REFUSED);
	run_end_like(status);
}

/* So that the keeper can end this process, which is not in the jail's pid
 * namespace, together with the jail. */
static int
tell_keeper(const struct transaction *transaction, struct err *err)
{
	cleanup_fd int self = pidfd_open(getpid(), 0);
	struct wire_msg msg = { .kind = WIRE_ENTERED,
				.value = transaction->door == DOOR_CHILD };

	if (self < 0)
		return err_errno(err, "pidfd_open");
	return wire_send(transaction->lease.sock, &msg, &self, 1, err);
}

/*
 * The host's process may look for names from here on: sshd(8) does for
 * forwardings, as the account.  Where the account is root of what is inside, it
 * has not to find modules of the account's.  These two are in the C library.
 */
static int
keep_name_services(const struct plan *plan, struct err *err)
{
	static const char *const files[] = { "passwd", "group", "shadow",
					     "services", "protocols" };

	if (!plan->root_inside)
		return 0;
	if (__nss_configure_lookup("hosts", "files dns") < 0)
		return err_errno(err, "name service of hosts");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (__nss_configure_lookup(files[i], "files") < 0)
			return err_errno(err, "name service of %s", files[i]);
	return 0;
}

/* In the child that is about to become the user.  Returns inside, with no
 * descriptor of ours left: the host's process holds the lease. */
static void
enter(pam_handle_t *pamh, struct transaction *transaction)
{
	struct jail_inside inside;
	struct err err;

	if (tell_keeper(transaction, &err) < 0 ||
	    keep_name_services(&transaction->lease.jail.plan, &err) < 0 ||
	    jail_enter(&transaction->lease.jail, &inside, &err) < 0)
		refuse_child(transaction, &err);
	if (transaction->door == DOOR_JOB)
		become_relay(transaction, &inside);
	if (inside.plan->umask != PLAN_UMASK_HOST)
		(void)umask((mode_t)inside.plan->umask);
	if (jail_confine(&inside, &err) < 0)
		refuse_child(transaction, &err);
	if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
		(void)err_errno(&err, "close_range");
		refuse_child(transaction, &err);
	}
	/* libaudit would resolve it with the jail's resolver, as root. */
	if (pam_set_item(pamh, PAM_RHOST, NULL) != PAM_SUCCESS) {
		(void)err_set(&err, ERR_SYSTEM, "cannot clear PAM_RHOST");
		refuse_child(transaction, &err);
	}
	transaction_end(transaction);
	transaction->entered = true;
}

/* In a child of the host for which no session was opened: right for whoever
 * is not jailed, and for nobody else. */
static void
require_not_jailed(pam_handle_t *pamh, const struct words *words,
		   const struct transaction *transaction)
{
	cleanup_verdict struct verdict verdict = { .policy = NULL };
	struct err err;

	if (verdict_reach(pamh, words, &verdict, &err) == 0) {
		if (verdict.decision.jail == NULL)
			return;
		(void)err_set(&err, ERR_REFUSED,
			      "the PAM stack of this service has no session "
			      "line of pam_jail (jailconf setup)");
	}
	(void)refuse(pamh, "setcred", &verdict, &err);
	refuse_child(transaction, &err);
}

int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const struct words words = { argc, argv };
	struct transaction *const transaction = get_transaction(pamh);

	if (transaction == NULL)
		_exit(EXIT_REFUSED); /* whose it is, cannot be known */
	if ((flags & (int)PAM_DELETE_CRED) != 0)
		return PAM_IGNORE;
	if (transaction->host == getpid()) {
		transaction->setcred_called = true;
		return PAM_SUCCESS;
	}
	if (transaction->entered)
		return PAM_SUCCESS;
	if (transaction->refused)
		_exit(EXIT_REFUSED); /* and the log has it already */
	if (!transaction->open)
		require_not_jailed(pamh, &words, transaction);
	else if (transaction->door != DOOR_SHELL)
		enter(pamh, transaction);
	return PAM_SUCCESS;
}

/* There only for setcred to be in the auth stack. */
int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}
