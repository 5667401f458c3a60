/* SPDX-License-Identifier: ISC */
#include "jailconf/planview.h"

#include "jail/cgroup.h"
#include "jailconf/limits.h"
#include "jailconf/network.h"
#include "jailconf/output.h"

#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- entries ------------------------------------------------------------ */

static const char *
kind_name(enum entry_kind kind)
{
	static const char *const names[] = {
		[ENTRY_DIR] = "directory", [ENTRY_FILE] = "file",
		[ENTRY_LINK] = "link",	   [ENTRY_DEVICE] = "device",
		[ENTRY_BIND] = "bind",	   [ENTRY_SCRATCH] = "scratch",
		[ENTRY_PROC] = "proc",	   [ENTRY_PTS] = "pts",
		[ENTRY_HIDE] = "hide",	   [ENTRY_FREEZE] = "freeze",
		[ENTRY_USERNS] = "userns",
	};

	return names[kind];
}

static const struct {
	enum entry_flag flag;
	const char *name;
} flag_names[] = {
	{ ENTRY_READONLY, "read-only" }, { ENTRY_OPTIONAL, "optional" },
	{ ENTRY_NOEXEC, "noexec" },	 { ENTRY_DEVICES, "devices" },
	{ ENTRY_OWNED, "owned" },	 { ENTRY_SERVICE, "service" },
};

enum { FLAGS = sizeof(flag_names) / sizeof(flag_names[0]) };

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void
tell_scratch(const struct entry *entry, struct line *line)
{
	uint64_t bytes, files;

	if (entry_own_size(entry, &bytes, &files) > 0)
		line_add(line,
			 "scratch of its own, %" PRIu64 " KiB and %" PRIu64
			 " files, mode %04o",
			 bytes / 1024, files, entry->mode);
	else
		line_add(line, "scratch of the jail, mode %04o", entry->mode);
}

static void
tell_source(const struct entry *entry, struct line *line)
{
	switch (entry->kind) {
	case ENTRY_DIR:
		line_add(line, "directory, mode %04o", entry->mode);
		break;
	case ENTRY_FILE:
		line_add(line, "file, mode %04o, %zu lines", entry->mode,
			 count_lines(entry->text));
		break;
	case ENTRY_LINK:
		line_add(line, "link to %s", entry->text);
		break;
	case ENTRY_DEVICE:
		line_add(line, "device %s", entry->text);
		break;
	case ENTRY_BIND:
		if (strcmp(entry->text, entry->target) == 0)
			line_add(line, "the host's");
		else
			line_add(line, "the host's %s", entry->text);
		break;
	case ENTRY_SCRATCH:
		tell_scratch(entry, line);
		break;
	case ENTRY_PROC:
		line_add(line, "processes of the jail");
		break;
	case ENTRY_PTS:
		line_add(line, "terminals of the jail");
		break;
	case ENTRY_HIDE:
		line_add(line, "hidden");
		break;
	case ENTRY_FREEZE:
		line_add(line, "what is there, read-only");
		break;
	case ENTRY_USERNS:
		line_add(line, "the way to root inside");
		break;
	}
}

static void
print_entry(const struct entry *entry)
{
	struct line line = { .used = 0 };

	tell_source(entry, &line);
	for (size_t i = 0; i < FLAGS; i++)
		if ((entry->flags & flag_names[i].flag) != 0)
			line_add(&line, ", %s", flag_names[i].name);
	out_line("  %-24s %s", entry->target, line.text);
}

static struct json_object *
entry_json(const struct entry *entry)
{
	struct json_object *const object = json_object_new_object();
	struct json_object *const flags = json_object_new_array();
	char mode[8];

	json_set(object, "target", entry->target);
	json_set(object, "kind", kind_name(entry->kind));
	json_set(object, "text", *entry->text != '\0' ? entry->text : NULL);
	(void)snprintf(mode, sizeof(mode), "%04o", entry->mode & 07777U);
	json_set(object, "mode", entry->mode != 0 ? mode : NULL);
	for (size_t i = 0; i < FLAGS; i++)
		if ((entry->flags & flag_names[i].flag) != 0)
			(void)json_object_array_add(
				flags,
				json_object_new_string(flag_names[i].name));
	(void)json_object_object_add(object, "flags", flags);
	return object;
}

/* --- the rest, in lines ------------------------------------------------- */

