/* SPDX-License-Identifier: ISC */
#include "jail/plan.h"

#include "base/path.h"
#include "jail/commands.h"
#include "jail/pack.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Changes with the order of the calls in plan_seal(). */
enum { PLAN_MAGIC = 0x706c6139 };

enum { GID_TTY = 5 }; /* Debian's base-passwd, and everybody's */

static const char *const limit_names[RLIM_NLIMITS] = {
	[RLIMIT_AS] = "as",
	[RLIMIT_CORE] = "core",
	[RLIMIT_CPU] = "cpu",
	[RLIMIT_DATA] = "data",
	[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_LOCKS] = "locks",
	[RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_MSGQUEUE] = "msgqueue",
	[RLIMIT_NICE] = "nice",
	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_NPROC] = "nproc",
	[RLIMIT_RSS] = "rss",
	[RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",
	[RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_STACK] = "stack",
};

const char *
limit_name(unsigned int resource)
{
	return resource < RLIM_NLIMITS ? limit_names[resource] : NULL;
}

static const char *const share_names[PLAN_SHARES] = {
	[PLAN_MEMORY] = "memory",
	[PLAN_MEMORY_HIGH] = "memory_high",
	[PLAN_SWAP] = "swap",
	[PLAN_PIDS] = "pids",
	[PLAN_CPUS] = "cpus",
	[PLAN_CPU_WEIGHT] = "cpu_weight",
	[PLAN_IO_WEIGHT] = "io_weight",
	[PLAN_IO_READ] = "io_read",
	[PLAN_IO_WRITE] = "io_write",
	[PLAN_SESSION_TIME] = "session_time",
	[PLAN_SESSION_CPU] = "session_cpu",
};

const char *
share_name(enum plan_share share)
{
	return share_names[share];
}

bool
share_is_of_session(enum plan_share share)
{
	return share == PLAN_SESSION_TIME || share == PLAN_SESSION_CPU;
}

bool
plan_call_moves_files(const char *call)
{
	return strcmp(call, "ioctl") == 0 || strcmp(call, "file_setattr") == 0;
}

uid_t
plan_uid_inside(const struct plan *plan)
{
	return plan->root_inside ? 0 : plan->uid;
}

gid_t
plan_tty_group(const struct plan *plan)
{
	return plan->root_inside ? plan->sub_gid + GID_TTY - 1 : GID_TTY;
}

static void
pack_entries(struct pack *pack, const struct plan *plan)
{
	pack_number(pack, plan->n_entries);
	for (size_t i = 0; i < plan->n_entries; i++) {
		const struct entry *const entry = &plan->entries[i];

		pack_number(pack, entry->kind);
		pack_number(pack, entry->flags);
		pack_number(pack, entry->mode);
		pack_text(pack, entry->target);
		pack_text(pack, entry->text);
	}
}

static void
unpack_entries(struct unpack *unpack, struct plan *plan)
{
	plan->entries =
		unpack_array(unpack, sizeof(*plan->entries), &plan->n_entries);
	for (size_t i = 0; i < plan->n_entries; i++) {
		struct entry *const entry = &plan->entries[i];

		entry->kind =
			(enum entry_kind)unpack_number_to(unpack, ENTRY_USERNS);
		entry->flags = (unsigned int)unpack_number_to(unpack, UINT_MAX);
		entry->mode = (mode_t)unpack_number_to(unpack, 07777);
		entry->target = unpack_text(unpack);
		entry->text = unpack_text(unpack);
	}
}

static void
pack_limits(struct pack *pack, const struct plan *plan)
{
	for (size_t i = 0; i < RLIM_NLIMITS; i++) {
		pack_number(pack, plan->limits[i].set);
		pack_number(pack, plan->limits[i].value.rlim_cur);
		pack_number(pack, plan->limits[i].value.rlim_max);
	}
}

