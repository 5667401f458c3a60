/* SPDX-License-Identifier: ISC */
/*
 * The real module, loaded by the real libpam from a service file of ours
 * (pam_start_confdir(3)).  No jail is started here: tests/ns and tests/login
 * do that.
 */
#include "test.h"

#include <security/pam_appl.h>
#include <sys/wait.h>

#define CONF	 "/conf"
#define SERVICES "/services"

enum { EXIT_REFUSED = 254 };

static char module[1000];

/* What the user has read in one transaction, a line each. */
struct screen {
	char text[500];
};

static int
converse(int n, const struct pam_message **messages,
	 struct pam_response **responses, void *arg)
{
	struct screen *const screen = arg;

	for (int i = 0; i < n; i++) {
		const size_t used = strlen(screen->text);

		(void)snprintf(screen->text + used, sizeof(screen->text) - used,
			       "%s\n", messages[i]->msg);
	}
	*responses = calloc((size_t)n, sizeof(**responses));
	return *responses != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

struct login {
	pam_handle_t *pamh;
	struct screen screen;
};

/* Begins a transaction of SERVICE and USER with a stack that has pam_jail ARGS
 * where PLACES says: "a" auth, "c" account, "s" session. */
static void
start_at(struct login *login, const char *service, const char *user,
	 const char *places, const char *args)
{
	const struct pam_conv conv = { converse, &login->screen };
	char stack[5000] = "", control[100], path[100];
	const char *const types[] = { "auth", "account", "session" };

	for (size_t i = 0; i < N_ROWS(types); i++) {
		const size_t used = strlen(stack);
		const char letter = "acs"[i];

		(void)snprintf(control, sizeof(control), "%s",
			       letter == 'a' ? "optional" : "required");
		(void)snprintf(stack + used, sizeof(stack) - used,
			       "%s required pam_permit.so\n", types[i]);
		if (strchr(places, letter) != NULL)
			(void)snprintf(stack + strlen(stack),
				       sizeof(stack) - strlen(stack),
				       "%s %s %s conf=" CONF " %s\n", types[i],
				       control, module, args);
	}
	login->screen.text[0] = '\0';
	(void)snprintf(path, sizeof(path), SERVICES "/%s", service);
	write_text(path, stack);
	assert_int_equal(
		pam_start_confdir(service, user, &conv, SERVICES, &login->pamh),
		PAM_SUCCESS);
}

static void
start(struct login *login, const char *user, const char *places,
      const char *args)
{
	start_at(login, "sshd", user, places, args);
}

static void
end(struct login *login)
{
	assert_int_equal(pam_end(login->pamh, PAM_SUCCESS), PAM_SUCCESS);
}

/* What account management says to USER, who has read REFUSED or nothing. */
static void
assert_account(const char *user, const char *args, int wanted)
{
	struct login login;
	int got;

	start(&login, user, "c", args);
	got = pam_acct_mgmt(login.pamh, 0);
	if (got != wanted)
		fail_msg("%s: %d, not %d", user, got, wanted);
	assert_string_equal(login.screen.text,
			    wanted == PAM_SUCCESS ? "" : "login refused\n");
	end(&login);
}

/* The same of opening a session. */
static void
assert_open(const char *user, const char *places, int wanted)
{
	struct login login;
	int got;

	start(&login, user, places, "");
	(void)pam_setcred(login.pamh, (int)PAM_ESTABLISH_CRED);
	got = pam_open_session(login.pamh, 0);
	if (got != wanted)
		fail_msg("%s: %d, not %d", user, got, wanted);
	assert_string_equal(login.screen.text,
			    wanted == PAM_SUCCESS ? "" : "login refused\n");
	end(&login);
}

/* How a child that becomes USER ends: as sshd's does. */
static int
status_of_child(const char *user, const char *places, const char *args)
{
	struct login login;
	int status;
	pid_t pid;

	start(&login, user, places, args);
	(void)pam_setcred(login.pamh, (int)PAM_ESTABLISH_CRED);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)pam_setcred(login.pamh, (int)PAM_ESTABLISH_CRED);
		_exit(0); /* sshd does not look at what it returned */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	end(&login);
	return WEXITSTATUS(status);
}

