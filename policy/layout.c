/* SPDX-License-Identifier: ISC */
#include "policy/layout.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "jail/commands.h"
#include "jail/userns.h"
#include "policy/entries.h"
#include "policy/etc.h"
#include "policy/generated.h"
#include "policy/template.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* A layout while it is made. */
struct layout {
	const struct jail_conf *jail;
	const struct account *account;
	struct plan *plan;
	struct entries entries;
	const char *resolver; /* generated_resolver() */
};

/* System directories of the host beside /usr; links to it if merged. */
static const char *const system_dirs[] = { "/bin",   "/sbin",  "/lib",
					   "/lib32", "/lib64", "/libx32" };

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

bool
path_within(const char *path, const char *dir)
{
	const size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/');
}

bool
layout_needs(const char *path)
{
	static const char *const needed[] = { RUN_DIR, "/proc", "/dev/pts",
					      JAILSH };

	for (size_t i = 0; i < LENGTH(needed); i++)
		if (path_within(path, needed[i]) ||
		    path_within(needed[i], path))
			return true;
	return false;
}

static bool
in_system_dirs(const char *path)
{
	for (size_t i = 0; i < LENGTH(system_dirs); i++)
		if (path_within(path, system_dirs[i]))
			return true;
	return path_within(path, "/usr");
}

static int
add_system_dir(struct layout *layout, const char *path, struct err *err)
{
	char text[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "%s", path);
	if (!S_ISLNK(st.st_mode))
		return entries_bind(&layout->entries, path, path,
				    ENTRY_READONLY, err);
	n = readlink(path, text, sizeof(text));
	if (n < 0 || (size_t)n >= sizeof(text))
		return err_errno(err, "%s", path);
	text[n] = '\0';
	return entries_link(&layout->entries, path, text, err);
}

/* An installation below /usr has its configuration where all can see it. */
static int
hide_ours(struct layout *layout, struct err *err)
{
	static const char *const ours[] = { CONF_DIR, STATE_DIR };

	for (size_t i = 0; i < LENGTH(ours); i++)
		if (in_system_dirs(ours[i]) &&
		    entries_plain(&layout->entries, ENTRY_HIDE, ours[i],
				  ENTRY_OPTIONAL, err) < 0)
			return -1;
	return 0;
}

static int
add_system(struct layout *layout, struct err *err)
{
	struct entries *const entries = &layout->entries;

	if (entries_bind(entries, "/usr", "/usr", ENTRY_READONLY, err) < 0)
		return -1;
	for (size_t i = 0; i < LENGTH(system_dirs); i++)
		if (add_system_dir(layout, system_dirs[i], err) < 0)
			return -1;
	if (hide_ours(layout, err) < 0 ||
	    entries_dir(entries, "/root", 0700, 0, err) < 0 ||
	    entries_dir(entries, "/var", 0755, 0, err) < 0 ||
	    entries_link(entries, "/var/run", "/run", err) < 0 ||
	    entries_link(entries, "/var/lock", "/run/lock", err) < 0 ||
	    entries_dir(entries, "/etc", 0755, 0, err) < 0)
		return -1;
	return etc_add(layout->jail, entries, err);
}

static int
add_generated(struct layout *layout, const char *target, const char *text,
	      struct err *err)
{
	return text != NULL ? entries_file(&layout->entries, target, text, err)
			    : -1;
}

/*
 * A jail may run for weeks, and the host's name servers change.  What writes
 * them into a directory of its own in /run is seen there, whatever it does;
 * a file in /etc is seen as long as it is the same file.
 */
static int
add_resolv_conf(struct layout *layout, struct err *err)
{
	static const char path[] = "/etc/resolv.conf";
	struct plan *const plan = layout->plan;
	cleanup_fd int fd = -1;
	struct err why;

	if (layout->resolver != NULL)
		return entries_link(&layout->entries, path, layout->resolver,
				    err);
	if (add_generated(layout, path, generated_resolv_conf(plan, path, err),
			  err) < 0)
		return -1;
	if (plan->network == PLAN_NETWORK_HOST)
		fd = path_open_trusted(path, &why);
	return fd < 0 ? 0
		      : entries_bind(&layout->entries, path, path,
				     ENTRY_READONLY | ENTRY_NOEXEC |
					     ENTRY_OPTIONAL,
				     err);
}

