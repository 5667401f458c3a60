/* SPDX-License-Identifier: ISC */
#include "jailconf/doors.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of a PAM directory. */
struct file {
	const char *name, *text;
};

/* What pam-auth-update(8) of Debian 12 and 13 makes, ours included. */
static const struct file debian[] = {
	{ "common-auth", "auth [success=1 default=ignore] pam_unix.so nullok\n"
			 "auth requisite pam_deny.so\n"
			 "auth required pam_permit.so\n"
			 "auth optional pam_cap.so\n"
			 "auth optional pam_jail.so\n" },
	{ "common-account",
	  "account [success=1 new_authtok_reqd=done default=ignore] "
	  "pam_unix.so\n"
	  "account requisite pam_deny.so\n"
	  "account required pam_permit.so\n"
	  "account required pam_jail.so\n" },
	{ "common-session", "session [default=1] pam_permit.so\n"
			    "session requisite pam_deny.so\n"
			    "session required pam_permit.so\n"
			    "session required pam_unix.so\n"
			    "session optional pam_systemd.so\n"
			    "session required pam_jail.so\n" },
	{ "sshd", "# PAM configuration for the Secure Shell service\n"
		  "@include common-auth\n"
		  "account    required     pam_nologin.so\n"
		  "@include common-account\n"
		  "session [success=ok ignore=ignore module_unknown=ignore "
		  "default=bad]        pam_selinux.so close\n"
		  "session    required     pam_loginuid.so\n"
		  "@include common-session\n"
		  "session    optional     pam_mail.so standard noenv # [1]\n"
		  "session    required     pam_limits.so\n" },
	{ "su", "auth       sufficient pam_rootok.so\n"
		"session       required   pam_env.so readenv=1\n"
		"@include common-auth\n"
		"@include common-account\n"
		"@include common-session\n" },
	{ "su-l", "auth\t\tinclude\t\tsu\n"
		  "account\t\tinclude\t\tsu\n"
		  "session\t\toptional\tpam_keyinit.so force revoke\n"
		  "session\t\tinclude\t\tsu\n" },
	{ "login", "auth requisite pam_nologin.so\n"
		   "@include common-auth\n"
		   "auth       optional   pam_group.so\n"
		   "@include common-account\n"
		   "@include common-session\n" },
	{ "runuser", "auth\tsufficient\tpam_rootok.so\n"
		     "session\trequired\tpam_unix.so\n" },
	{ "other", "@include common-auth\n"
		   "@include common-account\n"
		   "@include common-session\n" },
	{ NULL, NULL },
};

/* --- a directory of files ------------------------------------------------- */

struct bed {
	char directory[32];
	const char *directories[2];
};

static void
bed_write(const struct bed *bed, const struct file *file)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", bed->directory, file->name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(file->text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
bed_make(struct bed *bed, const struct file *files)
{
	(void)snprintf(bed->directory, sizeof(bed->directory),
		       "/tmp/test_pamfiles.XXXXXX");
	assert_non_null(mkdtemp(bed->directory));
	bed->directories[0] = bed->directory;
	bed->directories[1] = NULL;
	for (; files->name != NULL; files++)
		bed_write(bed, files);
}

static void
bed_remove(const struct bed *bed, const struct file *files)
{
	char path[128];

	for (; files->name != NULL; files++) {
		(void)snprintf(path, sizeof(path), "%s/%s", bed->directory,
			       files->name);
		(void)unlink(path);
	}
	(void)rmdir(bed->directory);
}

/* --- one stack ------------------------------------------------------------ */

