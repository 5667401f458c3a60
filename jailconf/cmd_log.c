/* SPDX-License-Identifier: ISC */
/* jailconf log */
#include "jail/account.h"
#include "jailconf/events.h"
#include "jailconf/output.h"
#include "jailconf/verbs.h"

#include <stdio.h>
#include <string.h>

/* The value of a hexadecimal digit, or -1. */
static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *const at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* What a member is, no longer escaped: out_line() escapes it again.  "" if
 * it is not there. */
static const char *
get(struct json_object *event, const char *key, char *text, size_t size)
{
	struct json_object *member;
	const char *from = "";
	size_t used = 0;

	if (json_object_object_get_ex(event, key, &member))
		from = json_object_get_string(member);
	while (*from != '\0' && used + 1 < size) {
		const bool escaped = from[0] == '\\' && from[1] == 'x' &&
				     digit(from[2]) >= 0 && digit(from[3]) >= 0;

		text[used++] =
			escaped ? (char)(digit(from[2]) * 16 + digit(from[3]))
				: *from;
		from += escaped ? 4 : 1;
	}
	text[used] = '\0';
	return text;
}

/* Where somebody came from: the remote host, or a terminal here. */
static const char *
get_origin(struct json_object *event, char *text, size_t size)
{
	if (*get(event, "rhost", text, size) != '\0')
		return text;
	return get(event, "tty", text, size);
}

/* What limit was hit, and how often, or is not held. */
static void
get_limits(struct json_object *event, char *text, size_t size)
{
	static const char *const keys[] = { "oom_kill",		"fork_refused",
					    "together_refused", "disk_full",
					    "disk_files_full",	"over",
					    "not_held" };
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char value[256];
		int n;

		(void)get(event, keys[i], value, sizeof(value));
		if (value[0] == '\0' || strcmp(value, "0") == 0 || used >= size)
			continue;
		n = snprintf(text + used, size - used, "%s%s=%s",
			     used > 0 ? " " : "", keys[i], value);
		used += n > 0 ? (size_t)n : 0;
	}
}

static void
show(struct json_object *event)
{
	char when[40], name[24], service[40], origin[260], jail[80];
	char limits[512], cause[1024];
	bool limited, told;

	get_limits(event, limits, sizeof(limits));
	limited = limits[0] != '\0';
	told = *get(event, "cause", cause, sizeof(cause)) != '\0';
	(void)get(event, "jail", jail, sizeof(jail));
	if (*get(event, "service", service, sizeof(service)) == '\0')
		(void)get(event, "program", service, sizeof(service));
	out_line("%-19s  %-10s  %-11s  %-15s  %s%s%s%s%s",
		 get(event, "time", when, sizeof(when)),
		 get(event, "event", name, sizeof(name)), service,
		 get_origin(event, origin, sizeof(origin)), limits,
		 limited && told ? ": " : "", cause,
		 limited || told ? "" : "jail ", limited || told ? "" : jail);
}

int
cmd_log(const struct call *call)
{
	struct event_owner owner = { .name = call->user };
	struct account account = { 0 };
	struct json_object *list;
	struct err err = { 0 };

	/* An account that is gone has still been here. */
	if (account_lookup(call->user, &account, &err) == 0) {
		owner.uid = account.uid;
		owner.has_uid = true;
	}
	account_free(&account);
	list = events_read(&owner, &err);
	if (list == NULL) {
		out_failure("log", &err);
		return STATUS_PROBLEM;
	}
	if (call->json) {
		out_json(list);
		return STATUS_FINE;
	}
	if (json_object_array_length(list) == 0)
		out_line("nothing is logged of %s", call->user);
	for (size_t i = 0; i < json_object_array_length(list); i++)
		show(json_object_array_get_idx(list, i));
	(void)json_object_put(list);
	return STATUS_FINE;
}
