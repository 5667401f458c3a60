/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/seal.h"
#include "jail/plan.h"
#include "test.h"

#include <sys/mman.h>

/* A plan in which every field says something, but for the private network,
 * which a host's ports exclude: private_sample(). */
static struct entry entries[] = {
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/usr", "/usr" },
	{ ENTRY_LINK, 0, 0, "/bin", "usr/bin" },
	{ ENTRY_DIR, ENTRY_OWNED, 0700, "/run/user/20001", "" },
	{ ENTRY_FILE, 0, 0644, "/etc/passwd", "root:x:0:0::/:/bin/sh\n" },
	{ ENTRY_DEVICE, 0, 0666, "/dev/null", "1:3" },
	{ ENTRY_SCRATCH, ENTRY_DEVICES | ENTRY_NOEXEC, 01777, "/tmp", "" },
	{ ENTRY_PROC, 0, 0, "/proc", "" },
	{ ENTRY_PTS, 0, 0, "/dev/pts", "" },
	{ ENTRY_HIDE, ENTRY_OPTIONAL, 0, "/usr/games", "" },
	{ ENTRY_FREEZE, 0, 0, "/proc/sys", "" },
	{ ENTRY_USERNS, 0, 0, "/run/jail/userns", "" },
};
static gid_t groups[] = { 20001, 30000 };
static const char *env[] = { "EDITOR=vi", "EMPTY=" };
static const char *env_keep[] = { "TERM", "LC_*" };

static const char *commands[] = { "passwd", "crontab" };
static const char *egress[] = { "192.0.2.0/24 443", "any 53/udp" };
static const char *nameservers[] = { "192.0.2.53" };

static const char *allow[] = { "ptrace" };
static const char *deny[] = { "kcmp", "mincore" };
static struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003eU, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0x7fff0000U),
	BPF_STMT(BPF_RET | BPF_K, 0x00050026U),
};

static struct plan
sample(void)
{
	struct plan plan = {
		.account = "alice",
		.uid = 20001,
		.gid = 20001,
		.groups = groups,
		.n_groups = N_ROWS(groups),
		.root_inside = true,
		.sub_uid = 100000,
		.sub_gid = 200000,
		.jail = "shell",
		.name = "work",
		.home = "/home/work",
		.shell = "/bin/bash",
		.hostname = "box",
		.tree = "/srv/tree",
		.upper = "/var/lib/jail/overlay/20001",
		.entries = entries,
		.n_entries = N_ROWS(entries),
		.scratch_bytes = 1ULL << 40,
		.scratch_files = 77,
		.terminals = 5,
		.network = PLAN_NETWORK_HOST,
		.abstract_of_session = true,
		.quota = { 1ULL << 41, 5000, PLAN_NEED_WISHED },
		.ports = { 8000, 8009, PLAN_NEED_WISHED },
		.seccomp = "batch",
		.seccomp_allow = allow,
		.n_seccomp_allow = N_ROWS(allow),
		.seccomp_deny = deny,
		.n_seccomp_deny = N_ROWS(deny),
		.filter = filter,
		.n_filter = N_ROWS(filter),
		.env = env,
		.n_env = N_ROWS(env),
		.env_keep = env_keep,
		.n_env_keep = N_ROWS(env_keep),
		.commands = commands,
		.n_commands = N_ROWS(commands),
		.umask = 027,
		.sessions = 9,
		.linger_seconds = 60,
	};

	plan.limits[RLIMIT_NOFILE] =
		(struct plan_limit){ true, { 100, RLIM_INFINITY } };
	plan.shares[PLAN_MEMORY] =
		(struct plan_limit_share){ true, PLAN_NEED_REQUIRED,
					   1ULL << 40 };
	plan.shares[PLAN_IO_WEIGHT] =
		(struct plan_limit_share){ true, PLAN_NEED_WISHED, 7 };
	plan.reseller = "acme";
	plan.above[PLAN_PIDS] =
		(struct plan_limit_share){ true, PLAN_NEED_REQUIRED, 500 };
	return plan;
}

static struct plan
private_sample(void)
{
	struct plan plan = sample();

	plan.network = PLAN_NETWORK_PRIVATE;
	plan.abstract_of_session = false;
	plan.ports = (struct plan_ports){ .first = 0 };
	plan.private = (struct plan_private){
		.interface = "jail0a4d0002",
		.address = "10.77.0.2",
		.gateway = "10.77.0.1",
		.egress = egress,
		.n_egress = N_ROWS(egress),
		.nameservers = nameservers,
		.n_nameservers = N_ROWS(nameservers),
		.rules = "add table jail0a4d0002",
		.end = "delete table jail0a4d0002",
	};
	return plan;
}

