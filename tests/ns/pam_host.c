/* SPDX-License-Identifier: ISC */
/*
 * pam_host SERVICE USER COMMAND [ARG...] - lets USER in as sshd(8) does
 *
 * With the real libpam, and the stack of SERVICE in /mnt/pam.d: account
 * management and credentials, the session, and then in a child the groups, the
 * credentials again, whose result does not count, and the change to the user.
 * It ends as COMMAND did; with 1, and a line, if nobody was let in.
 *
 * Its name, for ps(1), begins with "host-" while modules are at work.
 */
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void
be_called(const char *name)
{
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

static _Noreturn void
refuse(const char *what)
{
	(void)fprintf(stderr, "pam_host: %s\n", what);
	exit(1);
}

/* What modules have to say is of no interest. */
static int
converse(int n, const struct pam_message **messages,
	 struct pam_response **responses, void *arg)
{
	(void)messages;
	(void)arg;
	*responses = calloc((size_t)n, sizeof(**responses));
	return *responses != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static _Noreturn void
be_child(pam_handle_t *pamh, const struct passwd *user, char **argv)
{
	char **environment;

	if (initgroups(user->pw_name, user->pw_gid) < 0)
		refuse("initgroups");
	be_called("host-child");
	(void)pam_setcred(pamh, (int)PAM_REINITIALIZE_CRED);
	be_called("host");
	environment = pam_getenvlist(pamh);
	if (environment == NULL ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		refuse("become the user");
	(void)execve(argv[0], argv, environment);
	refuse(argv[0]);
}

static void
open_session(pam_handle_t *pamh)
{
	be_called("host-account");
	if (pam_acct_mgmt(pamh, 0) != PAM_SUCCESS)
		refuse("account");
	be_called("host-open");
	if (pam_setcred(pamh, (int)PAM_ESTABLISH_CRED) != PAM_SUCCESS)
		refuse("credentials");
	if (pam_open_session(pamh, 0) != PAM_SUCCESS)
		refuse("session");
	be_called("host");
}

static int
run(pam_handle_t *pamh, const struct passwd *user, char **argv)
{
	const pid_t pid = fork();
	int status;

	if (pid < 0)
		refuse("fork");
	if (pid == 0)
		be_child(pamh, user, argv);
	if (waitpid(pid, &status, 0) != pid)
		refuse("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
main(int argc, char **argv)
{
	const struct pam_conv conv = { .conv = converse };
	const struct passwd *user;
	pam_handle_t *pamh = NULL;
	int status;

	if (argc < 4)
		refuse("SERVICE USER COMMAND");
	user = getpwnam(argv[2]);
	if (user == NULL ||
	    pam_start_confdir(argv[1], argv[2], &conv, "/mnt/pam.d", &pamh) !=
		    PAM_SUCCESS)
		refuse("start");
	open_session(pamh);
	status = run(pamh, user, argv + 3);
	be_called("host-close");
	if (pam_close_session(pamh, 0) != PAM_SUCCESS)
		refuse("close");
	be_called("host");
	(void)pam_end(pamh, PAM_SUCCESS);
	return status;
}
