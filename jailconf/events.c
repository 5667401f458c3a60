/* SPDX-License-Identifier: ISC */
#include "jailconf/events.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "jailconf/hostrun.h"
#include "jailconf/output.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Those that log events under their own name (base/log.h). */
static const char *const programs[] = { "jail-broker", "jail-keeper", "jailsh",
					"pam_jail" };

/* Where syslogd(8) puts LOG_AUTHPRIV: Debian, Red Hat. */
static const char *const files[] = { "/var/log/auth.log", "/var/log/secure" };

/* --- one event ----------------------------------------------------------- */

/* Where the event in MESSAGE begins; NULL: it is none of ours. */
static const char *
find_event(const char *ident, const char *message)
{
	static const char module[] = "pam_jail(";

	if (strncmp(message, module, strlen(module)) == 0) {
		const char *const end = strstr(message, "): ");

		return end == NULL ? NULL : end + strlen("): ");
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(ident, programs[i]) == 0)
			return message;
	return NULL;
}

static void
set_part(struct json_object *event, const char *key, const char *text,
	 size_t len)
{
	(void)json_object_object_add(
		event, key, json_object_new_string_len(text, (int)len));
}

/* What no line says of itself. */
static bool
is_ours(const char *key)
{
	return strcmp(key, "time") == 0 || strcmp(key, "program") == 0 ||
	       strcmp(key, "event") == 0;
}

/* Takes KEY=VALUE from *REST.  Returns false at anything else. */
static bool
take_pair(const char **rest, struct json_object *event)
{
	const char *const key = *rest;
	const size_t len = strspn(key, "abcdefghijklmnopqrstuvwxyz_-");
	const char *value = key + len + 1, *end;
	char name[32];

	if (len == 0 || len >= sizeof(name) || key[len] != '=')
		return false;
	(void)snprintf(name, sizeof(name), "%.*s", (int)len, key);
	if (is_ours(name))
		return false;
	if (*value == '"') {
		end = strchr(++value, '"');
		if (end == NULL)
			return false;
		*rest = end + 1;
	} else {
		end = value + strcspn(value, " ");
		*rest = end;
	}
	set_part(event, name, value, (size_t)(end - value));
	*rest += strspn(*rest, " ");
	return true;
}

/* The event's name may have blanks: it ends where the first pair begins. */
static size_t
name_length(const char *text)
{
	const char *const equals = strchr(text, '=');
	const char *end = equals;

	while (end != NULL && end > text && *end != ' ')
		end--;
	return end == NULL || end == text ? 0 : (size_t)(end - text);
}

struct json_object *
event_parse(const char *ident, const char *message)
{
	const char *rest = find_event(ident, message);
	const size_t len = rest == NULL ? 0 : name_length(rest);
	struct json_object *event;

	if (len == 0)
		return NULL;
	event = json_object_new_object();
	if (event == NULL)
		return NULL;
	json_set(event, "time", "");
	json_set(event, "program", ident);
	set_part(event, "event", rest, len);
	rest += len + 1;
	while (take_pair(&rest, event))
		continue;
	if (*rest == '\0')
		return event;
	(void)json_object_put(event);
	return NULL;
}

/* How long the time is at the start of LINE: "Nov 26 18:03:07" or one word of
 * RFC 3339. */
static size_t
time_length(const char *line)
{
	const size_t old = strlen("Nov 26 18:03:07");

	if (line[0] >= '0' && line[0] <= '9')
		return strcspn(line, " ");
	return strnlen(line, old) == old ? old : 0;
}

struct json_object *
event_parse_line(const char *line)
{
	const size_t len = time_length(line);
	struct json_object *event;
	const char *at = line + len;
	char ident[64];
	size_t n;

	if (len == 0 || *at != ' ')
		return NULL;
	at = strchr(at + 1, ' '); /* the host's name */
	if (at == NULL)
		return NULL;
	n = strcspn(++at, "[: ");
	(void)snprintf(ident, sizeof(ident), "%.*s", (int)n, at);
	at = strstr(at, ": ");
	event = at == NULL ? NULL : event_parse(ident, at + strlen(": "));
	if (event != NULL)
		set_part(event, "time", line, len);
	return event;
}

static const char *
get(struct json_object *object, const char *key)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, key, &member))
		return NULL;
	return json_object_get_string(member);
}

