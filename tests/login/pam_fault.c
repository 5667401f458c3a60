/* SPDX-License-Identifier: ISC */
/*
 * pam_fault - makes one system call fail, from here on
 *
 * For 60-faults.t, which puts it before pam_jail in the stack and says in
 * the file /run/bed/fault what is to fail:
 *
 *	HOOK NUMBER ERRNO
 *
 * HOOK is "open" (when the session is opened, in the host's own process: also
 * for the keeper and everything that is started then) or "child" (when the
 * host's child establishes its credentials).  With ERRNO 0 the call pretends
 * to have worked.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <security/pam_modules.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int
fail_from_here(unsigned int number, unsigned int errnum)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | errnum),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { 4, code };

	/* Root needs no no_new_privs for this. */
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static int
fault_at(const char *hook)
{
	FILE *const file = fopen("/run/bed/fault", "re");
	char wanted[16] = "";
	unsigned int number, errnum;
	int n = 0;

	if (file != NULL) {
		n = fscanf(file, "%15s %u %u", wanted, &number, &errnum);
		(void)fclose(file);
	}
	if (n != 3 || strcmp(wanted, hook) != 0)
		return PAM_SUCCESS;
	return fail_from_here(number, errnum) == 0 ? PAM_SUCCESS
						   : PAM_SYSTEM_ERR;
}

static void
keep(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)data;
	(void)status;
}

int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	(void)argc;
	(void)argv;
	(void)pam_set_data(pamh, "pam_fault", (void *)(intptr_t)getpid(), keep);
	return fault_at("open");
}

int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}

int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const void *opener = NULL;

	(void)flags;
	(void)argc;
	(void)argv;
	if (pam_get_data(pamh, "pam_fault", &opener) != PAM_SUCCESS ||
	    (intptr_t)opener == getpid())
		return PAM_SUCCESS;
	return fault_at("child");
}

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}
