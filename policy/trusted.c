/* SPDX-License-Identifier: ISC */
#include "policy/trusted.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

static int
check_owner(const struct stat *st, const char *path, uid_t trusted,
	    struct err *err)
{
	if (st->st_uid != 0 && st->st_uid != trusted)
		return err_set(err, ERR_UNSAFE,
			       "%s: belongs to uid %u: chown root it", path,
			       st->st_uid);
	/* With an ACL the group bits are its mask: acl(5). */
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, ERR_UNSAFE,
			       "%s: others may write to it (mode %04o): "
			       "chmod go-w it",
			       path, st->st_mode & 07777);
	return 0;
}

int
trusted_directory(int dir, const char *name, const char *path, uid_t trusted,
		  struct err *err)
{
	/* No O_DIRECTORY: it would tell a symbolic link from nothing else. */
	cleanup_fd int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if (S_ISLNK(st.st_mode))
		return err_set(err, ERR_UNSAFE, "%s: is a symbolic link", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_UNSAFE, "%s: is not a directory", path);
	if (check_owner(&st, path, trusted, err) < 0)
		return -1;
	return fd_take(&fd);
}

static int
check_file(int fd, const char *path, uid_t trusted, size_t *size,
	   struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_UNSAFE, "%s: is not a regular file",
			       path);
	if (st.st_nlink != 1)
		return err_set(err, ERR_UNSAFE,
			       "%s: has %ju names (hard links): replace it by "
			       "a copy",
			       path, (uintmax_t)st.st_nlink);
	if (check_owner(&st, path, trusted, err) < 0)
		return -1;
	if (st.st_size > TRUSTED_MAX_BYTES)
		return err_set(err, ERR_CONFIG,
			       "%s: has %jd bytes, more than %d", path,
			       (intmax_t)st.st_size, (int)TRUSTED_MAX_BYTES);
	*size = (size_t)st.st_size;
	return 0;
}

/* Reads SIZE bytes, and sees to it that they are of one moment. */
static int
read_all(int fd, char *text, size_t size, const char *path, struct err *err)
{
	struct stat before, after;
	size_t done = 0;

	if (fstat(fd, &before) < 0)
		return err_errno(err, "%s", path);
	while (done < size) {
		const ssize_t n = read(fd, text + done, size - done);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return err_errno(err, "%s", path);
		done += n > 0 ? (size_t)n : 0;
	}
	if (fstat(fd, &after) < 0)
		return err_errno(err, "%s", path);
	if (done < size || after.st_size != before.st_size ||
	    after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
		return err_set(err, ERR_CONFIG, "%s: changed while it was read",
			       path);
	if (memchr(text, '\0', size) != NULL)
		return err_set(err, ERR_CONFIG, "%s: has a NUL byte in it",
			       path);
	return 0;
}

char *
trusted_read(int dir, const char *name, const char *path, uid_t trusted,
	     struct arena *arena, struct err *err)
{
	/* O_NONBLOCK: a FIFO must not hold up the login. */
	cleanup_fd int fd = openat(dir, name,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
					   O_NOCTTY | O_CLOEXEC);
	size_t size = 0;
	char *text;

	if (fd < 0 && errno == ELOOP)
		(void)err_set(err, ERR_UNSAFE, "%s: is a symbolic link", path);
	else if (fd < 0)
		(void)err_errno(err, "%s", path);
	if (fd < 0 || check_file(fd, path, trusted, &size, err) < 0)
		return NULL;
	text = arena_alloc(arena, size + 1, err);
	if (text == NULL || read_all(fd, text, size, path, err) < 0)
		return NULL;
	return text;
}
