/* SPDX-License-Identifier: ISC */
/* limits: what a jail and its sessions may take. */
#include "policy/amount.h"
#include "policy/keys.h"
#include "policy/shares.h"

#include <inttypes.h>
#include <string.h>

/* Limits of the jail as a whole, beside those of setrlimit(2). */
enum jail_limit {
	JAIL_TMP,
	JAIL_TMP_FILES,
	JAIL_SHM,
	JAIL_SHM_FILES,
	JAIL_RUN,
	JAIL_RUN_FILES,
	JAIL_TERMINALS,
	JAIL_SESSIONS,
	JAIL_DISK,
	JAIL_DISK_FILES
};

static const struct {
	const char *name;
	enum amount_unit unit;
	struct bounds bounds;
} jail_limits[] = {
	/* Less than 64 KiB or 64 files does not hold the jail's own. */
	[JAIL_TMP] = { "tmp", AMOUNT_BYTES, { 1 << 16, INT64_C(1) << 50 } },
	[JAIL_TMP_FILES] = { "tmp_files", AMOUNT_COUNT, { 64, UINT32_MAX } },
	[JAIL_SHM] = { "shm", AMOUNT_BYTES, { 1 << 16, INT64_C(1) << 50 } },
	[JAIL_SHM_FILES] = { "shm_files", AMOUNT_COUNT, { 64, UINT32_MAX } },
	[JAIL_RUN] = { "run", AMOUNT_BYTES, { 1 << 16, INT64_C(1) << 50 } },
	[JAIL_RUN_FILES] = { "run_files", AMOUNT_COUNT, { 64, UINT32_MAX } },
	/* devpts takes max=0 for no limit at all; the most is the kernel's
	 * NR_UNIX98_PTY_MAX. */
	[JAIL_TERMINALS] = { "terminals", AMOUNT_COUNT, { 1, 1 << 20 } },
	/* A keeper has 1024 descriptors, and a session takes two. */
	[JAIL_SESSIONS] = { "sessions", AMOUNT_COUNT, { 1, 400 } },
	/* With less there is no room for what /etc/skel has. */
	[JAIL_DISK] = { "disk", AMOUNT_BYTES, { 1 << 20, INT64_C(1) << 50 } },
	[JAIL_DISK_FILES] = { "disk_files", AMOUNT_COUNT, { 64, UINT32_MAX } },
};

enum { N_JAIL_LIMITS = sizeof(jail_limits) / sizeof(jail_limits[0]) };

static void
set_jail_limit(struct jail_conf *jail, enum jail_limit which, uint64_t value)
{
	switch (which) {
	case JAIL_TMP:
		jail->tmp_bytes = value;
		break;
	case JAIL_TMP_FILES:
		jail->tmp_files = value;
		break;
	case JAIL_SHM:
		jail->shm.bytes = value;
		break;
	case JAIL_SHM_FILES:
		jail->shm.files = value;
		break;
	case JAIL_RUN:
		jail->run.bytes = value;
		break;
	case JAIL_RUN_FILES:
		jail->run.files = value;
		break;
	case JAIL_TERMINALS:
		jail->terminals = (uint32_t)value;
		break;
	case JAIL_SESSIONS:
		jail->sessions = (uint32_t)value;
		break;
	case JAIL_DISK:
		jail->quota.bytes = value;
		break;
	case JAIL_DISK_FILES:
		jail->quota.files = value;
		break;
	}
}

static int
read_jail_limit(const struct reader *reader, const config_setting_t *setting,
		enum jail_limit which, struct jail_conf *jail, struct err *err)
{
	const struct bounds *const bounds = &jail_limits[which].bounds;
	const enum amount_unit unit = jail_limits[which].unit;
	const char *const text = shares_amount(reader, setting, err);
	uint64_t value;

	if (text == NULL)
		return -1;
	if (!amount_parse(text, unit, &value) ||
	    value < (uint64_t)bounds->least || value > (uint64_t)bounds->most)
		return setting_error(
			reader, setting, err,
			"\"%s\" must be %s, from %" PRId64 " to %" PRId64,
			jail_limits[which].name, amount_words(unit),
			bounds->least, bounds->most);
	set_jail_limit(jail, which, value);
	return 0;
}

static int
read_resource(const struct reader *reader, const config_setting_t *setting,
	      unsigned int resource, struct jail_conf *jail, struct err *err)
{
	const char *const text = shares_amount(reader, setting, err);
	const enum amount_unit unit = limit_unit(resource);
	struct plan_limit *const limit = &jail->limits[resource];

	if (text == NULL)
		return -1;
	if (!amount_parse_limit(text, unit, &limit->value))
		return setting_error(reader, setting, err,
				     "\"%s\" must be LIMIT or \"SOFT:HARD\", "
				     "each %s, or \"unlimited\"",
				     setting_key(setting), amount_words(unit));
	/* setrlimit(2): more than fs.nr_open fails, for root as well. */
	if (resource == RLIMIT_NOFILE && limit->value.rlim_max > INT32_MAX)
		return setting_error(reader, setting, err,
				     "\"nofile\" cannot be unlimited; the "
				     "most is in /proc/sys/fs/nr_open");
	limit->set = true;
	return 0;
}

static int
read_limit(const struct reader *reader, const config_setting_t *setting,
	   struct jail_conf *jail, struct err *err)
{
	const char *const name = config_setting_name(setting);

	if (shares_is_key(name))
		return 0; /* key_limits() */
	for (unsigned int i = 0; i < N_JAIL_LIMITS; i++)
		if (strcmp(name, jail_limits[i].name) == 0)
			return read_jail_limit(reader, setting,
					       (enum jail_limit)i, jail, err);
	for (unsigned int i = 0; limit_name(i) != NULL; i++)
		if (strcmp(name, limit_name(i)) == 0)
			return read_resource(reader, setting, i, jail, err);
	return setting_error(reader, setting, err,
			     "no such limit: %s; jail.conf(5) has the list",
			     name);
}

/* Of the quota: after shares_read() has looked at what is required. */
static int
read_need(const struct reader *reader, const config_setting_t *group,
	  struct plan_quota *quota, struct err *err)
{
	bool needed = quota->bytes != 0 || quota->files != 0;

	if (needed &&
	    (shares_require(reader, group, "disk", &needed, err) < 0 ||
	     (!needed &&
	      shares_require(reader, group, "disk_files", &needed, err) < 0)))
		return -1;
	if (quota->bytes != 0 || quota->files != 0)
		quota->need = needed ? PLAN_NEED_REQUIRED : PLAN_NEED_WISHED;
	return 0;
}

int
key_limits(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	if (setting_is_group(reader, setting, err) < 0)
		return -1;
	memcpy(jail->limits, jail_conf_defaults.limits, sizeof(jail->limits));
	memcpy(jail->shares, jail_conf_defaults.shares, sizeof(jail->shares));
	jail->quota = jail_conf_defaults.quota;
	jail->tmp_bytes = jail_conf_defaults.tmp_bytes;
	jail->tmp_files = jail_conf_defaults.tmp_files;
	jail->shm = jail_conf_defaults.shm;
	jail->run = jail_conf_defaults.run;
	jail->terminals = jail_conf_defaults.terminals;
	jail->sessions = jail_conf_defaults.sessions;
	for (int i = 0; i < config_setting_length(setting); i++)
		if (read_limit(
			    reader,
			    config_setting_get_elem(setting, (unsigned int)i),
			    jail, err) < 0)
			return -1;
	if (shares_read(reader, setting, jail->shares, err) < 0)
		return -1;
	return read_need(reader, setting, &jail->quota, err);
}
