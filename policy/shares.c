/* SPDX-License-Identifier: ISC */
#include "policy/shares.h"

#include "policy/amount.h"

#include <inttypes.h>
#include <string.h>

/* An amount written as an integer or as a string; both are one text. */
const char *
shares_amount(const struct reader *reader, const config_setting_t *setting,
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

enum { YEAR_SECONDS = 365 * 24 * 60 * 60 };

static const struct {
	enum amount_unit unit;
	struct bounds bounds;
} kinds[PLAN_SHARES] = {
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
	/* With less a login takes minutes. */
	[PLAN_IO_READ] = { AMOUNT_BYTES, { 1 << 16, INT64_C(1) << 50 } },
	[PLAN_IO_WRITE] = { AMOUNT_BYTES, { 1 << 16, INT64_C(1) << 50 } },
	[PLAN_SESSION_TIME] = { AMOUNT_SECONDS, { 1, YEAR_SECONDS } },
	[PLAN_SESSION_CPU] = { AMOUNT_SECONDS, { 1, YEAR_SECONDS } },
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
	const struct bounds *const bounds = &kinds[PLAN_CPUS].bounds;
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
	const struct bounds *const bounds = &kinds[share].bounds;
	const char *const text = shares_amount(reader, setting, err);

	if (text == NULL)
		return -1;
	if (amount_parse(text, kinds[share].unit, value) &&
	    *value >= (uint64_t)bounds->least &&
	    *value <= (uint64_t)bounds->most)
		return 0;
	return setting_error(reader, setting, err,
			     "\"%s\" must be %s, from %" PRId64 " to %" PRId64,
			     share_name(share), amount_words(kinds[share].unit),
			     bounds->least, bounds->most);
}

static int
read_share(const struct reader *reader, const config_setting_t *setting,
	   enum plan_share which, struct plan_limit_share *share,
	   struct err *err)
{
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
need_only(struct plan_limit_share *shares, const struct texts *names)
{
	for (int i = 0; i < PLAN_SHARES; i++) {
		shares[i].need = PLAN_NEED_WISHED;
		for (size_t k = 0; k < names->n; k++)
			if (find_share(names->item[k].text) == i)
				shares[i].need = PLAN_NEED_REQUIRED;
	}
}

/* What the keeper holds of a jail as a whole by other means: jail/quota.h. */
static bool
is_of_quota(const char *name)
{
	return strcmp(name, "disk") == 0 || strcmp(name, "disk_files") == 0;
}

/* Whether NAME is a limit that GROUP gives, and that may be required. */
static bool
may_be_required(const config_setting_t *group,
		const struct plan_limit_share *shares, const char *name)
{
	const int share = find_share(name);

	if (share >= 0)
		return shares[share].set;
	return is_of_quota(name) &&
	       config_setting_get_member(group, name) != NULL;
}

/* Which of the shares must hold: after all of them have been read. */
static int
read_required(const struct reader *reader, const config_setting_t *setting,
	      struct plan_limit_share *shares, struct err *err)
{
	struct texts names = { .n = 0 };
	bool all = true;

	if (config_setting_type(setting) == CONFIG_TYPE_BOOL) {
		if (setting_bool(reader, setting, &all, err) < 0)
			return -1;
		if (!all)
			need_only(shares, &names);
		return 0;
	}
	if (setting_texts(reader, setting, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (!may_be_required(config_setting_parent(setting), shares,
				     names.item[i].text))
			return setting_error(
				reader, setting, err,
				"\"%s\" is required, but is no limit of "
				"this jail as a whole",
				names.item[i].text);
	need_only(shares, &names);
	return 0;
}

int
shares_require(const struct reader *reader, const config_setting_t *group,
	       const char *name, bool *required, struct err *err)
{
	const config_setting_t *const setting =
		config_setting_get_member(group, "required");
	struct texts names = { .n = 0 };

	*required = true;
	if (setting == NULL)
		return 0;
	if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
		return setting_bool(reader, setting, required, err);
	if (setting_texts(reader, setting, &names, err) < 0)
		return -1;
	*required = false;
	for (size_t i = 0; i < names.n; i++)
		*required |= strcmp(names.item[i].text, name) == 0;
	return 0;
}

/* What does not fit into the jail's memory is not to fill the host's swap
 * space, unless somebody says so. */
static void
imply_swap(struct plan_limit_share *shares)
{
	if (shares[PLAN_MEMORY].set && !shares[PLAN_SWAP].set)
		shares[PLAN_SWAP] = (struct plan_limit_share){
			.set = true, .need = PLAN_NEED_IMPLIED, .value = 0
		};
}

bool
shares_is_key(const char *name)
{
	return find_share(name) >= 0 || strcmp(name, "required") == 0;
}

bool
shares_is_key_of_many(const char *name)
{
	const int share = find_share(name);

	return shares_is_key(name) &&
	       (share < 0 || !share_is_of_session((enum plan_share)share));
}

int
shares_read(const struct reader *reader, const config_setting_t *group,
	    struct plan_limit_share shares[PLAN_SHARES], struct err *err)
{
	const config_setting_t *const required =
		config_setting_get_member(group, "required");

	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *const setting =
			config_setting_get_elem(group, (unsigned int)i);
		const int which = find_share(config_setting_name(setting));

		if (which >= 0 &&
		    read_share(reader, setting, (enum plan_share)which,
			       &shares[which], err) < 0)
			return -1;
	}
	if (required != NULL &&
	    read_required(reader, required, shares, err) < 0)
		return -1;
	imply_swap(shares);
	return 0;
}
