/* SPDX-License-Identifier: ISC */
#include "jailconf/rewrite.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { FILE_MAX_BYTES = 1024 * 1024 }; /* no configuration is longer */

/* Opens what the O_PATH descriptor PATH_FD stands for. */
static int
reopen(int path_fd, int flags)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", path_fd);
	return open(name, flags | O_CLOEXEC);
}

static int
open_directory(const char *path, struct err *err)
{
	cleanup_fd int found = path_open_trusted(path, err);
	cleanup_fd int fd = -1;

	if (found < 0)
		return -1;
	fd = reopen(found, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_errno(err, "%s", path);
	return fd_take(&fd);
}

/* As jail/registry.c makes it: nobody else can open it, and so hold us up. */
static int
open_run_dir(struct err *err)
{
	if (mkdir(RUN_DIR, 0711) == 0) {
		if (chmod(RUN_DIR, 0711) < 0) /* whatever the umask is */
			return err_errno(err, RUN_DIR);
	} else if (errno != EEXIST) {
		return err_errno(err, "make " RUN_DIR);
	}
	return open_directory(RUN_DIR, err);
}

int
directory_lock(const char *path, struct err *err)
{
	cleanup_fd int wanted = open_directory(path, err);
	cleanup_fd int fd = wanted < 0 ? -1 : open_run_dir(err);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX) < 0)
		return err_errno(err, "lock " RUN_DIR);
	return fd_take(&fd);
}

int
directory_make(const char *path, mode_t mode, bool *made, struct err *err)
{
	cleanup_fd int fd = -1;

	*made = mkdir(path, mode) == 0;
	if (!*made && errno != EEXIST)
		return err_errno(err, "make %s", path);
	fd = open_directory(path, err);
	return fd < 0 ? -1 : 0;
}

char *
file_read(const char *path, struct arena *arena, struct err *err)
{
	cleanup_fd int found = path_open_trusted(path, err);
	cleanup_fd int fd = -1;
	size_t used = 0;
	struct stat st;
	char *text;
	ssize_t n;

	if (found < 0)
		return NULL;
	fd = reopen(found, O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_errno(err, "%s", path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
		(void)err_set(err, ERR_UNSAFE, "%s: not a plain file", path);
		return NULL;
	}
	text = arena_alloc(arena, FILE_MAX_BYTES + 1, err);
	while (text != NULL && used < FILE_MAX_BYTES &&
	       (n = read(fd, text + used, FILE_MAX_BYTES - used)) != 0) {
		if (n < 0) {
			(void)err_errno(err, "%s", path);
			return NULL;
		}
		used += (size_t)n;
	}
	return text;
}

static int
write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		const ssize_t n = write(fd, text, left);

		if (n < 0)
			return -1;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

int
file_replace(const char *directory, const char *staging, const char *name,
	     const char *text, struct err *err)
{
	cleanup_fd int to = open_directory(directory, err);
	cleanup_fd int from = -1, fd = -1;
	char fresh[NAME_MAX + 1];

	if (to < 0)
		return -1;
	from = open_directory(staging != NULL ? staging : directory, err);
	if (from < 0)
		return -1;
	(void)snprintf(fresh, sizeof(fresh), "%s~", name);
	if (unlinkat(from, fresh, 0) < 0 && errno != ENOENT)
		return err_errno(err, "remove %s", fresh);
	fd = openat(from, fresh,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0 || write_all(fd, text) < 0 ||
	    fsync(fd) < 0 || renameat(from, fresh, to, name) < 0) {
		(void)err_errno(err, "write %s/%s", directory, name);
		(void)unlinkat(from, fresh, 0);
		return -1;
	}
	if (fsync(to) < 0)
		return err_errno(err, "write %s", directory);
	return 0;
}

int
file_remove(const char *directory, const char *name, bool *was_there,
	    struct err *err)
{
	cleanup_fd int fd = open_directory(directory, err);

	if (fd < 0)
		return -1;
	*was_there = unlinkat(fd, name, 0) == 0;
	if (!*was_there && errno != ENOENT)
		return err_errno(err, "remove %s/%s", directory, name);
	if (*was_there && fsync(fd) < 0)
		return err_errno(err, "write %s", directory);
	return 0;
}
