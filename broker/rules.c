/* SPDX-License-Identifier: ISC */
/*
 * What is allowed is listed; what is not listed is refused.  Each command
 * runs on the host, as the account, and so must not become a way to run
 * anything else there:
 *
 * passwd	no arguments.  It asks for the old password itself, by PAM.
 *		Options would name other accounts, or files.
 * crontab	"-", "-l" or "-r".  No -u (somebody else's), no -e (it would run
 *		the account's editor on the host), no file (of the host's).
 *		What the table says is run by cron(8), in the jail.
 * sendmail	to hand in one message, on standard input.  No -C, -X, -O, -q,
 *		-D (files, other configurations, the queue), no -b but m (a
 *		test mode shows files, and expands strings that run programs),
 *		no -p, -o but i and em.  An address is of few letters, so that
 *		it is no pipe, file or :include: for any mail program.
 */
#include "broker/rules.h"

#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

enum {
	ADDRESS_MAX = 254, /* RFC 5321, 4.5.3.1.3 */
	NAME_MAX_LEN = 100,
};

static bool
is_made_of(const char *text, const char *letters, size_t max)
{
	const size_t len = strlen(text);

	return len > 0 && len <= max && text[0] != '-' &&
	       strspn(text, letters) == len;
}

static bool
is_address(const char *text)
{
	return is_made_of(text, LETTERS DIGITS "@.-_+=", ADDRESS_MAX);
}

static bool
is_full_name(const char *text)
{
	return is_made_of(text, LETTERS DIGITS " .-_+'", NAME_MAX_LEN);
}

static bool
among(const char *text, const char *const *list)
{
	while (*list != NULL && strcmp(*list, text) != 0)
		list++;
	return *list != NULL;
}

static int
decide_passwd(const char *const *args, size_t n, struct err *err)
{
	(void)args;
	return n == 0 ? 0 : err_set(err, ERR_REFUSED, "passwd: no arguments");
}

static int
decide_crontab(const char *const *args, size_t n, struct err *err)
{
	static const char *const allowed[] = { "-", "-l", "-r", NULL };

	if (n == 1 && among(args[0], allowed))
		return 0;
	return err_set(err, ERR_REFUSED, "crontab: one of - -l -r");
}

/*
 * How many of the N arguments ARGS the option at their beginning is; 0 if it
 * is not allowed.
 */
static size_t
option_length(const char *const *args, size_t n)
{
	static const char *const plain[] = { "-t",     "-i",	     "-oi",
					     "-oem",   "-em",	     "-bm",
					     "-B7BIT", "-B8BITMIME", NULL };
	const bool attached = strlen(args[0]) > 2;
	const char *value;

	if (among(args[0], plain))
		return 1;
	if (strncmp(args[0], "-f", 2) != 0 && strncmp(args[0], "-F", 2) != 0)
		return 0;
	if (!attached && n < 2)
		return 0;
	value = attached ? args[0] + 2 : args[1];
	if (args[0][1] == 'f' ? !is_address(value) : !is_full_name(value))
		return 0;
	return attached ? 1 : 2;
}

static int
decide_sendmail(const char *const *args, size_t n, struct err *err)
{
	bool options = true;

	for (size_t i = 0; i < n;) {
		size_t used = 1;

		if (options && strcmp(args[i], "--") == 0)
			options = false;
		else if (options && args[i][0] == '-')
			used = option_length(args + i, n - i);
		else if (!is_address(args[i]))
			used = 0;
		if (used == 0)
			return err_set(err, ERR_REFUSED,
				       "sendmail: argument %zu is not allowed",
				       i + 1);
		i += used;
	}
	return 0;
}

static const struct {
	const char *name;
	int (*decide)(const char *const *args, size_t n, struct err *err);
} rules[] = {
	{ "passwd", decide_passwd },
	{ "crontab", decide_crontab },
	{ "sendmail", decide_sendmail },
};

const struct command *
rules_decide(const struct plan *plan, const char *const *argv, size_t argc,
	     struct err *err)
{
	bool allowed = false;

	if (argc < 1 || argc > RULES_ARGS_MAX) {
		(void)err_set(err, ERR_REFUSED, "%zu arguments", argc);
		return NULL;
	}
	for (size_t i = 0; i < plan->n_commands; i++)
		allowed |= strcmp(plan->commands[i], argv[0]) == 0;
	for (size_t i = 0; allowed && i < sizeof(rules) / sizeof(rules[0]);
	     i++) {
		if (strcmp(rules[i].name, argv[0]) != 0)
			continue;
		if (rules[i].decide(argv + 1, argc - 1, err) < 0)
			return NULL;
		return command_find(argv[0]);
	}
	(void)err_set(err, ERR_REFUSED, "no such command for this jail");
	return NULL;
}
