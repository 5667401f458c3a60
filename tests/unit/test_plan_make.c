/* SPDX-License-Identifier: ISC */
#include "conf.h"
#include "jail/jail.h"

#include <errno.h>
#include <sys/mount.h>

#define JAIL(keys) "jails = { web = { " keys " }; };"

/* Makes the plan of the jail "web" in TEXT for ACCOUNT. */
static int
make(const char *text, const struct account *account, struct plan *plan,
     struct err *err)
{
	struct policy *policy = load_text(text);
	const int ret =
		policy_plan(policy_jail(policy, "web"), account, plan, err);

	/* The plan outlives the policy. */
	policy_free(policy);
	return ret;
}

static struct plan
must_make(const char *text, const struct account *account)
{
	struct plan plan;
	struct err err = { .text = "" };

	if (make(text, account, &plan, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return plan;
}

/* alice, as she would be found, but without asking. */
static struct account
alice_with(const char *home, const char *shell)
{
	struct account account = look_up("alice");

	account.home = home;
	account.shell = shell;
	return account;
}

static const struct entry *
find(const struct plan *plan, const char *target)
{
	for (size_t i = 0; i < plan->n_entries; i++)
		if (strcmp(plan->entries[i].target, target) == 0)
			return &plan->entries[i];
	return NULL;
}

static void
assert_entry(const struct plan *plan, const struct entry *expected)
{
	const struct entry *const entry = find(plan, expected->target);

	if (entry == NULL)
		fail_msg("nothing at %s", expected->target);
	if (entry->kind != expected->kind || entry->mode != expected->mode ||
	    entry->flags != expected->flags ||
	    strcmp(entry->text, expected->text) != 0)
		fail_msg("%s: kind %d mode %04o flags %x text %s",
			 entry->target, (int)entry->kind, entry->mode,
			 entry->flags, entry->text);
}

static const struct entry in_every_jail[] = {
	{ ENTRY_SCRATCH, 0, 01777, "/tmp", "" },
	{ ENTRY_SCRATCH, 0, 01777, "/var/tmp", "" },
	{ ENTRY_SCRATCH, 0, 0755, "/run", "" },
	{ ENTRY_DIR, 0, 01777, "/run/lock", "" },
	{ ENTRY_DIR, 0, 01777, "/run/screen", "" },
	{ ENTRY_DIR, 0, 0755, "/run/user", "" },
	{ ENTRY_DIR, ENTRY_OWNED, 0700, "/run/user/20001", "" },
	{ ENTRY_DIR, 0, 0755, RUN_DIR, "" },
	{ ENTRY_LINK, 0, 0, RUN_DIR "/shell", "/bin/bash" },
	{ ENTRY_SCRATCH, ENTRY_DEVICES | ENTRY_READONLY | ENTRY_NOEXEC, 0755,
	  "/dev", "" },
	{ ENTRY_DEVICE, 0, 0666, "/dev/null", "1:3" },
	{ ENTRY_DEVICE, 0, 0666, "/dev/tty", "5:0" },
	{ ENTRY_LINK, 0, 0, "/dev/ptmx", "pts/ptmx" },
	{ ENTRY_LINK, 0, 0, "/dev/stdin", "/proc/self/fd/0" },
	{ ENTRY_SCRATCH, 0, 01777, "/dev/shm", "" },
	{ ENTRY_PTS, 0, 0, "/dev/pts", "" },
	{ ENTRY_PROC, 0, 0, "/proc", "" },
	{ ENTRY_BIND, ENTRY_OWNED, 0, "/home/alice", "/home/alice" },
	{ ENTRY_FILE, 0, 0644, "/etc/hostname", "alice\n" },
	{ ENTRY_FILE, 0, 0644, "/etc/passwd",
	  "root:x:0:0:root:/root:/usr/sbin/nologin\n"
	  "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
	  "alice:x:20001:20001::/home/alice:/bin/bash\n" },
	{ ENTRY_FILE, 0, 0644, "/etc/group",
	  "root:x:0:\ntty:x:5:\nnogroup:x:65534:\nalice:x:20001:\n"
	  "customers:x:30000:alice\n" },
	{ ENTRY_FILE, 0, 0644, "/etc/hosts",
	  "127.0.0.1\tlocalhost\n127.0.1.1\talice\n"
	  "::1\tlocalhost ip6-localhost ip6-loopback\n" },
};

static void
a_root_of_the_host_has_the_system_and_one_home(void **state)
{
	static const struct entry expected[] = {
		{ ENTRY_BIND, ENTRY_READONLY, 0, "/usr", "/usr" },
		{ ENTRY_DIR, 0, 0755, "/etc", "" },
		{ ENTRY_DIR, 0, 0700, "/root", "" },
		{ ENTRY_LINK, 0, 0, "/var/run", "/run" },
		{ ENTRY_LINK, 0, 0, "/var/lock", "/run/lock" },
		{ ENTRY_FILE, 0, 0644, "/etc/resolv.conf",
		  "nameserver 192.0.2.1\n" },
	};
	struct account alice = look_up("alice");
	struct plan plan;

	(void)state;
	write_text("/etc/resolv.conf", "nameserver 192.0.2.1\n");
	plan = must_make(JAIL(""), &alice);
	for (size_t i = 0; i < N_ROWS(in_every_jail); i++)
		assert_entry(&plan, &in_every_jail[i]);
	for (size_t i = 0; i < N_ROWS(expected); i++)
		assert_entry(&plan, &expected[i]);
	for (size_t i = 0; i < plan.n_entries; i++)
		if (plan.entries[i].kind == ENTRY_BIND &&
		    strcmp(plan.entries[i].text, JAILSH) != 0 &&
		    strncmp(plan.entries[i].text, "/usr", 4) != 0 &&
		    strncmp(plan.entries[i].text, "/lib", 4) != 0 &&
		    strncmp(plan.entries[i].text, "/etc/", 5) != 0 &&
		    strcmp(plan.entries[i].text, "/bin") != 0 &&
		    strcmp(plan.entries[i].text, "/sbin") != 0)
			assert_string_equal(plan.entries[i].text,
					    "/home/alice");
	assert_null(plan.tree);
	assert_null(plan.upper);
	plan_free(&plan);
	account_free(&alice);
}

/* /bin and the like are what they are on the host. */
static void
system_directories_are_bound_or_linked(void **state)
{
	static const char *const dirs[] = { "/bin", "/sbin", "/lib", "/lib64",
					    "/lib32" };
	struct account alice = look_up("alice");
	struct plan plan = must_make(JAIL(""), &alice);

	(void)state;
	for (size_t i = 0; i < N_ROWS(dirs); i++) {
		const struct entry *const entry = find(&plan, dirs[i]);
		char text[100] = "";
		struct stat st;

		if (lstat(dirs[i], &st) < 0) {
			assert_null(entry);
			continue;
		}
		assert_non_null(entry);
		if (S_ISLNK(st.st_mode)) {
			assert_true(readlink(dirs[i], text, sizeof(text) - 1) >
				    0);
			assert_int_equal(entry->kind, ENTRY_LINK);
			assert_string_equal(entry->text, text);
		} else {
			assert_int_equal(entry->kind, ENTRY_BIND);
			assert_int_equal(entry->flags, ENTRY_READONLY);
		}
	}
	plan_free(&plan);
	account_free(&alice);
}

static void
defaults_are_those_of_the_manual(void **state)
{
	struct account alice = look_up("alice");
	struct plan plan = must_make(JAIL(""), &alice);

	(void)state;
	assert_string_equal(plan.account, "alice");
	assert_string_equal(plan.name, "alice");
	assert_string_equal(plan.jail, "web");
	assert_string_equal(plan.home, "/home/alice");
	assert_string_equal(plan.shell, "/bin/bash");
	assert_string_equal(plan.hostname, "alice");
	assert_int_equal(plan.uid, 20001);
	assert_int_equal(plan.gid, 20001);
	assert_int_equal(plan.n_groups, 2);
	assert_int_equal(plan.network, PLAN_NETWORK_HOST);
	assert_int_equal(plan.scratch_bytes, 256 << 20);
	assert_int_equal(plan.scratch_files, 65536);
	assert_int_equal(plan.terminals, 64);
	assert_int_equal(plan.sessions, 64);
	assert_false(plan.abstract_of_session);
	assert_int_equal(plan.umask, PLAN_UMASK_HOST);
	assert_string_equal(plan.seccomp, "login");
	assert_int_equal(plan.n_seccomp_allow, 0);
	assert_true(plan.n_filter > 100);
	assert_int_equal(plan.linger_seconds, 10);
	assert_int_equal(plan.n_env, 0);
	assert_int_equal(plan.n_env_keep, 6);
	assert_string_equal(plan.env_keep[4], "LC_*");
	for (size_t i = 0; i < RLIM_NLIMITS; i++)
		assert_false(plan.limits[i].set);
	plan_free(&plan);
	account_free(&alice);
}

static void
what_is_configured_is_in_the_plan(void **state)
{
	struct account alice = look_up("alice");
	struct plan plan = must_make(
		JAIL("name = \"work\"; home = \"/home/%u-at-work\"; "
		     "shell = \"/bin/zsh\"; hostname = \"%u.example\"; "
		     "abstract_sockets = \"session\"; "
		     "network = \"none\"; umask = \"077\"; "
		     "seccomp = { profile = \"ide\"; allow = [ \"kcmp\" ]; "
		     "deny = [ \"mount\", \"umount2\" ]; }; "
		     "linger = \"forever\"; uid = 20001; gid = 20001; "
		     "env = { EDITOR = \"vi\"; WHO = \"%u\"; }; "
		     "env_keep = [ \"TERM\" ]; "
		     "limits = { nofile = \"100:200\"; cpu = \"1m\"; "
		     "core = 0; tmp = \"1M\"; tmp_files = 100; "
		     "terminals = 2; sessions = 3; };"),
		&alice);

	(void)state;
	assert_string_equal(plan.name, "work");
	assert_string_equal(plan.home, "/home/alice-at-work");
	assert_string_equal(plan.shell, "/bin/zsh");
	assert_string_equal(plan.hostname, "alice.example");
	assert_int_equal(plan.network, PLAN_NETWORK_NONE);
	assert_true(plan.abstract_of_session);
	assert_int_equal(plan.umask, 077);
	assert_string_equal(plan.seccomp, "ide");
	assert_int_equal(plan.n_seccomp_allow, 1);
	assert_string_equal(plan.seccomp_allow[0], "kcmp");
	assert_int_equal(plan.n_seccomp_deny, 2);
	assert_string_equal(plan.seccomp_deny[1], "umount2");
	assert_int_equal(plan.linger_seconds, PLAN_LINGER_FOREVER);
	assert_int_equal(plan.n_env, 2);
	assert_string_equal(plan.env[0], "EDITOR=vi");
	assert_string_equal(plan.env[1], "WHO=alice");
	assert_int_equal(plan.n_env_keep, 1);
	assert_true(plan.limits[RLIMIT_NOFILE].set);
	assert_int_equal(plan.limits[RLIMIT_NOFILE].value.rlim_cur, 100);
	assert_int_equal(plan.limits[RLIMIT_NOFILE].value.rlim_max, 200);
	assert_int_equal(plan.limits[RLIMIT_CPU].value.rlim_max, 60);
	assert_true(plan.limits[RLIMIT_CORE].set);
	assert_int_equal(plan.scratch_bytes, 1 << 20);
	assert_int_equal(plan.scratch_files, 100);
	assert_int_equal(plan.terminals, 2);
	assert_int_equal(plan.sessions, 3);
	assert_string_equal(find(&plan, "/etc/resolv.conf")->text, "");
	assert_string_equal(find(&plan, "/etc/passwd")->text,
			    "root:x:0:0:root:/root:/usr/sbin/nologin\n"
			    "nobody:x:65534:65534:nobody:/nonexistent:"
			    "/usr/sbin/nologin\n"
			    "work:x:20001:20001::/home/alice-at-work:"
			    "/bin/zsh\n");
	/* The group with the account's name follows it. */
	assert_string_equal(find(&plan, "/etc/group")->text,
			    "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"
			    "work:x:20001:\ncustomers:x:30000:work\n");
	assert_string_equal(find(&plan, "/home/alice-at-work")->text,
			    "/home/alice");
	assert_int_equal(find(&plan, "/home/alice")->kind, ENTRY_LINK);
	assert_string_equal(find(&plan, "/home/alice")->text,
			    "/home/alice-at-work");
	plan_free(&plan);
	account_free(&alice);
}

/* --- ports ---------------------------------------------------------------- */

#define PORTS(keys) "ports = { range = \"20000-20099\"; " keys " };\n"
#define NONE                                                                   \
	"uid 20001 has none: change the range or first_uid, or give it "       \
	"others with ports = \"FIRST-LAST\" in its file in users.d"

/* alice has uid 20001. */
static const struct {
	const char *conf, *file; /* in users.d */
	uint16_t first, last;
	const char *error;
} ports_cases[] = {
	{ PORTS("each = 10; first_uid = 20001;") JAIL("ports = 10;"), "", 20000,
	  20009, NULL },
	{ PORTS("each = 10; first_uid = 20000;") JAIL("ports = 3;"), "", 20010,
	  20012, NULL },
	{ PORTS("each = 10; first_uid = 19992;") JAIL("ports = 10;"), "", 20090,
	  20099, NULL },
	{ PORTS("each = 30; first_uid = 19999;") JAIL("ports = 1;"), "", 20060,
	  20060, NULL },
	{ "ports = { range = \"10000-31999\"; each = 1; };" JAIL("ports = 1;"),
	  "", 29001, 29001, NULL },
	{ PORTS("each = 10; first_uid = 19991;") JAIL("ports = 10;"), "", 0, 0,
	  FILE_PATH ":1: account alice: ports 20000-20099 are for uids 19991 "
		    "to 20000, and " NONE },
	{ PORTS("each = 30; first_uid = 19998;") JAIL("ports = 1;"), "", 0, 0,
	  FILE_PATH ":1: account alice: ports 20000-20099 are for uids 19998 "
		    "to 20000, and " NONE },
	{ PORTS("each = 10; first_uid = 20002;") JAIL("ports = 10;"), "", 0, 0,
	  FILE_PATH ":1: account alice: ports 20000-20099 are for uids 20002 "
		    "to 20011, and " NONE },
	{ JAIL(""), "ports = \"8000-8009\";", 8000, 8009, NULL },
	{ JAIL(""), "ports = \"8000\";", 8000, 8000, NULL },
	{ PORTS("each = 10;") JAIL("ports = 10;"), "ports = \"any\";", 0, 0,
	  NULL },
	{ PORTS("each = 10;") JAIL("ports = 10;"), "network = \"none\";", 0, 0,
	  NULL },
	{ PORTS("each = 10;") JAIL(""), "\nports = \"20099-20100\";", 0, 0,
	  USERS_PATH "/alice:2: \"ports\": 20000-20099, which the group ports "
		     "gives away by uid, has some of 20099-20100" },
	{ JAIL(""), "ports = \"8009-8000\";", 0, 0,
	  USERS_PATH "/alice:1: \"ports\" must be a number of ports, or "
		     "\"any\", or a range as in \"8000-8009\"" },
	{ JAIL(""), "ports = \"1-65535\";", 0, 0,
	  USERS_PATH "/alice:1: \"ports\" must be a number of ports, or "
		     "\"any\", or a range as in \"8000-8009\"" },
	{ JAIL(""), "ports = \"0-9\";", 0, 0,
	  USERS_PATH "/alice:1: \"ports\" must be a number of ports, or "
		     "\"any\", or a range as in \"8000-8009\"" },
};

/* The plan of alice, whose file in users.d has TEXT. */
static int
make_of_file(const char *conf, const char *text, const struct account *account,
	     struct plan *plan, struct err *err)
{
	struct policy *const policy = load_text(conf);
	char file[200];
	struct decision decision;
	int ret;

	(void)snprintf(file, sizeof(file), "jail = \"web\"; %s", text);
	write_text(USERS_PATH "/alice", file);
	ret = policy_decide(policy, account, &any, &decision, err);
	if (ret == 0)
		ret = policy_plan(decision.jail, account, plan, err);
	policy_free(policy);
	assert_int_equal(unlink(USERS_PATH "/alice"), 0);
	return ret;
}

static void
an_account_has_the_ports_of_its_uid_or_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(ports_cases); i++) {
		struct account alice = look_up("alice");
		struct err err = { .text = "" };
		struct plan plan;
		char told[40];

		if (make_of_file(ports_cases[i].conf, ports_cases[i].file,
				 &alice, &plan, &err) < 0) {
			if (ports_cases[i].error == NULL)
				fail_msg("row %zu: %s", i, err.text);
			assert_string_equal(err.text, ports_cases[i].error);
			account_free(&alice);
			continue;
		}
		if (ports_cases[i].error != NULL)
			fail_msg("row %zu: no error", i);
		assert_int_equal(plan.ports.first, ports_cases[i].first);
		assert_int_equal(plan.ports.last, ports_cases[i].last);
		assert_int_equal(plan.n_env, plan.ports.first != 0);
		(void)snprintf(told, sizeof(told), "JAIL_PORTS=%u-%u",
			       plan.ports.first, plan.ports.last);
		if (plan.n_env > 0)
			assert_string_equal(plan.env[0], told);
		plan_free(&plan);
		account_free(&alice);
	}
}

