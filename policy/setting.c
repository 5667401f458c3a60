/* SPDX-License-Identifier: ISC */
#include "policy/setting.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
where_error(const struct where *where, struct err *err, const char *fmt, ...)
{
	char what[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_CONFIG, "%s:%u: %s", where->file, where->line,
		       what);
}

struct where
setting_where(const struct reader *reader, const config_setting_t *setting)
{
	return (struct where){ reader->file,
			       config_setting_source_line(setting) };
}

const char *
setting_key(const config_setting_t *setting)
{
	const config_setting_t *const parent = config_setting_parent(setting);

	if (config_setting_name(setting) != NULL)
		return config_setting_name(setting);
	if (parent != NULL && config_setting_name(parent) != NULL)
		return config_setting_name(parent);
	return "(file)";
}

int
setting_error(const struct reader *reader, const config_setting_t *setting,
	      struct err *err, const char *fmt, ...)
{
	const struct where where = setting_where(reader, setting);
	char what[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return where_error(&where, err, "%s", what);
}

static bool
has_control(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			return true;
	return false;
}

int
setting_text(const struct reader *reader, const config_setting_t *setting,
	     struct text *text, struct err *err)
{
	const char *const value = config_setting_get_string(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_STRING || value == NULL)
		return setting_error(reader, setting, err,
				     "\"%s\" must be a string, as in \"text\"",
				     setting_key(setting));
	if (has_control(value))
		return setting_error(reader, setting, err,
				     "\"%s\" has a control character in it",
				     setting_key(setting));
	text->at = setting_where(reader, setting);
	text->text = arena_copy(reader->arena, value, err);
	return text->text != NULL ? 0 : -1;
}

int
setting_texts(const struct reader *reader, const config_setting_t *setting,
	      struct texts *texts, struct err *err)
{
	const int n = config_setting_length(setting);
	struct text *item;

	if (!config_setting_is_array(setting) &&
	    !config_setting_is_list(setting))
		return setting_error(reader, setting, err,
				     "\"%s\" must be a list of strings, as in "
				     "[ \"a\", \"b\" ]",
				     setting_key(setting));
	item = arena_alloc(reader->arena, (size_t)n * sizeof(*item), err);
	if (item == NULL)
		return -1;
	for (int i = 0; i < n; i++)
		if (setting_text(
			    reader,
			    config_setting_get_elem(setting, (unsigned int)i),
			    &item[i], err) < 0)
			return -1;
	*texts = (struct texts){ item, (size_t)n };
	return 0;
}

static int
read_single(const struct reader *reader, const config_setting_t *setting,
	    struct texts *texts, struct err *err)
{
	struct text *const item =
		arena_alloc(reader->arena, sizeof(*item), err);

	if (item == NULL || setting_text(reader, setting, item, err) < 0)
		return -1;
	*texts = (struct texts){ item, 1 };
	return 0;
}

int
setting_one_or_more(const struct reader *reader,
		    const config_setting_t *setting, struct texts *texts,
		    struct err *err)
{
	const int ret = config_setting_is_array(setting) ||
					config_setting_is_list(setting)
				? setting_texts(reader, setting, texts, err)
				: read_single(reader, setting, texts, err);
	bool empty;

	if (ret < 0)
		return -1;
	empty = texts->n == 0;
	for (size_t i = 0; i < texts->n; i++)
		empty = empty || texts->item[i].text[0] == '\0';
	if (empty)
		return setting_error(reader, setting, err,
				     "\"%s\" is empty, and would match nobody",
				     setting_key(setting));
	return 0;
}

int
setting_bool(const struct reader *reader, const config_setting_t *setting,
	     bool *value, struct err *err)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return setting_error(reader, setting, err,
				     "\"%s\" must be true or false",
				     setting_key(setting));
	*value = config_setting_get_bool(setting) == CONFIG_TRUE;
	return 0;
}

int
setting_number(const struct reader *reader, const config_setting_t *setting,
	       const struct bounds *bounds, int64_t *value, struct err *err)
{
	const int type = config_setting_type(setting);

	if (type == CONFIG_TYPE_INT)
		*value = config_setting_get_int(setting);
	if (type == CONFIG_TYPE_INT64)
		*value = config_setting_get_int64(setting);
	if ((type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) ||
	    *value < bounds->least || *value > bounds->most)
		return setting_error(reader, setting, err,
				     "\"%s\" must be a whole number from "
				     "%" PRId64 " to %" PRId64,
				     setting_key(setting), bounds->least,
				     bounds->most);
	return 0;
}

int
setting_is_group(const struct reader *reader, const config_setting_t *setting,
		 struct err *err)
{
	if (!config_setting_is_group(setting))
		return setting_error(reader, setting, err,
				     "\"%s\" must be a group, as in "
				     "{ key = value; }",
				     setting_key(setting));
	return 0;
}

int
setting_is_list_of_groups(const struct reader *reader,
			  const config_setting_t *setting, struct err *err)
{
	const int n = config_setting_length(setting);
	bool good = config_setting_is_list(setting);

	for (int i = 0; good && i < n; i++)
		good = config_setting_is_group(
			config_setting_get_elem(setting, (unsigned int)i));
	if (!good)
		return setting_error(reader, setting, err,
				     "\"%s\" must be a list of groups, as in "
				     "( { key = value; }, { key = value; } )",
				     setting_key(setting));
	return 0;
}

static const struct key *
find_key(const struct key *keys, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

int
setting_read_group(const struct reader *reader, const config_setting_t *group,
		   const struct key *keys, void *target, struct err *err)
{
	const int n = config_setting_length(group);

	for (int i = 0; i < n; i++) {
		const config_setting_t *const setting =
			config_setting_get_elem(group, (unsigned int)i);
		const char *const name = config_setting_name(setting);
		const struct key *const key = find_key(keys, name);

		if (key == NULL)
			return setting_error(reader, setting, err,
					     "unknown key \"%s\" here; "
					     "jail.conf(5) has the list",
					     name);
		if (key->read(reader, setting, target, err) < 0)
			return -1;
	}
	return 0;
}