static void
unpack_limits(struct unpack *unpack, struct plan *plan)
{
	for (size_t i = 0; i < RLIM_NLIMITS; i++) {
		plan->limits[i].set = unpack_number_to(unpack, 1) == 1;
		plan->limits[i].value.rlim_cur = unpack_number(unpack);
		plan->limits[i].value.rlim_max = unpack_number(unpack);
	}
}

/* An instruction is as long as a number. */
_Static_assert(sizeof(struct sock_filter) == sizeof(uint64_t),
	       "struct sock_filter");

static void
pack_filter(struct pack *pack, const struct plan *plan)
{
	pack_text(pack, plan->seccomp);
	pack_texts(pack, plan->seccomp_allow, plan->n_seccomp_allow);
	pack_texts(pack, plan->seccomp_deny, plan->n_seccomp_deny);
	pack_number(pack, plan->n_filter);
	for (size_t i = 0; i < plan->n_filter; i++) {
		uint64_t number;

		memcpy(&number, &plan->filter[i], sizeof(number));
		pack_number(pack, number);
	}
}

static void
unpack_filter(struct unpack *unpack, struct plan *plan)
{
	plan->seccomp = unpack_text(unpack);
	plan->seccomp_allow = unpack_texts(unpack, &plan->n_seccomp_allow);
	plan->seccomp_deny = unpack_texts(unpack, &plan->n_seccomp_deny);
	plan->filter =
		unpack_array(unpack, sizeof(*plan->filter), &plan->n_filter);
	for (size_t i = 0; i < plan->n_filter; i++) {
		const uint64_t number = unpack_number(unpack);

		memcpy(&plan->filter[i], &number, sizeof(number));
	}
}

static void
pack_shares(struct pack *pack, const struct plan_limit_share *shares)
{
	for (size_t i = 0; i < PLAN_SHARES; i++) {
		pack_number(pack, shares[i].set);
		pack_number(pack, shares[i].need);
		pack_number(pack, shares[i].value);
	}
}

static void
unpack_shares(struct unpack *unpack, struct plan_limit_share *shares)
{
	for (size_t i = 0; i < PLAN_SHARES; i++) {
		struct plan_limit_share *const share = &shares[i];

		share->set = unpack_number_to(unpack, 1) == 1;
		share->need = (enum plan_need)unpack_number_to(
			unpack, PLAN_NEED_REQUIRED);
		share->value = unpack_number(unpack);
	}
}

static void
pack_quota(struct pack *pack, const struct plan *plan)
{
	pack_number(pack, plan->quota.bytes);
	pack_number(pack, plan->quota.files);
	pack_number(pack, plan->quota.need);
}

static void
unpack_quota(struct unpack *unpack, struct plan *plan)
{
	plan->quota.bytes = unpack_number(unpack);
	plan->quota.files = unpack_number(unpack);
	plan->quota.need =
		(enum plan_need)unpack_number_to(unpack, PLAN_NEED_REQUIRED);
}

static void
pack_ports(struct pack *pack, const struct plan *plan)
{
	pack_number(pack, plan->ports.first);
	pack_number(pack, plan->ports.last);
	pack_number(pack, plan->ports.need);
}

static void
unpack_ports(struct unpack *unpack, struct plan *plan)
{
	plan->ports.first = (uint16_t)unpack_number_to(unpack, UINT16_MAX);
	plan->ports.last = (uint16_t)unpack_number_to(unpack, UINT16_MAX);
	plan->ports.need =
		(enum plan_need)unpack_number_to(unpack, PLAN_NEED_REQUIRED);
}

static void
pack_private(struct pack *pack, const struct plan_private *private)
{
	pack_text(pack, private->interface);
	pack_text(pack, private->address);
	pack_text(pack, private->gateway);
	pack_texts(pack, private->egress, private->n_egress);
	pack_texts(pack, private->nameservers, private->n_nameservers);
	pack_text(pack, private->rules);
	pack_text(pack, private->end);
}