static void
print_ids(const struct plan *plan)
{
	struct line line = { .used = 0 };

	line_add(&line, "uid %u, gid %u, groups", plan->uid, plan->gid);
	for (size_t i = 0; i < plan->n_groups; i++) {
		const struct group *const group = getgrgid(plan->groups[i]);

		line_add(&line, " %u", plan->groups[i]);
		if (group != NULL)
			line_add(&line, "(%s)", group->gr_name);
	}
	out_row("ids", "%s", line.text);
}

static void
print_root_inside(const struct plan *plan)
{
	if (!plan->root_inside)
		return;
	out_row("root inside", "inside 0 is uid %u, gid %u on the host",
		plan->uid, plan->gid);
	out_row("", "inside 1-%d are uids %u-%u, gids %u-%u", (int)PLAN_SUB_IDS,
		plan->sub_uid, plan->sub_uid + PLAN_SUB_IDS - 1, plan->sub_gid,
		plan->sub_gid + PLAN_SUB_IDS - 1);
}

static void
print_root(const struct plan *plan)
{
	if (plan->tree == NULL)
		out_row("root", "the host's system directories, read-only");
	else if (plan->upper == NULL)
		out_row("root", "%s, read-only", plan->tree);
	else
		out_row("root", "%s, changes are kept in %s", plan->tree,
			plan->upper);
}

static void
add_list(struct line *line, const char *what, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		line_add(line, "%s%s", i == 0 ? what : " ", list[i]);
}

static void
print_filter(const struct plan *plan)
{
	struct line line = { .used = 0 };

	if (plan->n_filter == 0) {
		out_row("seccomp", "none: every system call of the kernel's");
		return;
	}
	line_add(&line, "%s", plan->seccomp);
	add_list(&line, ", but allowed: ", plan->seccomp_allow,
		 plan->n_seccomp_allow);
	add_list(&line, ", and refused: ", plan->seccomp_deny,
		 plan->n_seccomp_deny);
	out_row("seccomp", "%s", line.text);
}

static void
print_ports(const struct plan *plan)
{
	const struct plan_ports *const ports = &plan->ports;
	struct err err;

	if (ports->first == 0)
		return;
	out_row("ports", "%u-%u, and those that the kernel chooses",
		ports->first, ports->last);
	if (cgroup_foresee_ports(plan, &err) < 0)
		out_row("", "not held: %s", err.text);
}

static void
print_list(const char *label, const char *const *list, size_t n)
{
	struct line line = { .used = 0 };

	for (size_t i = 0; i < n; i++)
		line_add(&line, "%s%s", i > 0 ? " " : "", list[i]);
	if (n > 0)
		out_row(label, "%s", line.text);
}

static const char *const namespaces[] = { "mount", "pid", "ipc", "uts",
					  "cgroup" };

enum { NAMESPACES = sizeof(namespaces) / sizeof(namespaces[0]) };

void
planview_print(const struct plan *plan)
{
	const bool own = plan_owns_network(plan);

	out_row("inside", "name %s, home %s, shell %s, host %s", plan->name,
		plan->home, plan->shell, plan->hostname);
	print_ids(plan);
	print_root_inside(plan);
	print_root(plan);
	out_row("namespaces", "mount pid ipc uts cgroup%s%s",
		own ? " network" : "", plan->root_inside ? " user" : "");
	network_print(plan);
	print_ports(plan);
	print_filter(plan);
	limits_print(plan);
	if (plan->umask == PLAN_UMASK_HOST)
		out_row("umask", "as on the host");
	else
		out_row("umask", "%04o", (unsigned int)plan->umask);
	print_list("commands", plan->commands, plan->n_commands);
	print_list("env", plan->env, plan->n_env);
	print_list("env_keep", plan->env_keep, plan->n_env_keep);
	if (plan->linger_seconds == PLAN_LINGER_FOREVER)
		out_row("linger", "for ever");
	else
		out_row("linger", "%d s after the last session",
			plan->linger_seconds);
	out_line("what is inside, in the order it is put there");
	for (size_t i = 0; i < plan->n_entries; i++)
		print_entry(&plan->entries[i]);
	network_print_rules(plan);
}

/* --- JSON --------------------------------------------------------------- */

static struct json_object *
list_json(const char *const *list, size_t n)
{
	struct json_object *const array = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		(void)json_object_array_add(array,
					    json_object_new_string(list[i]));
	return array;
}

