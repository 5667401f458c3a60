/* SPDX-License-Identifier: ISC */
#include "base/path.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum { SYSTEM_ID_MAX = 999 }; /* login.defs(5) */

static bool
others_may_write(const struct stat *st)
{
	/* With an ACL the group bits are its mask, which covers every
	 * entry of it: acl(5). */
	return (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* NAME is the component of PATH that is looked at. */
static int
check_component(const struct stat *st, const char *path, const char *name,
		uid_t trusted, struct err *err)
{
	if (S_ISLNK(st->st_mode))
		return err_set(err, ERR_UNSAFE, "%s: %s is a symbolic link",
			       path, name);
	if (st->st_uid != 0 && st->st_uid != trusted)
		return err_set(err, ERR_UNSAFE,
			       "%s: %s belongs to uid %u, not to root", path,
			       name, st->st_uid);
	if (others_may_write(st) && !S_ISCHR(st->st_mode))
		return err_set(err, ERR_UNSAFE,
			       "%s: %s can be changed by others (mode %04o)",
			       path, name, st->st_mode & 07777);
	return 0;
}

/* What is the owner's, he may share with whom he likes. */
static bool
is_owners(const struct stat *st, uid_t owner)
{
	return owner != 0 && st->st_uid == owner && !S_ISLNK(st->st_mode);
}

int
path_check_object(const struct stat *st, const char *path, uid_t owner,
		  struct err *err)
{
	if (is_owners(st, owner))
		return 0;
	return check_component(
		st, path,
		strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path, 0,
		err);
}

int
path_check_service(const struct stat *st, const char *path, struct err *err)
{
	if (!S_ISDIR(st->st_mode))
		return err_set(err, ERR_UNSAFE, "%s: not a directory", path);
	if (st->st_uid > SYSTEM_ID_MAX)
		return err_set(err, ERR_UNSAFE,
			       "%s: belongs to uid %u, which is no system "
			       "account's",
			       path, st->st_uid);
	if ((st->st_mode & S_IWOTH) != 0 ||
	    ((st->st_mode & S_IWGRP) != 0 && st->st_gid > SYSTEM_ID_MAX))
		return err_set(err, ERR_UNSAFE,
			       "%s: can be changed by others (mode %04o)", path,
			       st->st_mode & 07777);
	return 0;
}

int
path_open_service(const char *path, struct err *err)
{
	const char *const name = strrchr(path, '/') + 1;
	cleanup_free char *parent = strndup(path, (size_t)(name - path));
	cleanup_fd int dir = -1, fd = -1;
	struct stat st;

	if (parent == NULL)
		return err_errno(err, "%s", path);
	dir = path_open_trusted(parent, err);
	if (dir < 0)
		return -1;
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	return path_check_service(&st, path, err) < 0 ? -1 : fd_take(&fd);
}

int
path_open_owned(const char *path, uid_t owner, uid_t trusted, struct err *err)
{
	const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
	cleanup_fd int fd = open("/", flags | O_DIRECTORY);
	cleanup_free char *copy = strdup(path);
	char *rest = copy, *name;
	struct stat st;

	if (path[0] != '/')
		return err_set(err, ERR_UNSAFE, "%s: not an absolute path",
			       path);
	if (copy == NULL || fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if (check_component(&st, path, "/", trusted, err) < 0)
		return -1;
	while ((name = strsep(&rest, "/")) != NULL) {
		const bool last = rest == NULL || rest[strspn(rest, "/")] == 0;
		int next;

		if (name[0] == '\0' || strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0)
			return err_set(err, ERR_UNSAFE, "%s: contains ..",
				       path);
		next = openat(fd, name, flags);
		if (next < 0)
			return err_errno(err, "%s", path);
		fd_close(&fd);
		fd = next;
		if (fstat(fd, &st) < 0)
			return err_errno(err, "%s", path);
		if (last && is_owners(&st, owner))
			break;
		if (check_component(&st, path, name, trusted, err) < 0)
			return -1;
	}
	return fd_take(&fd);
}

int
path_open_trusted(const char *path, struct err *err)
{
	return path_open_owned(path, 0, 0, err);
}

bool
name_is_plain(const char *name)
{
	const size_t len = strlen(name);

	if (len == 0 || len > NAME_PLAIN_MAX)
		return false;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz_") == 0)
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789-") == len;
}

bool
path_is_clean(const char *path)
{
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	for (const unsigned char *p = (const unsigned char *)path; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			return false;
	if (path[1] == '\0')
		return true;
	for (const char *p = path; *p != '\0';) {
		const size_t len = strcspn(p + 1, "/");

		if (len == 0 || (len == 1 && p[1] == '.') ||
		    (len == 2 && p[1] == '.' && p[2] == '.'))
			return false;
		p += 1 + len;
	}
	return true;
}