static void
unpack_private(struct unpack *unpack, struct plan_private *private)
{
	private->interface = unpack_text_or_null(unpack);
	private->address = unpack_text_or_null(unpack);
	private->gateway = unpack_text_or_null(unpack);
	private->egress = unpack_texts(unpack, &private->n_egress);
	private->nameservers = unpack_texts(unpack, &private->n_nameservers);
	private->rules = unpack_text_or_null(unpack);
	private->end = unpack_text_or_null(unpack);
}

static void
pack_groups(struct pack *pack, const struct plan *plan)
{
	pack_number(pack, plan->n_groups);
	for (size_t i = 0; i < plan->n_groups; i++)
		pack_number(pack, plan->groups[i]);
}

static void
unpack_groups(struct unpack *unpack, struct plan *plan)
{
	plan->groups =
		unpack_array(unpack, sizeof(*plan->groups), &plan->n_groups);
	for (size_t i = 0; i < plan->n_groups; i++)
		plan->groups[i] = (gid_t)unpack_number_to(unpack, UINT_MAX);
}

int
plan_seal(const struct plan *plan, struct err *err)
{
	struct pack pack = PACK_EMPTY;

	if (plan_check(plan, err) < 0)
		return -1;
	pack_number(&pack, PLAN_MAGIC);
	pack_text(&pack, plan->account);
	pack_number(&pack, plan->uid);
	pack_number(&pack, plan->gid);
	pack_groups(&pack, plan);
	pack_number(&pack, plan->root_inside);
	pack_number(&pack, plan->sub_uid);
	pack_number(&pack, plan->sub_gid);
	pack_text(&pack, plan->jail);
	pack_text(&pack, plan->name);
	pack_text(&pack, plan->home);
	pack_text(&pack, plan->shell);
	pack_text(&pack, plan->hostname);
	pack_text(&pack, plan->tree);
	pack_text(&pack, plan->upper);
	pack_entries(&pack, plan);
	pack_number(&pack, plan->scratch_bytes);
	pack_number(&pack, plan->scratch_files);
	pack_number(&pack, plan->terminals);
	pack_number(&pack, plan->network);
	pack_number(&pack, plan->abstract_of_session ? 1 : 0);
	pack_ports(&pack, plan);
	pack_private(&pack, &plan->private);
	pack_filter(&pack, plan);
	pack_limits(&pack, plan);
	pack_shares(&pack, plan->shares);
	pack_text(&pack, plan->reseller);
	pack_shares(&pack, plan->above);
	pack_quota(&pack, plan);
	pack_texts(&pack, plan->env, plan->n_env);
	pack_texts(&pack, plan->env_keep, plan->n_env_keep);
	pack_texts(&pack, plan->commands, plan->n_commands);
	pack_number(&pack, (uint64_t)plan->umask + 1);
	pack_number(&pack, plan->sessions);
	pack_number(&pack, (uint64_t)plan->linger_seconds + 1);
	return pack_seal(&pack, "jail-plan", err);
}

static void
unpack_plan(struct unpack *unpack, struct plan *plan)
{
	plan->account = unpack_text(unpack);
	plan->uid = (uid_t)unpack_number_to(unpack, UINT_MAX);
	plan->gid = (gid_t)unpack_number_to(unpack, UINT_MAX);
	unpack_groups(unpack, plan);
	plan->root_inside = unpack_number_to(unpack, 1) == 1;
	plan->sub_uid = (uid_t)unpack_number_to(unpack, UINT_MAX);
	plan->sub_gid = (gid_t)unpack_number_to(unpack, UINT_MAX);
	plan->jail = unpack_text(unpack);
	plan->name = unpack_text(unpack);
	plan->home = unpack_text(unpack);
	plan->shell = unpack_text(unpack);
	plan->hostname = unpack_text(unpack);
	plan->tree = unpack_text_or_null(unpack);
	plan->upper = unpack_text_or_null(unpack);
	unpack_entries(unpack, plan);
	plan->scratch_bytes = unpack_number(unpack);
	plan->scratch_files = unpack_number(unpack);
	plan->terminals = (uint32_t)unpack_number_to(unpack, UINT32_MAX);
	plan->network = (enum plan_network)unpack_number_to(
		unpack, PLAN_NETWORK_PRIVATE);
	plan->abstract_of_session = unpack_number_to(unpack, 1) != 0;
	unpack_ports(unpack, plan);
	unpack_private(unpack, &plan->private);
	unpack_filter(unpack, plan);
	unpack_limits(unpack, plan);
	unpack_shares(unpack, plan->shares);
	plan->reseller = unpack_text_or_null(unpack);
	unpack_shares(unpack, plan->above);
	unpack_quota(unpack, plan);
	plan->env = unpack_texts(unpack, &plan->n_env);
	plan->env_keep = unpack_texts(unpack, &plan->n_env_keep);
	plan->commands = unpack_texts(unpack, &plan->n_commands);
	plan->umask = (int32_t)unpack_number_to(unpack, 0777 + 1) - 1;
	plan->sessions = (uint32_t)unpack_number_to(unpack, UINT32_MAX);
	plan->linger_seconds = (int32_t)unpack_number_to(unpack, INT32_MAX) - 1;
}