/* Where /etc/resolv.conf leads: after /run is there. */
static int
add_resolver(struct layout *layout, struct err *err)
{
	const char *const path = layout->resolver;
	const char *dir;

	if (path == NULL)
		return 0;
	dir = arena_printf(&layout->plan->arena, err, "%.*s",
			   (int)(strrchr(path, '/') - path), path);
	return dir == NULL ? -1
			   : entries_bind(&layout->entries, dir, dir,
					  ENTRY_SERVICE | ENTRY_READONLY |
						  ENTRY_NOEXEC,
					  err);
}

static int
add_generated_files(struct layout *layout, struct err *err)
{
	struct plan *const plan = layout->plan;

	if (!layout->jail->passwd_tree && !plan->root_inside &&
	    (add_generated(layout, "/etc/passwd", generated_passwd(plan, err),
			   err) < 0 ||
	     add_generated(layout, "/etc/group", generated_group(plan, err),
			   err) < 0))
		return -1;
	if (plan->tree == NULL &&
	    add_generated(layout, "/etc/nsswitch.conf",
			  generated_nsswitch(plan), err) < 0)
		return -1;
	if (add_generated(
		    layout, "/etc/hostname",
		    arena_printf(&plan->arena, err, "%s\n", plan->hostname),
		    err) < 0 ||
	    add_generated(layout, "/etc/hosts", generated_hosts(plan, err),
			  err) < 0)
		return -1;
	return add_resolv_conf(layout, err);
}

/* As entries_scratch(), with SIZE if the configuration gives one; what it does
 * not say is as in the jail's other scratch. */
static int
add_sized(struct layout *layout, const char *target, mode_t mode,
	  const struct scratch_size *size, struct err *err)
{
	const struct jail_conf *const jail = layout->jail;
	const char *text;

	if (size->bytes == 0 && size->files == 0)
		return entries_scratch(&layout->entries, target, mode, 0, err);
	text = arena_printf(&layout->plan->arena, err, "%" PRIu64 ":%" PRIu64,
			    size->bytes > 0 ? size->bytes : jail->tmp_bytes,
			    size->files > 0 ? size->files : jail->tmp_files);
	if (text == NULL)
		return -1;
	return entries_sized(&layout->entries, target, mode, text, err);
}

/* How jailsh(8) knows that it is inside, and what to become. */
static int
add_way_in(struct layout *layout, struct err *err)
{
	struct entries *const entries = &layout->entries;

	if (!layout->plan->root_inside &&
	    entries_dir(entries, RUN_DIR, 0755, 0, err) < 0)
		return -1;
	return entries_link(entries, RUN_DIR "/shell", layout->plan->shell,
			    err);
}

/* The same where root inside could change what is root's: in a mount that is
 * read-only and the host's root's. */
static int
add_way_to_root(struct layout *layout, struct err *err)
{
	struct entries *const entries = &layout->entries;
	const unsigned int made = entries->made;

	entries->made = 0;
	if (entries_scratch(entries, RUN_DIR, 0755,
			    ENTRY_READONLY | ENTRY_NOEXEC, err) < 0 ||
	    add_way_in(layout, err) < 0 ||
	    entries_plain(entries, ENTRY_USERNS, USERNS_FILE, 0, err) < 0)
		return -1;
	entries->made = made;
	return 0;
}