static int
seal(const struct plan *plan)
{
	struct err err = { .text = "" };
	const int fd = plan_seal(plan, &err);

	if (fd < 0)
		fail_msg("%s", err.text);
	return fd;
}

static void
assert_same_texts(const char **a, size_t n_a, const char **b, size_t n_b)
{
	assert_int_equal(n_a, n_b);
	for (size_t i = 0; i < n_a; i++)
		assert_string_equal(a[i], b[i]);
}

/* Either may be NULL. */
static void
assert_same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		assert_string_equal(a, b);
}

static void
assert_same_private(const struct plan_private *a, const struct plan_private *b)
{
	assert_same_text(a->interface, b->interface);
	assert_same_text(a->address, b->address);
	assert_same_text(a->gateway, b->gateway);
	assert_same_texts(a->egress, a->n_egress, b->egress, b->n_egress);
	assert_same_texts(a->nameservers, a->n_nameservers, b->nameservers,
			  b->n_nameservers);
	assert_same_text(a->rules, b->rules);
	assert_same_text(a->end, b->end);
}

static void
assert_same_lists(const struct plan *a, const struct plan *b)
{
	assert_int_equal(a->n_groups, b->n_groups);
	for (size_t i = 0; i < a->n_groups; i++)
		assert_int_equal(a->groups[i], b->groups[i]);
	assert_same_texts(a->env, a->n_env, b->env, b->n_env);
	assert_same_texts(a->env_keep, a->n_env_keep, b->env_keep,
			  b->n_env_keep);
	assert_same_texts(a->commands, a->n_commands, b->commands,
			  b->n_commands);
	assert_same_texts(a->seccomp_allow, a->n_seccomp_allow,
			  b->seccomp_allow, b->n_seccomp_allow);
	assert_same_texts(a->seccomp_deny, a->n_seccomp_deny, b->seccomp_deny,
			  b->n_seccomp_deny);
	assert_int_equal(a->n_filter, b->n_filter);
	assert_memory_equal(a->filter, b->filter,
			    a->n_filter * sizeof(*a->filter));
	assert_int_equal(a->n_entries, b->n_entries);
	for (size_t i = 0; i < a->n_entries; i++) {
		assert_int_equal(a->entries[i].kind, b->entries[i].kind);
		assert_int_equal(a->entries[i].flags, b->entries[i].flags);
		assert_int_equal(a->entries[i].mode, b->entries[i].mode);
		assert_string_equal(a->entries[i].target, b->entries[i].target);
		assert_string_equal(a->entries[i].text, b->entries[i].text);
	}
}

static void
assert_same(const struct plan *a, const struct plan *b)
{
	assert_string_equal(a->account, b->account);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->root_inside, b->root_inside);
	assert_int_equal(a->sub_uid, b->sub_uid);
	assert_int_equal(a->sub_gid, b->sub_gid);
	assert_string_equal(a->jail, b->jail);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->home, b->home);
	assert_string_equal(a->shell, b->shell);
	assert_string_equal(a->hostname, b->hostname);
	assert_string_equal(a->tree, b->tree);
	assert_string_equal(a->upper, b->upper);
	assert_true(a->scratch_bytes == b->scratch_bytes);
	assert_true(a->scratch_files == b->scratch_files);
	assert_int_equal(a->terminals, b->terminals);
	assert_true(a->quota.bytes == b->quota.bytes);
	assert_true(a->quota.files == b->quota.files);
	assert_int_equal(a->quota.need, b->quota.need);
	assert_int_equal(a->network, b->network);
	assert_int_equal(a->abstract_of_session, b->abstract_of_session);
	assert_int_equal(a->ports.first, b->ports.first);
	assert_int_equal(a->ports.last, b->ports.last);
	assert_int_equal(a->ports.need, b->ports.need);
	assert_string_equal(a->seccomp, b->seccomp);
	for (size_t i = 0; i < RLIM_NLIMITS; i++) {
		assert_int_equal(a->limits[i].set, b->limits[i].set);
		assert_true(a->limits[i].value.rlim_cur ==
			    b->limits[i].value.rlim_cur);
		assert_true(a->limits[i].value.rlim_max ==
			    b->limits[i].value.rlim_max);
	}
	assert_string_equal(a->reseller, b->reseller);
	for (size_t i = 0; i < PLAN_SHARES; i++) {
		assert_int_equal(a->above[i].set, b->above[i].set);
		assert_int_equal(a->above[i].need, b->above[i].need);
		assert_true(a->above[i].value == b->above[i].value);
		assert_int_equal(a->shares[i].set, b->shares[i].set);
		assert_int_equal(a->shares[i].need, b->shares[i].need);
		assert_true(a->shares[i].value == b->shares[i].value);
	}
	assert_int_equal(a->umask, b->umask);
	assert_int_equal(a->sessions, b->sessions);
	assert_int_equal(a->linger_seconds, b->linger_seconds);
	assert_same_private(&a->private, &b->private);
	assert_same_lists(a, b);
}

