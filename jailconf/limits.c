/* SPDX-License-Identifier: ISC */
#include "jailconf/limits.h"

#include "jail/cgroup.h"
#include "jail/quota.h"
#include "jailconf/output.h"
#include "jailconf/rehearse.h"

#include <inttypes.h>
#include <string.h>

static void
add_amount(struct line *line, rlim_t value)
{
	if (value == RLIM_INFINITY)
		line_add(line, "unlimited");
	else
		line_add(line, "%" PRIuMAX, (uintmax_t)value);
}

static void
print_limits(const struct plan *plan)
{
	struct line line = { .used = 0 };

	for (unsigned int i = 0; i < RLIM_NLIMITS; i++) {
		const struct plan_limit *const limit = &plan->limits[i];

		if (!limit->set)
			continue;
		line_add(&line, "%s%s ", line.used > 0 ? ", " : "",
			 limit_name(i));
		add_amount(&line, limit->value.rlim_cur);
		if (limit->value.rlim_cur != limit->value.rlim_max) {
			line_add(&line, ":");
			add_amount(&line, limit->value.rlim_max);
		}
	}
	if (line.used > 0)
		out_row("limits", "%s", line.text);
	out_row("",
		"%" PRIu64 " KiB and %" PRIu64
		" files of scratch, %u terminals, %u sessions",
		plan->scratch_bytes / 1024, plan->scratch_files,
		plan->terminals, plan->sessions);
}

static void
add_share(struct line *line, enum plan_share share, uint64_t value)
{
	line_add(line, "%s%s ", line->used > 0 ? ", " : "", share_name(share));
	if (share == PLAN_CPUS)
		line_add(line, "%" PRIu64 ".%03" PRIu64, value / PLAN_WHOLE_CPU,
			 value % PLAN_WHOLE_CPU);
	else
		line_add(line, "%" PRIu64, value);
}

/* Of jails as a whole, or of each session. */
enum whose { OF_JAILS, OF_SESSIONS };

static void
add_shares(struct line *line, const struct plan_limit_share shares[PLAN_SHARES],
	   enum whose whose)
{
	for (int i = 0; i < PLAN_SHARES; i++)
		if (shares[i].set && share_is_of_session((enum plan_share)i) ==
					     (whose == OF_SESSIONS))
			add_share(line, (enum plan_share)i, shares[i].value);
}

/* And what comes of it on this host. */
static void
print_shares(const struct plan *plan)
{
	struct line own = { .used = 0 }, above = { .used = 0 };
	struct line session = { .used = 0 };
	struct share_held held;
	char names[256];
	struct err err;

	add_shares(&own, plan->shares, OF_JAILS);
	add_shares(&session, plan->shares, OF_SESSIONS);
	add_shares(&above, plan->above, OF_JAILS);
	if (session.used > 0)
		out_row("", "for each session, with all it starts: %s",
			session.text);
	if (own.used > 0)
		out_row("", "for the whole jail: %s", own.text);
	if (plan->reseller != NULL)
		out_row("reseller", "%s; for all its jails together: %s",
			plan->reseller,
			above.used > 0 ? above.text : "no limit");
	(void)cgroup_foresee(plan, &held, &err);
	if (share_not_held(plan, &held, names, sizeof(names)) > 0)
		out_row("",
			"not held on this host: %s (no %s in cgroup version 2)",
			names, share_lack(plan));
}

static void
print_missed(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_entries; i++)
		if (quota_misses(&plan->entries[i]))
			out_row("", "not counted: what is written to %s",
				plan->entries[i].target);
}

/* And what comes of it on this host. */
static void
print_quota(const struct plan *plan)
{
	struct line line = { .used = 0 };
	struct err err;

	if (!plan_has_quota(plan))
		return;
	if (plan->quota.bytes != 0)
		line_add(&line, "%" PRIu64 " KiB", plan->quota.bytes / 1024);
	if (plan->quota.files != 0)
		line_add(&line, "%s%" PRIu64 " files",
			 line.used > 0 ? " and " : "", plan->quota.files);
	out_row("disk",
		"%s on each file system, for project %u: home, binds of its "
		"own, changes",
		line.text, plan->uid);
	print_missed(plan);
	if (rehearse_quota(plan, &err) < 0)
		out_row("", "not held: %s", err.text);
}

void
limits_print(const struct plan *plan)
{
	print_limits(plan);
	print_shares(plan);
	print_quota(plan);
}

/* --- JSON --------------------------------------------------------------- */

