/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "jail/jail.h"
#include "jail/landlock.h"

#include <errno.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	CAPS_MAX = 64, /* bits of a set: capabilities(7), cap_get_proc(3) */
	LAST_SURE = CAP_CHECKPOINT_RESTORE, /* Linux 5.9 */
	CPUS_MAX = 8192,		    /* NR_CPUS of the largest kernels */
	CPU_WORD = 8 * sizeof(unsigned long),
	NO_MEMORY_FOR_FILTERS = 524, /* ENOTSUPP, the kernel's own */
};

struct ids {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
};

static void
free_caps(cap_t *caps)
{
	if (*caps != NULL)
		(void)cap_free(*caps);
}

#define cleanup_caps __attribute__((cleanup(free_caps)))

int
jail_limit(__rlimit_resource_t resource, struct rlimit *limit)
{
	struct rlimit now;

	if (setrlimit(resource, limit) == 0)
		return 0;
	if (errno != EPERM || getrlimit(resource, &now) < 0)
		return -1;
	if (limit->rlim_max <= now.rlim_max) {
		errno = EPERM;
		return -1;
	}
	limit->rlim_max = now.rlim_max;
	if (limit->rlim_cur > limit->rlim_max)
		limit->rlim_cur = limit->rlim_max;
	return setrlimit(resource, limit);
}

/*
 * Root's own keyring is not the account's, nor is that of its last session.
 * The new one is root's, too, and the session's by possession: one of the
 * account's would count among the few that an account may have, and sessions
 * may be more (keyrings(7), maxkeys).
 */
static int
make_session_keyring(struct err *err)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
	    errno != ENOSYS)
		return err_errno(err, "session keyring");
	return 0;
}

static bool
has_bit(const unsigned long *bits, size_t i)
{
	return (bits[i / CPU_WORD] >> i % CPU_WORD & 1) != 0;
}

int
jail_set_limits(const struct plan *plan, struct err *err)
{
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++) {
		const __rlimit_resource_t resource = (__rlimit_resource_t)i;
		struct rlimit limit = plan->limits[i].value, now;

		if (!plan->limits[i].set)
			continue;
		if (jail_limit(resource, &limit) < 0)
			return err_errno(err, "set limit %s", limit_name(i));
		if (getrlimit(resource, &now) < 0)
			return err_errno(err, "get limit %s", limit_name(i));
		if (now.rlim_cur != limit.rlim_cur ||
		    now.rlim_max != limit.rlim_max)
			return err_set(err, ERR_UNSAFE, "limit %s did not hold",
				       limit_name(i));
	}
	return 0;
}

/* The stricter one: the jail's own, or what it shares with others. */
static const struct plan_limit_share *
plan_cpus(const struct plan *plan)
{
	const struct plan_limit_share *const own = &plan->shares[PLAN_CPUS];
	const struct plan_limit_share *const above = &plan->above[PLAN_CPUS];

	if (!own->set)
		return above;
	return above->set && above->value < own->value ? above : own;
}

/*
 * A session sees as many processors as its jail may use, so that what starts a
 * thread for each starts no more.  It may change that: cpu.max holds anyway.
 * Each account gets its own of those that it had before, for the host's sake.
 */
static int
set_processors(const struct plan *plan, struct err *err)
{
	const struct plan_limit_share *const cpus = plan_cpus(plan);
	unsigned long had[CPUS_MAX / CPU_WORD] = { 0 };
	unsigned long gets[CPUS_MAX / CPU_WORD] = { 0 };
	size_t n = 0, first, wanted, place = 0;

	if (!cpus->set)
		return 0;
	if (sched_getaffinity(0, sizeof(had), (cpu_set_t *)had) < 0)
		return err_errno(err, "get processors");
	for (size_t i = 0; i < CPUS_MAX; i++)
		n += has_bit(had, i);
	wanted = (size_t)((cpus->value + PLAN_WHOLE_CPU - 1) / PLAN_WHOLE_CPU);
	if (wanted >= n)
		return 0;
	first = plan->uid % n;
	for (size_t i = 0; i < CPUS_MAX; i++)
		if (has_bit(had, i) && (place++ + n - first) % n < wanted)
			gets[i / CPU_WORD] |= 1UL << i % CPU_WORD;
	if (sched_setaffinity(0, sizeof(gets), (const cpu_set_t *)gets) < 0)
		return err_errno(err, "set processors");
	return 0;
}

static bool
has_group(const struct ids *ids, gid_t gid)
{
	for (size_t i = 0; i < ids->n_groups; i++)
		if (ids->groups[i] == gid)
			return true;
	return false;
}

/* The kernel keeps them in an order of its own. */
static int
check_groups(const struct ids *ids, struct err *err)
{
	const int n = getgroups(0, NULL);
	cleanup_free gid_t *groups = calloc(ids->n_groups + 1, sizeof(*groups));

	if (n < 0 || groups == NULL)
		return err_errno(err, "getgroups");
	if ((size_t)n != ids->n_groups || getgroups(n, groups) != n)
		return err_set(err, ERR_UNSAFE, "groups did not hold");
	for (int i = 0; i < n; i++)
		if (!has_group(ids, groups[i]))
			return err_set(err, ERR_UNSAFE, "group %u came along",
				       groups[i]);
	return 0;
}

