/* SPDX-License-Identifier: ISC */
#include "policy/words.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	const char *at;
	const char *path;
	unsigned int line;
	struct err *err;
};

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

static void
skip(struct scan *scan, size_t len)
{
	for (; len > 0 && *scan->at != '\0'; len--)
		if (*scan->at++ == '\n')
			scan->line++;
}

/* To libconfig all behind the beginning is not there, and that is no error. */
static int
never_ends(const struct scan *scan, const char *what, unsigned int line)
{
	return err_set(scan->err, ERR_CONFIG,
		       "%s:%u: %s begins here and does "
		       "not end",
		       scan->path, line, what);
}

static int
check_comment(struct scan *scan)
{
	const char *const end = strstr(scan->at + 2, "*/");

	if (end == NULL)
		return never_ends(scan, "a comment", scan->line);
	skip(scan, (size_t)(end - scan->at) + 2);
	return 0;
}

static int
check_string(struct scan *scan)
{
	const unsigned int line = scan->line;

	skip(scan, 1);
	while (*scan->at != '\0' && *scan->at != '"') {
		if (strncmp(scan->at, "\\x00", 4) == 0)
			return err_set(scan->err, ERR_CONFIG,
				       "%s:%u: \\x00 in a string", scan->path,
				       scan->line);
		skip(scan, *scan->at == '\\' ? 2 : 1);
	}
	if (*scan->at == '\0')
		return never_ends(scan, "a string", line);
	skip(scan, 1);
	return 0;
}

/* An integer that fits; a sign in front does not matter. */
static int
check_number(struct scan *scan)
{
	const size_t len = strspn(scan->at, LETTERS DIGITS ".");
	const bool hex = len > 2 && scan->at[0] == '0' &&
			 (scan->at[1] == 'x' || scan->at[1] == 'X');
	unsigned long long value;
	bool is_long;
	char *end;

	/* ULLONG_MAX if it is more than that: strtoull(3). */
	value = strtoull(scan->at, &end, hex ? 16 : 10);
	is_long = *end == 'L';
	if (value > (is_long ? LLONG_MAX : INT_MAX))
		return err_set(scan->err, ERR_CONFIG,
			       "%s:%u: the number %.*s is too large%s",
			       scan->path, scan->line, (int)len, scan->at,
			       is_long || value > LLONG_MAX
				       ? ""
				       : " for an int: put an L behind it");
	skip(scan, len);
	return 0;
}

static int
check_word(struct scan *scan)
{
	if (*scan->at == '"')
		return check_string(scan);
	if (strncmp(scan->at, "/*", 2) == 0)
		return check_comment(scan);
	if (strncmp(scan->at, "@include", strlen("@include")) == 0)
		return err_set(scan->err, ERR_CONFIG,
			       "%s:%u: @include is not supported: put all "
			       "jails and rules into jail.conf, and single "
			       "accounts into users.d",
			       scan->path, scan->line);
	if (isdigit((unsigned char)*scan->at))
		return check_number(scan);
	if (*scan->at == '#' || strncmp(scan->at, "//", 2) == 0)
		skip(scan, strcspn(scan->at, "\n"));
	else if (isalpha((unsigned char)*scan->at) || *scan->at == '*')
		skip(scan, strspn(scan->at, LETTERS DIGITS "*_-"));
	else
		skip(scan, 1);
	return 0;
}

int
words_check(const char *text, const char *path, struct err *err)
{
	struct scan scan = { text, path, 1, err };

	while (*scan.at != '\0')
		if (check_word(&scan) < 0)
			return -1;
	return 0;
}