static int
add_scratch(struct layout *layout, struct err *err)
{
	struct entries *const entries = &layout->entries;
	const char *const own =
		arena_printf(&layout->plan->arena, err, "/run/user/%u",
			     plan_uid_inside(layout->plan));

	if (own == NULL ||
	    entries_scratch(entries, "/tmp", 01777, 0, err) < 0 ||
	    entries_scratch(entries, "/var/tmp", 01777, 0, err) < 0 ||
	    add_sized(layout, "/run", 0755, &layout->jail->run, err) < 0 ||
	    entries_dir(entries, "/run/lock", 01777, 0, err) < 0 ||
	    /* Where screen(1) keeps its sockets; else it wants set-uid. */
	    entries_dir(entries, "/run/screen", 01777, 0, err) < 0 ||
	    entries_dir(entries, "/run/user", 0755, 0, err) < 0 ||
	    entries_dir(entries, own, 0700, ENTRY_OWNED, err) < 0)
		return -1;
	return layout->plan->root_inside ? add_way_to_root(layout, err)
					 : add_way_in(layout, err);
}

/*
 * What proc(5) has beside processes is the host's.  Hidden is what tells of its
 * memory, its devices, its keys, and what others do with them; what top(1) and
 * the like read stays, and so does what only root may open, unless it is as
 * dangerous as the first of these.  jail(7) has both lists.
 */
static const char *const hidden_of_proc[] = {
	"kcore",      "kmsg",	    "sysrq-trigger", "keys",
	"key-users",  "timer_list", "acpi",	     "asound",
	"bootconfig", "bus",	    "cmdline",	     "config.gz",
	"diskstats",  "fs",	    "interrupts",    "iomem",
	"ioports",    "irq",	    "kallsyms",	     "latency_stats",
	"locks",      "modules",    "partitions",    "sched_debug",
	"scsi",	      "swaps",
};

static int
add_proc(struct layout *layout, struct err *err)
{
	struct entries *const entries = &layout->entries;

	if (entries_plain(entries, ENTRY_PROC, "/proc", 0, err) < 0)
		return -1;
	for (size_t i = 0; i < LENGTH(hidden_of_proc); i++) {
		const char *const path =
			arena_printf(&layout->plan->arena, err, "/proc/%s",
				     hidden_of_proc[i]);

		if (path == NULL || entries_plain(entries, ENTRY_HIDE, path,
						  ENTRY_OPTIONAL, err) < 0)
			return -1;
	}
	return entries_plain(entries, ENTRY_FREEZE, "/proc/sys", 0, err);
}

/* The numbers are the kernel's: Documentation/admin-guide/devices.txt. */
static int
add_dev(struct layout *layout, struct err *err)
{
	static const char *const nodes[][2] = {
		{ "/dev/null", "1:3" },	   { "/dev/zero", "1:5" },
		{ "/dev/full", "1:7" },	   { "/dev/random", "1:8" },
		{ "/dev/urandom", "1:9" }, { "/dev/tty", "5:0" },
	};
	static const char *const links[][2] = {
		{ "/dev/fd", "/proc/self/fd" },
		{ "/dev/stdin", "/proc/self/fd/0" },
		{ "/dev/stdout", "/proc/self/fd/1" },
		{ "/dev/stderr", "/proc/self/fd/2" },
		{ "/dev/ptmx", "pts/ptmx" },
	};
	struct entries *const entries = &layout->entries;

	if (entries_scratch(entries, "/dev", 0755,
			    ENTRY_DEVICES | ENTRY_READONLY | ENTRY_NOEXEC,
			    err) < 0)
		return -1;
	for (size_t i = 0; i < LENGTH(nodes); i++)
		if (entries_device(entries, nodes[i][0], nodes[i][1], err) < 0)
			return -1;
	for (size_t i = 0; i < LENGTH(links); i++)
		if (entries_link(entries, links[i][0], links[i][1], err) < 0)
			return -1;
	if (add_sized(layout, "/dev/shm", 01777, &layout->jail->shm, err) < 0 ||
	    entries_plain(entries, ENTRY_PTS, "/dev/pts", 0, err) < 0)
		return -1;
	return add_proc(layout, err);
}

