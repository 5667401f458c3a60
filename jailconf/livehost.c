/* SPDX-License-Identifier: ISC */
#include "jailconf/livehost.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

enum {
	SERVERS = 4,
	SERVE_MS = 1000,
	UID_FIRST = 1000, /* UID_MIN of login.defs(5) */
	UID_NOBODY = 65534,
};

/* --- hints --------------------------------------------------------------- */

static int
add_hint(struct live_host *host, struct err *err, const char *key,
	 const char *value)
{
	const char *const hint =
		arena_printf(&host->arena, err, "%s=%s", key, value);

	if (hint == NULL)
		return -1;
	if (host->n_hints == LIVE_HINTS_MAX)
		return err_set(err, ERR_REFUSED, "too many hints");
	host->hint[host->n_hints++] = hint;
	return 0;
}

static int
add_number(struct live_host *host, struct err *err, const char *key,
	   unsigned long value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lu", value);
	return add_hint(host, err, key, text);
}

/* By "mnt:[4026531841]", of which the words in brackets are looked for. */
static int
add_namespaces(struct live_host *host, struct err *err)
{
	static const char *const names[] = { "mnt", "pid",  "net",   "ipc",
					     "uts", "user", "cgroup" };
	char path[64], target[64];
	ssize_t n;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s",
			       names[i]);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			return err_errno(err, "%s", path);
		target[n] = '\0';
		if (add_hint(host, err, names[i],
			     target + strcspn(target, "[")) < 0)
			return -1;
	}
	return 0;
}

static int
add_account(struct live_host *host, const struct account *account,
	    struct err *err)
{
	char groups[2048] = "";
	struct utsname uts;
	size_t used = 0;

	for (size_t i = 0; i < account->n_groups && used + 16 < sizeof(groups);
	     i++)
		used += (size_t)snprintf(groups + used, sizeof(groups) - used,
					 "%s%u", i > 0 ? "," : "",
					 account->groups[i]);
	if (uname(&uts) < 0)
		return err_errno(err, "uname");
	return add_hint(host, err, "account", account->name) < 0 ||
			       add_hint(host, err, "home", account->home) < 0 ||
			       add_hint(host, err, "groups", groups) < 0 ||
			       add_hint(host, err, "hostname", uts.nodename) <
				       0 ||
			       add_number(host, err, "uid", account->uid) < 0 ||
			       add_number(host, err, "gid", account->gid) < 0
		       ? -1
		       : 0;
}

/* Somebody else, whom the jail's passwd(5) should not name. */
static int
add_other(struct live_host *host, const struct account *account,
	  struct err *err)
{
	const struct passwd *entry;
	int ret = 0;

	setpwent();
	while ((entry = getpwent()) != NULL)
		if (entry->pw_uid >= UID_FIRST && entry->pw_uid < UID_NOBODY &&
		    entry->pw_uid != account->uid) {
			ret = add_hint(host, err, "other", entry->pw_name);
			break;
		}
	endpwent();
	return ret;
}

/* --- files --------------------------------------------------------------- */

/* Whose directory it is does not matter, since nobody can have guessed the
 * name. */
int
live_write(const char *path, const char *text, struct err *err)
{
	cleanup_fd int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		     0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_errno(err, "%s", path);
	return 0;
}

/* Beside the home, where others are; only where that is root's. */
static const char *
beside_home(struct live_host *host, const struct account *account,
	    struct err *err)
{
	const char *const home = account->home;
	const char *const slash = strrchr(home, '/');
	const char *const parent =
		arena_printf(&host->arena, err, "%.*s",
			     slash == NULL ? 0 : (int)(slash - home), home);
	cleanup_fd int fd = -1;

	if (parent == NULL || parent[0] == '\0')
		return NULL;
	fd = path_open_trusted(parent, err);
	return fd < 0 ? NULL : parent;
}

static int
plant_files(struct live_host *host, const struct account *account,
	    struct err *err)
{
	const struct {
		const char *key, *dir;
	} places[LIVE_FILES] = {
		{ "secret", host->dir },
		{ "home_secret", beside_home(host, account, err) },
		{ "tmp_secret", "/tmp" },
		{ "var_tmp_secret", "/var/tmp" },
		{ "shm_secret", "/dev/shm" },
		{ "root_secret", "/root" },
	};
	const char *const text = arena_printf(
		&host->arena, err, "secret-of-host-%s\n", host->nonce);

	for (size_t i = 0; text != NULL && i < LIVE_FILES; i++) {
		const char *path;

		if (places[i].dir == NULL)
			continue;
		path = arena_printf(&host->arena, err, "%s/jail-live.%s",
				    places[i].dir, host->nonce);
		if (path == NULL || live_write(path, text, err) < 0)
			return -1;
		host->file[i] = path;
		if (add_hint(host, err, places[i].key, path) < 0)
			return -1;
	}
	return text == NULL ? -1
			    : add_hint(host, err, "run_secret", host->file[0]);
}

