/* SPDX-License-Identifier: ISC */
#include "jail/commands.h"

#include <stddef.h>
#include <string.h>

/* jail.conf(5) documents this list. */
static const struct command known[] = {
	{ "crontab", "/usr/bin/crontab" },
	{ "passwd", "/usr/bin/passwd" },
	{ "sendmail", "/usr/sbin/sendmail" },
};

const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}