static void
assert_opens_as_sealed(const struct plan *plan)
{
	cleanup_fd int fd = seal(plan);
	struct err err = { .text = "" };
	struct plan got;

	for (int again = 0; again < 2; again++) {
		if (plan_open(fd, &got, &err) < 0)
			fail_msg("%s", err.text);
		assert_same(plan, &got);
		plan_free(&got);
		assert_null(got.arena.chunks);
	}
}

static void
what_was_sealed_is_what_is_opened(void **state)
{
	const struct plan plan = sample(), private = private_sample();

	(void)state;
	assert_opens_as_sealed(&plan);
	assert_opens_as_sealed(&private);
}

static void
what_may_be_missing_stays_missing(void **state)
{
	static const int32_t lingers[] = { PLAN_LINGER_FOREVER, 0,
					   INT32_MAX - 1 };

	(void)state;
	for (size_t i = 0; i < N_ROWS(lingers); i++) {
		struct plan plan = sample(), got;
		struct err err = { .text = "" };
		cleanup_fd int fd = -1;

		plan.tree = plan.upper = NULL;
		plan.root_inside = false;
		plan.sub_uid = plan.sub_gid = 0;
		plan.n_groups = plan.n_entries = plan.n_env = 0;
		plan.n_env_keep = plan.n_seccomp_allow = 0;
		plan.n_seccomp_deny = plan.n_filter = 0;
		plan.seccomp = "none";
		plan.quota = (struct plan_quota){ .bytes = 0 };
		plan.reseller = NULL;
		plan.above[PLAN_PIDS].set = false;
		plan.linger_seconds = lingers[i];
		fd = seal(&plan);
		if (plan_open(fd, &got, &err) < 0)
			fail_msg("%s", err.text);
		assert_null(got.tree);
		assert_null(got.upper);
		assert_null(got.reseller);
		assert_int_equal(got.linger_seconds, lingers[i]);
		assert_same_lists(&plan, &got);
		plan_free(&got);
	}
}

/* The bytes of a sealed plan, to be damaged. */
static size_t
read_bytes(int fd, unsigned char *bytes, size_t room)
{
	const ssize_t n = pread(fd, bytes, room, 0);

	assert_in_range(n, 1000, room - 1);
	return (size_t)n;
}

/* Opens bytes; whether they are a plan.  It must not crash, and what opens
 * must be a plan that could have been sealed. */
static bool
opens(const unsigned char *bytes, size_t size)
{
	struct err err = { .kind = ERR_NONE };
	cleanup_fd int fd = seal_bytes("x", bytes, size, &err);
	struct plan plan;

	assert_true(fd >= 0);
	if (plan_open(fd, &plan, &err) < 0) {
		assert_int_equal(err.kind, ERR_UNSAFE);
		assert_null(plan.arena.chunks);
		return false;
	}
	assert_int_equal(plan_check(&plan, &err), 0);
	plan_free(&plan);
	return true;
}

static void
a_part_of_a_plan_is_no_plan(void **state)
{
	const struct plan plan = sample();
	cleanup_fd int fd = seal(&plan);
	unsigned char bytes[8000] = { 0 };
	const size_t size = read_bytes(fd, bytes, sizeof(bytes));

	(void)state;
	assert_true(opens(bytes, size));
	for (size_t n = 0; n < size; n++)
		if (opens(bytes, n))
			fail_msg("%zu of %zu bytes", n, size);
	assert_false(opens(bytes, size + 1));
	assert_false(opens(bytes, size + 8));
}