int
plan_open(int fd, struct plan *plan, struct err *err)
{
	struct unpack unpack;

	*plan = (struct plan){ .uid = 0 };
	if (unpack_open(fd, &plan->arena, &unpack, err) < 0)
		return err_context(err, "plan");
	if (unpack_number(&unpack) != PLAN_MAGIC) {
		plan_free(plan);
		return err_set(err, ERR_UNSAFE,
			       "plan: not of this version of pam_jail: if a "
			       "jail runs since before an upgrade, jailconf "
			       "stop ends it");
	}
	unpack_plan(&unpack, plan);
	if (!unpack_done(&unpack)) {
		plan_free(plan);
		return err_set(err, ERR_UNSAFE, "plan: damaged");
	}
	if (plan_check(plan, err) < 0) {
		plan_free(plan);
		return -1;
	}
	return 0;
}

void
plan_free(struct plan *plan)
{
	arena_free(&plan->arena);
	*plan = (struct plan){ .uid = 0 };
}

int
entry_own_size(const struct entry *entry, uint64_t *bytes, uint64_t *files)
{
	const char *const text = entry->text, *const digits = "0123456789";
	const size_t first = strspn(text, digits);
	const char *const rest = text + first + 1;

	if (*text == '\0')
		return 0;
	/* As many digits as a number has for sure. */
	if (first < 1 || first > 18 || text[first] != ':' ||
	    strspn(rest, digits) != strlen(rest) || strlen(rest) < 1 ||
	    strlen(rest) > 18)
		return -1;
	*bytes = strtoull(text, NULL, 10);
	*files = strtoull(rest, NULL, 10);
	/* tmpfs(5) takes 0 for no limit at all. */
	return *bytes > 0 && *files > 0 ? 1 : -1;
}

static int
check_entry(const struct entry *entry, struct err *err)
{
	const bool bind = entry->kind == ENTRY_BIND;
	uint64_t bytes, files;

	if (entry->target == NULL || !path_is_clean(entry->target) ||
	    strcmp(entry->target, "/") == 0)
		return err_set(err, ERR_UNSAFE, "plan: bad target \"%s\"",
			       entry->target != NULL ? entry->target : "");
	if (entry->text == NULL || (bind && !path_is_clean(entry->text)))
		return err_set(err, ERR_UNSAFE, "plan: bad source for %s",
			       entry->target);
	/* One of its own is root's. */
	if (entry->kind == ENTRY_SCRATCH &&
	    (entry_own_size(entry, &bytes, &files) < 0 ||
	     (*entry->text != '\0' && (entry->flags & ENTRY_OWNED) != 0)))
		return err_set(err, ERR_UNSAFE, "plan: bad size for %s",
			       entry->target);
	if ((entry->mode & ~(mode_t)01777) != 0)
		return err_set(err, ERR_UNSAFE, "plan: mode %04o for %s",
			       entry->mode, entry->target);
	return 0;
}

