/* SPDX-License-Identifier: ISC */
#include "jailconf/live.h"

#include "jailconf/output.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

const char *
verdict_name(enum verdict verdict)
{
	static const char *const names[VERDICTS] = {
		[CONTAINED] = "contained",
		[ESCAPED] = "ESCAPED",
		[LEAK] = "leak",
		[NOT_HERE] = "n/a",
	};

	return names[verdict];
}

/* What leaks in every jail, or was asked for; as tests/escape/expected. */
static const struct {
	const char *door, *name;
	bool network; /* only if that is the host's */
	const char *why;
} expected[] = {
	{ "*", "ns.same-net", true, "network = \"host\"" },
	{ "*", "net.loopback", true, "network = \"host\"" },
	{ "*", "net.loopback-other", true, "network = \"host\"" },
	{ "*", "net.abstract-socket", true, "network = \"host\"" },
	{ "*", "net.list-unix", true, "network = \"host\"" },
	{ "*", "net.list-tcp", true, "network = \"host\"" },
	{ "ssh", "info.cgroup-path", false, "the login's, for the host" },
	{ "ssh", "env.caller", false, "of ~/.pam_environment, planted" },
	{ "ssh", "env.loader", false, "of ~/.pam_environment, planted" },
};

/* Why LEAK is as it should be, or NULL. */
static const char *
find_reason(const struct live *live, const char *door, const char *name)
{
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (fnmatch(expected[i].door, door, 0) == 0 &&
		    strcmp(expected[i].name, name) == 0 &&
		    (live->network || !expected[i].network))
			return expected[i].why;
	return NULL;
}

void
live_tell(struct live *live, const char *door, const char *name,
	  enum verdict verdict, const char *detail)
{
	const char *const reason =
		verdict == LEAK ? find_reason(live, door, name) : NULL;
	struct json_object *row;

	live->count[verdict]++;
	live->tried += verdict != NOT_HERE;
	live->wrong = live->wrong || verdict == ESCAPED ||
		      (verdict == LEAK && reason == NULL);
	if (live->list == NULL) {
		out_line("%-7s %-24s %-9s %s%s%s", door, name,
			 verdict_name(verdict), detail,
			 reason != NULL ? "; expected: " : "",
			 reason != NULL ? reason : "");
		(void)fflush(stdout);
		return;
	}
	row = json_object_new_object();
	json_set(row, "door", door);
	json_set(row, "name", name);
	json_set(row, "verdict", verdict_name(verdict));
	json_set(row, "detail", detail);
	json_set(row, "expected", reason);
	(void)json_object_array_add(live->list, row);
}

/* NAME VERDICT DETAIL */
void
live_take(struct live *live, const char *door, const char *line)
{
	char name[64], word[16];
	int used = 0;

	if (sscanf(line, "%63[a-z0-9.-] %15s %n", name, word, &used) != 2 ||
	    strchr(name, '.') == NULL)
		return;
	for (enum verdict v = CONTAINED; v <= NOT_HERE; v++)
		if (strcmp(word, verdict_name(v)) == 0)
			live_tell(live, door, name, v, line + used);
}
