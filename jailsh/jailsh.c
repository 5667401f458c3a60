/* SPDX-License-Identifier: ISC */
/*
 * jailsh - the login shell of a jailed account
 *
 *	inside the jail		becomes the account's real shell, and root
 *				before that if the jail has root inside
 *	outside			asks the jail's keeper for a session inside,
 *				and stands between
 *	otherwise		refuses
 *
 * Never set-uid, no capability, static.  It decides nothing: whoever could
 * cheat it runs with the account's rights outside already.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "jail/registry.h"
#include "jail/run.h"
#include "jail/userns.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_REFUSED = 126, EXIT_NO_SHELL = 127 };

/* Root's mark in a jail: a link to the real shell.  On the host there is
 * no link beside it, only what running jails have there. */
static const char inside_mark[] = RUN_DIR "/shell";

static _Noreturn void
refuse(const struct err *err, int status)
{
	cleanup_fd int log = log_open();
	struct log_event event;

	log_begin(&event, "refuse");
	log_add_number(&event, "uid", getuid());
	log_add_cause(&event, "shell", err);
	log_send(log, LOG_ERR, "jailsh", &event);
	(void)fputs("login refused\n", stderr);
	exit(status);
}

/* Reads the real shell's path to SHELL.  Returns whether we are inside. */
static bool
find_shell(char *shell, size_t size)
{
	struct stat st;
	ssize_t n;

	if (lstat(inside_mark, &st) < 0 || !S_ISLNK(st.st_mode) ||
	    st.st_uid != 0)
		return false;
	n = readlink(inside_mark, shell, size - 1);
	if (n <= 0)
		return false;
	shell[n] = '\0';
	return true;
}

/* If the jail has root inside: then there is the way, which nobody can take
 * away. */
static int
become_root(struct err *err)
{
	struct stat st;

	if (lstat(USERNS_FILE, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, USERNS_FILE);
	return userns_enter(err);
}

static void
become_shell(const char *shell, char **argv, struct err *err)
{
	if (run_rename_shell(shell, argv, err) < 0)
		return;
	if (become_root(err) < 0)
		return;
	if (setenv("SHELL", shell, 1) < 0) {
		(void)err_errno(err, "environment");
		return;
	}
	(void)execv(shell, argv);
	(void)err_errno(err, "%s", shell);
	if (err->errnum == ENOENT)
		refuse(err, EXIT_NO_SHELL);
}

static size_t
count(char **list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	return n;
}

/* pam_jail(8) says which jail the session is for; who comes without PAM has
 * one that runs, or none. */
static int
connect_to_keeper(struct err *err)
{
	const char *const told = getenv("JAIL");
	char jail[NAME_PLAIN_MAX + 1];

	if (told != NULL)
		return registry_connect(getuid(), told, err);
	if (registry_find(getuid(), jail, sizeof(jail), err) < 0)
		return -1;
	return registry_connect(getuid(), jail, err);
}

/*
 * We hold the terminal of whoever called su(1).  Other processes of the account
 * that run outside must not find it in /proc, nor come to it by ptrace(2).
 * Until here that is so because nobody may read our file: Makefile.am.
 */
static int
keep_to_ourselves(struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	return 0;
}

/* Runs the session inside and ends as it ends; returns only on failure. */
static void
ask_keeper(char **argv, struct err *err)
{
	char cwd[PATH_MAX];
	struct run_request request = {
		.argv = (const char **)(uintptr_t)argv,
		.argc = count(argv),
		.env = (const char **)(uintptr_t)environ,
		.n_env = count(environ),
		.umask = run_umask(),
		.cwd = argv[0][0] != '-' && getcwd(cwd, sizeof(cwd)) != NULL
			       ? cwd
			       : "",
	};
	cleanup_fd int sock = connect_to_keeper(err);
	int status;

	if (sock >= 0 && run_session(sock, &request, &status, err) == 0)
		run_end_like(status);
}

int
main(int argc, char **argv)
{
	char shell[PATH_MAX];
	struct err err = { .kind = ERR_NONE };

	if (argc < 1)
		return EXIT_REFUSED;
	if (getuid() != geteuid() || getgid() != getegid()) {
		(void)err_set(&err, ERR_UNSAFE, "jailsh is never set-uid");
		refuse(&err, EXIT_REFUSED);
	}
	if (find_shell(shell, sizeof(shell)))
		become_shell(shell, argv, &err);
	else if (keep_to_ourselves(&err) == 0 && run_check_stdio(&err) == 0)
		ask_keeper(argv, &err);
	refuse(&err, EXIT_REFUSED);
}
