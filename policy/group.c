/* SPDX-License-Identifier: ISC */
#include "policy/group.h"

#include "base/cleanup.h"

#include <errno.h>
#include <grp.h>
#include <string.h>

enum {
	BUFFER_FIRST = 1024,
	BUFFER_MAX = 16 * 1024 * 1024, /* a group may list every account */
};

/* One look-up with a buffer of SIZE; returns an error number as usual. */
typedef int (*ask_fn)(const void *key, struct group *group, char *buffer,
		      size_t size, struct group **found);

static int
ask_by_name(const void *key, struct group *group, char *buffer, size_t size,
	    struct group **found)
{
	return getgrnam_r(key, group, buffer, size, found);
}

static int
ask_by_gid(const void *key, struct group *group, char *buffer, size_t size,
	   struct group **found)
{
	return getgrgid_r(*(const gid_t *)key, group, buffer, size, found);
}

/*
 * Sets *found to *group, whose strings are in *buffer, which is to be freed;
 * or to NULL if there is no such group.
 */
static int
look_up(ask_fn ask, const void *key, struct group *group, char **buffer,
	struct group **found)
{
	for (size_t size = BUFFER_FIRST; size <= BUFFER_MAX; size *= 2) {
		char *const bigger = realloc(*buffer, size);
		int error;

		if (bigger == NULL)
			return -1;
		*buffer = bigger;
		error = ask(key, group, *buffer, size, found);
		/* getgrnam_r(3), NOTES: ways to say "not found". */
		if (*found != NULL || error == 0 || error == ENOENT ||
		    error == ESRCH)
			return 0;
		errno = error;
		if (error != ERANGE)
			break;
	}
	return -1;
}

int
group_has(const char *name, const struct account *account,
	  enum group_answer *answer, struct err *err)
{
	cleanup_free char *buffer = NULL;
	struct group group, *found = NULL;

	if (look_up(ask_by_name, name, &group, &buffer, &found) < 0)
		return err_errno(err, "group %s", name);
	if (found == NULL) {
		*answer = GROUP_UNKNOWN;
		return 0;
	}
	*answer =
		account_in_group(account, found->gr_gid) ? GROUP_YES : GROUP_NO;
	for (char **member = found->gr_mem; *member != NULL; member++)
		if (strcmp(*member, account->name) == 0)
			*answer = GROUP_YES;
	return 0;
}

int
group_name(gid_t gid, struct arena *arena, const char **name, struct err *err)
{
	cleanup_free char *buffer = NULL;
	struct group group, *found = NULL;

	if (look_up(ask_by_gid, &gid, &group, &buffer, &found) < 0)
		return err_errno(err, "group %u", gid);
	*name = NULL;
	if (found != NULL)
		*name = arena_copy(arena, found->gr_name, err);
	return found != NULL && *name == NULL ? -1 : 0;
}