static struct json_object *
amount_json(rlim_t value)
{
	return value == RLIM_INFINITY ? json_object_new_string("unlimited")
				      : json_object_new_uint64(value);
}

static struct json_object *
rlimits_json(const struct plan *plan)
{
	struct json_object *const object = json_object_new_object();

	for (unsigned int i = 0; i < RLIM_NLIMITS; i++) {
		const struct rlimit *const value = &plan->limits[i].value;
		struct json_object *pair;

		if (!plan->limits[i].set)
			continue;
		pair = json_object_new_object();
		(void)json_object_object_add(pair, "soft",
					     amount_json(value->rlim_cur));
		(void)json_object_object_add(pair, "hard",
					     amount_json(value->rlim_max));
		(void)json_object_object_add(object, limit_name(i), pair);
	}
	return object;
}

static void
shares_json(const struct plan_limit_share shares[PLAN_SHARES],
	    const bool held[PLAN_SHARES], struct json_object *limits)
{
	struct json_object *const not_held = json_object_new_array();

	for (int i = 0; i < PLAN_SHARES; i++) {
		const char *const name = share_name((enum plan_share)i);
		const uint64_t value = shares[i].value;

		if (!shares[i].set)
			continue;
		if (i == PLAN_CPUS)
			(void)json_object_object_add(
				limits, name,
				json_object_new_double((double)value /
						       PLAN_WHOLE_CPU));
		else
			json_set_number(limits, name, value);
		if (!held[i])
			(void)json_object_array_add(
				not_held, json_object_new_string(name));
	}
	(void)json_object_object_add(limits, "not_held", not_held);
}

static void
add_reseller(const struct plan *plan, const struct share_held *held,
	     struct json_object *object)
{
	struct json_object *const reseller = json_object_new_object();
	struct json_object *const limits = json_object_new_object();

	json_set(reseller, "name", plan->reseller);
	shares_json(plan->above, held->reseller, limits);
	(void)json_object_object_add(reseller, "limits", limits);
	(void)json_object_object_add(object, "reseller", reseller);
}

static void
add_quota(const struct plan *plan, struct json_object *limits)
{
	struct json_object *const missed = json_object_new_array();
	struct json_object *quota = NULL;
	struct err err;

	if (plan_has_quota(plan)) {
		quota = json_object_new_object();
		json_set_number(quota, "project", plan->uid);
		if (plan->quota.bytes != 0)
			json_set_number(quota, "bytes", plan->quota.bytes);
		if (plan->quota.files != 0)
			json_set_number(quota, "files", plan->quota.files);
		for (size_t i = 0; i < plan->n_entries; i++)
			if (quota_misses(&plan->entries[i]))
				(void)json_object_array_add(
					missed,
					json_object_new_string(
						plan->entries[i].target));
		(void)json_object_object_add(quota, "not_counted",
					     json_object_get(missed));
		json_set(quota, "not_held",
			 rehearse_quota(plan, &err) < 0 ? err.text : NULL);
	}
	(void)json_object_put(missed);
	(void)json_object_object_add(limits, "disk", quota);
}

/* Of directories that have a tmpfs of their own, as the keys of jail.conf(5).
 */
static void
add_own_sizes(const struct plan *plan, struct json_object *limits)
{
	static const struct {
		const char *target, *bytes, *files;
	} keys[] = {
		{ "/dev/shm", "shm", "shm_files" },
		{ "/run", "run", "run_files" },
	};

	for (size_t i = 0; i < plan->n_entries; i++) {
		const struct entry *const entry = &plan->entries[i];
		uint64_t bytes, files;

		if (entry->kind != ENTRY_SCRATCH ||
		    entry_own_size(entry, &bytes, &files) <= 0)
			continue;
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (strcmp(entry->target, keys[k].target) == 0) {
				json_set_number(limits, keys[k].bytes, bytes);
				json_set_number(limits, keys[k].files, files);
			}
	}
}

void
limits_json(const struct plan *plan, struct json_object *object)
{
	struct json_object *const limits = rlimits_json(plan);
	struct share_held held;
	struct err err;

	json_set_number(limits, "tmp", plan->scratch_bytes);
	json_set_number(limits, "tmp_files", plan->scratch_files);
	add_own_sizes(plan, limits);
	json_set_number(limits, "terminals", plan->terminals);
	json_set_number(limits, "sessions", plan->sessions);
	(void)cgroup_foresee(plan, &held, &err);
	shares_json(plan->shares, held.jail, limits);
	add_quota(plan, limits);
	(void)json_object_object_add(object, "limits", limits);
	if (plan->reseller != NULL)
		add_reseller(plan, &held, object);
}