static int
set_groups(const struct ids *ids, struct err *err)
{
	if (setgroups(ids->n_groups, ids->groups) < 0)
		return err_errno(err, "setgroups");
	return check_groups(ids, err);
}

static int
set_gid(gid_t gid, struct err *err)
{
	gid_t real, effective, saved;

	if (setresgid(gid, gid, gid) < 0)
		return err_errno(err, "setresgid %u", gid);
	if (getresgid(&real, &effective, &saved) < 0)
		return err_errno(err, "getresgid");
	if (real != gid || effective != gid || saved != gid)
		return err_set(err, ERR_UNSAFE, "gid %u did not hold", gid);
	return 0;
}

static int
set_uid(uid_t uid, struct err *err)
{
	uid_t real, effective, saved;

	if (setresuid(uid, uid, uid) < 0)
		return err_errno(err, "setresuid %u", uid);
	if (getresuid(&real, &effective, &saved) < 0)
		return err_errno(err, "getresuid");
	if (real != uid || effective != uid || saved != uid)
		return err_set(err, ERR_UNSAFE, "uid %u did not hold", uid);
	return 0;
}

/* Whether CAP is in the bounding set; -1 is an error. */
static int
is_bound(cap_value_t cap, struct err *err)
{
	const int is = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

	return is < 0 ? err_errno(err, "read capability %d", cap) : is;
}

/*
 * Needs CAP_SETPCAP.  All numbers that there can be are tried: how many the
 * kernel has is known from an error only, and an error must not end the loop.
 * The oldest kernel we run on has those up to LAST_SURE.  That
 * which is gone already is only read: it is what a keeper's child meets, and
 * costs a third.
 */
int
jail_drop_bounding_set(struct err *err)
{
	for (cap_value_t cap = 0; cap < CAPS_MAX; cap++) {
		const int is = cap <= LAST_SURE ? is_bound(cap, err) : 1;

		if (is < 0)
			return -1;
		if (is == 0)
			continue;
		if (cap_drop_bound(cap) < 0) {
			if (cap > LAST_SURE && errno == EINVAL)
				continue; /* there is no such capability */
			return err_errno(err, "drop capability %d", cap);
		}
		if (is_bound(cap, err) != 0)
			return err_set(err, ERR_UNSAFE,
				       "capability %d did not go", cap);
	}
	return 0;
}

/* The ambient set is a part of the inheritable one, always: capabilities(7).
 * So that which is read back is the larger of them. */
static int
drop_inheritable_set(struct err *err)
{
	cleanup_caps cap_t caps = cap_get_proc();
	cleanup_caps cap_t now = NULL;

	/* Not cap_reset_ambient(3), which asks for each of them first. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_errno(err, "clear ambient capabilities");
	if (caps == NULL || cap_clear_flag(caps, CAP_INHERITABLE) < 0 ||
	    cap_set_proc(caps) < 0)
		return err_errno(err, "clear inheritable capabilities");
	now = cap_get_proc();
	if (now == NULL)
		return err_errno(err, "get capabilities");
	if (cap_compare(caps, now) != 0)
		return err_set(err, ERR_UNSAFE,
			       "inheritable capabilities did not go");
	return 0;
}

int
jail_keep_network(struct err *err)
{
	static const cap_value_t net_admin = CAP_NET_ADMIN;
	cleanup_caps cap_t caps = cap_get_proc();

	if (caps == NULL ||
	    cap_set_flag(caps, CAP_INHERITABLE, 1, &net_admin, CAP_SET) < 0 ||
	    cap_set_proc(caps) < 0)
		return err_errno(err, "keep CAP_NET_ADMIN");
	return 0;
}

/*
 * All but CAP_SETPCAP, to drop the bounding set with, and CAP_BPF, if we have
 * it: memory for filters is one amount for the whole host, which any account
 * may use up, and only who has that gets more (net.core.bpf_jit_limit).
 */
static int
keep_capabilities_for_rules(struct err *err)
{
	static const cap_value_t kept[] = { CAP_SETPCAP, CAP_BPF };
	cleanup_caps cap_t caps = cap_init(), now = cap_get_proc();

	if (caps == NULL || now == NULL)
		return err_errno(err, "get capabilities");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (cap_get_flag(now, kept[i], CAP_PERMITTED, &has) < 0 ||
		    cap_set_flag(caps, CAP_PERMITTED, 1, &kept[i], has) < 0 ||
		    cap_set_flag(caps, CAP_EFFECTIVE, 1, &kept[i], has) < 0)
			return err_errno(err, "capabilities");
	}
	if (cap_set_proc(caps) < 0)
		return err_errno(err, "set capabilities");
	(void)cap_free(now);
	now = cap_get_proc();
	if (now == NULL)
		return err_errno(err, "get capabilities");
	if (cap_compare(caps, now) != 0)
		return err_set(err, ERR_UNSAFE, "capabilities did not go");
	return 0;
}