static void
whether_ports_must_be_held_is_said(void **state)
{
	static const struct {
		const char *keys;
		enum plan_need need;
	} cases[] = {
		{ "ports = 10;", PLAN_NEED_REQUIRED },
		{ "ports = { lease = 10; };", PLAN_NEED_REQUIRED },
		{ "ports = { lease = 10; required = false; };",
		  PLAN_NEED_WISHED },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct account alice = look_up("alice");
		struct err err = { .text = "" };
		struct plan plan;

		if (make_of_file(PORTS("each = 10; first_uid = 20000;")
					 JAIL(""),
				 cases[i].keys, &alice, &plan, &err) < 0)
			fail_msg("%s: %s", cases[i].keys, err.text);
		assert_int_equal(plan.ports.need, cases[i].need);
		plan_free(&plan);
		account_free(&alice);
	}
}

static void
assert_given_away(const char *conf, const char *file, const char *error)
{
	struct account alice = look_up("alice");
	struct err err = { .text = "" };
	struct plan plan;

	assert_int_equal(make_of_file(conf, file, &alice, &plan, &err), -1);
	assert_string_equal(err.text, error);
	account_free(&alice);
}

/* Else somebody else may have them by chance: the last one is too much, though
 * no account has it yet. */
static void
ports_that_the_kernel_gives_away_are_refused(void **state)
{
	static const char range[] =
		"ports = { range = \"%u-%u\"; each = 1; first_uid = 20001; "
		"};\n" JAIL("ports = 1;");
	static const char own[] = "ports = \"%u-%u\";";
	static const char error[] =
		"%s:1: ports %u-%u: of %u-%u the kernel gives one to whoever "
		"asks for none in particular; give others, or change "
		"net.ipv4.ip_local_port_range, sysctl(8)";
	FILE *const file =
		fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned int first = 0, last = 0;
	char text[200], words[400];

	(void)state;
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%u %u", &first, &last), 2);
	(void)fclose(file);
	(void)snprintf(text, sizeof(text), range, first - 1, first);
	(void)snprintf(words, sizeof(words), error, FILE_PATH, first - 1, first,
		       first, last);
	assert_given_away(text, "", words);
	(void)snprintf(text, sizeof(text), own, first - 1, first);
	(void)snprintf(words, sizeof(words), error, USERS_PATH "/alice",
		       first - 1, first, first, last);
	assert_given_away(JAIL(""), text, words);
}