/* Stacks, one file each, and what is said of them. */
static const struct {
	const char *text;
	enum pam_type type;
	enum pam_fault fault;
	unsigned int cause; /* line of it; 0: none */
} stacks[] = {
	/* the plain cases */
	{ "auth optional pam_jail.so\n", PAM_TYPE_AUTH, PAM_FAULT_NONE, 0 },
	{ "auth optional pam_unix.so\n", PAM_TYPE_AUTH, PAM_FAULT_MISSING, 0 },
	{ "", PAM_TYPE_AUTH, PAM_FAULT_MISSING, 0 },
	{ "session required pam_jail.so\n", PAM_TYPE_AUTH, PAM_FAULT_MISSING,
	  0 },
	{ "# auth optional pam_jail.so\n", PAM_TYPE_AUTH, PAM_FAULT_MISSING,
	  0 },
	{ "auth optional /opt/lib/security/pam_jail.so\n", PAM_TYPE_AUTH,
	  PAM_FAULT_NONE, 0 },
	{ "auth optional my_pam_jail.so\n", PAM_TYPE_AUTH, PAM_FAULT_MISSING,
	  0 },
	{ "-AUTH OPTIONAL pam_jail.so\n", PAM_TYPE_AUTH, PAM_FAULT_NONE, 0 },
	{ "auth \\\n optional \\\n pam_jail.so\n", PAM_TYPE_AUTH,
	  PAM_FAULT_NONE, 0 },

	/* what comes before */
	{ "auth sufficient pam_rootok.so\nauth optional pam_jail.so\n",
	  PAM_TYPE_AUTH, PAM_FAULT_SKIPPED, 1 },
	{ "auth requisite pam_nologin.so\nauth optional pam_jail.so\n",
	  PAM_TYPE_AUTH, PAM_FAULT_NONE, 0 },
	{ "auth requisite pam_daemon.so\nauth optional pam_jail.so\n",
	  PAM_TYPE_AUTH, PAM_FAULT_SKIPPED, 1 },
	{ "auth [success=1 default=die] pam_daemon.so\n"
	  "auth optional pam_env.so\nauth optional pam_jail.so\n",
	  PAM_TYPE_AUTH, PAM_FAULT_SKIPPED, 1 },
	{ "auth required pam_daemon.so\nauth optional pam_jail.so\n",
	  PAM_TYPE_AUTH, PAM_FAULT_NONE, 0 },
	{ "session requisite pam_daemon.so\nsession required pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_NONE, 0 },
	{ "auth [success=1 default=ignore] pam_unix.so\n"
	  "auth requisite pam_deny.so\nauth optional pam_jail.so\n",
	  PAM_TYPE_AUTH, PAM_FAULT_NONE, 0 },
	{ "auth [success=2 default=ignore] pam_unix.so\n"
	  "auth requisite pam_deny.so\nauth optional pam_jail.so\n",
	  PAM_TYPE_AUTH, PAM_FAULT_SKIPPED, 1 },
	{ "session [default=done] pam_exec.so\nsession required pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_SKIPPED, 1 },
	{ "session [success=ok default=1] pam_succeed_if.so\n"
	  "session required pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_SKIPPED, 1 },
	{ "session [success=ok default=die] pam_succeed_if.so\n"
	  "session required pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_NONE, 0 },
	{ "account [success=1 new_authtok_reqd=done default=ignore] "
	  "pam_unix.so\naccount requisite pam_deny.so\n"
	  "account required pam_jail.so\n",
	  PAM_TYPE_ACCOUNT, PAM_FAULT_NONE, 0 },
	{ "account sufficient pam_localuser.so\n"
	  "account required pam_jail.so\n",
	  PAM_TYPE_ACCOUNT, PAM_FAULT_SKIPPED, 1 },

	/* what comes after */
	{ "auth optional pam_jail.so\nauth optional pam_group.so\n",
	  PAM_TYPE_AUTH, PAM_FAULT_NOT_LAST, 2 },
	{ "auth optional pam_jail.so\nauth optional pam_jail.so\n",
	  PAM_TYPE_AUTH, PAM_FAULT_NONE, 0 },
	{ "session required pam_jail.so\nsession optional pam_mail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_NONE, 0 },

	/* the account's own variables */
	{ "session required pam_env.so user_readenv=1 envfile=/x\n"
	  "session required pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_USER_ENV, 1 },
	{ "session required pam_env.so user_readenv=2\n"
	  "session required pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_USER_ENV, 1 },
	{ "session required pam_env.so user_readenv=0\n"
	  "session required pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_NONE, 0 },
	{ "session required pam_env.so readenv=1\n"
	  "session required pam_jail.so\n"
	  "session required pam_env.so user_readenv=1\n",
	  PAM_TYPE_SESSION, PAM_FAULT_NONE, 0 },

	/* a "no" that nobody hears */
	{ "session optional pam_jail.so\n", PAM_TYPE_SESSION,
	  PAM_FAULT_TOOTHLESS, 0 },
	{ "account sufficient pam_jail.so\n", PAM_TYPE_ACCOUNT,
	  PAM_FAULT_TOOTHLESS, 0 },
	{ "session requisite pam_jail.so\n", PAM_TYPE_SESSION, PAM_FAULT_NONE,
	  0 },
	{ "session [success=ok ignore=ignore default=bad] pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_NONE, 0 },
	{ "session [success=ok perm_denied=ignore default=bad] pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_TOOTHLESS, 0 },
	{ "session [success=ok] pam_jail.so\n", PAM_TYPE_SESSION,
	  PAM_FAULT_NONE, 0 },
	{ "session optional pam_jail.so\nsession required pam_jail.so\n",
	  PAM_TYPE_SESSION, PAM_FAULT_NONE, 0 },
};

static void
a_stack_is_judged_as_libpam_walks_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		const struct file files[] = { { "test", stacks[i].text },
					      { NULL, NULL } };
		struct pam_service service;
		struct pam_verdict verdict;
		struct bed bed;
		struct err err;

		bed_make(&bed, files);
		assert_int_equal(pam_service_read(bed.directories, "test",
						  &service, &err),
				 0);
		verdict = pam_stack_judge(&service, stacks[i].type,
					  "pam_jail.so");
		if (verdict.fault != stacks[i].fault)
			print_error("row %zu: %s", i, stacks[i].text);
		assert_int_equal(verdict.fault, stacks[i].fault);
		if (stacks[i].cause != 0)
			assert_int_equal(verdict.cause->number,
					 stacks[i].cause);
		else
			assert_null(verdict.cause);
		pam_service_free(&service);
		bed_remove(&bed, files);
	}
}

/* --- substacks ------------------------------------------------------------ */

static void
a_substack_ends_alone(void **state)
{
	/* As on Fedora: password-auth has sufficient lines in it. */
	static const struct file files[] = {
		{ "inner", "auth sufficient pam_unix.so\n"
			   "auth required pam_deny.so\n" },
		{ "sshd", "auth substack inner\n"
			  "auth [success=1 default=ignore] pam_ok.so\n"
			  "auth substack inner\n"
			  "auth optional pam_jail.so\n" },
		{ "ftp", "auth include inner\n"
			 "auth optional pam_jail.so\n" },
		{ "jump", "auth [default=2] pam_ok.so\n"
			  "auth substack inner\n"
			  "auth optional pam_jail.so\n" },
		{ NULL, NULL },
	};
	static const struct {
		const char *service;
		enum pam_fault fault;
	} rows[] = {
		{ "sshd", PAM_FAULT_NONE },
		{ "ftp", PAM_FAULT_SKIPPED },
		{ "jump", PAM_FAULT_SKIPPED },
	};
	struct bed bed;

	(void)state;
	bed_make(&bed, files);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pam_service service;
		struct err err;

		assert_int_equal(pam_service_read(bed.directories,
						  rows[i].service, &service,
						  &err),
				 0);
		assert_int_equal(
			pam_stack_judge(&service, PAM_TYPE_AUTH, "pam_jail.so")
				.fault,
			rows[i].fault);
		pam_service_free(&service);
	}
	bed_remove(&bed, files);
}

/* --- Debian --------------------------------------------------------------- */

static void
debians_doors_are_covered(void **state)
{
	static const struct {
		const char *service;
		enum door door;
		bool fault;
		const char *words;
	} rows[] = {
		{ "sshd", DOOR_CHILD, false, "" },
		{ "su", DOOR_SHELL, false, "" },
		{ "su-l", DOOR_SHELL, false, "" },
		{ "login", DOOR_SHELL, false, "" },
		{ "vsftpd", DOOR_CLOSED, false, "" }, /* by "other" */
		{ "su", DOOR_CHILD, true,
		  "/su:1: pam_rootok.so can end the stack before the auth line "
		  "of pam_jail.so" },
		{ "login", DOOR_CHILD, true,
		  "/login:3: pam_group.so comes after the auth line of "
		  "pam_jail.so" },
		{ "runuser", DOOR_CLOSED, true,
		  "no session line of pam_jail.so" },
	};
	struct bed bed;

	(void)state;
	bed_make(&bed, debian);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct door_pam pam;
		enum pam_type type;
		char text[512];
		struct err err;

		assert_int_equal(door_pam_read(bed.directories, rows[i].service,
					       &pam, &err),
				 0);
		assert_int_equal(door_pam_fault(&pam, rows[i].service,
						rows[i].door, &type),
				 rows[i].fault);
		if (rows[i].fault) {
			pam_verdict_tell(&pam.verdict[type], type,
					 "pam_jail.so", text, sizeof(text));
			assert_non_null(strstr(text, rows[i].words));
		}
		door_pam_free(&pam);
	}
	bed_remove(&bed, debian);
}

/* --- arguments ------------------------------------------------------------ */

static void
what_the_lines_are_told_is_judged(void **state)
{
#define UNKNOWN(line, word)                                                    \
	"/test:" line ": pam_jail: unknown argument: " word ": nobody but "    \
	"root gets in"
#define ELSEWHERE(line)                                                        \
	"/test:" line                                                          \
	": conf=/etc/other: logins go by that, and jailconf by " CONF_DIR
	static const struct {
		const char *auth, *account, *session;
		enum door door;
		const char *fault; /* after the directory */
	} rows[] = {
		{ "", "", "", DOOR_CHILD, "" },
		{ "exempt=staff,wheel config-error=deny-jailed",
		  "config-error=deny-all", "conf=" CONF_DIR, DOOR_CHILD, "" },
		{ "[exempt=a b]", "", "", DOOR_CHILD, "" },
		{ "", "", "confg=/a", DOOR_SHELL, UNKNOWN("3", "confg=/a") },
		{ "", "", "[a b]", DOOR_SHELL, UNKNOWN("3", "a b") },
		{ "", "debug", "", DOOR_SHELL, UNKNOWN("2", "debug") },
		{ "", "", "debug", DOOR_CLOSED, UNKNOWN("3", "debug") },
		{ "debug", "", "", DOOR_JOB, UNKNOWN("1", "debug") },
		{ "debug", "", "", DOOR_SHELL, "" },
		{ "conf=/etc/other", "", "", DOOR_CHILD, ELSEWHERE("1") },
		{ "", "conf=/etc/other", "", DOOR_SHELL, ELSEWHERE("2") },
		{ "", "", "conf=/etc/other", DOOR_JOB, ELSEWHERE("3") },
		{ "", "", "conf=/a conf=/etc/other", DOOR_JOB, ELSEWHERE("3") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char stack[256], text[512] = "";
		const struct file files[] = { { "test", stack },
					      { NULL, NULL } };
		struct door_pam pam;
		enum pam_type type;
		struct bed bed;
		struct err err;
		bool fault;

		(void)snprintf(stack, sizeof(stack),
			       "auth optional pam_jail.so %s\n"
			       "account required pam_jail.so %s\n"
			       "session required pam_jail.so %s\n",
			       rows[i].auth, rows[i].account, rows[i].session);
		bed_make(&bed, files);
		assert_int_equal(
			door_pam_read(bed.directories, "test", &pam, &err), 0);
		fault = door_pam_fault(&pam, "test", rows[i].door, &type);
		if (fault)
			pam_verdict_tell(&pam.verdict[type], type,
					 "pam_jail.so", text, sizeof(text));
		assert_string_equal(fault ? text + strlen(bed.directory) : "",
				    rows[i].fault);
		door_pam_free(&pam);
		bed_remove(&bed, files);
	}
}

/* --- mistakes ------------------------------------------------------------- */

static void
a_file_that_libpam_would_not_read_is_told(void **state)
{
	static const struct {
		const char *text, *error; /* after the directory */
	} rows[] = {
		{ "auth\n", "/test:1: no module named" },
		{ "auth required\n", "/test:1: no module named" },
		{ "\nauht required pam_unix.so\n",
		  "/test:2: no such type: auht" },
		{ "auth [success=] pam_unix.so\n",
		  "/test:1: control [success=] is not understood" },
		{ "auth maybe pam_unix.so\n",
		  "/test:1: control [maybe] is not understood" },
		{ "auth include test\n", "/test:1: files include too deep" },
		{ "@include\n", "/test:1: no file named" },
		{ "@include /nowhere/else\n",
		  "/test:1: /nowhere/else: No such file or directory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct file files[] = { { "test", rows[i].text },
					      { NULL, NULL } };
		struct pam_service service;
		struct err err = { 0 };
		struct bed bed;

		bed_make(&bed, files);
		assert_int_equal(pam_service_read(bed.directories, "test",
						  &service, &err),
				 -1);
		assert_string_equal(err.text + strlen(bed.directory),
				    rows[i].error);
		bed_remove(&bed, files);
	}
}

static void
a_later_directory_is_for_what_the_first_has_not(void **state)
{
	static const struct file files[] = {
		{ "a", "session required pam_jail.so\n" },
		{ NULL, NULL },
	};
	const char *directories[] = { "/nowhere", NULL, NULL };
	struct pam_service service;
	struct bed bed;
	struct err err;

	(void)state;
	bed_make(&bed, files);
	directories[1] = bed.directory;
	assert_int_equal(pam_service_read(directories, "a", &service, &err), 0);
	assert_true(service.exists);
	pam_service_free(&service);
	assert_int_equal(pam_service_read(directories, "b", &service, &err), 0);
	assert_false(service.exists);
	pam_service_free(&service);
	bed_remove(&bed, files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stack_is_judged_as_libpam_walks_it),
		cmocka_unit_test(a_substack_ends_alone),
		cmocka_unit_test(debians_doors_are_covered),
		cmocka_unit_test(what_the_lines_are_told_is_judged),
		cmocka_unit_test(a_file_that_libpam_would_not_read_is_told),
		cmocka_unit_test(
			a_later_directory_is_for_what_the_first_has_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
