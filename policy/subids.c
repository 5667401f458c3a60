/* SPDX-License-Identifier: ISC */
#include "policy/subids.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "jail/plan.h"
#include "policy/trusted.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

enum {
	USUAL_FIRST = 100000, /* login.defs(5), SUB_UID_MIN, SUB_UID_COUNT */
	USUAL_COUNT = 65536,
	ENTRY_MAX = 1024 * 1024, /* bytes of a line of group(5) */
};

/* What differs between both. */
struct source {
	const char *name, *path; /* of the file, in /etc */
	const char *option;	 /* of usermod(8) */
	const char *what;
};

static const struct source sources[] = {
	[SUBIDS_UID] = { "subuid", "/etc/subuid", "--add-subuids", "uid" },
	[SUBIDS_GID] = { "subgid", "/etc/subgid", "--add-subgids", "gid" },
};

/* A line: first and last are both its owner's. */
struct range {
	const char *owner;
	uint64_t first, last;
	unsigned int line;
};

struct ranges {
	const struct source *source;
	struct range *item;
	size_t n;
	uint64_t end; /* behind the last of all */
};

/* A decimal number of 32 bits, and nothing else. */
static bool
read_number(const char *text, uint64_t *number)
{
	const size_t len = strlen(text);

	if (len == 0 || len > 10 || strspn(text, "0123456789") != len)
		return false;
	*number = strtoull(text, NULL, 10);
	return *number <= UINT32_MAX;
}

/* NAME:FIRST:COUNT */
static int
read_line(struct ranges *ranges, char *line, unsigned int number,
	  struct err *err)
{
	const char *const owner = strsep(&line, ":");
	const char *const first = strsep(&line, ":");
	struct range range = { .owner = owner, .line = number };
	uint64_t count = 0;

	if (owner[0] == '\0' || first == NULL || line == NULL ||
	    !read_number(first, &range.first) || !read_number(line, &count) ||
	    range.first + count > UINT32_MAX)
		return err_set(err, ERR_CONFIG,
			       "%s:%u: not NAME:FIRST:COUNT with numbers below "
			       "4294967295",
			       ranges->source->path, number);
	if (count == 0)
		return 0;
	range.last = range.first + count - 1;
	if (range.last >= ranges->end)
		ranges->end = range.last + 1;
	ranges->item[ranges->n++] = range;
	return 0;
}

static int
read_ranges(struct ranges *ranges, struct arena *arena, struct err *err)
{
	const struct source *const source = ranges->source;
	cleanup_fd int etc = path_open_trusted("/etc", err);
	char *text = etc < 0 ? NULL
			     : trusted_read(etc, source->name, source->path, 0,
					    arena, err);
	size_t lines = 1;
	char *line;

	if (text == NULL && err->kind == ERR_SYSTEM && err->errnum == ENOENT)
		return 0; /* it has nobody in it */
	if (text == NULL)
		return -1;
	for (const char *p = text; *p != '\0'; p++)
		lines += *p == '\n';
	ranges->item = arena_alloc(arena, lines * sizeof(*ranges->item), err);
	if (ranges->item == NULL)
		return -1;
	for (unsigned int n = 1; (line = strsep(&text, "\n")) != NULL; n++)
		if (line[0] != '\0' && line[0] != '#' &&
		    read_line(ranges, line, n, err) < 0)
			return -1;
	return 0;
}

static bool
is_owner(const struct range *range, const struct account *account)
{
	uint64_t uid;

	return strcmp(range->owner, account->name) == 0 ||
	       (read_number(range->owner, &uid) && uid == account->uid);
}

/* With a command that makes one. */
static int
tell_missing(const struct ranges *ranges, const struct account *account,
	     bool too_few, struct err *err)
{
	const struct source *const source = ranges->source;
	const uint64_t end =
		ranges->end > USUAL_FIRST ? ranges->end : USUAL_FIRST;
	const uint64_t first =
		(end + USUAL_COUNT - 1) / USUAL_COUNT * USUAL_COUNT;

	return err_set(err, ERR_REFUSED,
		       "account %s: root_inside needs %d %ss of its own in "
		       "%s, and there are %s: usermod %s %" PRIu64 "-%" PRIu64
		       " %s",
		       account->name, (int)PLAN_SUB_IDS, source->what,
		       source->path, too_few ? "fewer" : "none", source->option,
		       first, first + USUAL_COUNT - 1, account->name);
}

