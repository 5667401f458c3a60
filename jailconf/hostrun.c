/* SPDX-License-Identifier: ISC */
#include "jailconf/hostrun.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>

enum { OUTPUT_MAX_BYTES = 256 * 1024 }; /* sshd -T prints some 5000 */

static char *const environment[] = {
	(char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
	(char[]){ "LC_ALL=C" },
	(char[]){ "HOME=/root" },
	(char[]){ "DEBIAN_FRONTEND=noninteractive" },
	NULL,
};

/* Starts ARGV with OUT as standard output and COMPLAINTS as standard error. */
static int
start(const char *const *argv, int out, int complaints, pid_t *pid,
      struct err *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int error;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	if ((error = posix_spawn_file_actions_init(&actions)) != 0) {
		errno = error;
		return err_errno(err, "%s", argv[0]);
	}
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null",
						 O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, complaints,
							 2);
	if (error == 0)
		/* posix_spawn(3) takes char *const *, and changes nothing. */
		error = posix_spawn(pid, argv[0], &actions, &attr,
				    (char *const *)(uintptr_t)argv,
				    environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	errno = error;
	return error == 0 ? 0 : err_errno(err, "%s", argv[0]);
}

static int
wait_for(pid_t pid, const char *program, struct err *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "wait for %s", program);
	if (WIFSIGNALED(status))
		return err_set(err, ERR_REFUSED, "%s was killed by signal %d",
			       program, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, ERR_REFUSED, "%s failed (exit status %d)",
			       program, WEXITSTATUS(status));
	return 0;
}

int
host_run(const char *const *argv, struct err *err)
{
	pid_t pid = -1;

	if (start(argv, STDERR_FILENO, STDERR_FILENO, &pid, err) < 0)
		return -1;
	return wait_for(pid, argv[0], err);
}

/* Reads up to the end, and remembers what fits. */
static void
read_output(int fd, char *text, size_t size)
{
	char rest[4096];
	size_t used = 0;
	ssize_t n;

	do {
		n = used < size ? read(fd, text + used, size - used)
				: read(fd, rest, sizeof(rest));
		if (n > 0 && used < size)
			used += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
}

const char *
host_read(const char *const *argv, struct arena *arena, struct err *err)
{
	char *const text = arena_alloc(arena, OUTPUT_MAX_BYTES + 1, err);
	cleanup_fd int from = -1, to = -1;
	cleanup_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int ends[2];
	pid_t pid = -1;

	if (text == NULL)
		return NULL;
	if (null < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		(void)err_errno(err, "pipe");
		return NULL;
	}
	from = ends[0];
	to = ends[1];
	if (start(argv, to, null, &pid, err) < 0)
		return NULL;
	fd_close(&to);
	read_output(from, text, OUTPUT_MAX_BYTES);
	return wait_for(pid, argv[0], err) < 0 ? NULL : text;
}
