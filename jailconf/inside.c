/* SPDX-License-Identifier: ISC */
#include "jailconf/inside.h"

#include "base/cleanup.h"
#include "policy/layout.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

enum { LINKS_MAX = 40 }; /* path_resolution(7) */

static bool
is_mount(const struct entry *entry)
{
	switch (entry->kind) {
	case ENTRY_BIND:
	case ENTRY_SCRATCH:
	case ENTRY_PROC:
	case ENTRY_PTS:
	case ENTRY_USERNS:
		return true;
	case ENTRY_DIR:
	case ENTRY_FILE:
	case ENTRY_LINK:
	case ENTRY_DEVICE:
	case ENTRY_HIDE:
	case ENTRY_FREEZE:
		break;
	}
	return false;
}

static bool
is_left_out(const struct entry *entry)
{
	struct stat st;

	return entry->kind == ENTRY_FREEZE ||
	       (entry->kind == ENTRY_BIND &&
		(entry->flags & ENTRY_OPTIONAL) != 0 &&
		lstat(entry->text, &st) < 0);
}

const struct entry *
inside_mount(const struct plan *plan, const char *path)
{
	const struct entry *found = NULL;

	for (size_t i = 0; i < plan->n_entries; i++) {
		const struct entry *const entry = &plan->entries[i];

		if (is_mount(entry) && path_within(path, entry->target) &&
		    !is_left_out(entry))
			found = entry;
	}
	return found;
}

/* What has been put at PATH itself, last; NULL: nothing. */
static const struct entry *
find_entry(const struct plan *plan, const char *path)
{
	const struct entry *found = NULL;

	for (size_t i = 0; i < plan->n_entries; i++) {
		const struct entry *const entry = &plan->entries[i];

		if (!path_within(path, entry->target) || is_left_out(entry))
			continue;
		if (strcmp(entry->target, path) == 0)
			found = entry;
		else if (is_mount(entry))
			found = NULL; /* it covers what was there */
	}
	return found;
}

/* Whether something is below PATH, so that it has been made for it. */
static bool
is_made(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n_entries; i++)
		if (path_within(plan->entries[i].target, path) &&
		    !is_left_out(&plan->entries[i]))
			return true;
	return false;
}

/* The file on the host at which PATH is; links are not followed.  Returns its
 * path, which the caller frees, or NULL and errno. */
static char *
look_in(const char *directory, const char *below, const char *path,
	struct stat *st)
{
	char *host = NULL;

	if (asprintf(&host, "%s%s%s", directory, below, path) < 0)
		return NULL;
	if (lstat(host, st) == 0)
		return host;
	free(host);
	return NULL;
}

static char *
look(const struct plan *plan, const char *path, struct stat *st)
{
	const struct entry *const mount = inside_mount(plan, path);
	char *host;

	errno = ENOENT;
	if (mount != NULL)
		return mount->kind != ENTRY_BIND
			       ? NULL
			       : look_in(mount->text, "",
					 path + strlen(mount->target), st);
	if (plan->upper != NULL &&
	    (host = look_in(plan->upper, "/upper", path, st)) != NULL) {
		/* What the account has removed: overlayfs.rst, whiteouts. */
		if (!S_ISCHR(st->st_mode) || st->st_rdev != makedev(0, 0))
			return host;
		free(host);
		errno = ENOENT;
		return NULL;
	}
	return plan->tree == NULL ? NULL : look_in(plan->tree, "", path, st);
}

/* A way that is followed. */
struct walk {
	const struct plan *plan;
	char at[PATH_MAX];   /* where it has come to; "" is the root */
	char rest[PATH_MAX]; /* what is left of it */
	unsigned int links;
};

/* Puts what a link says before the rest. */
static int
follow(struct walk *walk, const char *link)
{
	cleanup_free char *rest = strdup(walk->rest);

	if (rest == NULL)
		return -1;
	errno = ++walk->links > LINKS_MAX ? ELOOP : ENAMETOOLONG;
	if (walk->links > LINKS_MAX ||
	    snprintf(walk->rest, sizeof(walk->rest), "%s/%s", link, rest) >=
		    (int)sizeof(walk->rest))
		return -1;
	if (link[0] == '/')
		walk->at[0] = '\0';
	return 0;
}

