/* SPDX-License-Identifier: ISC */
#include "policy/template.h"

#include "base/path.h"
#include "policy/group.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *
name_of_account(const struct text *text, const struct account *account,
		struct err *err)
{
	if (name_is_plain(account->name))
		return account->name;
	(void)where_error(&text->at, err,
			  "%%u: \"%s\" is no name that can be part of a "
			  "path; use %%U",
			  account->name);
	return NULL;
}

static const char *
name_of_group(const struct text *text, const struct account *account,
	      struct arena *arena, struct err *err)
{
	const char *name;

	if (group_name(account->gid, arena, &name, err) < 0)
		return NULL;
	if (name != NULL && name_is_plain(name))
		return name;
	(void)where_error(&text->at, err,
			  "%%g: group %u has no name that can be part of a "
			  "path; use %%G",
			  account->gid);
	return NULL;
}

static const char *
home_of_account(const struct text *text, const struct account *account,
		struct err *err)
{
	if (path_is_clean(account->home))
		return account->home;
	(void)where_error(&text->at, err,
			  "%%h: the home directory \"%s\" is not a clean "
			  "absolute path",
			  account->home);
	return NULL;
}

/* What LETTER stands for, or NULL and an error. */
static const char *
value_of(char letter, const struct text *text, const struct account *account,
	 struct arena *arena, struct err *err)
{
	switch (letter) {
	case 'u':
		return name_of_account(text, account, err);
	case 'U':
		return arena_printf(arena, err, "%u", account->uid);
	case 'g':
		return name_of_group(text, account, arena, err);
	case 'G':
		return arena_printf(arena, err, "%u", account->gid);
	case 'h':
		return home_of_account(text, account, err);
	default: /* '%', by template_check() */
		return "%";
	}
}

int
template_check(const struct text *text, struct err *err)
{
	const char *p = text->text;

	while ((p = strchr(p, '%')) != NULL) {
		if (p[1] == '\0' || strchr("uUgGh%", p[1]) == NULL)
			return where_error(&text->at, err,
					   "\"%s\": %%%.1s means nothing; "
					   "there are %%u %%U %%g %%G %%h "
					   "and %%%%",
					   text->text, p + 1);
		p += 2;
	}
	return 0;
}

const char *
template_fill(const struct text *text, const struct account *account,
	      struct arena *arena, struct err *err)
{
	char filled[PATH_MAX];
	size_t used = 0;

	for (const char *p = text->text; *p != '\0'; p++) {
		const char *value = NULL;
		int n;

		if (*p == '%') {
			value = value_of(*++p, text, account, arena, err);
			if (value == NULL)
				return NULL;
		}
		n = value != NULL ? snprintf(filled + used,
					     sizeof(filled) - used, "%s", value)
				  : snprintf(filled + used,
					     sizeof(filled) - used, "%c", *p);
		if (n < 0 || (size_t)n >= sizeof(filled) - used) {
			(void)where_error(&text->at, err,
					  "filled in, this is longer than %d",
					  PATH_MAX);
			return NULL;
		}
		used += (size_t)n;
	}
	filled[used] = '\0';
	return arena_copy(arena, filled, err);
}