static void
the_shell_inside_is_never_jailsh(void **state)
{
	static const struct {
		const char *keys, *shell, *inside;
	} cases[] = {
		{ "", "/bin/zsh", "/bin/zsh" },
		{ "", JAILSH, "/bin/bash" },
		{ "former_shell = \"/bin/zsh\";", JAILSH, "/bin/zsh" },
		{ "former_shell = \"/bin/zsh\";", "/bin/dash", "/bin/zsh" },
		{ "former_shell = \"" JAILSH "\";", JAILSH, "/bin/bash" },
		{ "former_shell = \"/bin/zsh\"; shell = \"/bin/ksh\";", JAILSH,
		  "/bin/ksh" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct account alice =
			alice_with("/home/alice", cases[i].shell);
		struct policy *policy = load_text("jails = { shell = { }; };");
		struct decision decision;
		struct plan plan;
		struct err err = { .text = "" };

		write_text(USERS_PATH "/alice", cases[i].keys);
		assert_int_equal(
			policy_decide(policy, &alice, &any, &decision, &err),
			0);
		assert_int_equal(
			policy_plan(decision.jail, &alice, &plan, &err), 0);
		assert_string_equal(plan.shell, cases[i].inside);
		plan_free(&plan);
		policy_free(policy);
		account_free(&alice);
	}
	assert_int_equal(unlink(USERS_PATH "/alice"), 0);
}

/* A tree, as of another distribution: its /bin/bash is a link in it. */
static void
make_tree(void)
{
	(void)mkdir("/srv/tree", 0755);
	(void)mkdir("/srv/tree/usr", 0755);
	(void)mkdir("/srv/tree/usr/bin", 0755);
	if (symlink("/usr/bin", "/srv/tree/bin") < 0)
		assert_int_equal(errno, EEXIST);
	(void)unlink("/srv/tree/usr/bin/bash");
}

static void
a_tree_has_its_own_system(void **state)
{
	static const char *const not_there[] = {
		"/usr", "/bin", "/etc", "/etc/nsswitch.conf", "/etc/os-release",
		"/var"
	};
	struct account alice = alice_with("/home/alice", "/bin/bash");
	struct plan plan;

	(void)state;
	make_tree();
	plan = must_make(JAIL("root = \"/srv/tree\";"), &alice);
	assert_string_equal(plan.tree, "/srv/tree");
	assert_null(plan.upper);
	for (size_t i = 0; i < N_ROWS(in_every_jail); i++)
		assert_entry(&plan, &in_every_jail[i]);
	for (size_t i = 0; i < N_ROWS(not_there); i++)
		assert_null(find(&plan, not_there[i]));
	assert_entry(&plan, &(struct entry){ ENTRY_BIND, ENTRY_READONLY, 0,
					     JAILSH, JAILSH });
	plan_free(&plan);

	plan = must_make(JAIL("root = \"/srv/tree\"; passwd = \"tree\";"),
			 &alice);
	assert_null(find(&plan, "/etc/passwd"));
	assert_null(find(&plan, "/etc/group"));
	assert_non_null(find(&plan, "/etc/hosts"));
	plan_free(&plan);
	account_free(&alice);
}

static void
a_shell_is_looked_for_in_the_tree_not_on_the_host(void **state)
{
	struct account alice = alice_with("/home/alice", JAILSH);
	struct plan plan;

	(void)state;
	make_tree();
	plan = must_make(JAIL("root = \"/srv/tree\";"), &alice);
	assert_string_equal(plan.shell, "/bin/sh");
	plan_free(&plan);
	write_text("/srv/tree/usr/bin/bash", "");
	plan = must_make(JAIL("root = \"/srv/tree\";"), &alice);
	assert_string_equal(plan.shell, "/bin/bash");
	plan_free(&plan);
	account_free(&alice);
}

static void
each_tree_has_its_own_changes(void **state)
{
	struct account alice = look_up("alice");
	struct plan plan;

	(void)state;
	make_tree();
	(void)mkdir("/srv/tree-2", 0755);
	plan = must_make(JAIL("root = \"/srv/tree\"; writable = true;"),
			 &alice);
	assert_string_equal(plan.upper,
			    STATE_DIR "/overlay/20001/web:srv-tree");
	plan_free(&plan);
	plan = must_make(JAIL("root = \"/srv/tree-2\"; writable = true;"),
			 &alice);
	assert_string_equal(plan.upper,
			    STATE_DIR "/overlay/20001/web:srv-tree--2");
	plan_free(&plan);
	account_free(&alice);
}

static void
binds_come_in_order_with_their_flags(void **state)
{
	static const struct entry expected[] = {
		{ ENTRY_BIND, ENTRY_READONLY, 0, "/srv/data", "/srv/data" },
		{ ENTRY_BIND, ENTRY_NOEXEC, 0, "/data/alice", "/srv/data" },
		{ ENTRY_BIND, ENTRY_READONLY | ENTRY_OPTIONAL, 0, "/gone",
		  "/srv/gone" },
		{ ENTRY_BIND, ENTRY_OWNED, 0, "/own", "/srv/own" },
		{ ENTRY_HIDE, ENTRY_OPTIONAL, 0, "/usr/bin/gcc", "" },
		{ ENTRY_HIDE, ENTRY_OPTIONAL, 0, "/srv/data/x", "" },
	};
	struct account alice = look_up("alice");
	struct plan plan;

	(void)state;
	(void)mkdir("/srv/data", 0755);
	(void)mkdir("/srv/own", 0700);
	give_to("/srv/own", 20001);
	plan = must_make(
		JAIL("binds = ( { source = \"/srv/data\"; }, "
		     "{ source = \"/srv/data\"; target = \"/data/%u\"; "
		     "writable = true; exec = false; }, "
		     "{ source = \"/srv/gone\"; target = \"/gone\"; "
		     "optional = true; }, "
		     "{ source = \"/srv/own\"; target = \"/own\"; "
		     "writable = true; user = true; } ); "
		     "hide = [ \"/usr/bin/gcc\", \"/srv/data/x\" ];"),
		&alice);
	assert_true(plan.n_entries > N_ROWS(expected));
	for (size_t i = 0; i < N_ROWS(expected); i++) {
		assert_entry(&plan, &expected[i]);
		assert_string_equal(
			plan.entries[plan.n_entries - N_ROWS(expected) + i]
				.target,
			expected[i].target);
	}
	plan_free(&plan);
	account_free(&alice);
}

static void
what_is_the_accounts_is_bound_only_if_that_is_said(void **state)
{
	struct account alice = look_up("alice");
	struct plan plan;
	struct err err = { .text = "" };

	(void)state;
	(void)mkdir("/srv/own", 0700);
	give_to("/srv/own", 20001);
	assert_int_equal(make(JAIL("binds = ( { source = \"/srv/own\"; } );"),
			      &alice, &plan, &err),
			 -1);
	assert_string_equal(err.text, FILE_PATH
			    ":1: bind: /srv/own: own belongs to uid 20001, "
			    "not to root");
	account_free(&alice);
}

static void
services_come_by_their_directories(void **state)
{
	static const struct entry expected[] = {
		{ ENTRY_BIND,
		  ENTRY_READONLY | ENTRY_NOEXEC | ENTRY_SERVICE |
			  ENTRY_OPTIONAL,
		  0, "/run/mysqld", "/run/mysqld" },
		{ ENTRY_BIND, ENTRY_READONLY | ENTRY_NOEXEC | ENTRY_SERVICE, 0,
		  "/run/log", "/srv/log" },
		{ ENTRY_LINK, 0, 0, "/dev/log", "/run/log/socket" },
	};
	const char *const text =
		"services = { log = { directory = \"/srv/log\"; "
		"target = \"/run/log\"; socket = \"socket\"; "
		"link = \"/dev/log\"; }; };\n" JAIL(
			"services = [ \"mysql\",\n\"log\" ];");
	struct account alice = look_up("alice");
	struct plan plan;
	struct err err = { .text = "" };

	(void)state;
	assert_int_equal(make(text, &alice, &plan, &err), -1);
	assert_string_equal(err.text,
			    FILE_PATH ":3: service log: /srv/log: No such "
				      "file or directory");
	assert_int_equal(mkdir("/srv/log", 0755), 0);
	give_to("/srv/log", 999);
	plan = must_make(text, &alice);
	for (size_t i = 0; i < N_ROWS(expected); i++)
		assert_entry(&plan, &expected[i]);
	plan_free(&plan);
	give_to("/srv/log", 1000);
	assert_int_equal(make(text, &alice, &plan, &err), -1);
	assert_string_equal(err.text,
			    FILE_PATH ":3: service log: /srv/log: belongs to "
				      "uid 1000, which is no system account's");
	assert_int_equal(rmdir("/srv/log"), 0);
	account_free(&alice);
}

/* The link would have to be made in a directory of the host's. */
static void
a_home_below_usr_is_given_another_place(void **state)
{
	struct account alice = alice_with("/usr/games/alice", "/bin/sh");
	struct plan plan;

	(void)state;
	/* Not on the real /usr: over it, in this world. */
	(void)mkdir("/fake-games", 0755);
	(void)mkdir("/fake-games/alice", 0700);
	give_to("/fake-games/alice", 20001);
	if (mount("/fake-games", "/usr/games", NULL, MS_BIND, NULL) < 0)
		skip();
	plan = must_make(JAIL("home = \"/home/alice\";"), &alice);
	assert_string_equal(find(&plan, "/home/alice")->text,
			    "/usr/games/alice");
	assert_null(find(&plan, "/usr/games/alice"));
	plan_free(&plan);
	assert_int_equal(umount("/usr/games"), 0);
	account_free(&alice);
}

/* A link in the home itself would be the account's to change. */
static void
a_home_around_the_other_path_needs_no_link(void **state)
{
	static const char *const homes[] = { "/home", "/home/alice/inner" };
	struct account alice = look_up("alice");

	(void)state;
	for (size_t i = 0; i < N_ROWS(homes); i++) {
		char text[200];
		struct plan plan;

		(void)snprintf(text, sizeof(text), JAIL("home = \"%s\";"),
			       homes[i]);
		plan = must_make(text, &alice);
		assert_string_equal(find(&plan, homes[i])->text, "/home/alice");
		assert_null(find(&plan, "/home/alice"));
		plan_free(&plan);
	}
	account_free(&alice);
}

static void
shares_are_required_unless_it_says_otherwise(void **state)
{
	static const struct {
		const char *text;
		enum plan_need memory, pids;
	} rows[] = {
		{ "", PLAN_NEED_REQUIRED, PLAN_NEED_REQUIRED },
		{ "required = true; ", PLAN_NEED_REQUIRED, PLAN_NEED_REQUIRED },
		{ "required = false; ", PLAN_NEED_WISHED, PLAN_NEED_WISHED },
		{ "required = [ \"pids\" ]; ", PLAN_NEED_WISHED,
		  PLAN_NEED_REQUIRED },
	};
	struct account alice = look_up("alice");

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		char text[256];
		struct plan plan;

		(void)snprintf(text, sizeof(text),
			       "jails = { web = { limits = { %smemory = "
			       "\"1G\"; pids = 9; cpus = 0.5; }; }; };",
			       rows[i].text);
		plan = must_make(text, &alice);
		assert_true(plan.shares[PLAN_MEMORY].set);
		assert_int_equal(plan.shares[PLAN_MEMORY].value, 1 << 30);
		assert_int_equal(plan.shares[PLAN_MEMORY].need, rows[i].memory);
		assert_int_equal(plan.shares[PLAN_PIDS].need, rows[i].pids);
		assert_int_equal(plan.shares[PLAN_CPUS].value, 500);
		/* Memory without swap means none; not required, since a
		 * kernel without swap has no such file. */
		assert_true(plan.shares[PLAN_SWAP].set);
		assert_int_equal(plan.shares[PLAN_SWAP].value, 0);
		assert_int_equal(plan.shares[PLAN_SWAP].need,
				 PLAN_NEED_IMPLIED);
		assert_false(plan.shares[PLAN_MEMORY_HIGH].set);
		plan_free(&plan);
	}
	account_free(&alice);
}