static int
follow_file(struct walk *walk, const char *host)
{
	char link[PATH_MAX];
	const ssize_t n = readlink(host, link, sizeof(link) - 1);

	if (n < 0)
		return -1;
	link[n] = '\0';
	return follow(walk, link);
}

/* Goes to NAME, one component. */
static int
step(struct walk *walk, const char *name)
{
	const size_t len = strlen(walk->at);
	cleanup_free char *host = NULL;
	const struct entry *entry;
	struct stat st;

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		char *const slash = strrchr(walk->at, '/');

		if (slash != NULL)
			*slash = '\0';
		return 0;
	}
	errno = ENAMETOOLONG;
	if (len + 1 + strlen(name) >= sizeof(walk->at))
		return -1;
	walk->at[len] = '/';
	memcpy(walk->at + len + 1, name, strlen(name) + 1);
	entry = find_entry(walk->plan, walk->at);
	errno = ENOENT;
	if (entry != NULL && entry->kind == ENTRY_HIDE)
		return -1;
	if (entry != NULL && entry->kind != ENTRY_LINK)
		return 0;
	if (entry == NULL) {
		host = look(walk->plan, walk->at, &st);
		if (host == NULL)
			return is_made(walk->plan, walk->at) ? 0 : -1;
		if (!S_ISLNK(st.st_mode))
			return 0;
	}
	walk->at[len] = '\0';
	return entry != NULL ? follow(walk, entry->text)
			     : follow_file(walk, host);
}

static int
walk_to(const struct plan *plan, const char *path, struct stat *st)
{
	struct walk walk = { .plan = plan };
	const struct entry *entry;
	cleanup_free char *host = NULL;

	if (follow(&walk, path) < 0)
		return -1;
	for (;;) {
		const char *const name = walk.rest + strspn(walk.rest, "/");
		const size_t len = strcspn(name, "/");
		cleanup_free char *word = strndup(name, len);

		if (word == NULL)
			return -1;
		if (len == 0)
			break;
		memmove(walk.rest, name + len, strlen(name + len) + 1);
		if (step(&walk, word) < 0)
			return -1;
	}
	entry = find_entry(plan, walk.at);
	memset(st, 0, sizeof(*st));
	if (entry != NULL && entry->kind == ENTRY_FILE) {
		st->st_mode = S_IFREG | entry->mode;
		return 0;
	}
	if (entry != NULL && entry->kind != ENTRY_BIND) {
		st->st_mode = S_IFDIR;
		return 0;
	}
	host = look(plan, walk.at, st);
	return host != NULL ? 0 : -1;
}

int
inside_stat(const struct plan *plan, const char *path, struct stat *st)
{
	const struct entry *const entry = find_entry(plan, path);
	cleanup_free char *host = NULL;
	int error;

	if (entry != NULL && entry->kind == ENTRY_HIDE) {
		errno = ENOENT;
		return -1;
	}
	if (walk_to(plan, path, st) == 0)
		return 0;
	/* What it is mounted on may have links on its way, too. */
	error = errno;
	if (inside_mount(plan, path) != NULL)
		host = look(plan, path, st);
	errno = error;
	return host != NULL && !S_ISLNK(st->st_mode) ? 0 : -1;
}

bool
inside_may_execute(const struct plan *plan, const struct stat *st)
{
	bool in_group = st->st_gid == plan->gid;

	for (size_t i = 0; i < plan->n_groups; i++)
		in_group |= st->st_gid == plan->groups[i];
	if (!S_ISREG(st->st_mode))
		return false;
	if (plan->root_inside)
		return (st->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
	if (st->st_uid == plan->uid)
		return (st->st_mode & S_IXUSR) != 0;
	return (st->st_mode & (in_group ? S_IXGRP : S_IXOTH)) != 0;
}
