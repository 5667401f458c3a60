/* SPDX-License-Identifier: ISC */
/* binds, hide, etc: what is seen inside, and what is not. */
#include "base/path.h"
#include "policy/etc.h"
#include "policy/keys.h"
#include "policy/layout.h"

#include <string.h>

static int
bind_source(const struct reader *reader, const config_setting_t *setting,
	    void *target, struct err *err)
{
	struct bind *const bind = target;

	return key_path_template(reader, setting, &bind->source, err);
}

static int
bind_target(const struct reader *reader, const config_setting_t *setting,
	    void *target, struct err *err)
{
	struct bind *const bind = target;

	return key_path_template(reader, setting, &bind->target, err);
}

static int
bind_writable(const struct reader *reader, const config_setting_t *setting,
	      void *target, struct err *err)
{
	struct bind *const bind = target;

	return setting_bool(reader, setting, &bind->writable, err);
}

static int
bind_exec(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	struct bind *const bind = target;

	return setting_bool(reader, setting, &bind->exec, err);
}

static int
bind_optional(const struct reader *reader, const config_setting_t *setting,
	      void *target, struct err *err)
{
	struct bind *const bind = target;

	return setting_bool(reader, setting, &bind->optional, err);
}

static int
bind_user(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	struct bind *const bind = target;

	return setting_bool(reader, setting, &bind->user, err);
}

static const struct key bind_keys[] = {
	{ "source", bind_source },
	{ "target", bind_target },
	{ "writable", bind_writable },
	{ "exec", bind_exec },
	{ "optional", bind_optional },
	{ "user", bind_user },
	{ NULL, NULL },
};

static int
read_bind(const struct reader *reader, const config_setting_t *setting,
	  struct bind *bind, struct err *err)
{
	*bind = (struct bind){ .exec = true };
	bind->at = setting_where(reader, setting);
	if (setting_read_group(reader, setting, bind_keys, bind, err) < 0)
		return -1;
	if (bind->source.text == NULL)
		return setting_error(reader, setting, err,
				     "this bind has no source");
	if (bind->target.text == NULL)
		bind->target = bind->source;
	return 0;
}

int
key_binds(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	if (setting_is_list_of_groups(reader, setting, err) < 0)
		return -1;
	jail->n_binds = (size_t)config_setting_length(setting);
	jail->binds = arena_alloc(reader->arena,
				  jail->n_binds * sizeof(*jail->binds), err);
	if (jail->binds == NULL)
		return -1;
	for (size_t i = 0; i < jail->n_binds; i++)
		if (read_bind(reader,
			      config_setting_get_elem(setting, (unsigned int)i),
			      &jail->binds[i], err) < 0)
			return -1;
	return 0;
}

int
key_hide(const struct reader *reader, const config_setting_t *setting,
	 void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	if (setting_texts(reader, setting, &jail->hide, err) < 0)
		return -1;
	for (size_t i = 0; i < jail->hide.n; i++) {
		const struct text *const path = &jail->hide.item[i];

		if (!path_is_clean(path->text) || path->text[1] == '\0')
			return where_error(&path->at, err,
					   "\"hide\": \"%s\" is not a clean "
					   "absolute path below /",
					   path->text);
		if (layout_needs(path->text))
			return where_error(&path->at, err,
					   "\"hide\": without %s no session "
					   "would work",
					   path->text);
	}
	return 0;
}

int
key_etc(const struct reader *reader, const config_setting_t *setting,
	void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	jail->etc_given = true;
	jail->etc_here = true;
	if (setting_texts(reader, setting, &jail->etc, err) < 0)
		return -1;
	for (size_t i = 0; i < jail->etc.n; i++)
		if (etc_check_name(&jail->etc.item[i], err) < 0)
			return -1;
	return 0;
}
