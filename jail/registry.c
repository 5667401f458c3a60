/* SPDX-License-Identifier: ISC */
#include "jail/registry.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "jail/wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

enum {
	LOCK_SECONDS = 10,
	LOCK_PAUSE_NS = 5 * 1000 * 1000,
	GONE_TRIES = 100,
	GONE_PAUSE_NS = 10 * 1000 * 1000,
	/* The directory may go away under us, but not again and again. */
	OPEN_TRIES = 20,
	LISTEN_BACKLOG = 128,
};

static int
set_address(struct sockaddr_un *addr, uid_t uid, const char *jail,
	    struct err *err)
{
	const int n = snprintf(addr->sun_path, sizeof(addr->sun_path),
			       RUN_DIR "/%u/%s", uid, jail);

	addr->sun_family = AF_UNIX;
	if (!name_is_plain(jail))
		return err_set(err, ERR_UNSAFE, "not the name of a jail");
	if (n < 0 || (size_t)n >= sizeof(addr->sun_path))
		return err_set(err, ERR_SYSTEM, RUN_DIR ": too long a path");
	return 0;
}

/* The socket could not have been made by anybody but root, but it is the
 * object that counts, not its name. */
static int
require_root_peer(int sock, struct err *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return err_errno(err, "SO_PEERCRED");
	if (peer.uid != 0)
		return err_set(err, ERR_UNSAFE,
			       "the jail's socket belongs to uid %u", peer.uid);
	return 0;
}

int
registry_connect(uid_t uid, const char *jail, struct err *err)
{
	cleanup_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (sock < 0)
		return err_errno(err, "socket");
	if (set_address(&addr, uid, jail, err) < 0 ||
	    wire_set_patience(sock, err) < 0)
		return -1;
	if (connect(sock, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return err_set(err, ERR_GONE, "no jail is running");
		return err_errno(err, "%s", addr.sun_path);
	}
	if (require_root_peer(sock, err) < 0)
		return -1;
	return fd_take(&sock);
}

int
registry_require_none(uid_t uid, const char *jail, struct err *err)
{
	const struct timespec pause = { .tv_nsec = GONE_PAUSE_NS };

	for (int i = 0; i < GONE_TRIES; i++) {
		cleanup_fd int sock = registry_connect(uid, jail, err);

		if (sock < 0)
			return err->kind == ERR_GONE ? 0 : -1;
		(void)nanosleep(&pause, NULL);
	}
	return err_set(err, ERR_REFUSED,
		       "jail %s: its keeper hangs up on us and runs on, as one "
		       "of another version may: find it with \"pgrep -a "
		       "jail-keeper\", and kill it",
		       jail);
}

/* Whether somebody listens at a name; what a killed keeper has left counts
 * for nothing. */
static bool
is_running(uid_t uid, const char *jail)
{
	struct err err;
	cleanup_fd int sock = registry_connect(uid, jail, &err);

	return sock >= 0;
}

/* Reads the names in STREAM until it is known whether one jail runs, or more.
 * Returns how many, 2 for more than one; or -1 and errno. */
static int
find_running(uid_t uid, DIR *stream, char *jail, size_t size)
{
	const struct dirent *entry;
	int n = 0;

	for (errno = 0; n < 2 && (entry = readdir(stream)) != NULL; errno = 0)
		if (name_is_plain(entry->d_name) &&
		    is_running(uid, entry->d_name)) {
			(void)snprintf(jail, size, "%s", entry->d_name);
			n++;
		}
	return errno != 0 ? -1 : n;
}

int
registry_find(uid_t uid, char *jail, size_t size, struct err *err)
{
	char path[sizeof(RUN_DIR) + 16];
	DIR *stream;
	int n;

	(void)snprintf(path, sizeof(path), RUN_DIR "/%u", uid);
	stream = opendir(path);
	if (stream == NULL && errno == ENOENT)
		return err_set(err, ERR_GONE, "no jail is running");
	if (stream == NULL)
		return err_errno(err, "%s", path);
	n = find_running(uid, stream, jail, size);
	if (n < 0)
		(void)err_errno(err, "%s", path);
	(void)closedir(stream);
	if (n == 0)
		return err_set(err, ERR_GONE, "no jail is running");
	if (n > 1)
		return err_set(err, ERR_REFUSED,
			       "more than one jail is running, and nobody says "
			       "which one is meant");
	return n < 0 ? -1 : 0;
}

/* Opens RUN_DIR, made at the first login after boot. */
static int
open_run_dir(struct err *err)
{
	cleanup_fd int fd = -1;

	if (mkdir(RUN_DIR, 0711) == 0) {
		if (chmod(RUN_DIR, 0711) < 0) /* whatever the umask is */
			return err_errno(err, RUN_DIR);
	} else if (errno != EEXIST) {
		return err_errno(err, "make " RUN_DIR);
	}
	fd = path_open_trusted(RUN_DIR, err);
	return fd < 0 ? -1 : fd_take(&fd);
}

/* Opens RUN_DIR/UID and makes it first if need be; it goes away with the last
 * jail. */
static int
open_account_dir(int run, uid_t uid, struct err *err)
{
	cleanup_fd int fd = -1;
	char name[16];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%u", uid);
	if (mkdirat(run, name, 0755) < 0 && errno != EEXIST)
		return err_errno(err, "make " RUN_DIR "/%s", name);
	fd = openat(run, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, RUN_DIR "/%s", name);
	if (path_check_object(&st, name, 0, err) < 0)
		return err_context(err, RUN_DIR);
	if (fchmod(fd, 0755) < 0) /* whatever the umask is */
		return err_errno(err, RUN_DIR "/%s", name);
	return fd_take(&fd);
}

/*
 * Opens the account's lock: a file that only root can open, because whoever
 * can open it can lock it.  (Everybody can open the directory, for jailsh(8)
 * to look for names.)
 */
static int
open_lock(uid_t uid, struct err *err)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	char path[sizeof(RUN_DIR) + 24];
	cleanup_fd int fd = -1;

	(void)snprintf(path, sizeof(path), RUN_DIR "/%u.lock", uid);
	fd = open(path, flags, 0600);
	if (fd < 0)
		return err_errno(err, "%s", path);
	return fd_take(&fd);
}

