/* SPDX-License-Identifier: ISC */
/*
 * crontab(1) inside: files are read and the editor runs in here; what goes out
 * is the whole table on standard input.
 */
#include "broker/ask.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int
usage(struct err *err)
{
	return err_set(err, ERR_REFUSED,
		       "usage: crontab [FILE | - | -e | -l | -r]");
}

static int
send_table(int input, struct err *err)
{
	static const char *const argv[] = { "crontab", "-" };
	const struct talk talk = { .input = input, .output = STDOUT_FILENO };

	return talk_run(argv, 2, &talk, err);
}

/* -l or -r, which read nothing. */
static int
run_option(const char *option, int output, struct err *err)
{
	const char *const argv[] = { "crontab", option };
	const struct talk talk = { .input = -1, .output = output };

	return talk_run(argv, 2, &talk, err);
}

static int
send_file(const char *path, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "%s", path);
	return send_table(fd, err);
}

/* The user's editor, as the user: sh(1) knows how to read its name. */
static _Noreturn void
become_editor(const char *path)
{
	char *const argv[] = {
		(char[]){ "sh" },
		(char[]){ "-c" },
		(char[]){ "exec ${VISUAL:-${EDITOR:-editor}} \"$1\"" },
		(char[]){ "crontab" },
		(char *)(uintptr_t)path,
		NULL
	};

	(void)signal(SIGPIPE, SIG_DFL);
	(void)execv("/bin/sh", argv);
	_exit(127);
}

static int
run_editor(const char *path, struct err *err)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return err_errno(err, "fork");
	if (pid == 0)
		become_editor(path);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "editor");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, ERR_REFUSED,
			       "the editor failed; nothing is changed");
	return 0;
}

/* Whether what was edited in place or put in its place is another text. */
static bool
is_same(const struct stat *before, const char *path)
{
	struct stat now;

	return stat(path, &now) == 0 && now.st_size == before->st_size &&
	       now.st_ino == before->st_ino &&
	       now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

static bool
wants_to_try_again(void)
{
	char answer[16];

	if (!isatty(STDIN_FILENO))
		return false;
	(void)fputs("Edit it again? (y/n) ", stderr);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

/* Until cron likes it.  The file stays if it does not. */
static int
edit_file(const char *path, const struct stat *before, struct err *err)
{
	int status;

	do {
		if (run_editor(path, err) < 0)
			return -1;
		if (is_same(before, path)) {
			(void)fputs("crontab: nothing is changed\n", stderr);
			return 0;
		}
		status = send_file(path, err);
	} while (status > 0 && wants_to_try_again());
	if (status > 0)
		return err_set(err, ERR_REFUSED,
			       "nothing is changed; what you wrote is in %s",
			       path);
	return status;
}

static int
edit(struct err *err)
{
	char path[] = "/tmp/crontab.XXXXXX";
	cleanup_fd int fd = mkostemp(path, O_CLOEXEC);
	struct stat before;
	int status;

	if (fd < 0)
		return err_errno(err, "%s", path);
	/* Without a table there is an empty file, and a word about it. */
	if (run_option("-l", fd, err) < 0 || fstat(fd, &before) < 0) {
		(void)unlink(path);
		return -1;
	}
	status = edit_file(path, &before, err);
	if (status == 0)
		(void)unlink(path);
	return status;
}

int
crontab_run(const char *const *argv, size_t argc, struct err *err)
{
	if (argc == 1)
		return send_table(STDIN_FILENO, err);
	if (argc != 2)
		return usage(err);
	if (strcmp(argv[1], "-") == 0)
		return send_table(STDIN_FILENO, err);
	if (strcmp(argv[1], "-l") == 0 || strcmp(argv[1], "-r") == 0)
		return run_option(argv[1], STDOUT_FILENO, err);
	if (strcmp(argv[1], "-e") == 0)
		return edit(err);
	return argv[1][0] == '-' ? usage(err) : send_file(argv[1], err);
}
