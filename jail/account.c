/* SPDX-License-Identifier: ISC */
#include "jail/account.h"

#include "base/cleanup.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>

enum {
	BUFFER_FIRST = 1024,	  /* what sysconf(3) suggests for glibc */
	BUFFER_MAX = 1024 * 1024, /* no passwd(5) line is longer */
	GROUPS_FIRST = 32,
};

/* getpwnam_r(3), NOTES: what name services say for "not found". */
static bool
means_not_found(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH;
}

static int
copy_passwd(const struct passwd *pw, struct account *account, struct err *err)
{
	const char *const shell =
		pw->pw_shell != NULL && pw->pw_shell[0] != '\0' ? pw->pw_shell
								: "/bin/sh";

	account->uid = pw->pw_uid;
	account->gid = pw->pw_gid;
	account->name = arena_copy(&account->arena, pw->pw_name, err);
	account->home = arena_copy(&account->arena,
				   pw->pw_dir != NULL ? pw->pw_dir : "", err);
	account->shell = arena_copy(&account->arena, shell, err);
	return account->name == NULL || account->home == NULL ||
			       account->shell == NULL
		       ? -1
		       : 0;
}

/* Who is looked up: a NAME, or if that is NULL, a UID. */
struct question {
	const char *name;
	uid_t uid;
};

static int
ask(const struct question *question, struct passwd *entry, char *buffer,
    size_t size, struct passwd **pw)
{
	return question->name != NULL
		       ? getpwnam_r(question->name, entry, buffer, size, pw)
		       : getpwuid_r(question->uid, entry, buffer, size, pw);
}

static int
tell_not_found(const struct question *question, struct err *err)
{
	if (question->name == NULL)
		return err_set(err, ERR_REFUSED, "uid %u: no such user",
			       question->uid);
	return err_set(err, ERR_REFUSED, "%s: no such user", question->name);
}

static int
look_up_passwd(const struct question *question, struct account *account,
	       struct err *err)
{
	for (size_t size = BUFFER_FIRST; size <= BUFFER_MAX; size *= 2) {
		cleanup_free char *buffer = malloc(size);
		struct passwd entry, *pw = NULL;
		int error;

		if (buffer == NULL)
			return err_errno(err, "account");
		error = ask(question, &entry, buffer, size, &pw);
		if (pw != NULL)
			return copy_passwd(pw, account, err);
		if (means_not_found(error))
			return tell_not_found(question, err);
		errno = error;
		if (error != ERANGE)
			break;
	}
	if (question->name == NULL)
		return err_errno(err, "uid %u", question->uid);
	return err_errno(err, "account %s", question->name);
}

static int
look_up_groups(struct account *account, struct err *err)
{
	int room = GROUPS_FIRST;

	while (room <= NGROUPS_MAX) {
		int n = room;

		account->groups = arena_alloc(
			&account->arena, (size_t)room * sizeof(gid_t), err);
		if (account->groups == NULL)
			return -1;
		if (getgrouplist(account->name, account->gid, account->groups,
				 &n) >= 0) {
			account->n_groups = (size_t)n;
			return 0;
		}
		room *= 2;
	}
	errno = E2BIG;
	return err_errno(err, "groups of %s", account->name);
}

int
account_lookup(const char *name, struct account *account, struct err *err)
{
	const struct question question = { .name = name };

	*account = (struct account){ .n_groups = 0 };
	if (look_up_passwd(&question, account, err) < 0 ||
	    look_up_groups(account, err) < 0) {
		account_free(account);
		return -1;
	}
	return 0;
}

int
account_of_uid(uid_t uid, struct account *account, struct err *err)
{
	const struct question question = { .uid = uid };

	*account = (struct account){ .n_groups = 0 };
	if (look_up_passwd(&question, account, err) < 0) {
		account_free(account);
		return -1;
	}
	return 0;
}

void
account_free(struct account *account)
{
	arena_free(&account->arena);
	*account = (struct account){ .n_groups = 0 };
}

bool
account_in_group(const struct account *account, gid_t gid)
{
	for (size_t i = 0; i < account->n_groups; i++)
		if (account->groups[i] == gid)
			return true;
	return account->gid == gid;
}