static void
a_quota_is_for_the_group_that_gives_it(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes, files;
		enum plan_need need;
	} rows[] = {
		{ "disk = \"2G\";", 2ULL << 30, 0, PLAN_NEED_REQUIRED },
		{ "disk_files = 5000;", 0, 5000, PLAN_NEED_REQUIRED },
		{ "disk = \"2G\"; disk_files = 99; required = [ \"disk_files\" "
		  "];",
		  2ULL << 30, 99, PLAN_NEED_REQUIRED },
		{ "disk = \"2G\"; pids = 9; required = [ \"pids\" ];",
		  2ULL << 30, 0, PLAN_NEED_WISHED },
		{ "disk = \"2G\"; required = false;", 2ULL << 30, 0,
		  PLAN_NEED_WISHED },
		{ "disk = \"2G\"; required = true;", 2ULL << 30, 0,
		  PLAN_NEED_REQUIRED },
		{ "core = 0;", 0, 0, PLAN_NEED_IMPLIED },
	};
	struct account alice = look_up("alice");

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		struct plan plan;
		char text[256];

		(void)snprintf(text, sizeof(text),
			       "jails = { base = { limits = { disk = \"1G\"; "
			       "}; };\nweb = { inherit = \"base\"; limits = { "
			       "%s }; }; };",
			       rows[i].text);
		plan = must_make(text, &alice);
		assert_true(plan.quota.bytes == rows[i].bytes);
		assert_true(plan.quota.files == rows[i].files);
		assert_int_equal(plan.quota.need, rows[i].need);
		plan_free(&plan);
	}
	account_free(&alice);
}