static int
check_ids(const struct plan *plan, struct err *err)
{
	if (plan->uid == 0 || plan->uid == (uid_t)-1)
		return err_set(err, ERR_UNSAFE, "plan: uid %u", plan->uid);
	if (plan->gid == 0 || plan->gid == (gid_t)-1)
		return err_set(err, ERR_UNSAFE, "plan: gid %u", plan->gid);
	for (size_t i = 0; i < plan->n_groups; i++)
		if (plan->groups[i] == 0 || plan->groups[i] == (gid_t)-1)
			return err_set(err, ERR_UNSAFE, "plan: group %u",
				       plan->groups[i]);
	return 0;
}

/* Whether ID is one of those from FIRST on that are somebody's inside. */
static bool
is_sub_id(uint32_t id, uint32_t first)
{
	return id >= first && id - first < PLAN_SUB_IDS;
}

/* Root inside must be nobody outside but the account. */
static int
check_root_inside(const struct plan *plan, struct err *err)
{
	const uint32_t firsts[] = { plan->sub_uid, plan->sub_gid };

	if (!plan->root_inside)
		return plan->sub_uid == 0 && plan->sub_gid == 0
			       ? 0
			       : err_set(err, ERR_UNSAFE,
					 "plan: ids of root inside, and none");
	for (size_t i = 0; i < 2; i++)
		if (firsts[i] < PLAN_SUB_LEAST ||
		    firsts[i] > UINT32_MAX - 1 - PLAN_SUB_IDS)
			return err_set(err, ERR_UNSAFE, "plan: ids from %u on",
				       firsts[i]);
	if (is_sub_id(plan->uid, plan->sub_uid) ||
	    is_sub_id(plan->gid, plan->sub_gid))
		return err_set(err, ERR_UNSAFE,
			       "plan: the account is among its own ids");
	for (size_t i = 0; i < plan->n_groups; i++)
		if (is_sub_id(plan->groups[i], plan->sub_gid))
			return err_set(err, ERR_UNSAFE,
				       "plan: group %u is among the account's "
				       "own ids",
				       plan->groups[i]);
	if (plan->tree == NULL)
		return err_set(err, ERR_UNSAFE,
			       "plan: root inside without a tree");
	return 0;
}

static int
check_places(const struct plan *plan, struct err *err)
{
	const char *const paths[] = { plan->home, plan->shell, plan->tree,
				      plan->upper };
	const bool needed[] = { true, true, false, false };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i] == NULL ? needed[i] : !path_is_clean(paths[i]))
			return err_set(err, ERR_UNSAFE, "plan: bad path \"%s\"",
				       paths[i] != NULL ? paths[i] : "");
	/* Both become fields of passwd(5). */
	if (strchr(plan->home, ':') != NULL || strchr(plan->shell, ':') != NULL)
		return err_set(err, ERR_UNSAFE,
			       "plan: a colon in the home or the shell");
	if (plan->upper != NULL && plan->tree == NULL)
		return err_set(err, ERR_UNSAFE, "plan: upper without a tree");
	return 0;
}

static bool
is_ipv4(const char *text)
{
	struct in_addr address;

	return text != NULL && inet_pton(AF_INET, text, &address) == 1;
}

/* They become words of commands that root runs. */
static int
check_private(const struct plan *plan, struct err *err)
{
	const struct plan_private *const private = &plan->private;
	const char *const name = private->interface;

	if (plan->network != PLAN_NETWORK_PRIVATE) {
		if (name == NULL && private->address == NULL &&
		    private->rules == NULL && private->end == NULL)
			return 0;
		return err_set(err, ERR_UNSAFE,
			       "plan: an address without a network");
	}
	if (name == NULL || strlen(name) < PLAN_INTERFACE_MIN ||
	    strlen(name) > PLAN_INTERFACE_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") !=
		    strlen(name))
		return err_set(err, ERR_UNSAFE, "plan: interface \"%s\"",
			       name != NULL ? name : "");
	if (!is_ipv4(private->address) || !is_ipv4(private->gateway))
		return err_set(err, ERR_UNSAFE, "plan: no address");
	/* No rules where some were meant must not go unnoticed. */
	if (private->rules == NULL || strstr(private->rules, name) == NULL ||
	    private->end == NULL || strstr(private->end, name) == NULL)
		return err_set(err, ERR_UNSAFE, "plan: no rules for %s", name);
	return 0;
}

