/* SPDX-License-Identifier: ISC */
#include "jailconf/liverun.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

enum { LOOK_MS = 200, GRACE_MS = 2000, LINE_SIZE = 1024 };

static char *const environment[] = {
	(char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
	(char[]){ "LC_ALL=C" },
	(char[]){ "HOME=/root" },
	NULL,
};

void
live_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGHUP);
	(void)sigaddset(set, SIGQUIT);
	(void)sigaddset(set, SIGPIPE); /* "| head" */
}

bool
live_interrupted(void)
{
	sigset_t pending, ends;

	live_signals(&ends);
	return sigpending(&pending) == 0 &&
	       sigandset(&pending, &pending, &ends) == 0 &&
	       sigisemptyset(&pending) == 0;
}

void
live_pause(int seconds)
{
	for (int i = 0; i < seconds * 1000 / LOOK_MS && !live_interrupted();
	     i++)
		(void)poll(NULL, 0, LOOK_MS);
}

/* In a process group of its own, which is ended as a whole. */
static int
start(const struct live_program *program, int out, pid_t *pid, struct err *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int error;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	error = posix_spawn_file_actions_init(&actions);
	if (error != 0) {
		errno = error;
		return err_errno(err, "%s", program->argv[0]);
	}
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETPGROUP);
	error = program->input >= 0
			? posix_spawn_file_actions_adddup2(&actions,
							   program->input, 0)
			: posix_spawn_file_actions_addopen(
				  &actions, 0, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (error == 0 && !program->complains)
		error = posix_spawn_file_actions_addopen(
			&actions, 2, "/dev/null", O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn(pid, program->argv[0], &actions, &attr,
				    (char *const *)(uintptr_t)program->argv,
				    environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	errno = error;
	return error == 0 ? 0 : err_errno(err, "%s", program->argv[0]);
}

/* What has been read and is no whole line yet. */
struct pending {
	char text[LINE_SIZE];
	size_t used;
};

/* Too long a line is told in pieces. */
static void
take_byte(struct pending *pending, char c, const struct live_listener *listener)
{
	if (c != '\n' && c != '\0')
		pending->text[pending->used++] = c;
	if (c != '\n' && pending->used + 1 < sizeof(pending->text))
		return;
	pending->text[pending->used] = '\0';
	pending->used = 0;
	listener->line(listener->arg, pending->text);
}

/* Reads to the end; returns whether it came in time. */
static bool
read_lines(int fd, const struct live_program *program,
	   const struct live_listener *listener)
{
	const int64_t deadline = now_ms() + (int64_t)program->seconds * 1000;
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	struct pending pending = { .used = 0 };
	char text[4096];
	ssize_t n = 1;

	while (n != 0 && now_ms() < deadline &&
	       (program->stubborn || !live_interrupted())) {
		if (poll(&polled, 1, LOOK_MS) <= 0)
			continue;
		n = read(fd, text, sizeof(text));
		for (ssize_t i = 0; i < n; i++)
			take_byte(&pending, text[i], listener);
		if (n < 0 && errno != EINTR)
			n = 0;
	}
	return n == 0;
}

/* It may be gone already; what it has started has the time to end itself. */
static void
end_group(pid_t pid)
{
	(void)kill(-pid, SIGTERM);
	for (int i = 0; i < GRACE_MS / LOOK_MS && kill(-pid, 0) == 0; i++) {
		(void)poll(NULL, 0, LOOK_MS);
		(void)waitpid(pid, NULL, WNOHANG);
	}
	(void)kill(-pid, SIGKILL);
}

int
live_run(const struct live_program *program,
	 const struct live_listener *listener, struct err *err)
{
	cleanup_fd int from = -1, to = -1;
	int ends[2], status = 0;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	from = ends[0];
	to = ends[1];
	if (start(program, to, &pid, err) < 0)
		return -1;
	fd_close(&to);
	if (!read_lines(from, program, listener)) {
		end_group(pid);
		(void)waitpid(pid, NULL, 0);
		return err_set(err, ERR_REFUSED, "%s",
			       live_interrupted() ? "interrupted"
						  : "it took too long");
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "wait");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}