static bool
cron_runs(void)
{
	FILE *const file = fopen("/run/crond.pid", "re");
	int pid = 0;

	if (file == NULL)
		return false;
	/* cron's own.  NOLINTNEXTLINE(cert-err34-c) */
	if (fscanf(file, "%d", &pid) != 1)
		pid = 0;
	(void)fclose(file);
	return pid > 0 && kill(pid, 0) == 0;
}

/* The directory in /run, and "out" in it, where only the account writes. */
static int
make_directory(struct live_host *host, const struct account *account,
	       struct err *err)
{
	const char *const out = arena_printf(
		&host->arena, err, "/run/jail-live.%s/out", host->nonce);
	cleanup_fd int fd = -1;

	host->dir = arena_printf(&host->arena, err, "/run/jail-live.%s",
				 host->nonce);
	if (out == NULL || host->dir == NULL)
		return -1;
	if (mkdir(host->dir, 0755) < 0 || mkdir(out, 0700) < 0)
		return err_errno(err, "%s", out);
	fd = open(out, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, account->uid, account->gid) < 0)
		return err_errno(err, "%s", out);
	if (!cron_runs())
		return 0;
	host->cron = arena_printf(&host->arena, err, "/etc/cron.d/jail-live-%s",
				  host->nonce);
	return host->cron == NULL ? -1 : 0;
}

/* --- a server ------------------------------------------------------------ */

static int
listen_at(int domain, const void *address, socklen_t size, struct err *err)
{
	cleanup_fd int sock = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || bind(sock, address, size) < 0 || listen(sock, 8) < 0)
		return err_errno(err, "listen");
	return fd_take(&sock);
}

static int
listen_path(const char *path, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int sock;

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	sock = listen_at(AF_UNIX, &un, sizeof(un), err);
	if (sock >= 0 && chmod(path, 0666) < 0) {
		(void)close(sock);
		return err_errno(err, "%s", path);
	}
	return sock;
}

/* As the attempts look for it: the name, and one zero byte behind it. */
static int
listen_abstract(const char *nonce, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1,
			       "abstract-%s", nonce);

	return listen_at(AF_UNIX, &un,
			 (socklen_t)offsetof(struct sockaddr_un, sun_path) +
				 (socklen_t)n + 2,
			 err);
}

static int
listen_port(in_port_t *port, struct err *err)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(in);
	const int sock = listen_at(AF_INET, &in, sizeof(in), err);

	if (sock >= 0 && getsockname(sock, (struct sockaddr *)&in, &size) == 0)
		*port = ntohs(in.sin_port);
	return sock;
}

/* Tells the secret to whoever asks, until we end. */
static _Noreturn void
serve(struct pollfd *polled, const char *secret)
{
	for (;;) {
		(void)poll(polled, SERVERS, SERVE_MS);
		for (size_t i = 0; i < SERVERS; i++) {
			cleanup_fd int peer = -1;

			if ((polled[i].revents & POLLIN) == 0)
				continue;
			/* cppcheck-suppress nullPointer ; may be told nothing
			 */
			peer = accept4(polled[i].fd, NULL, NULL, SOCK_CLOEXEC);
			(void)!send(peer, secret, strlen(secret), MSG_NOSIGNAL);
		}
	}
}

/* One of them will be the account's, outside, where others of it may take it
 * over: nothing of the administrator's is to be had from it, no terminal, no
 * session, no descriptor, no key. */
static void
come_away(void)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setsid() < 0 || null < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ||
	    (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
	     errno != ENOSYS))
		_exit(1);
}

/* A process of ours, which does not outlive us. */
static pid_t
fork_mate(struct err *err)
{
	const pid_t pid = fork();

	if (pid < 0)
		return err_errno(err, "fork");
	if (pid == 0)
		come_away();
	return pid;
}

static int
plant_server(struct live_host *host, struct err *err)
{
	const char *const path =
		arena_printf(&host->arena, err, "%s/socket", host->dir);
	const char *const secret = arena_printf(
		&host->arena, err, "secret-of-host-%s", host->nonce);
	struct pollfd polled[SERVERS];
	in_port_t port = 0;
	int ret = -1;

	host->socket = arena_printf(&host->arena, err,
				    "/tmp/jail-live.%s.socket", host->nonce);
	if (path == NULL || secret == NULL || host->socket == NULL)
		return -1;
	polled[0] = (struct pollfd){ listen_path(path, err), POLLIN, 0 };
	polled[1] =
		(struct pollfd){ listen_path(host->socket, err), POLLIN, 0 };
	polled[2] =
		(struct pollfd){ listen_abstract(host->nonce, err), POLLIN, 0 };
	polled[3] = (struct pollfd){ listen_port(&port, err), POLLIN, 0 };
	if (polled[0].fd >= 0 && polled[1].fd >= 0 && polled[2].fd >= 0 &&
	    polled[3].fd >= 0) {
		host->server = fork_mate(err);
		if (host->server == 0)
			serve(polled, secret);
		ret = host->server < 0 ? -1 : 0;
	}
	for (size_t i = 0; i < SERVERS; i++)
		fd_close(&polled[i].fd);
	if (ret == 0 && (add_hint(host, err, "socket", path) < 0 ||
			 add_hint(host, err, "tmp_socket", host->socket) < 0 ||
			 add_number(host, err, "port", port) < 0))
		return -1;
	return ret;
}