/* No filter where one was meant must not go unnoticed. */
static int
check_filter(const struct plan *plan, struct err *err)
{
	const bool none =
		plan->seccomp != NULL && strcmp(plan->seccomp, "none") == 0;

	if (plan->seccomp == NULL || none != (plan->n_filter == 0) ||
	    plan->n_filter > BPF_MAXINSNS)
		return err_set(err, ERR_UNSAFE,
			       "plan: seccomp \"%s\" with %zu instructions",
			       plan->seccomp != NULL ? plan->seccomp : "",
			       plan->n_filter);
	return 0;
}

/* Ports that are all there are would be no wall; and a network of the jail's
 * own has none of the host's. */
static int
check_ports(const struct plan *plan, struct err *err)
{
	const struct plan_ports *const ports = &plan->ports;

	if (ports->first == 0 && ports->last == 0)
		return 0;
	if (ports->first == 0 || ports->first > ports->last ||
	    (ports->first == 1 && ports->last == UINT16_MAX) ||
	    plan->network != PLAN_NETWORK_HOST)
		return err_set(err, ERR_UNSAFE, "plan: ports %u-%u",
			       ports->first, ports->last);
	return 0;
}

/* Its name becomes one of a directory; and what no reseller has set must not
 * be looked for. */
static int
check_reseller(const struct plan *plan, struct err *err)
{
	bool limits = false;

	for (int i = 0; i < PLAN_SHARES; i++)
		limits |= plan->above[i].set &&
			  (plan->reseller == NULL ||
			   share_is_of_session((enum plan_share)i));
	if (limits ||
	    (plan->reseller != NULL && !name_is_plain(plan->reseller)))
		return err_set(err, ERR_UNSAFE, "plan: reseller \"%s\"",
			       plan->reseller != NULL ? plan->reseller : "");
	return 0;
}

/* Where the account may say which project a file is of, none is counted that
 * it does not want to be.  In the user namespace of root inside the kernel lets
 * nobody say it, but not all of a session is in there. */
static int
check_quota(const struct plan *plan, struct err *err)
{
	if (!plan_has_quota(plan))
		return 0;
	if (plan->n_filter == 0)
		return err_set(err, ERR_UNSAFE, "plan: disk without a filter");
	for (size_t i = 0; i < plan->n_seccomp_allow; i++)
		if (plan_call_moves_files(plan->seccomp_allow[i]))
			return err_set(err, ERR_UNSAFE,
				       "plan: disk, and %s is allowed",
				       plan->seccomp_allow[i]);
	return 0;
}

int
plan_check(const struct plan *plan, struct err *err)
{
	if (plan->account == NULL || plan->jail == NULL ||
	    plan->hostname == NULL || plan->name == NULL ||
	    !name_is_plain(plan->name))
		return err_set(err, ERR_UNSAFE, "plan: a name is missing");
	if (check_ids(plan, err) < 0 || check_root_inside(plan, err) < 0 ||
	    check_places(plan, err) < 0 || check_filter(plan, err) < 0 ||
	    check_ports(plan, err) < 0 || check_reseller(plan, err) < 0 ||
	    check_quota(plan, err) < 0 || check_private(plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_commands; i++)
		if (command_find(plan->commands[i]) == NULL)
			return err_set(err, ERR_UNSAFE, "plan: command %s",
				       plan->commands[i]);
	if (plan->linger_seconds < PLAN_LINGER_FOREVER)
		return err_set(err, ERR_UNSAFE, "plan: linger %d",
			       plan->linger_seconds);
	for (size_t i = 0; i < plan->n_entries; i++)
		if (check_entry(&plan->entries[i], err) < 0)
			return -1;
	return 0;
}