/* --- configurations ------------------------------------------------------ */

static const char one_rule[] =
	"jails = { box = { }; };\n"
	"rules = ( { user = \"alice\"; jail = \"box\"; } );\n";

static int
make_services(void **state)
{
	(void)state;
	require_world();
	(void)mkdir(SERVICES, 0755);
	(void)mkdir(CONF, 0755);
	(void)mkdir(CONF "/users.d", 0755);
	return 0;
}

static const char no_jails[] = "jails = { };";

static void
configure(const char *text)
{
	(void)unlink(CONF "/users.d/alice");
	(void)unlink(CONF "/users.d/bob");
	write_text(CONF "/jail.conf", text);
}

static void
who_has_no_rule_is_left_alone(void **state)
{
	(void)state;
	configure(no_jails);
	assert_account("bob", "", PAM_SUCCESS);
	assert_open("bob", "acs", PAM_SUCCESS);
	assert_open("bob", "s", PAM_SUCCESS);
	assert_int_equal(status_of_child("bob", "as", ""), 0);
	configure(one_rule);
	assert_account("bob", "", PAM_SUCCESS);
	assert_open("bob", "acs", PAM_SUCCESS);
	assert_int_equal(status_of_child("bob", "as", ""), 0);
}

static void
who_has_one_may_come_by_a_door_that_is_open(void **state)
{
	(void)state;
	configure(one_rule);
	assert_account("alice", "", PAM_SUCCESS);
	configure("jails = { box = { doors = { su = \"shell\"; }; }; };\n"
		  "rules = ( { user = \"alice\"; jail = \"box\"; } );\n");
	assert_account("alice", "", PAM_PERM_DENIED);
	configure("jails = { box = { doors = { sshd = \"closed\"; }; }; };\n"
		  "rules = ( { user = \"alice\"; jail = \"box\"; } );\n");
	assert_account("alice", "", PAM_PERM_DENIED);
	assert_open("alice", "acs", PAM_PERM_DENIED);
}

static void
a_door_for_shells_needs_jailsh(void **state)
{
	(void)state;
	configure("jails = { box = { doors = { sshd = \"shell\"; }; }; };\n"
		  "rules = ( { user = \"alice\"; jail = \"box\"; } );\n");
	assert_account("alice", "", PAM_PERM_DENIED);
	assert_open("alice", "acs", PAM_PERM_DENIED);
}

static void
an_incomplete_stack_lets_nobody_in(void **state)
{
	(void)state;
	configure(one_rule);
	/* No auth line: the child would not be told. */
	assert_open("alice", "cs", PAM_PERM_DENIED);
	/* No session line: nothing to enter. */
	assert_int_equal(status_of_child("alice", "ac", ""), EXIT_REFUSED);
	assert_int_equal(status_of_child("alice", "as", ""), EXIT_REFUSED);
}

static void
a_broken_policy_closes_the_door(void **state)
{
	static const char *const broken[] = {
		"jails = {", "rules = ( { jail = \"none\"; } );", "cnof = 1;"
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(broken); i++) {
		configure(broken[i]);
		assert_account("alice", "", PAM_PERM_DENIED);
		assert_account("bob", "", PAM_PERM_DENIED);
		assert_open("alice", "acs", PAM_PERM_DENIED);
		assert_open("bob", "acs", PAM_PERM_DENIED);
		assert_int_equal(status_of_child("bob", "as", ""),
				 EXIT_REFUSED);
	}
}

static void
a_missing_or_untrusted_policy_closes_the_door(void **state)
{
	(void)state;
	configure(no_jails);
	assert_int_equal(unlink(CONF "/jail.conf"), 0);
	assert_account("bob", "", PAM_PERM_DENIED);
	configure(no_jails);
	assert_int_equal(chmod(CONF "/jail.conf", 0666), 0);
	assert_account("bob", "", PAM_PERM_DENIED);
	configure(no_jails);
	assert_int_equal(chmod(CONF, 0777), 0);
	assert_account("bob", "", PAM_PERM_DENIED);
	assert_int_equal(chmod(CONF, 0755), 0);
	assert_account("bob", "", PAM_SUCCESS);
	assert_account("bob", "conf=/gone", PAM_PERM_DENIED);
}

