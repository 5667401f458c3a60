/* SPDX-License-Identifier: ISC */
/* limits: what a jail and its sessions may take. */
#include "policy/amount.h"
#include "policy/keys.h"

#include <inttypes.h>
#include <string.h>

/* Limits of the jail as a whole, beside those of setrlimit(2). */
enum jail_limit { JAIL_TMP, JAIL_TMP_FILES, JAIL_TERMINALS, JAIL_SESSIONS };

static const struct {
	const char *name;
	enum amount_unit unit;
	struct bounds bounds;
} jail_limits[] = {
	/* Less than 64 KiB or 64 files does not hold the jail's own. */
	[JAIL_TMP] = { "tmp", AMOUNT_BYTES, { 1 << 16, INT64_C(1) << 50 } },
	[JAIL_TMP_FILES] = { "tmp_files", AMOUNT_COUNT, { 64, UINT32_MAX } },
	/* devpts takes max=0 for no limit at all; the most is the kernel's
	 * NR_UNIX98_PTY_MAX. */
	[JAIL_TERMINALS] = { "terminals", AMOUNT_COUNT, { 1, 1 << 20 } },
	/* A keeper has 1024 descriptors, and a session takes two. */
	[JAIL_SESSIONS] = { "sessions", AMOUNT_COUNT, { 1, 400 } },
};

enum { N_JAIL_LIMITS = sizeof(jail_limits) / sizeof(jail_limits[0]) };

/* An amount written as an integer or as a string; both are one text. */
static const char *
amount_text(const struct reader *reader, const config_setting_t *setting,
	    struct err *err)
{
	struct text text = { .text = NULL };
	int64_t number = 0;

	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return setting_text(reader, setting, &text, err) < 0
			       ? NULL
			       : text.text;
	if (setting_number(reader, setting, &(struct bounds){ 0, INT64_MAX },
			   &number, err) < 0)
		return NULL;
	return arena_printf(reader->arena, err, "%" PRId64, number);
}

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
	case JAIL_TERMINALS:
		jail->terminals = (uint32_t)value;
		break;
	case JAIL_SESSIONS:
		jail->sessions = (uint32_t)value;
		break;
	}
}

static int
read_jail_limit(const struct reader *reader, const config_setting_t *setting,
		enum jail_limit which, struct jail_conf *jail, struct err *err)
{
	const struct bounds *const bounds = &jail_limits[which].bounds;
	const enum amount_unit unit = jail_limits[which].unit;
	const char *const text = amount_text(reader, setting, err);
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
	const char *const text = amount_text(reader, setting, err);
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

/* --- shares: what the jail as a whole may take --------------------------- */

static const struct {
	enum amount_unit unit;
	struct bounds bounds;
} shares[PLAN_SHARES] = {
	/* With less no shell starts. */
	[PLAN_MEMORY] = { AMOUNT_BYTES, { 8 << 20, INT64_C(1) << 50 } },
	[PLAN_MEMORY_HIGH] = { AMOUNT_BYTES, { 8 << 20, INT64_C(1) << 50 } },
	[PLAN_SWAP] = { AMOUNT_BYTES, { 0, INT64_C(1) << 50 } },
	/* The jail's PID 1 and what is between it and a session count; the
	 * most is the kernel's PID_MAX_LIMIT. */
	[PLAN_PIDS] = { AMOUNT_COUNT, { 8, 1 << 22 } },
	/* In thousandths; the kernel takes no less than 1 ms in 100. */
	[PLAN_CPUS] = { AMOUNT_COUNT, { 10, INT64_C(8192) * PLAN_WHOLE_CPU } },
	[PLAN_CPU_WEIGHT] = { AMOUNT_COUNT, { 1, 10000 } },
	[PLAN_IO_WEIGHT] = { AMOUNT_COUNT, { 1, 10000 } },
};

static int
find_share(const char *name)
{
	for (int i = 0; i < PLAN_SHARES; i++)
		if (strcmp(name, share_name((enum plan_share)i)) == 0)
			return i;
	return -1;
}

/* A number of processors, with a fraction or without one. */
static int
read_cpus(const struct reader *reader, const config_setting_t *setting,
	  uint64_t *value, struct err *err)
{
	const struct bounds *const bounds = &shares[PLAN_CPUS].bounds;
	const int type = config_setting_type(setting);
	double cpus = -1;

	if (type == CONFIG_TYPE_FLOAT)
		cpus = config_setting_get_float(setting);
	else if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
		cpus = (double)config_setting_get_int64(setting);
	cpus *= PLAN_WHOLE_CPU;
	if (!(cpus >= (double)bounds->least && cpus <= (double)bounds->most))
		return setting_error(reader, setting, err,
				     "\"cpus\" must be a number of processors, "
				     "from 0.01 to 8192, like 1.5");
	*value = (uint64_t)(cpus + 0.5);
	return 0;
}

static int
read_amount(const struct reader *reader, const config_setting_t *setting,
	    enum plan_share share, uint64_t *value, struct err *err)
{
	const struct bounds *const bounds = &shares[share].bounds;
	const char *const text = amount_text(reader, setting, err);