static void
add_root_inside(const struct plan *plan, struct json_object *object)
{
	struct json_object *ids = NULL;

	if (plan->root_inside) {
		ids = json_object_new_object();
		json_set_number(ids, "uid", plan->uid);
		json_set_number(ids, "gid", plan->gid);
		json_set_number(ids, "sub_uid", plan->sub_uid);
		json_set_number(ids, "sub_gid", plan->sub_gid);
		json_set_number(ids, "count", PLAN_SUB_IDS);
	}
	(void)json_object_object_add(object, "root_inside", ids);
}

static void
add_who(const struct plan *plan, struct json_object *object)
{
	struct json_object *const inside = json_object_new_object();
	struct json_object *const groups = json_object_new_array();

	json_set_number(object, "uid", plan->uid);
	json_set_number(object, "gid", plan->gid);
	for (size_t i = 0; i < plan->n_groups; i++)
		(void)json_object_array_add(
			groups, json_object_new_uint64(plan->groups[i]));
	(void)json_object_object_add(object, "groups", groups);
	json_set(inside, "name", plan->name);
	json_set(inside, "home", plan->home);
	json_set(inside, "shell", plan->shell);
	json_set(inside, "hostname", plan->hostname);
	(void)json_object_object_add(object, "inside", inside);
	add_root_inside(plan, object);
}

static void
add_filter(const struct plan *plan, struct json_object *object)
{
	struct json_object *const seccomp = json_object_new_object();

	json_set(seccomp, "profile", plan->seccomp);
	(void)json_object_object_add(
		seccomp, "allow",
		list_json(plan->seccomp_allow, plan->n_seccomp_allow));
	(void)json_object_object_add(
		seccomp, "deny",
		list_json(plan->seccomp_deny, plan->n_seccomp_deny));
	json_set_number(seccomp, "instructions", plan->n_filter);
	(void)json_object_object_add(object, "seccomp", seccomp);
}

static void
add_ports(const struct plan *plan, struct json_object *object)
{
	const struct plan_ports *const ports = &plan->ports;
	struct json_object *pair = NULL;
	struct err err;

	if (ports->first != 0) {
		pair = json_object_new_object();
		json_set_number(pair, "first", ports->first);
		json_set_number(pair, "last", ports->last);
		json_set(pair, "not_held",
			 cgroup_foresee_ports(plan, &err) < 0 ? err.text
							      : NULL);
	}
	(void)json_object_object_add(object, "ports", pair);
}

static void
add_world(const struct plan *plan, struct json_object *object)
{
	const bool own = plan_owns_network(plan);
	struct json_object *const list = list_json(namespaces, NAMESPACES);
	struct json_object *const entries = json_object_new_array();

	if (own)
		(void)json_object_array_add(list,
					    json_object_new_string("network"));
	if (plan->root_inside)
		(void)json_object_array_add(list,
					    json_object_new_string("user"));
	(void)json_object_object_add(object, "namespaces", list);
	network_json(plan, object);
	add_ports(plan, object);
	json_set(object, "root", plan->tree != NULL ? plan->tree : "host");
	json_set(object, "changes", plan->upper);
	for (size_t i = 0; i < plan->n_entries; i++)
		(void)json_object_array_add(entries,
					    entry_json(&plan->entries[i]));
	(void)json_object_object_add(object, "entries", entries);
}

void
planview_json(const struct plan *plan, struct json_object *object)
{
	char umask[8];

	add_who(plan, object);
	add_world(plan, object);
	add_filter(plan, object);
	limits_json(plan, object);
	(void)snprintf(umask, sizeof(umask), "%04o",
		       (unsigned int)plan->umask & 07777U);
	json_set(object, "umask",
		 plan->umask == PLAN_UMASK_HOST ? "host" : umask);
	(void)json_object_object_add(
		object, "commands",
		list_json(plan->commands, plan->n_commands));
	(void)json_object_object_add(object, "env",
				     list_json(plan->env, plan->n_env));
	(void)json_object_object_add(
		object, "env_keep",
		list_json(plan->env_keep, plan->n_env_keep));
	(void)json_object_object_add(
		object, "linger",
		plan->linger_seconds == PLAN_LINGER_FOREVER
			? json_object_new_string("forever")
			: json_object_new_int(plan->linger_seconds));
}