static void
scratch_may_have_a_size_of_its_own(void **state)
{
	struct account alice = look_up("alice");
	struct plan plan = must_make("jails = { web = { limits = { tmp = "
				     "\"1M\"; tmp_files = 70; shm = \"2M\"; "
				     "run_files = 90; }; }; };",
				     &alice);

	(void)state;
	assert_string_equal(find(&plan, "/dev/shm")->text, "2097152:70");
	assert_int_equal(find(&plan, "/dev/shm")->mode, 01777);
	assert_string_equal(find(&plan, "/run")->text, "1048576:90");
	assert_string_equal(find(&plan, "/tmp")->text, "");
	plan_free(&plan);
	/* They are the group's, and go with it. */
	plan = must_make("jails = { base = { limits = { shm = \"2M\"; }; };\n"
			 "web = { inherit = \"base\"; limits = { core = 0; "
			 "}; }; };",
			 &alice);
	assert_string_equal(find(&plan, "/dev/shm")->text, "");
	plan_free(&plan);
	account_free(&alice);
}

static void
a_reseller_s_limits_come_with_the_jail(void **state)
{
	static const char resellers[] =
		"resellers = { acme = { limits = { memory = \"1G\"; pids = "
		"50; required = [ \"memory\" ]; }; }; };\n"
		"jails = { base = { reseller = \"acme\"; limits = { pids = 9; "
		"}; };\nweb = { %s }; };";
	struct account alice = look_up("alice");
	struct plan plan;
	char text[512];

	(void)state;
	(void)snprintf(text, sizeof(text), resellers, "inherit = \"base\";");
	plan = must_make(text, &alice);
	assert_string_equal(plan.reseller, "acme");
	assert_int_equal(plan.above[PLAN_MEMORY].value, 1 << 30);
	assert_int_equal(plan.above[PLAN_MEMORY].need, PLAN_NEED_REQUIRED);
	assert_int_equal(plan.above[PLAN_PIDS].value, 50);
	assert_int_equal(plan.above[PLAN_PIDS].need, PLAN_NEED_WISHED);
	assert_int_equal(plan.above[PLAN_SWAP].need, PLAN_NEED_IMPLIED);
	assert_int_equal(plan.shares[PLAN_PIDS].value, 9);
	assert_false(plan.shares[PLAN_MEMORY].set);
	plan_free(&plan);

	(void)snprintf(text, sizeof(text), resellers, "");
	plan = must_make(text, &alice);
	assert_null(plan.reseller);
	assert_false(plan.above[PLAN_PIDS].set);
	plan_free(&plan);
	account_free(&alice);
}