static const struct range *
find_own(const struct ranges *ranges, const struct account *account,
	 struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < ranges->n; i++) {
		const struct range *const range = &ranges->item[i];

		if (!is_owner(range, account))
			continue;
		any = true;
		if (range->last - range->first + 1 >= PLAN_SUB_IDS)
			return range;
	}
	(void)tell_missing(ranges, account, any, err);
	return NULL;
}

/* The ids that will be used, and whose they are. */
struct used {
	const struct ranges *ranges;
	const struct account *account;
	uint64_t first, last;
	unsigned int line;
};

static int
refuse(const struct used *used, struct err *err, const char *why,
       const char *whose)
{
	const struct source *const source = used->ranges->source;

	return err_set(err, ERR_REFUSED,
		       "account %s: %ss %" PRIu64 "-%" PRIu64 " (%s:%u) %s%s",
		       used->account->name, source->what, used->first,
		       used->last, source->path, used->line, why, whose);
}

static int
require_no_overlap(const struct used *used, struct err *err)
{
	for (size_t i = 0; i < used->ranges->n; i++) {
		const struct range *const range = &used->ranges->item[i];

		if (!is_owner(range, used->account) &&
		    range->first <= used->last && range->last >= used->first)
			return refuse(used, err, "are also those of ",
				      range->owner);
	}
	return 0;
}

/* --- accounts and groups -------------------------------------------------- */

/* What the host's own files say. */
enum list { ACCOUNTS, GROUPS, PRIMARY_GROUPS };

static const char *const lists[] = {
	[ACCOUNTS] = "/etc/passwd",
	[GROUPS] = "/etc/group",
	[PRIMARY_GROUPS] = "/etc/passwd",
};

/* Reads the next of a list. */
static int
next_entry(enum list list, FILE *stream, char *buffer, const char **name,
	   uint64_t *id)
{
	struct passwd passwd, *account = NULL;
	struct group entry, *group = NULL;
	int error;

	if (list == GROUPS) {
		error = fgetgrent_r(stream, &entry, buffer, ENTRY_MAX, &group);
		*name = group != NULL ? group->gr_name : NULL;
		*id = group != NULL ? group->gr_gid : 0;
		return error;
	}
	error = fgetpwent_r(stream, &passwd, buffer, ENTRY_MAX, &account);
	*name = account != NULL ? account->pw_name : NULL;
	*id = 0;
	if (account != NULL)
		*id = list == ACCOUNTS ? account->pw_uid : account->pw_gid;
	return error;
}

/*
 * Those of the host's own files, at least: to ask a directory for as many would
 * take longer than a login may.
 */
static int
require_nobodys(enum list list, const struct used *used, struct err *err)
{
	const char *const path = lists[list];
	cleanup_free char *buffer = malloc(ENTRY_MAX);
	FILE *const stream = buffer != NULL ? fopen(path, "re") : NULL;
	const char *name = NULL;
	int error = 0, ret = 0;
	uint64_t id = 0;

	if (stream == NULL)
		return err_errno(err, "%s", path);
	while (ret == 0 &&
	       (error = next_entry(list, stream, buffer, &name, &id)) == 0)
		if (id >= used->first && id <= used->last)
			ret = refuse(used, err, "are also that of ", name);
	(void)fclose(stream);
	errno = error;
	if (ret == 0 && error != ENOENT) /* the end of the file */
		return err_errno(err, "%s", path);
	return ret;
}

static int
require_nobody_has(enum subids_kind kind, const struct used *used,
		   struct err *err)
{
	if (kind == SUBIDS_UID)
		return require_nobodys(ACCOUNTS, used, err);
	if (require_nobodys(GROUPS, used, err) < 0)
		return -1;
	return require_nobodys(PRIMARY_GROUPS, used, err);
}

int
subids_find(enum subids_kind kind, const struct account *account,
	    uint32_t *first, struct err *err)
{
	struct arena arena = { NULL };
	struct ranges ranges = { .source = &sources[kind] };
	const struct range *own = NULL;
	struct used used = { .ranges = &ranges, .account = account };
	int ret = read_ranges(&ranges, &arena, err);

	if (ret == 0 && (own = find_own(&ranges, account, err)) == NULL)
		ret = -1;
	if (ret == 0) {
		used.first = own->first;
		used.last = own->first + PLAN_SUB_IDS - 1;
		used.line = own->line;
		*first = (uint32_t)own->first;
		if (own->first < PLAN_SUB_LEAST)
			ret = refuse(&used, err,
				     "begin below 65536, where the system's "
				     "own are",
				     "");
	}
	if (ret == 0 && (require_no_overlap(&used, err) < 0 ||
			 require_nobody_has(kind, &used, err) < 0))
		ret = -1;
	arena_free(&arena);
	return ret;
}