/* --- processes ----------------------------------------------------------- */

static _Noreturn void
be_mate(const struct account *account, int out, const char *secret)
{
	const char *const argv[] = { JAIL_ESCAPE, "--victim", secret, NULL };
	const char *const env[] = { secret, NULL };

	if (dup2(out, STDOUT_FILENO) < 0 || chdir("/") < 0)
		_exit(1);
	if (account != NULL &&
	    (setgroups(account->n_groups, account->groups) < 0 ||
	     setresgid(account->gid, account->gid, account->gid) < 0 ||
	     setresuid(account->uid, account->uid, account->uid) < 0))
		_exit(1);
	(void)execve(argv[0], (char **)(uintptr_t)argv,
		     (char **)(uintptr_t)env);
	_exit(1);
}

/* A sleeping process of ACCOUNT's (NULL: root's), and KEY tells where its
 * secret is. */
static int
plant_mate(struct live_host *host, const struct account *account, pid_t *pid,
	   struct err *err)
{
	const char *const secret = arena_printf(
		&host->arena, err, "secret-of-host-%s", host->nonce);
	char words[128];
	int ends[2];
	ssize_t n;

	if (secret == NULL)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	*pid = fork_mate(err);
	if (*pid == 0)
		be_mate(account, ends[1], secret);
	(void)close(ends[1]);
	n = *pid < 0 ? -1 : read(ends[0], words, sizeof(words) - 1);
	(void)close(ends[0]);
	if (n <= 0)
		return err_set(err, ERR_SYSTEM, "%s did not start",
			       JAIL_ESCAPE);
	words[n - 1] = '\0'; /* the newline */
	for (char *p = words; *p != '\0'; p++)
		if (*p == ' ')
			*p = ':';
	return add_hint(host, err, account != NULL ? "mate" : "root_victim",
			words);
}

/* --- all of it ----------------------------------------------------------- */

int
live_host_plant(struct live_host *host, const struct account *account,
		struct err *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return err_errno(err, "getrandom");
	(void)snprintf(host->nonce, sizeof(host->nonce), "%016llx",
		       (unsigned long long)number);
	if (add_hint(host, err, "nonce", host->nonce) < 0 ||
	    make_directory(host, account, err) < 0 ||
	    plant_files(host, account, err) < 0 ||
	    plant_server(host, err) < 0 ||
	    plant_mate(host, account, &host->mate, err) < 0 ||
	    plant_mate(host, NULL, &host->root_mate, err) < 0 ||
	    add_account(host, account, err) < 0 ||
	    add_other(host, account, err) < 0)
		return -1;
	return add_namespaces(host, err);
}

bool
live_host_marked(const struct live_host *host, const char *name)
{
	char path[64];
	DIR *dir;
	const struct dirent *entry;
	bool found = false;

	(void)snprintf(path, sizeof(path), "%s/out", host->dir);
	dir = opendir(path);
	/* ld.so(8) puts a process id behind the name. */
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL)
		found = strncmp(entry->d_name, name, strlen(name)) == 0;
	if (dir != NULL)
		(void)closedir(dir);
	return found;
}

static bool
is_hurt(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
		       0 &&
	       info.si_pid == pid;
}

bool
live_host_hurt(const struct live_host *host)
{
	return is_hurt(host->mate) || is_hurt(host->root_mate) ||
	       is_hurt(host->server);
}

static void
end_mate(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL);
	(void)waitpid(*pid, NULL, 0);
	*pid = 0;
}

/* What is in the directory, one level of it: deeper, the account could put
 * links in our way. */
static void
empty_directory(const char *path)
{
	DIR *const dir = opendir(path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		const char *const name = entry->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    unlinkat(dirfd(dir), name, 0) < 0)
			(void)unlinkat(dirfd(dir), name, AT_REMOVEDIR);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* "out" first, which from here on is the account's no longer. */
static void
remove_directory(const struct live_host *host)
{
	char out[64];

	(void)snprintf(out, sizeof(out), "%s/out", host->dir);
	(void)!lchown(out, 0, 0);
	empty_directory(out);
	(void)rmdir(out);
	empty_directory(host->dir);
	(void)rmdir(host->dir);
}

static bool
remove_file(const char *path)
{
	return path == NULL || unlink(path) == 0 || errno == ENOENT;
}

const char *
live_host_clear(struct live_host *host)
{
	const char *left = NULL;

	end_mate(&host->mate);
	end_mate(&host->root_mate);
	end_mate(&host->server);
	for (size_t i = 0; i < LIVE_FILES; i++)
		if (!remove_file(host->file[i]))
			left = host->file[i];
	if (!remove_file(host->socket))
		left = host->socket;
	if (host->dir != NULL) {
		remove_directory(host);
		if (access(host->dir, F_OK) == 0)
			left = host->dir;
	}
	/* It would run what is in the home. */
	if (!remove_file(host->cron))
		left = host->cron;
	return left;
}

void
live_host_free(struct live_host *host)
{
	arena_free(&host->arena);
	*host = (struct live_host){ .n_hints = 0 };
}