static void
no_damaged_byte_does_harm(void **state)
{
	static const unsigned char masks[] = { 0xff, 0x01, 0x80, 0x20 };
	const struct plan plan = sample();
	cleanup_fd int fd = seal(&plan);
	unsigned char bytes[8000] = { 0 };
	const size_t size = read_bytes(fd, bytes, sizeof(bytes));
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < size; i++) {
		for (size_t j = 0; j < N_ROWS(masks); j++) {
			bytes[i] ^= masks[j];
			refused += !opens(bytes, size);
			bytes[i] ^= masks[j];
		}
	}
	/* A letter of a name may be another one; a number's may not. */
	assert_in_range(refused, size, size * N_ROWS(masks));
	bytes[0] ^= 1; /* the magic */
	assert_false(opens(bytes, size));
}

static void
words_of_any_value_do_no_harm(void **state)
{
	static const uint64_t words[] = {
		0,	    1,	       2,	   1000,	  UINT32_MAX,
		1ULL << 32, INT64_MAX, UINT64_MAX, UINT64_MAX / 8
	};
	const struct plan plan = sample();
	cleanup_fd int fd = seal(&plan);
	unsigned char bytes[8000] = { 0 };
	const size_t size = read_bytes(fd, bytes, sizeof(bytes));

	(void)state;
	for (size_t i = 0; i + 8 <= size; i++) {
		for (size_t j = 0; j < N_ROWS(words); j++) {
			unsigned char saved[8];

			memcpy(saved, bytes + i, 8);
			memcpy(bytes + i, &words[j], 8);
			(void)opens(bytes, size);
			memcpy(bytes + i, saved, 8);
		}
	}
}

static void
what_is_not_sealed_is_no_plan(void **state)
{
	cleanup_fd int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct err err = { .text = "" };
	struct plan plan;

	(void)state;
	assert_int_equal(plan_open(fd, &plan, &err), -1);
	assert_int_equal(err.kind, ERR_UNSAFE);
	assert_string_equal(err.text, "plan: not a sealed memfd");
	assert_int_equal(plan_open(-1, &plan, &err), -1);
}

static void
too_large_a_plan_is_refused(void **state)
{
	struct plan plan = sample();
	char *const text = malloc(SEAL_MAX_BYTES + 1);
	struct err err = { .text = "" };
	struct plan got;
	cleanup_fd int fd = -1;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', SEAL_MAX_BYTES);
	text[SEAL_MAX_BYTES] = '\0';
	plan.jail = text;
	fd = seal(&plan);
	assert_int_equal(plan_open(fd, &got, &err), -1);
	assert_int_equal(err.kind, ERR_UNSAFE);
	free(text);
}

/* --- plan_check ---------------------------------------------------------- */

static void
break_account(struct plan *plan)
{
	plan->account = NULL;
}

static void
break_jail(struct plan *plan)
{
	plan->jail = NULL;
}

static void
break_hostname(struct plan *plan)
{
	plan->hostname = NULL;
}

static void
break_name(struct plan *plan)
{
	plan->name = "wo:rk";
}

static void
break_uid(struct plan *plan)
{
	plan->uid = 0;
}

static void
break_uid_more(struct plan *plan)
{
	plan->uid = (uid_t)-1;
}

static void
break_gid(struct plan *plan)
{
	plan->gid = 0;
}

static void
break_gid_more(struct plan *plan)
{
	plan->gid = (gid_t)-1;
}

static void
break_group(struct plan *plan)
{
	static gid_t bad[] = { 20001, 0 };

	plan->groups = bad;
}

static void
break_group_more(struct plan *plan)
{
	static gid_t bad[] = { 20001, (gid_t)-1 };

	plan->groups = bad;
}

static void
break_quota(struct plan *plan)
{
	plan->seccomp = "none";
	plan->n_filter = 0;
}

static void
break_quota_more(struct plan *plan)
{
	static const char *calls[] = { "ptrace", "ioctl" };

	plan->quota.bytes = 0;
	plan->seccomp_allow = calls;
	plan->n_seccomp_allow = N_ROWS(calls);
}

static void
break_quota_new(struct plan *plan)
{
	static const char *calls[] = { "file_setattr" };

	plan->quota.files = 0;
	plan->seccomp_allow = calls;
	plan->n_seccomp_allow = N_ROWS(calls);
}

static void
break_ports(struct plan *plan)
{
	plan->ports.first = 8010;
}

static void
break_ports_more(struct plan *plan)
{
	plan->ports.first = 0;
}

static void
break_ports_all(struct plan *plan)
{
	plan->ports = (struct plan_ports){ 1, 65535, PLAN_NEED_REQUIRED };
}

static void
break_ports_elsewhere(struct plan *plan)
{
	plan->network = PLAN_NETWORK_NONE;
}