static void
inherited_limits_are_replaced_as_a_whole(void **state)
{
	struct account alice = look_up("alice");
	struct plan plan = must_make(
		"jails = { base = { limits = { nproc = 5; tmp = \"1M\"; "
		"tmp_files = 100; terminals = 2; sessions = 3; }; };\n"
		"web = { inherit = \"base\"; limits = { core = 0; }; }; };",
		&alice);

	(void)state;
	assert_false(plan.limits[RLIMIT_NPROC].set);
	assert_true(plan.limits[RLIMIT_CORE].set);
	assert_int_equal(plan.scratch_bytes, 256 << 20);
	assert_int_equal(plan.scratch_files, 65536);
	assert_int_equal(plan.terminals, 64);
	assert_int_equal(plan.sessions, 64);
	plan_free(&plan);
	plan = must_make(
		"jails = { base = { limits = { nproc = 5; sessions = 3; }; };\n"
		"web = { inherit = \"base\"; }; };",
		&alice);
	assert_true(plan.limits[RLIMIT_NPROC].set);
	assert_int_equal(plan.sessions, 3);
	plan_free(&plan);
	account_free(&alice);
}

/* --- refused ------------------------------------------------------------ */

static const struct {
	const char *keys;
	enum err_kind kind;
	const char *error;
} refusals[] = {
	{ "uid = 5;", ERR_REFUSED,
	  "jail web is for uid 5, and alice has uid 20001" },
	{ "gid = 5;", ERR_REFUSED,
	  "jail web is for gid 5, and alice has gid 20001" },
	{ "name = \"%u.x\";", ERR_CONFIG,
	  FILE_PATH ":1: \"alice.x\" cannot be a name inside: at most 32 of "
		    "a-z 0-9 _ -, a letter or _ first, and not root or "
		    "nobody" },
	{ "name = \"root\";", ERR_CONFIG,
	  FILE_PATH ":1: \"root\" cannot be a name inside: at most 32 of a-z "
		    "0-9 _ -, a letter or _ first, and not root or nobody" },
	{ "home = \"/usr/home/%u\";", ERR_CONFIG,
	  FILE_PATH ":1: account alice: \"/usr/home/alice\" cannot be a home "
		    "directory inside; give another one with the key home" },
	{ "home = \"/\";", ERR_CONFIG,
	  FILE_PATH ":1: account alice: \"/\" cannot be a home directory "
		    "inside; give another one with the key home" },
	{ "home = \"/home/a:b\";", ERR_CONFIG,
	  FILE_PATH ":1: account alice: \"/home/a:b\" cannot be a home "
		    "directory inside; give another one with the key home" },
	{ "home = \"/home/../etc\";", ERR_CONFIG,
	  FILE_PATH ":1: account alice: \"/home/../etc\" cannot be a home "
		    "directory inside; give another one with the key home" },
	{ "hostname = \"a_b\";", ERR_CONFIG,
	  FILE_PATH ":1: hostname: \"a_b\" is not one: letters, digits and - "
		    "only, at most 64, with dots between" },
	{ "hostname = \"-a\";", ERR_CONFIG,
	  FILE_PATH ":1: hostname: \"-a\" is not one: letters, digits and - "
		    "only, at most 64, with dots between" },
	{ "hostname = \"a..b\";", ERR_CONFIG,
	  FILE_PATH ":1: hostname: \"a..b\" is not one: letters, digits and - "
		    "only, at most 64, with dots between" },
	{ "root = \"/srv/none\";", ERR_CONFIG,
	  FILE_PATH ":1: root: /srv/none: No such file or directory" },
	{ "root = \"/tmp/tree\";", ERR_CONFIG,
	  FILE_PATH ":1: root: /tmp/tree: tmp can be changed by others (mode "
		    "1777)" },
	{ "root = \"/conf/jail.conf\";", ERR_CONFIG,
	  FILE_PATH ":1: root: /conf/jail.conf is not a directory" },
	{ "root = \"/srv//%u\";", ERR_CONFIG,
	  FILE_PATH ":1: root: \"/srv//alice\" is not a clean absolute path" },
	{ "binds = (\n{ source = \"/srv/gone\"; } );", ERR_CONFIG,
	  FILE_PATH ":2: bind: /srv/gone: No such file or directory" },
	{ "binds = (\n{ source = \"/tmp/x\"; optional = true; } );", ERR_CONFIG,
	  FILE_PATH ":2: bind: /tmp/x: tmp can be changed by others (mode "
		    "1777)" },
	{ "binds = (\n{ source = \"/conf/jail.conf/x\"; optional = true; } );",
	  ERR_CONFIG,
	  FILE_PATH ":2: bind: /conf/jail.conf/x: Not a directory" },
	{ "binds = ( { source = \"/\"; target = \"/host\"; } );", ERR_CONFIG,
	  FILE_PATH ":1: bind: source \"/\" is not a clean absolute path below "
		    "/" },
	{ "binds = ( { source = \"/srv\"; target = \"/\"; } );", ERR_CONFIG,
	  FILE_PATH ":1: bind: target \"/\" is not a clean absolute path below "
		    "/" },
	{ "binds = ( { source = \"/srv\"; target = \"/a/../b\"; } );",
	  ERR_CONFIG,
	  FILE_PATH ":1: bind: target \"/a/../b\" is not a clean absolute path "
		    "below /" },
	{ "binds = ( { source = \"/srv\"; target = \"/proc/sys\"; } );",
	  ERR_CONFIG,
	  FILE_PATH ":1: bind: a mount on /proc/sys would break the jail" },
	{ "binds = ( { source = \"/srv\"; target = \"/run\"; } );", ERR_CONFIG,
	  FILE_PATH ":1: bind: a mount on /run would break the jail" },
	{ "etc = [ \"no-such-thing\" ];", ERR_CONFIG,
	  FILE_PATH ":1: \"etc\": /etc/no-such-thing does not exist" },
};