/* The last ones.  Not by libcap, which needs memory: the jail's PID 1 may not
 * ask for any more. */
static int
drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3];
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {
		{ 0 }
	};

	if (syscall(SYS_capset, &head, none) < 0)
		return err_errno(err, "drop capabilities");
	if (syscall(SYS_capget, &head, now) < 0)
		return err_errno(err, "get capabilities");
	if (memcmp(now, none, sizeof(now)) != 0)
		return err_set(err, ERR_UNSAFE, "capabilities did not go");
	return 0;
}

static int
set_no_new_privs(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, "no_new_privs");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_set(err, ERR_UNSAFE, "no_new_privs did not hold");
	return 0;
}

static int
set_filter(const struct sock_fprog *filter, struct err *err)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) < 0)
		return errno == NO_MEMORY_FOR_FILTERS
			       ? err_set(err, ERR_SYSTEM,
					 "seccomp: the host's memory for "
					 "filters is used up, see "
					 "net.core.bpf_jit_limit")
			       : err_errno(err, "seccomp");
	if (prctl(JAIL_FILTER_PROBE, 0, 0, 0, 0) != -1 ||
	    errno != JAIL_FILTER_ANSWER)
		return err_set(err, ERR_UNSAFE, "seccomp did not hold");
	return 0;
}

/* Whatever comes after it has to get through the filter. */
static int
take_on_rules(const struct plan *plan, struct err *err)
{
	const struct sock_fprog filter = {
		.len = (unsigned short)plan->n_filter,
		.filter = plan->filter,
	};

	if (landlock_enter(plan, err) < 0)
		return -1;
	return plan->n_filter == 0 ? 0 : set_filter(&filter, err);
}

/* What is left is what the rules are taken on with. */
static int
become(const struct ids *ids, struct err *err)
{
	/* Groups first: only root may change them. */
	if (set_groups(ids, err) < 0 || set_gid(ids->gid, err) < 0)
		return -1;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_KEEPCAPS");
	if (set_uid(ids->uid, err) < 0)
		return -1;
	/* Nobody of that uid may trace us while we still hold something; after
	 * the change of uid, which sets it to fs.suid_dumpable: proc(5). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	if (keep_capabilities_for_rules(err) < 0 ||
	    jail_drop_bounding_set(err) < 0 || drop_inheritable_set(err) < 0 ||
	    set_no_new_privs(err) < 0)
		return -1;
	if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)
		return err_set(err, ERR_UNSAFE, "root came back");
	return 0;
}

int
jail_become(const struct jail_inside *inside, struct err *err)
{
	const struct plan *const plan = inside->plan;
	const struct ids ids = { .uid = plan->uid,
				 .gid = plan->gid,
				 .groups = plan->groups,
				 .n_groups = plan->n_groups };

	if (make_session_keyring(err) < 0 || jail_set_limits(plan, err) < 0 ||
	    set_processors(plan, err) < 0 || become(&ids, err) < 0 ||
	    take_on_rules(plan, err) < 0)
		return -1;
	return drop_capabilities(err);
}

int
jail_confine(const struct jail_inside *inside, struct err *err)
{
	if (make_session_keyring(err) < 0 ||
	    jail_set_limits(inside->plan, err) < 0 ||
	    set_processors(inside->plan, err) < 0 ||
	    jail_drop_bounding_set(err) < 0 || drop_inheritable_set(err) < 0 ||
	    set_no_new_privs(err) < 0)
		return -1;
	return take_on_rules(inside->plan, err);
}

int
jail_become_outside(const struct plan *plan, struct err *err)
{
	const struct ids ids = { .uid = plan->uid,
				 .gid = plan->gid,
				 .groups = plan->groups,
				 .n_groups = plan->n_groups };

	if (make_session_keyring(err) < 0 || set_groups(&ids, err) < 0 ||
	    set_gid(ids.gid, err) < 0 || set_uid(ids.uid, err) < 0)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	if (drop_inheritable_set(err) < 0 || drop_capabilities(err) < 0)
		return -1;
	if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)
		return err_set(err, ERR_UNSAFE, "root came back");
	return 0;
}

int
jail_become_init(const struct sock_fprog *filter, struct err *err)
{
	const struct ids ids = { .uid = JAIL_ID_OF_INIT,
				 .gid = JAIL_ID_OF_INIT };
	int ret = make_session_keyring(err) < 0 ? -1 : become(&ids, err);

	if (ret < 0 && err->errnum == EINVAL)
		ret = err_context(err, "the jail's PID 1, which no container "
				       "without that uid can have");
	/* After the change of uid, which clears it: prctl(2). */
	if (ret == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		ret = err_errno(err, "PR_SET_PDEATHSIG");
	if (ret < 0 || set_filter(filter, err) < 0)
		return -1;
	return drop_capabilities(err);
}