static void
break_home(struct plan *plan)
{
	plan->home = "home";
}

static void
break_home_more(struct plan *plan)
{
	plan->home = NULL;
}

static void
break_passwd(struct plan *plan)
{
	plan->home = "/home/alice:x";
}

static void
break_shell(struct plan *plan)
{
	plan->shell = "/bin/../bin/sh";
}

static void
break_tree(struct plan *plan)
{
	plan->tree = "/srv//tree";
}

static void
break_upper(struct plan *plan)
{
	plan->upper = "";
}

static void
break_layers(struct plan *plan)
{
	plan->root_inside = false;
	plan->sub_uid = plan->sub_gid = 0;
	plan->tree = NULL;
}

static void
break_root_inside(struct plan *plan)
{
	plan->root_inside = false;
}

static void
break_root_tree(struct plan *plan)
{
	plan->tree = NULL;
}

static void
break_sub_uid(struct plan *plan)
{
	plan->sub_uid = 65535;
}

static void
break_sub_gid(struct plan *plan)
{
	plan->sub_gid = UINT32_MAX - PLAN_SUB_IDS;
}

static void
break_sub_own(struct plan *plan)
{
	plan->uid = 100000 + PLAN_SUB_IDS - 1;
}

static void
break_sub_group(struct plan *plan)
{
	static gid_t bad[] = { 20001, 200000 };

	plan->groups = bad;
}

static void
break_linger(struct plan *plan)
{
	plan->linger_seconds = -2;
}

static void
break_reseller(struct plan *plan)
{
	plan->reseller = "../acme";
}

static void
break_reseller_more(struct plan *plan)
{
	plan->reseller = NULL;
}

static void
break_reseller_most(struct plan *plan)
{
	plan->above[PLAN_SESSION_CPU].set = true;
}

static void
break_filter(struct plan *plan)
{
	plan->n_filter = 0;
}

static void
break_filter_more(struct plan *plan)
{
	plan->seccomp = "none";
}

static void
break_filter_most(struct plan *plan)
{
	static struct sock_filter large[BPF_MAXINSNS + 1];

	plan->filter = large;
	plan->n_filter = BPF_MAXINSNS + 1;
}

static const struct {
	void (*damage)(struct plan *plan);
	const char *why;
} bad_plans[] = {
	{ break_account, "plan: a name is missing" },
	{ break_jail, "plan: a name is missing" },
	{ break_hostname, "plan: a name is missing" },
	{ break_name, "plan: a name is missing" },
	{ break_uid, "plan: uid 0" },
	{ break_uid_more, "plan: uid 4294967295" },
	{ break_gid, "plan: gid 0" },
	{ break_gid_more, "plan: gid 4294967295" },
	{ break_group, "plan: group 0" },
	{ break_group_more, "plan: group 4294967295" },
	{ break_quota, "plan: disk without a filter" },
	{ break_quota_more, "plan: disk, and ioctl is allowed" },
	{ break_quota_new, "plan: disk, and file_setattr is allowed" },
	{ break_ports, "plan: ports 8010-8009" },
	{ break_ports_more, "plan: ports 0-8009" },
	{ break_ports_all, "plan: ports 1-65535" },
	{ break_ports_elsewhere, "plan: ports 8000-8009" },
	{ break_home, "plan: bad path \"home\"" },
	{ break_home_more, "plan: bad path \"\"" },
	{ break_passwd, "plan: a colon in the home or the shell" },
	{ break_shell, "plan: bad path \"/bin/../bin/sh\"" },
	{ break_tree, "plan: bad path \"/srv//tree\"" },
	{ break_upper, "plan: bad path \"\"" },
	{ break_layers, "plan: upper without a tree" },
	{ break_root_inside, "plan: ids of root inside, and none" },
	{ break_root_tree, "plan: root inside without a tree" },
	{ break_sub_uid, "plan: ids from 65535 on" },
	{ break_sub_gid, "plan: ids from 4294901760 on" },
	{ break_sub_own, "plan: the account is among its own ids" },
	{ break_sub_group,
	  "plan: group 200000 is among the account's own ids" },
	{ break_linger, "plan: linger -2" },
	{ break_reseller, "plan: reseller \"../acme\"" },
	{ break_reseller_more, "plan: reseller \"\"" },
	{ break_reseller_most, "plan: reseller \"acme\"" },
	{ break_filter, "plan: seccomp \"batch\" with 0 instructions" },
	{ break_filter_more, "plan: seccomp \"none\" with 4 instructions" },
	{ break_filter_most, "plan: seccomp \"batch\" with 4097 instructions" },
};