static void
what_cannot_be_done_is_refused_with_its_reason(void **state)
{
	struct account alice = look_up("alice");

	(void)state;
	for (size_t i = 0; i < N_ROWS(refusals); i++) {
		struct plan plan;
		struct err err = { .text = "" };
		char text[500];

		(void)snprintf(text, sizeof(text), JAIL("%s"),
			       refusals[i].keys);
		if (make(text, &alice, &plan, &err) == 0)
			fail_msg("%s: made", refusals[i].keys);
		assert_string_equal(err.text, refusals[i].error);
		assert_int_equal(err.kind, refusals[i].kind);
		assert_null(plan.entries);
	}
	account_free(&alice);
}

static void
some_accounts_are_never_jailed(void **state)
{
	static gid_t roots[] = { 20001, 0 };
	const struct {
		struct account account;
		const char *error;
	} cases[] = {
		{ { .uid = 0, .gid = 20001 },
		  "account x: uid 0 cannot be jailed" },
		{ { .uid = (uid_t)-1, .gid = 20001 },
		  "account x: uid 4294967295 cannot be jailed" },
		{ { .uid = 65534, .gid = 20001 },
		  "account x: uid 65534 cannot be jailed" },
		{ { .uid = JAIL_ID_OF_INIT, .gid = 20001 },
		  "account x: uid 4294900000 cannot be jailed" },
		{ { .uid = 20001, .gid = 0 },
		  "account x: group 0 cannot be jailed" },
		{ { .uid = 20001, .gid = (gid_t)-1 },
		  "account x: group 4294967295 cannot be jailed" },
		{ { .uid = 20001,
		    .gid = 20001,
		    .groups = roots,
		    .n_groups = 2 },
		  "account x: a member of root's group cannot be jailed" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct account account = cases[i].account;
		struct plan plan;
		struct err err = { .text = "" };

		account.name = "x";
		account.home = "/home/alice";
		account.shell = "/bin/sh";
		assert_int_equal(make(JAIL(""), &account, &plan, &err), -1);
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_string_equal(err.text, cases[i].error);
	}
}

/* Homes that would show more than the account's own. */
static void
a_home_is_a_directory_of_the_account(void **state)
{
	static const struct {
		const char *home;
		enum err_kind kind;
		const char *error;
	} cases[] = {
		{ "/home", ERR_REFUSED,
		  "account alice: home directory /home is not a directory of "
		  "uid 20001" },
		{ "/srv", ERR_REFUSED,
		  "account alice: home directory /srv is not a directory of "
		  "uid 20001" },
		{ "/home/bob", ERR_UNSAFE,
		  "account alice: home directory: /home/bob: bob belongs to "
		  "uid "
		  "20002, not to root" },
		{ "/home/gone", ERR_SYSTEM,
		  "account alice: home directory /home/gone: No such file or "
		  "directory" },
		{ "/", ERR_CONFIG,
		  FILE_PATH ":1: account alice: \"/\" cannot be a home "
			    "directory inside; give another one with the key "
			    "home" },
		{ "", ERR_CONFIG,
		  FILE_PATH ":1: account alice: \"\" cannot be a home "
			    "directory inside; give another one with the key "
			    "home" },
		{ "/tmp", ERR_CONFIG,
		  FILE_PATH ":1: account alice: \"/tmp\" cannot be a home "
			    "directory inside; give another one with the key "
			    "home" },
		{ "home", ERR_CONFIG,
		  FILE_PATH ":1: account alice: \"home\" cannot be a home "
			    "directory inside; give another one with the key "
			    "home" },
	};

	(void)state;
	give_to("/home/bob", 20002);
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct account alice = alice_with(cases[i].home, "/bin/sh");
		struct plan plan;
		struct err err = { .text = "" };

		if (make(JAIL(""), &alice, &plan, &err) == 0)
			fail_msg("%s: made", cases[i].home);
		assert_int_equal(err.kind, cases[i].kind);
		assert_string_equal(err.text, cases[i].error);
		account_free(&alice);
	}
}

/* Roots' symbolic links on the way are common: /home -> /data/home. */
static void
a_home_behind_a_link_is_found(void **state)
{
	struct account alice = alice_with("/home2/alice/", "/bin/sh");
	struct plan plan;

	(void)state;
	assert_int_equal(symlink("home", "/home2"), 0);
	plan = must_make(JAIL(""), &alice);
	assert_string_equal(plan.home, "/home2/alice");
	assert_entry(&plan, &(struct entry){ ENTRY_BIND, ENTRY_OWNED, 0,
					     "/home2/alice", "/home/alice" });
	plan_free(&plan);
	account_free(&alice);
	assert_int_equal(unlink("/home2"), 0);
}

static void
a_name_that_is_not_plain_needs_another_one_inside(void **state)
{
	struct account web = look_up("web.1");
	struct plan plan;
	struct err err = { .text = "" };

	(void)state;
	assert_int_equal(make(JAIL(""), &web, &plan, &err), -1);
	assert_string_equal(err.text,
			    FILE_PATH ":1: \"web.1\" cannot be a name inside; "
				      "give it one with the key name");
	plan = must_make(JAIL("name = \"web-%U\";"), &web);
	assert_string_equal(plan.name, "web-20003");
	assert_string_equal(plan.hostname, "web.1");
	assert_string_equal(find(&plan, "/etc/group")->text,
			    "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"
			    "group-20003:x:20003:\n");
	plan_free(&plan);
	account_free(&web);
}