/*
 * The account's home on the host, with the symbolic links on the way
 * resolved: they are root's, or path_open_owned() would not get through.
 * (It belongs to the account itself, so that a home of /home or / does not
 * show what is everybody's.)
 */
static const char *
find_home(const struct layout *layout, struct err *err)
{
	const struct account *const account = layout->account;
	cleanup_free char *real = realpath(account->home, NULL);
	cleanup_fd int fd = -1;
	struct stat st;

	if (real == NULL) {
		(void)err_errno(err, "account %s: home directory %s",
				account->name, account->home);
		return NULL;
	}
	fd = path_open_owned(real, account->uid, 0, err);
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_context(err, "account %s: home directory",
				  account->name);
		return NULL;
	}
	if (!S_ISDIR(st.st_mode) || st.st_uid != account->uid) {
		(void)err_set(err, ERR_REFUSED,
			      "account %s: home directory %s is not a "
			      "directory of uid %u",
			      account->name, account->home, account->uid);
		return NULL;
	}
	return arena_copy(&layout->plan->arena, real, err);
}

static int
add_home(struct layout *layout, struct err *err)
{
	const char *const outside = layout->account->home;
	const char *const inside = layout->plan->home;
	const char *const source = find_home(layout, err);

	if (source == NULL || entries_bind(&layout->entries, inside, source,
					   ENTRY_OWNED, err) < 0)
		return -1;
	if (!path_is_clean(outside) || path_within(outside, inside) ||
	    path_within(inside, outside) || in_system_dirs(outside))
		return 0;
	return entries_link(&layout->entries, outside, inside, err);
}

static int
add_jailsh(struct layout *layout, struct err *err)
{
	if (layout->plan->tree == NULL && in_system_dirs(JAILSH))
		return 0;
	return entries_bind(&layout->entries, JAILSH, JAILSH, ENTRY_READONLY,
			    err);
}

/*
 * Over the host's own program, which is set-uid and so of no use inside,
 * comes the one that asks the broker.
 */
static int
add_command(struct layout *layout, const struct text *name, struct err *err)
{
	const struct command *const command = command_find(name->text);
	cleanup_free char *real = realpath(command->path, NULL);
	struct plan *const plan = layout->plan;
	cleanup_fd int fd = -1;
	struct err why;

	if (real == NULL)
		return where_error(&name->at, err, "command %s: %s: %s",
				   name->text, command->path, strerror(errno));
	fd = path_open_trusted(real, &why);
	if (fd < 0)
		return where_error(&name->at, err, "command %s: %s", name->text,
				   why.text);
	plan->commands[plan->n_commands++] = command->name;
	return entries_bind(&layout->entries,
			    plan->tree == NULL ? real : command->path, JAIL_ASK,
			    ENTRY_READONLY, err);
}

static int
add_commands(struct layout *layout, struct err *err)
{
	const struct texts *const names = &layout->jail->commands;
	struct plan *const plan = layout->plan;

	plan->commands = arena_alloc(&plan->arena,
				     names->n * sizeof(*plan->commands), err);
	if (plan->commands == NULL)
		return -1;
	for (size_t i = 0; i < names->n; i++)
		if (add_command(layout, &names->item[i], err) < 0)
			return -1;
	return 0;
}

static unsigned int
bind_flags(const struct bind *bind)
{
	return (bind->writable ? 0U : (unsigned int)ENTRY_READONLY) |
	       (bind->exec ? 0U : (unsigned int)ENTRY_NOEXEC) |
	       (bind->optional ? (unsigned int)ENTRY_OPTIONAL : 0U) |
	       (bind->user ? (unsigned int)ENTRY_OWNED : 0U);
}

static int
check_source(const struct bind *bind, const char *source, uid_t owner,
	     struct err *err)
{
	cleanup_fd int fd = -1;
	struct err why;

	if (!path_is_clean(source) || source[1] == '\0')
		return where_error(&bind->source.at, err,
				   "bind: source \"%s\" is not a clean "
				   "absolute path below /",
				   source);
	fd = path_open_owned(source, owner, 0, &why);
	if (fd >= 0 ||
	    (bind->optional && why.kind == ERR_SYSTEM && why.errnum == ENOENT))
		return 0;
	return where_error(&bind->at, err, "bind: %s", why.text);
}