/* Waits for the lock on FD, in which nobody but root can be. */
static int
lock(int fd, struct err *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	const int64_t until_ms = now_ms() + (int64_t)LOCK_SECONDS * 1000;

	for (;;) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, "lock");
		if (now_ms() > until_ms)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return err_set(err, ERR_SYSTEM,
		       "somebody else has been starting a jail of this account "
		       "for %d s",
		       LOCK_SECONDS);
}

/* Whoever had the lock may have removed what we were waiting for. */
int
registry_lock(uid_t uid, struct err *err)
{
	cleanup_fd int run = open_run_dir(err);

	if (run < 0)
		return -1;
	for (int i = 0; i < OPEN_TRIES; i++) {
		cleanup_fd int fd = open_lock(uid, err);
		struct stat st;

		if (fd < 0 || lock(fd, err) < 0)
			return -1;
		if (fstat(fd, &st) < 0)
			return err_errno(err, RUN_DIR "/%u.lock", uid);
		if (st.st_nlink > 0)
			return fd_take(&fd);
	}
	return err_set(err, ERR_SYSTEM,
		       RUN_DIR "/%u.lock: goes away again and again", uid);
}

int
registry_open_lock(uid_t uid, struct err *err)
{
	return open_lock(uid, err);
}

int
registry_listen(uid_t uid, const char *jail, struct err *err)
{
	cleanup_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cleanup_fd int run = open_run_dir(err);
	cleanup_fd int dir = run < 0 ? -1 : open_account_dir(run, uid, err);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (dir < 0)
		return -1;
	if (sock < 0)
		return err_errno(err, "socket");
	if (set_address(&addr, uid, jail, err) < 0)
		return -1;
	if (unlinkat(dir, jail, 0) < 0 && errno != ENOENT)
		return err_errno(err, "remove %s", addr.sun_path);
	if (bind(sock, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_errno(err, "bind %s", addr.sun_path);
	if (fchmodat(dir, jail, 0600, 0) < 0 ||
	    fchownat(dir, jail, uid, 0, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "%s", addr.sun_path);
	if (listen(sock, LISTEN_BACKLOG) < 0)
		return err_errno(err, "listen on %s", addr.sun_path);
	return fd_take(&sock);
}

void
registry_remove(uid_t uid, const char *jail)
{
	char path[sizeof(RUN_DIR) + 24 + NAME_PLAIN_MAX];

	(void)snprintf(path, sizeof(path), RUN_DIR "/%u/%s", uid, jail);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), RUN_DIR "/%u", uid);
	if (rmdir(path) < 0 && errno != ENOENT)
		return; /* another jail of the account runs */
	/* Who waits for the lock sees that it is gone, and makes another. */
	(void)snprintf(path, sizeof(path), RUN_DIR "/%u.lock", uid);
	(void)unlink(path);
}
