/* SPDX-License-Identifier: ISC */
/*
 * setting - values of libconfig settings, with their type and bounds checked
 *
 * Everything that fails here is an ERR_CONFIG that names file, line and key
 * and says what would be right (or an ERR_SYSTEM: no memory).
 */
#ifndef POLICY_SETTING_H
#define POLICY_SETTING_H

#include "policy/conf.h"

#include <libconfig.h>

/* A file that is being read: where its words are kept, its name, and whose
 * services it may name. */
struct reader {
	struct arena *arena;
	const char *file;
	const struct policy *policy;
};

struct where setting_where(const struct reader *reader,
			   const config_setting_t *setting)
	__attribute__((nonnull));

/* The key, or for what is in a list, the key of the list. */
const char *setting_key(const config_setting_t *setting)
	__attribute__((nonnull));

/* where_error() for the line of SETTING. */
int setting_error(const struct reader *reader, const config_setting_t *setting,
		  struct err *err, const char *fmt, ...)
	__attribute__((nonnull, format(printf, 4, 5)));

/* A string without control characters. */
int setting_text(const struct reader *reader, const config_setting_t *setting,
		 struct text *text, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* A list or array of strings. */
int setting_texts(const struct reader *reader, const config_setting_t *setting,
		  struct texts *texts, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* One string that is not empty, or a list of some. */
int setting_one_or_more(const struct reader *reader,
			const config_setting_t *setting, struct texts *texts,
			struct err *err)
	__attribute__((nonnull, warn_unused_result));

int setting_bool(const struct reader *reader, const config_setting_t *setting,
		 bool *value, struct err *err)
	__attribute__((nonnull, warn_unused_result));

struct bounds {
	int64_t least, most;
};

int setting_number(const struct reader *reader, const config_setting_t *setting,
		   const struct bounds *bounds, int64_t *value, struct err *err)
	__attribute__((nonnull, warn_unused_result));

int setting_is_group(const struct reader *reader,
		     const config_setting_t *setting, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* A list, as in ( { ... }, { ... } ), of groups. */
int setting_is_list_of_groups(const struct reader *reader,
			      const config_setting_t *setting, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* A key of a group, and who reads its value into TARGET. */
struct key {
	const char *name;
	int (*read)(const struct reader *reader,
		    const config_setting_t *setting, void *target,
		    struct err *err);
};

/*
 * Reads every member of GROUP into TARGET by its row in KEYS, which ends
 * with a row without a name.  A member without a row is an ERR_CONFIG.
 */
int setting_read_group(const struct reader *reader,
		       const config_setting_t *group, const struct key *keys,
		       void *target, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