static void
a_plan_with_a_mistake_is_not_sealed(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(bad_plans); i++) {
		struct plan plan = sample();
		struct err err = { .text = "" };

		bad_plans[i].damage(&plan);
		assert_int_equal(plan_seal(&plan, &err), -1);
		assert_int_equal(err.kind, ERR_UNSAFE);
		assert_string_equal(err.text, bad_plans[i].why);
		assert_int_equal(plan_check(&plan, &err), -1);
	}
}

static void
an_entry_with_a_mistake_is_not_sealed(void **state)
{
	static const struct {
		struct entry entry;
		const char *why;
	} cases[] = {
		{ { ENTRY_SCRATCH, ENTRY_OWNED, 0755, "/tmp", "1:1" },
		  "plan: bad size for /tmp" },
		{ { ENTRY_SCRATCH, 0, 0755, "/tmp", "1" },
		  "plan: bad size for /tmp" },
		{ { ENTRY_SCRATCH, 0, 0755, "/tmp", "1:" },
		  "plan: bad size for /tmp" },
		{ { ENTRY_SCRATCH, 0, 0755, "/tmp", "1:0" },
		  "plan: bad size for /tmp" },
		{ { ENTRY_SCRATCH, 0, 0755, "/tmp", "-1:1" },
		  "plan: bad size for /tmp" },
		{ { ENTRY_SCRATCH, 0, 0755, "/tmp", "1:1,huge=always" },
		  "plan: bad size for /tmp" },
		{ { ENTRY_SCRATCH, 0, 0755, "/tmp", "9999999999999999999:1" },
		  "plan: bad size for /tmp" },
		{ { ENTRY_DIR, 0, 0755, "/", "" }, "plan: bad target \"/\"" },
		{ { ENTRY_DIR, 0, 0755, "", "" }, "plan: bad target \"\"" },
		{ { ENTRY_DIR, 0, 0755, NULL, "" }, "plan: bad target \"\"" },
		{ { ENTRY_DIR, 0, 0755, "etc", "" },
		  "plan: bad target \"etc\"" },
		{ { ENTRY_DIR, 0, 0755, "/etc/..", "" },
		  "plan: bad target \"/etc/..\"" },
		{ { ENTRY_DIR, 0, 0755, "/etc/", "" },
		  "plan: bad target \"/etc/\"" },
		{ { ENTRY_BIND, 0, 0, "/a", "" }, "plan: bad source for /a" },
		{ { ENTRY_BIND, 0, 0, "/a", "a" }, "plan: bad source for /a" },
		{ { ENTRY_BIND, 0, 0, "/a", "/../a" },
		  "plan: bad source for /a" },
		{ { ENTRY_FILE, 0, 0, "/a", NULL }, "plan: bad source for /a" },
		{ { ENTRY_FILE, 0, 04755, "/a", "" },
		  "plan: mode 4755 for /a" },
		{ { ENTRY_DIR, 0, 02755, "/a", "" }, "plan: mode 2755 for /a" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct entry entry = cases[i].entry;
		struct plan plan = sample();
		struct err err = { .text = "" };

		plan.entries = &entry;
		plan.n_entries = 1;
		assert_int_equal(plan_seal(&plan, &err), -1);
		assert_int_equal(err.kind, ERR_UNSAFE);
		assert_string_equal(err.text, cases[i].why);
	}
}

static void
limits_have_the_names_of_the_manual(void **state)
{
	(void)state;
	assert_string_equal(limit_name(RLIMIT_NOFILE), "nofile");
	assert_string_equal(limit_name(RLIMIT_CORE), "core");
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++)
		assert_non_null(limit_name(i));
	assert_null(limit_name(RLIM_NLIMITS));
	assert_null(limit_name(UINT32_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_is_what_is_opened),
		cmocka_unit_test(what_may_be_missing_stays_missing),
		cmocka_unit_test(a_part_of_a_plan_is_no_plan),
		cmocka_unit_test(no_damaged_byte_does_harm),
		cmocka_unit_test(words_of_any_value_do_no_harm),
		cmocka_unit_test(what_is_not_sealed_is_no_plan),
		cmocka_unit_test(too_large_a_plan_is_refused),
		cmocka_unit_test(a_plan_with_a_mistake_is_not_sealed),
		cmocka_unit_test(an_entry_with_a_mistake_is_not_sealed),
		cmocka_unit_test(limits_have_the_names_of_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