static int
add_bind(struct layout *layout, const struct bind *bind, struct err *err)
{
	struct arena *const arena = &layout->plan->arena;
	const uid_t owner = bind->user ? layout->account->uid : 0;
	const char *const source =
		template_fill(&bind->source, layout->account, arena, err);
	const char *target;

	if (source == NULL || check_source(bind, source, owner, err) < 0)
		return -1;
	target = template_fill(&bind->target, layout->account, arena, err);
	if (target == NULL)
		return -1;
	if (!path_is_clean(target) || target[1] == '\0')
		return where_error(&bind->target.at, err,
				   "bind: target \"%s\" is not a clean "
				   "absolute path below /",
				   target);
	if (layout_needs(target))
		return where_error(&bind->target.at, err,
				   "bind: a mount on %s would break the jail",
				   target);
	return entries_bind(&layout->entries, target, source, bind_flags(bind),
			    err);
}

/*
 * By their directory, because a daemon that starts again makes a new socket.
 * connect(2) writes to the socket, not to the mount.
 */
static int
add_service(struct layout *layout, const struct service_word *word,
	    struct err *err)
{
	const struct host_service *const service = word->service;
	const unsigned int flags =
		ENTRY_SERVICE | ENTRY_READONLY | ENTRY_NOEXEC |
		(service->optional ? (unsigned int)ENTRY_OPTIONAL : 0U);
	struct err why;
	cleanup_fd int fd = path_open_service(service->directory, &why);
	const char *socket;

	if (fd < 0 && !(service->optional && why.kind == ERR_SYSTEM &&
			why.errnum == ENOENT))
		return where_error(&word->at, err, "service %s: %s",
				   service->name, why.text);
	if (entries_bind(&layout->entries, service->target, service->directory,
			 flags, err) < 0)
		return -1;
	if (service->link == NULL)
		return 0;
	socket = arena_printf(&layout->plan->arena, err, "%s/%s",
			      service->target, service->socket);
	return socket != NULL ? entries_link(&layout->entries, service->link,
					     socket, err)
			      : -1;
}

static int
add_configured(struct layout *layout, struct err *err)
{
	const struct jail_conf *const jail = layout->jail;

	for (size_t i = 0; i < jail->n_binds; i++)
		if (add_bind(layout, &jail->binds[i], err) < 0)
			return -1;
	for (size_t i = 0; i < jail->n_services; i++)
		if (add_service(layout, &jail->services[i], err) < 0)
			return -1;
	for (size_t i = 0; i < jail->hide.n; i++)
		if (entries_plain(&layout->entries, ENTRY_HIDE,
				  jail->hide.item[i].text, ENTRY_OPTIONAL,
				  err) < 0)
			return -1;
	return 0;
}

int
layout_make(const struct jail_conf *jail, const struct account *account,
	    struct plan *plan, struct err *err)
{
	struct layout layout = { .jail = jail,
				 .account = account,
				 .plan = plan };

	layout.entries.arena = &plan->arena;
	layout.entries.made = plan->root_inside ? (unsigned int)ENTRY_OWNED : 0;
	layout.resolver =
		generated_resolver(plan, "/etc/resolv.conf", &plan->arena);
	if ((plan->tree == NULL && add_system(&layout, err) < 0) ||
	    add_generated_files(&layout, err) < 0 ||
	    add_scratch(&layout, err) < 0 || add_resolver(&layout, err) < 0 ||
	    add_dev(&layout, err) < 0 || add_jailsh(&layout, err) < 0 ||
	    add_commands(&layout, err) < 0 || add_home(&layout, err) < 0 ||
	    add_configured(&layout, err) < 0)
		return -1;
	plan->entries = layout.entries.item;
	plan->n_entries = layout.entries.n;
	return 0;
}