/* What a full disk leaves of it, or somebody who began to write it. */
static void
an_empty_policy_closes_the_door(void **state)
{
	(void)state;
	configure("");
	assert_account("bob", "", PAM_PERM_DENIED);
	configure("exempt_groups = [ \"customers\" ];\n");
	assert_account("bob", "", PAM_PERM_DENIED);
}

static void
no_broken_policy_keeps_root_out(void **state)
{
	static const char *const broken[] = {
		"jails = {", "rules = ( { uid = 0; jail = \"box\"; } );"
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(broken); i++) {
		configure(broken[i]);
		assert_account("root", "", PAM_SUCCESS);
		assert_account("toor", "", PAM_SUCCESS); /* uid 0 as well */
		assert_open("root", "acs", PAM_SUCCESS);
		assert_int_equal(status_of_child("root", "as", ""), 0);
	}
	assert_account("root", "conf=/gone", PAM_SUCCESS);
}

static void
exempt_groups_come_in_though_the_policy_is_broken(void **state)
{
	(void)state;
	configure("jails = {");
	assert_account("bob", "exempt=admins", PAM_SUCCESS);
	assert_account("bob", "exempt=empty,admins", PAM_SUCCESS);
	assert_account("bob", "exempt=empty,gone", PAM_PERM_DENIED);
	assert_account("bob", "exempt=", PAM_PERM_DENIED);
	assert_account("alice", "exempt=admins", PAM_PERM_DENIED);
	/* Nobody is exempt from a rule that says so. */
	configure("jails = { box = { doors = { }; }; };\n"
		  "rules = ( { user = \"bob\"; jail = \"box\"; } );\n");
	assert_account("bob", "exempt=admins", PAM_PERM_DENIED);
}

static void
only_who_is_surely_jailed_is_refused_if_so_told(void **state)
{
	(void)state;
	configure("jails = {");
	write_text(CONF "/users.d/alice", "jail = \"box\";");
	assert_account("alice", "config-error=deny-jailed", PAM_PERM_DENIED);
	assert_account("bob", "config-error=deny-jailed", PAM_SUCCESS);
	assert_account("bob", "config-error=deny-all", PAM_PERM_DENIED);
	assert_account("alice", "exempt=customers", PAM_PERM_DENIED);
}

/* The policy can be read, and has a rule that may be meant for the account. */
static void
nobody_is_exempt_from_what_cannot_be_decided(void **state)
{
	static const char *const args[] = { "exempt=admins",
					    "config-error=deny-jailed" };

	(void)state;
	for (size_t i = 0; i < N_ROWS(args); i++) {
		configure(
			"jails = { box = { }; };\n"
			"rules = ( { group = \"gone\"; jail = \"box\"; } );\n");
		assert_account("bob", args[i], PAM_PERM_DENIED);
	}
}

static void
a_broken_file_of_one_account_refuses_that_one(void **state)
{
	(void)state;
	configure(one_rule);
	write_text(CONF "/users.d/alice", "jial = \"box\";");
	assert_account("alice", "", PAM_PERM_DENIED);
	assert_account("alice", "config-error=deny-jailed", PAM_PERM_DENIED);
	assert_account("bob", "", PAM_SUCCESS);
}

/* What is in a directory that others may change is nobody's word; who is to
 * repair it gets in. */
static void
an_untrusted_directory_of_accounts_is_a_broken_policy(void **state)
{
	(void)state;
	configure(one_rule);
	write_text(CONF "/users.d/alice", "jail = \"box\";");
	assert_int_equal(chmod(CONF "/users.d", 0775), 0);
	assert_account("bob", "", PAM_PERM_DENIED);
	assert_account("bob", "exempt=admins", PAM_SUCCESS);
	/* Who may write there may have taken his file away. */
	assert_account("bob", "config-error=deny-jailed", PAM_PERM_DENIED);
	assert_account("alice", "exempt=customers", PAM_PERM_DENIED);
	assert_int_equal(chmod(CONF "/users.d", 0755), 0);
	assert_account("bob", "", PAM_SUCCESS);
}

