/* SPDX-License-Identifier: ISC */
/*
 * policy - jail.conf(5) in memory: who goes where
 *
 * A policy that has loaded has no unknown key, no dangling name, no loop of
 * inheritance and no value out of bounds in it.  What needs an account (the
 * templates) is checked when a plan is made of it.
 *
 * The way of a login: policy_load, policy_decide, and, if the jail does not
 * run yet, policy_plan.  "jailconf check" and "explain" go the same way.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "jail/account.h"
#include "jail/plan.h"

/* How a PAM host is covered; see pam_jail(8). */
enum door {
	DOOR_CLOSED, /* a jailed account is refused */
	DOOR_CHILD,  /* sshd: its child enters before it becomes the user */
	DOOR_JOB,    /* cron: the same, and the child is the job itself */
	DOOR_SHELL,  /* su, login: the login shell, jailsh(8), asks for a
		      * session inside */
};

/* One jail of the configuration, with all it inherits; opaque. */
struct jail_conf;

struct policy; /* opaque */

/*
 * Reads DIR/jail.conf.  DIR, the file and everything on the way must be
 * root's and nobody else's to change; TRUSTED is one more uid that may own
 * them: 0 in production, getuid() in tests.
 *
 * Returns a policy to be freed with policy_free(), or NULL with
 *	ERR_CONFIG	FILE:LINE: what is wrong
 *	ERR_UNSAFE	somebody else could have changed it
 *	ERR_SYSTEM	it cannot be read; errnum ENOENT if it is not there
 */
struct policy *policy_load(const char *dir, uid_t trusted, struct err *err)
	__attribute__((nonnull, warn_unused_result));

void policy_free(struct policy *policy);

/* How somebody comes in.  What is not known is NULL, and matches no rule that
 * asks for it. */
struct visit {
	const char *service; /* the PAM service */
	const char *address; /* whence: the text of an IP address */
	const char *keys;    /* how: a line for each method that sshd(8) has
			      * accepted, as in SSH_AUTH_INFO_0, "publickey
			      * TYPE BASE64" */
};

/* What the policy says of one account at one door. */
struct decision {
	const struct jail_conf *jail; /* NULL: not jailed */
	const char *rule;	      /* FILE:LINE or file that decided */
	const char *exempt; /* not jailed, though a rule matches: the group
			     * of exempt_groups; else NULL */
	enum door door;	    /* of the service that was asked for */
};

/* Whether the PAM service is sshd(8), by the names that it may have:
 * jail.conf(5), doors. */
bool service_tells_keys(const char *service) __attribute__((nonnull, pure));

/*
 * Decides.  DIR/users.d/NAME, if there is one, decides alone; else the first
 * rule that matches, unless the account is exempt; else it is not jailed.
 * uid 0 is never jailed.  Without a service in VISIT, door is DOOR_CLOSED.
 *
 * *decision points into POLICY.  Returns 0, or -1 with ERR_CONFIG,
 * ERR_UNSAFE, ERR_REFUSED, ERR_SYSTEM: the account must then be refused.
 */
int policy_decide(struct policy *policy, const struct account *account,
		  const struct visit *visit, struct decision *decision,
		  struct err *err) __attribute__((nonnull, warn_unused_result));

/* Who is told of jails, and with what. */
struct jail_finder {
	void (*found)(void *arg, const struct decision *decision);
	void *arg;
};

/*
 * Tells FINDER of every jail that the account gets by one way to come in or
 * another, in the order of the rules; door is always DOOR_CLOSED.  Returns as
 * policy_decide().
 */
int policy_each(struct policy *policy, const struct account *account,
		const struct jail_finder *finder, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * An account whose login shell is jailsh(8), that no way to come in gives a
 * jail, and that is not exempt, has lost its jail: it was renamed, or its file
 * is gone.  The shell would let nobody in; what else a service has, would.
 * Returns 0 for all others, or -1 as policy_decide() or with ERR_REFUSED.
 */
int policy_require_not_lost(struct policy *policy,
			    const struct account *account, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * As policy_decide(), for the jail named JAIL, which the account gets if it
 * comes in one way or another; decision->jail is NULL if it never does.
 */
int policy_find(struct policy *policy, const struct account *account,
		const char *jail, struct decision *decision, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * The kernel knows uids, not names: two accounts with one uid can do to each
 * other what they like, so neither may be jailed and let the other in.
 *
 * Returns 0 if the name service names ACCOUNT first for its uid, or neither
 * is ever jailed; or -1 with ERR_REFUSED, or what policy_each() fails with.
 */
int policy_require_own_uid(struct policy *policy, const struct account *account,
			   struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Makes the plan of JAIL for ACCOUNT: fills in templates, looks at the
 * host's system directories, resolves /etc/resolv.conf.
 *
 * Returns 0, and *plan is to be freed with plan_free(); or -1 with
 * ERR_CONFIG, ERR_REFUSED (uid or gid are not the account's), ERR_SYSTEM.
 */
int policy_plan(const struct jail_conf *jail, const struct account *account,
		struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Whether the account is surely meant to be jailed, although the policy does
 * not load: it has a file in DIR/users.d, or its login shell is jailsh(8).
 */
bool policy_claims(const char *dir, const struct account *account)
	__attribute__((nonnull));

/* --- for the tool ------------------------------------------------------- */

/*
 * From now on policy_decide() takes TEXT for what DIR/users.d/NAME says,
 * whether that file is there or not: to see what a change would do before it
 * is made.  Both strings are copied.  Returns 0, or -1 and an ERR_SYSTEM.
 */
int policy_suppose(struct policy *policy, const char *name, const char *text,
		   struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* A name for messages and JSON: "closed", "child", "job", "shell". */
const char *door_name(enum door door) __attribute__((const));

const char *jail_conf_name(const struct jail_conf *jail)
	__attribute__((nonnull));

/* The jail named NAME, or NULL. */
const struct jail_conf *policy_jail(const struct policy *policy,
				    const char *name) __attribute__((nonnull));

/* The doors of JAIL: services and how each lets in; the array has *N rows. */
struct service {
	const char *name;
	enum door door;
};
const struct service *jail_conf_doors(const struct jail_conf *jail, size_t *n)
	__attribute__((nonnull));

/*
 * Calls FOUND for every account that a rule names, or that is in the list of
 * a group which a rule names; for some more than once, and for names of
 * nobody as well.  Returns the number of rules.
 */
size_t policy_each_named(const struct policy *policy,
			 void (*found)(void *arg, const char *name), void *arg)
	__attribute__((nonnull(1, 2)));

/*
 * Checks what a login does not look at, to find mistakes: users and groups
 * that rules name but the host does not know, files in users.d with names
 * that no account can have, users.d files that do not load.  Calls FOUND for
 * each.  Returns how many.
 */
size_t policy_audit(struct policy *policy,
		    void (*found)(void *arg, const struct err *err), void *arg)
	__attribute__((nonnull(1, 2)));

#endif