	if (text == NULL)
		return -1;
	if (amount_parse(text, shares[share].unit, value) &&
	    *value >= (uint64_t)bounds->least &&
	    *value <= (uint64_t)bounds->most)
		return 0;
	return setting_error(reader, setting, err,
			     "\"%s\" must be %s, from %" PRId64 " to %" PRId64,
			     share_name(share),
			     amount_words(shares[share].unit), bounds->least,
			     bounds->most);
}

static int
read_share(const struct reader *reader, const config_setting_t *setting,
	   enum plan_share which, struct jail_conf *jail, struct err *err)
{
	struct plan_limit_share *const share = &jail->shares[which];
	int ret;

	if (which == PLAN_CPUS)
		ret = read_cpus(reader, setting, &share->value, err);
	else
		ret = read_amount(reader, setting, which, &share->value, err);
	share->set = ret == 0;
	share->need = PLAN_NEED_REQUIRED;
	return ret;
}

static void
need_only(struct jail_conf *jail, const struct texts *names)
{
	for (int i = 0; i < PLAN_SHARES; i++) {
		jail->shares[i].need = PLAN_NEED_WISHED;
		for (size_t k = 0; k < names->n; k++)
			if (find_share(names->item[k].text) == i)
				jail->shares[i].need = PLAN_NEED_REQUIRED;
	}
}

/* Which of the shares must hold: after all of them have been read. */
static int
read_required(const struct reader *reader, const config_setting_t *setting,
	      struct jail_conf *jail, struct err *err)
{
	struct texts names = { .n = 0 };
	bool all = true;

	if (config_setting_type(setting) == CONFIG_TYPE_BOOL) {
		if (setting_bool(reader, setting, &all, err) < 0)
			return -1;
		if (!all)
			need_only(jail, &names);
		return 0;
	}
	if (setting_texts(reader, setting, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		const int share = find_share(names.item[i].text);

		if (share < 0 || !jail->shares[share].set)
			return setting_error(
				reader, setting, err,
				"\"%s\" is required, but is no limit of "
				"this jail as a whole",
				names.item[i].text);
	}
	need_only(jail, &names);
	return 0;
}

/* What does not fit into the jail's memory is not to fill the host's swap
 * space, unless somebody says so. */
static void
imply_swap(struct jail_conf *jail)
{
	if (jail->shares[PLAN_MEMORY].set && !jail->shares[PLAN_SWAP].set)
		jail->shares[PLAN_SWAP] = (struct plan_limit_share){
			.set = true, .need = PLAN_NEED_IMPLIED, .value = 0
		};
}

static int
read_limit(const struct reader *reader, const config_setting_t *setting,
	   struct jail_conf *jail, struct err *err)
{
	const char *const name = config_setting_name(setting);
	const int share = find_share(name);

	if (strcmp(name, "required") == 0)
		return 0; /* key_limits() */
	if (share >= 0)
		return read_share(reader, setting, (enum plan_share)share, jail,
				  err);
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

int
key_limits(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	const config_setting_t *required;

	if (setting_is_group(reader, setting, err) < 0)
		return -1;
	memcpy(jail->limits, jail_conf_defaults.limits, sizeof(jail->limits));
	memcpy(jail->shares, jail_conf_defaults.shares, sizeof(jail->shares));
	jail->tmp_bytes = jail_conf_defaults.tmp_bytes;
	jail->tmp_files = jail_conf_defaults.tmp_files;
	jail->terminals = jail_conf_defaults.terminals;
	jail->sessions = jail_conf_defaults.sessions;
	for (int i = 0; i < config_setting_length(setting); i++)
		if (read_limit(
			    reader,
			    config_setting_get_elem(setting, (unsigned int)i),
			    jail, err) < 0)
			return -1;
	required = config_setting_get_member(setting, "required");
	if (required != NULL && read_required(reader, required, jail, err) < 0)
		return -1;
	imply_swap(jail);
	return 0;
}