static bool
has(struct json_object *object, const char *key, const char *value)
{
	const char *const is = get(object, key);

	return is != NULL && strcmp(is, value) == 0;
}

bool
event_is_of(struct json_object *event, const struct event_owner *owner)
{
	char uid[16];

	if (get(event, "user") != NULL)
		return has(event, "user", owner->name);
	(void)snprintf(uid, sizeof(uid), "%u", owner->uid);
	return owner->has_uid && has(event, "uid", uid);
}

/* Puts EVENT at the end of LIST, of which the first goes if it is too long;
 * or gives it up. */
static void
add(struct json_object *list, struct json_object *event,
    const struct event_owner *owner)
{
	if (event == NULL)
		return;
	if (!event_is_of(event, owner)) {
		(void)json_object_put(event);
		return;
	}
	(void)json_object_array_add(list, event);
	if (json_object_array_length(list) > EVENTS_MAX)
		(void)json_object_array_del_idx(list, 0, 1);
}

/* --- journald ------------------------------------------------------------ */

/* "2026-11-26 18:03:07" for microseconds since the epoch, in digits. */
static void
set_time(struct json_object *event, const char *microseconds)
{
	const time_t t =
		microseconds == NULL
			? 0
			: (time_t)(strtoll(microseconds, NULL, 10) / 1000000);
	char text[32];
	struct tm tm;

	if (localtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		json_set(event, "time", text);
}

/* Only jailsh(8) when it refuses, and jail-broker(8) about a command, are the
 * account when they log. */
static bool
is_of_the_accounts(struct json_object *event, const char *ident,
		   const char *uid, const struct event_owner *owner)
{
	char wanted[16];

	(void)snprintf(wanted, sizeof(wanted), "%u", owner->uid);
	return owner->has_uid && has(event, "uid", wanted) &&
	       strcmp(uid, wanted) == 0 &&
	       ((strcmp(ident, "jailsh") == 0 &&
		 has(event, "event", "refuse")) ||
		strcmp(ident, "jail-broker") == 0);
}

/* One entry.  Anybody can log a line that looks like root's; journald knows
 * who did. */
static void
add_entry(struct json_object *list, struct json_object *entry,
	  const struct event_owner *owner)
{
	const char *const ident = get(entry, "SYSLOG_IDENTIFIER");
	const char *const message = get(entry, "MESSAGE");
	const char *const uid = get(entry, "_UID");
	struct json_object *event;

	if (ident == NULL || message == NULL || uid == NULL)
		return;
	event = event_parse(ident, message);
	if (event == NULL)
		return;
	if (strcmp(uid, "0") != 0 &&
	    !is_of_the_accounts(event, ident, uid, owner)) {
		(void)json_object_put(event);
		return;
	}
	set_time(event, get(entry, "__REALTIME_TIMESTAMP"));
	add(list, event, owner);
}

/* The lines of TEXT, the newest first, as a list. */
static struct json_object *
parse_entries(const char *text)
{
	struct json_object *const entries = json_object_new_array();
	struct json_tokener *const tokener = json_tokener_new();

	while (entries != NULL && tokener != NULL && *text != '\0') {
		const size_t len = strcspn(text, "\n");
		struct json_object *entry;

		json_tokener_reset(tokener);
		entry = json_tokener_parse_ex(tokener, text, (int)len);
		if (entry != NULL)
			(void)json_object_array_add(entries, entry);
		text += len + (text[len] == '\n');
	}
	if (tokener != NULL)
		json_tokener_free(tokener);
	return entries;
}

static void
add_entries(struct json_object *list, const char *text,
	    const struct event_owner *owner)
{
	struct json_object *const entries = parse_entries(text);
	size_t i = entries == NULL ? 0 : json_object_array_length(entries);

	while (i-- > 0)
		add_entry(list, json_object_array_get_idx(entries, i), owner);
	(void)json_object_put(entries);
}

/* The last lines that the uid WHO has logged of OWNER. */
static int
read_journal_of(uid_t who, struct json_object *list,
		const struct event_owner *owner, struct err *err)
{
	char count[24], grep[128], sender[24];
	const char *const argv[] = {
		PROGRAM_JOURNALCTL,
		"--no-pager",
		"--quiet",
		"--reverse", /* as --grep and --lines do by themselves */
		"--output=json",
		"--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_UID",
		count,
		grep,
		"SYSLOG_FACILITY=10", /* LOG_AUTHPRIV */
		sender,
		NULL,
	};
	struct arena arena = { 0 };
	const char *text;

	(void)snprintf(sender, sizeof(sender), "_UID=%u", who);
	(void)snprintf(count, sizeof(count), "--lines=%d", EVENTS_MAX);
	if (owner->has_uid)
		(void)snprintf(grep, sizeof(grep),
			       "--grep= (user=\\Q%s\\E|uid=%u) ", owner->name,
			       owner->uid);
	else
		(void)snprintf(grep, sizeof(grep), "--grep= user=\\Q%s\\E ",
			       owner->name);
	text = host_read(argv, &arena, err);
	if (text != NULL)
		add_entries(list, text, owner);
	arena_free(&arena);
	return text == NULL ? -1 : 0;
}

/* Whether what is next in A, at I, comes before what is next in B, at K; each
 * is in order. */
static bool
is_before(struct json_object *a, size_t i, struct json_object *b, size_t k)
{
	const char *of_a, *of_b;

	if (i == json_object_array_length(a) ||
	    k == json_object_array_length(b))
		return k == json_object_array_length(b);
	of_a = get(json_object_array_get_idx(a, i), "time");
	of_b = get(json_object_array_get_idx(b, k), "time");
	return of_a == NULL || (of_b != NULL && strcmp(of_a, of_b) <= 0);
}

/* Adds to LIST what is in A and in B, in order. */
static void
merge(struct json_object *list, struct json_object *a, struct json_object *b)
{
	const size_t n =
		json_object_array_length(a) + json_object_array_length(b);
	size_t i = 0, k = 0;

	while (i + k < n) {
		struct json_object *const next =
			is_before(a, i, b, k)
				? json_object_array_get_idx(a, i++)
				: json_object_array_get_idx(b, k++);

		(void)json_object_array_add(list, json_object_get(next));
	}
}

/*
 * Each of both has its own: what the account logs pushes out nothing of root's.
 * Fails as the first look does, root's; with nothing to find, journalctl does.
 */
static int
read_journal(struct json_object *list, const struct event_owner *owner,
	     struct err *err)
{
	struct json_object *const roots = json_object_new_array();
	struct json_object *const own = json_object_new_array();
	int ret = roots == NULL || own == NULL ? err_errno(err, "memory") : 0;
	struct err nothing;

	if (ret == 0) {
		ret = read_journal_of(0, roots, owner, err);
		if (owner->has_uid)
			(void)read_journal_of(owner->uid, own, owner, &nothing);
		merge(list, roots, own);
	}
	(void)json_object_put(roots);
	(void)json_object_put(own);
	return ret;
}

/* --- syslogd ------------------------------------------------------------- */

static int
read_file(const char *path, struct json_object *list,
	  const struct event_owner *owner, struct err *err)
{
	FILE *const file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (file == NULL)
		return err_errno(err, "%s", path);
	while ((len = getline(&line, &size, file)) > 0) {
		line[len - 1] = '\0';
		add(list, event_parse_line(line), owner);
	}
	free(line);
	(void)fclose(file);
	return 0;
}

/* Reads the first that is there; ERR_GONE if none is. */
static int
read_files(struct json_object *list, const struct event_owner *owner,
	   struct err *err)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (read_file(files[i], list, owner, err) == 0)
			return 0;
		if (err->errnum != ENOENT)
			return -1;
	}
	return err_set(err, ERR_GONE, "no journal and no %s or %s", files[0],
		       files[1]);
}

/* --- both ---------------------------------------------------------------- */

struct json_object *
events_read(const struct event_owner *owner, struct err *err)
{
	struct json_object *const list = json_object_new_array();
	struct err no_file;
	int ret;

	if (list == NULL) {
		(void)err_errno(err, "memory");
		return NULL;
	}
	ret = read_journal(list, owner, err);
	if (json_object_array_length(list) > 0)
		return list;
	/* A journal that forgets, or none; with nothing to find journalctl
	 * fails as well. */
	if (read_files(list, owner, &no_file) == 0)
		return list;
	if (no_file.kind == ERR_GONE && (ret == 0 || err->kind == ERR_REFUSED))
		return list;
	*err = no_file;
	(void)json_object_put(list);
	return NULL;
}