static void
every_group_is_named_once(void **state)
{
	static gid_t groups[] = { 20001, 5, 65534, 20001, 40000, 40000, 59999 };
	struct account alice = look_up("alice");
	struct plan plan;

	(void)state;
	alice.groups = groups;
	alice.n_groups = N_ROWS(groups);
	plan = must_make(JAIL(""), &alice);
	assert_string_equal(find(&plan, "/etc/group")->text,
			    "root:x:0:\ntty:x:5:alice\nnogroup:x:65534:alice\n"
			    "alice:x:20001:\ng0:x:40000:alice\n"
			    "group-59999:x:59999:alice\n");
	plan_free(&plan);
	account_free(&alice);
}

static void
resolv_conf_is_read_through_links_and_within_bounds(void **state)
{
	struct account alice = look_up("alice");
	struct plan plan;
	struct err err = { .text = "" };

	(void)state;
	(void)unlink("/etc/resolv.conf");
	plan = must_make(JAIL(""), &alice);
	assert_string_equal(find(&plan, "/etc/resolv.conf")->text, "");
	plan_free(&plan);

	write_text("/run/stub", "nameserver 127.0.0.53\n");
	assert_int_equal(symlink("../run/stub", "/etc/resolv.conf"), 0);
	plan = must_make(JAIL(""), &alice);
	assert_string_equal(find(&plan, "/etc/resolv.conf")->text,
			    "nameserver 127.0.0.53\n");
	plan_free(&plan);

	assert_int_equal(truncate("/run/stub", 65537), 0);
	assert_int_equal(make(JAIL(""), &alice, &plan, &err), -1);
	assert_string_equal(err.text, "/etc/resolv.conf: not a regular file of "
				      "at most 65536 bytes");
	assert_int_equal(unlink("/run/stub"), 0);
	assert_int_equal(mkfifo("/run/stub", 0644), 0);
	assert_int_equal(make(JAIL(""), &alice, &plan, &err), -1);
	assert_int_equal(unlink("/run/stub"), 0);
	plan = must_make(JAIL(""), &alice);
	plan_free(&plan);
	assert_int_equal(unlink("/etc/resolv.conf"), 0);
	account_free(&alice);
}

static void
resolv_conf_follows_the_host_s_where_it_can(void **state)
{
	static const struct entry link = { ENTRY_LINK, 0, 0, "/etc/resolv.conf",
					   "/run/systemd/resolve/stub" };
	static const struct entry dir = {
		ENTRY_BIND, ENTRY_SERVICE | ENTRY_READONLY | ENTRY_NOEXEC, 0,
		"/run/systemd/resolve", "/run/systemd/resolve"
	};
	struct account alice = look_up("alice");
	struct plan plan;

	(void)state;
	(void)unlink("/etc/resolv.conf");
	(void)mkdir("/run/systemd", 0755);
	(void)mkdir("/run/systemd/resolve", 0755);
	give_to("/run/systemd/resolve", 998);
	write_text("/run/systemd/resolve/stub", "nameserver 127.0.0.53\n");
	assert_int_equal(
		symlink("../run/systemd/resolve/stub", "/etc/resolv.conf"), 0);
	plan = must_make(JAIL(""), &alice);
	assert_entry(&plan, &link);
	assert_entry(&plan, &dir);
	plan_free(&plan);
	plan = must_make(JAIL("network = \"none\";"), &alice);
	assert_string_equal(find(&plan, "/etc/resolv.conf")->text, "");
	assert_null(find(&plan, "/run/systemd/resolve"));
	plan_free(&plan);
	/* Somebody else's is copied, as ever. */
	give_to("/run/systemd/resolve", 1000);
	plan = must_make(JAIL(""), &alice);
	assert_string_equal(find(&plan, "/etc/resolv.conf")->text,
			    "nameserver 127.0.0.53\n");
	assert_null(find(&plan, "/run/systemd/resolve"));
	plan_free(&plan);
	assert_int_equal(unlink("/etc/resolv.conf"), 0);
	account_free(&alice);
}

static void
every_plan_can_be_sealed(void **state)
{
	struct account alice = look_up("alice");
	struct plan plan = must_make(JAIL("env = { A = \"1\"; };"), &alice);
	struct plan copy;
	struct err err = { .text = "" };
	const int fd = plan_seal(&plan, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(plan_open(fd, &copy, &err), 0);
	assert_int_equal(copy.n_entries, plan.n_entries);
	assert_string_equal(copy.env[0], "A=1");
	plan_free(&copy);
	plan_free(&plan);
	(void)close(fd);
	account_free(&alice);
}

/* A home must be its account's. */
static int
require_owners(void **state)
{
	struct stat st;

	require_world();
	if (stat("/home/alice", &st) < 0 || st.st_uid != 20001) {
		(void)fputs("SKIP: only root can make homes\n", stderr);
		exit(77);
	}
	return make_conf(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_root_of_the_host_has_the_system_and_one_home),
		cmocka_unit_test(system_directories_are_bound_or_linked),
		cmocka_unit_test(defaults_are_those_of_the_manual),
		cmocka_unit_test(what_is_configured_is_in_the_plan),
		cmocka_unit_test(
			an_account_has_the_ports_of_its_uid_or_its_own),
		cmocka_unit_test(whether_ports_must_be_held_is_said),
		cmocka_unit_test(ports_that_the_kernel_gives_away_are_refused),
		cmocka_unit_test(the_shell_inside_is_never_jailsh),
		cmocka_unit_test(a_tree_has_its_own_system),
		cmocka_unit_test(
			a_shell_is_looked_for_in_the_tree_not_on_the_host),
		cmocka_unit_test(each_tree_has_its_own_changes),
		cmocka_unit_test(binds_come_in_order_with_their_flags),
		cmocka_unit_test(
			what_is_the_accounts_is_bound_only_if_that_is_said),
		cmocka_unit_test(services_come_by_their_directories),
		cmocka_unit_test(a_home_below_usr_is_given_another_place),
		cmocka_unit_test(a_home_around_the_other_path_needs_no_link),
		cmocka_unit_test(inherited_limits_are_replaced_as_a_whole),
		cmocka_unit_test(shares_are_required_unless_it_says_otherwise),
		cmocka_unit_test(a_reseller_s_limits_come_with_the_jail),
		cmocka_unit_test(a_quota_is_for_the_group_that_gives_it),
		cmocka_unit_test(scratch_may_have_a_size_of_its_own),
		cmocka_unit_test(
			what_cannot_be_done_is_refused_with_its_reason),
		cmocka_unit_test(some_accounts_are_never_jailed),
		cmocka_unit_test(a_home_is_a_directory_of_the_account),
		cmocka_unit_test(a_home_behind_a_link_is_found),
		cmocka_unit_test(
			a_name_that_is_not_plain_needs_another_one_inside),
		cmocka_unit_test(every_group_is_named_once),
		cmocka_unit_test(
			resolv_conf_is_read_through_links_and_within_bounds),
		cmocka_unit_test(resolv_conf_follows_the_host_s_where_it_can),
		cmocka_unit_test(every_plan_can_be_sealed),
	};

	return cmocka_run_group_tests(tests, require_owners, NULL);
}
