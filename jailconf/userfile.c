/* SPDX-License-Identifier: ISC */
#include "jailconf/userfile.h"

#include <libconfig.h>
#include <stdbool.h>
#include <string.h>

/* One key and its new value. */
struct change {
	const char *key, *value;
};

/* VALUE between quotes, as libconfig reads it. */
static const char *
quote(struct arena *arena, const char *value, struct err *err)
{
	char *const quoted = arena_alloc(arena, 2 * strlen(value) + 3, err);
	char *to = quoted;

	if (quoted == NULL)
		return NULL;
	*to++ = '"';
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			*to++ = '\\';
		*to++ = *value;
	}
	*to = '"';
	return quoted;
}

/* The start of line NUMBER (from 1) of TEXT. */
static const char *
find_line(const char *text, unsigned int number)
{
	while (number-- > 1) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}

/* Whether the line at LINE is KEY = "..."; and nothing else but a comment. */
static bool
is_simple(const char *line, const char *key)
{
	const char *p = line + strspn(line, " \t");
	const size_t len = strlen(key);

	if (strncmp(p, key, len) != 0)
		return false;
	p += len;
	p += strspn(p, " \t");
	if (*p != '=' && *p != ':')
		return false;
	p++;
	p += strspn(p, " \t");
	if (*p++ != '"')
		return false;
	while (*p != '"' && *p != '\n' && *p != '\0')
		p += *p == '\\' && p[1] != '\0' ? 2 : 1;
	if (*p++ != '"')
		return false;
	p += strspn(p, " \t;,");
	return *p == '\n' || *p == '\0' || *p == '#' ||
	       strncmp(p, "//", 2) == 0;
}

/* TEXT with CHANGE made; SETTING is where the key is now, if it is. */
static const char *
make_change(struct arena *arena, const char *text, const struct change *change,
	    const config_setting_t *setting, struct err *err)
{
	const char *const quoted = quote(arena, change->value, err);
	const char *line, *end;
	unsigned int number;

	if (quoted == NULL)
		return NULL;
	if (setting == NULL) {
		const size_t len = strlen(text);
		const bool open = len > 0 && text[len - 1] != '\n';

		return arena_printf(arena, err, "%s%s%s = %s;\n", text,
				    open ? "\n" : "", change->key, quoted);
	}
	number = config_setting_source_line(setting);
	line = find_line(text, number);
	end = line + strcspn(line, "\n");
	if (!is_simple(line, change->key)) {
		(void)err_set(err, ERR_CONFIG,
			      "%u: \"%s\" is not a line of its own: change it "
			      "by hand",
			      number, change->key);
		return NULL;
	}
	return arena_printf(arena, err, "%.*s%s = %s;%s", (int)(line - text),
			    text, change->key, quoted, end);
}

/* Sets one key; nothing to do if it has that value already. */
static const char *
edit_key(struct arena *arena, const char *text, const struct change *change,
	 struct err *err)
{
	const config_setting_t *setting;
	const char *now, *edited = text;
	config_t config;

	config_init(&config);
	if (config_read_string(&config, text) != CONFIG_TRUE) {
		(void)err_set(err, ERR_CONFIG, "%d: %s",
			      config_error_line(&config),
			      config_error_text(&config));
		edited = NULL;
	} else {
		setting = config_lookup(&config, change->key);
		now = setting != NULL ? config_setting_get_string(setting)
				      : NULL;
		if (now == NULL || strcmp(now, change->value) != 0)
			edited = make_change(arena, text, change, setting, err);
	}
	config_destroy(&config);
	return edited;
}

const char *
userfile_edit(struct arena *arena, const char *old,
	      const struct userfile_keys *keys, struct err *err)
{
	const struct change changes[] = {
		{ "jail", keys->jail },
		{ "shell", keys->shell },
		{ "root", keys->root },
		{ "network", keys->network },
		{ "former_shell", keys->former_shell },
	};
	const char *text =
		old != NULL ? old
			    : "# Written by jailconf(8); see jail.conf(5).\n";

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (changes[i].value != NULL && text != NULL)
			text = edit_key(arena, text, &changes[i], err);
	return text;
}

const char *
userfile_get(struct arena *arena, const char *text, const char *key)
{
	const char *value = NULL;
	struct err ignored;
	config_t config;

	config_init(&config);
	if (config_read_string(&config, text) == CONFIG_TRUE &&
	    config_lookup_string(&config, key, &value) == CONFIG_TRUE)
		value = arena_copy(arena, value, &ignored);
	else
		value = NULL;
	config_destroy(&config);
	return value;
}