/* As after usermod -l: the file of the account has the old name. */
static void
who_has_jailsh_and_no_jail_is_refused(void **state)
{
	(void)state;
	configure(no_jails);
	assert_account("lost", "", PAM_PERM_DENIED);
	assert_open("lost", "acs", PAM_PERM_DENIED);
	assert_int_equal(status_of_child("lost", "as", ""), EXIT_REFUSED);
	configure("jails = { box = { }; };\nexempt_groups = [ \"lost\" ];\n"
		  "rules = ( { jail = \"box\"; } );\n");
	assert_account("lost", "", PAM_SUCCESS);
	configure("jails = { box = { }; };\nexempt_groups = [ \"lost\" ];\n");
	assert_account("lost", "", PAM_SUCCESS);
	/* One that is jailed when it comes from elsewhere. */
	configure("jails = { box = { doors = { sshd = \"child\"; }; }; };\n"
		  "rules = ( { user = \"lost\"; address = \"192.0.2.1\"; "
		  "jail = \"box\"; } );\n");
	assert_account("lost", "", PAM_SUCCESS);
}

/* pam_env(8) may set the same elsewhere, and an sshd may have any name. */
static void
a_key_is_what_sshd_tells_and_no_other(void **state)
{
	static const struct {
		const char *service, *tells;
		int wanted;
	} rows[] = {
		{ "sshd", "publickey ssh-ed25519 AAAABBBBCCCCDDDD",
		  PAM_PERM_DENIED },
		{ "sshd-inside", "publickey ssh-ed25519 AAAABBBBCCCCDDDD",
		  PAM_PERM_DENIED },
		{ "sshd", "publickey ssh-ed25519 AAAABBBBCCCCDDDE",
		  PAM_SUCCESS },
		{ "su", "publickey ssh-ed25519 AAAABBBBCCCCDDDE", PAM_SUCCESS },
		{ "su", "publickey ssh-ed25519 AAAABBBBCCCCDDDD",
		  PAM_PERM_DENIED },
		{ "login", "publickey ssh-ed25519 AAAABBBBCCCCDDDD",
		  PAM_PERM_DENIED },
		{ "sshdx", "publickey ssh-ed25519 AAAABBBBCCCCDDDD",
		  PAM_PERM_DENIED },
	};

	(void)state;
	/* su is open for whom it is believed, and sshd is not. */
	configure("jails = { box = { doors = { su = \"shell\"; login = "
		  "\"shell\"; }; }; };\n"
		  "rules = ( { key = \"ssh-ed25519 AAAABBBBCCCCDDDD\"; "
		  "jail = \"box\"; } );\n");
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		struct login login;
		char variable[64];

		(void)snprintf(variable, sizeof(variable), "SSH_AUTH_INFO_0=%s",
			       rows[i].tells);
		start_at(&login, rows[i].service, "lost", "c", "");
		assert_int_equal(pam_putenv(login.pamh, variable), PAM_SUCCESS);
		assert_int_equal(pam_acct_mgmt(login.pamh, 0), rows[i].wanted);
		end(&login);
	}
}

static void
an_unknown_argument_closes_the_door(void **state)
{
	static const char *const args[] = { "cnof=/etc/jail", "debug", "conf",
					    "config-error=", "exempt" };

	(void)state;
	configure(no_jails);
	for (size_t i = 0; i < N_ROWS(args); i++) {
		struct login login;

		assert_account("bob", args[i], PAM_PERM_DENIED);
		start(&login, "bob", "s", args[i]);
		assert_int_equal(pam_open_session(login.pamh, 0),
				 PAM_PERM_DENIED);
		end(&login);
		assert_int_equal(status_of_child("bob", "as", args[i]),
				 EXIT_REFUSED);
	}
}

static void
who_does_not_exist_is_refused(void **state)
{
	(void)state;
	configure(no_jails);
	assert_account("mallory", "", PAM_PERM_DENIED);
	assert_account("", "", PAM_PERM_DENIED);
	assert_account("alice\nbob", "", PAM_PERM_DENIED);
	assert_account("../../etc/passwd", "", PAM_PERM_DENIED);
}

