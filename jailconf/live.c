/* SPDX-License-Identifier: ISC */
#include "jailconf/live.h"

#include "base/log.h"
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
#define HOST_NETWORK LIVE_HOST_NETWORK, "network = \"host\""
#define NAMESPACES   LIVE_NAMESPACES, "seccomp gives user namespaces"
#define ROOT_INSIDE  LIVE_ROOT_INSIDE, "root_inside"

static const struct {
	const char *door, *name; /* patterns: fnmatch(3) */
	unsigned int trait;	 /* 0: of every jail */
	const char *why;
} expected[] = {
	{ "*", "ns.same-net", HOST_NETWORK },
	{ "*", "net.loopback", HOST_NETWORK },
	{ "*", "net.loopback-other", HOST_NETWORK },
	{ "*", "net.abstract-socket", HOST_NETWORK },
	{ "*", "net.list-unix", HOST_NETWORK },
	{ "*", "net.list-tcp", HOST_NETWORK },
	{ "*", "net.low-port", LIVE_OWN_NETWORK, "network = \"private\"" },
	{ "*", "ns.userns-*", NAMESPACES },
	{ "*", "mount.userns-*", NAMESPACES },
	{ "*", "suid.planted", NAMESPACES },
	{ "*", "cred.permitted", ROOT_INSIDE },
	{ "*", "cred.effective", ROOT_INSIDE },
	{ "*", "cred.bounding", ROOT_INSIDE },
	{ "*", "cred.capset", ROOT_INSIDE },
	{ "*", "suid.planted", ROOT_INSIDE },
	{ "*", "fs.write-*", ROOT_INSIDE },
	{ "*", "fs.jail-writable", ROOT_INSIDE },
	{ "*", "fs.shell-overwrite", ROOT_INSIDE },
	{ "*", "info.homes", ROOT_INSIDE },
	{ "*", "info.log", ROOT_INSIDE },
	{ "*", "info.sshd-config", ROOT_INSIDE },
	{ "*", "info.pam", ROOT_INSIDE },
	{ "*", "info.fstab", ROOT_INSIDE },
	{ "*", "info.packages", ROOT_INSIDE },
	{ "ssh", "info.cgroup-path", 0, "the login's, for the host" },
	{ "ssh", "env.caller", 0, "of ~/.pam_environment, planted" },
	{ "ssh", "env.loader", 0, "of ~/.pam_environment, planted" },
};

/* Why LEAK is as it should be, or NULL. */
static const char *
find_reason(const struct live *live, const char *door, const char *name)
{
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (fnmatch(expected[i].door, door, 0) == 0 &&
		    fnmatch(expected[i].name, name, 0) == 0 &&
		    (live->traits & expected[i].trait) == expected[i].trait)
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
	char said[2048];

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
	/* It may be the account's own: JSON knows nothing of C1. */
	log_escape(detail, said, sizeof(said));
	json_set(row, "detail", said);
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