static void
closing_what_was_not_opened_does_nothing(void **state)
{
	struct login login;

	(void)state;
	configure(one_rule);
	start(&login, "alice", "acs", "");
	assert_int_equal(pam_close_session(login.pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_close_session(login.pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(login.pamh, (int)PAM_DELETE_CRED),
			 PAM_SUCCESS);
	end(&login);
}

static void
a_refused_session_can_be_asked_for_again(void **state)
{
	struct login login;

	(void)state;
	configure(one_rule);
	start(&login, "alice", "cs", "");
	for (int i = 0; i < 3; i++)
		assert_int_equal(pam_open_session(login.pamh, 0),
				 PAM_PERM_DENIED);
	/* libpam says again what open_session said. */
	assert_int_equal(pam_close_session(login.pamh, 0), PAM_PERM_DENIED);
	end(&login);
}

static void
transactions_know_nothing_of_one_another(void **state)
{
	struct login jailed, other;

	(void)state;
	configure(one_rule);
	start(&jailed, "alice", "cs", "");
	start(&other, "bob", "cs", "");
	assert_int_equal(pam_open_session(jailed.pamh, 0), PAM_PERM_DENIED);
	assert_int_equal(pam_open_session(other.pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(jailed.pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(other.pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_set_item(other.pamh, PAM_USER, "alice"),
			 PAM_SUCCESS);
	assert_int_equal(pam_open_session(other.pamh, 0), PAM_PERM_DENIED);
	end(&other);
	end(&jailed);
}

static void
authentication_is_not_decided_here(void **state)
{
	const struct pam_conv conv = { converse, NULL };
	pam_handle_t *pamh = NULL;
	char stack[1100];

	(void)state;
	configure(no_jails);
	(void)snprintf(stack, sizeof(stack), "auth required %s\n", module);
	write_text(SERVICES "/alone", stack);
	assert_int_equal(
		pam_start_confdir("alone", "bob", &conv, SERVICES, &pamh),
		PAM_SUCCESS);
	/* A stack of nothing but "ignore" lets nobody in. */
	assert_int_not_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_end(pamh, 0), PAM_SUCCESS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_no_rule_is_left_alone),
		cmocka_unit_test(who_has_one_may_come_by_a_door_that_is_open),
		cmocka_unit_test(a_door_for_shells_needs_jailsh),
		cmocka_unit_test(an_incomplete_stack_lets_nobody_in),
		cmocka_unit_test(a_broken_policy_closes_the_door),
		cmocka_unit_test(a_missing_or_untrusted_policy_closes_the_door),
		cmocka_unit_test(an_empty_policy_closes_the_door),
		cmocka_unit_test(no_broken_policy_keeps_root_out),
		cmocka_unit_test(
			exempt_groups_come_in_though_the_policy_is_broken),
		cmocka_unit_test(
			only_who_is_surely_jailed_is_refused_if_so_told),
		cmocka_unit_test(nobody_is_exempt_from_what_cannot_be_decided),
		cmocka_unit_test(a_broken_file_of_one_account_refuses_that_one),
		cmocka_unit_test(
			an_untrusted_directory_of_accounts_is_a_broken_policy),
		cmocka_unit_test(who_has_jailsh_and_no_jail_is_refused),
		cmocka_unit_test(a_key_is_what_sshd_tells_and_no_other),
		cmocka_unit_test(an_unknown_argument_closes_the_door),
		cmocka_unit_test(who_does_not_exist_is_refused),
		cmocka_unit_test(closing_what_was_not_opened_does_nothing),
		cmocka_unit_test(a_refused_session_can_be_asked_for_again),
		cmocka_unit_test(transactions_know_nothing_of_one_another),
		cmocka_unit_test(authentication_is_not_decided_here),
	};

	(void)snprintf(module, sizeof(module), "%s/pam_jail/pam_jail.so",
		       getenv("top_builddir"));
	return cmocka_run_group_tests(tests, make_services, NULL);
}
